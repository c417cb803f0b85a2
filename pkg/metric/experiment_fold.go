package metric

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// FoldExperiment is the lift of every variant of one experiment against its control, for one metric; metric "" is the
// primary one. Absolute lifts have Newcombe's interval, relative ones the delta method with Welch's degrees of freedom;
// a sequential design has intervals that hold at every look.
func FoldExperiment(rows []ConversionRow, plan Plan, metric, currency string, fx FX) Experiment {
	x := Experiment{
		Experiment: rows[0].Experiment, Name: plan.Name, Metrics: metricsOf(rows), Registered: plan.Registered, Analysis: "fixed",
		PlannedN: plan.PlannedN, Level: LevelStatistics, Status: OK, Warnings: []Warning{},
	}
	if x.Name == "" {
		x.Name = x.Experiment
	}
	if plan.Sequential {
		x.Analysis = "sequential"
	}
	if plan.Design != "" {
		x.Design = &plan.Design
	}
	x.Metric = pickMetric(metric, plan.PrimaryMetric, x.Metrics)
	counts, from := armsOf(rows, x.Metric)
	x.exposedBy, x.plan = from, plan
	if from != x.Metric {
		x.warn("exposures_from_metric", fmt.Sprintf("no exposures came with %s: those of %s are taken", x.Metric, from))
	}
	names := counts.order(plan.Control)
	for _, name := range names {
		a := counts[name]
		x.Exposures += a.Exposures
		x.Variants = append(x.Variants, variantOf(a, fx))
		first, last := dayText(a.First), dayText(a.Last)
		if x.FirstDay == nil || first < *x.FirstDay {
			x.FirstDay = &first
		}
		if x.LastDay == nil || last > *x.LastDay {
			x.LastDay = &last
		}
	}
	x.sampleRatio(counts, plan)
	x.judge(counts, plan)
	x.Value = x.value(counts, plan, currency)
	return x
}

func pickMetric(asked, primary string, metrics []string) string {
	switch {
	case asked != "":
		return asked
	case primary != "":
		return primary
	case slices.Contains(metrics, "conversion") || len(metrics) == 0:
		return "conversion"
	}
	return metrics[0]
}

func (x *Experiment) warn(code, message string) {
	x.Warnings = append(x.Warnings, Warning{code, message})
}

func variantOf(a *ConversionRow, fx FX) Variant {
	v := Variant{Variant: a.Variant, Exposures: a.Exposures, Conversions: a.Conversions, Status: string(OK)}
	if e := stat.Wilson(proportion(a), LevelStatistics); e.Known() {
		v.Rate, v.RateLow, v.RateHigh = finite(e.Value), finite(e.Low), finite(e.High)
	}
	if a.Exposures == 0 {
		return v
	}
	total, converted := decimal.Zero, false
	for i, c := range a.Currencies {
		if c == "" && a.Values[i].IsZero() {
			continue
		}
		rate, ok := fx(c, event.Day{Time: a.Last})
		if !ok {
			return v
		}
		total, converted = total.Add(a.Values[i].Mul(rate.Rate)), true
	}
	if converted {
		v.ValuePerExposure = ExactOf(quotient(total, count(a.Exposures)))
	}
	return v
}

func proportion(a *ConversionRow) stat.Proportion {
	return stat.Proportion{Successes: int64(a.Conversions), Trials: int64(a.Exposures)}
}

