package loader

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// sealing is a world whose loader has a clock of the test's own, and keeps raw rows for 90 days.
type sealing struct {
	*erasing
	clock  atomic.Int64
	loader atomic.Pointer[loader]
}

func newSealing(t *testing.T) *sealing {
	w := newWorld(t)
	w.cfg.Secret, w.cfg.RawRetention = event.Secret(secretOfTests), 90*24*time.Hour
	w.cfg.ErasePause = 2 * time.Second
	s := &sealing{erasing: &erasing{world: w}}
	s.set("2026-02-15T12:00:00Z")
	w.change = func(l *loader) {
		l.seal.now = func() time.Time { return time.UnixMilli(s.clock.Load()) }
		s.loader.Store(l)
	}
	return s
}

func (s *sealing) set(at string) { s.clock.Store(instant(at).UnixMilli()) }

func instant(at string) time.Time {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return t
}

// seal lets time pass until the seal has moved and stands long enough for raw rows to go.
func (s *sealing) seal(at string) {
	s.t.Helper()
	s.set(at)
	for range 2 {
		if err := s.loader.Load().sealDays(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		s.clock.Add(2 * time.Hour.Milliseconds())
	}
	seal := s.loader.Load().seal
	seal.mu.Lock()
	seal.at = time.Time{}
	seal.mu.Unlock()
}

func (s *sealing) event(at, id string, data event.Data) event.Stored {
	s.at = instant(at)
	r := s.say(id, data)
	return r
}

func work(person string) *event.HoursSaved {
	return &event.HoursSaved{Common: common(person), DoingMinutes: minutes("10")}
}

func charge(invoice string) *event.VendorSpend {
	out := &event.VendorSpend{Common: common("bob"), Vendor: "V", Category: "ai_tool", BilledCost: *warehousetest.Amount("9.99"), Currency: "EUR"}
	if invoice != "" {
		d, err := event.ParseDay(invoice)
		if err != nil {
			panic(err)
		}
		out.InvoiceDate = &d
	}
	return out
}

func change(deal, created string) *event.Pipeline {
	out := &event.Pipeline{Common: common("bob"), Deal: deal, Status: "open", Amount: warehousetest.Amount("5.00"), Currency: "EUR"}
	if created != "" {
		out.CreatedAt = &event.Time{Time: instant(created)}
	}
	return out
}

func (s *sealing) history() {
	s.event("2026-01-05T03:00:00Z", "h1", work(ann))
	s.event("2026-01-20T12:00:00Z", "h2", work("bob"))
	s.event("2026-01-21T12:00:00Z", "h3", work("bob"))
	s.event("2026-01-22T12:00:00Z", "k1", warehousetest.Correction(s.t, "s", "h2", work("cat")))
	s.event("2026-01-22T12:00:00Z", "o1", &event.Void{Source: "s", ID: "h3"})
	s.event("2026-01-06T12:00:00Z", "x1", &event.Conversion{Common: common("bob"), Experiment: "x", Variant: "v"})
	s.event("2026-01-07T12:00:00Z", "t1", &event.Training{Common: common("bob"), Course: "c", Hours: minutes("2")})
	s.event("2026-01-08T12:00:00Z", "v1", charge(""))
	s.event("2026-01-09T12:00:00Z", "p1", change("old", "2026-01-02T12:00:00Z"))
	s.event("2026-02-10T12:00:00Z", "h4", work("bob"))
	// Around the seam.
	s.event("2026-02-23T20:00:00Z", "e1", work("bob"))
	s.event("2026-02-24T03:00:00Z", "e2", work("cat"))
}

// zone moves the workspace to another time zone.
func (s *sealing) zone(name string, version int) {
	s.t.Helper()
	key, value, err := registry.Record{
		Workspace: workspace, Kind: registry.Calendar, Key: registry.CalendarKey, EntryID: fmt.Sprint(version), Author: "admin",
		ValidFrom: instant("2000-01-01T00:00:00Z"), RecordedAt: instant("2026-06-02T00:00:00Z").Add(time.Duration(version) * time.Hour),
		Value: []byte(`{"zone":"` + name + `"}`),
	}.Message()
	if err != nil {
		s.t.Fatal(err)
	}
	s.produceTo(bus.Registry, bus.Message{Key: key, Value: value})
	s.eventually("the zone is there", func() bool {
		zone, err := s.db.Zone(s.t.Context(), workspace)
		if err != nil {
			s.t.Fatal(err)
		}
		return zone.String() == name
	})
	s.sent = time.Now()
	s.complete()
}

// want are the rollups of brute force, with the pseudonym.
func (s *sealing) want() []string {
	out := warehousetest.BruteForce(s.t, s.rows, time.UTC)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], hashOf(ann), pseudonym)
	}
	slices.Sort(out)
	return out
}

