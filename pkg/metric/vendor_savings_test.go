package metric_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

func price(key string, change func(*metric.VendorPrice)) metric.VendorPrice {
	p := metric.VendorPrice{
		Key: key, Vendor: "Agency", Category: "agency", Price: decimalOf("3100"), Currency: "USD", Monthly: true, Displaceable: true, Paid: true,
		Source: "registry vendor-baselines/" + key, Version: "v1",
	}
	if change != nil {
		change(&p)
	}
	return p
}

func always(prices ...metric.VendorPrice) metric.VendorPrices {
	return func(event.Day) []metric.VendorPrice { return prices }
}

// accrued is a charge for each of some days, of the same amount.
func accrued(first string, days int, billed string, change func(*metric.AccrualRow)) []metric.AccrualRow {
	var out []metric.AccrualRow
	for i := range days {
		r := metric.AccrualRow{
			Day: at(first).AddDate(0, 0, i), Team: "web", Workflow: "post", Vendor: "Agency", Category: "agency", Currency: "USD", N: 1,
			Billed: decimalOf(billed),
		}
		if i == 0 || r.Day.Day() == 1 {
			r.MonthN = 1
		}
		if change != nil {
			change(&r)
		}
		out = append(out, r)
	}
	return out
}

func savings(from, to string, rows []metric.AccrualRow, prices metric.VendorPrices) metric.VendorSavingsInput {
	return metric.VendorSavingsInput{
		Rows: rows, Prices: prices, From: date(from), To: date(to), Scope: metric.Scope{Kind: metric.ScopeOrg}, FX: noFX, Haircut: metric.DefaultHaircut,
		Today: date("2027-06-01"),
	}
}

func reasons(f metric.Fold) (out []string) {
	for _, x := range f.Excluded {
		out = append(out, x.Reason)
	}
	return out
}

// A month of 31 days at 3,100 is 100 a day; billed are 60 a day.
func TestVendorSavingsByDay(t *testing.T) {
	rows := accrued("2026-10-01", 31, "60", nil)
	f := metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", rows, always(price("a", nil))), "USD")
	// 3,100 − 31 × 60
	if f.Measure.Status != metric.OK || f.Measure.Value.Text() != "1240" || *f.Measure.N != 1 || *f.Measure.Grade != 1 {
		t.Fatalf("got %+v", f.Measure)
	}
	// 20 % off what is of grade 1
	if f.Measure.RiskAdjusted.Text() != "992" || *f.Measure.Low != 1240 || *f.Measure.High != 1240 {
		t.Errorf("risk adjusted %s, %v to %v", f.Measure.RiskAdjusted.Text(), *f.Measure.Low, *f.Measure.High)
	}
	if len(f.Recognitions) != 1 || f.Recognitions[0].Day != "2026-10-31" || f.Recognitions[0].Amount.String() != "1240" || f.Recognitions[0].Rung != metric.RungCash {
		t.Errorf("recognised %+v", f.Recognitions)
	}
	if len(f.Inputs) != 1 || *f.Inputs[0].Value != "3100" || f.Inputs[0].Unit != "USD/month" || *f.Inputs[0].Version != "v1" {
		t.Errorf("inputs %+v", f.Inputs)
	}
	// Ten days of it: 10 × (100 − 60). That there is an invoice is a matter of the whole month.
	if f := metric.FoldVendorSavings(savings("2026-10-20", "2026-10-30", rows, always(price("a", nil))), "USD"); f.Measure.Value.Text() != "400" {
		t.Errorf("ten days: %s", f.Measure.Value.Text())
	}
	// Dearer: 3,100 − 31 × 110. Losses count, and have no haircut.
	f = metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "110", nil), always(price("a", nil))), "USD")
	if f.Measure.Value.Text() != "-310" || f.Measure.RiskAdjusted.Text() != "-310" {
		t.Errorf("dearer: %s, risk adjusted %s", f.Measure.Value.Text(), f.Measure.RiskAdjusted.Text())
	}
}