// sampleRatio compares the exposures with the declared allocation, or with equal shares where none is declared.
func (x *Experiment) sampleRatio(counts arms, plan Plan) {
	weights := plan.Allocation
	if len(weights) == 0 {
		weights = map[string]float64{}
		for name := range counts {
			weights[name] = 1
		}
		x.warn("allocation_assumed", "no expected allocation is declared: equal shares are assumed")
	}
	var observed []int64
	var expected []float64
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		n := uint64(0)
		if a := counts[name]; a != nil {
			n = a.Exposures
		}
		observed, expected = append(observed, int64(n)), append(expected, weights[name])
		total += weights[name]
	}
	x.SRM = SampleRatio{Status: string(NoData), Expected: map[string]float64{}}
	for name, w := range weights {
		x.SRM.Expected[name] = w / total
	}
	for _, name := range counts.order("") {
		if _, planned := weights[name]; !planned {
			x.warn("unplanned_variant", fmt.Sprintf("%s is not in the expected allocation", name))
		}
	}
	fit := stat.SampleRatio(observed, expected)
	if math.IsNaN(fit.P) {
		return
	}
	x.SRM.ChiSquare, x.SRM.P, x.SRM.Status = finite(fit.ChiSquare), finite(fit.P), string(OK)
	if fit.P < sampleRatioLimit {
		x.SRM.Status = "srm"
	}
}

// judge compares every variant with the control, or says why it cannot.
func (x *Experiment) judge(counts arms, plan Plan) {
	control := counts[plan.Control]
	switch {
	case plan.Control == "":
		x.withhold("no_control", "no control variant is declared: add experiments/"+x.Experiment+" with its control to the registry")
	case control == nil:
		x.withhold("no_control", fmt.Sprintf("the control variant %s has no events", plan.Control))
	case x.SRM.Status == "srm":
		x.withhold("srm", "the arms are not of the planned sizes (p < 0.001): something besides chance decided who was exposed")
	}
	if plan.Control != "" {
		x.Control = &plan.Control
	}
	if x.Status == OK && !plan.Sequential && plan.PlannedN != nil && x.Exposures < *plan.PlannedN {
		x.warn("running", fmt.Sprintf("%d of %d planned exposures: the intervals hold at the end only, and no money is counted before", x.Exposures, *plan.PlannedN))
	}
	var ps []float64
	var tested []int
	for i := range x.Variants {
		v := &x.Variants[i]
		if v.Variant == plan.Control {
			v.IsControl, v.Status = true, "control"
			continue
		}
		if x.Status != OK {
			v.Status, v.Reason = string(Withheld), x.Reason
			continue
		}
		v.Grade = &plan.Grade
		if p, ok := x.compare(v, counts[v.Variant], control, plan.Sequential); ok {
			ps, tested = append(ps, p), append(tested, i)
		}
	}
	for i, p := range stat.Holm(ps) {
		x.Variants[tested[i]].PHolm = finite(p)
	}
}

func (x *Experiment) withhold(reason, message string) {
	x.Status, x.Reason = Withheld, &reason
	x.warn(reason, message)
}

// compare fills in the lifts of one variant; ok is false where its counts do not carry them.
func (x *Experiment) compare(v *Variant, a, control *ConversionRow, sequential bool) (p float64, ok bool) {
	reason := ""
	switch {
	case a.Conversions > a.Exposures || control.Conversions > control.Exposures:
		reason = "bad_counts"
	case min(a.Exposures, control.Exposures) < leastExposures || min(a.Conversions, control.Conversions) < leastConversions:
		reason = "immature"
	}
	if reason != "" {
		v.Status, v.Reason = string(Withheld), &reason
		return 0, false
	}
	treated, base := proportion(a), proportion(control)
	abs := stat.ProportionDifference(treated, base, x.Level)
	rel := stat.ProportionLift(treated, base, x.Level)
	v.ChanceToWin = finite(stat.ChanceToWin(rel.Estimate))
	if sequential {
		abs = stat.Sequential(abs, stat.SequentialTuning)
		rel = stat.Sequential(rel, stat.SequentialTuning)
		if min(a.Conversions, control.Conversions) < leastSequentialConversions {
			rel.Low, rel.High, rel.P = math.NaN(), math.NaN(), math.NaN()
			x.warn("immature", fmt.Sprintf("%s has no relative interval yet: a sequential one needs 50 conversions in each arm", v.Variant))
		}
	}
	v.LiftAbs, v.LiftRel = intervalOf(abs.Estimate), intervalOf(rel.Estimate)
	v.PAbs, v.PRel = finite(abs.P), finite(rel.P)
	return abs.P, true
}

func intervalOf(e stat.Estimate) Interval {
	return Interval{Value: finite(e.Value), Low: finite(e.Low), High: finite(e.High)}
}

