package warehouse

import (
	"errors"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
)

func openInside(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{DSN: embeddedtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// A pointer that shares segments with another is written only while that is the latest one of its day: somebody who slept
// would lead readers to rows that were swept meanwhile.
func TestPointersAreBuiltOnTheLatest(t *testing.T) {
	t.Parallel()
	db := openInside(t)
	days := []event.Day{event.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), event.DayOf(time.Date(1969, 3, 2, 0, 0, 0, 0, time.UTC))}
	list := func(generation uint64, shared ...segment) []pointer {
		out := make([]pointer, len(days))
		for i, d := range days {
			own := segment{generation, time.UnixMilli(int64(1000 * len(shared))).UTC(), 7, 5}
			out[i] = pointer{day: d, generation: generation, segments: append(shared, own), deals: generation + dealRows, basis: `a 'b' \ c`}
		}
		return out
	}
	point := func(pointers []pointer, base map[event.Day]pointer) error {
		t.Helper()
		return db.point(t.Context(), "w's", pointers, base)
	}
	latest := func() map[event.Day]pointer {
		t.Helper()
		out, err := db.pointersOf(t.Context(), "w's", days)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if err := point(list(4), nil); err != nil {
		t.Fatal(err)
	}
	first := latest()
	second := list(8, first[days[0]].segments...)
	// Built on the pointer of one of the days; the other one is whole and goes with it.
	if err := point(second, map[event.Day]pointer{days[0]: first[days[0]]}); err != nil {
		t.Fatal(err)
	}
	now := latest()
	for i, d := range days {
		got, want := now[d], second[i]
		if got.generation != want.generation || got.deals != want.deals || got.basis != want.basis || len(got.segments) != 2 ||
			got.segments[0] != want.segments[0] || got.segments[1] != want.segments[1] || got.holds() != 5|holdsBit(dealsTable) || got.size() != 14 {
			t.Errorf("%s: written %+v, read %+v", d, want, got)
		}
	}
	if err := point(list(12, first[days[0]].segments...), map[event.Day]pointer{days[0]: first[days[0]], days[1]: now[days[1]]}); !errors.Is(err, errMoved) {
		t.Errorf("on a pointer that is not the latest one any more: %v", err)
	}
	for _, d := range days {
		if got := latest()[d].generation; got != 8 {
			t.Errorf("%s points to generation %d after a roll that came too late, want 8", d, got)
		}
	}
}

// As many days as a roll may have, with more segments than any has, in one statement.
func TestPointersOfManyDays(t *testing.T) {
	t.Parallel()
	db := openInside(t)
	var pointers []pointer
	var days []event.Day
	for i := range MaxRollDays {
		days = append(days, event.DayOf(time.Date(2025, 1, 1+i, 0, 0, 0, 0, time.UTC)))
		p := pointer{day: days[i], generation: 1 << 60, basis: "2 Europe/Berlin -62135596800000 0001-01-01"}
		for j := range 40 {
			p.segments = append(p.segments, segment{1<<60 + uint64(j), time.UnixMilli(1_760_000_000_000 + int64(j)), 1_000_000, holdsAny})
		}
		pointers = append(pointers, p)
	}
	if err := db.point(t.Context(), "w", pointers, nil); err != nil {
		t.Fatal(err)
	}
	base, err := db.pointersOf(t.Context(), "w", days)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pointers {
		pointers[i].generation += generationRoom
	}
	if err := db.point(t.Context(), "w", pointers, base); err != nil {
		t.Fatal(err)
	}
	latest, err := db.pointersOf(t.Context(), "w", days)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range days {
		if got := latest[d]; got.generation != pointers[i].generation || len(got.segments) != 40 || got.segments[39].generation != 1<<60+39 {
			t.Fatalf("%s: %+v", d, got)
		}
	}
}
