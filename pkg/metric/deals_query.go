package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// Basis says which deals belong to a period.
type Basis string

// The bases.
const (
	Decided Basis = "decided" // won or lost in the period
	Created Basis = "created" // created in the period: the cohort
)

// DealsQuery reads the deals of a window, one row each.
type DealsQuery struct {
	Window
	Basis Basis
}

// DealRow is the state of one deal.
type DealRow struct {
	Deal       string           `ch:"deal"`
	Day        time.Time        `ch:"day"`
	Team       string           `ch:"team"`
	Workflow   string           `ch:"workflow"`
	Stage      string           `ch:"stage"`
	Status     string           `ch:"status"`
	Amount     *decimal.Decimal `ch:"amount"`
	Currency   string           `ch:"currency"`
	CreatedAt  time.Time        `ch:"created_at"`
	DecidedAt  *time.Time       `ch:"decided_at"`
	DecidedDay *time.Time       `ch:"decided_day"`
	Assisted   *bool            `ch:"assisted"`
	// Margin is the share of the amount that stays; Experiment names the study that the deal is part of.
	Margin     *decimal.Decimal `ch:"margin"`
	Experiment string           `ch:"experiment"`
}

// SQL is the query and its parameters. Rows stand on the cohort's day; the day of the decision is a column.
func (q DealsQuery) SQL() (string, map[string]any) {
	column := "decided_day"
	if q.Basis == Created {
		column = "day"
	}
	where, args := q.where(column)
	return `SELECT deal, day, team, workflow, stage, status, amount, currency, created_at, decided_at, decided_day, assisted, margin, experiment
FROM rollup_deals
WHERE ` + where + `
ORDER BY day, deal`, args
}

// dealPart is a deal with its touches.
type dealPart struct {
	DealRow
	Workflows []string `ch:"touch_workflows"`
	Times     []int64  `ch:"touch_times"`
	Roles     []string `ch:"touch_roles"`
}

// dealParts are the deals of whole days, by their cohort.
func dealParts(w Window, from, to event.Day) Parts {
	where, args := w.listed().where("day")
	sql := `SELECT deal, day, team, workflow, stage, status, amount, currency, created_at, decided_at, decided_day, assisted, margin, experiment,
  ` + touchColumns + `
FROM (
  SELECT *, ` + touchList + ` AS list
  FROM rollup_deals
  WHERE ` + where + `
)
ORDER BY day, deal`
	return partsOf("rollup_deals", from, to, statement{sql, args}, func(p *dealPart) time.Time { return p.Day })
}

// Parts are the deals of the cohorts; those decided in a window may be of any.
func (q DealsQuery) Parts() (Parts, bool) {
	from, to := q.From, q.To
	if q.Basis != Created {
		from, to = event.Day{}, event.Day{}
	}
	return dealParts(q.Window, from, to), q.Scope.Kind != ScopeMe
}

// Merge takes the deals of the window and scope.
func (q DealsQuery) Merge(days []any) []DealRow {
	// Rows are large: they are copied when it is known how many there are.
	var found []*DealRow
	for _, d := range days {
		rows := rowsOf[dealPart](d)
		for i := range rows {
			p := &rows[i]
			if q.Scope.Holds(p.Team, p.Workflow) && (q.Basis == Created || q.holds(p.DecidedDay)) {
				found = append(found, &p.DealRow)
			}
		}
	}
	out := make([]DealRow, len(found))
	for i, r := range found {
		out[i] = *r
	}
	return out
}

// Won reports whether the deal is won, Lost whether it is lost.
func (d DealRow) Won() bool { return d.Status == "won" }

// Lost reports whether the deal is lost.
func (d DealRow) Lost() bool { return d.Status == "lost" }

// day is 24 hours in milliseconds: durations of deals are elapsed time, not calendar days.
const dayMillis = 24 * 60 * 60 * 1000

// cycleMillis is the time from creation to decision.
func (d DealRow) cycleMillis() int64 {
	if d.DecidedAt == nil {
		return 0
	}
	return d.DecidedAt.Sub(d.CreatedAt).Milliseconds()
}
