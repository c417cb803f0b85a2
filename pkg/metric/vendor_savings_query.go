package metric

import (
	"time"

	"github.com/shopspring/decimal"
)

// AccrualQuery reads what charges of some vendors were for, by day: of the whole workspace, since a price is shared over
// the teams that were billed.
type AccrualQuery struct {
	Window
	Vendors []string
}

// AccrualRow is what was billed for one day, team, workflow, vendor and category, in one currency and unit.
type AccrualRow struct {
	Day            time.Time `ch:"day"`
	Team           string    `ch:"team"`
	Workflow       string    `ch:"workflow"`
	Vendor         string    `ch:"vendor"`
	Category       string    `ch:"category"`
	Currency       string    `ch:"currency"`
	ChargeCategory string    `ch:"charge_category"`
	Unit           string    `ch:"unit"`
	// Measured says that the charges have a quantity.
	Measured bool   `ch:"measured"`
	N        uint64 `ch:"n"`
	// MonthN counts the charges of which it is the first day in the month.
	MonthN   uint64          `ch:"month_n"`
	FinalN   uint64          `ch:"final_n"`
	Billed   decimal.Decimal `ch:"billed"`
	Quantity decimal.Decimal `ch:"quantity"`
	// Event names the charge where the row is of one only, as evidence has it.
	Event string
}

// SQL is the query and its parameters.
func (q AccrualQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	where, args := w.where("day")
	args["vendors"] = q.Vendors
	return `SELECT day, team, workflow, vendor, category, currency, charge_category, unit, measured,
  sum(n) AS n, sum(month_n) AS month_n, sum(final_n) AS final_n, sum(billed) AS billed, sum(quantity) AS quantity
FROM rollup_accrual
WHERE ` + where + `
  AND vendor IN {vendors:Array(String)}
GROUP BY day, team, workflow, vendor, category, currency, charge_category, unit, measured
ORDER BY day, team, workflow, vendor, category, currency, charge_category, unit, measured`, args
}

// Parts are the charges of whole days.
func (q AccrualQuery) Parts() (Parts, bool) {
	return partsOf("rollup_accrual", q.From, q.To, AccrualQuery{q.listed(), q.Vendors}, func(r *AccrualRow) time.Time { return r.Day }), true
}

// Merge takes all of them.
func (q AccrualQuery) Merge(days []any) []AccrualRow { return pick[AccrualRow](days, nil) }
