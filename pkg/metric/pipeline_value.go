package metric

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

const (
	// leastDecided is how many deals must be decided on either side of the comparison.
	leastDecided = 30
	// designGrade is the lowest evidence grade whose pipeline value is added to the growth rung: with controls.
	designGrade = 2
)

// The reasons why there is no pipeline value.
const (
	ReasonTooFew        = "too_few"
	ReasonNoMargin      = "no_margin"
	ReasonObservational = "observational"

	ReasonUnknownAssistance = "unknown_assistance"
)

// Study is the declared design of the experiment that deals are part of.
type Study struct {
	Grade   int
	Version string
}

// PipelineValueInput is what the fold of the pipeline value needs.
type PipelineValueInput struct {
	// Rows are the deals of the whole workspace that were decided in the period: the estimate is one for all scopes.
	Rows  []DealRow
	Scope Scope
	// Study finds the design of an experiment; ok is false for one that nobody declared.
	Study func(experiment string) (Study, bool)
	// Links are the won deals that are recognised through an experiment; a deal is recognised once.
	Links map[string]DealLink
	FX    FX
	// Haircut is what a gain of a grade loses in risk_adjusted.
	Haircut func(grade int) decimal.Decimal
}

// dealEstimate compares the decided deals of one study, or of all that are in none.
type dealEstimate struct {
	// study is the key of the experiment, empty for observed deals.
	study   string
	version string
	grade   int
	rows    []DealRow

	assisted, unassisted DealTotals
	// won are the won deals of both sides that have an amount in the currency asked for: amount, and amount × margin of
	// those that have a margin.
	won                 []float64
	amount              decimal.Decimal
	marginOf, marginSum decimal.Decimal
	withMargin          uint64

	reason, message string
	// value is what one assisted decided deal gained, spread its standard error with degrees of freedom.
	value  decimal.Decimal
	spread sharedError
}

// pipelineFold collects cells.
type pipelineFold struct {
	Fold
	in       PipelineValueInput
	currency string
	total    decimal.Decimal
	n        uint64
	errors   map[string]sharedError
	shares   map[int]*gradeSum
	unknown  bool
	rates    usedRates
	left     map[leftDeals]*currencySum
}

// FoldPipelineValue is assisted decided × (win rate assisted − unassisted) × mean won amount × margin. Deals of an experiment with
// a declared design of grade 2 and more are compared within it; deals that conversions of an experiment name are recognised
// at their close with the share that the treatment brought about. Where there are neither, all deals are compared, and the
// value is observational: it is shown, and never added to the ladder.
func FoldPipelineValue(in PipelineValueInput, currency string) Fold {
	m := start(PipelineValue, currency)
	f := &pipelineFold{in: in, currency: currency, errors: map[string]sharedError{}, shares: map[int]*gradeSum{}, rates: usedRates{}, left: map[leftDeals]*currencySum{}}
	rest := f.linked()
	f.listLinked()
	f.unknownAssistance(rest)
	studies, observed := f.studies(rest)
	designed := len(rest) < len(in.Rows)
	for _, e := range studies {
		if e.reason != "" {
			f.exclude(e)
			observed.rows = append(observed.rows, e.rows...)
			continue
		}
		designed = true
		f.apply(e)
		f.describe(&m, e)
	}
	observed.estimate(in.FX, currency, f.rates)
	switch {
	case designed:
		f.beside(&m, observed)
	case len(in.Rows) == 0:
	case observed.reason != "":
		m.N = new(observed.assisted.Decided())
		m.withhold(observed.reason, observed.message)
	default:
		f.apply(observed)
		f.describe(&m, observed)
	}
	f.finish(&m)
	f.Measure = m
	return f.Fold
}

// studies cuts the deals into those of each study, estimated, and all others.
func (f *pipelineFold) studies(rows []DealRow) (studies []*dealEstimate, observed *dealEstimate) {
	observed = &dealEstimate{grade: 1, rows: make([]DealRow, 0, len(rows))}
	byKey := map[string]*dealEstimate{}
	for _, r := range rows {
		s, declared := f.in.Study(r.Experiment)
		if r.Experiment == "" || !declared || s.Grade < designGrade {
			observed.rows = append(observed.rows, r)
			continue
		}
		e := byKey[r.Experiment]
		if e == nil {
			e = &dealEstimate{study: r.Experiment, version: s.Version, grade: s.Grade}
			byKey[r.Experiment] = e
		}
		e.rows = append(e.rows, r)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		byKey[key].estimate(f.in.FX, f.currency, f.rates)
		studies = append(studies, byKey[key])
	}
	return studies, observed
}

// unknownAssistance lists decided deals that stand on neither side.
func (f *pipelineFold) unknownAssistance(rows []DealRow) {
	n := uint64(0)
	for _, r := range rows {
		if r.Assisted == nil && f.in.Scope.Holds(r.Team, r.Workflow) {
			n++
		}
	}
	if n > 0 {
		f.Excluded = append(f.Excluded, Excluded{
			Measure: PipelineValue, Reason: ReasonUnknownAssistance, N: &n, Unit: UnitDeals,
			Message: "decided deals that do not say whether AI had a part in them count on neither side",
		})
	}
}

