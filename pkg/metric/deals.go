package metric

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// FoldWinRate is won ÷ (won + lost) with Wilson's interval.
func FoldWinRate(t DealTotals) Fold {
	m := start(WinRate, UnitShare)
	out := Fold{Counts: dealCounts(t)}
	rate, ok := t.Rate()
	if !ok {
		out.Measure = m
		return out
	}
	e := stat.Wilson(stat.Proportion{Successes: int64(t.Won), Trials: int64(t.Decided())}, LevelStatistics)
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(rate), new(t.Decided()), new(1)
	m.interval(e.Low, e.High, LevelStatistics)
	m.Parts = shareParts("Won", t.Won, "Decided", t.Decided())
	out.Measure = m
	return out
}

// FoldWinRateCreated is won ÷ created of a cohort: low while the cohort is young.
func FoldWinRateCreated(t DealTotals) Fold {
	m := start(WinRate, UnitShare)
	out := Fold{Counts: dealCounts(t)}
	if t.Created == 0 {
		out.Measure = m
		return out
	}
	e := stat.Wilson(stat.Proportion{Successes: int64(t.Won), Trials: int64(t.Created)}, LevelStatistics)
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(quotient(count(t.Won), count(t.Created))), new(t.Created), new(1)
	m.interval(e.Low, e.High, LevelStatistics)
	m.Parts = shareParts("Won", t.Won, "Created", t.Created)
	if t.Open() > 0 {
		m.warn("open_deals", fmt.Sprintf("%d of the deals are still open: the share can only rise", t.Open()))
	}
	out.Measure = m
	return out
}

func shareParts(numerator string, a uint64, denominator string, b uint64) []Part {
	return []Part{
		{Key: "numerator", Title: numerator, Value: ExactOf(count(a)), Unit: UnitDeals, N: &a},
		{Key: "denominator", Title: denominator, Value: ExactOf(count(b)), Unit: UnitDeals, N: &b},
	}
}

func dealCounts(t DealTotals) []Count {
	return []Count{{"deals", new(t.Created)}, {"won", new(t.Won)}, {"lost", new(t.Lost)}, {"open", new(t.Open())}}
}

// FoldCycle is the mean cycle of the won deals with its t interval; the median time to decision of the cohort, with open
// deals censored, stands beside it.
func FoldCycle(t DealTotals, cohort Survival) Fold {
	m := start(CycleDays, UnitDays)
	out := Fold{Counts: dealCounts(t)}
	if cohort.Status == OK {
		part := Part{Key: "median", Title: "Median time to decision of deals created in the period", Unit: UnitDays, N: &cohort.N, Low: cohort.Low, High: cohort.High, Level: &cohort.Level}
		if cohort.Median != nil {
			part.Value = ExactOf(decimal.NewFromFloat(*cohort.Median))
		}
		m.Parts = []Part{part}
	}
	mean, ok := t.MeanCycle()
	if !ok {
		out.Measure = m
		return out
	}
	e := stat.Mean(stat.SampleOf(t.cycles), LevelStatistics)
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(mean), new(t.Won), new(1)
	m.interval(e.Low, e.High, LevelStatistics)
	if m.Low == nil {
		m.warn("too_few", "one won deal has a mean and no interval")
	}
	out.Measure = m
	return out
}

// Survival is the Kaplan–Meier curve of the time to decision of a cohort of deals.
type Survival struct {
	Median     *float64        `json:"median"`
	Low        *float64        `json:"low"`
	High       *float64        `json:"high"`
	Level      float64         `json:"level"`
	N          uint64          `json:"n"`
	Decided    uint64          `json:"decided"`
	Censored   uint64          `json:"censored"`
	CensoredAt string          `json:"censored_at"`
	Status     Status          `json:"status"`
	Reason     *string         `json:"reason"`
	Points     []SurvivalPoint `json:"points"`
}

