package scorecard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// owner is who answers for the workflow of these tests.
const owner = "p0000000000000000000000cc"

// newDisputes is a scorecard on 12 November with a workflow of 120 minutes, which belongs to the owner, and in each of September and
// October eight pieces of work of 30 minutes by eight people: 8 × 1.5 = 12 hours a month.
func newDisputes(t *testing.T) *bench {
	b := newBench(t, day("2026-11-12"))
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","name":"Content"}`)
	for person, role := range map[string]string{ann: "ic", bea: "ic", owner: "ic", lead: "leader"} {
		b.declare(registry.People, person, `{"valid_from":"2026-01-01","role":"`+role+`","team":"content"}`)
	}
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","name":"Post","team":"content","owner":"`+owner+`","baseline":{"low":100,"mode":120,"high":150}}`)
	var events []event.Stored
	for i := range 8 {
		for month, at := range map[string]string{"s": "2026-09-15T10:00", "o": "2026-10-15T10:00"} {
			events = append(events, happened(b, fmt.Sprint(month, i), at, "content", "post", fmt.Sprint("p", i), &event.HoursSaved{DoingMinutes: warehousetest.Number("30")}))
		}
	}
	b.insert(events...)
	b.loadEverything()
	return b
}

// anyID is a fresh id that tells no time.
func anyID() string { return uuid.NewString() }

// dispute does something with disputes and wants the status.
func (b *bench) dispute(method, path, body, schema string, status int, headers ...string) node {
	b.t.Helper()
	res, raw := b.send(method, "/api/v1/disputes"+path, body, headers...)
	if res.StatusCode != status {
		b.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, res.StatusCode, raw, status)
	}
	if status >= http.StatusBadRequest {
		return b.hold(path, "Problem", raw)
	}
	if body != "" && schema != "" {
		b.holdBody(schema, body)
	}
	return b.hold(path, "Dispute", raw)
}

// raises disputes the baseline of posts.
func (b *bench) raises() node {
	b.t.Helper()
	return b.dispute("POST", "", `{"id":"`+anyID()+`","workflow":"post","proposed":{"low":50,"mode":60,"high":90},"from":"2026-10-01","text":"we have templates","url":"https://example.com/sheet"}`, "DisputeRequest", 201)
}

func decided(id, decision string) string {
	if decision == "accept" {
		return `{"id":"` + id + `","decision":"accept","baseline":{"low":50,"mode":60,"high":90},"from":"2026-10-01"}`
	}
	return `{"id":"` + id + `","decision":"` + decision + `","text":"the time sheets say otherwise"}`
}

// hoursOf are the hours of a month, as somebody sees them.
func (b *bench) hoursOf(period string) string {
	b.t.Helper()
	return b.get("/api/v1/scorecard"+period, "Scorecard").at("measures", "hours_saved_net", "value").text()
}

const september = "?from=2026-09-01&to=2026-10-01"

