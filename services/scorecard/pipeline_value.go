package scorecard

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// pipelineValue compares assisted deals with others, once for the whole workspace, and gives a scope its share.
func (v *view) pipelineValue(ctx context.Context, w metric.Window, currency string) (metric.Fold, error) {
	if w.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.PipelineValue, currency), nil
	}
	all := w
	all.Scope = metric.Scope{Kind: metric.ScopeOrg}
	in := metric.PipelineValueInput{Scope: w.Scope, Study: v.study, FX: v.fx(currency), Haircut: v.haircut}
	var excluded []metric.Excluded
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.DealsQuery{Window: all, Basis: metric.Decided}, &in.Rows)
	group.Go(func() (err error) { in.Links, excluded, err = v.linkedDeals(ctx, all, currency); return err })
	if err := group.Wait(); err != nil {
		return metric.Fold{}, err
	}
	fold := metric.FoldPipelineValue(in, currency)
	fold.Excluded = append(fold.Excluded, excluded...)
	return fold, nil
}

// linkedDeals are the won deals of a window that experiments name. The counts of experiments, which are read anyway, tell
// whether there is any to ask for.
func (v *view) linkedDeals(ctx context.Context, w metric.Window, currency string) (map[string]metric.DealLink, []metric.Excluded, error) {
	counts, err := read[metric.ConversionRow](ctx, v, metric.ConversionsQuery{Window: w})
	if err != nil || !slices.ContainsFunc(counts, func(r metric.ConversionRow) bool { return r.DealN > 0 }) {
		return nil, nil, err
	}
	decided, err := read[metric.DealRow](ctx, v, metric.DealsQuery{Window: w, Basis: metric.Decided})
	if err != nil {
		return nil, nil, err
	}
	named, err := read[metric.LinkRow](ctx, v, metric.LinksQuery{Window: w, Decided: decided})
	if err != nil || len(named) == 0 {
		return nil, nil, err
	}
	experiments, err := v.allExperiments(ctx, w, currency)
	if err != nil {
		return nil, nil, err
	}
	links, excluded := metric.LinkedDeals(named, experiments)
	return links, excluded, nil
}

// study is the design of an experiment as the registry declares it now.
func (v *view) study(experiment string) (metric.Study, bool) {
	x, version, ok := registry.Find[registry.Experiment](v.registry, registry.Experiments, experiment, v.now)
	if !ok {
		return metric.Study{}, false
	}
	return metric.Study{Grade: x.Grade(), Version: versionText(version.Record)}, true
}

// allExperiments are the lifts of every experiment, to as-of: the same for all measures, scopes and periods of a view. They
// are shared and must not be changed.
func (v *view) allExperiments(ctx context.Context, w metric.Window, currency string) ([]metric.Experiment, error) {
	rows, err := read[metric.ConversionRow](ctx, v, metric.ConversionsQuery{Window: w})
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	fold, ok := v.experiments[currency]
	if !ok {
		fold = sync.OnceValue(func() (out []metric.Experiment) {
			for _, own := range byExperiment(rows) {
				out = append(out, v.experiment(own, "", currency).Experiment)
			}
			return out
		})
		v.experiments[currency] = fold
	}
	v.mu.Unlock()
	return fold(), nil
}

// influenced is what touches of a scope share in.
func (v *view) influenced(ctx context.Context, w metric.Window, currency string) (metric.Fold, error) {
	if w.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.PipelineInfluenced, currency), nil
	}
	rows, err := read[metric.InfluenceRow](ctx, v, metric.InfluenceQuery{Window: w})
	if err != nil {
		return metric.Fold{}, err
	}
	return metric.FoldInfluenced(rows, w.Scope, currency, v.fx(currency)), nil
}

// workflowName is the display name of a workflow.
func (v *view) workflowName(key string) string { return v.name(registry.Workflows, key) }

// pipelineValueEvidence are the deals that the value is given to: each assisted decided deal the same, each deal that an
// experiment names its own share.
func pipelineValueEvidence(n *numbers, p params) *evidence {
	fold := n.folds[p.measure]
	e := &evidence{rowsAre: "deals", columns: []column{
		{Key: "decided_day", Title: "Decided", Type: "day"},
		text("deal", "Deal"), text("team", "Team"), text("workflow", "Workflow"), text("experiment", "Experiment"), text("variant", "Variant"),
		number("contribution", "Contribution", fold.Measure.Unit),
	}}
	for i, c := range fold.Cells {
		e.rows = append(e.rows, evidenceRow{
			place: fmt.Sprintf("%06d", i),
			values: []*string{
				&c.Day, &c.Source, optionalText(c.Team), optionalText(c.Workflow), optionalText(c.Experiment), optionalText(c.Variant), exact(c.Value),
			},
		})
	}
	m := fold.Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}

// influencedEvidence are the touches with their credits, which sum to the value.
func (v *view) influencedEvidence(ctx context.Context, n *numbers, p params, currency string) (*evidence, error) {
	m := n.folds[p.measure].Measure
	rows, err := read[metric.InfluenceRow](ctx, v, metric.InfluenceQuery{Window: n.window})
	if err != nil {
		return nil, err
	}
	e := &evidence{rowsAre: "touches", columns: []column{
		{Key: "decided_at", Title: "Won", Type: "time"},
		text("deal", "Deal"), text("team", "Team"), text("workflow", "Workflow of the touch"),
		{Key: "touched_at", Title: "Touched", Type: "time"},
		text("role", "Role"),
		{Key: "credit", Title: "Credit, " + metric.DefaultModel.Title(), Type: "number"},
		number("contribution", "Share of the amount", currency),
	}}
	for i, t := range metric.InfluencedTouches(rows, n.window.Scope, v.fx(currency)) {
		e.rows = append(e.rows, evidenceRow{
			place: fmt.Sprintf("%06d", i),
			values: []*string{
				new(t.Deal.DecidedAt.UTC().Format(event.TimeForm)), &t.Deal.Deal, optionalText(t.Deal.Team), &t.Workflow,
				new(time.UnixMilli(t.At).UTC().Format(event.TimeForm)), optionalText(t.Role), exact(t.Credit), exact(t.Amount),
			},
		})
	}
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e, nil
}
