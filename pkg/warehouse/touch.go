package warehouse

import (
	"maps"
	"slices"
	"time"

	"plumbline/pkg/event"
)

// Touch says what of a day has to be rolled anew.
type Touch struct {
	Day event.Day
	// Since is when the first of the rows was received that are new; zero: the rows are as they were, and where Deals is zero,
	// too, anything may be another.
	Since time.Time
	// Deals is when the first of the changes was received because of which deals of the day may be others; zero: they are as
	// they were, 1970 ([anyDeal]): any of them may be another.
	Deals time.Time
	// Rows is how many rows are new, at most.
	Rows int
}

// Whole tells whether anything of the day may be another.
func (t Touch) Whole() bool { return t.Since.IsZero() && t.Deals.IsZero() }

// and is what two touches of one day are together.
func (t Touch) and(o Touch) Touch {
	out := Touch{Day: t.Day, Rows: t.Rows + o.Rows}
	if t.Whole() || o.Whole() {
		return out
	}
	out.Since, out.Deals = first(t.Since, o.Since), first(t.Deals, o.Deals)
	return out
}

// first is the earlier of two times; zero is none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// anyDeal is before every change of a deal was received.
func anyDeal() time.Time { return time.UnixMilli(0).UTC() }

// Touches are what is touched, by day.
type Touches map[event.Day]Touch

// Add adds a touch of a day.
func (m Touches) Add(day event.Day, t Touch) {
	t.Day = day
	if before, ok := m[day]; ok {
		t = before.and(t)
	}
	m[day] = t
}

// List are the touches in the order of days.
func (m Touches) List() []Touch {
	return slices.SortedFunc(maps.Values(m), func(a, b Touch) int { return a.Day.Compare(b.Day.Time) })
}

// LocalTouches are touches of UTC days as those of the local days, as [LocalDays] has them.
func LocalTouches(zone *time.Location, utc []Touch) []Touch {
	out := Touches{}
	for _, t := range utc {
		for _, d := range LocalDays(zone, []event.Day{t.Day}) {
			out.Add(d, t)
		}
	}
	return out.List()
}

// received is when a row was received, as it is stored.
func received(r *event.Stored) time.Time { return r.ReceivedAt.UTC().Truncate(time.Millisecond) }
