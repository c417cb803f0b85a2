package scorecard

import (
	"context"
	"fmt"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// pulseQuery reads the answers to the survey in a period, as they count, of the whole workspace.
type pulseQuery struct {
	workspace, zone string
	from, to        event.Day
}

// pulseRow is an answer with the place that it belongs to.
type pulseRow struct {
	Wave         string    `ch:"wave"`
	Role         string    `ch:"role"`
	Person       string    `ch:"person"`
	ROIProvable  string    `ch:"roi_provable"`
	TimeWentTo   string    `ch:"time_went_to"`
	Satisfaction *uint8    `ch:"satisfaction"`
	Time         time.Time `ch:"time"`
	Day          time.Time `ch:"local_day"`
	Team         string    `ch:"team"`
	Workflow     string    `ch:"workflow"`
}

func (r pulseRow) answer() metric.PulseRow {
	return metric.PulseRow{
		Wave: r.Wave, Role: r.Role, Person: r.Person, ROIProvable: r.ROIProvable, TimeWentTo: r.TimeWentTo, Satisfaction: r.Satisfaction, Time: r.Time,
	}
}

// SQL is the query and its parameters.
func (q pulseQuery) SQL() (string, map[string]any) {
	return `SELECT wave, role, toString(person) AS person, roi_provable, time_went_to, satisfaction, time, local_day, team, workflow
FROM (SELECT *, toDate32(toTimeZone(time, {zone:String})) AS local_day FROM ` + warehouse.Effective(event.KindPulse) + `)
WHERE local_day >= {from:Date32} AND local_day < {to:Date32}
ORDER BY time, source, id`, map[string]any{"workspace": q.workspace, "zone": q.zone, "from": q.from, "to": q.to}
}

// answerDays is how long the answers of a wave say where the time goes.
const answerDays = 365

// answers reads all answers that a window may need, once for all its measures: those of its months, and those of the year
// before that still say where the time goes.
func (v *view) answers(ctx context.Context, w metric.Window) ([]pulseRow, error) {
	months := wholeMonths(w)
	return read[pulseRow](ctx, v, pulseQuery{w.Workspace, v.zone.String(), addDays(months.From, -answerDays), months.To})
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
	var rows []metric.PulseRow
	for _, r := range all {
		if !r.Day.Before(w.From.Time) && r.Day.Before(w.To.Time) && within(w.Scope, r.Team, r.Workflow) {
			rows = append(rows, r.answer())
		}
	}
	n.wave = metric.LatestWave(rows)
	return map[string]metric.Fold{
		metric.PerceptionGap: metric.FoldPerceptionGap(n.wave),
		metric.Satisfaction:  metric.FoldSatisfaction(n.wave),
	}, nil
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