// A new price changes history from its day on: 15 days at 100, 16 at 50, and 60 billed on each.
func TestVendorPriceFromItsDayOn(t *testing.T) {
	prices := func(day event.Day) []metric.VendorPrice {
		if day.Before(at("2026-10-16")) {
			return []metric.VendorPrice{price("a", nil)}
		}
		return []metric.VendorPrice{price("a", func(p *metric.VendorPrice) { p.Price, p.Version = decimalOf("1550"), "v2" })}
	}
	f := metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "60", nil), prices), "USD")
	// 15 × 40 − 16 × 10
	if f.Measure.Value.Text() != "440" || len(f.Inputs) != 2 {
		t.Errorf("got %s, inputs %+v", f.Measure.Value.Text(), f.Inputs)
	}
}

func TestVendorSavingsWithheld(t *testing.T) {
	october := func(rows []metric.AccrualRow, prices ...metric.VendorPrice) metric.Fold {
		return metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", rows, always(prices...)), "USD")
	}
	for name, c := range map[string]struct {
		fold   metric.Fold
		status metric.Status
		reason string
		amount string
	}{
		"no invoice":       {october(nil, price("a", nil)), metric.Withheld, "no_invoice", "3100"},
		"another vendor's": {october(accrued("2026-10-01", 3, "1", func(r *metric.AccrualRow) { r.Vendor = "Other" }), price("a", nil)), metric.Withheld, "no_invoice", "3100"},
		"not displaceable": {october(accrued("2026-10-01", 31, "60", nil), price("a", func(p *metric.VendorPrice) { p.Displaceable = false })), metric.Withheld, "not_displaceable", "1240"},
		"never paid":       {october(accrued("2026-10-01", 31, "60", nil), price("a", func(p *metric.VendorPrice) { p.Paid = false })), metric.Withheld, "never_paid", "1240"},
		"no rate of exchange": {
			october(accrued("2026-10-01", 31, "60", func(r *metric.AccrualRow) { r.Currency = "EUR" }), price("a", nil)), metric.Withheld, "no_fx", "3100",
		},
		"no volume": {
			october(accrued("2026-10-01", 1, "60", nil), price("a", func(p *metric.VendorPrice) { p.Monthly, p.Unit = false, "word" })), metric.Withheld, "no_volume", "60",
		},
		"nothing at all": {october(nil), metric.NoData, "", ""},
	} {
		m := c.fold.Measure
		if m.Status != c.status || m.Value != nil || text(m.Reason) != c.reason {
			t.Errorf("%s: %+v", name, m)
		}
		if c.reason != "" && (len(c.fold.Excluded) != 1 || c.fold.Excluded[0].Amount.Text() != c.amount) {
			t.Errorf("%s: excluded %+v", name, c.fold.Excluded)
		}
	}
	in := savings("2026-10-01", "2026-11-01", nil, always())
	in.Spent = true
	if f := metric.FoldVendorSavings(in, "USD"); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_baseline" {
		t.Errorf("no price: %+v", f.Measure)
	}
	// A mark of nothing that nothing more will come: the whole price is saved.
	final := accrued("2026-10-01", 31, "0", func(r *metric.AccrualRow) { r.FinalN = 1 })
	if f := october(final, price("a", nil)); f.Measure.Value.Text() != "3100" {
		t.Errorf("final: %+v", f.Measure)
	}
	// Two months, of which one has no invoice: the other stands, and what is missing is named with its price.
	f := metric.FoldVendorSavings(savings("2026-10-01", "2026-12-01", accrued("2026-10-01", 31, "60", nil), always(price("a", nil))), "USD")
	if f.Measure.Value.Text() != "1240" || !slices.Equal(reasons(f), []string{"no_invoice"}) || f.Excluded[0].Amount.Text() != "3100" || f.Excluded[0].N != nil {
		t.Errorf("one of two: %+v, excluded %+v", f.Measure, f.Excluded)
	}
	// What was never paid stands beside the savings.
	quoted := price("b", func(p *metric.VendorPrice) { p.Vendor, p.Paid = "Studio", false })
	rows := append(accrued("2026-10-01", 31, "60", nil), accrued("2026-10-01", 31, "90", func(r *metric.AccrualRow) { r.Vendor = "Studio" })...)
	f = october(rows, price("a", nil), quoted)
	avoided := slices.IndexFunc(f.Measure.Parts, func(p metric.Part) bool { return p.Key == "avoidance" })
	// 3,100 − 31 × 90
	if f.Measure.Value.Text() != "1240" || avoided < 0 || f.Measure.Parts[avoided].Value.Text() != "310" {
		t.Errorf("quoted: %+v", f.Measure)
	}
	// Months to come are not missing.
	in = savings("2027-07-01", "2027-09-01", nil, always(price("a", nil)))
	if f := metric.FoldVendorSavings(in, "USD"); f.Measure.Status != metric.NoData || len(f.Excluded) > 0 {
		t.Errorf("to come: %+v", f)
	}
	// A month that is not over says so.
	in = savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "60", nil), always(price("a", nil)))
	in.Today = date("2026-10-20")
	if f := metric.FoldVendorSavings(in, "USD"); len(f.Measure.Warnings) != 1 || f.Measure.Warnings[0].Code != "month_open" {
		t.Errorf("warnings %+v", f.Measure.Warnings)
	}
}

