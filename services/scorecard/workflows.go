package scorecard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// workflowsAnswer is the answer of /workflows: who owns each, and what prices it.
type workflowsAnswer struct {
	answerHead
	Workflows []workflowRow `json:"workflows"`
	Total     int           `json:"total"`
	Next      *string       `json:"next"`
	// BaselineDays is how long a declared baseline is fresh, OwnerDays how long the confirmation of an owner holds.
	BaselineDays int `json:"baseline_days"`
	OwnerDays    int `json:"owner_days"`
}

// workflowRow is one workflow at the end of a period.
type workflowRow struct {
	Workflow string `json:"workflow"`
	Name     string `json:"name"`
	// Registered says that the registry knows it; else only events name it.
	Registered bool    `json:"registered"`
	Team       *string `json:"team"`
	TeamName   *string `json:"team_name"`
	Unit       *string `json:"unit"`
	// Version is that of the entry.
	Version   *string            `json:"version"`
	Owner     workflowOwner      `json:"owner"`
	Baselines []workflowBaseline `json:"baselines"`
	// OpenDisputes is how many disputes of its baseline are open now.
	OpenDisputes int             `json:"open_disputes"`
	Review       *workflowReview `json:"review"`
	// Measures are those of the workflow in the period, under the privacy floor.
	Measures map[string]metric.Measure `json:"measures"`
	Flags    []string                  `json:"flags"`
}

// workflowOwner is who answers for a workflow, as the registry says.
type workflowOwner struct {
	// State is none, unconfirmed or confirmed.
	State string `json:"state"`
	// Name is what stands in the entry, By what the registry says of that person, where it knows them.
	Name        *string       `json:"name"`
	By          *barrierOwner `json:"by"`
	ConfirmedAt *string       `json:"confirmed_at"`
	// Role is the designated role, whoever holds it.
	Role *string `json:"role"`
}

// workflowBaseline is what a unit takes without AI, from one source.
type workflowBaseline struct {
	// Source is trial, measured or declared.
	Source string `json:"source"`
	// Prices says that the hours are priced with it: the best there is.
	Prices bool `json:"prices"`
	// Value is in Unit, nil where fewer than five people stand behind it.
	Value  *string `json:"value"`
	Unit   string  `json:"unit"`
	Low    *string `json:"low"`
	High   *string `json:"high"`
	Grade  *int    `json:"grade"`
	N      *uint64 `json:"n"`
	Detail string  `json:"detail"`
	// Version is the days that it stands on, or the version of the entry.
	Version *string `json:"version"`
	// Since is the day from which a declared one has been what it is, Evidence what it stands on.
	Since    *string `json:"since"`
	Evidence *string `json:"evidence"`
}

// workflowReview is the review policy.
type workflowReview struct {
	TargetHours *metric.Exact `json:"target_hours"`
	Text        *string       `json:"text"`
	Link        *string       `json:"link"`
}

// The states of an owner, and the flags of a workflow.
const (
	ownerNone        = "none"
	ownerUnconfirmed = "unconfirmed"
	ownerConfirmed   = "confirmed"

	flagUnregistered = "not_registered"
	flagNoOwner      = "no_owner"
	flagUnconfirmed  = "owner_unconfirmed"
	flagNoBaseline   = "no_baseline"
	flagOldBaseline  = "old_baseline"
	flagNoPolicy     = "no_review_policy"
)

// workflowKeys are the measures of a workflow that the list has.
func workflowKeys() []string { return []string{metric.ReviewCycleHours, metric.TrainedShare} }

