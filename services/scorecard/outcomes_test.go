package scorecard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// ann is who logs in these tests, as the session knows her.
const ann = "p00000000000000000000000a"

// loadEvents stores what comes in and rolls it, as the loader does: the first of each identity.
func (b *bench) loadEvents() {
	b.follow(bus.Events, func(m kafka.Message) error {
		s, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			return err
		}
		known, err := b.db.LookupIdentities(b.t.Context(), -1, []event.Identity{s.Identity})
		if err != nil || len(known) > 0 {
			return err
		}
		if err := b.db.InsertRaw(b.t.Context(), s.Kind, []event.Stored{s}); err != nil {
			return err
		}
		if err := b.db.InsertIdentities(b.t.Context(), []event.Stored{s}); err != nil {
			return err
		}
		return b.rolled()
	})
}

// newOutcomeBench is a scorecard with a loader, two teams and some workflows, and Ann of the content team signed in.
func newOutcomeBench(t *testing.T) (b, me *bench) {
	b = newBench(t, day("2026-11-02"))
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","name":"Content","default_rate_class":"writer"}`)
	b.declare(registry.Teams, "social", `{"valid_from":"2026-01-01","name":"Social"}`)
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"72.00","currency":"USD"}`)
	b.declare(registry.People, ann, `{"valid_from":"2026-01-01","role":"ic","team":"content"}`)
	b.declare(registry.Workflows, "brief", `{"valid_from":"2026-01-01","name":"Brief","baseline":{"low":60,"mode":78,"high":90}}`)
	b.declare(registry.Workflows, "odd", `{"valid_from":"2026-01-01","baseline":{"low":30,"mode":41.7,"high":50}}`)
	b.declare(registry.Workflows, "bare", `{"valid_from":"2026-01-01","name":"Bare"}`)
	// Eight times 7 minutes for 3 units: 7/3 minutes a unit, which no decimal holds.
	var rows []event.Stored
	for i := range 8 {
		work := &event.HoursSaved{Units: warehousetest.Number("3"), DoingMinutes: warehousetest.Number("7"), Assisted: new(false)}
		rows = append(rows, happened(b, fmt.Sprint("u", i), "2026-10-05T10:00", "content", "measured", "p9", work))
	}
	b.insert(rows...)
	b.loadEvents()
	return b, b.as(access.RoleIC, ann)
}

// send does something as a page of the site does.
func (b *bench) send(method, path, body string, headers ...string) (reply, []byte) {
	b.t.Helper()
	return b.do(method, path, body, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// preview asks what an outcome would change.
func (b *bench) preview(body string) node {
	b.t.Helper()
	res, raw := b.send(http.MethodPost, "/api/v1/outcomes/preview", body)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("preview of %s: %d %s", body, res.StatusCode, raw)
	}
	return b.hold("preview", "OutcomePreview", raw)
}

// logged logs an outcome and waits until the own numbers hold it.
func (b *bench) logged(id, body string) node {
	b.t.Helper()
	body = strings.Replace(body, "{", `{"id":"`+id+`",`, 1)
	res, raw := b.send(http.MethodPost, "/api/v1/outcomes", body)
	if res.StatusCode != http.StatusAccepted {
		b.t.Fatalf("log %s: %d %s", body, res.StatusCode, raw)
	}
	b.hold("log", "OutcomeAccepted", raw)
	return b.settled(id)
}

// settled waits until the own numbers hold an outcome as it stands.
func (b *bench) settled(id string) (o node) {
	b.t.Helper()
	b.eventually("outcome "+id+" in the numbers", func() bool {
		res, raw := b.do(http.MethodGet, "/api/v1/outcomes/"+id, "")
		if res.StatusCode != http.StatusOK {
			return false
		}
		o = b.hold("outcome", "Outcome", raw)
		return o.at("in_numbers").text() == "true"
	})
	return o
}

// numbers are the own hours and their value, in all the time there is.
func (b *bench) ownNumbers() (hours, value decimal.Decimal) {
	b.t.Helper()
	n := b.get("/api/v1/scorecard?scope=me&from=2026-08-01&to=2026-12-01", "Scorecard").at("measures")
	return amount(n.at("hours_saved_net", "value")), amount(n.at("capacity_value", "value"))
}

// amount is a number as it was written, nothing as 0: what nothing adds to.
func amount(n node) decimal.Decimal {
	number, ok := n.value.(json.Number)
	if !ok {
		return decimal.Zero
	}
	return decimal.RequireFromString(number.String())
}

// What the preview says is what the own numbers change by, to the last decimal, whatever prices it.
func TestThePreviewIsTheChange(t *testing.T) {
	_, me := newOutcomeBench(t)
	for _, c := range []struct {
		name, body, hours, value, reason, says string
	}{
		// 78 − 48 = 30 minutes = 0.5 h × 72 × 0.5 = 18.
		{"declared", `{"workflow":"brief","minutes":48}`, "0.5", "18", "null", "Adds 0.5 h = $18.00 to yours, to Content and to the organisation."},
		// 3 × 41.7 − 47.5 = 77.6 minutes = 1.29333… h × 36 = 46.56.
		{"decimals", `{"workflow":"odd","units":3,"minutes":47.5,"day":"2026-10-31"}`, "1.293333333333333333", "46.56", "null", "Adds 1.29 h = $46.56"},
		// The second on the same day: 41.7 − 40.1 = 1.6 minutes, and the cell is rounded once: 79.2 minutes are 1.32 h exactly.
		{"the rest of a cell", `{"workflow":"odd","minutes":40.1,"day":"2026-10-31"}`, "0.026666666666666667", "0.96", "null", "Adds 0.03 h = $0.96"},
		// 5 × 2.333333333333 − 11 = 0.666666666665 minutes.
		{"measured", `{"workflow":"measured","units":5,"minutes":11}`, "0.011111111111083333", "0.399999999999", "null", "Adds 0.01 h = $0.40"},
		{"no baseline", `{"workflow":"bare","minutes":5}`, "null", "null", "no_baseline", "Adds nothing yet: Bare has no baseline on that day"},
		// 78 − 78.
		{"even", `{"workflow":"brief","minutes":78}`, "0", "0", "even", "Adds nothing: it took as long"},
		// 78 − 90 = −12 minutes, of a workflow that gains in the month: × 0.5.
		{"slower", `{"workflow":"brief","minutes":90}`, "-0.2", "-7.2", "slower", "Takes 0.2 h = $7.20 off yours, off Content and off the organisation. It took longer than without AI, and losses count."},
		// 78 − 138 = −60 minutes: the month's 0.5 − 0.2 h become −0.7 h, and losses are borne in full: from 0.3 × 36 = 10.8 to −0.7 × 72 = −50.4.
		{"a loss that turns the month", `{"workflow":"brief","minutes":138}`, "-1", "-61.2", "slower", "Takes 1 h = $61.20"},
	} {
		hours, value := me.ownNumbers()
		p := me.preview(c.body)
		p.at("hours").is(c.hours)
		p.at("value").is(c.value)
		p.at("reason").is(c.reason)
		if !strings.HasPrefix(p.at("text").text(), c.says) {
			t.Errorf("%s: says %q", c.name, p.at("text").text())
		}
		o := me.logged(uuid.NewString(), c.body)
		hours2, value2 := me.ownNumbers()
		if d := hours2.Sub(hours); !d.Equal(amount(p.at("hours"))) {
			t.Errorf("%s: the hours rose by %s, previewed %s", c.name, d, p.at("hours").text())
		}
		if d := value2.Sub(value); !d.Equal(amount(p.at("value"))) {
			t.Errorf("%s: the value rose by %s, previewed %s", c.name, d, p.at("value").text())
		}
		// What the month is afterwards was said before.
		for _, key := range []string{"hours", "value"} {
			o.at("own", key).is(p.at("after", key).text())
		}
	}
	p := me.preview(`{"workflow":"brief","minutes":48}`)
	p.at("baseline", "minutes").is("78")
	p.at("baseline", "source").is("declared")
	p.at("baseline", "detail").is("declared: registry workflows/brief")
	p.at("note").is("Your own numbers move at once, those of teams are shown when November 2026 is over.")
	// One person's unassisted work prices, and is not told.
	me.preview(`{"workflow":"measured","minutes":1}`).at("baseline", "minutes").is("null")
	// All that was logged is the evidence, and sums to the number.
	hours, _ := me.ownNumbers()
	sum := decimal.Zero
	list := me.get("/api/v1/outcomes?from=2026-08-01&to=2026-12-01", "OutcomeList").at("outcomes")
	for i := range list.list() {
		sum = sum.Add(amount(list.at(i, "hours")))
	}
	if len(list.list()) != 8 || !sum.Equal(hours) {
		t.Errorf("%d outcomes sum to %s h, the number is %s", len(list.list()), sum, hours)
	}
}

// Somebody with a rate class of their own is priced by it, and a team without a rate has hours and no value.
func TestThePreviewKnowsRates(t *testing.T) {
	b, _ := newOutcomeBench(t)
	const ben, eve = "p00000000000000000000000b", "p00000000000000000000000e"
	b.declare(registry.Rates, "senior", `{"valid_from":"2026-01-01","loaded_hourly_rate":"100","currency":"EUR"}`)
	b.declare(registry.FX, "EUR-USD", `{"valid_from":"2026-01-01","rate":"1.1"}`)
	b.declare(registry.People, ben, `{"valid_from":"2026-01-01","team":"content","rate_class":"senior"}`)
	b.declare(registry.People, eve, `{"valid_from":"2026-01-01","team":"social"}`)
	for _, c := range []struct{ person, value, reason, says string }{
		{ben, "27.5", "null", "Adds 0.5 h = $27.50"}, // 0.5 h × 100 EUR × 1.1 × 0.5
		{eve, "null", "no_rate", "Adds 0.5 h to yours, to Social and to the organisation. Its value is not known: Social has no loaded rate."},
	} {
		me := b.as(access.RoleIC, c.person)
		hours, value := me.ownNumbers()
		p := me.preview(`{"workflow":"brief","minutes":48}`)
		p.at("value").is(c.value)
		p.at("reason").is(c.reason)
		if !strings.HasPrefix(p.at("text").text(), c.says) {
			t.Errorf("says %q", p.at("text").text())
		}
		me.logged(uuid.NewString(), `{"workflow":"brief","minutes":48}`)
		hours2, value2 := me.ownNumbers()
		if !hours2.Sub(hours).Equal(amount(p.at("hours"))) || !value2.Sub(value).Equal(amount(p.at("value"))) {
			t.Errorf("rose by %s h and %s", hours2.Sub(hours), value2.Sub(value))
		}
	}
	// Where others work on the workflow, a loss of any size leaves the factor: else it would tell what they saved.
	me := b.as(access.RoleIC, ann)
	me.preview(`{"workflow":"brief","minutes":60078}`).at("value").is("-36000") // 1,000 h × 72 × 0.5
}

// Only people log, only for themselves, and only from this site.
func TestOutcomesAreOnesOwn(t *testing.T) {
	b, me := newOutcomeBench(t)
	id := uuid.NewString()
	me.logged(id, `{"workflow":"brief","minutes":48,"note":"  Launch brief  ","url":"https://example.com/brief","quality":4}`)
	body := `{"id":"` + uuid.NewString() + `","workflow":"brief","minutes":48}`
	other := b.as(access.RoleAdmin, "p00000000000000000000000b")
	for name, c := range map[string]struct {
		who                *bench
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"the admin token":        {b, "POST", "", body, nil, 403, "no_person"},
		"a link without person":  {b.as(access.RoleAdmin, ""), "POST", "", body, nil, 403, "no_person"},
		"nobody":                 {b, "POST", "", body, []string{"Authorization", ""}, 401, "unauthorized"},
		"another site":           {me, "POST", "", body, []string{"Sec-Fetch-Site", "cross-site"}, 403, "foreign_origin"},
		"for another":            {me, "POST", "", `{"id":"` + id + `","workflow":"brief","minutes":48,"person":"eve"}`, nil, 400, "bad_request"},
		"the list of nobody":     {b, "GET", "", "", nil, 403, "no_person"},
		"another's outcome":      {other, "GET", "/" + id, "", nil, 404, "not_found"},
		"another's correction":   {other, "PATCH", "/" + id, `{"minutes":1}`, []string{"If-Match", `"original"`}, 404, "not_found"},
		"another's withdrawal":   {other, "DELETE", "/" + id, "", nil, 404, "not_found"},
		"another's id":           {other, "POST", "", `{"id":"` + id + `","workflow":"brief","minutes":48}`, nil, 409, "id_conflict"},
		"a change of no version": {me, "PATCH", "/" + id, `{"minutes":1}`, nil, 428, "no_version"},
	} {
		res, raw := c.who.send(c.method, "/api/v1/outcomes"+c.path, c.body, c.headers...)
		if res.StatusCode != c.status || !strings.Contains(string(raw), `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, res.StatusCode, raw, c.status, c.code)
		}
	}
	if n := len(other.get("/api/v1/outcomes", "OutcomeList").at("outcomes").list()); n != 0 {
		t.Errorf("another sees %d outcomes", n)
	}
	o := me.get("/api/v1/outcomes", "OutcomeList").at("outcomes", 0)
	for key, want := range map[string]string{
		"id": id, "state": "counted", "note": "Launch brief", "url": "https://example.com/brief", "quality": "4", "team": "content", "workflow_name": "Brief",
		"editable": "true", "hours": "0.5", "day": "2026-11-02", "minutes": "48", "units": "1", "source": "/plumbline/app",
	} {
		o.at(key).is(want)
	}
	// The pseudonym of the session is the person, and is not hashed again.
	if raw := me.topic(bus.Events); len(raw) != 1 || !strings.Contains(string(raw[0].Value), `"person":"`+ann+`"`) {
		t.Errorf("the log has %d events: %s", len(raw), raw[0].Value)
	}
}

