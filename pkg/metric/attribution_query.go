package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
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

// touchList takes the touches of a deal apart; touchColumns are its columns.
const (
	touchList    = `JSONExtract(touches, 'Array(Tuple(workflow String, at String, role String))')`
	touchColumns = `arrayMap(t -> t.1, list) AS touch_workflows,
  arrayMap(t -> toUnixTimestamp64Milli(parseDateTime64BestEffort(t.2, 3, 'UTC')), list) AS touch_times,
  arrayMap(t -> t.3, list) AS touch_roles`
)

// SQL is the query and its parameters. The engine takes the touches apart, many times faster than a decoder here would.
func (q InfluenceQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	where, args := w.where("if(status = 'open', day, decided_day)")
	return `SELECT deal, day, team, workflow, status, amount, currency, decided_at, decided_day,
  ` + touchColumns + `
FROM (
  SELECT *, ` + touchList + ` AS list
  FROM rollup_deals
  WHERE ` + where + `
    AND status IN ('won', 'open')
)
ORDER BY day, deal`, args
}

// Parts are the deals of all days: a deal may be decided long after the day it stands on.
func (q InfluenceQuery) Parts() (Parts, bool) {
	return dealParts(q.Window, event.Day{}, event.Day{}), true
}

// Merge takes the deals of the window, open ones by the day of their creation.
func (q InfluenceQuery) Merge(days []any) []InfluenceRow {
	var out []InfluenceRow
	for _, d := range days {
		rows := rowsOf[dealPart](d)
		for i := range rows {
			p := &rows[i]
			at := p.DecidedDay
			if p.Status == "open" {
				at = &p.Day
			}
			if (p.Status != "won" && p.Status != "open") || !q.holds(at) {
				continue
			}
			out = append(out, InfluenceRow{
				Deal: p.Deal, Day: p.Day, Team: p.Team, Workflow: p.Workflow, Status: p.Status, Amount: p.Amount, Currency: p.Currency,
				DecidedAt: p.DecidedAt, DecidedDay: p.DecidedDay, Workflows: p.Workflows, Times: p.Times, Roles: p.Roles,
			})
		}
	}
	return out
}
