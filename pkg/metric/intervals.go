package metric

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// combine is the 90 % interval of a value of money, or of what becomes money, whose error is made of independent shared
// errors, each in units of 1/divisor of the value: around the value with the mean of each error (declared triangles lean to
// one side), t quantile with the degrees of freedom of Welch and Satterthwaite. A triangle alone has its own quantiles. ok is
// false where no error is known.
func combine(errors []sharedError, value, divisor float64) (low, high float64, ok bool) {
	if len(errors) == 0 {
		return 0, 0, false
	}
	if e := errors[0]; len(errors) == 1 && e.triangle != nil {
		low, high = e.law().ends(value, e.sd/divisor)
		return low, high, true
	}
	terms := make([]stat.Term, 0, len(errors)+1)
	for _, e := range errors {
		value += e.sd * e.law().mean() / divisor
		terms = append(terms, stat.Term{Weight: 1 / divisor, Estimate: stat.Estimate{SE: e.sd, DF: e.dof}})
	}
	total := stat.Combine(LevelMoney, append(terms, stat.Term{Weight: 1, Estimate: stat.Constant(value)})...)
	return total.Low, total.High, total.Bounded()
}

// law is how an error is distributed, in units of its standard deviation: Student's t, or the triangle of a declaration
// around its mode.
type law struct {
	dof      float64
	triangle *stat.ThreePoint
}

// mean is where the error lies in the mean: 0, but for a triangle that leans to one side, since values are computed at modes.
func (l law) mean() float64 {
	if l.triangle == nil {
		return 0
	}
	return (l.triangle.Low + l.triangle.Mode + l.triangle.High) / 3
}

// draw draws an error.
func (l law) draw(r *rand.Rand) float64 {
	if l.triangle == nil {
		return stat.DrawStudent(r, l.dof)
	}
	return l.triangle.DrawTriangular(r)
}

// ends are those of the 90 % range of a value whose one error is the triangle, of a deviation that may be negative.
func (l law) ends(value, sd float64) (low, high float64) {
	e := l.triangle.Triangular(LevelMoney)
	a, b := value+sd*e.Low, value+sd*e.High
	return min(a, b), max(a, b)
}

// with is the law of two errors that are one: the fewer degrees of freedom, and the triangle that there is.
func (l law) with(o law) law { return law{min(l.dof, o.dof), cmp.Or(l.triangle, o.triangle)} }

// standardised is the triangle of low, mode and high around its mode in units of its standard deviation; nil where it has none.
func standardised(low, mode, high float64) *stat.ThreePoint {
	sd := triangleDeviation(low, mode, high)
	if !(sd > 0) {
		return nil
	}
	return &stat.ThreePoint{Low: (low - mode) / sd, High: (high - mode) / sd}
}

// inOrder are the errors in the order of what they are shared by: a sum of floats depends on its order, and a number must
// not change between two looks.
func inOrder(errors map[string]sharedError) []sharedError {
	out := make([]sharedError, 0, len(errors))
	for _, key := range slices.Sorted(maps.Keys(errors)) {
		out = append(out, errors[key])
	}
	return out
}

// triangleDeviation is the standard deviation of a value declared as low, mode and high.
func triangleDeviation(low, mode, high float64) float64 {
	return stat.ThreePoint{Low: low, Mode: mode, High: high}.Triangular(LevelMoney).SE
}

// measuredRatio is the baseline of a sum of unassisted events with its error.
func measuredRatio(s unassistedSum) stat.Estimate {
	return stat.Ratio(stat.RatioSums{
		N: int64(s.n), Units: s.units.InexactFloat64(), Minutes: s.minutes.InexactFloat64(),
		UnitsSquared: s.uu.InexactFloat64(), MinutesSquared: s.mm.InexactFloat64(), UnitsMinutes: s.mu.InexactFloat64(),
	}, LevelMoney)
}

// reworkInterval is that of Σ rework ÷ Σ minutes over the rows as clusters.
func reworkInterval(m *Measure, rows []HoursRow) {
	sums := stat.RatioSums{}
	for _, r := range rows {
		sums = sums.Observe(r.Minutes.InexactFloat64(), r.Rework.InexactFloat64())
	}
	e := stat.Ratio(sums, LevelMoney)
	if !e.Bounded() || sums.N < leastTasks {
		m.warn("too_few", "fewer than eight days and workflows: no interval")
		return
	}
	m.interval(e.Low, e.High, LevelMoney)
}

