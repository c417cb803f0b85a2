package scorecard

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// retainer is a charge of an agency for a span of days.
func (b *bench) retainer(id, team, amount, from, to string, change func(*event.VendorSpend)) event.Stored {
	b.t.Helper()
	d := &event.VendorSpend{
		Vendor: "Agency", Category: "agency", Currency: "USD", BilledCost: *warehousetest.Amount(amount), InvoiceID: id,
		ChargePeriodStart: &event.Time{Time: day(from)}, ChargePeriodEnd: &event.Time{Time: day(to)},
	}
	d.Team, d.Workflow = team, "post"
	if change != nil {
		change(d)
	}
	return b.maker.Stored(b.t, workspace, "books", id, day(from).Add(9*time.Hour), d)
}

// sums holds the tables of contributions and the evidence of a measure to its value, in every scope and for a leader too.
func (b *bench) sums(query, measure string) {
	b.t.Helper()
	for _, team := range []string{"web", "brand"} {
		b.declare(registry.Teams, team, `{"valid_from":"2026-01-01"}`)
	}
	for _, workflow := range []string{"post", "page"} {
		b.declare(registry.Workflows, workflow, `{"valid_from":"2026-01-01"}`)
	}
	for _, scope := range []string{"org", "team:web", "team:brand", "workflow:post", "workflow:page"} {
		b.sumsIn(query+"&scope="+scope, measure)
	}
	b.as(access.RoleLeader, "someone").sumsIn(query, measure)
}

func (b *bench) sumsIn(query, measure string) {
	b.t.Helper()
	card := b.get("/api/v1/scorecard"+query, "Scorecard")
	value := card.at("measures", measure, "value").text()
	if value == "null" {
		return // nothing of it in this scope
	}
	for _, table := range []string{"contributions", "contributions_by_workflow"} {
		sumOf(b.t, card.at(table), measure, value)
	}
	total := decimal.Zero
	rows := b.get("/api/v1/evidence"+query+"&limit=1000&measure="+measure, "Evidence")
	rows.at("total", "value").is(value)
	for i := range rows.at("rows").list() {
		total = total.Add(decimal.RequireFromString(rows.at("rows", i, "contribution").text()))
	}
	if total.String() != value {
		b.t.Errorf("%s: the evidence sums to %s, want %s", measure, total, value)
	}
	claim := b.get(card.at("measures", measure, "claim").text(), "Claim")
	claim.at("value", "value").is(value)
}