func (s *sealing) same(what string, want []string) {
	s.t.Helper()
	if got := s.rollups(); !slices.Equal(got, want) {
		s.t.Errorf("%s: %s", what, warehousetest.Difference(got, want))
	}
}

// months are the partitions that a raw table has.
func (s *sealing) months(table string) []string {
	s.t.Helper()
	var rows []struct {
		Month string `ch:"month"`
	}
	sql := "SELECT DISTINCT toString(toYYYYMM(day)) AS month FROM " + table + " ORDER BY month"
	if err := s.db.Query(s.t.Context(), sql, nil, &rows); err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.Month)
	}
	return out
}

// Sealed days keep their numbers, whatever comes: raw rows go, late events are refused, marks, another time zone and
// replays change nothing, and a person can still be erased.
func TestSealedDaysStayAsTheyAre(t *testing.T) {
	t.Parallel()
	s := newSealing(t)
	stop := s.run(nil)
	s.history()
	s.send(s.rows...)
	s.check(s.rows, time.UTC)
	want := s.want()

	// 1 June less 90 days is 3 March: events of days before are refused. Seven days earlier, on 24 February, begin the
	// days that are never rolled. January ends before that and goes; February has the 10th and the seal in it, and stays.
	s.seal("2026-06-01T12:00:00Z")
	seal, err := s.db.Seal(t.Context())
	if err != nil || seal.SealedBefore.String() != "2026-02-24" || seal.DroppedBefore.String() != "2026-02-01" {
		t.Errorf("seal %+v, %v", seal, err)
	}
	for _, table := range []string{"hours_saved", "conversion", "training", "vendor_spend", "pipeline", "correct", "void"} {
		wantMonths := []string(nil)
		if table == "hours_saved" {
			wantMonths = []string{"202602"}
		}
		if got := s.months(table); !slices.Equal(got, wantMonths) {
			t.Errorf("%s has the months %v, want %v", table, got, wantMonths)
		}
	}
	s.same("sealed", want)

	s.refusals()
	s.same("after the refusals", s.want())

	// Everything again: known, so duplicates, whose marks name sealed days.
	refused := len(s.refused())
	s.send(s.rows...)
	s.produceTo(bus.Marks, bus.Message{Key: []byte(workspace), Value: []byte(`{"workspace":"w","day":"2026-01-05"}`)})
	s.complete()
	if n := len(s.refused()); n != refused {
		t.Errorf("%d refused, want %d", n, refused)
	}
	s.same("sent again", s.want())
	if testutil.ToFloat64(s.loader.Load().metrics.sealedMarks) == 0 {
		t.Error("no mark of a sealed day was counted")
	}

	// In Los Angeles 3:00 UTC of 5 January is the 4th, and in Tokyo 20:00 UTC of 23 February is the 24th: not any more. What
	// happened between the seams is on the first open day.
	s.zone("America/Los_Angeles", 1)
	s.same("in another zone", s.want())
	s.zone("Asia/Tokyo", 2)
	s.same("in a third zone", s.want())

	s.erase("first")
	if pass := s.passed("first", 2); pass.Found() {
		t.Errorf("pass two has found %+v", pass)
	}
	s.nowhere()
	s.same("erased", s.want())

	// The seal stays where it is, though the retention is over.
	stop()
	s.cfg.RawRetention = 0
	s.run(nil)
	s.send(s.maker.Stored(t, workspace, "s", "later", instant("2026-01-10T12:00:00Z"), work("bob")))
	s.eventually("one more is refused", func() bool { return len(s.refused()) == refused+1 })
}