// velocityInterval is the delta method over the won deals with an amount.
func velocityInterval(m *Measure, t DealTotals) {
	if t.WonWithAmount != t.Won {
		m.warn("too_few", "no interval while won deals lack an amount")
		return
	}
	won := stat.WonSums{}
	for i, a := range t.amounts {
		won = won.Observe(a, t.cycles[i])
	}
	e := stat.Velocity(int64(t.Decided()), won, LevelStatistics)
	m.interval(e.Low, e.High, LevelStatistics)
}

// measure runs the regression of the trial and fills in what it says.
func (t *Trial) measure(rows []TrialRow) {
	tasks := make([]stat.TrialTask, 0, len(rows))
	for _, r := range rows {
		tasks = append(tasks, stat.TrialTask{
			Assisted: r.Assisted, Person: r.Person,
			Parts:              []stat.OptionalFloat{optional(r.Doing), optional(r.Prompting), optional(r.Review), optional(r.Rework), optional(r.Correction)},
			EstimateUnassisted: optional(r.EstimateUnassisted), EstimateAssisted: optional(r.EstimateAssisted),
		})
	}
	result := stat.TimeTrial(tasks, LevelStatistics)
	t.ForecastSaving = finite(result.Forecast.Value)
	for _, w := range result.Warnings {
		if message := trialMessage(w); message != "" {
			t.Warnings = append(t.Warnings, Warning{string(w), message})
		}
	}
	if result.Assisted < 2 || result.Unassisted < 2 || !result.Ratio.Bounded() {
		t.withhold("immature", "a trial needs tasks in both arms, and enough of them to tell chance from effect")
		return
	}
	t.RatioMinusOne = TrialRatio{
		Value: finite(result.Ratio.Value), Low: finite(result.Ratio.Low), High: finite(result.Ratio.High),
		LowHC3: finite(result.RatioHC3.Low), HighHC3: finite(result.RatioHC3.High),
		LowClustered: finite(result.RatioClustered.Low), HighClustered: finite(result.RatioClustered.High),
	}
	t.NaiveRatioMinusOne = finite(result.Naive)
	if t.ForecastSaving != nil {
		t.CalibrationGap = finite((result.Forecast.Value + result.Ratio.Value) * 100)
		t.gap = stat.Combine(LevelStatistics, stat.Term{Weight: 100, Estimate: result.Forecast}, stat.Term{Weight: 100, Estimate: result.Ratio})
	}
	t.Covariate, t.Imputed = result.Adjusted, new(uint64(result.ImputedTasks))
	if result.CompleteCase.Known() {
		t.CompleteCase = &CompleteCase{
			N: uint64(result.CompleteCase.N), Value: finite(result.CompleteCase.Value),
			Low: finite(result.CompleteCase.Low), High: finite(result.CompleteCase.High),
		}
	}
	// The intervals of a trial have normal quantiles (metrics.md); what it prices has those of its residuals, tasks less
	// coefficients, since eight tasks an arm price already.
	t.saving, t.dof = stat.SavingShare(result.Ratio), float64(result.Ratio.N-2)
	if result.Adjusted {
		t.dof--
	}
}

func optional(d *decimal.Decimal) stat.OptionalFloat {
	if d == nil {
		return stat.OptionalFloat{}
	}
	return stat.Some(d.InexactFloat64())
}

// trialMessage says in a sentence what a warning of the regression means.
func trialMessage(w stat.Warning) string {
	switch w {
	case stat.WarnImputed:
		return "a part that a task did not record took the mean of its arm"
	case stat.WarnUnusable:
		return "tasks without a positive time were left out"
	case stat.WarnMissingCovariate:
		return "tasks without an estimate of the time without AI were left out of the regression"
	case stat.WarnNoCovariate:
		return "without estimates of the time without AI the regression is on treatment alone"
	case stat.WarnPartUnrecorded:
		return "a part was recorded in one arm only and adds nothing in the other"
	default:
		return ""
	}
}