func TestVendorSavings(t *testing.T) {
	b := newBench(t, day("2026-11-20"))
	const october = "?from=2026-10-01&to=2026-11-01"
	savings := func(query string) node {
		return b.get("/api/v1/scorecard"+query, "Scorecard").at("measures", "vendor_savings")
	}
	savings(october).at("status").is("no_data")
	// 31 days of October at 60 a day, of which web has two thirds; a tool is what AI costs, and no baseline needs one.
	b.insert(
		b.retainer("1", "web", "1240", "2026-10-01", "2026-11-01", nil), b.retainer("2", "brand", "620", "2026-10-01", "2026-11-01", nil),
		b.retainer("3", "", "90", "2026-10-01", "2026-11-01", func(d *event.VendorSpend) { d.Vendor, d.Category = "Writer", "ai_tool" }),
	)
	savings(october).at("reason").is("no_baseline")
	b.declare(registry.VendorBaselines, "agency", `{"valid_from":"2026-01-01","vendor":"Agency","category":"agency","price":"3100","currency":"USD","period":"month","displaceable":true}`)

	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	m := card.at("measures", "vendor_savings")
	// 3,100 − 1,860
	m.at("value").is("1240")
	m.at("unit").is("USD")
	m.at("n").is("2")
	m.at("grade").is("1")
	m.at("low").is("1240")
	m.at("risk_adjusted").is("992")
	b.sums(october, "vendor_savings")
	sumOf(t, card.at("contributions_by_vendor"), "vendor_savings", "1240")
	// The price is shared as it was billed: 3,100 × ⅔ − 1,240, to the 18 decimals of a day.
	savings(october+"&scope=team:web").at("value").near(3100*2./3-1240, 1e-12)
	savings(october + "&scope=workflow:post").at("value").is("1240")
	claim := b.get(m.at("claim").text(), "Claim")
	claim.at("inputs", 0, "value").is("3100")
	claim.at("inputs", 0, "source").is("registry vendor-baselines/agency")

	// Half of the month, by day; and a month of which nothing is known yet beside the one that is.
	savings("?from=2026-10-17&to=2026-11-01").at("value").is("600")
	m = savings("?from=2026-10-01&to=2026-12-01")
	m.at("value").is("1240")
	m.at("warnings", 0, "code").is("no_invoice")
	savings("?from=2026-11-01&to=2026-12-01").at("reason").is("no_invoice")

	// The cash rung takes it, beside what AI cost.
	ladder := card.at("ladder", 0)
	ladder.at("benefits").is("1240")
	ladder.at("costs").is("90")

	// A new price counts from its day on: 16 days at 1,550 ÷ 31 = 50 rather than 100 a day.
	b.declare(registry.VendorBaselines, "agency", `{"valid_from":"2026-10-16","vendor":"Agency","category":"agency","price":"1550","currency":"USD","period":"month","displaceable":true}`)
	savings(october).at("value").is("440")
	savings("?from=2026-10-01&to=2026-10-16").at("value").is("600")

	// A correction moves the charge, a void restores what was before: 1,240 billed for web, or only the 620 of brand.
	fix := b.retainer("1", "web", "1240", "2026-09-01", "2026-10-01", nil).Data.(*event.VendorSpend)
	b.insert(b.maker.Stored(t, workspace, "books", "fix", day("2026-11-02"), warehousetest.Correction(t, "books", "1", fix)))
	savings(october).at("value").is("1680") // 15 × 100 + 16 × 50 − 620
	b.sums(october, "vendor_savings")
	b.insert(b.maker.Stored(t, workspace, "books", "gone", day("2026-11-02"), &event.Void{Source: "books", ID: "1"}))
	savings(october).at("value").is("1680")

	// A declared share of the gain is due to AI.
	b.declare(registry.Assumptions, "attribution", `{"valid_from":"2026-01-01","range":{"low":0.5,"mode":0.75,"high":1}}`)
	m = savings(october)
	m.at("value").is("1260")
	// 5 % of the triangle lie below 0.5 + √(0.05 × 0.5 × 0.25) = 0.579057, of 1,680
	m.at("low").near(1680*0.579057, 0.01)
	b.sums(october, "vendor_savings")
}

func TestVendorSavingsRefusesWhatContradicts(t *testing.T) {
	b := newBench(t, day("2026-11-20"))
	for body, pointer := range map[string]string{
		`{"valid_from":"2026-01-01","vendor":"W","category":"ai_tool","price":"1","currency":"USD","displaceable":true}`:                   "/displaceable",
		`{"valid_from":"2026-01-01","vendor":"W","category":"agency","price":"-1","currency":"USD","displaceable":true}`:                   "/price",
		`{"valid_from":"2026-01-01","vendor":"W","category":"agency","price":"1","currency":"USD","displaceable":true,"basis":"imagined"}`: "/basis",
	} {
		res, raw := b.do("PUT", "/api/v1/registry/vendor-baselines/w", body)
		if res.StatusCode != 400 && res.StatusCode != 422 {
			t.Errorf("%s: %d %s", body, res.StatusCode, raw)
		}
		b.hold(body, "Problem", raw).at("problems", 0, "pointer").is(pointer)
	}
}

// Two prices of the same charges contradict each other: the second is refused, and nothing is stored.
func TestVendorSavingsRefuseASecondPrice(t *testing.T) {
	b := newBench(t, day("2026-11-20"))
	const body = `{"valid_from":"2026-01-01","vendor":"Agency","category":"agency","price":"1","currency":"USD","displaceable":true}`
	b.declare(registry.VendorBaselines, "one", body)
	res, raw := b.do("PUT", "/api/v1/registry/vendor-baselines/two", body)
	if res.StatusCode != 400 {
		t.Fatalf("%d %s", res.StatusCode, raw)
	}
	b.hold("two", "Problem", raw).at("problems", 0, "pointer").is("/vendor")
	if res, _ := b.do("GET", "/api/v1/registry/vendor-baselines/two", ""); res.StatusCode != 404 {
		t.Errorf("it was stored: %d", res.StatusCode)
	}
}