func TestVendorSavingsByUnit(t *testing.T) {
	words := func(r *metric.AccrualRow) { r.Unit, r.Measured, r.Quantity = "word", true, decimalOf("1000") }
	perWord := price("words", func(p *metric.VendorPrice) { p.Monthly, p.Unit, p.Price = false, "word", decimalOf("0.12") })
	rows := accrued("2026-10-05", 2, "70", words)
	// A credit has no volume, and is money all the same; a subscription beside it is not in words.
	rows = append(rows, accrued("2026-10-07", 1, "-15", func(r *metric.AccrualRow) { r.ChargeCategory = "Credit" })...)
	rows = append(rows, accrued("2026-10-08", 1, "99", func(r *metric.AccrualRow) { r.Unit, r.Measured, r.Quantity = "hour", true, decimalOf("3") })...)
	f := metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", rows, always(perWord)), "USD")
	// 2 × (1,000 × 0.12 − 70) + 15
	if f.Measure.Value.Text() != "115" || *f.Measure.N != 2 {
		t.Errorf("got %+v", f.Measure)
	}
	// With a monthly price beside it, the hours are the agency's retainer: 115 + 3,100 − 99.
	f = metric.FoldVendorSavings(savings("2026-10-01", "2026-11-01", rows, always(perWord, price("retainer", nil))), "USD")
	if f.Measure.Value.Text() != "3116" {
		t.Errorf("with a retainer: %s", f.Measure.Value.Text())
	}
}

// Each day's difference has the rate of the day: 15 days × 40 at 1.1 and 16 × 40 at 1.2.
func TestVendorSavingsConvertByDay(t *testing.T) {
	in := savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "60", func(r *metric.AccrualRow) { r.Currency = "EUR" }),
		always(price("a", func(p *metric.VendorPrice) { p.Currency = "EUR" })))
	in.FX = func(_ string, day event.Day) (metric.Rate, bool) {
		if day.Before(at("2026-10-16")) {
			return metric.Rate{Rate: decimalOf("1.1"), Source: "registry fx/EUR-USD", Version: "1"}, true
		}
		return metric.Rate{Rate: decimalOf("1.2"), Source: "registry fx/EUR-USD", Version: "2"}, true
	}
	f := metric.FoldVendorSavings(in, "USD")
	// 660 + 768
	if f.Measure.Value.Text() != "1428" || len(f.Inputs) != 3 {
		t.Errorf("got %s, inputs %+v", f.Measure.Value.Text(), f.Inputs)
	}
}

// A declared share is taken of gains, and not of losses; its triangle is in the range.
func TestAttributionOfSavings(t *testing.T) {
	share := func(event.Day) metric.Assumed {
		return metric.Assumed{Low: decimalOf("0.5"), Mode: decimalOf("0.8"), High: decimalOf("0.9"), Source: "registry assumptions/attribution", Version: "v"}
	}
	in := savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "60", nil), always(price("a", nil)))
	in.Attribution = share
	f := metric.FoldVendorSavings(in, "USD")
	// 1,240 × 0.8; 5 % of the triangle lie below 0.5 + √(0.05 × 0.4 × 0.3) = 0.57746 and above 0.9 − √(0.05 × 0.4 × 0.1) = 0.85528
	if f.Measure.Value.Text() != "992" || len(f.Inputs) != 2 || f.Inputs[1].Name != "attribution" {
		t.Errorf("got %s, inputs %+v", f.Measure.Value.Text(), f.Inputs)
	}
	near(t, "low", f.Measure.Low, 1240*0.57746, 0.01)
	near(t, "high", f.Measure.High, 1240*0.85528, 0.01)
	in.Rows = accrued("2026-10-01", 31, "110", nil)
	if f := metric.FoldVendorSavings(in, "USD"); f.Measure.Value.Text() != "-310" {
		t.Errorf("a loss: %s", f.Measure.Value.Text())
	}
}

