package scorecard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// The figures are those of SOURCES.md beside the data sets.

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestFOCUSSampleToTheLastDecimal(t *testing.T) {
	rows := dataset(t, "focus_1_0_sample.csv")
	b := newBench(t, day("2024-10-15"))
	var events []event.Stored
	for i, r := range rows {
		at, err := time.Parse(time.DateTime, r["ChargePeriodStart"])
		if err != nil {
			t.Fatal(err)
		}
		amount, err := decimal.NewFromString(r["BilledCost"])
		if err != nil {
			t.Fatal(err)
		}
		category := "software"
		if r["ServiceCategory"] == "AI and Machine Learning" {
			category = "ai_tool"
		}
		spend := &event.VendorSpend{
			Vendor: r["ProviderName"], Category: category, BilledCost: event.Decimal{Decimal: amount}, Currency: r["BillingCurrency"],
			ChargeCategory: r["ChargeCategory"],
		}
		spend.Team = []string{"", "web", "brand"}[i%3]
		events = append(events, b.maker.Stored(t, workspace, "focus", fmt.Sprint(i), at, spend))
	}
	b.insert(events...)

	const query = "?from=2024-09-01&to=2024-10-01"
	card := b.get("/api/v1/scorecard"+query, "Scorecard")
	spend := card.at("measures", "vendor_spend")
	spend.at("value").is("20.52022672899")
	spend.at("unit").is("USD")
	spend.at("n").is("1000")
	sumOf(t, card.at("contributions"), "vendor_spend", "20.52022672899")
	for _, table := range []string{"contributions_by_workflow", "contributions_by_vendor", "contributions_by_category"} {
		sumOf(t, card.at(table), "vendor_spend", "20.52022672899")
	}

	// The charges themselves, page by page, sum to the number.
	total, count, path := decimal.Zero, 0, "/api/v1/evidence"+query+"&measure=vendor_spend&limit=300"
	for cursor := ""; ; {
		page := b.get(path+cursor, "Evidence")
		page.at("total", "value").is("20.52022672899")
		page.at("total", "rows").is("1000")
		for i := range page.at("rows").list() {
			total = total.Add(decimal.RequireFromString(page.at("rows", i, "contribution").text()))
			count++
		}
		if page.at("next").text() == "null" {
			break
		}
		cursor = "&cursor=" + page.at("next").text()
	}
	if total.String() != "20.52022672899" || count != 1000 {
		t.Errorf("%d charges sum to %s", count, total)
	}
	_, csv := b.do("GET", "/api/v1/evidence"+query+"&measure=vendor_spend&format=csv", "")
	if lines := strings.Count(string(csv), "\n"); lines != 1001 {
		t.Errorf("the CSV has %d lines, want a header and 1000", lines)
	}

	// In another currency nothing converts, until a rate is known: 20.52022672899 × 0.5.
	card = b.get("/api/v1/scorecard"+query+"&currency=EUR", "Scorecard")
	card.at("measures", "vendor_spend", "status").is("withheld")
	card.at("measures", "vendor_spend", "reason").is("no_fx")
	card.at("excluded", 0, "amount").is("20.52022672899")
	b.declare(registry.FX, "USD-EUR", `{"valid_from":"2024-01-01","rate":"0.5"}`)
	card = b.get("/api/v1/scorecard"+query+"&currency=EUR", "Scorecard")
	card.at("measures", "vendor_spend", "value").is("10.260113364495")
	claim := b.get(card.at("measures", "vendor_spend", "claim").text(), "Claim")
	claim.at("value", "value").is("10.260113364495")
	claim.at("inputs", 0, "value").is("0.5")
	claim.at("inputs", 0, "source").is("registry fx/USD-EUR")
}

// sumOf holds the column of a table of contributions to a total.
func sumOf(t *testing.T, rows node, measure, want string) {
	t.Helper()
	total := decimal.Zero
	for i := range rows.list() {
		cell, ok := rows.at(i, "measures").value.(map[string]any)[measure].(map[string]any)
		if ok && cell["value"] != nil {
			total = total.Add(decimal.RequireFromString(fmt.Sprint(cell["value"])))
		}
	}
	if total.String() != want {
		t.Errorf("%s: the rows sum to %s, want %s", rows.path, total, want)
	}
}

