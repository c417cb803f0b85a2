package scorecard

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/metric"
)

// learners are the people of the rows.
func learners(rows []metric.TrainingRow) []metric.PeopleRow {
	out := make([]metric.PeopleRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, metric.PeopleRow{Week: r.Day, Team: r.Team, Workflow: r.Workflow, People: r.People})
	}
	return out
}

// aiCost is the spend on AI and the hours of training. The spend is exempt from the privacy floor; the hours are people's,
// and are left out where the floor hides them.
func (v *view) aiCost(ctx context.Context, n *numbers, currency string) (metric.Fold, error) {
	w := n.window
	if w.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.AICost, currency), nil
	}
	var spend []metric.SpendRow
	var training []metric.TrainingRow
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.SpendQuery{Window: w}, &spend)
	fetch(ctx, group, v, metric.TrainingQuery{Window: w, Rated: v.rated()}, &training)
	if err := group.Wait(); err != nil {
		return metric.Fold{}, err
	}
	n.everyLearner = learners(training)
	training = slices.DeleteFunc(slices.Clone(training), func(r metric.TrainingRow) bool { return !w.Scope.Holds(r.Team, r.Workflow) })
	n.learners = inScope(n.everyLearner, w.Scope)
	if len(training) == 0 || allowed(w.Scope, n.everyLearner, v.viewer.Person) {
		fold := metric.FoldAICost(spend, training, currency, v.fx(currency), v.rates(currency))
		for i := range fold.Excluded {
			x := &fold.Excluded[i]
			if x.Unit == metric.UnitHours && !shownAlone(v.visible(w.Scope, crowdOf(n), byTeam()), x.Team) {
				x.N, x.Amount = nil, nil
			}
		}
		return fold, nil
	}
	fold := metric.FoldAICost(spend, nil, currency, v.fx(currency), v.rates(currency))
	fold.Excluded = append(fold.Excluded, metric.Excluded{
		Measure: metric.AICost, Reason: floorReason, Message: "the hours of training of fewer than five people are not shown", Unit: metric.UnitHours,
	})
	return fold, nil
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
	visible := v.visible(n.window.Scope, crowdOf(n), byTeam())
	for i, row := range merge(training, visible) {
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
