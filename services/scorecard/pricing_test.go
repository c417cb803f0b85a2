package scorecard

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/access/accesstest"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// studio is an organisation of two teams of eight, writers at 36 an hour, who each save an hour in October on post; ann of content is a
// lead at 100, and saved four hours. bob of web lost half an hour on film, alone.
func studio(b *bench) (people map[string]string) {
	b.t.Helper()
	for _, w := range []string{"post", "film"} {
		b.declare(registry.Workflows, w, `{"valid_from":"2026-01-01","baseline":{"low":100,"mode":100,"high":100}}`)
	}
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36","currency":"USD"}`)
	b.declare(registry.Rates, "lead", `{"valid_from":"2026-01-01","loaded_hourly_rate":"100","currency":"USD"}`)
	people = map[string]string{}
	var events []event.Stored
	add := func(team, workflow, person, minutes string, times int) {
		for i := range times {
			e := work(b, fmt.Sprint(workflow, person, i), fmt.Sprintf("2026-10-%02dT10:00", 6+i), team, workflow, person, true, minutes, "")
			people[person], events = e.Data.Shared().Person, append(events, e)
		}
	}
	for _, team := range []string{"content", "web"} {
		b.declare(registry.Teams, team, `{"valid_from":"2026-01-01","default_rate_class":"writer"}`)
		for i := range 7 {
			add(team, "post", fmt.Sprint(team, i), "40", 1)
		}
	}
	add("content", "post", "ann", "40", 4)
	add("web", "post", "bob", "40", 1)
	add("web", "film", "bob", "130", 1)
	b.declare(registry.People, people["ann"], `{"valid_from":"2026-01-01","role":"ic","rate_class":"lead"}`)
	b.insert(events...)
	return people
}

// Hours and value of a team are both shown, and do not tell what its one lead did, nor what one person lost.
func TestFewArePricedTogether(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	people := studio(b)
	capacity := func(scope string) node {
		return b.get("/api/v1/scorecard"+october+"&scope="+url.QueryEscape(scope), "Scorecard").at("measures", "capacity_value")
	}
	// content: seven hours of writers and four of the lead, at (7 × 36 + 100) ÷ 8 = 44 an hour, of which half is put to use. At their own rates
	// it would be (7 × 36 + 4 × 100) ÷ 2 = 326, and 326 × 2 − 11 × 36 = 256 = 64 × 4: the lead's hours.
	content := capacity("team:content")
	content.at("value").is("242")
	content.at("warnings", 0, "code").is("pooled_rates")
	// web: eight hours on post, and −0.5 on film, which lost time: by itself it would be borne in full, and 7.5 h at 36 ÷ 2 less that would
	// tell of bob. Together they gained: 7.5 × 36 ÷ 2.
	web := capacity("team:web")
	web.at("value").is("135")
	capacity("org").at("value").is("377")
	// One's own hours have one's own rate: four hours at 100, half of it; half an hour lost at 36 and one hour won, half of it.
	own := func(person string) node {
		me := b.as(access.RoleIC, people[person])
		return me.get("/api/v1/scorecard"+october+"&scope=me", "Scorecard").at("measures", "capacity_value", "value")
	}
	own("ann").is("200")
	own("bob").is("0") // 1 × 36 ÷ 2 − 0.5 × 36
	// The claim says so: a mean, of which classes, and not whose.
	claim := b.get(content.at("claim").text(), "Claim")
	found := false
	for i := range claim.at("inputs").list() {
		in := claim.at("inputs", i)
		if strings.HasPrefix(in.at("name").text(), "loaded rate of content: ") {
			found = true
			in.at("value").is("44")
			in.at("name").is("loaded rate of content: lead, writer, the mean by people")
		}
	}
	if !found {
		t.Error("the claim does not name the mean rate")
	}

	// What the lead's rate, or another baseline of film, would change is not told.
	for pointer, body := range map[string]string{
		"/registry/rates/lead":     `{"registry":{"rates":{"lead":{"loaded_hourly_rate":"200","currency":"USD"}}}}`,
		"/registry/rates/writer":   `{"registry":{"rates":{"writer":{"loaded_hourly_rate":"72","currency":"USD"}}}}`,
		"/registry/workflows/film": `{"registry":{"workflows":{"film":{"baseline":{"low":1,"mode":1,"high":1}}}}}`,
	} {
		if res, raw := b.do("POST", "/api/v1/what-if"+october, body); res.StatusCode != 400 || !strings.Contains(string(raw), pointer) {
			t.Errorf("what-if %s: %d %s", body, res.StatusCode, raw)
		}
	}
}