// The life of a dispute: an IC raises it, others discuss, the owner accepts it, and the numbers move from the day on, by what was previewed.
func TestADisputeChangesTheBaselineFromItsDay(t *testing.T) {
	b := newDisputes(t)
	me, other, boss, leader := b.as(access.RoleIC, ann), b.as(access.RoleIC, bea), b.as(access.RoleIC, owner), b.as(access.RoleLeader, lead)
	version := b.get("/api/v1/workflows?scope=workflow:post", "Workflows").at("workflows", 0, "baselines", 0, "version").text()
	body := func(version string) string {
		return `{"id":"00000000-0000-4000-8000-00000000000e","workflow":"post","proposed":{"low":50,"mode":60,"high":90},"from":"2026-10-01","text":"we have templates","version":"` + version + `"}`
	}
	me.dispute("POST", "", body("another"), "", 412).at("code").is("changed")
	d := me.dispute("POST", "", body(version), "DisputeRequest", 201)
	again := me.dispute("POST", "", body(version), "", 200) // sent twice it is there once
	again.at("id").is(d.at("id").text())
	b.get("/api/v1/disputes", "DisputeList").at("total").is("1")
	id := "/" + d.at("id").text()
	for path, want := range map[string]string{
		"by": "you", "state": "open", "day": "2026-11-12", "team_name": "Content", "support": "0", "changed": "false", "from": "2026-10-01", "may": "[comment withdraw]",
	} {
		d.at(path).is(want)
	}
	d.at("disputed", "value").is("120")
	d.at("proposed", "mode").is("60")

	// Others say so, too; nobody is told who.
	other.dispute("PUT", id+"/support", "", "", 200)
	other.dispute("PUT", id+"/support", "", "", 200).at("support").is("1")
	me.dispute("PUT", id+"/support", "", "", 409).at("code").is("already_yours")
	leader.dispute("PUT", id+"/support", "", "", 200).at("support").is("2")
	leader.dispute("DELETE", id+"/support", "", "", 200).at("support").is("1")
	me.dispute("POST", id+"/comments", `{"id":"`+anyID()+`","text":"since October"}`, "DisputeSay", 201)
	other.dispute("POST", id+"/comments", `{"id":"`+anyID()+`","text":"mine take an hour"}`, "DisputeSay", 201)
	seen := leader.get("/api/v1/disputes"+id, "Dispute")
	seen.at("by").is("somebody")
	seen.at("comments", 0, "by").is("raiser")
	seen.at("comments", 1, "by").is("somebody")
	seen.at("may").is("[comment support]")
	for _, path := range []string{"", id} {
		if _, raw := b.do("GET", "/api/v1/disputes"+path, ""); strings.Contains(string(raw), ann) || strings.Contains(string(raw), bea) {
			t.Errorf("%s names a person: %s", path, raw)
		}
	}

	// It is marked wherever the baseline is.
	card := leader.get("/api/v1/scorecard"+october, "Scorecard").at("measures")
	card.at("hours_saved_net", "open_disputes").is("1")
	card.at("net_value_capacity", "open_disputes").is("1")
	card.at("net_value_cash", "open_disputes").is("null")
	claim := leader.get(card.at("hours_saved_net", "claim").text(), "Claim")
	claim.at("disputed", 0, "workflow").is("post")
	claim.at("disputed", 0, "open").is("1")
	leader.get("/api/v1/workflows"+october, "Workflows").at("workflows", 0, "open_disputes").is("1")

	// 8 × (120 − 30) = 12 h in each month. At 60 minutes October has 8 × (60 − 30) = 4 h: 8 less, and September stays.
	preview := boss.previewed(id, upToNow, `{"baseline":{"low":50,"mode":60,"high":90},"from":"2026-10-01"}`)
	for path, want := range map[string]string{"before": "24", "after": "16", "difference": "-8"} {
		preview.at("difference", "hours_saved_net", path).is(want)
	}
	leader.dispute("POST", id+"/resolve", decided(anyID(), "accept"), "", 403)
	boss.dispute("POST", id+"/resolve", decided(anyID(), "accept"), "", 428).at("code").is("no_version")
	boss.dispute("POST", id+"/resolve", decided(anyID(), "accept"), "", 412, "If-Match", `"`+d.at("version").text()+`"`) // something was said since
	step := anyID()
	seen = boss.get("/api/v1/disputes"+id, "Dispute")
	done := boss.dispute("POST", id+"/resolve", decided(step, "accept"), "DisputeResolution", 200, ifMatch(seen)...)
	boss.dispute("POST", id+"/resolve", decided(step, "accept"), "", 200, ifMatch(seen)...) // sent again it is what it was
	done.at("state").is("accepted")
	done.at("outcome", "by").is("owner")
	done.at("outcome", "baseline", "mode").is("60")
	done.at("changed").is("true")
	done.at("may").is("[]")
	for period, want := range map[string]string{september: "12", october: "4", upToNow: "16"} {
		if got := leader.hoursOf(period); got != want {
			t.Errorf("%s: %s h, want %s", period, got, want)
		}
	}
	leader.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "hours_saved_net", "open_disputes").is("null")
	entry := b.get("/api/v1/registry/workflows/post", "RegistryEntry")
	entry.at("baseline", "evidence").is("dispute " + d.at("id").text())
	entry.at("valid_from").is("2026-10-01T00:00:00.000Z")
	entry.at("owner").is(owner) // the rest of the entry is what it was
	if n := len(entry.at("versions").list()); n != 2 {
		t.Errorf("%d versions, want 2", n)
	}

	me.dispute("POST", "", body(version), "", 200).at("state").is("accepted") // raised again with the baseline of then, it is what was raised

	// It changes no more, and the entry can be written on.
	for path, body := range map[string]string{"/comments": `{"id":"` + anyID() + `","text":"late"}`, "/withdraw": `{"id":"` + anyID() + `"}`} {
		me.dispute("POST", id+path, body, "", 409).at("code").is("resolved")
	}
	b.dispute("POST", id+"/resolve", decided(anyID(), "reject"), "", 409, ifMatch(done)...).at("code").is("resolved")
	res, raw := b.do("PUT", "/api/v1/registry/workflows/post", `{"valid_from":"2026-10-01","name":"Post","baseline":{"low":80,"mode":90,"high":100}}`)
	if res.StatusCode != http.StatusOK || leader.hoursOf(october) != "8" { // 8 × (90 − 30)
		t.Errorf("written later: %d %s, %s h", res.StatusCode, raw, leader.hoursOf(october))
	}
}