// estimate finds what an assisted deal gained, or says why it cannot.
func (e *dealEstimate) estimate(fx FX, currency string, rates usedRates) {
	var with, without []DealRow
	for _, r := range e.rows {
		switch {
		case r.Assisted == nil:
			continue
		case *r.Assisted:
			with = append(with, r)
		default:
			without = append(without, r)
		}
		e.wonDeal(r, fx, rates)
	}
	e.assisted, e.unassisted = TotalDeals(with, fx), TotalDeals(without, fx)
	a, u := e.assisted.Decided(), e.unassisted.Decided()
	switch {
	case min(a, u) < leastDecided:
		e.withhold(ReasonTooFew, fmt.Sprintf("%d assisted and %d unassisted decided deals: %d are needed on either side", a, u, leastDecided))
	case len(e.won) == 0 && len(e.assisted.missing)+len(e.unassisted.missing) > 0:
		e.withhold(reasonNoFX, "no won amount can be converted to "+currency)
	case len(e.won) == 0 || e.amount.IsZero():
		e.withhold(reasonNoAmount, "no won deal has an amount")
	case e.withMargin == 0 || e.marginSum.IsZero():
		e.withhold(ReasonNoMargin, "no won deal has a margin: send the share of the amount that stays with the deal")
	default:
		e.price(a, u)
	}
}

func (e *dealEstimate) withhold(reason, message string) {
	if e.study != "" {
		message = "experiment " + e.study + ": " + message
	}
	e.reason, e.message = reason, message
}

// wonDeal adds the amount and margin of a won deal.
func (e *dealEstimate) wonDeal(r DealRow, fx FX, rates usedRates) {
	if !r.Won() || r.Amount == nil || r.DecidedDay == nil {
		return
	}
	rate, ok := fx(r.Currency, event.Day{Time: *r.DecidedDay})
	if !ok {
		return
	}
	rates.use(r.Currency, rate)
	amount := r.Amount.Mul(rate.Rate)
	e.won, e.amount = append(e.won, amount.InexactFloat64()), e.amount.Add(amount)
	if r.Margin != nil {
		e.marginOf, e.marginSum, e.withMargin = e.marginOf.Add(amount.Mul(*r.Margin)), e.marginSum.Add(amount), e.withMargin+1
	}
}

// price is Δ × mean won amount × margin, rounded once: (w₁·n₀ − w₀·n₁) ÷ (n₁·n₀) × ΣA ÷ n × Σ(A·m) ÷ ΣA. Its variance is
// that of the product of the difference of the rates and the mean amount (Goodman 1960).
func (e *dealEstimate) price(assisted, unassisted uint64) {
	difference := count(e.assisted.Won).Mul(count(unassisted)).Sub(count(e.unassisted.Won).Mul(count(assisted)))
	numerator := difference.Mul(e.amount).Mul(e.marginOf)
	denominator := count(assisted).Mul(count(unassisted)).Mul(count(uint64(len(e.won)))).Mul(e.marginSum)
	e.value = numerator.DivRound(denominator, moneyDigits+12).RoundBank(moneyDigits)
	lift := stat.ProportionDifference(
		stat.Proportion{Successes: int64(e.assisted.Won), Trials: int64(assisted)},
		stat.Proportion{Successes: int64(e.unassisted.Won), Trials: int64(unassisted)}, LevelMoney).Estimate
	margin := e.margin().InexactFloat64()
	kept := make([]float64, len(e.won))
	for i, a := range e.won {
		kept[i] = a * margin
	}
	total := stat.Product(lift, stat.Mean(stat.SampleOf(kept), LevelMoney), LevelMoney)
	e.spread = sharedError{sd: total.SE, dof: total.DF}
}

// margin is that of the won deals that have one, weighted by their amounts.
func (e *dealEstimate) margin() decimal.Decimal { return quotient(e.marginOf, e.marginSum) }

// source names what the error of an estimate is shared by.
func (e *dealEstimate) source() string {
	return PipelineValue + " " + cmp.Or(e.study, ReasonObservational)
}

// apply gives every assisted decided deal of the scope what the estimate says.
func (f *pipelineFold) apply(e *dealEstimate) {
	n := 0
	for _, r := range e.rows {
		if r.Assisted == nil || !*r.Assisted || !(r.Won() || r.Lost()) || !f.in.Scope.Holds(r.Team, r.Workflow) {
			continue
		}
		n++
		f.cell(r, e.grade, e.value, e.study, "", term{value: e.value.InexactFloat64(), sd: e.spread.sd, source: e.source(), dof: e.spread.dof})
	}
	if math.IsNaN(e.spread.sd) {
		f.unknown = true
		return
	}
	f.errors[e.source()] = sharedError{sd: e.spread.sd * float64(n), dof: e.spread.dof}
}

