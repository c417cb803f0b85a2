package scorecard

import (
	"context"
	"fmt"
	"slices"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

// answers reads all answers that a window may need, once for all its measures: those of its months, and those of the year
// before that still say where the time goes.
func (v *view) answers(ctx context.Context, w metric.Window) ([]metric.PulseRow, error) {
	return read[metric.PulseRow](ctx, v, metric.AnswersQuery{Window: wholeMonths(w)})
}

// pulse are the measures of the survey. Answers are tied to nobody, so that nobody has any of their own.
func (v *view) pulse(ctx context.Context, n *numbers) (map[string]metric.Fold, error) {
	if n.window.Scope.Kind == metric.ScopeMe {
		return map[string]metric.Fold{
			metric.PerceptionGap: metric.NotPersonal(metric.PerceptionGap, metric.UnitPercentagePoints),
			metric.Satisfaction:  metric.NotPersonal(metric.Satisfaction, metric.UnitPoints),
		}, nil
	}
	waves, err := v.waves(ctx, n)
	if err != nil {
		return nil, err
	}
	gap, satisfaction := metric.FoldPerceptionGap(metric.Wave{}), metric.FoldSatisfaction(metric.Wave{})
	for _, w := range slices.Backward(waves) { // the latest that anybody of the scope has answered
		if n.wave = w.in(n.window.Scope); len(n.wave.Answers) > 0 {
			n.answered, gap, satisfaction = w, w.gap(n.window.Scope), w.satisfaction(n.window.Scope)
			break
		}
	}
	return map[string]metric.Fold{metric.PerceptionGap: n.of(n.closed, gap), metric.Satisfaction: n.of(n.closed, satisfaction)}, nil
}

// wave are all answers to one wave of the survey, of the whole workspace.
type wave struct{ metric.Wave }

// waveDays is how long a wave is answered at most: what comes later is of another period.
const waveDays = 62

// waves are the waves that began in the months of a period that are over, in the order in which they were answered last. A
// wave is never cut by a period: two that differ by a day would tell of the answers of that day.
func (v *view) waves(ctx context.Context, n *numbers) ([]wave, error) {
	w := n.closed
	w.To = addDays(w.To, waveDays)
	all, err := v.answers(ctx, w)
	if err != nil {
		return nil, err
	}
	var out []wave
	for _, answered := range metric.Waves(all) {
		first := slices.MinFunc(answered.Answers, func(a, b metric.PulseRow) int { return a.Day.Compare(b.Day) }).Day
		if !first.Before(n.closed.From.Time) && first.Before(n.closed.To.Time) {
			out = append(out, wave{answered})
		}
	}
	return out, nil
}

// in are the answers of a scope.
func (w wave) in(scope metric.Scope) metric.Wave {
	return w.Of(func(r metric.PulseRow) bool { return scope.Holds(r.Team, r.Workflow) })
}

// table says which parts of the answers to a question may be shown: ten answers or more must be behind what follows.
func (w wave) table(asked func(metric.PulseRow) bool) *access.Table {
	var of []access.Crossing
	for i, r := range w.Answers {
		if asked(r) {
			of = append(of, access.Crossing{Row: r.Team, Column: r.Workflow, People: []string{fmt.Sprint(i)}})
		}
	}
	return access.Protect(of, "", access.FloorPulse)
}

// shown tells whether the answers of a scope to a question may be shown.
func (w wave) shown(scope metric.Scope, asked func(metric.PulseRow) bool) bool {
	switch scope.Kind {
	case metric.ScopeTeam:
		return w.table(asked).Row(scope.Key)
	case metric.ScopeWorkflow:
		return w.table(asked).Column(scope.Key)
	case metric.ScopeOrg, metric.ScopeMe:
	}
	return true
}

// gap is the perception gap of a scope, where it tells of no fewer than ten leaders or ten individual contributors.
func (w wave) gap(scope metric.Scope) metric.Fold {
	fold := metric.FoldPerceptionGap(w.in(scope))
	for _, role := range []string{"leader", "ic"} {
		if !w.shown(scope, func(r metric.PulseRow) bool { return r.Role == role && r.ROIProvable != "" }) {
			return pulseFloored(fold)
		}
	}
	return fold
}

// satisfaction is that of a scope, where it tells of no fewer than ten people.
func (w wave) satisfaction(scope metric.Scope) metric.Fold {
	fold := metric.FoldSatisfaction(w.in(scope))
	if w.shown(scope, satisfied) {
		return fold
	}
	return pulseFloored(fold)
}

func satisfied(r metric.PulseRow) bool { return r.Satisfaction != nil }

func pulseFloored(fold metric.Fold) metric.Fold {
	if fold.Measure.Status != metric.OK {
		return fold
	}
	return metric.Fold{Measure: fold.Measure.Withhold(floorReason, "it would tell about fewer than ten answers by subtraction")}
}

// pulseEvidence are the counts of the answers, which give the measure; the answers themselves are never listed.
func pulseEvidence(n *numbers, p params) *evidence {
	m := n.folds[p.measure].Measure
	e := &evidence{rowsAre: "cells", columns: []column{
		text("wave", "Wave"), text("role", "Role"), text("answer", "Answer"), number("n", "Answers", "answers"),
	}}
	if m.Status == metric.OK {
		for _, c := range n.wave.Counts(p.measure) {
			e.rows = append(e.rows, evidenceRow{
				place:  fmt.Sprintf("%s %s", c.Role, c.Answer),
				values: []*string{&n.wave.Key, optionalText(c.Role), &c.Answer, whole(c.N)},
			})
		}
	}
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}