// What is wrong is said at the field, in its words.
func TestOutcomesSayWhatIsWrong(t *testing.T) {
	_, me := newOutcomeBench(t)
	long := strings.Repeat("x", 10_000)
	for _, c := range []struct{ fields, pointer, says string }{
		{`"workflow":"brief","minutes":-1`, "/minutes", "minutes must be at least 0"},
		{`"workflow":"brief"`, "/minutes", "say how many minutes it took"},
		{`"workflow":"brief","minutes":"48"`, "/minutes", "number"},
		{`"workflow":"brief","minutes":1e30`, "/minutes", "between"},
		{`"workflow":"brief","minutes":48,"units":0`, "/units", "units must be greater than 0"},
		{`"workflow":"  ","minutes":48`, "/workflow", "say which workflow"},
		{`"workflow":"` + long + `","minutes":48`, "/workflow", "at most 128 characters"},
		{`"workflow":"brief","minutes":48,"note":"` + long + `"`, "/note", "note may have at most 128 characters"},
		{`"workflow":"brief","minutes":48,"url":"javascript:alert(1)"`, "/url", "https://"},
		{`"workflow":"brief","minutes":48,"url":"https://example.com/` + long + `"`, "/url", "2048"},
		{`"workflow":"brief","minutes":48,"quality":6`, "/quality", "quality must be at most 5"},
		{`"workflow":"brief","minutes":48,"day":"2026-11-03"`, "/day", "still to come"},
		{`"workflow":"brief","minutes":48,"day":"yesterday"`, "/day", "YYYY-MM-DD"},
	} {
		for _, path := range []string{"/api/v1/outcomes", "/api/v1/outcomes/preview"} {
			res, raw := me.send("POST", path, `{"id":"`+uuid.NewString()+`",`+c.fields+`}`)
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("%.60s: %d %.200s", c.fields, res.StatusCode, raw)
				continue
			}
			p := me.hold(path, "Problem", raw).at("problems", 0)
			if p.at("pointer").text() != c.pointer || !strings.Contains(p.at("message").text(), c.says) {
				t.Errorf("%.60s at %s: %s %q, want %s %q", c.fields, path, p.at("pointer").text(), p.at("message").text(), c.pointer, c.says)
			}
		}
	}
	for _, body := range []string{`{`, `[]`, `{"id":"1","workflow":"brief","minutes":48}`, `{"workflow":"brief","minutes":48}`, `{"minuets":1}`} {
		if res, raw := me.send("POST", "/api/v1/outcomes", body); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, res.StatusCode, raw)
		}
	}
}

