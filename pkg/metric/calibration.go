package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// CalibrationInput is what the calibration gap is folded from.
type CalibrationInput struct {
	// Trials are those that may be shown and have tasks of the scope before the end of the period; Given is the work of the scope, of which
	// only what claims a baseline of its own counts here.
	Trials []Trial
	Given  []HoursRow
	// Hours has the baselines, prepared.
	Hours HoursInput
	// Alone tells whether the reports on a workflow may be shown by themselves; nil where all may.
	Alone func(workflow string) bool
}

// otherWorkflows names the reports that are shown together.
const otherWorkflows = "other workflows"

// Calibrated holds what was expected of AI against what was measured: one trial, or the reports on one workflow.
type Calibrated struct {
	// Trial or Workflow names it.
	Trial, Workflow string
	// N are the tasks of the trial, or the reports.
	N uint64
	// Expected is the forecast or self-reported saving, Measured the measured one, as shares.
	Expected, Measured decimal.Decimal
	// gap is Expected − Measured in percentage points, with its error.
	gap stat.Estimate
	// saved and whole are the measured minutes saved, and those that it would have taken without AI.
	saved, whole, claimed, claimedWhole decimal.Decimal
}

// Gap is Expected − Measured in percentage points.
func (c Calibrated) Gap() decimal.Decimal { return c.Expected.Sub(c.Measured).Shift(2) }

// MeasuredReports are the people who claim a baseline, in the months and workflows in which something measures all of it;
// people are those of assisted work. Who claims one where only a part is measured may not be behind the number, and is left out.
func (in CalibrationInput) MeasuredReports(people []PeopleRow) []PeopleRow {
	type place struct{ month, workflow string }
	measured := map[place]bool{}
	for _, r := range in.Given {
		if r.GivenN == 0 {
			continue
		}
		at := place{dayText(MonthOf(r.Day)), r.Workflow}
		_, ok := in.measurement(r)
		before, seen := measured[at]
		measured[at] = ok && (before || !seen)
	}
	var out []PeopleRow
	for _, r := range people {
		if measured[place{dayText(r.Month), r.Workflow}] {
			out = append(out, PeopleRow{Month: r.Month, Team: r.Team, Workflow: r.Workflow, People: r.Given})
		}
	}
	return out
}

// measurement is the best baseline of work that claims one, where it is a measured one.
func (in CalibrationInput) measurement(r HoursRow) (baseline, bool) {
	if r.GivenN == 0 || (len(in.Hours.Unassisted) == 0 && len(in.Hours.Tasks) == 0) {
		return baseline{}, false
	}
	b, ok := in.Hours.prices().at(r.Workflow, r.Trial, dayAt(r.Day))
	return b, ok && (b.source == FromTrial || b.source == FromMeasured)
}

// Calibrate lists the trials with a forecast and a result, and the workflows whose reports can be held against a trial or
// against unassisted work.
func Calibrate(in CalibrationInput) (trials, reports []Calibrated, unmeasured uint64) {
	for _, t := range in.Trials {
		if t.Status != OK || t.ForecastSaving == nil || t.RatioMinusOne.Value == nil {
			continue
		}
		trials = append(trials, Calibrated{
			Trial: t.Trial, N: t.tasks(), gap: t.gap,
			Expected: decimal.NewFromFloat(*t.ForecastSaving).RoundBank(quotientDigits), Measured: decimal.NewFromFloat(-*t.RatioMinusOne.Value).RoundBank(quotientDigits),
		})
	}
	reports, unmeasured = calibrateReports(in)
	return trials, reports, unmeasured
}

// calibrateReports sums by workflow what is claimed and what the best measurement says of the same work.
func calibrateReports(in CalibrationInput) (out []Calibrated, unmeasured uint64) {
	sums := map[string]*Calibrated{}
	errors := map[string]map[string]sharedError{}
	for _, r := range in.Given {
		b, ok := in.measurement(r)
		if !ok {
			unmeasured += r.GivenN
			continue
		}
		c := sums[r.Workflow]
		if c == nil {
			c = &Calibrated{Workflow: r.Workflow}
			sums[r.Workflow], errors[r.Workflow] = c, map[string]sharedError{}
		}
		net, sd := b.net(r.GivenUnits, r.GivenMinutes)
		c.N += r.GivenN
		c.saved, c.whole = c.saved.Add(net), c.whole.Add(r.GivenMinutes).Add(net)
		c.claimed, c.claimedWhole = c.claimed.Add(r.GivenBaseline).Sub(r.GivenMinutes), c.claimedWhole.Add(r.GivenBaseline)
		share(errors[r.Workflow], b, sd)
	}
	for _, workflow := range slices.Sorted(maps.Keys(sums)) {
		c := sums[workflow]
		if !c.whole.IsPositive() || !c.claimedWhole.IsPositive() {
			unmeasured += c.N
			continue
		}
		c.Expected, c.Measured = quotient(c.claimed, c.claimedWhole), quotient(c.saved, c.whole)
		// The measured share is 1 − minutes ÷ whole, of which the whole is known with an error: the delta method.
		minutes, whole := c.whole.Sub(c.saved).InexactFloat64(), c.whole.InexactFloat64()
		terms := []stat.Term{{Weight: 1, Estimate: stat.Constant(c.Gap().InexactFloat64())}}
		for _, e := range inOrder(errors[workflow]) {
			terms = append(terms, stat.Term{Weight: 100 * minutes / (whole * whole), Estimate: stat.Estimate{SE: e.sd, DF: e.dof}})
		}
		c.gap = stat.Combine(LevelStatistics, terms...)
		out = append(out, *c)
	}
	return out, unmeasured
}

