package scorecard

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/stat"
	"plumbline/pkg/warehouse"
)

// accrualsQuery reads the charges themselves, of vendors that have a price, that may be for days of a window; as they count.
type accrualsQuery struct {
	window  metric.Window
	zone    string
	vendors []string
}

// accrualRow is one charge with its period.
type accrualRow struct {
	Source         string           `ch:"source"`
	ID             string           `ch:"id"`
	Team           string           `ch:"team"`
	Workflow       string           `ch:"workflow"`
	Vendor         string           `ch:"vendor"`
	Category       string           `ch:"category"`
	Currency       string           `ch:"currency"`
	ChargeCategory string           `ch:"charge_category"`
	Unit           string           `ch:"unit"`
	Quantity       *decimal.Decimal `ch:"quantity"`
	Billed         decimal.Decimal  `ch:"billed_cost"`
	InvoiceID      string           `ch:"invoice_id"`
	CashDay        time.Time        `ch:"cash_day"`
	Start          *time.Time       `ch:"charge_period_start"`
	End            *time.Time       `ch:"charge_period_end"`
	Final          bool             `ch:"final"`
}

// SQL is the query and its parameters. A day around the window is read too, since the ends of a period are rounded.
func (q accrualsQuery) SQL() (string, map[string]any) {
	return `SELECT source, id, team, workflow, vendor, category, currency, charge_category, unit, quantity, billed_cost, invoice_id,
  ifNull(invoice_date, toDate32(toTimeZone(time, {zone:String}))) AS cash_day, charge_period_start, charge_period_end, final
FROM ` + warehouse.Effective(event.KindVendorSpend) + `
WHERE vendor IN {vendors:Array(String)} AND if(
  charge_period_start IS NULL OR charge_period_end IS NULL,
  cash_day >= {from:Date32} AND cash_day < {to:Date32},
  toDate32(charge_period_start) <= addDays({to:Date32}, 1) AND toDate32(charge_period_end) >= addDays({from:Date32}, -1)
)
ORDER BY source, id`, map[string]any{
			"workspace": q.window.Workspace, "zone": q.zone, "vendors": q.vendors, "from": q.window.From, "to": q.window.To,
		}
}