// However often and at once an outcome is sent, it is one.
func TestADoubleSubmitIsOneOutcome(t *testing.T) {
	_, me := newOutcomeBench(t)
	id := uuid.NewString()
	body := `{"id":"` + id + `","workflow":"brief","minutes":48}`
	var group sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		group.Go(func() {
			res, _ := me.send("POST", "/api/v1/outcomes", body)
			statuses[i] = res.StatusCode
		})
	}
	group.Wait()
	if slices.ContainsFunc(statuses, func(s int) bool { return s != 202 && s != 200 }) {
		t.Errorf("answered %v", statuses)
	}
	me.settled(id)
	res, raw := me.send("POST", "/api/v1/outcomes", body)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"state":"loaded"`) {
		t.Errorf("sent again later: %d %s", res.StatusCode, raw)
	}
	if hours, _ := me.ownNumbers(); hours.String() != "0.5" {
		t.Errorf("%s h, want 0.5", hours)
	}
}

// Whoever sends more than a hand can is asked to wait; others are not.
func TestOutcomesAreLimitedPerPerson(t *testing.T) {
	b, me := newOutcomeBench(t)
	for i := range writeBurst {
		if res, raw := me.send("POST", "/api/v1/outcomes", `{"minutes":1}`); res.StatusCode != http.StatusBadRequest {
			t.Fatalf("%d: %d %s", i, res.StatusCode, raw)
		}
	}
	res, raw := me.send("POST", "/api/v1/outcomes", `{"minutes":1}`)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q: %s", res.StatusCode, res.Header.Get("Retry-After"), raw)
	}
	if res, raw := b.as(access.RoleIC, "p00000000000000000000000b").send("POST", "/api/v1/outcomes", `{"minutes":1}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another: %d %s", res.StatusCode, raw)
	}
}

