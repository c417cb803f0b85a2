package scorecard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// hoursCells are cells of team and month that sum to the number and tell about no fewer than five people. What is of a month
// that is not over is one row.
func (v *view) hoursCells(n *numbers, p params) *evidence {
	e := &evidence{rowsAre: "cells", columns: []column{
		text("team", "Team"), text("month", "Month from"), number("people", "People", "people"), number("n", "Events", "events"),
	}}
	if p.measure == metric.ReworkRate {
		e.columns = append(e.columns, number("numerator", "Rework", metric.UnitMinutes), number("denominator", "All minutes", metric.UnitMinutes))
	} else {
		e.columns = append(e.columns, number("contribution", "Contribution", n.folds[p.measure].Measure.Unit))
	}
	who := n.crowdOf(p.measure)
	for _, m := range who.months() {
		first := m.first.Format(time.DateOnly)
		for _, team := range who.rowsOf(byTeam(), []month{m}) {
			e.rows = append(e.rows, n.cellRow(p.measure, teamLabel(team.Key, isOther(team)), first, whole(uint64(len(team.People))), func(key, day string) bool {
				return slices.Contains(team.Parts, key) && monthStart(day) == first
			}))
		}
	}
	if open := n.openDay(); open != "" {
		e.rows = append(e.rows, n.cellRow(p.measure, "all teams, month not over", open, nil, func(_, day string) bool { return day >= open }))
	}
	slices.SortFunc(e.rows, func(a, b evidenceRow) int { return cmp.Compare(a.place, b.place) })
	m := n.folds[p.measure].Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}

// cellRow sums what is in the teams and days of one row.
func (n *numbers) cellRow(measure, name, first string, people *string, in func(team, day string) bool) evidenceRow {
	if measure == metric.ReworkRate {
		events, minutes, rework := uint64(0), decimal.Zero, decimal.Zero
		for _, r := range n.input.Rows {
			if in(r.Team, r.Day.Format(time.DateOnly)) {
				events, minutes, rework = events+r.N, minutes.Add(r.Minutes), rework.Add(r.Rework)
			}
		}
		return evidenceRow{place: padded(name, first), values: []*string{&name, &first, people, whole(events), exact(rework), exact(minutes)}}
	}
	var s sum
	for _, c := range n.folds[measure].Cells {
		if in(c.Team, c.Day) {
			s = s.plus(sum{c.Value, c.N})
		}
	}
	return evidenceRow{place: padded(name, first), values: []*string{&name, &first, people, whole(s.n), exact(s.value)}}
}

// ownCells are the viewer's own days, teams and workflows, as they are priced.
func ownCells(n *numbers, p params) *evidence {
	fold := n.folds[p.measure]
	e := &evidence{rowsAre: "cells", columns: []column{
		{Key: "day", Title: "Day", Type: "day"},
		text("team", "Team"), text("workflow", "Workflow"), text("baseline_source", "Baseline from"),
		number("n", "Events", "events"), number("contribution", "Contribution", fold.Measure.Unit),
	}}
	for i, c := range fold.Cells {
		e.rows = append(e.rows, evidenceRow{
			place:  fmt.Sprintf("%s %06d", c.Day, i),
			values: []*string{&c.Day, optionalText(c.Team), optionalText(c.Workflow), &c.Source, whole(c.N), exact(c.Value)},
		})
	}
	m := fold.Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}

// ownQuery reads one person's own assisted work of a window.
type ownQuery struct {
	window metric.Window
	zone   string
}

// ownRow is one piece of work.
type ownRow struct {
	Place    string           `ch:"place"`
	Day      time.Time        `ch:"local_day"`
	Time     time.Time        `ch:"time"`
	Source   string           `ch:"source"`
	ID       string           `ch:"id"`
	Team     string           `ch:"team"`
	Workflow string           `ch:"workflow"`
	Trial    string           `ch:"trial"`
	Task     string           `ch:"task"`
	Evidence string           `ch:"evidence"`
	Units    decimal.Decimal  `ch:"units"`
	Minutes  decimal.Decimal  `ch:"minutes"`
	Rework   decimal.Decimal  `ch:"rework"`
	Given    *decimal.Decimal `ch:"baseline_minutes"`
}