// value is treated exposures × absolute lift × margin per conversion, over all exposures so far.
func (x *Experiment) value(counts arms, plan Plan, currency string) Measure {
	m := start(ConversionValue, currency)
	deals := uint64(0)
	for _, a := range counts {
		deals += a.DealN
	}
	switch {
	case x.Status != OK:
		m.withhold(*x.Reason, "the experiment has no lift to price")
	case deals > 0:
		m.withhold("recognised_at_close", "its conversions name deals: the money is recognised when they close")
	case !plan.Sequential && plan.PlannedN != nil && x.Exposures < *plan.PlannedN:
		m.withhold("running", "a fixed design is priced once it has its planned exposures")
	case plan.Margin == nil && plan.MarginReason != "":
		m.withhold(plan.MarginReason, "the margin per conversion cannot be converted to "+currency)
	case plan.Margin == nil:
		m.withhold("no_margin", "no margin per conversion is declared for the experiment")
	default:
		x.price(&m, counts, counts[plan.Control])
	}
	return m
}

// price keeps what an exposure to each variant gained, and sums it over all exposures.
func (x *Experiment) price(m *Measure, counts arms, control *ConversionRow) {
	x.lifts, x.errors = map[string]decimal.Decimal{}, map[string]float64{}
	exposures := map[string]uint64{}
	point, n := decimal.Zero, uint64(0)
	for i := range x.Variants {
		v := &x.Variants[i]
		if v.IsControl || v.Status != string(OK) {
			continue
		}
		a := counts[v.Variant]
		// c/n − c₀/n₀ = (c·n₀ − c₀·n) ÷ (n·n₀), rounded once.
		x.lifts[v.Variant] = quotient(
			count(a.Conversions).Mul(count(control.Exposures)).Sub(count(control.Conversions).Mul(count(a.Exposures))),
			count(a.Exposures).Mul(count(control.Exposures)))
		x.errors[v.Variant] = stat.Wilson(proportion(a), LevelMoney).SE
		exposures[v.Variant] = a.Exposures
		point, n = point.Add(x.gain(v.Variant, a.Exposures)), n+a.Exposures
	}
	x.controlError = stat.Wilson(proportion(control), LevelMoney).SE
	if len(x.lifts) == 0 {
		m.withhold("immature", "no variant has enough exposures and conversions yet")
		return
	}
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(point), &n, &x.plan.Grade
	if low, high, ok := combine([]sharedError{x.deviation(exposures)}, point.InexactFloat64(), 1); ok {
		m.interval(low, high, LevelMoney)
	}
	if x.plan.Grade < 5 {
		m.warn("design", "the declared design is not randomised: the lift may have other causes")
	}
}

// gain is the money of exposures to a variant.
func (x *Experiment) gain(variant string, exposures uint64) decimal.Decimal {
	return count(exposures).Mul(x.lifts[variant]).Mul(*x.plan.Margin)
}

// deviation is that of Σ n·(p − p₀) × margin: Var = Σ n²·Var(p) + (Σ n)²·Var(p₀), since the control is shared. A
// sequential design has the width that holds at every look.
func (x *Experiment) deviation(exposures map[string]uint64) sharedError {
	variance, treated := 0.0, 0.0
	for variant, n := range exposures {
		part := float64(n) * x.errors[variant]
		variance, treated = variance+part*part, treated+float64(n)
	}
	variance += treated * treated * x.controlError * x.controlError
	sd := math.Sqrt(variance) * x.plan.Margin.Abs().InexactFloat64()
	if x.plan.Sequential {
		look := stat.Comparison{Estimate: stat.Estimate{SE: sd, Level: LevelMoney, N: int64(x.Exposures)}}
		sd = stat.Sequential(look, stat.SequentialTuning).High / normalQuantile
	}
	return sharedError{sd: sd, dof: unbounded}
}

// normalQuantile is the 95 % point of the normal distribution: the half-width of a 90 % interval in deviations.
const normalQuantile = 1.6448536269514722
