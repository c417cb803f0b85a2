package warehousetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// Facts draws a small history: few days around a change of the clocks and a month's end, few keys, so that
// things meet; and voids and corrections of them, of nothing, and of each other.
func Facts(t *rapid.T, m *Maker, workspace, source string) []event.Stored {
	var out []event.Stored
	ids := rapid.IntRange(1, 12).Draw(t, "facts")
	for i := range ids {
		out = append(out, m.Stored(t, workspace, source, fmt.Sprint(i), drawTime(t), drawData(t)))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "amendments") {
		// Some of them name what does not exist, or another amendment.
		target := fmt.Sprint(rapid.IntRange(0, ids+3).Draw(t, "target"))
		if rapid.IntRange(0, 5).Draw(t, "of an amendment") == 0 {
			target = "amend0"
		}
		id := fmt.Sprintf("amend%d", i)
		if rapid.IntRange(0, 3).Draw(t, "void") == 0 {
			out = append(out, m.Stored(t, workspace, source, id, drawTime(t), &event.Void{Source: source, ID: target}))
			continue
		}
		data := drawData(t)
		for _, r := range out {
			// Mostly of the right kind.
			for r.ID == target && r.Kind != data.Kind() && !r.Kind.Amends() && rapid.IntRange(0, 9).Draw(t, "other kind") > 0 {
				data = drawData(t)
			}
		}
		out = append(out, m.Stored(t, workspace, source, id, drawTime(t), Correction(t, source, target, data)))
	}
	return out
}

// drawTime draws an instant near midnight of one of the zones.
func drawTime(t *rapid.T) time.Time {
	at := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, "day"))
	if rapid.Bool().Draw(t, "autumn") {
		at = at.AddDate(0, 7, -3)
	}
	return at.Add(time.Duration(rapid.IntRange(0, 47).Draw(t, "half hours"))*30*time.Minute + time.Duration(rapid.IntRange(0, 1).Draw(t, "ms"))*time.Millisecond)
}

func drawData(t *rapid.T) event.Data {
	var data event.Data
	switch rapid.SampledFrom([]event.Kind{
		event.KindHoursSaved, event.KindVendorSpend, event.KindConversion, event.KindPipeline, event.KindPipeline, event.KindTraining, event.KindTraining,
	}).Draw(t, "kind") {
	case event.KindHoursSaved:
		data = &event.HoursSaved{
			Units: maybe(t, "units", drawNumber), Assisted: maybe(t, "assisted", drawBool), Trial: text(t, "trial", "", "t1"),
			DoingMinutes: maybe(t, "doing", drawNumber), ReviewMinutes: maybe(t, "review", drawNumber), ReworkMinutes: maybe(t, "rework", drawNumber),
			BaselineMinutes: maybe(t, "baseline", drawNumber), EstimateAssistedMinutes: maybe(t, "estimate", drawNumber),
		}
	case event.KindVendorSpend:
		data = &event.VendorSpend{
			Vendor: text(t, "vendor", "ACME \"& Söhne\"", "b\\c"), Category: "agency", BilledCost: drawDecimal(t, "billed"),
			EffectiveCost: maybe(t, "effective", drawDecimal), Currency: text(t, "currency", "EUR", "USD"),
			InvoiceDate: maybe(t, "invoice", func(t *rapid.T, _ string) event.Day { return event.DayOf(drawTime(t)) }),
			Final:       maybe(t, "final", drawBool),
		}
		drawPeriod(t, data.(*event.VendorSpend))
	case event.KindConversion:
		data = &event.Conversion{
			Experiment: "e", Variant: text(t, "variant", "a", "b"), Exposures: maybe(t, "exposures", drawCount),
			Conversions: maybe(t, "conversions", drawCount), Value: maybe(t, "value", drawDecimal), Currency: text(t, "currency", "", "EUR"),
			Deal: text(t, "deal", "", "d1"),
		}
	case event.KindPipeline:
		data = drawPipeline(t)
	default:
		data = drawPillar(t)
	}
	data.Shared().Team = text(t, "team", "", "a", "b")
	data.Shared().Workflow = text(t, "workflow", "", "w")
	return data
}