func TestPipelineValueAndInfluence(t *testing.T) {
	b := newBench(t, day("2026-11-20"))
	var events []event.Stored
	deal := func(name string, assisted, won bool, change func(*event.Pipeline)) {
		created := event.Time{Time: day("2026-09-01")}
		d := &event.Pipeline{
			Deal: name, Status: "lost", Amount: warehousetest.Amount("1000"), Currency: "USD", CreatedAt: &created, Assisted: &assisted,
			Margin: warehousetest.Number("0.4"),
		}
		if won {
			d.Status = "won"
		}
		d.Team = []string{"web", "brand", ""}[len(events)%3]
		if change != nil {
			change(d)
		}
		events = append(events, b.maker.Stored(t, workspace, "crm", name, day("2026-10-10").Add(time.Duration(len(events))*time.Hour), d))
	}
	touched := func(d *event.Pipeline) {
		for i, w := range []string{"post", "page", "post"} {
			d.Touches = append(d.Touches, event.Touch{Workflow: w, At: event.Time{Time: day("2026-09-10").AddDate(0, 0, i)}, Role: []string{"first", "lead", "opportunity"}[i]})
		}
	}
	for i := range 40 {
		deal(fmt.Sprintf("a%02d", i), true, i < 20, nil)
		deal(fmt.Sprintf("u%02d", i), false, i < 10, nil)
	}
	deal("touched", true, true, func(d *event.Pipeline) { touched(d); d.Assisted = nil })
	b.insert(events...)
	const october = "?from=2026-10-01&to=2026-11-01"
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	m := card.at("measures", "pipeline_value")
	// 40 × (0.5 − 0.25) × 1,000 × 0.4
	m.at("value").is("4000")
	m.at("grade").is("1")
	m.at("warnings", 0, "code").is("observational")
	b.sums(october, "pipeline_value")
	influenced := card.at("measures", "pipeline_influenced")
	influenced.at("value").is("1000")
	b.sums(october, "pipeline_influenced")
	b.get("/api/v1/scorecard"+october+"&scope=workflow:page", "Scorecard").at("measures", "pipeline_influenced", "value").near(1000./3, 1e-9)

	// Observed only: shown beside the growth rung.
	found := false
	for i := range card.at("ladder", 2, "parts").list() {
		if part := card.at("ladder", 2, "parts", i); part.at("part").text() == "pipeline_value" {
			found = true
			part.at("counted").is("false")
			part.at("reason").is("observational")
		}
	}
	if !found {
		t.Error("the growth rung says nothing of the pipeline")
	}

	page := b.get("/api/v1/pipeline"+october, "Pipeline")
	page.at("value", "value").is("4000")
	page.at("influenced", "value").is("1000")
	for i, want := range []struct{ model, page, post string }{
		{"first", "0", "1000"},
		{"last", "0", "1000"},
		{"linear", "333.333333333333", "666.666666666667"},
		{"u", "200", "800"},
		{"w", "333.333333333333", "666.666666666667"},
		{"time_decay", "", ""},
	} {
		model := page.at("attribution", i)
		model.at("model").is(want.model)
		model.at("amount").is("1000")
		model.at("credits").is("1")
		if want.page != "" {
			for j, amount := range []string{want.page, want.post} {
				if got := decimal.RequireFromString(model.at("rows", j, "amount").text()).Round(12); got.String() != amount {
					t.Errorf("%s gives %s %s, want %s", want.model, model.at("rows", j, "workflow").text(), got, amount)
				}
			}
		}
	}

	// A randomised study: the same deals are compared within it, and the value is added.
	b.declare(registry.Experiments, "ai-deals", `{"valid_from":"2026-01-01","design":"randomised","control":"without"}`)
	for i := range events {
		events[i].Data.(*event.Pipeline).Experiment = "ai-deals"
		d := events[i].Data.(*event.Pipeline)
		events[i] = b.maker.Stored(t, workspace, "crm", d.Deal+"+", events[i].Time.Add(time.Minute), d)
	}
	b.insert(events...)
	card = b.get("/api/v1/scorecard"+october, "Scorecard")
	card.at("measures", "pipeline_value", "value").is("4000")
	card.at("measures", "pipeline_value", "grade").is("5")
	card.at("ladder", 2, "benefits").is("4000")
	b.sums(october, "pipeline_value")
}