// previewed is what accepting would change.
func (b *bench) previewed(id, query, body string) node {
	b.t.Helper()
	res, raw := b.previews(id, query, body)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("preview: %d %s", res.StatusCode, raw)
	}
	b.holdBody("DisputePreview", body)
	return b.hold("preview", "WhatIf", raw)
}

// previews asks what accepting would change.
func (b *bench) previews(id, query, body string) (reply, []byte) {
	b.t.Helper()
	return b.send("POST", "/api/v1/disputes"+id+"/preview"+query, body)
}

// What accepting changes in numbers that are shown would tell an owner about few people; who writes the registry sees it anyway.
func TestAnOwnerTellsNothingOfFew(t *testing.T) {
	b := newDisputes(t)
	// In August three people worked on it, in July nobody.
	for i := range 3 {
		b.insert(happened(b, fmt.Sprint("few", i), "2026-08-15T10:00", "content", "post", fmt.Sprint("p", i), &event.HoursSaved{DoingMinutes: warehousetest.Number("30")}))
	}
	b.loadEverything()
	me, boss := b.as(access.RoleIC, ann), b.as(access.RoleIC, owner)
	accepts := func(from string) string {
		return `{"id":"` + anyID() + `","decision":"accept","baseline":{"low":50,"mode":60,"high":90},"from":"` + from + `"}`
	}
	for from, pointer := range map[string]string{"2026-08-01": "/baseline", "2026-07-01": "/baseline", "2026-09-15": "/from", "2023-01-01": "/from"} {
		d := me.raises()
		refused := boss.dispute("POST", "/"+d.at("id").text()+"/resolve", accepts(from), "", 400, ifMatch(d)...)
		refused.at("problems", 0, "pointer").is(pointer)
	}
	for _, from := range []string{"2026-09-01", "2026-11-05", "2026-12-01"} {
		d := me.raises()
		boss.dispute("POST", "/"+d.at("id").text()+"/resolve", accepts(from), "DisputeResolution", 200, ifMatch(d)...).at("outcome", "by").is("owner")
	}
	d := me.raises()
	b.as(access.RoleAdmin, "").dispute("POST", "/"+d.at("id").text()+"/resolve", accepts("2026-08-01"), "", 200, ifMatch(d)...).at("outcome", "by").is("administrator")
}

