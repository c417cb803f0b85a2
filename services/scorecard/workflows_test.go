package scorecard

import (
	"fmt"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// unassisted is work without AI.
func unassisted(b *bench, id, at, workflow, person, minutes string) event.Stored {
	b.t.Helper()
	return happened(b, id, at, "content", workflow, person, &event.HoursSaved{DoingMinutes: warehousetest.Number(minutes), Assisted: new(false)})
}

// flagsIn are the flags of a row as one text.
func flagsIn(row node) string { return strings.Trim(fmt.Sprint(row.at("flags").value), "[]") }

// Who owns a workflow, what prices it and since when, and what is missing or old.
func TestWorkflows(t *testing.T) {
	b := newBench(t, day("2026-11-12"))
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","name":"Content"}`)
	b.declare(registry.People, ann, `{"valid_from":"2026-01-01","role":"leader","team":"content"}`)
	baseline := `"baseline":{"low":60,"mode":78,"high":90,"evidence":"time sheets of 2025"}`
	b.declare(registry.Workflows, "brief", `{"valid_from":"2026-01-01","name":"Brief","team":"content",`+baseline+`}`)
	// A new owner makes the baseline no younger.
	b.declare(registry.Workflows, "brief", `{"valid_from":"2026-10-01","name":"Brief","team":"content","unit":"brief","owner":"`+ann+`","owner_confirmed_at":"2026-10-01",
		"role_responsible":"Editor","review_policy":{"target_hours":24,"text":"legal looks at claims"},"policy_link":"https://example.com/policy",`+baseline+`}`)
	b.declare(registry.Workflows, "deck", `{"valid_from":"2026-10-01","owner":"dana","owner_confirmed_at":"2026-01-01","baseline":{"low":10,"mode":20,"high":30}}`)
	b.declare(registry.Workflows, "page", `{"valid_from":"2026-01-01","review_policy":{"target_hours":0.5},"baseline":{"low":1,"mode":2,"high":3}}`)
	var events []event.Stored
	for i := range 8 {
		// Eight people, 40 minutes each: measured, and better than what is declared.
		events = append(events, unassisted(b, fmt.Sprint("m", i), "2026-10-05T10:00", "page", fmt.Sprint("p", i), "40"))
		// One person, eight times: it prices, and its numbers are not told.
		events = append(events, unassisted(b, fmt.Sprint("s", i), "2026-10-05T11:00", "deck", "solo", "55"))
		events = append(events, work(b, fmt.Sprint("w", i), "2026-10-06T10:00", "content", "new", fmt.Sprint("p", i), true, "10", ""))
	}
	b.insert(events...)
	answer := b.get("/api/v1/workflows"+upToNow, "Workflows")
	answer.at("total").is("4")
	answer.at("baseline_days").is("180")
	rows := map[string]node{}
	for i := range answer.at("workflows").list() {
		rows[answer.at("workflows", i, "workflow").text()] = answer.at("workflows", i)
	}
	brief, deck, page, fresh := rows["brief"], rows["deck"], rows["page"], rows["new"]
	brief.at("owner", "state").is("confirmed")
	brief.at("owner", "by", "role").is("leader")
	brief.at("owner", "role").is("Editor")
	brief.at("baselines", 0, "source").is("declared")
	brief.at("baselines", 0, "prices").is("true")
	brief.at("baselines", 0, "value").is("78")
	brief.at("baselines", 0, "low").is("60")
	brief.at("baselines", 0, "since").is("2026-01-01")
	brief.at("baselines", 0, "evidence").is("time sheets of 2025")
	brief.at("review", "target_hours").is("24")
	brief.at("review", "link").is("https://example.com/policy")
	brief.at("team_name").is("Content")
	brief.at("measures", "trained_share", "value").is("null") // nobody works on it, which is not a share of 0
	for name, want := range map[string]struct {
		row   node
		flags string
	}{
		"brief": {brief, "old_baseline"}, // since 1 January: more than 180 days
		"deck":  {deck, "owner_unconfirmed no_review_policy"},
		"page":  {page, "no_owner"},
		"new":   {fresh, "not_registered no_owner no_baseline no_review_policy"},
	} {
		if got := flagsIn(want.row); got != want.flags {
			t.Errorf("%s has the flags %q, want %q", name, got, want.flags)
		}
	}
	deck.at("owner", "name").is("dana")
	deck.at("owner", "by").is("null")
	deck.at("baselines", 0, "source").is("measured")
	deck.at("baselines", 0, "value").is("null")
	deck.at("baselines", 0, "n").is("null")
	deck.at("baselines", 1, "source").is("declared")
	deck.at("baselines", 1, "prices").is("false")
	page.at("baselines", 0, "source").is("measured")
	page.at("baselines", 0, "value").is("40")
	page.at("baselines", 0, "n").is("8")
	page.at("baselines", 1, "value").is("2")
	fresh.at("registered").is("false")
	fresh.at("measures", "trained_share", "reason").is("privacy_floor") // the ninth member, Ann, would follow from the eight
	// The scorecard says the same of the workflow.
	for _, key := range workflowKeys() {
		want := b.get("/api/v1/scorecard"+upToNow+"&scope=workflow:new", "Scorecard").at("measures", key)
		fresh.at("measures", key, "value").is(want.at("value").text())
		fresh.at("measures", key, "status").is(want.at("status").text())
		fresh.at("measures", key, "claim").is(want.at("claim").text())
	}
	// At the end of an earlier period, as it was then.
	then := b.get("/api/v1/workflows?from=2026-03-01&to=2026-04-01", "Workflows").at("workflows")
	then.at(0, "workflow").is("brief")
	then.at(0, "owner", "state").is("none")
	if got := flagsIn(then.at(0)); got != "no_owner no_review_policy" {
		t.Errorf("in March brief has the flags %q", got)
	}
}

// A scope has its own workflows, a page follows the other, and the zoom on oneself shows all.
func TestWorkflowsOfAScope(t *testing.T) {
	b := newBench(t, day("2026-11-12"))
	for _, key := range []string{"a", "b", "c"} {
		b.declare(registry.Workflows, key, `{"valid_from":"2026-01-01","team":"`+map[bool]string{true: "web", false: "content"}[key == "b"]+`"}`)
	}
	b.declare(registry.Teams, "web", `{"valid_from":"2026-01-01"}`)
	list := b.get("/api/v1/workflows?scope=team:web", "Workflows").at("workflows")
	if len(list.list()) != 1 || list.at(0, "workflow").text() != "b" {
		t.Errorf("the team has %v", list.value)
	}
	first := b.get("/api/v1/workflows?limit=2", "Workflows")
	second := b.get("/api/v1/workflows?limit=2&cursor="+first.at("next").text(), "Workflows")
	if len(first.at("workflows").list()) != 2 || len(second.at("workflows").list()) != 1 || second.at("next").text() != "null" {
		t.Errorf("pages of %d and %d", len(first.at("workflows").list()), len(second.at("workflows").list()))
	}
	me := b.as(access.RoleIC, ann).get("/api/v1/workflows?scope=me", "Workflows")
	me.at("scope").is("me")
	me.at("total").is("3")
}