func TestHillstromLifts(t *testing.T) {
	rows := dataset(t, "hillstrom_email.csv")
	type counts struct{ n, visits, conversions uint64 }
	arms := map[string]*counts{}
	for _, r := range rows {
		a := arms[r["segment"]]
		if a == nil {
			a = &counts{}
			arms[r["segment"]] = a
		}
		a.n++
		if r["visit"] == "1" {
			a.visits++
		}
		if r["conversion"] == "1" {
			a.conversions++
		}
	}
	b := newBench(t, day("2008-06-01"))
	var events []event.Stored
	for name, a := range arms {
		events = append(events,
			b.maker.Stored(t, workspace, "mail", name+" visit", day("2008-03-20"), &event.Conversion{
				Experiment: "email", Variant: name, Metric: "visit", Exposures: &a.n, Conversions: &a.visits,
			}),
			b.maker.Stored(t, workspace, "mail", name+" conversion", day("2008-03-21"), &event.Conversion{
				Experiment: "email", Variant: name, Exposures: &a.n, Conversions: &a.conversions,
			}))
	}
	b.insert(events...)

	// Nobody has said what the control is.
	x := b.get("/api/v1/experiments/email", "Experiment")
	x.at("status").is("withheld")
	x.at("reason").is("no_control")
	b.declare(registry.Experiments, "email", `{"valid_from":"2008-01-01","control":"No E-Mail","design":"randomised","margin_per_conversion":"10","currency":"USD"}`)

	const e = 1e-6
	x = b.get("/api/v1/experiments/email?metric=visit", "Experiment")
	x.at("srm", "status").is("ok")
	x.at("variants", 0, "variant").is("No E-Mail")
	lifts(t, x.at("variants", 1), "Mens E-Mail", e, 0.0765896, 0.0699533, 0.0832267, 0.7214046, 0.6384138, 0.8043955)
	x = b.get("/api/v1/experiments/email", "Experiment")
	x.at("metric").is("conversion")
	lifts(t, x.at("variants", 1), "Mens E-Mail", e, 0.0068050, 0.0050143, 0.0086407, 1.1884219, 0.7215273, 1.6553165)
	lifts(t, x.at("variants", 2), "Womens E-Mail", e, 0.0031111, 0.0015017, 0.0047455, 0.5433130, 0.1932303, 0.8933958)
	// (267 − 122 × 21,307 ÷ 21,306 + 189 − 122 × 21,387 ÷ 21,306) × 10
	x.at("value", "value").near((267-122*21307.0/21306+189-122*21387.0/21306)*10, 1e-6)
	x.at("value", "grade").is("5")
	// The scorecard of the month has the same value, made of the exposures.
	card := b.get("/api/v1/scorecard?from=2008-03-01&to=2008-04-01", "Scorecard")
	value := card.at("measures", "conversion_value")
	value.at("value").is(x.at("value", "value").text())
	value.at("low").near(x.at("value", "low").number(), 1e-9)
	sumOf(t, card.at("contributions"), "conversion_value", value.at("value").text())
	b.get(value.at("claim").text(), "Claim").at("inputs", 0, "value").is("10")
	total := decimal.Zero
	shown := b.get("/api/v1/evidence?measure=conversion_value&from=2008-03-01&to=2008-04-01", "Evidence")
	for i := range shown.at("rows").list() {
		total = total.Add(decimal.RequireFromString(shown.at("rows", i, "contribution").text()))
	}
	if total.String() != value.at("value").text() {
		t.Errorf("evidence sums to %s, the value is %s", total, value.at("value").text())
	}
	b.get("/api/v1/experiments", "ExperimentList").at("experiments", 0, "experiment").is("email")
}

func lifts(t *testing.T, v node, name string, tolerance float64, want ...float64) {
	t.Helper()
	v.at("variant").is(name)
	v.at("status").is("ok")
	for i, step := range []string{"value", "low", "high"} {
		v.at("lift_abs", step).near(want[i], tolerance)
		v.at("lift_rel", step).near(want[3+i], tolerance)
	}
}

func TestMETRTimeTrial(t *testing.T) {
	rows := dataset(t, "metr_time_trial.csv")
	b := newBench(t, day("2025-09-01"))
	number := func(s string) *event.Number {
		if s == "" {
			return nil
		}
		return warehousetest.Number(s)
	}
	var events []event.Stored
	for i, r := range rows {
		h := &event.HoursSaved{
			Assisted: new(strings.HasPrefix(r["ai_treatment"], "1")), Trial: "metr", Task: r["issue_id"],
			DoingMinutes: number(r["initial_implementation_time"]), ReviewMinutes: number(r["post_review_implementation_time"]),
			EstimateUnassistedMinutes: number(r["predicted_time_no_ai"]), EstimateAssistedMinutes: number(r["predicted_time_ai_allowed"]),
		}
		h.Person, h.Workflow = "dev"+r["dev_id"], "issue"
		events = append(events, b.maker.Stored(t, workspace, "metr", fmt.Sprint(i), day("2025-02-01").Add(time.Duration(i)*2*time.Hour), h))
	}
	b.insert(events...)
	x := b.get("/api/v1/trials/metr", "Trial")
	x.at("tasks_assisted").is("136")
	x.at("tasks_unassisted").is("110")
	x.at("ratio_minus_one", "value").near(0.188, 0.0006)
	x.at("ratio_minus_one", "low").near(0.013, 0.0006)
	x.at("ratio_minus_one", "high").near(0.395, 0.0006)
	x.at("ratio_minus_one", "low_hc3").near(0.013, 0.0006)
	x.at("ratio_minus_one", "high_hc3").near(0.394, 0.0006)
	x.at("ratio_minus_one", "low_clustered").near(0.0025, 0.0006)
	x.at("ratio_minus_one", "high_clustered").near(0.409, 0.0006)
	x.at("naive_ratio_minus_one").near(0.337, 0.0006)
	x.at("forecast_saving").near(0.228, 0.0006)
	x.at("status").is("ok")
	b.get("/api/v1/trials", "TrialList").at("trials", 0, "trial").is("metr")

	// The trial prices its own assisted work, which took longer: a loss, not clamped.
	card := b.get("/api/v1/scorecard?from=2025-01-01&to=2025-09-01", "Scorecard")
	hours := card.at("measures", "hours_saved_net")
	hours.at("grade").is("5")
	hours.at("n").is("136")
	if v := hours.at("value").number(); v >= 0 {
		t.Errorf("net hours are %v, want a loss", v)
	}
	sumOf(t, card.at("contributions"), "hours_saved_net", hours.at("value").text())
	sumOf(t, card.at("contributions_by_workflow"), "hours_saved_net", hours.at("value").text())

	// 22.8 % was forecast, and it took 18.8 % longer: 41.6 points too hopeful.
	gap := card.at("measures", "calibration_gap")
	gap.at("value").near(22.8+18.8, 0.12)
	gap.at("n").is("246")
	gap.at("grade").is("5")
	shown := b.get("/api/v1/evidence?from=2025-01-01&to=2025-09-01&measure=calibration_gap", "Evidence")
	shown.at("rows", 0, "trial").is("metr")
	shown.at("rows", 0, "gap").near(gap.at("value").number(), 1e-9)
}

