package loader

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// A crash after any step, in the middle of a history with duplicates and conflicts: the next run loads each event once, and
// each repetition is noted once.
func TestCrashAfterEachStep(t *testing.T) {
	t.Parallel()
	steps := []string{"decode", "judge", "insert raw", "insert identities", "mark", "note duplicates", "refuse"}
	for i, name := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rows := w.history(i)
			conflict := w.maker.Stored(t, workspace, rows[0].Source, rows[0].ID, rows[0].Time.Add(time.Hour), &event.Training{Course: "other"})
			w.send(slices.Concat(rows, rows[:len(rows)/2], []event.Stored{conflict})...)
			crashed := make(chan struct{})
			var once atomic.Bool
			stop := w.run(func(cancel context.CancelFunc, step string) error {
				if step == name && once.CompareAndSwap(false, true) {
					cancel()
					close(crashed)
					return errCrash
				}
				if once.Load() {
					return errCrash // other partitions die with it
				}
				return nil
			})
			<-crashed
			stop()
			w.run(nil)
			w.check(rows, time.UTC)
			if got := w.refused(); !slices.Equal(got, []string{"id_conflict"}) {
				t.Errorf("refused: %v, want one id_conflict", got)
			}
			// Everything that was sent but for the conflict is an event, or a repetition of one.
			want := len(rows) + len(rows)/2 - w.count("SELECT uniqExact(identity) AS n FROM identities")
			if got := w.count("SELECT count() AS n FROM duplicates FINAL"); got != want || want == 0 {
				t.Errorf("%d duplicates are noted, want %d", got, want)
			}
		})
	}
}

// What a collector never writes is refused, with its bytes, and holds up nothing.
func TestRefusesWhatIsNoneOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.maker.Stored(t, workspace, "s", "good", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
	void := w.maker.Stored(t, workspace, "s", "void", good.Time, &event.Void{Source: "s", ID: "none"})
	w.run(nil)
	w.send(good, void)
	w.complete()
	poison := bus.Message{Key: []byte("k"), Value: []byte{0xff, 0xfe}}
	unknown := w.message(good)
	unknown.Value = []byte(`{"no_such_field":1}`)
	voidVoid := w.maker.Stored(t, workspace, "s", "void2", good.Time, &event.Void{Source: "s", ID: "void"})
	otherKind := w.maker.Stored(t, workspace, "s", "c", good.Time, warehousetest.Correction(t, "s", "good", &event.Training{Course: "c"}))
	last := w.maker.Stored(t, workspace, "s", "last", good.Time, &event.HoursSaved{DoingMinutes: warehousetest.Number("7")})
	w.produce(poison, unknown, w.message(voidVoid), w.message(otherKind), w.message(last))
	w.astray(w.maker.Stored(t, workspace, "s", "astray", good.Time, &event.Training{Course: "c"}))
	w.check([]event.Stored{good, void, last}, time.UTC)
	want := []string{"bad_target", "bad_target", "undecodable", "undecodable", "wrong_partition"}
	if got := w.refused(); !slices.Equal(got, want) {
		t.Errorf("refused: %v, want %v", got, want)
	}
	outcomes, err := w.db.Outcome(t.Context(), workspace, []warehouse.Ref{{Source: "s", ID: "void2"}, {Source: "s", ID: "last"}, {Source: "s", ID: "astray"}})
	if err != nil {
		t.Fatal(err)
	}
	if outcomes[0].Code != event.CodeBadTarget || outcomes[1].State != warehouse.OutcomeLoaded || outcomes[2].Code != event.CodeWrongPartition {
		t.Errorf("outcomes: %+v", outcomes)
	}
}

// Two loaders share the partitions, one of them goes and another one comes, while a history arrives.
func TestRebalanceLoadsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.history(11)
	stop := w.run(nil)
	for i, chunk := range slices.Collect(slices.Chunk(rows, max(len(rows)/4, 1))) {
		w.send(chunk...)
		w.send(chunk...)
		switch i {
		case 0:
			w.run(nil)
		case 1:
			stop()
		case 2:
			w.run(nil)
		}
	}
	w.check(rows, time.UTC)
	if got := w.refused(); got != nil {
		t.Errorf("refused: %v, want nothing", got)
	}
}

// A calendar with a time zone cuts the days that are rolled already anew; an unreadable registry message is refused.
func TestCalendarCutsTheDaysAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.history(12)
	w.run(nil)
	w.send(rows...)
	w.check(rows, time.UTC)
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	key, value, err := registry.Record{
		Workspace: workspace, Kind: registry.Calendar, Key: registry.CalendarKey, EntryID: "1", Author: "a",
		ValidFrom: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), RecordedAt: time.Now().UTC().Truncate(time.Millisecond),
		Value: []byte(`{"zone":"America/Los_Angeles"}`),
	}.Message()
	if err != nil {
		t.Fatal(err)
	}
	producer := bus.NewProducer(w.cfg.Bus, bus.Registry)
	defer func() { _ = producer.Close() }()
	if _, err := producer.Produce(t.Context(), []bus.Message{{Key: key, Value: value}, {Key: []byte("k"), Value: []byte("{")}}); err != nil {
		t.Fatal(err)
	}
	want := warehousetest.BruteForce(t, rows, zone)
	w.eventually("rollups in the new zone", func() bool {
		return slices.Equal(warehousetest.ReadRollups(t.Context(), t, w.db, workspace), want)
	})
	w.eventually("the unreadable message is refused", func() bool { return slices.Equal(w.refused(), []string{"undecodable"}) })
	records, err := w.db.Registry(t.Context(), workspace)
	if err != nil || len(records) != 1 {
		t.Errorf("registry: %+v, %v, want one record", records, err)
	}
}

// What the collector has refused ends in the table, once.
func TestRejectsOfTheCollectorAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(nil)
	producer := bus.NewProducer(w.cfg.Bus, bus.Rejected)
	defer func() { _ = producer.Close() }()
	reject := warehouse.Reject{
		Workspace: workspace, RejectID: "r", At: time.Now().UTC().Truncate(time.Millisecond), Stage: warehouse.StageCollector,
		Code: "missing_time", Raw: []byte{0, 0xff, '"'},
	}
	value, err := json.Marshal(reject)
	if err != nil {
		t.Fatal(err)
	}
	m := bus.Message{Key: []byte("r"), Value: value}
	reject.RejectID = "" // the collector may leave the name to the place on the topic
	unnamed, err := json.Marshal(reject)
	if err != nil {
		t.Fatal(err)
	}
	u := bus.Message{Key: []byte("r"), Value: unnamed}
	if _, err := producer.Produce(t.Context(), []bus.Message{m, m, u, u}); err != nil {
		t.Fatal(err)
	}
	// One for the name, and one for each place of the unnamed.
	want := []string{"missing_time", "missing_time", "missing_time"}
	w.eventually("the rejects are in the table", func() bool { return slices.Equal(w.refused(), want) })
	var rows []struct {
		Raw string `ch:"raw"`
	}
	if err := w.db.Query(t.Context(), "SELECT raw FROM rejects FINAL", nil, &rows); err != nil {
		t.Fatal(err)
	}
	if rows[0].Raw != string(reject.Raw) {
		t.Errorf("raw bytes %q, want %q", rows[0].Raw, reject.Raw)
	}
}
