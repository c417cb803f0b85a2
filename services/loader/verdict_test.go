package loader

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse/warehousetest"
)

// crashAfter runs a loader that dies when it has done a step.
func (w *world) crashAfter(last string) {
	crashed := make(chan struct{})
	var once atomic.Bool
	stop := w.run(func(cancel context.CancelFunc, step string) error {
		if step != last {
			return nil
		}
		if once.CompareAndSwap(false, true) {
			cancel()
			close(crashed)
		}
		return errCrash
	})
	<-crashed
	stop()
}

// A loader dies after it has stored a correction whose target was not known, and the target turns out to be none before
// the chunk is read again: what was stored stays stored, and is not refused beside.
func TestCrashChangesNoVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	void := w.maker.Stored(t, workspace, "s", "void", at, &event.Void{Source: "s", ID: "none"})
	correction := w.maker.Stored(t, workspace, "s", "correction", at, warehousetest.Correction(t, "s", "void", &event.Training{Course: "c"}))
	w.send(correction)
	w.crashAfter("insert raw")
	// Another loader has the partition of the void.
	if err := w.db.InsertRaw(t.Context(), void.Kind, []event.Stored{void}); err != nil {
		t.Fatal(err)
	}
	if err := w.db.InsertIdentities(t.Context(), []event.Stored{void}); err != nil {
		t.Fatal(err)
	}
	w.run(nil)
	w.complete()
	if got := w.refused(); got != nil {
		t.Errorf("refused: %v; want nothing, since the row was stored before", got)
	}
	if n := w.count("SELECT count() AS n FROM correct FINAL"); n != 1 {
		t.Errorf("%d corrections are stored, want 1", n)
	}
	if n := w.count("SELECT uniqExact(identity) AS n FROM identities"); n != 2 {
		t.Errorf("%d identities are stored, want those of the void and of the correction", n)
	}
}

// A loader dies before midnight, after it has stored an event of the last day that is open, and the chunk is read again when
// the day is closed: what was stored stays stored, and is not refused beside. Its neighbour, which was not stored, is.
func TestMidnightChangesNoVerdict(t *testing.T) {
	t.Parallel()
	s := newSealing(t)
	s.set("2026-06-01T23:59:00Z") // less 90 days: 3 March is open
	w := s.world
	w.send(w.maker.Stored(t, workspace, "s", "last", instant("2026-03-03T08:00:00Z"), work("bob")))
	w.crashAfter("insert raw")
	s.set("2026-06-02T00:01:00Z")
	w.send(w.maker.Stored(t, workspace, "s", "late", instant("2026-03-03T09:00:00Z"), work("bob")))
	w.run(nil)
	w.complete()
	if n := w.count("SELECT count() AS n FROM rejects FINAL WHERE id = 'last'"); n != 0 {
		t.Errorf("%d rejects of the event that was stored, want none", n)
	}
	if n := w.count("SELECT count() AS n FROM rejects FINAL WHERE id = 'late' AND code = 'too_old'"); n != 1 {
		t.Errorf("%d rejects of the event that was late, want 1", n)
	}
	if n := w.count("SELECT count() AS n FROM hours_saved FINAL WHERE id = 'last'"); n != 1 {
		t.Errorf("%d rows of the event that was stored, want 1", n)
	}
	if n := w.count("SELECT uniqExact(identity) AS n FROM identities"); n != 1 {
		t.Errorf("%d identities are stored, want one", n)
	}
}

// A correction of a void is refused, and an event of the same id behind it is taken. A loader that dies before it has
// written the refusal finds that event stored, and gives the same reason as before.
func TestCrashChangesNoReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	void := w.maker.Stored(t, workspace, "s", "void", at, &event.Void{Source: "s", ID: "none"})
	if err := w.db.InsertIdentities(t.Context(), []event.Stored{void}); err != nil {
		t.Fatal(err)
	}
	w.send(
		w.maker.Stored(t, workspace, "s", "one", at, warehousetest.Correction(t, "s", "void", &event.Training{Course: "c"})),
		w.maker.Stored(t, workspace, "s", "one", at, &event.Training{Course: "c"}),
	)
	w.crashAfter("mark")
	w.run(nil)
	w.complete()
	if got := w.refused(); !slices.Equal(got, []string{"bad_target"}) {
		t.Errorf("refused: %v; want the correction, as a bad target", got)
	}
}