func TestCRMPipeline(t *testing.T) {
	rows := dataset(t, "crm_sales_pipeline.csv")
	b := newBench(t, day("2018-01-15"))
	at := func(s string) *event.Time {
		if s == "" {
			return nil
		}
		d, err := time.Parse("1/2/2006", s)
		if err != nil {
			t.Fatal(err)
		}
		return &event.Time{Time: d}
	}
	var events []event.Stored
	for _, r := range rows {
		created := at(r["engage_date"])
		if created == nil {
			continue // an import rejects it: it does not say when it happened
		}
		p := &event.Pipeline{Deal: r["opportunity_id"], Stage: r["deal_stage"], Status: "open", CreatedAt: created, ClosedAt: at(r["close_date"])}
		when := created.Time
		if p.ClosedAt != nil {
			p.Status, when = strings.ToLower(r["deal_stage"]), p.ClosedAt.Time
		}
		if p.Status == "won" {
			p.Amount, p.Currency = warehousetest.Amount(r["close_value"]), "USD"
		}
		events = append(events, b.maker.Stored(t, workspace, "crm", r["opportunity_id"], when, p))
	}
	b.insert(events...)

	p := b.get("/api/v1/pipeline?from=2017-04-01&to=2017-07-01", "Pipeline")
	p.at("basis").is("decided")
	p.at("velocity_inputs", "decided").is("2032")
	p.at("velocity_inputs", "won").is("1254")
	p.at("won_amount").is("3086111")
	p.at("win_rate", "value").near(0.617126, 5e-7)
	p.at("cycle_days", "value").near(51.0104, 5e-5)
	p.at("velocity_inputs", "mean_won_amount").near(2461.0136, 5e-5)
	p.at("velocity", "value").near(60499.68, 5e-3)
	p.at("won_amount_per_day").near(33913.31, 5e-3)
	card := b.get("/api/v1/scorecard?from=2017-04-01&to=2017-07-01&compare=previous", "Scorecard")
	card.at("measures", "pipeline_velocity", "value").is(p.at("velocity", "value").text())
	card.at("measures", "win_rate", "n").is("2032")
	card.at("measures", "win_rate", "previous", "from").is("2016-12-31")

	p = b.get("/api/v1/pipeline?from=2016-10-01&to=2018-01-01&basis=created", "Pipeline")
	p.at("time_to_decision", "median").is("69")
	p.at("time_to_decision", "n").is("8300")
	p.at("win_rate", "value").near(4238.0/6711, 1e-12)
	p.at("cycle_days", "value").near(51.782, 5e-4)
	p = b.get("/api/v1/pipeline?from=2017-01-01&to=2017-04-01&basis=created", "Pipeline")
	p.at("velocity_inputs", "won").is("898")
	p.at("velocity_inputs", "lost").is("424")
	p.at("win_rate_created", "parts", 1, "value").is("1619") // 898 + 424 + 297
	p.at("assistance", "unknown", "decided").is("1322")
	if n := len(p.at("cohorts").list()); n != 3 {
		t.Errorf("%d cohorts, want 3", n)
	}

	// The evidence of the win rate has its numerator and denominator.
	won, decided := 0, 0
	for cursor := ""; ; {
		page := b.get("/api/v1/evidence?measure=win_rate&from=2017-04-01&to=2017-07-01&limit=1000"+cursor, "Evidence")
		for i := range page.at("rows").list() {
			decided++
			if page.at("rows", i, "numerator").text() == "1" {
				won++
			}
		}
		if page.at("next").text() == "null" {
			break
		}
		cursor = "&cursor=" + page.at("next").text()
	}
	if won != 1254 || decided != 2032 {
		t.Errorf("evidence has %d won of %d", won, decided)
	}
}
