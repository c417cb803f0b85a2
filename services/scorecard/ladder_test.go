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
	// A part of the month has the same answer: in its first week the hours are left out all the same.
	b.get("/api/v1/scorecard?from=2026-10-05&to=2026-10-12", "Scorecard").at("ladder", 1, "parts", 1, "value").is("180")
	b.get("/api/v1/scorecard"+both+"&scope=workflow:mail", "Scorecard").at("measures", "net_value_capacity", "value").is("360")
	b.get("/api/v1/scorecard"+both+"&scope=workflow:post", "Scorecard").at("measures", "net_value_capacity", "value").is("780")
	sumOf(t, card.at("contributions_by_workflow"), "net_value_capacity", "1140")
	claim := b.get(card.at("measures", "net_value_capacity", "claim").text(), "Claim")
	claim.at("exclusions", 0, "amount").is("180")
}

// What people's work has made is dated where no few people's days are told, whoever looks.
func TestPersonalMoneyIsDatedByBlocks(t *testing.T) {
	// 1 October 2026 is a Thursday of the week from 28 September, the last that begins in September; it ends on 4 October.
	for of, want := range map[string]string{"2026-10-01": "2026-10-04", "2026-10-05": "2026-11-01", "2026-10-31": "2026-11-01", "2026-11-02": "2026-12-06"} {
		if got := closeOf(of); got != want {
			t.Errorf("the block of %s closes on %s, want %s", of, got, want)
		}
	}
	rows := func(team string, people int) metric.PeopleRow {
		r := metric.PeopleRow{Week: day("2026-10-05"), Team: team}
		for i := range people {
			r.People = append(r.People, fmt.Sprint(team, i))
		}
		return r
	}
	team := metric.Scope{Kind: metric.ScopeTeam, Key: "a"}
	for _, c := range []struct {
		name      string
		scope     metric.Scope
		everybody []metric.PeopleRow
		want      bool
	}{
		{"five, of whom one may look", metric.Scope{Kind: metric.ScopeOrg}, []metric.PeopleRow{rows("a", 5)}, false},
		{"six", metric.Scope{Kind: metric.ScopeOrg}, []metric.PeopleRow{rows("a", 6)}, true},
		{"nobody is named", metric.Scope{Kind: metric.ScopeOrg}, []metric.PeopleRow{rows("a", 0)}, true},
		{"few outside of the team", team, []metric.PeopleRow{rows("a", 6), rows("b", 3)}, false},
		{"enough on both sides", team, []metric.PeopleRow{rows("a", 6), rows("b", 6)}, true},
	} {
		if got := tellable(inScope(c.everybody, c.scope), c.everybody, c.scope); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
