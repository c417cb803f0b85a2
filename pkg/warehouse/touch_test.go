package warehouse_test

import (
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// Two touches of a day are what either of them touches.
func TestTouchesOfADay(t *testing.T) {
	t.Parallel()
	early, late := day(2026, 3, 1), day(2026, 3, 1).Add(time.Second)
	of := event.DayOf(early)
	for _, c := range []struct{ a, b, want warehouse.Touch }{
		{warehouse.Touch{Since: late, Rows: 1}, warehouse.Touch{Since: early, Rows: 2}, warehouse.Touch{Since: early, Rows: 3}},
		{warehouse.Touch{Since: late}, warehouse.Touch{Deals: early}, warehouse.Touch{Since: late, Deals: early}},
		{warehouse.Touch{Deals: late}, warehouse.Touch{Deals: early}, warehouse.Touch{Deals: early}},
		{warehouse.Touch{Since: late, Deals: late, Rows: 1}, warehouse.Touch{}, warehouse.Touch{Rows: 1}},
	} {
		c.want.Day = of
		for _, both := range [][2]warehouse.Touch{{c.a, c.b}, {c.b, c.a}} {
			m := warehouse.Touches{}
			m.Add(of, both[0])
			m.Add(of, both[1])
			if got := m.List(); len(got) != 1 || got[0] != c.want {
				t.Errorf("%+v and %+v are %+v, want %+v", both[0], both[1], got, c.want)
			}
		}
	}
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	// The first of March in UTC is the 28th of February and the first of March there, and a day without a time is itself.
	local := warehouse.LocalTouches(zone, []warehouse.Touch{{Day: of, Since: late}, {Day: event.DayOf(day(2026, 3, 2)), Deals: early}})
	want := []warehouse.Touch{
		{Day: event.DayOf(day(2026, 2, 28)), Since: late},
		{Day: of, Since: late, Deals: early},
		{Day: event.DayOf(day(2026, 3, 2)), Deals: early},
	}
	if !slices.Equal(local, want) {
		t.Errorf("in Los Angeles: %+v, want %+v", local, want)
	}
}

// What is stored touches as much of a day as can be another because of it, and no more.
func TestTouchedParts(t *testing.T) {
	t.Parallel()
	db := open(t)
	m := warehousetest.NewMaker()
	at, created := day(2026, 3, 1), event.Time{Time: day(2026, 1, 5)}
	first := m.Stored(t, "w", "s", "hours", at, &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
	second := m.Stored(t, "w", "s", "more", at.Add(time.Hour), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
	second.ReceivedAt = first.ReceivedAt.Add(-time.Second + 999*time.Microsecond)
	deal := m.Stored(t, "w", "s", "deal", at, &event.Pipeline{Deal: "d", Status: "open", CreatedAt: &created})
	move := m.Stored(t, "w", "s", "move", day(2026, 4, 1), &event.Pipeline{Deal: "d", Status: "won"})
	void := m.Stored(t, "w", "s", "void", day(2026, 5, 1), &event.Void{Source: "s", ID: "hours"})
	undo := m.Stored(t, "w", "s", "undo", day(2026, 5, 1), &event.Void{Source: "s", ID: "move"})
	received := first.ReceivedAt
	move.ReceivedAt = received.Add(time.Minute)
	for _, c := range []struct {
		what string
		rows []event.Stored
		want []warehouse.Touch
	}{
		{"two events", []event.Stored{first, second}, []warehouse.Touch{{Day: event.DayOf(at), Since: received.Add(-time.Second), Rows: 2}}},
		{"a change of a deal", []event.Stored{deal}, []warehouse.Touch{
			{Day: event.DayOf(created.Time), Since: received, Deals: received, Rows: 1}, {Day: event.DayOf(at), Since: received, Deals: received, Rows: 1},
		}},
		{"another one", []event.Stored{move}, []warehouse.Touch{
			{Day: event.DayOf(created.Time), Deals: received.Add(time.Minute)},
			{Day: event.DayOf(at), Deals: received.Add(time.Minute)},
			{Day: event.DayOf(move.Time), Since: received.Add(time.Minute), Deals: received.Add(time.Minute), Rows: 1},
		}},
		{"a void of hours", []event.Stored{void}, []warehouse.Touch{{Day: event.DayOf(at)}}},
		{"a void of a change", []event.Stored{undo}, []warehouse.Touch{
			{Day: event.DayOf(created.Time), Deals: time.UnixMilli(0).UTC()}, {Day: event.DayOf(at), Deals: time.UnixMilli(0).UTC()}, {Day: event.DayOf(move.Time)},
		}},
	} {
		for _, r := range c.rows {
			if err := db.InsertRaw(t.Context(), r.Kind, []event.Stored{r}); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.InsertIdentities(t.Context(), c.rows); err != nil {
			t.Fatal(err)
		}
		touched, err := db.Touched(t.Context(), c.rows)
		if err != nil {
			t.Fatal(err)
		}
		if got := touched["w"]; !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}