func (f *pipelineFold) cell(r DealRow, grade int, value decimal.Decimal, experiment, variant string, t term) {
	day := r.Day
	if r.DecidedDay != nil {
		day = *r.DecidedDay
	}
	f.Cells = append(f.Cells, Cell{
		Day: dayText(day), Team: r.Team, Workflow: r.Workflow, Experiment: experiment, Variant: variant, Value: value, N: 1, Grade: grade, Source: r.Deal,
	})
	f.terms = append(f.terms, t)
	f.total, f.n = f.total.Add(value), f.n+1
	s := f.shares[grade]
	if s == nil {
		s = &gradeSum{}
		f.shares[grade] = s
	}
	s.value, s.weight, s.n = s.value.Add(value), s.weight.Add(value.Abs()), s.n+1
}

// exclude lists a study that has no estimate.
func (f *pipelineFold) exclude(e *dealEstimate) {
	f.Excluded = append(f.Excluded, Excluded{
		Measure: PipelineValue, Reason: e.reason, Message: e.message, N: new(uint64(len(e.rows))), Unit: UnitDeals,
	})
}

// describe shows the inputs of the estimate beside the value, and lists them for the claim.
func (f *pipelineFold) describe(m *Measure, e *dealEstimate) {
	suffix, title, source := "", "", "deals decided in the period, whole workspace"
	if e.study != "" {
		suffix, title, source = ":"+e.study, ", experiment "+e.study, "registry experiments/"+e.study
	}
	a, u := e.assisted, e.unassisted
	add := func(key, text, unit string, value decimal.Decimal, n uint64) {
		m.Parts = append(m.Parts, Part{Key: key + suffix, Title: text + title, Value: ExactOf(value), Unit: unit, N: &n})
		in := Input{Name: text + title, Value: new(ExactOf(value).Text()), Unit: unit, Source: source, Grade: &e.grade, N: &n}
		if e.version != "" {
			in.Version = &e.version
		}
		f.Inputs = append(f.Inputs, in)
	}
	rate, other := quotient(count(a.Won), count(a.Decided())), quotient(count(u.Won), count(u.Decided()))
	add("win_rate_assisted", "Win rate with AI", UnitShare, rate, a.Decided())
	add("win_rate_unassisted", "Win rate without", UnitShare, other, u.Decided())
	add("mean_won_amount", "Mean won amount", f.currency, quotient(e.amount, count(uint64(len(e.won)))), uint64(len(e.won)))
	add("margin", "Margin", UnitShare, e.margin(), e.withMargin)
	add("per_deal", "Gained by an assisted deal", f.currency, e.value, a.Decided())
}

// beside shows what observed deals say where a design gives the value.
func (f *pipelineFold) beside(m *Measure, observed *dealEstimate) {
	if observed.reason != "" {
		return
	}
	total, n := decimal.Zero, uint64(0)
	for _, r := range observed.rows {
		if r.Assisted != nil && *r.Assisted && (r.Won() || r.Lost()) && f.in.Scope.Holds(r.Team, r.Workflow) {
			total, n = total.Add(observed.value), n+1
		}
	}
	if n > 0 {
		m.Parts = append(m.Parts, Part{
			Key: ReasonObservational, Title: "Other assisted deals, observational, not added", Value: ExactOf(total), Unit: f.currency, N: &n,
		})
	}
}

// finish turns what was collected into the measure.
func (f *pipelineFold) finish(m *Measure) {
	f.Counts = []Count{{"assisted or named deals", new(f.n)}, {"deals decided in the workspace", new(uint64(len(f.in.Rows)))}}
	if m.Status == Withheld {
		return
	}
	if f.n == 0 {
		if len(f.left) > 0 {
			m.withhold(f.Excluded[0].Reason, f.Excluded[0].Message)
		}
		return // the scope has decided no deal that the estimate is about
	}
	m.Status, m.Value, m.N = OK, ExactOf(f.total), new(f.n)
	gradeShares(m, f.shares, f.n)
	m.RiskAdjusted = ExactOf(riskAdjusted(f.Cells, f.in.Haircut))
	if *m.Grade < designGrade {
		m.warn(ReasonObservational, "assisted deals may differ in more than AI: it is shown beside the growth rung and not added")
	}
	if len(f.left) > 0 {
		m.warn(f.Excluded[0].Reason, "some deals that experiments name are not in the value: see what is excluded")
	}
	f.Inputs = append(f.Inputs, f.rates.inputs(f.currency)...)
	if f.unknown {
		m.warn("too_few_amounts", "fewer than two won deals have an amount: no interval")
		return
	}
	if low, high, ok := combine(inOrder(f.errors), f.total.InexactFloat64(), 1); ok {
		m.interval(low, high, LevelMoney)
	}
}