// drawPeriod gives some charges a period: of less than a day, of days, of a month and more, at any time of the day.
func drawPeriod(t *rapid.T, d *event.VendorSpend) {
	d.Quantity, d.Unit = maybe(t, "quantity", drawDecimal), text(t, "unit", "", "word")
	if rapid.Bool().Draw(t, "has period") {
		return
	}
	start := drawInstant(t, "start")
	hours := rapid.SampledFrom([]int{1, 13, 24, 25, 71, 24 * 7, 24 * 31}).Draw(t, "hours")
	d.ChargePeriodStart, d.ChargePeriodEnd = &start, &event.Time{Time: start.Add(time.Duration(hours) * time.Hour)}
}

func drawPipeline(t *rapid.T) *event.Pipeline {
	p := &event.Pipeline{
		Deal: text(t, "deal", "d1", "d2", "d3"), Stage: text(t, "stage", "", "demo", "offer"), Status: text(t, "status", "open", "won", "lost"),
		Amount: maybe(t, "amount", drawDecimal), Currency: text(t, "currency", "", "EUR", "USD"),
		CreatedAt: maybe(t, "created", drawInstant), ClosedAt: maybe(t, "closed", drawInstant),
		Assisted: maybe(t, "assisted", drawBool), Margin: maybe(t, "margin", drawNumber), Experiment: text(t, "experiment", "", "e"),
		Sequence: maybe(t, "sequence", drawCount),
	}
	p.Withdrawn = rapid.SampledFrom([]*bool{nil, nil, nil, new(false), new(true)}).Draw(t, "withdrawn")
	if rapid.Bool().Draw(t, "partial") {
		p.Partial, p.Status = new(true), text(t, "new status", "", "open", "won", "lost")
	}
	drawCleared(t, p)
	if p.Amount != nil && p.Currency == "" && !p.IsPartial() {
		p.Currency = "EUR" // the contract wants one beside an amount
	}
	for range rapid.IntRange(0, 2).Draw(t, "touches") {
		p.Touches = append(p.Touches, event.Touch{Workflow: text(t, "touch", "w", "x/y"), At: drawInstant(t, "at"), Role: text(t, "role", "", "first")})
	}
	return p
}

// drawCleared empties a field of some changes, which then do not give it.
func drawCleared(t *rapid.T, p *event.Pipeline) {
	p.Cleared = text(t, "cleared", "", "", "amount", "currency", "closed_at", "assisted")
	switch p.Cleared {
	case "amount":
		p.Amount = nil
	case "currency":
		p.Currency, p.Amount = "", nil
	case "closed_at":
		p.ClosedAt = nil
	case "assisted":
		p.Assisted = nil
	}
}

func drawInstant(t *rapid.T, _ string) event.Time { return event.Time{Time: drawTime(t)} }

func drawBool(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

func drawCount(t *rapid.T, label string) uint64 { return rapid.Uint64Range(0, 3).Draw(t, label) }

// drawNumber draws numbers that a float64 would round, too.
func drawNumber(t *rapid.T, label string) event.Number {
	return event.Number(rapid.OneOf(rapid.Int64Range(0, 20_000_000), rapid.Int64Range(1, 999_999_999_999_999_999)).Draw(t, label))
}

func drawDecimal(t *rapid.T, label string) event.Decimal {
	return *Amount(rapid.StringMatching(`-?(0|[1-9][0-9]{0,2}|[1-9][0-9]{19})(\.[0-9]{1,18})?`).Draw(t, label))
}

func text(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

func maybe[V any](t *rapid.T, label string, draw func(*rapid.T, string) V) *V {
	if !rapid.Bool().Draw(t, "has "+label) {
		return nil
	}
	return new(draw(t, label))
}
