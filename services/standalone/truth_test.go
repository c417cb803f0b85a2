package standalone_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/access"
	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone"
	"plumbline/services/standalone/demo"
)

// truthSeeds is how many organisations are invented, each in a workspace of its own.
const truthSeeds = 50

// coverage counts how often intervals of one level cover the truth.
type coverage struct {
	covered, total int
	missed         []string
}

func (c *coverage) add(name string, truth, low, high float64) {
	c.total++
	if low <= truth && truth <= high {
		c.covered++
		return
	}
	c.missed = append(c.missed, fmt.Sprintf("%s: %.5g not in (%.5g, %.5g)", name, truth, low, high))
}

// TestTruthRecovered stores 50 invented organisations, each in a workspace of its own, sealed, rolled up and read through
// the API like any other, and holds the intervals against the planted truth. They go into the warehouse directly, since
// a roll for each organisation is enough; the first one also goes through the collector and must give the same figures.
//
// The number of intervals that cover is binomial. With n = 50 at level 0.90 fewer than 37 has probability 0.0003; with
// n = 50 at 0.95 fewer than 41 has 0.0002; with n = 100 at 0.95 fewer than 87 has 0.0005. No upper limit can be set at
// such odds: all 50 of 50 has 0.005 at 0.90. The seeds are fixed, so the test says the same every time.
func TestTruthRecovered(t *testing.T) {
	seeds := truthSeeds
	if testing.Short() {
		seeds = 5
	}
	key, err := access.PlainKey("write-key-of-the-first-seed", "through-the-collector")
	if err != nil {
		t.Fatal(err)
	}
	var cfg standalone.Config
	s := serve(t, func(c *standalone.Config) { c.Keys = []access.Key{key}; cfg = *c })
	keys, err := standalone.ReadKeys(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: cfg.ClickHouse})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	sealer, sessions := event.NewSealer(keys.Secret), access.NewSessions(keys.Secret, time.Now, access.Lifetimes{})
	enter := func(workspace string, seed int) organisation {
		cookie, err := sessions.Cookie(sessions.Start(access.Viewer{Workspace: workspace, Role: access.RoleAdmin}, access.ByLink), false)
		if err != nil {
			t.Fatal(err)
		}
		o := demo.New(demo.Config{Seed: uint64(seed), Until: time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC)})
		return organisation{o, workspace, s.URL, cookie}
	}
	hours, lifts, wins, trials := &coverage{}, &coverage{}, &coverage{}, &coverage{}
	for i := range seeds {
		o := enter(fmt.Sprint("seed-", i), i)
		o.declare(t, db)
		o.store(t, db, sealer)
		o.compare(t, hours, lifts, wins, trials)
	}
	for _, c := range []struct {
		name  string
		got   *coverage
		least map[int]int // of so many intervals at least so many cover
	}{
		{"net hours (90 %)", hours, map[int]int{50: 37, 5: 2}},
		{"lift (95 %)", lifts, map[int]int{100: 87, 10: 6}},
		{"win rate (95 %)", wins, map[int]int{50: 41, 5: 2}},
		{"time trial (95 %)", trials, map[int]int{50: 41, 5: 2}},
	} {
		t.Logf("%s: %d of %d cover the truth", c.name, c.got.covered, c.got.total)
		if least, ok := c.least[c.got.total]; !ok || c.got.covered < least {
			t.Errorf("%s: %d of %d cover the truth, want at least %d\n%s", c.name, c.got.covered, c.got.total, least, strings.Join(c.got.missed, "\n"))
		}
	}
	through := enter(key.Workspace, 0)
	through.declare(t, db)
	through.send(t, "write-key-of-the-first-seed")
	settle(t, s)
	direct := enter("seed-0", 0)
	if a, b := through.figures(t), direct.figures(t); a != b {
		t.Errorf("through the collector\n%s\ndirectly\n%s", a, b)
	}
}

// organisation is an invented organisation and the way into its workspace.
type organisation struct {
	*demo.Organisation
	workspace, url string
	cookie         *http.Cookie
}

