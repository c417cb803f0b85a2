package scorecard

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/metric"
)

// conversion is the value of the exposures of a scope and period, at the lifts of all that is known.
func (v *view) conversion(ctx context.Context, w metric.Window, currency string) (metric.Fold, error) {
	if w.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.ConversionValue, currency), nil
	}
	var exposures []metric.ExposureRow
	var experiments []metric.Experiment
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.ExposuresQuery{Window: w}, &exposures)
	group.Go(func() (err error) { experiments, err = v.allExperiments(ctx, w, currency); return err })
	if err := group.Wait(); err != nil {
		return metric.Fold{}, err
	}
	return metric.FoldConversionValue(exposures, experiments, currency, v.haircut), nil
}

// byExperiment cuts rows, which come in the order of experiments.
func byExperiment(rows []metric.ConversionRow) [][]metric.ConversionRow {
	var out [][]metric.ConversionRow
	for begin := 0; begin < len(rows); {
		end := begin
		for end < len(rows) && rows[end].Experiment == rows[begin].Experiment {
			end++
		}
		out, begin = append(out, rows[begin:end]), end
	}
	return out
}

// conversionEvidence are the exposures of each day, team, workflow and variant, as they are priced.
func conversionEvidence(n *numbers, p params) *evidence {
	fold := n.folds[p.measure]
	e := &evidence{rowsAre: "cells", columns: []column{
		{Key: "day", Title: "Day", Type: "day"},
		text("team", "Team"), text("workflow", "Workflow"), text("experiment", "Experiment"),
		text("variant", "Variant"), number("n", "Treated exposures", "exposures"), number("contribution", "Contribution", fold.Measure.Unit),
	}}
	for i, c := range fold.Cells {
		e.rows = append(e.rows, evidenceRow{
			place: fmt.Sprintf("%06d", i),
			values: []*string{
				&c.Day, optionalText(c.Team), optionalText(c.Workflow), &c.Experiment, &c.Variant, whole(c.N), exact(c.Value),
			},
		})
	}
	m := fold.Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}
