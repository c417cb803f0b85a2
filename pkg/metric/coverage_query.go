package metric

import (
	"cmp"
	"slices"
	"strings"
	"time"

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
	w.Scope, w.From = Scope{Kind: ScopeOrg}, q.begin()
	sql, args := w.counts("")
	return sql + "\nORDER BY kind, team, workflow", args
}

// begin is the first day that counts.
func (q CoverageQuery) begin() event.Day { return event.Day{Time: q.To.AddDate(0, 0, -CoverageDays)} }

// counts is a statement that counts the events of the core kinds, by more columns than kind, team and workflow.
func (w Window) counts(more string) (string, map[string]any) {
	where, args := w.where("day")
	tables := map[string]string{
		KindHours: "rollup_hours", KindVendor: "rollup_spend", KindConversion: "rollup_conversions", KindPipeline: "rollup_changes",
	}
	var arms []string
	for _, kind := range CoreKinds() {
		arms = append(arms, "SELECT "+more+"'"+kind+"' AS kind, toString(team) AS team, toString(workflow) AS workflow, sum(n) AS n\nFROM "+tables[kind]+
			"\nWHERE "+where+"\nGROUP BY "+more+"team, workflow")
	}
	return "SELECT " + more + "kind, team, workflow, n FROM (\n" + strings.Join(arms, "\nUNION ALL\n") + "\n)", args
}

// coveragePart is what [CoverageRow] is, of one day.
type coveragePart struct {
	Day time.Time `ch:"day"`
	CoverageRow
}

// Parts are the counts of each day.
func (q CoverageQuery) Parts() (Parts, bool) {
	sql, args := q.listed().counts("day, ")
	return partsOf("", q.begin(), q.To, statement{sql, args}, func(p *coveragePart) time.Time { return p.Day }), true
}

// Merge sums the counts.
func (q CoverageQuery) Merge(days []any) []CoverageRow {
	sums := map[CoverageRow]uint64{}
	for _, d := range days {
		for _, p := range rowsOf[coveragePart](d) {
			sums[CoverageRow{Kind: p.Kind, Team: p.Team, Workflow: p.Workflow}] += p.N
		}
	}
	out := make([]CoverageRow, 0, len(sums))
	for r, n := range sums {
		r.N = n
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b CoverageRow) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow))
	})
	return out
}