func TestDisputesRefuse(t *testing.T) {
	b := newDisputes(t)
	b.declare(registry.Workflows, "lone", `{"valid_from":"2026-10-01","owner":"`+ann+`","baseline":{"low":1,"mode":2,"high":3}}`)
	b.insert(happened(b, "lone", "2026-10-15T10:00", "content", "lone", "p1", &event.HoursSaved{DoingMinutes: warehousetest.Number("1")}))
	me, admin := b.as(access.RoleIC, ann), b.as(access.RoleAdmin, "")
	good := `"id":"00000000-0000-4000-8000-00000000000e","workflow":"post","from":"2026-10-01","text":"x"`
	for name, c := range map[string]struct{ body, pointer string }{
		"no JSON":           {`{`, ""},
		"no id":             {`{"workflow":"post","direction":"too_high","from":"2026-10-01","text":"x"}`, "/id"},
		"no workflow":       {`{"id":"` + anyID() + `","workflow":"none","direction":"too_high","from":"2026-10-01","text":"x"}`, "/workflow"},
		"nothing proposed":  {`{` + good + `}`, "/proposed"},
		"both":              {`{` + good + `,"direction":"too_low","proposed":{"low":1,"mode":2,"high":3}}`, "/proposed"},
		"falling":           {`{` + good + `,"proposed":{"low":3,"mode":2,"high":1}}`, "/proposed"},
		"half":              {`{` + good + `,"proposed":{"low":1,"mode":2}}`, "/proposed/high"},
		"no direction":      {`{` + good + `,"direction":"wrong"}`, "/direction"},
		"no day":            {`{"id":"` + anyID() + `","workflow":"post","direction":"too_high","from":"soon","text":"x"}`, "/from"},
		"no words":          {`{"id":"` + anyID() + `","workflow":"post","direction":"too_high","from":"2026-10-01","text":" "}`, "/text"},
		"no link":           {`{` + good + `,"direction":"too_low","url":"javascript:alert(1)"}`, "/url"},
		"who it is said by": {`{` + good + `,"direction":"too_low","by":"owner"}`, "/by"},
	} {
		p := me.dispute("POST", "", c.body, "", 400)
		if c.pointer != "" && p.at("problems", 0, "pointer").text() != c.pointer {
			t.Errorf("%s: %v, want %s", name, p.at("problems").value, c.pointer)
		}
	}
	d := me.raises()
	id, match := "/"+d.at("id").text(), ifMatch(d)
	for name, c := range map[string]struct{ body, pointer string }{
		"no decision":     {`{"id":"` + anyID() + `","decision":"maybe"}`, "/decision"},
		"no baseline":     {`{"id":"` + anyID() + `","decision":"accept","from":"2026-10-01"}`, "/baseline"},
		"no minutes":      {`{"id":"` + anyID() + `","decision":"accept","from":"2026-10-01","baseline":{"low":0,"mode":0,"high":1}}`, "/baseline"},
		"no number":       {`{"id":"` + anyID() + `","decision":"accept","from":"2026-10-01","baseline":{"low":"1","mode":2,"high":3}}`, "/baseline/low"},
		"no day":          {`{"id":"` + anyID() + `","decision":"accept","baseline":{"low":1,"mode":2,"high":3}}`, "/from"},
		"before the work": {`{"id":"` + anyID() + `","decision":"accept","from":"2025-10-01","baseline":{"low":1,"mode":2,"high":3}}`, "/from"},
		"no reason":       {`{"id":"` + anyID() + `","decision":"reject"}`, "/text"},
		"both":            {`{"id":"` + anyID() + `","decision":"reject","text":"x","from":"2026-10-01"}`, "/baseline"},
	} {
		if p := admin.dispute("POST", id+"/resolve", c.body, "", 400, match...); p.at("problems", 0, "pointer").text() != c.pointer {
			t.Errorf("%s: %v, want %s", name, p.at("problems").value, c.pointer)
		}
	}
	// One id is one thing said, by one person.
	comment := anyID()
	me.dispute("POST", id+"/comments", `{"id":"`+comment+`","text":"a"}`, "", 201)
	me.dispute("POST", id+"/comments", `{"id":"`+comment+`","text":"a"}`, "", 200)
	me.dispute("POST", id+"/comments", `{"id":"`+comment+`","text":"b"}`, "", 409).at("code").is("id_conflict")
	b.as(access.RoleIC, bea).dispute("POST", id+"/comments", `{"id":"`+comment+`","text":"a"}`, "", 409)
	b.as(access.RoleIC, bea).dispute("POST", id+"/withdraw", `{"id":"`+anyID()+`"}`, "", 403)
	// Whoever owns a workflow does not accept what they have raised; an administrator could write it without a dispute.
	own := me.dispute("POST", "", `{"id":"`+anyID()+`","workflow":"lone","direction":"too_low","from":"2026-10-01","text":"x"}`, "", 201)
	own.at("may").is("[comment withdraw]")
	me.dispute("POST", "/"+own.at("id").text()+"/resolve", decided(anyID(), "accept"), "", 403, ifMatch(own)...)
	// What one person's price changes is not told, and what begins within a month neither.
	for body, pointer := range map[string]string{
		`{"baseline":{"low":1,"mode":2,"high":4},"from":"2026-10-01"}`: "/baseline", `{"baseline":{"low":1,"mode":2,"high":4},"from":"2026-10-12"}`: "/from",
	} {
		res, raw := admin.previews("/"+own.at("id").text(), october, body)
		if res.StatusCode != 400 || !strings.Contains(string(raw), `"pointer":"`+pointer+`"`) {
			t.Errorf("preview of %s: %d %s", body, res.StatusCode, raw)
		}
	}
	me.dispute("POST", "/"+own.at("id").text()+"/withdraw", `{"id":"`+anyID()+`","text":"found the sheet"}`, "DisputeSay", 200).at("outcome", "by").is("raiser")
	admin.dispute("POST", id+"/resolve", decided(anyID(), "reject"), "DisputeResolution", 200, ifMatch(b.get("/api/v1/disputes"+id, "Dispute"))...).at("outcome", "by").is("administrator")
	for query, want := range map[string]string{"?state=open": "0", "?state=rejected": "1", "?workflow=lone": "1", "?workflow=post&state=withdrawn": "0"} {
		b.get("/api/v1/disputes"+query, "DisputeList").at("total").is(want)
	}
	page := b.get("/api/v1/disputes?limit=1", "DisputeList")
	rest := b.get("/api/v1/disputes?limit=1&cursor="+page.at("next").text(), "DisputeList")
	rest.at("next").is("null")
	if a, z := page.at("disputes", 0, "id").text(), rest.at("disputes", 0, "id").text(); a == z || len(page.at("disputes").list()) != 1 || len(rest.at("disputes").list()) != 1 {
		t.Errorf("the pages have %s and %s", a, z)
	}
	for _, query := range []string{"?state=lost", "?cursor=bm9uZQ", "?of=post"} {
		if res, _ := b.do("GET", "/api/v1/disputes"+query, ""); res.StatusCode != 400 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
	// The general endpoints have no such kind.
	for _, method := range []string{"GET", "PUT"} {
		if res, raw := b.do(method, "/api/v1/registry/disputes"+id, `{"valid_from":"2026-01-01"}`); res.StatusCode != 404 {
			t.Errorf("%s of the registry: %d %s", method, res.StatusCode, raw)
		}
	}
}

// Of two who decide at once at one scorecard, one is told that it is over. At two both may be taken; either way one counts, and the baseline is
// that of the outcome.
func TestTwoResolveAtOnce(t *testing.T) {
	b := newDisputes(t)
	second := b.beside()
	for round, scorecards := range [][2]*bench{{b, b}, {b, second}} {
		d := b.as(access.RoleIC, ann).raises()
		id := "/" + d.at("id").text()
		var statuses [2]int
		var all sync.WaitGroup
		for i, s := range scorecards {
			all.Go(func() {
				body := fmt.Sprintf(`{"id":"%s","decision":"accept","baseline":{"low":1,"mode":%d,"high":99},"from":"2026-10-01"}`, anyID(), 40+10*i+round)
				res, _ := s.send("POST", "/api/v1/disputes"+id+"/resolve", body, ifMatch(d)...)
				statuses[i] = res.StatusCode
			})
		}
		all.Wait()
		taken := 0
		for _, status := range statuses {
			switch status {
			case 200:
				taken++
			case 409:
			default:
				t.Fatalf("round %d: %v", round, statuses)
			}
		}
		// Two scorecards may each take one, and only one of them counts.
		if taken == 0 || (round == 0 && taken > 1) {
			t.Fatalf("round %d: %v", round, statuses)
		}
		mode := decimal.RequireFromString(second.get("/api/v1/disputes"+id, "Dispute").at("outcome", "baseline", "mode").text())
		// 8 × (mode − 30) minutes
		want := mode.Sub(decimal.NewFromInt(30)).Mul(decimal.NewFromInt(8)).DivRound(decimal.NewFromInt(60), 16)
		got := decimal.RequireFromString(b.hoursOf(october))
		if got.Sub(want).Abs().GreaterThan(decimal.New(1, -9)) {
			t.Errorf("round %d: %s h, want %s", round, got, want)
		}
	}
}

// The scorecard dies between writing a resolution and its answer, or the loader is late: there is no moment with one half of it, and
// whoever sends it again is answered.
func TestAResolutionIsThereWholeOrNotAtAll(t *testing.T) {
	b := newBench(t, day("2026-11-12"))
	b.cfg.WriteTimeout = 200e6 // 0.2 s: no loader reads
	b.serve()
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","baseline":{"low":100,"mode":120,"high":150}}`)
	b.declare(registry.Disputes, othersDispute, `{"valid_from":"2026-11-01","dispute":"`+othersDispute+`","action":"raise","workflow":"post","text":"x","direction":"too_high",
		"from":"2026-10-01","disputed":{"source":"declared","value":"120","low":"100","high":"150","unit":"min/unit"}}`)
	id, body := "/"+othersDispute, decided(anyID(), "accept")
	before := b.get("/api/v1/disputes"+id, "Dispute")
	b.dispute("POST", id+"/resolve", body, "", 503, ifMatch(before)...).at("code").is("not_readable_yet")
	state := func() [2]string {
		return [2]string{b.get("/api/v1/disputes"+id, "Dispute").at("state").text(), b.get("/api/v1/registry/workflows/post", "RegistryEntry").at("baseline", "mode").text()}
	}
	if got := state(); got != [2]string{"open", "120"} {
		t.Errorf("before the loader has read it: %v", got)
	}
	// All of it is one message.
	if messages := b.topic(bus.Registry); len(messages) != 1 || !strings.Contains(string(messages[0].Value), `"versions"`) {
		t.Errorf("%d messages", len(messages))
	}
	b.loadEverything()
	b.eventually("the resolution is read", func() bool { return state() == [2]string{"accepted", "60"} })
	b.dispute("POST", id+"/resolve", body, "", 200, ifMatch(before)...).at("state").is("accepted")
	if messages := b.topic(bus.Registry); len(messages) != 1 {
		t.Errorf("sent again it is there %d times", len(messages))
	}
}

// Whoever is erased goes out of what they have said; the dispute stays, and so does what it has changed.
func TestErasedFromDisputes(t *testing.T) {
	b := newDisputes(t)
	d := b.as(access.RoleIC, ann).raises()
	id := "/" + d.at("id").text()
	b.as(access.RoleIC, bea).dispute("POST", id+"/comments", `{"id":"`+anyID()+`","text":"so it is, asks `+ann+`"}`, "", 201)
	b.as(access.RoleIC, ann).dispute("POST", id+"/comments", `{"id":"`+anyID()+`","text":"thanks"}`, "", 201)
	b.dispute("POST", id+"/resolve", decided(anyID(), "accept"), "", 200, ifMatch(b.get("/api/v1/disputes"+id, "Dispute"))...)
	records, err := b.db.Registry(t.Context(), workspace)
	if err != nil {
		t.Fatal(err)
	}
	const name = "p0123456789abcdef01234567"
	k := event.NewSealer([]byte(secretText)).Seeker(workspace, nil, func(p string) (string, bool) { return name, p == ann })
	var without []registry.Record
	for _, r := range records {
		n, _, err := r.Renamed(k)
		if err != nil {
			t.Fatal(err)
		}
		without = append(without, n)
	}
	erased := newBench(t, day("2026-11-12"))
	if err := erased.db.InsertRegistry(t.Context(), without); err != nil {
		t.Fatal(err)
	}
	after := erased.get("/api/v1/disputes"+id, "Dispute")
	for path, want := range map[string]string{"text": "null", "url": "null", "erased": "true", "state": "accepted", "by": "somebody"} {
		after.at(path).is(want)
	}
	after.at("comments", 0, "text").is("so it is, asks " + name)
	after.at("comments", 1, "text").is("null")
	after.at("comments", 1, "by").is("raiser")
	after.at("comments", 1, "erased").is("true")
	erased.get("/api/v1/registry/workflows/post", "RegistryEntry").at("baseline", "mode").is("60")
	for _, r := range without {
		if raw, err := json.Marshal(r); err != nil || strings.Contains(string(raw), ann) {
			t.Errorf("%s names her: %v", raw, err)
		}
	}
}
