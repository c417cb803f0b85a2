package daily_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
	"plumbline/services/scorecard/daily"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// row is a row of a day: each has as many as its generation says.
type row struct {
	Day        time.Time `ch:"day"`
	Generation uint64    `ch:"generation"`
	Number     uint64    `ch:"number"`
}

// partsOf is a query of [from, to) whose statement the engine answers from its parameters alone.
func partsOf(name string, from, to event.Day) metric.Parts {
	return metric.Parts{
		SQL: `SELECT at.1 AS day, at.2 AS generation, arrayJoin(range(generation)) AS number
FROM (SELECT arrayJoin(arrayZip({days:Array(Date32)}, {generations:Array(UInt64)})) AS at)
WHERE at.1 >= {first:Date32} AND at.1 <= {last:Date32} AND {name:String} != ''`,
		Args: map[string]any{"name": name}, From: from, To: to,
		New: func() any { return new([]row) },
		ByDay: func(list any) map[event.Day]any {
			cut := map[event.Day][]row{}
			for _, r := range *list.(*[]row) {
				cut[event.DayOf(r.Day)] = append(cut[event.DayOf(r.Day)], r)
			}
			out := map[event.Day]any{}
			for d, rows := range cut {
				out[d] = rows
			}
			return out
		},
		Count: func(list any) int { return len(list.([]row)) },
	}
}

// counted asks the engine and writes down which days were asked for.
type counted struct {
	*warehouse.DB
	mu    sync.Mutex
	asked [][]event.Day
}

func (c *counted) Query(ctx context.Context, sql string, args map[string]any, dest any) error {
	c.mu.Lock()
	c.asked = append(c.asked, args["days"].([]event.Day))
	c.mu.Unlock()
	return c.DB.Query(ctx, sql, args, dest)
}

// taken are the days of the statements since it was asked last.
func (c *counted) taken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := fmt.Sprint(c.asked)
	c.asked = nil
	return out
}

func day(n int) event.Day {
	return event.Day{Time: time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC)}
}

// rolled are days of November from the first on, with these generations.
func rolled(generations ...uint64) []warehouse.Rolled {
	out := make([]warehouse.Rolled, len(generations))
	for i, g := range generations {
		out[i] = warehouse.Rolled{Day: day(i + 1), Generation: g, Segments: []warehouse.RolledSegment{{Generation: g}}}
	}
	return out
}

// world is a store with a clock that stands still.
type world struct {
	t     *testing.T
	db    *counted
	now   time.Time
	store *daily.Store
}

func newWorld(t *testing.T, limits daily.Limits) *world {
	t.Helper()
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: embeddedtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, db: &counted{DB: db}, now: day(30).Time}
	w.store = daily.New(w.db, func() time.Time { return w.now }, limits)
	return w
}

// rows are "day/generation×rows" of each day that has any.
func (w *world) rows(parts metric.Parts, days []warehouse.Rolled) string {
	w.t.Helper()
	lists, err := w.store.Rows(w.t.Context(), parts, days)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, list := range lists {
		rows := list.([]row)
		out = append(out, fmt.Sprintf("%d/%d×%d", rows[0].Day.Day(), rows[0].Generation, len(rows)))
	}
	return fmt.Sprint(out)
}

func (w *world) is(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestOnlyDaysThatChangedAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.DefaultLimits())
	all := partsOf("a", event.Day{}, event.Day{})
	w.is("first", w.rows(all, rolled(1, 2, 3)), "[1/1×1 2/2×2 3/3×3]")
	w.is("asked first", w.db.taken(), "[[2026-11-01 2026-11-02 2026-11-03]]")
	w.is("again", w.rows(all, rolled(1, 2, 3)), "[1/1×1 2/2×2 3/3×3]")
	w.is("asked again", w.db.taken(), "[]")
	newer, older := rolled(1, 4, 3, 1), rolled(1, 2, 3)
	w.is("newer", w.rows(all, newer), "[1/1×1 2/4×4 3/3×3 4/1×1]")
	w.is("asked for what is new", w.db.taken(), "[[2026-11-02 2026-11-04]]")
	// A request that began earlier sees what it saw, and takes nothing from the others.
	w.is("older", w.rows(all, older), "[1/1×1 2/2×2 3/3×3]")
	w.is("asked for what is old", w.db.taken(), "[[2026-11-02]]")
	w.is("newer again", w.rows(all, newer), "[1/1×1 2/4×4 3/3×3 4/1×1]")
	w.is("asked for the new again", w.db.taken(), "[]")
	// A part of the days is there, too; other parameters are another query.
	w.is("part", w.rows(partsOf("a", day(2), day(4)), newer), "[2/4×4 3/3×3]")
	w.is("nothing", w.rows(partsOf("a", day(9), day(3)), newer), "[]")
	w.is("asked for the part", w.db.taken(), "[]")
	w.is("other", w.rows(partsOf("b", day(4), event.Day{}), newer), "[4/1×1]")
	w.is("asked for the other", w.db.taken(), "[[2026-11-04]]")
}