// An experiment whose conversions name deals: its money is in no conversion value, and comes when the deals close.
func TestExperimentsThatNameDeals(t *testing.T) {
	b := newBench(t, day("2026-11-20"))
	b.declare(registry.Experiments, "demo-page", `{"valid_from":"2026-01-01","design":"randomised","control":"old","margin_per_conversion":"5","currency":"USD"}`)
	conversion := func(id, variant, deal string, exposures, conversions uint64) event.Stored {
		d := &event.Conversion{Experiment: "demo-page", Variant: variant, Exposures: &exposures, Conversions: &conversions, Deal: deal}
		return b.maker.Stored(t, workspace, "web", id, day("2026-09-15"), d)
	}
	won := &event.Pipeline{Deal: "d1", Status: "won", Amount: warehousetest.Amount("1200"), Currency: "USD", Margin: warehousetest.Number("0.5")}
	won.Team = "web"
	b.insert(
		conversion("1", "new", "", 1000, 119), conversion("2", "old", "", 1000, 100), conversion("3", "new", "d1", 0, 1),
		b.maker.Stored(t, workspace, "crm", "1", day("2026-10-10"), won),
	)
	const autumn = "?from=2026-09-01&to=2026-11-01"
	card := b.get("/api/v1/scorecard"+autumn, "Scorecard")
	card.at("measures", "conversion_value", "reason").is("recognised_at_close")
	// 1,200 × 0.5 × (1 − 100/120)
	card.at("measures", "pipeline_value", "value").near(100, 1e-9)
	card.at("measures", "pipeline_value", "grade").is("5")
	b.sums(autumn, "pipeline_value")
	rows := b.get("/api/v1/evidence"+autumn+"&measure=pipeline_value", "Evidence")
	rows.at("rows", 0, "deal").is("d1")
	rows.at("rows", 0, "experiment").is("demo-page")
	rows.at("rows", 0, "decided_day").is("2026-10-10")
	// Before the close there is nothing.
	b.get("/api/v1/scorecard?from=2026-09-01&to=2026-10-01", "Scorecard").at("measures", "pipeline_value", "status").is("no_data")
}

// The charges of the public FOCUS sample, spread over their periods in a zone far from UTC, sum to what was billed.
func TestFOCUSAccrualLosesNothing(t *testing.T) {
	rows := dataset(t, "focus_1_0_sample.csv")
	b := newBench(t, day("2024-10-15"))
	b.declare(registry.Calendar, "default", `{"valid_from":"2024-01-01","zone":"Australia/Adelaide"}`)
	var events []event.Stored
	instant := func(text string) *event.Time {
		at, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return &event.Time{Time: at}
	}
	for i, r := range rows {
		d := &event.VendorSpend{
			Vendor: r["ProviderName"], Category: "software", BilledCost: *warehousetest.Amount(r["BilledCost"]), Currency: r["BillingCurrency"],
			ChargePeriodStart: instant(r["ChargePeriodStart"]), ChargePeriodEnd: instant(r["ChargePeriodEnd"]),
		}
		events = append(events, b.maker.Stored(t, workspace, "focus", fmt.Sprint(i), d.ChargePeriodStart.Time, d))
	}
	b.insert(events...)
	var got []struct {
		Billed decimal.Decimal `ch:"billed"`
		N      uint64          `ch:"n"`
	}
	sql := "SELECT sum(billed) AS billed, sum(month_n) AS n FROM rollup_accrual WHERE workspace = {workspace:String} AND " + warehouse.Current
	snapshot, err := b.db.Snapshot(t.Context(), workspace)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.db.Query(t.Context(), sql, map[string]any{"workspace": workspace, "generation": snapshot.Generation}, &got); err != nil {
		t.Fatal(err)
	}
	if got[0].Billed.String() != "20.52022672899" || got[0].N < uint64(len(rows)) {
		t.Errorf("accrued %s of %d charges", got[0].Billed, got[0].N)
	}
}