// Who has no rate is priced as the others of the team, where the value would tell of them otherwise.
func TestOneWithoutARate(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	var events []event.Stored
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","baseline":{"low":100,"mode":100,"high":100}}`)
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36","currency":"USD"}`)
	for i := range 8 {
		e := work(b, fmt.Sprint(i), "2026-10-06T10:00", "content", "post", fmt.Sprint("p", i), true, "40", "")
		if events = append(events, e); i > 0 {
			b.declare(registry.People, e.Data.Shared().Person, `{"valid_from":"2026-01-01","role":"ic","rate_class":"writer"}`)
		}
	}
	b.insert(events...)
	value := b.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "capacity_value")
	value.at("value").is("144") // 8 h × 36 ÷ 2
	value.at("people").is("8")
}

// Without pools the attack finds people: hours and their value tell of them.
func TestTheAttackOnPricesWorks(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4)) //nolint:gosec // the same draws every time
	found := 0
	for range 300 {
		o := randomTarget(r, 1)
		from, to := day("2026-01-01"), day("2026-02-01")
		hours, _, by := o.crowds(metric.Scope{Kind: metric.ScopeOrg}, from, to)
		by.months = map[time.Time]*monthPools{} // as if nothing were pooled
		if !hours.allowed() {
			continue
		}
		all := func(piece) bool { return true }
		forms := append(o.byPrice(by, all), o.form(all))
		if accesstest.Recover(o.people(), forms, o.viewer, access.FloorPersons) != nil {
			found++
		}
	}
	if found < 50 {
		t.Errorf("somebody follows from hours and their value of %d of 300 organisations", found)
	}
}

// Some measures are asked for: these alone are answered, with the columns of the tables that are of them, and are what they are among all.
func TestSomeMeasures(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	studio(b)
	b.insert(charge(b, "ai", "2026-10-01T12:00", "content", "", "ai_tool", "200"))
	all := b.get("/api/v1/scorecard"+october+"&compare=previous", "Scorecard")
	for _, keys := range []string{"hours_saved_net", "vendor_spend,ai_cost", "roi_capacity,barrier_hours", "trained_share", "perception_gap"} {
		some := b.get("/api/v1/scorecard"+october+"&compare=previous&measures="+keys, "Scorecard")
		measures, _ := some.at("measures").value.(map[string]any)
		if want := strings.Split(keys, ","); len(measures) != len(want) {
			t.Errorf("%s: %d measures are answered", keys, len(measures))
		}
		for key := range measures {
			some.at("measures", key, "value").is(all.at("measures", key, "value").text())
			some.at("measures", key, "status").is(all.at("measures", key, "status").text())
		}
		if ladder := len(some.at("ladder").list()); (ladder > 0) != strings.Contains(keys, "roi") {
			t.Errorf("%s: %d rungs", keys, ladder)
		}
		for i := range some.at("contributions").list() {
			for key := range some.at("contributions", i, "measures").value.(map[string]any) {
				if !strings.Contains(keys, key) {
					t.Errorf("%s: the tables have a column %s", keys, key)
				}
			}
		}
	}
	res, raw := b.do("GET", "/api/v1/scorecard?measures=hours_saved_net,luck", "")
	if res.StatusCode != 400 || !strings.Contains(string(raw), `"/measures"`) || !strings.Contains(string(raw), "hours_saved_net") {
		t.Errorf("an unknown measure: %d %s", res.StatusCode, raw)
	}
}