// A list is paged, the newest first, and says what became of each.
func TestTheListOfOutcomes(t *testing.T) {
	b, me := newOutcomeBench(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, uuid.NewString())
		me.logged(ids[i], fmt.Sprintf(`{"workflow":"%s","minutes":10,"day":"2026-10-%02d"}`, []string{"brief", "bare"}[i%2], 10+i))
	}
	asset := happened(b, "tool", "2026-10-20T10:00", "content", "brief", ann, &event.HoursSaved{DoingMinutes: warehousetest.Number("5"), Asset: "a1"})
	asset.Data.Shared().Person = ann
	b.insert(asset, happened(b, "rev", "2026-10-21T10:00", "content", "brief", "", &event.Review{Asset: "a1", Reviewer: "brand", SubmittedAt: clock(t, "2026-10-21T10:00")}))
	const ask = "/api/v1/outcomes?from=2026-10-01&to=2026-11-01"
	first := me.get(ask+"&limit=4", "OutcomeList")
	first.at("total").is("6")
	first.at("team_name").is("Content")
	first.at("outcomes", 0, "review").is("open")
	first.at("outcomes", 0, "editable").is("false")
	first.at("outcomes", 1, "id").is(ids[4])
	first.at("outcomes", 2, "state").is("no_baseline")
	second := me.get(ask+"&limit=4&cursor="+first.at("next").text(), "OutcomeList")
	second.at("outcomes", 1, "id").is(ids[0])
	second.at("next").is("null")
	me.get(ask+"&workflow=bare", "OutcomeList").at("total").is("2")
}

// An id made now dates the outcome of today, and one that is sent later has the same time.
func TestTheTimeOfAnOutcome(t *testing.T) {
	v := &view{zone: time.UTC, now: time.Now(), today: event.DayOf(time.Now())}
	id := uuid.Must(uuid.NewV7()).String()
	made, _ := v.idTime(id)
	later := &view{zone: time.UTC, now: v.now.Add(time.Hour), today: v.today}
	if at := v.outcomeTime(id, event.DayOf(made)); !at.Equal(made) || !at.Equal(later.outcomeTime(id, event.DayOf(made))) {
		t.Errorf("an outcome of %s is of %s", made, at)
	}
	before := addDays(event.DayOf(made), -1)
	if at := v.outcomeTime(id, before); at.Hour() != 12 || !event.DayOf(at).Equal(before.Time) {
		t.Errorf("an outcome of the day before is of %s", at)
	}
}