// declare stores what prices and interprets events.
func (o organisation) declare(t *testing.T, db *warehouse.DB) {
	t.Helper()
	var records []registry.Record
	for i, e := range o.Registry() {
		value, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, registry.Record{
			Workspace: o.workspace, Kind: e.Kind, Key: e.Key, ValidFrom: e.ValidFrom, RecordedAt: e.ValidFrom,
			EntryID: fmt.Sprintf("%s-%d", o.workspace, i), Value: value, Author: "test",
		})
	}
	if err := db.InsertRegistry(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// compared tells whether the truth of a kind is compared.
func compared(e demo.Event) bool {
	switch e.Data.Kind() {
	case event.KindHoursSaved, event.KindVendorSpend, event.KindConversion, event.KindPipeline:
		return true
	}
	return false
}

// store seals the events, inserts them and rolls all days once.
func (o organisation) store(t *testing.T, db *warehouse.DB, sealer *event.Sealer) {
	t.Helper()
	rows := map[event.Kind][]event.Stored{}
	offset := int64(0)
	for e := range o.Events() {
		if !compared(e) {
			continue
		}
		e.Data.Normalise()
		sealed, err := sealer.Seal(event.Event{
			Workspace: o.workspace, Source: e.Source, ID: e.ID, Kind: e.Data.Kind(), Time: e.Time, Subject: e.Subject, Data: e.Data,
		})
		if err != nil {
			t.Fatal(err)
		}
		rows[e.Data.Kind()] = append(rows[e.Data.Kind()], event.Stored{
			Event: sealed.Event, Identity: sealed.Identity, Payload: sealed.Payload, Receipt: event.Receipt{Offset: offset}, ReceivedAt: o.Until(),
		})
		offset++
	}
	for kind, r := range rows {
		if err := db.InsertRaw(t.Context(), kind, r); err != nil {
			t.Fatal(err)
		}
	}
	var days []event.Day
	for d := event.DayOf(o.Start()).AddDate(0, 0, -1); d.Before(o.Until().AddDate(0, 0, 1)); d = d.AddDate(0, 0, 1) {
		days = append(days, event.Day{Time: d})
	}
	if err := db.Roll(t.Context(), warehouse.RollRequest{Workspace: o.workspace, Zone: demo.Zone, Days: warehouse.WholeDays(days), Generation: 1}); err != nil {
		t.Fatal(err)
	}
}

// send sends the events to the collector and waits until each is loaded.
func (o organisation) send(t *testing.T, key string) {
	t.Helper()
	c, err := client.New(client.Config{URL: o.url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var raws []jsontext.Value
	for e := range o.Events() {
		if !compared(e) {
			continue
		}
		raw, err := e.Structured()
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
	}
	answers, err := c.SendStructured(t.Context(), raws)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.State != event.Accepted {
			t.Fatalf("event %d was answered %+v", i, a)
		}
	}
}

// window is the last 90 days in the zone of the organisation.
func window(t *testing.T) (from, to time.Time) {
	t.Helper()
	zone, err := time.LoadLocation(demo.Zone)
	if err != nil {
		t.Fatal(err)
	}
	to = time.Date(2026, 11, 25, 0, 0, 0, 0, zone)
	return to.AddDate(0, 0, -90), to
}

// read reads a document of the organisation's workspace.
func (o organisation) read(t *testing.T, path string) document {
	t.Helper()
	d, err := o.ask(t, http.MethodGet, "/api/v1"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (o organisation) scorecard(t *testing.T) document {
	t.Helper()
	from, to := window(t)
	return o.read(t, "/scorecard?from="+from.Format(time.DateOnly)+"&to="+to.Format(time.DateOnly))
}

// figures are values and intervals as text.
func (o organisation) figures(t *testing.T) string {
	t.Helper()
	card := o.scorecard(t)
	var out []string
	for _, key := range []string{"hours_saved_net", "win_rate", "cycle_days", "pipeline_velocity", "rework_rate", "vendor_savings", "pipeline_value"} {
		for _, part := range []string{"value", "low", "high", "n"} {
			out = append(out, key+" "+part+" "+card.text(t, "measures."+key+"."+part))
		}
	}
	return strings.Join(out, "\n")
}

// ask sends a request as a signed-in browser.
func (o organisation) ask(t *testing.T, method, path, body string) (document, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		return document{}, err
	}
	req.AddCookie(o.cookie)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return document{}, err
	}
	defer func() { _ = res.Body.Close() }()
	var d document
	dec := json.NewDecoder(res.Body)
	dec.UseNumber()
	if err := dec.Decode(&d.value); err != nil {
		return d, fmt.Errorf("%s %s: %s: %w", method, path, res.Status, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return d, fmt.Errorf("%s %s: %s: %v", method, path, res.Status, d.value)
	}
	return d, nil
}

// compare reads the intervals of the last 90 days and counts which cover the truth.
func (o organisation) compare(t *testing.T, hours, lifts, wins, trials *coverage) {
	t.Helper()
	truth := o.Truth(window(t))
	card := o.scorecard(t)
	hours.add(o.workspace, o.Truth(covered(t, card)).NetHours, card.number(t, "measures.hours_saved_net.low"), card.number(t, "measures.hours_saved_net.high"))
	o.holdSavings(t)
	wins.add(o.workspace, truth.WinRate, card.number(t, "measures.win_rate.low"), card.number(t, "measures.win_rate.high"))
	trial := o.read(t, "/trials/"+demo.TrialKey)
	trials.add(o.workspace, truth.TrialRatio, trial.number(t, "ratio_minus_one.low"), trial.number(t, "ratio_minus_one.high"))
	for _, key := range []string{"landing_hero", "subject_lines"} {
		x := o.read(t, "/experiments/"+key)
		for i := range x.at(t, "variants").([]any) {
			at := fmt.Sprintf("variants.%d.", i)
			if x.text(t, at+"is_control") == "false" {
				lifts.add(o.workspace+" "+key, truth.Lift[key], x.number(t, at+"lift_abs.low"), x.number(t, at+"lift_abs.high"))
			}
		}
	}
}

// covered is the period that the net hours are of: the months that are over.
func covered(t *testing.T, card document) (from, to time.Time) {
	t.Helper()
	zone, err := time.LoadLocation(demo.Zone)
	if err != nil {
		t.Fatal(err)
	}
	day := func(name string) time.Time {
		at, err := time.ParseInLocation(time.DateOnly, card.text(t, "measures.hours_saved_net.covers."+name), zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return day("from"), day("to")
}

// holdSavings holds the vendor savings of three whole months to what was really paid less, which has no error.
func (o organisation) holdSavings(t *testing.T) {
	t.Helper()
	from, to := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	card := o.read(t, "/scorecard?from="+from.Format(time.DateOnly)+"&to="+to.Format(time.DateOnly))
	got, want := card.number(t, "measures.vendor_savings.value"), o.Truth(from, to).VendorSavings
	if math.Abs(got-want) > 0.001 {
		t.Errorf("%s: vendor savings of %v, want %v", o.workspace, got, want)
	}
}
