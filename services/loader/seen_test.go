package loader

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"plumbline/pkg/event"
)

// nthIdentity is a hash like any identity.
func nthIdentity(n int) event.Identity {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return event.Identity(sum[:16])
}

// What was put in is never surely new; of what was not, nearly all is: at 12 bits for each identity, blocks of eight words
// with one bit in each mistake about 0.7 % when the filter is full.
func TestFilter(t *testing.T) {
	const n = 100_000
	f := newFilter(n, 1<<20)
	for i := range n {
		f.surelyNew(nthIdentity(i))
	}
	for i := range n {
		if f.surelyNew(nthIdentity(i)) {
			t.Fatalf("identity %d was put in and is surely new", i)
		}
	}
	if f.room > n/50 {
		t.Errorf("the full filter has room for %d more", f.room)
	}
	mistaken := 0
	for i := n; i < n+n/10; i++ {
		if !f.surelyNew(nthIdentity(i)) {
			mistaken++
		}
	}
	if mistaken > n/10/50 {
		t.Errorf("%d of %d are mistaken, want at most 2 %%", mistaken, n/10)
	}
	none := newFilter(n, 1000)
	if none.surelyNew(nthIdentity(1)) || none.room <= 0 {
		t.Error("a filter that would be too large knows something, or wants to be made anew")
	}
}

// A filter knows what is stored, whoever has stored it before the partition was assigned.
func TestSeenReadsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	stored := w.maker.Stored(t, workspace, "s", "stored", at, &event.Training{Course: "c"})
	stored.Receipt = event.Receipt{Partition: 1, Offset: 7}
	s := newSeen(w.db)
	s.assigned([]int{0, 1})
	before, err := s.filter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	// Another loader, which had the partition before, stores it late: this one has judged it by then.
	if !before.surelyNew(stored.Identity) || before.surelyNew(stored.Identity) {
		t.Error("what is nowhere is not new, or new twice")
	}
	if err := w.db.InsertIdentities(t.Context(), []event.Stored{stored}); err != nil {
		t.Fatal(err)
	}
	s.assigned([]int{0, 1})
	for partition, want := range []bool{true, false} {
		f, err := s.filter(t.Context(), partition)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.surelyNew(stored.Identity); got != want {
			t.Errorf("partition %d: surely new is %v, want %v", partition, got, want)
		}
	}
	// A full filter is read anew.
	f, err := s.filter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	f.room = 0
	again, err := s.filter(t.Context(), 1)
	if err != nil || again == f || again.surelyNew(stored.Identity) {
		t.Errorf("after the filter was full: the same %v, %v", again == f, err)
	}
}