// Of a day in segments only those that are new are read where rows are of single events, and the day is read again where they
// are to be added up.
func TestSegmentsAreReadApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.DefaultLimits())
	apart, together := partsOf("apart", event.Day{}, event.Day{}), partsOf("together", event.Day{}, event.Day{})
	apart.Apart = true
	cut := func(latest uint64, of ...uint64) []warehouse.Rolled {
		days := rolled(7, latest)
		days[1].Segments = nil
		for _, g := range of {
			days[1].Segments = append(days[1].Segments, warehouse.RolledSegment{Generation: g})
		}
		return days
	}
	first, second := cut(3, 2, 3), cut(4, 2, 4, 5)
	// The rows of a list are named by the first of them: those of both segments together begin with the lower generation.
	w.is("apart", w.rows(apart, first), "[1/7×7 2/2×2 2/3×3]")
	w.is("asked for both segments, one after the other", w.db.taken(), "[[2026-11-01 2026-11-02] [2026-11-02]]")
	w.is("together", w.rows(together, first), "[1/7×7 2/2×5]")
	w.is("asked for the day at once", w.db.taken(), "[[2026-11-01 2026-11-02 2026-11-02]]")
	w.is("apart, later", w.rows(apart, second), "[1/7×7 2/2×2 2/4×4 2/5×5]")
	w.is("asked for the new segments", w.db.taken(), "[[2026-11-02] [2026-11-02]]")
	w.is("together, later", w.rows(together, second), "[1/7×7 2/2×11]")
	w.is("asked for the day again", w.db.taken(), "[[2026-11-02 2026-11-02 2026-11-02]]")
	// An older view shares what is still there, and the newer one loses nothing by it.
	w.is("apart, of an older view", w.rows(apart, first), "[1/7×7 2/2×2 2/3×3]")
	w.is("asked for what was superseded", w.db.taken(), "[[2026-11-02]]")
	w.is("apart, later again", w.rows(apart, second), "[1/7×7 2/2×2 2/4×4 2/5×5]")
	w.is("asked again", w.db.taken(), "[]")
}

// A day without rows is known to have none.
func TestEmptyDaysAreReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.DefaultLimits())
	all := partsOf("a", event.Day{}, event.Day{})
	for range 2 {
		w.is("rows", w.rows(all, rolled(0, 2)), "[2/2×2]")
	}
	w.is("asked", w.db.taken(), "[[2026-11-01 2026-11-02]]")
}

// More rows than are allowed, at once or by and by: the query itself is to be asked, and nobody looks again.
func TestTooManyRowsAreNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.Limits{Query: 4, All: 100})
	once, later := partsOf("once", event.Day{}, event.Day{}), partsOf("later", event.Day{}, event.Day{})
	w.is("three rows", w.rows(later, rolled(3)), "[1/3×3]")
	w.is("three more", w.rows(later, rolled(3, 3)), "[1/3×3 2/3×3]")
	if _, err := w.store.Rows(t.Context(), once, rolled(3, 3)); !errors.Is(err, daily.ErrTooMany) {
		t.Errorf("six rows at once: %v", err)
	}
	w.db.taken()
	for _, parts := range []metric.Parts{once, later} {
		if _, err := w.store.Rows(t.Context(), parts, rolled(3)); !errors.Is(err, daily.ErrTooMany) {
			t.Errorf("again: %v", err)
		}
	}
	w.is("asked again", w.db.taken(), "[]")
}

func TestWhatNobodyAsksForIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.Limits{Query: 100, All: 10})
	a, b, c := partsOf("a", event.Day{}, event.Day{}), partsOf("b", event.Day{}, event.Day{}), partsOf("c", event.Day{}, event.Day{})
	for _, parts := range []metric.Parts{a, b} {
		w.rows(parts, rolled(4))
		w.now = w.now.Add(time.Minute)
	}
	w.rows(a, rolled(4)) // b is the one that was not asked for longest
	w.now = w.now.Add(time.Minute)
	w.db.taken()
	w.rows(c, rolled(4)) // 12 rows are more than 10
	w.rows(a, rolled(4))
	w.is("c, then a", w.db.taken(), "[[2026-11-01]]")
	w.rows(b, rolled(4))
	w.is("b", w.db.taken(), "[[2026-11-01]]")
	w.now = w.now.Add(11 * time.Minute)
	w.rows(b, rolled(4))
	w.is("b, after a while", w.db.taken(), "[[2026-11-01]]")
}

// Of several requests for the same days one reads them; one that is called off does not wait.
func TestRequestsWaitForEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, daily.DefaultLimits())
	all := partsOf("a", event.Day{}, event.Day{})
	results := make([]string, 8)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = w.rows(all, rolled(1, 2, 3)) })
	}
	group.Wait()
	if slices.ContainsFunc(results, func(r string) bool { return r != "[1/1×1 2/2×2 3/3×3]" }) {
		t.Error(results)
	}
	w.is("asked", w.db.taken(), "[[2026-11-01 2026-11-02 2026-11-03]]")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.store.Rows(gone, all, rolled(9)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
