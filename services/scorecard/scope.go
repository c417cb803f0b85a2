package scorecard

import (
	"context"
	"slices"
	"strings"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// admit refuses a scope that there is none of: oneself for a viewer who is no person, and a team or workflow that neither
// the registry nor any event names. A misspelt key would else look like a team that did nothing.
func (v *view) admit(ctx context.Context, scope metric.Scope) error {
	refuse := func(message string) error {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/scope", Message: message}}}
	}
	switch scope.Kind {
	case metric.ScopeOrg:
		return nil
	case metric.ScopeMe:
		if v.viewer.Person == "" {
			return refuse("you are signed in as no person, so there are no numbers of your own: use org, team:KEY or workflow:KEY")
		}
		return nil
	case metric.ScopeTeam, metric.ScopeWorkflow:
	}
	kind := registry.Teams
	if scope.Kind == metric.ScopeWorkflow {
		kind = registry.Workflows
	}
	if slices.Contains(v.registry.Keys(kind), scope.Key) {
		return nil
	}
	seen, err := read[seenRow](ctx, v, seenQuery{v.viewer.Workspace, scope})
	if err != nil {
		return err
	}
	if len(seen) == 0 {
		return refuse("there is no " + string(scope.Kind) + " " + scope.Key + ": neither the registry nor any event names it")
	}
	return nil
}

// seenQuery asks whether any event names a team or workflow.
type seenQuery struct {
	workspace string
	scope     metric.Scope
}

type seenRow struct {
	Seen uint8 `ch:"seen"`
}

// SQL is the query and its parameters.
func (q seenQuery) SQL() (string, map[string]any) {
	column := "team"
	if q.scope.Kind == metric.ScopeWorkflow {
		column = "workflow"
	}
	var parts []string
	for _, table := range []string{
		"rollup_hours", "rollup_spend", "rollup_conversions", "rollup_deals", "rollup_reviews", "rollup_training", "rollup_barriers",
	} {
		parts = append(parts, "(SELECT toUInt8(1) AS seen FROM "+table+" WHERE workspace = {workspace:String} AND "+column+" = {key:String} LIMIT 1)")
	}
	return "SELECT seen FROM (" + strings.Join(parts, " UNION ALL ") + ") LIMIT 1", map[string]any{"workspace": q.workspace, "key": q.scope.Key}
}
