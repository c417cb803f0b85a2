package metric

import (
	"strings"

	"plumbline/pkg/event"
)

// CoverageDays is how far back an event says that a team measures a kind: [end − CoverageDays, end).
const CoverageDays = 90

// The core kinds of events, in the order in which they are shown.
const (
	KindHours      = "hours"
	KindVendor     = "vendor"
	KindConversion = "conversion"
	KindPipeline   = "pipeline"
)

// CoreKinds are the four kinds that coverage is about.
func CoreKinds() []string { return []string{KindHours, KindVendor, KindConversion, KindPipeline} }

// CoverageQuery reads which teams have recorded which core kinds in the [CoverageDays] before the end of a window, in the
// whole workspace.
type CoverageQuery struct{ Window }

// CoverageRow counts the events of one kind, team and workflow.
type CoverageRow struct {
	Kind     string `ch:"kind"`
	Team     string `ch:"team"`
	Workflow string `ch:"workflow"`
	N        uint64 `ch:"n"`
}

// SQL is the query and its parameters. Spend counts on its day of cash, the others on the day of the event.
func (q CoverageQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	w.From = event.Day{Time: w.To.AddDate(0, 0, -CoverageDays)}
	where, args := w.where("day")
	tables := map[string]string{
		KindHours: "rollup_hours", KindVendor: "rollup_spend", KindConversion: "rollup_conversions", KindPipeline: "rollup_changes",
	}
	var arms []string
	for _, kind := range CoreKinds() {
		arms = append(arms, "SELECT '"+kind+"' AS kind, toString(team) AS team, toString(workflow) AS workflow, sum(n) AS n\nFROM "+tables[kind]+
			"\nWHERE "+where+"\nGROUP BY team, workflow")
	}
	return "SELECT kind, team, workflow, n FROM (\n" + strings.Join(arms, "\nUNION ALL\n") + "\n)\nORDER BY kind, team, workflow", args
}