// FoldCalibration is how much more saving is expected than measured, in percentage points: the forecasts of time trials
// against their results, weighted by tasks; where there is no trial, what people report against what is measured,
// weighted by reports. Above 0 people expect too much.
func FoldCalibration(in CalibrationInput) Fold {
	m := start(CalibrationGap, UnitPercentagePoints)
	trials, reports, unmeasured := Calibrate(in)
	out := Fold{}
	if unmeasured > 0 {
		out.Excluded = []Excluded{{
			Measure: CalibrationGap, Reason: "not_measured", N: &unmeasured, Unit: "events",
			Message: "events claim a baseline for work that neither a trial nor unassisted work has measured",
		}}
	}
	from, grade := trials, 5
	if len(trials) == 0 {
		from, grade = reports, 0
	}
	if len(from) == 0 {
		switch {
		case unmeasured > 0:
			m.withhold("not_measured", "people report a saving, and nothing measures it: run a time trial, or record unassisted work")
		case len(in.Trials) > 0:
			m.withhold("immature", "the trials have no forecast, or no result yet")
		}
		out.Measure = m
		return out
	}
	value, estimate, n := weigh(from)
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(value), &n, &grade
	m.interval(estimate.Low, estimate.High, LevelStatistics)
	for _, c := range slices.Concat(trials, in.together(reports)) {
		name, what, of := "trial:"+c.Trial, "Forecast less measured, trial "+c.Trial, 5
		if c.Trial == "" {
			name, what, of = "workflow:"+c.Workflow, "Reported less measured, workflow "+c.Workflow, 0
		}
		p := Part{Key: name, Title: what, Value: ExactOf(c.Gap()), Unit: UnitPercentagePoints, N: &c.N}
		if p.Low, p.High = finite(c.gap.Low), finite(c.gap.High); p.Low != nil && p.High != nil {
			p.Level = new(LevelStatistics)
		}
		m.Parts = append(m.Parts, p)
		for _, side := range []struct {
			name  string
			share decimal.Decimal
		}{{"expected saving", c.Expected}, {"measured saving", c.Measured}} {
			out.Inputs = append(out.Inputs, Input{
				Name: fmt.Sprintf("%s, %s", side.name, cmp.Or(c.Trial, c.Workflow)), Value: new(ExactOf(side.share).Text()), Unit: UnitShare,
				Source: name, Grade: new(of), N: &c.N,
			})
		}
	}
	out.Measure, out.Counts = m, []Count{{"tasks or reports", &n}}
	return out
}

// Listed are the rows that the fold runs over, as they may be shown: the mean of their gaps, weighted by N, is the value.
func (in CalibrationInput) Listed() []Calibrated {
	trials, reports, _ := Calibrate(in)
	if len(trials) > 0 {
		return trials
	}
	return in.together(reports)
}

// together makes one row of the reports that may not be shown by themselves; the weighted mean stays what it was.
func (in CalibrationInput) together(reports []Calibrated) []Calibrated {
	var alone, others []Calibrated
	for _, c := range reports {
		if in.Alone == nil || in.Alone(c.Workflow) {
			alone = append(alone, c)
		} else {
			others = append(others, c)
		}
	}
	if len(others) == 0 {
		return alone
	}
	sum := Calibrated{Workflow: otherWorkflows}
	expected, measured := decimal.Zero, decimal.Zero
	for _, c := range others {
		expected, measured = expected.Add(c.Expected.Mul(count(c.N))), measured.Add(c.Measured.Mul(count(c.N)))
	}
	_, sum.gap, sum.N = weigh(others)
	sum.Expected, sum.Measured = quotient(expected, count(sum.N)), quotient(measured, count(sum.N))
	return append(alone, sum)
}

// weigh is the mean of the gaps, weighted by how many tasks or reports each stands on; their errors are independent.
func weigh(list []Calibrated) (decimal.Decimal, stat.Estimate, uint64) {
	n := uint64(0)
	for _, c := range list {
		n += c.N
	}
	sum := decimal.Zero
	terms := make([]stat.Term, 0, len(list))
	for _, c := range list {
		sum = sum.Add(c.Gap().Mul(count(c.N)))
		terms = append(terms, stat.Term{Weight: float64(c.N) / float64(n), Estimate: c.gap})
	}
	return quotient(sum, count(n)), stat.Combine(LevelStatistics, terms...), n
}
