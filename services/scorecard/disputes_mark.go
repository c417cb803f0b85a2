package scorecard

import (
	"slices"

	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// openDisputes are the open ones that are as asked.
func (v *view) openDisputes(is func(*registry.Dispute) bool) []registry.Dispute {
	var out []registry.Dispute
	for _, d := range v.registry.Disputes() {
		if d.Outcome == nil && is(&d) {
			out = append(out, d)
		}
	}
	return out
}

// disputedWorkflow is a workflow whose baseline is disputed.
type disputedWorkflow struct {
	Workflow string `json:"workflow"`
	Name     string `json:"name"`
	Open     int    `json:"open"`
}

// pricedByBaselines tells whether a measure depends on the baselines of workflows.
func pricedByBaselines(key string) bool {
	rung, ladder := metric.RungOf(key)
	return key == metric.HoursSavedNet || key == metric.CapacityValue || (ladder && rung != metric.RungCash)
}

// disputed are the workflows whose baselines are disputed and price a number: those of the scope by the registry, so that nothing
// follows about whose work there is; and one's own those that one has worked on.
func (v *view) disputed(n *numbers, key string) []disputedWorkflow {
	out := []disputedWorkflow{}
	if !pricedByBaselines(key) {
		return out
	}
	for _, d := range v.openDisputes(func(d *registry.Dispute) bool { return v.inScope(n, d.Workflow()) }) {
		if i := slices.IndexFunc(out, func(w disputedWorkflow) bool { return w.Workflow == d.Workflow() }); i >= 0 {
			out[i].Open++
			continue
		}
		out = append(out, disputedWorkflow{d.Workflow(), v.name(registry.Workflows, d.Workflow()), 1})
	}
	return out
}

func (v *view) inScope(n *numbers, workflow string) bool {
	scope := n.window.Scope
	switch scope.Kind {
	case metric.ScopeWorkflow:
		return workflow == scope.Key
	case metric.ScopeTeam:
		w, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, v.now)
		return ok && w.Team == scope.Key
	case metric.ScopeMe:
		return slices.ContainsFunc(n.input.Rows, func(r metric.HoursRow) bool { return r.Workflow == workflow })
	default:
		return true
	}
}

// marked is a measure with how many open disputes there are of what prices it.
func (v *view) marked(m metric.Measure, n *numbers) metric.Measure {
	for _, w := range v.disputed(n, m.Key) {
		m.OpenDisputes += w.Open
	}
	return m
}
