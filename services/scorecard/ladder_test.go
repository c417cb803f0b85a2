package scorecard

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// charge is an invoice line of a category on a day.
func charge(b *bench, id, at, team, workflow, category, amount string) event.Stored {
	b.t.Helper()
	s := &event.VendorSpend{Vendor: "Vendor " + category, Category: category, BilledCost: event.Decimal{Decimal: decimal.RequireFromString(amount)}, Currency: "USD"}
	s.Team, s.Workflow = team, workflow
	when, err := time.Parse("2006-01-02T15:04", at)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.maker.Stored(b.t, workspace, "test", id, when, s)
}

// rated gives every team of the organisation a rate of 60 USD an hour.
func rated(b *bench) {
	b.t.Helper()
	for _, team := range []string{"content", "web", "brand"} {
		b.declare(registry.Teams, team, `{"valid_from":"2026-01-01","default_rate_class":"writer"}`)
	}
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"60","currency":"USD"}`)
}

func TestLadder(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	b.insert(charge(b, "ai", "2026-10-01T12:00", "content", "", "ai_tool", "200"), charge(b, "agency", "2026-10-01T12:00", "content", "", "agency", "1000"))
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	cash, capacity := card.at("ladder", 0), card.at("ladder", 1)
	// The agency is no cost of AI; no price was really paid before, so there is no saving.
	cash.at("costs").is("200")
	cash.at("net").is("-200")
	cash.at("roi").is("-1")
	cash.at("payback", "status").is("not_reached")
	// 26 × 63 minutes + 15 = 27.55 hours × 60 × 0.5 = 826.5
	capacity.at("benefits").is("826.5")
	capacity.at("net").is("626.5")
	// The haircut of grade 0 is 30 %: 578.55 − 200.
	capacity.at("risk_adjusted").is("378.55")
	capacity.at("probability_positive").near(1, 0.01)
	// All weeks of people begin in October; its last week ends on 1 November, after the period: 31 October, 30 days.
	npv := 826.5/1.0078644 - 200 // 1.1^(30/365) = 1.0078645
	capacity.at("npv").near(npv, 0.01)
	capacity.at("roi").near(npv/200, 1e-4)
	capacity.at("payback", "status").is("reached")
	// From −200 on day 0 to 626.5 on day 30: 200 ÷ 826.5 of 30 days.
	capacity.at("payback", "days").near(30*200/826.5, 1e-5)
	for _, key := range ladderKeys() {
		m := card.at("measures", key)
		claim := b.get(m.at("claim").text(), "Claim")
		claim.at("value", "value").is(m.at("value").text())
	}
	for _, key := range []string{"net_value_cash", "net_value_capacity", "net_value_growth"} {
		sumOf(t, card.at("contributions"), key, card.at("measures", key, "value").text())
		sumOf(t, card.at("contributions_by_workflow"), key, card.at("measures", key, "value").text())
	}
	evidenceSums(t, b, "net_value_capacity", "org", 2)
	// A team under the floor shows what stands: the rung names what is withheld.
	web := b.get("/api/v1/scorecard"+october+"&scope=team:brand", "Scorecard")
	web.at("ladder", 1, "missing", 0, "measure").is("capacity_value")
	web.at("ladder", 1, "missing", 0, "reason").is("privacy_floor")
	web.at("measures", "net_value_capacity", "status").is("withheld")
}

// Two kinds of events claim the same money: the agency's bill is lower, and hours are saved, on the same posts. It counts once,
// as what has the better evidence, and what was left out is listed; scopes and periods still add up.
func TestTheSameMoneyCountsOnce(t *testing.T) {
	b := newBench(t, day("2026-12-02"))
	rated(b)
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","overlap_group":"blog","baseline":{"low":90,"mode":90,"high":90}}`)
	b.declare(registry.Workflows, "mail", `{"valid_from":"2026-01-01","baseline":{"low":90,"mode":90,"high":90}}`)
	b.declare(registry.VendorBaselines, "agency", `{"valid_from":"2026-01-01","vendor":"Vendor agency","category":"agency","workflow":"post","price":"1000","currency":"USD","period":"month","displaceable":true}`)
	var events []event.Stored
	for i := range 6 {
		for _, workflow := range []string{"post", "mail"} {
			person := fmt.Sprint(workflow, i)
			// 60 minutes saved each, at 60 USD an hour × 0.5: 30 USD in both months.
			events = append(events, work(b, person, "2026-10-06T10:00", "content", workflow, person, true, "30", ""),
				work(b, person+"b", "2026-11-10T10:00", "content", workflow, person, true, "30", ""))
		}
	}
	// In October the agency billed 400 of 1,000. In November nothing came, and no final mark: there is no saving to claim.
	b.insert(append(events, charge(b, "agency", "2026-10-15T12:00", "content", "post", "agency", "400"))...)
	const both = "?from=2026-10-01&to=2026-12-01"
	card := b.get("/api/v1/scorecard"+both, "Scorecard")
	card.at("measures", "vendor_savings", "value").is("600")
	card.at("measures", "capacity_value", "value").is("720") // 24 × 30
	// 600 of the agency (grade 1 before grade 0), and of the hours those of November and of the mails: 180 + 360.
	capacity := card.at("ladder", 1)
	capacity.at("benefits").is("1140")
	capacity.at("parts", 1, "value").is("540")
	capacity.at("parts", 1, "left_out").is("180")
	found := false
	for i := range card.at("excluded").list() {
		if x := card.at("excluded", i); x.at("reason").text() == "overlap" {
			found = true
			x.at("measure").is("capacity_value")
			x.at("amount").is("180")
			x.at("workflow").is("post")
		}
	}
	if !found {
		t.Error("what was left out is not listed")
	}
	// A month has the same answer, also where the period begins before it and ends within the next.
	for _, period := range []string{"?from=2026-10-01&to=2026-11-01", "?from=2026-09-05&to=2026-11-20"} {
		part := b.get("/api/v1/scorecard"+period, "Scorecard")
		part.at("ladder", 1, "parts", 1, "value").is("180")
		part.at("ladder", 1, "parts", 1, "left_out").is("180")
	}
	b.get("/api/v1/scorecard"+both+"&scope=workflow:mail", "Scorecard").at("measures", "net_value_capacity", "value").is("360")
	b.get("/api/v1/scorecard"+both+"&scope=workflow:post", "Scorecard").at("measures", "net_value_capacity", "value").is("780")
	sumOf(t, card.at("contributions_by_workflow"), "net_value_capacity", "1140")
	claim := b.get(card.at("measures", "net_value_capacity", "claim").text(), "Claim")
	claim.at("exclusions", 0, "amount").is("180")
}

// What people's work has made is dated at the end of its month, or of the period.
func TestPersonalMoneyIsDatedByMonths(t *testing.T) {
	n := &numbers{window: metric.Window{To: event.Day{Time: day("2026-12-01")}}}
	for _, c := range []struct{ part, day, want string }{
		{metric.CapacityValue, "2026-10-01", "2026-10-31"},
		{metric.CapacityValue, "2026-10-31", "2026-10-31"},
		{metric.PartTraining, "2026-11-02", "2026-11-30"},
		{metric.VendorSavings, "2026-11-02", "2026-11-02"}, // nobody's work
	} {
		if got := n.flowDay(c.part, c.day); got != c.want {
			t.Errorf("%s of %s is dated %s, want %s", c.part, c.day, got, c.want)
		}
	}
}
