package metric

import (
	"time"

	"github.com/shopspring/decimal"
)

// InfluenceQuery reads the deals with touches that were won in a window, and those created in it that are still open: of the
// whole workspace, since a deal belongs to one workflow and is touched by many.
type InfluenceQuery struct{ Window }

// InfluenceRow is one deal with its touches, in the order in which they were sent.
type InfluenceRow struct {
	Deal       string           `ch:"deal"`
	Day        time.Time        `ch:"day"`
	Team       string           `ch:"team"`
	Workflow   string           `ch:"workflow"`
	Status     string           `ch:"status"`
	Amount     *decimal.Decimal `ch:"amount"`
	Currency   string           `ch:"currency"`
	DecidedAt  *time.Time       `ch:"decided_at"`
	DecidedDay *time.Time       `ch:"decided_day"`
	// Workflows, Times (milliseconds since 1970) and Roles of the touches go together.
	Workflows []string `ch:"touch_workflows"`
	Times     []int64  `ch:"touch_times"`
	Roles     []string `ch:"touch_roles"`
}

// SQL is the query and its parameters. The engine takes the touches apart, many times faster than a decoder here would.
func (q InfluenceQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	where, args := w.where("if(status = 'open', day, decided_day)")
	return `SELECT deal, day, team, workflow, status, amount, currency, decided_at, decided_day,
  arrayMap(t -> t.1, list) AS touch_workflows,
  arrayMap(t -> toUnixTimestamp64Milli(parseDateTime64BestEffort(t.2, 3, 'UTC')), list) AS touch_times,
  arrayMap(t -> t.3, list) AS touch_roles
FROM (
  SELECT *, JSONExtract(touches, 'Array(Tuple(workflow String, at String, role String))') AS list
  FROM rollup_deals
  WHERE ` + where + `
    AND status IN ('won', 'open')
)
ORDER BY day, deal`, args
}