// getWorkflows lists the workflows of a scope, by key. The zoom on oneself shows them all: who owns a workflow is nobody's own.
func (a *app) getWorkflows(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency", "limit", "cursor")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	currency := v.currencyOf(p)
	if notModified(c, v, p, currency) {
		return nil
	}
	asked := p
	if p.scope.Kind == metric.ScopeMe {
		p.scope = metric.Scope{Kind: metric.ScopeOrg}
	}
	n, err := v.compute(c, v.window(p.from, p.to, p.scope), currency, metric.Ownership)
	if err != nil {
		return err
	}
	known, keys := map[string]metric.OwnedWorkflow{}, []string{}
	for _, w := range n.pillar.ownership.Workflows {
		known[w.Workflow], keys = w, append(keys, w.Workflow)
	}
	slices.Sort(keys)
	chosen, next, err := page(keys, p)
	if err != nil {
		return err
	}
	end := v.ended(p.to)
	prices, err := v.prices(c, end)
	if err != nil {
		return err
	}
	rows := make([]workflowRow, len(chosen))
	group, within := errgroup.WithContext(c)
	group.SetLimit(querySlots)
	for i, key := range chosen {
		group.Go(func() (err error) {
			rows[i] = v.workflowRow(known[key], end, prices)
			rows[i].Measures, err = v.workflowMeasures(within, p, key, currency)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, workflowsAnswer{
		answerHead: v.head(asked), Workflows: rows, Total: len(keys), Next: next, BaselineDays: metric.BaselineDays, OwnerDays: metric.OwnershipDays,
	})
	return nil
}

// prices is what was measured up to the end of a period, of the whole workspace.
func (v *view) prices(ctx context.Context, end event.Day) (in metric.HoursInput, err error) {
	w := v.window(addDays(end, -1), end, metric.Scope{Kind: metric.ScopeOrg})
	if in.Unassisted, err = read[metric.UnassistedRow](ctx, v, metric.UnassistedQuery{Window: w}); err != nil {
		return in, err
	}
	in.Tasks, err = read[metric.TrialRow](ctx, v, metric.TrialQuery{Window: w})
	return in.Prepare(), err
}

// workflowMeasures are the measures of one workflow, as the scorecard shows them in its scope.
func (v *view) workflowMeasures(ctx context.Context, p params, key, currency string) (map[string]metric.Measure, error) {
	p.scope = metric.Scope{Kind: metric.ScopeWorkflow, Key: key}
	n, err := v.compute(ctx, v.window(p.from, p.to, p.scope), currency, workflowKeys()...)
	if err != nil {
		return nil, err
	}
	return v.dressed(n, p, workflowKeys()...), nil
}

// workflowRow is what is declared and measured of a workflow at the end of a period.
func (v *view) workflowRow(w metric.OwnedWorkflow, end event.Day, prices metric.HoursInput) workflowRow {
	last := addDays(end, -1)
	row := workflowRow{
		Workflow: w.Workflow, Name: v.name(registry.Workflows, w.Workflow), Registered: w.Registered, Team: optionalText(w.Team),
		Version: optionalText(w.Version), Owner: workflowOwner{State: ownerNone, Role: optionalText(w.Role)}, Baselines: []workflowBaseline{}, Flags: []string{},
	}
	if w.Team != "" {
		row.TeamName = new(v.name(registry.Teams, w.Team))
	}
	row.Baselines = append(row.Baselines, v.baselines(w.Workflow, last, prices)...)
	row.OpenDisputes = len(v.openDisputes(func(d *registry.Dispute) bool { return d.Workflow() == w.Workflow }))
	if entry, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, w.Workflow, v.endOf(last)); ok {
		row.Unit = optionalText(entry.Unit)
		row.Owner = v.workflowOwner(entry, w)
		row.Review = reviewOf(entry)
	}
	row.Flags = append(row.Flags, flagsOf(row, end)...)
	return row
}

// baselines are all baselines of a workflow that there are on a day, the best first: that one prices.
func (v *view) baselines(workflow string, last event.Day, prices metric.HoursInput) []workflowBaseline {
	var out []workflowBaseline
	for _, m := range metric.MeasuredPrices(prices, workflow, last) {
		in := m.Input
		out = append(out, workflowBaseline{
			Source: m.Source, Value: in.Value, Unit: in.Unit, Low: in.Low, High: in.High, Grade: in.Grade, N: in.N, Detail: in.Source, Version: in.Version,
		})
	}
	if d, ok := v.declared(workflow, last); ok {
		entry, _, _ := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, v.endOf(last))
		out = append(out, v.declaredRow(workflow, last, d, entry.Baseline.Evidence))
	}
	if len(out) > 0 {
		out[0].Prices = true
	}
	return out
}