// refusals sends what would change closed days, and what would not.
func (s *sealing) refusals() {
	s.t.Helper()
	made := func(at, id string, data event.Data) event.Stored {
		data.Normalise()
		return s.maker.Stored(s.t, workspace, "s", id, instant(at), data)
	}
	const now = "2026-05-30T12:00:00Z"
	open := s.event("2026-03-03T08:00:00Z", "open", work("bob"))
	cash := s.event(now, "open charge", charge("2026-03-04"))
	deal := s.event(now, "open deal", change("new", "2026-03-10T12:00:00Z"))
	fix := s.event(now, "open fix", warehousetest.Correction(s.t, "s", "open", work("cat")))
	s.send(open, cash, deal, fix)
	s.complete()
	want := map[string]string{
		"late": "/time", "closing": "/time", "k2": "/data/id", "o2": "/data/id", "v2": "/data/invoice_date", "p2": "/data/created_at",
		"p3": "/data/deal", "k3": "/data/data/invoice_date", "k4": "/data/data/created_at", "k5": "/data/deal",
	}
	s.send(
		made("2026-01-10T12:00:00Z", "late", work("bob")),
		made("2026-03-02T23:59:59Z", "closing", work("bob")),
		made(now, "k2", warehousetest.Correction(s.t, "s", "h2", work("dan"))),
		made(now, "o2", &event.Void{Source: "s", ID: "v1"}),
		made(now, "v2", charge("2026-03-02")),
		made(now, "p2", change("new", "2026-01-10T12:00:00Z")),
		made(now, "p3", change("old", "")),
		made(now, "k3", warehousetest.Correction(s.t, "s", "open charge", charge("2026-01-02"))),
		made(now, "k4", warehousetest.Correction(s.t, "s", "open deal", change("new", "2026-01-02T12:00:00Z"))),
		made(now, "k5", warehousetest.Correction(s.t, "s", "open deal", change("old", ""))),
	)
	s.complete()
	var rows []struct {
		ID      string `ch:"id"`
		Code    string `ch:"code"`
		Pointer string `ch:"pointer"`
		Message string `ch:"message"`
	}
	if err := s.db.Query(s.t.Context(), "SELECT id, code, pointer, message FROM rejects FINAL", nil, &rows); err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Code != string(event.CodeTooOld) || r.Pointer != want[r.ID] || !strings.Contains(r.Message, "2026-03-03") {
			s.t.Errorf("refused: %+v, want too_old at %q", r, want[r.ID])
		}
		delete(want, r.ID)
	}
	if len(want) > 0 {
		s.t.Errorf("not refused: %v", want)
	}
}

// Months stay while a day that may still be rolled is made of their rows.
func TestNeededMonthsAreNotDropped(t *testing.T) {
	t.Parallel()
	s := newSealing(t)
	s.run(nil)
	s.event("2026-01-08T12:00:00Z", "v1", charge("2026-05-20"))                 // its day of cash is open
	s.event("2026-01-09T12:00:00Z", "p1", change("long", ""))                   // others of the deal are later
	s.event("2026-04-09T12:00:00Z", "p2", change("long", ""))                   //
	s.event("2026-04-01T12:00:00Z", "h1", work("bob"))                          //
	s.event("2026-01-10T12:00:00Z", "o1", &event.Void{Source: "s", ID: "h1"})   // of a later event
	s.event("2026-01-10T12:00:00Z", "o2", &event.Void{Source: "s", ID: "soon"}) // of one that is still to come
	s.event("2026-01-11T12:00:00Z", "h2", work("bob"))
	s.event("2026-01-12T12:00:00Z", "k2", warehousetest.Correction(t, "s", "h2", work("cat")))
	s.send(s.rows...)
	s.check(s.rows, time.UTC)
	s.seal("2026-06-01T12:00:00Z")
	for table, want := range map[string][]string{
		"vendor_spend": {"202601"}, "pipeline": {"202601", "202604"}, "void": {"202601"}, "hours_saved": {"202604"}, "correct": nil,
	} {
		if got := s.months(table); !slices.Equal(got, want) {
			t.Errorf("%s has the months %v, want %v", table, got, want)
		}
	}
	// The days that are open are still brute force.
	s.event("2026-04-09T13:00:00Z", "soon", work("bob"))
	s.event("2026-05-20T13:00:00Z", "v3", charge(""))
	s.send(s.rows[len(s.rows)-2:]...)
	s.complete()
	s.same("rolled again", s.want())

	// A year later nothing is needed any more but the void of what never came.
	s.seal("2027-06-01T12:00:00Z")
	for _, table := range []string{"vendor_spend", "pipeline", "hours_saved", "correct", "void"} {
		if got := s.months(table); got != nil {
			t.Errorf("%s has the months %v", table, got)
		}
	}
	s.same("a year later", s.want())
}

func TestRetentionIsNotTooShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, d := range []time.Duration{-time.Hour, time.Hour, 71 * time.Hour} {
		w.cfg.RawRetention = d
		if _, err := open(t.Context(), w.cfg, nil); err == nil || !strings.Contains(err.Error(), "raw retention") {
			t.Errorf("%s: %v", d, err)
		}
	}
	if _, err := w.db.DropSealed(t.Context(), time.Now()); err != nil {
		t.Error(err)
	}
	if seal, err := w.db.Seal(t.Context()); err != nil || seal != (warehouse.Seal{}) {
		t.Errorf("a new warehouse has the seal %+v, %v", seal, err)
	}
}