// days are the first local day of the charge and how many there are: its period, both ends rounded to the nearest local
// midnight, or its day of cash. It is how the rollup has it.
func (r accrualRow) days(zone *time.Location) (first event.Day, n int) {
	if r.Start == nil || r.End == nil {
		return event.Day{Time: r.CashDay}, 1
	}
	localDay := func(at time.Time) event.Day {
		y, m, d := at.In(zone).Date()
		return event.Day{Time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
	}
	first = localDay(r.Start.Add(12 * time.Hour))
	n = int(localDay(r.End.Add(12*time.Hour)).Sub(first.Time) / (24 * time.Hour))
	if n <= 0 {
		return localDay(*r.Start), 1
	}
	return first, n
}

// accrue spreads the charge over its days within the window.
func (r accrualRow) accrue(w metric.Window, zone *time.Location) ([]metric.AccrualRow, error) {
	first, n := r.days(zone)
	weights := make([]decimal.Decimal, n)
	for i := range weights {
		weights[i] = decimal.NewFromInt(1)
	}
	quantity := decimal.Zero
	if r.Quantity != nil {
		quantity = *r.Quantity
	}
	billed, err := stat.Apportion(r.Billed, weights, stat.CreditScale)
	if err != nil {
		return nil, fmt.Errorf("spread charge %s: %w", r.ID, err)
	}
	volume, err := stat.Apportion(quantity, weights, stat.CreditScale)
	if err != nil {
		return nil, fmt.Errorf("spread charge %s: %w", r.ID, err)
	}
	var out []metric.AccrualRow
	for i := range n {
		day := addDays(first, i)
		if day.Before(w.From.Time) || !day.Before(w.To.Time) {
			continue
		}
		row := metric.AccrualRow{
			Day: day.Time, Team: r.Team, Workflow: r.Workflow, Vendor: r.Vendor, Category: r.Category, Currency: r.Currency,
			ChargeCategory: r.ChargeCategory, Unit: r.Unit, Measured: r.Quantity != nil, N: 1, Billed: billed[i], Quantity: volume[i],
			Event: padded(r.Source, r.ID),
		}
		if i == 0 || day.Day() == 1 {
			row.MonthN = 1
		}
		if r.Final {
			row.FinalN = 1
		}
		out = append(out, row)
	}
	return out, nil
}

// savingsEvidence are the charges and the prices that the savings come from: what the price of a month adds, and what each
// charge takes away. Where raw rows are gone after the retention, the charges of a team and workflow are one row.
func (v *view) savingsEvidence(ctx context.Context, n *numbers, currency string) (*evidence, error) {
	in, byEvent := v.savingsInput(n.window, currency), map[string]accrualRow{}
	months, vendors := wholeMonths(n.window), v.pricedVendors()
	seal, err := v.db.Seal(ctx)
	if err != nil {
		return nil, err
	}
	e := &evidence{rowsAre: "events"}
	switch {
	case len(vendors) == 0:
	case months.From.Before(seal.DroppedBefore.Time):
		e.rowsAre = "cells"
		if in.Rows, err = read[metric.AccrualRow](ctx, v, metric.AccrualQuery{Window: months, Vendors: vendors}); err != nil {
			return nil, err
		}
	default:
		charges, err := read[accrualRow](ctx, v, accrualsQuery{months, v.zone.String(), vendors})
		if err != nil {
			return nil, err
		}
		for _, r := range charges {
			rows, err := r.accrue(months, v.zone)
			if err != nil {
				return nil, err
			}
			in.Rows, byEvent[padded(r.Source, r.ID)] = append(in.Rows, rows...), r
		}
	}
	total, details := metric.VendorSavingsDetails(in, currency)
	e.total = evidenceTotal{Value: total.Value, Rows: uint64(len(details)), N: total.N, Status: total.Status, Reason: total.Reason}
	if total.Status != n.folds[metric.VendorSavings].Measure.Status {
		e.total.Status, e.total.Reason = n.folds[metric.VendorSavings].Measure.Status, n.folds[metric.VendorSavings].Measure.Reason
	}
	e.columns = []column{
		text("month", "Month"), text("row", "Row"), text("vendor", "Vendor"), text("category", "Category"), text("team", "Team"),
		text("workflow", "Workflow"), text("price", "Price"), text("source", "Source"), text("id", "Event"), text("invoice_id", "Invoice"),
		text("currency", "Currency"),
		{Key: "billed_cost", Title: "Billed, the whole charge", Type: "number"},
		{Key: "quantity", Title: "Volume, the whole charge", Type: "number"},
		number("contribution", "Paid less in the period", currency),
	}
	for i, d := range details {
		e.rows = append(e.rows, savingsRow(i, d, byEvent))
	}
	return e, nil
}

func savingsRow(i int, d metric.SavingsDetail, byEvent map[string]accrualRow) evidenceRow {
	what, line := "charge", "registry vendor-baselines/"+d.Line
	var source, id, invoice, currency, billed, quantity *string
	switch r, named := byEvent[d.Event]; {
	case d.Price:
		what = "price before"
	case !named:
		what = "charges"
	default:
		source, id, invoice, currency, billed = &r.Source, &r.ID, optionalText(r.InvoiceID), &r.Currency, exact(r.Billed)
		if r.Quantity != nil {
			quantity = exact(*r.Quantity)
		}
	}
	return evidenceRow{place: fmt.Sprintf("%08d", i), values: []*string{
		&d.Month, &what, &d.Vendor, &d.Category, optionalText(d.Team), optionalText(d.Workflow), &line, source, id, invoice, currency, billed, quantity,
		exact(d.Amount),
	}}
}