func (v *view) workflowOwner(entry *registry.Workflow, w metric.OwnedWorkflow) workflowOwner {
	o := workflowOwner{State: ownerNone, Name: optionalText(entry.Owner), Role: optionalText(entry.RoleResponsible), ConfirmedAt: optionalText(w.ConfirmedAt)}
	if entry.Owner == "" {
		return o
	}
	if o.State = ownerUnconfirmed; w.Confirmed {
		o.State = ownerConfirmed
	}
	if _, _, known := registry.Find[registry.Person](v.registry, registry.People, entry.Owner, v.now); known || entry.Owner == v.viewer.Person {
		o.By = v.ownerOf(entry.Owner)
	}
	return o
}

// reviewOf is the review policy of an entry; nil where it has none.
func reviewOf(entry *registry.Workflow) *workflowReview {
	r := &workflowReview{Link: optionalText(entry.PolicyLink)}
	if entry.ReviewPolicy != nil {
		r.Text = optionalText(entry.ReviewPolicy.Text)
		if hours := entry.ReviewPolicy.TargetHours; hours != nil {
			r.TargetHours = metric.ExactOf(hours.Decimal())
		}
	}
	if r.Link == nil && r.Text == nil && r.TargetHours == nil {
		return nil
	}
	return r
}

func (v *view) declaredRow(workflow string, last event.Day, d metric.DeclaredBaseline, evidence string) workflowBaseline {
	return workflowBaseline{
		Source: metric.FromDeclared, Value: exact(d.Mode), Unit: "min/unit", Low: exact(d.Low), High: exact(d.High), Grade: new(0),
		Detail: "declared: registry workflows/" + workflow, Version: &d.Version, Since: new(v.declaredSince(workflow, last, d).Format(time.DateOnly)), Evidence: optionalText(evidence),
	}
}

// declaredSince is the day from which the declared baseline has been what it is: a version that changes something else of the workflow
// makes its baseline no younger.
func (v *view) declaredSince(workflow string, last event.Day, d metric.DeclaredBaseline) event.Day {
	at := v.endOf(last)
	since := v.dayOf(at)
	for {
		entry, version, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, at)
		if !ok || entry.Baseline == nil {
			return since
		}
		b := entry.Baseline
		if !b.Low.Decimal().Equal(d.Low) || !b.Mode.Decimal().Equal(d.Mode) || !b.High.Decimal().Equal(d.High) {
			return since
		}
		since, at = v.dayOf(version.ValidFrom), version.ValidFrom.Add(-time.Millisecond)
	}
}

// flagsOf says what is missing or stale of a workflow at the end of a period.
func flagsOf(row workflowRow, end event.Day) []string {
	var out []string
	flag := func(name string, is bool) {
		if is {
			out = append(out, name)
		}
	}
	flag(flagUnregistered, !row.Registered)
	flag(flagNoOwner, row.Owner.State == ownerNone)
	flag(flagUnconfirmed, row.Owner.State == ownerUnconfirmed)
	flag(flagNoBaseline, len(row.Baselines) == 0)
	if len(row.Baselines) > 0 && row.Baselines[0].Since != nil { // a declared one that prices; what is measured is of 180 days
		flag(flagOldBaseline, dayOf(*row.Baselines[0].Since).Before(addDays(end, -metric.BaselineDays).Time))
	}
	flag(flagNoPolicy, row.Review == nil)
	return out
}
