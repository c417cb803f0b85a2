package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// BarriersQuery reads what was said about barriers before the end of a window, in the whole workspace: a barrier is as
// old as its first report, and its state is what was said last. Rows come in the order of time.
type BarriersQuery struct{ Window }

// BarrierRow is one report, support or resolution.
type BarrierRow struct {
	Day      time.Time `ch:"day"`
	At       time.Time `ch:"at"`
	Barrier  string    `ch:"barrier"`
	Category string    `ch:"category"`
	// Action is report, support or resolve.
	Action   string `ch:"action"`
	Team     string `ch:"team"`
	Workflow string `ch:"workflow"`
	Person   string `ch:"person"`
	Owner    string `ch:"owner"`
	// Minutes is nil where none were stated.
	Minutes *decimal.Decimal `ch:"minutes_lost"`
}

// Takes tells whether somebody takes it on themselves to clear the barrier: support that names its own author as the owner and states
// no time. It is an act of office, and says nothing of what the barrier costs: whoever takes one is not among those behind it.
func (r BarrierRow) Takes() bool {
	return r.Action == "support" && r.Person != "" && r.Owner == r.Person && r.Minutes == nil
}

// Deed tells whether something is done about the barrier, and not said of what it costs: it is taken, or resolved.
func (r BarrierRow) Deed() bool { return r.Action == "resolve" || r.Takes() }

// SQL is the query and its parameters.
func (q BarriersQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope, w.From = Scope{Kind: ScopeOrg}, event.Day{}
	where, args := w.where("day")
	return `SELECT day, at, barrier, category, action, team, workflow, person, owner, minutes_lost
FROM rollup_barriers
WHERE ` + where + `
ORDER BY at, identity`, args
}

// Parts are what was said about barriers on whole days.
func (q BarriersQuery) Parts() (Parts, bool) {
	return partsOf("rollup_barriers", event.Day{}, q.To, BarriersQuery{q.listed()}, func(r *BarrierRow) time.Time { return r.Day }), true
}

// Merge puts it in the order of time.
func (q BarriersQuery) Merge(days []any) []BarrierRow {
	return inTime(pick[BarrierRow](days, nil), func(r *BarrierRow) time.Time { return r.At })
}
