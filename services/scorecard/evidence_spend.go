package scorecard

import (
	"fmt"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// chargesQuery reads the charges themselves on the days of cash of a window, as they count: without the voided, with the
// corrections.
type chargesQuery struct {
	window metric.Window
	zone   string
	// after is the place of the last row of the page before, limit the size of the page; 0 is all.
	after string
	limit int
}

// chargeRow is one charge.
type chargeRow struct {
	Place          string          `ch:"place"`
	CashDay        time.Time       `ch:"cash_day"`
	Time           time.Time       `ch:"time"`
	Source         string          `ch:"source"`
	ID             string          `ch:"id"`
	Team           string          `ch:"team"`
	Workflow       string          `ch:"workflow"`
	Vendor         string          `ch:"vendor"`
	Category       string          `ch:"category"`
	ChargeCategory string          `ch:"charge_category"`
	InvoiceID      string          `ch:"invoice_id"`
	Currency       string          `ch:"currency"`
	Billed         decimal.Decimal `ch:"billed_cost"`
	Corrected      bool            `ch:"corrected"`
}

func (q chargesQuery) from() (string, map[string]any) {
	args := map[string]any{"workspace": q.window.Workspace, "zone": q.zone, "from": q.window.From, "to": q.window.To}
	conditions := "cash_day >= {from:Date32} AND cash_day < {to:Date32}"
	switch q.window.Scope.Kind {
	case metric.ScopeTeam:
		conditions += " AND team = {key:String}"
		args["key"] = q.window.Scope.Key
	case metric.ScopeWorkflow:
		conditions += " AND workflow = {key:String}"
		args["key"] = q.window.Scope.Key
	case metric.ScopeOrg, metric.ScopeMe:
	}
	return `FROM (
  SELECT *, ifNull(invoice_date, toDate32(toTimeZone(time, {zone:String}))) AS cash_day,
    concat(toString(cash_day), ' ', lower(hex(identity))) AS place
  FROM ` + warehouse.Effective(event.KindVendorSpend) + `
) WHERE ` + conditions, args
}

// SQL is the query and its parameters. Ordered by the day of cash, then the identity, which no correction changes.
func (q chargesQuery) SQL() (string, map[string]any) {
	from, args := q.from()
	if q.after != "" {
		from += " AND place > {after:String}"
		args["after"] = q.after
	}
	sql := `SELECT place, cash_day, time, source, id, team, workflow, vendor, category, charge_category, invoice_id, currency, billed_cost, corrected
` + from + `
ORDER BY place`
	if q.limit > 0 {
		sql += "\nLIMIT {limit:UInt64}"
		args["limit"] = uint64(q.limit)
	}
	return sql, args
}

// chargeTotalsQuery sums the same charges.
type chargeTotalsQuery struct{ chargesQuery }

// SQL is the query and its parameters.
func (q chargeTotalsQuery) SQL() (string, map[string]any) {
	from, args := q.from()
	return `SELECT cash_day AS day, currency, count() AS n, sum(toDecimal256(billed_cost, 18)) AS billed
` + from + `
GROUP BY day, currency
ORDER BY day, currency`, args
}

// spendEvidence are the charges. The total is folded from the same rows, so that a page and its total always agree.
func (v *view) spendEvidence(c *gin.Context, n *numbers, p params, currency string) (*evidence, error) {
	q := chargesQuery{window: n.window, zone: v.zone.String()}
	type totalRow struct {
		Day      time.Time       `ch:"day"`
		Currency string          `ch:"currency"`
		N        uint64          `ch:"n"`
		Billed   decimal.Decimal `ch:"billed"`
	}
	totals, err := read[totalRow](c, v, chargeTotalsQuery{q})
	if err != nil {
		return nil, err
	}
	spend := make([]metric.SpendRow, 0, len(totals))
	rows := uint64(0)
	for _, t := range totals {
		spend = append(spend, metric.SpendRow{Day: t.Day, Currency: t.Currency, N: t.N, Billed: t.Billed})
		rows += t.N
	}
	fx := v.fx(currency)
	total := metric.FoldSpend(spend, currency, fx).Measure
	if p.cursor != "" {
		if q.after, err = cursorText(p.cursor); err != nil {
			return nil, err
		}
	}
	if p.limit > 0 {
		q.limit = p.limit + 1 // one more tells whether there is a next page
	}
	charges, err := read[chargeRow](c, v, q)
	if err != nil {
		return nil, err
	}
	e := &evidence{
		rowsAre: "events", paged: true,
		total: evidenceTotal{Value: total.Value, Rows: rows, N: total.N, Status: total.Status, Reason: total.Reason},
		columns: []column{
			{Key: "cash_day", Title: "Day of cash", Type: "day"},
			{Key: "time", Title: "Time", Type: "time"},
			text("source", "Source"), text("id", "Event"), text("vendor", "Vendor"), text("category", "Category"),
			text("team", "Team"), text("workflow", "Workflow"), text("charge_category", "Charge"), text("invoice_id", "Invoice"),
			text("currency", "Currency"),
			{Key: "billed_cost", Title: "Billed", Type: "number"},
			{Key: "rate", Title: "Rate to " + currency, Type: "number"},
			text("corrected", "Corrected"), number("contribution", "Contribution", currency),
		},
	}
	if p.limit > 0 && len(charges) > p.limit {
		charges = charges[:p.limit]
		e.next = new(cursorOf(charges[p.limit-1].Place))
	}
	for _, r := range charges {
		e.rows = append(e.rows, r.evidence(fx))
	}
	return e, nil
}

func (r chargeRow) evidence(fx metric.FX) evidenceRow {
	var rate, contribution *string
	if x, ok := fx(r.Currency, event.Day{Time: r.CashDay}); ok {
		rate, contribution = exact(x.Rate), exact(r.Billed.Mul(x.Rate))
	}
	corrected := "no"
	if r.Corrected {
		corrected = "yes"
	}
	return evidenceRow{place: r.Place, values: []*string{
		new(r.CashDay.Format(time.DateOnly)), new(r.Time.UTC().Format(event.TimeForm)), &r.Source, &r.ID, &r.Vendor, &r.Category,
		optionalText(r.Team), optionalText(r.Workflow), optionalText(r.ChargeCategory), optionalText(r.InvoiceID),
		&r.Currency, exact(r.Billed), rate, &corrected, contribution,
	}}
}

func exact(d decimal.Decimal) *string { return new(metric.Exact{Decimal: d}.Text()) }

func whole(n uint64) *string { return new(fmt.Sprint(n)) }

// padded makes numbers sort as texts.
func padded(parts ...string) string { return strings.Join(parts, "\x1f") }
