package scorecard

import (
	"context"
	"fmt"

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
	w := n.window
	all, err := v.answers(ctx, w)
	if err != nil {
		return nil, err
	}
	n.wave = metric.LatestWave(w.Scope.In(all, w.From, w.To))
	whole := metric.Scope{Kind: metric.ScopeOrg}.In(all, w.From, w.To)
	return map[string]metric.Fold{
		metric.PerceptionGap: gapOf(n.wave, w.Scope, whole),
		metric.Satisfaction:  satisfactionOf(n.wave, w.Scope, whole),
	}, nil
}

// gapOf is the perception gap of a wave of a scope, where neither it nor the others of the workspace are fewer than ten
// leaders or ten individual contributors.
func gapOf(wave metric.Wave, scope metric.Scope, all []metric.PulseRow) metric.Fold {
	fold := metric.FoldPerceptionGap(wave)
	for _, role := range []string{"leader", "ic"} {
		if !answersAllowed(scope, wave.Key, all, func(r metric.PulseRow) bool { return r.Role == role && r.ROIProvable != "" }) {
			return pulseFloored(fold)
		}
	}
	return fold
}

// satisfactionOf is the satisfaction of a wave of a scope, where neither it nor the others are fewer than ten people.
func satisfactionOf(wave metric.Wave, scope metric.Scope, all []metric.PulseRow) metric.Fold {
	fold := metric.FoldSatisfaction(wave)
	if answersAllowed(scope, wave.Key, all, func(r metric.PulseRow) bool { return r.Satisfaction != nil }) {
		return fold
	}
	return pulseFloored(fold)
}

func pulseFloored(fold metric.Fold) metric.Fold {
	if fold.Measure.Status != metric.OK {
		return fold
	}
	return metric.Fold{Measure: fold.Measure.Withhold(floorReason, "it would tell about fewer than ten answers by subtraction")}
}

// answersAllowed tells whether the answers of a scope to one question may be shown beside those of the workspace: a part
// of a wave is shown only as a row of the breakdown in which every row has at least ten answers.
func answersAllowed(scope metric.Scope, wave string, all []metric.PulseRow, asked func(metric.PulseRow) bool) bool {
	if scope.Kind == metric.ScopeOrg {
		return true
	}
	key := func(r metric.PulseRow) string { return r.Team }
	if scope.Kind == metric.ScopeWorkflow {
		key = func(r metric.PulseRow) string { return r.Workflow }
	}
	everybody := metric.LatestWave(metric.Wave{Answers: all}.Of(func(r metric.PulseRow) bool { return r.Wave == wave }).Answers)
	return answerRows(everybody.Of(asked), key, scope.Key)
}

// answerRows tells whether a part of a wave is a row of its own.
func answerRows(wave metric.Wave, key func(metric.PulseRow) string, part string) bool {
	byKey := map[string][]string{}
	var keys []string
	for i, a := range wave.Answers {
		k := key(a)
		if byKey[k] == nil {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], fmt.Sprint(i))
	}
	cells := make([]access.Cell, 0, len(keys))
	for _, k := range keys {
		cells = append(cells, access.Cell{Key: k, People: byKey[k]})
	}
	return byKey[part] == nil || shownAlone(access.Suppress(cells, access.FloorPulse), part)
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
