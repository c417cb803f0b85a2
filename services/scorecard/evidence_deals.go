package scorecard

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// dealEvidence are the deals that a measure of the pipeline is folded over: the decided ones for the win rate and the
// velocity, the won ones for the cycle.
func (v *view) dealEvidence(n *numbers, p params, currency string) *evidence {
	m := n.folds[p.measure].Measure
	e := &evidence{
		rowsAre: "deals",
		columns: []column{
			text("deal", "Deal"), text("team", "Team"), text("workflow", "Workflow"), text("stage", "Stage"), text("status", "Status"),
			{Key: "created_at", Title: "Created", Type: "time"},
			{Key: "decided_at", Title: "Decided", Type: "time"},
			number("cycle_days", "Cycle", metric.UnitDays), text("assisted", "Assisted"),
			{Key: "amount", Title: "Amount", Type: "number"},
			text("currency", "Currency"), number("amount_converted", "Amount", currency),
		},
	}
	switch p.measure {
	case metric.WinRate:
		e.columns = append(e.columns, number("numerator", "Won", metric.UnitDeals), number("denominator", "Decided", metric.UnitDeals))
	case metric.CycleDays:
		e.columns = append(e.columns, number("contribution", "Cycle", metric.UnitDays))
	}
	fx := v.fx(currency)
	for _, r := range n.rows {
		if (!r.Won() && !r.Lost()) || (p.measure == metric.CycleDays && !r.Won()) {
			continue
		}
		e.rows = append(e.rows, dealRow(r, p.measure, fx))
	}
	count := uint64(len(e.rows))
	e.total = evidenceTotal{Value: m.Value, Rows: count, N: &count, Status: m.Status, Reason: m.Reason}
	return e
}

func dealRow(r metric.DealRow, measure string, fx metric.FX) evidenceRow {
	var decided, cycle, amount, converted, assisted *string
	if r.DecidedAt != nil {
		decided = new(r.DecidedAt.UTC().Format(event.TimeForm))
		millis := decimal.NewFromInt(r.DecidedAt.Sub(r.CreatedAt).Milliseconds())
		cycle = exact(millis.DivRound(decimal.NewFromInt(int64(24*time.Hour/time.Millisecond)), 12))
	}
	if r.Amount != nil {
		amount = exact(*r.Amount)
		if r.DecidedDay != nil {
			if rate, ok := fx(r.Currency, event.Day{Time: *r.DecidedDay}); ok && r.Won() {
				converted = exact(r.Amount.Mul(rate.Rate))
			}
		}
	}
	if r.Assisted != nil {
		assisted = new("no")
		if *r.Assisted {
			assisted = new("yes")
		}
	}
	values := []*string{
		&r.Deal, optionalText(r.Team), optionalText(r.Workflow), optionalText(r.Stage), &r.Status,
		new(r.CreatedAt.UTC().Format(event.TimeForm)), decided, cycle, assisted, amount, optionalText(r.Currency), converted,
	}
	switch measure {
	case metric.WinRate:
		won := "0"
		if r.Won() {
			won = "1"
		}
		values = append(values, &won, new("1"))
	case metric.CycleDays:
		values = append(values, cycle)
	}
	return evidenceRow{place: padded(r.Day.Format(time.DateOnly), r.Deal), values: values}
}
