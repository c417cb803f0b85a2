package scorecard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/metric"
)

// learnersOf are the people of the rows.
func learnersOf(rows []metric.TrainingRow) []metric.PeopleRow {
	out := make([]metric.PeopleRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, metric.PeopleRow{Month: metric.MonthOf(r.Day), Team: r.Team, Workflow: r.Workflow, People: r.People})
	}
	return out
}

// aiCost is the spend on AI and the hours of training. The spend is exempt from the privacy floor; the hours are people's,
// and are left out where the floor hides them.
func (v *view) aiCost(ctx context.Context, n *numbers, currency string) (metric.Fold, error) {
	if n.window.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.AICost, currency), nil
	}
	var spend []metric.SpendRow
	var training []metric.TrainingRow
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.SpendQuery{Window: n.window}, &spend)
	fetch(ctx, group, v, metric.TrainingQuery{Window: n.window, Rated: v.rated()}, &training)
	if err := group.Wait(); err != nil {
		return metric.Fold{}, err
	}
	over := slices.DeleteFunc(slices.Clone(training), func(r metric.TrainingRow) bool {
		return r.Day.Before(n.closed.From.Time) || !r.Day.Before(n.closed.To.Time)
	})
	n.schooling = newPricing(v.pricesOf(v.rates(currency), func(string, time.Time) bool { return true }), learnersOf(over))
	n.learners = newCrowd(learnersOf(over), n.window.Scope, v.viewer.Person).valuedBy(n.schooling.label)
	own := slices.DeleteFunc(over, func(r metric.TrainingRow) bool { return !n.window.Scope.Holds(r.Team, r.Workflow) })
	var left []metric.Excluded
	if len(over) < len(training) {
		left = append(left, trainingLeftOut(cellsReason, "the hours of training of days whose month is not over, or not wholly in the period, are not in it"))
	}
	if len(own) > 0 && !n.learners.allowed() {
		own, left = nil, append(left, trainingLeftOut(floorReason, "the hours of training of fewer than five people are not shown"))
	}
	fold := metric.FoldAICost(spend, own, currency, v.fx(currency), n.schooling.pooledRates)
	if len(own) > 0 && fold.Measure.Status == metric.OK {
		n.schooling.warn(&fold.Measure)
	}
	for i := range fold.Excluded {
		if x := &fold.Excluded[i]; x.Unit == metric.UnitHours && !n.learners.shows(byTeam(), x.Team) {
			x.N, x.Amount = nil, nil
		}
	}
	fold.Excluded = append(fold.Excluded, left...)
	return fold, nil
}

// trainingLeftOut says that hours of training are left out, and not how many.
func trainingLeftOut(reason, message string) metric.Excluded {
	return metric.Excluded{Measure: metric.AICost, Reason: reason, Message: message, Unit: metric.UnitHours}
}

// isTraining tells the cells of training hours, which are under the floor, from those of spend.
func isTraining(c metric.Cell) bool { return c.Category == metric.TrainingCategory }

func cellsWhere(cells []metric.Cell, is bool) []metric.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c metric.Cell) bool { return isTraining(c) != is })
}

// costEvidence are the charges summed by day, team, workflow, vendor and category, and the hours of training by team as
// the privacy floor allows.
func (v *view) costEvidence(n *numbers, p params) *evidence {
	fold := n.folds[p.measure]
	e := &evidence{rowsAre: "cells", columns: []column{
		{Key: "day", Title: "Day of cash", Type: "day"},
		text("team", "Team"), text("workflow", "Workflow"), text("vendor", "Vendor"),
		text("category", "Category"), number("n", "Events", "events"), number("contribution", "Contribution", fold.Measure.Unit),
	}}
	for i, c := range cellsWhere(fold.Cells, false) {
		e.rows = append(e.rows, evidenceRow{
			place:  fmt.Sprintf("0 %06d", i),
			values: []*string{&c.Day, optionalText(c.Team), optionalText(c.Workflow), &c.Vendor, &c.Category, whole(c.N), exact(c.Value)},
		})
	}
	training := sumBy(cellsWhere(fold.Cells, true), byTeam().ofCell)
	for i, row := range merge(training, n.learners.rows(byTeam())) {
		category, team := metric.TrainingCategory, row.key
		if row.merged {
			team = "several teams"
		}
		e.rows = append(e.rows, evidenceRow{
			place:  fmt.Sprintf("1 %06d", i),
			values: []*string{nil, optionalText(team), nil, nil, &category, whole(row.sum.n), exact(row.sum.value)},
		})
	}
	m := fold.Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}