// SurvivalPoint is the curve just after a time.
type SurvivalPoint struct {
	Days      float64 `json:"days"`
	Undecided float64 `json:"undecided"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	AtRisk    int64   `json:"at_risk"`
	Decided   int64   `json:"decided"`
}

// mostPoints is how many points of a curve are published.
const mostPoints = 200

// FoldSurvival is the time to decision of the deals created in a period: those undecided at the end are censored
// there, also those that were decided after it.
func FoldSurvival(rows []DealRow, end time.Time) Survival {
	s := Survival{Level: LevelStatistics, CensoredAt: end.UTC().Format(time.RFC3339), Status: OK, Points: []SurvivalPoint{}}
	var cases []stat.Duration
	for _, r := range rows {
		if r.CreatedAt.After(end) {
			continue
		}
		d := stat.Duration{Time: float64(end.Sub(r.CreatedAt).Milliseconds()) / dayMillis}
		if r.DecidedAt != nil && !r.DecidedAt.After(end) {
			d = stat.Duration{Time: float64(r.cycleMillis()) / dayMillis, Decided: true}
			s.Decided++
		} else {
			s.Censored++
		}
		cases = append(cases, d)
	}
	s.N = uint64(len(cases))
	if len(cases) == 0 {
		s.Status = NoData
		return s
	}
	curve := stat.KaplanMeier(cases, LevelStatistics)
	median := curve.Median()
	s.Median, s.Low, s.High = finite(median.Value), finite(median.Low), finite(median.High)
	if s.Median == nil {
		s.Reason = new("not_reached")
	}
	s.Points = thin(curve.Points)
	return s
}

// thin keeps at most [mostPoints] steps, evenly, the last one included. Points where only censoring happened have no
// step and go first.
func thin(points []stat.SurvivalPoint) []SurvivalPoint {
	steps := slices.DeleteFunc(slices.Clone(points), func(p stat.SurvivalPoint) bool { return p.Decided == 0 })
	every := max(1, (len(steps)+mostPoints-2)/(mostPoints-1))
	out := []SurvivalPoint{}
	for i, p := range steps {
		if i%every == 0 || i == len(steps)-1 {
			out = append(out, SurvivalPoint{p.Time, p.Open, p.Low, p.High, p.AtRisk, p.Decided})
		}
	}
	return out
}

// DealGroup is one side of the comparison of assisted and unassisted deals.
type DealGroup struct {
	Decided       uint64   `json:"decided"`
	Won           uint64   `json:"won"`
	Lost          uint64   `json:"lost"`
	WinRate       Interval `json:"win_rate"`
	CycleDays     Interval `json:"cycle_days"`
	MeanWonAmount *Exact   `json:"mean_won_amount"`
	Status        Status   `json:"status"`
	Reason        *string  `json:"reason"`
}

// Assistance compares deals with and without AI. Without an experiment it is observational: it is never added.
type Assistance struct {
	Label             string    `json:"label"`
	Grade             int       `json:"grade"`
	Assisted          DealGroup `json:"assisted"`
	Unassisted        DealGroup `json:"unassisted"`
	Unknown           DealGroup `json:"unknown"`
	WinRateDifference Interval  `json:"win_rate_difference"`
}

// FoldAssistance splits deals by their flag; the difference has Newcombe's interval.
func FoldAssistance(rows []DealRow, fx FX) Assistance {
	var with, without, unknown []DealRow
	for _, r := range rows {
		switch {
		case r.Assisted == nil:
			unknown = append(unknown, r)
		case *r.Assisted:
			with = append(with, r)
		default:
			without = append(without, r)
		}
	}
	a, b := TotalDeals(with, fx), TotalDeals(without, fx)
	out := Assistance{
		Label: "observational", Grade: 1,
		Assisted: groupOf(a), Unassisted: groupOf(b), Unknown: groupOf(TotalDeals(unknown, fx)),
	}
	if a.Decided() > 0 && b.Decided() > 0 {
		out.WinRateDifference = intervalOf(stat.ProportionDifference(
			stat.Proportion{Successes: int64(a.Won), Trials: int64(a.Decided())},
			stat.Proportion{Successes: int64(b.Won), Trials: int64(b.Decided())}, LevelStatistics).Estimate)
	}
	return out
}

func groupOf(t DealTotals) DealGroup {
	g := DealGroup{Decided: t.Decided(), Won: t.Won, Lost: t.Lost, Status: OK}
	if t.Decided() == 0 {
		g.Status = NoData
		return g
	}
	g.WinRate = intervalOf(stat.Wilson(stat.Proportion{Successes: int64(t.Won), Trials: int64(t.Decided())}, LevelStatistics))
	g.CycleDays = intervalOf(stat.Mean(stat.SampleOf(t.cycles), LevelStatistics))
	if mean, ok := t.MeanAmount(); ok {
		g.MeanWonAmount = ExactOf(mean)
	}
	return g
}

// DealExclusions lists the won amounts that could not be converted, and won deals without an amount.
func DealExclusions(t DealTotals, currency string) []Excluded {
	var out []Excluded
	known := t.WonWithAmount
	for _, c := range slices.Sorted(maps.Keys(t.missing)) {
		sum := t.missing[c]
		known += sum.n
		out = append(out, Excluded{
			Measure: PipelineVelocity, Reason: "no_fx", N: &sum.n, Amount: ExactOf(sum.billed), Unit: c,
			Message: fmt.Sprintf("no exchange rate from %s to %s on the days of these deals: add fx/%s-%s to the registry", c, currency, c, currency),
		})
	}
	if t.Won > known {
		out = append(out, Excluded{
			Measure: PipelineVelocity, Reason: "no_amount", N: new(t.Won - known), Unit: currency,
			Message: "won deals without an amount are not in the mean amount",
		})
	}
	return out
}

// FoldVelocity is decided × mean won amount × win rate ÷ mean cycle days of one window, with the delta method.
func FoldVelocity(t DealTotals, currency string) Fold {
	m := start(PipelineVelocity, UnitIndex)
	out := Fold{Counts: dealCounts(t), Excluded: DealExclusions(t, currency), Inputs: t.rates.inputs(currency)}
	if t.Decided() == 0 {
		out.Measure = m
		return out
	}
	m.N = new(t.Decided())
	amount, hasAmount := t.MeanAmount()
	cycle, hasCycle := t.MeanCycle()
	rate, _ := t.Rate()
	switch {
	case !hasCycle:
		m.withhold("nothing_won", "no deal of the window was won: there is no amount and no cycle")
	case !hasAmount && len(t.missing) > 0:
		m.withhold("no_fx", "no won amount can be converted to "+currency)
	case !hasAmount:
		m.withhold("no_amount", "no won deal of the window has an amount")
	case !cycle.IsPositive():
		m.withhold("no_cycle", "the won deals of the window took no time: there is nothing to divide by")
	default:
		// decided × (A/a) × (won/decided) ÷ (C/won): one quotient, so that nothing is rounded in between.
		numerator := t.Amount.Mul(count(t.Won)).Mul(count(t.Won)).Mul(decimal.NewFromInt(dayMillis))
		m.Status, m.Grade = OK, new(1)
		m.Value = ExactOf(quotient(numerator, count(t.WonWithAmount).Mul(decimal.NewFromInt(t.CycleMillis))))
		velocityInterval(&m, t)
		m.Parts = []Part{
			{Key: "decided", Title: "Decided", Value: ExactOf(count(t.Decided())), Unit: UnitDeals, N: new(t.Decided())},
			{Key: "mean_won_amount", Title: "Mean won amount", Value: ExactOf(amount), Unit: currency, N: new(t.WonWithAmount)},
			{Key: "win_rate", Title: "Win rate", Value: ExactOf(rate), Unit: UnitShare, N: new(t.Decided())},
			{Key: "mean_cycle_days", Title: "Mean cycle of won deals", Value: ExactOf(cycle), Unit: UnitDays, N: new(t.Won)},
		}
	}
	if m.Status == OK && len(out.Excluded) > 0 {
		m.warn("amounts_missing", "some won deals have no amount in "+currency+" and are not in the mean")
	}
	out.Measure = m
	return out
}

// unbounded is the degrees of freedom of a normal quantile.
var unbounded = math.Inf(1)