// SQL is the query and its parameters.
func (q ownQuery) SQL() (string, map[string]any) {
	return `SELECT concat(toString(local_day), ' ', lower(hex(identity))) AS place, local_day, time, source, id, team, workflow, trial, task, evidence, units,
  toDecimal128(ifNull(doing_minutes, 0), 6) + ifNull(prompting_minutes, 0) + ifNull(review_minutes, 0) + ifNull(rework_minutes, 0) + ifNull(correction_minutes, 0) AS minutes,
  toDecimal128(ifNull(rework_minutes, 0), 6) AS rework, baseline_minutes
FROM (SELECT *, toDate32(toTimeZone(time, {zone:String})) AS local_day FROM ` + warehouse.Effective(event.KindHoursSaved) + `)
WHERE person = {person:String} AND assisted AND local_day >= {from:Date32} AND local_day < {to:Date32}
ORDER BY place`, map[string]any{
			"workspace": q.window.Workspace, "zone": q.zone, "person": q.window.Scope.Key, "from": q.window.From, "to": q.window.To,
		}
}

// ownHours are the viewer's own events, each with its part of the number.
func (v *view) ownHours(c *gin.Context, n *numbers, p params) (*evidence, error) {
	rows, err := read[ownRow](c, v, ownQuery{n.window, v.zone.String()})
	if err != nil {
		return nil, err
	}
	events := make([]metric.HoursEvent, 0, len(rows))
	for _, r := range rows {
		events = append(events, metric.HoursEvent{
			Day: r.Day.Format(time.DateOnly), Team: r.Team, Workflow: r.Workflow, Trial: r.Trial, Units: r.Units, Minutes: r.Minutes, Given: r.Given,
		})
	}
	e := &evidence{rowsAre: "events", columns: []column{
		{Key: "day", Title: "Day", Type: "day"},
		{Key: "time", Title: "Time", Type: "time"},
		text("source", "Source"), text("id", "Event"),
		text("team", "Team"), text("workflow", "Workflow"), text("task", "Task"), text("evidence", "Evidence"),
		number("units", "Units", "units"), number("minutes", "Minutes", metric.UnitMinutes), number("rework_minutes", "Rework", metric.UnitMinutes),
		text("baseline_source", "Baseline from"), number("baseline_minutes", "Baseline", "min/unit"),
	}}
	if p.measure == metric.ReworkRate {
		e.columns = append(e.columns, number("numerator", "Rework", metric.UnitMinutes), number("denominator", "All minutes", metric.UnitMinutes))
	} else {
		e.columns = append(e.columns, number("contribution", "Contribution", metric.UnitHours))
	}
	for i, priced := range metric.PriceEvents(n.input, events) {
		r := rows[i]
		var baseline, hours *string
		if priced.Baseline != nil {
			baseline = exact(*priced.Baseline)
		}
		if priced.Hours != nil {
			hours = exact(*priced.Hours)
		}
		values := []*string{
			new(r.Day.Format(time.DateOnly)), new(r.Time.UTC().Format(event.TimeForm)), &r.Source, &r.ID, optionalText(r.Team), optionalText(r.Workflow),
			optionalText(r.Task), &r.Evidence, exact(r.Units), exact(r.Minutes), exact(r.Rework), optionalText(priced.Source), baseline,
		}
		if p.measure == metric.ReworkRate {
			values = append(values, exact(r.Rework), exact(r.Minutes))
		} else {
			values = append(values, hours)
		}
		e.rows = append(e.rows, evidenceRow{place: r.Place, values: values})
	}
	m := n.folds[p.measure].Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	if m.N == nil {
		e.total.N = new(uint64(0))
	}
	return e, nil
}