// Scopes and halves of a period sum to the whole, cells to the value, entries to the value, in whatever order rows come.
func TestVendorSavingsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []metric.AccrualRow
		for range rapid.IntRange(1, 25).Draw(t, "rows") {
			r := metric.AccrualRow{
				Day:  at("2026-09-20").AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "day")),
				Team: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "team"), Workflow: rapid.SampledFrom([]string{"", "x"}).Draw(t, "workflow"),
				Vendor: rapid.SampledFrom([]string{"Agency", "Words"}).Draw(t, "vendor"), Category: "agency", Currency: "USD", N: 1, MonthN: 1,
				Measured: rapid.Bool().Draw(t, "measured"), Unit: rapid.SampledFrom([]string{"", "word"}).Draw(t, "unit"),
				Billed: decimal.New(rapid.Int64Range(-1e6, 1e7).Draw(t, "billed"), -4),
			}
			if r.Measured {
				r.Quantity = decimal.New(rapid.Int64Range(0, 1e6).Draw(t, "quantity"), -2)
			}
			rows = append(rows, r)
		}
		prices := always(
			price("a", func(p *metric.VendorPrice) { p.Price = decimalOf("1000.01") }),
			price("w", func(p *metric.VendorPrice) {
				p.Vendor, p.Monthly, p.Unit, p.Price = "Words", false, "word", decimalOf("0.123456789")
			}),
		)
		in := savings("2026-09-01", "2026-11-15", rows, prices)
		whole := sumOf(metric.FoldVendorSavings(in, "USD"))
		parts := decimal.Zero
		for _, team := range []string{"", "a", "b"} {
			in.Scope = metric.Scope{Kind: metric.ScopeTeam, Key: team}
			parts = parts.Add(sumOf(metric.FoldVendorSavings(in, "USD")))
		}
		if !parts.Equal(whole) {
			t.Fatalf("teams sum to %s, want %s", parts, whole)
		}
		in.Scope = metric.Scope{Kind: metric.ScopeOrg}
		cut := event.Day{Time: at("2026-09-01").AddDate(0, 0, rapid.IntRange(1, 74).Draw(t, "cut"))}
		first, second := in, in
		first.To, second.From = cut, cut
		// Each half looks at the whole months that it touches.
		if halves := sumOf(metric.FoldVendorSavings(first, "USD")).Add(sumOf(metric.FoldVendorSavings(second, "USD"))); !halves.Equal(whole) {
			t.Fatalf("halves sum to %s, want %s", halves, whole)
		}
		in.Rows = rapid.Permutation(rows).Draw(t, "order")
		if again := sumOf(metric.FoldVendorSavings(in, "USD")); !again.Equal(whole) {
			t.Fatalf("in another order %s, want %s", again, whole)
		}
	})
}

// sumOf is the value of a fold, held to its cells and entries; 0 where there is none.
func sumOf(f metric.Fold) decimal.Decimal {
	cells, entries, n := decimal.Zero, decimal.Zero, uint64(0)
	for _, c := range f.Cells {
		cells, n = cells.Add(c.Value), n+c.N
	}
	for _, e := range f.Recognitions {
		entries = entries.Add(e.Amount)
	}
	if f.Measure.Value == nil {
		return decimal.Zero
	}
	if !cells.Equal(f.Measure.Value.Decimal) || !entries.Equal(cells) || n != *f.Measure.N {
		panic("the parts do not sum to the value: " + cells.String() + ", " + entries.String() + ", " + f.Measure.Value.Text())
	}
	return cells
}
