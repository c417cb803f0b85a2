package scorecard

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
	"plumbline/services/scorecard/daily"
)

// Whatever happened, whatever is asked, and whatever was rolled since: what is put together from the days that are kept
// is what the statement itself reads.
func TestKeptRowsAreThoseOfTheStatement(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	w := keptWorld{
		bench: b, store: daily.New(b.db, time.Now, daily.DefaultLimits()), random: rand.New(rand.NewPCG(1, 2)), compared: map[string]int{}, //nolint:gosec // the same draws every time
	}
	for range 3 {
		w.workspace, w.generation = fmt.Sprintf("kept%d", w.random.Uint32()), 0
		var views []*view
		for range 2 {
			w.load()
			views = append(views, w.view())
			for range 3 {
				// An older view sees the older generations, after a newer one has asked, too.
				w.compare(views[w.random.IntN(len(views))])
			}
		}
	}
	for query, n := range w.compared {
		if n == 0 {
			t.Errorf("%s never had a row", query)
		}
	}
	if w.segments == 0 {
		t.Error("no day was in segments")
	}
}

// keptWorld is one workspace of the test.
type keptWorld struct {
	*bench
	store      *daily.Store
	workspace  string
	generation uint64
	random     *rand.Rand
	compared   map[string]int
	// segments counts the days that were seen in several.
	segments int
}

// load stores events and rolls the days that they touch.
func (w *keptWorld) load() {
	t := w.t
	var rows []event.Stored
	for range 12 {
		source := fmt.Sprintf("s%d", w.random.Uint32())
		drawn := rapid.Custom(func(t *rapid.T) []event.Stored { return warehousetest.Facts(t, w.maker, w.workspace, source) })
		rows = append(rows, drawn.Example(int(w.random.Int32()))...)
	}
	for i, r := range rows {
		// Mostly later than what was loaded before.
		rows[i].ReceivedAt = r.ReceivedAt.Add(time.Duration(w.random.IntN(12000)+10000*int(w.generation)) * time.Millisecond)
		if s := r.Data.Shared(); s != nil {
			s.Person = []string{"", "p", "q"}[w.random.IntN(3)]
		}
	}
	byKind := map[event.Kind][]event.Stored{}
	for _, r := range rows {
		byKind[r.Kind] = append(byKind[r.Kind], r)
	}
	for kind, rows := range byKind {
		if err := w.db.InsertRaw(w.t.Context(), kind, rows); err != nil {
			t.Fatal(err)
		}
	}
	touched, err := w.db.Touched(w.t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	most := warehouse.MaxRollDays
	if w.generation > 0 {
		most = 2 // of which each is rolled in part
	}
	for chunk := range slices.Chunk(warehouse.LocalTouches(time.UTC, touched[w.workspace]), most) {
		w.generation++
		req := warehouse.RollRequest{Workspace: w.workspace, Days: chunk, Generation: w.generation}
		if err := w.db.Roll(w.t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *keptWorld) view() *view {
	snapshot, err := w.db.Snapshot(w.t.Context(), w.workspace)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range snapshot.Days {
		if len(d.Holding("rollup_hours")) > 1 {
			w.segments++
		}
	}
	return &view{
		viewer: access.Viewer{Workspace: w.workspace}, snapshot: snapshot, zone: time.UTC, db: w.db, days: w.store,
		slots: make(chan struct{}, querySlots), asked: map[string]any{},
	}
}

// compare asks everything about a window that is drawn.
func (w *keptWorld) compare(v *view) {
	// Around the days on which there is something.
	from := day("2026-03-25").AddDate(0, 7*w.random.IntN(2), w.random.IntN(8))
	to := from.AddDate(0, 0, []int{1, 5, 250}[w.random.IntN(3)])
	scope := []metric.Scope{
		{Kind: metric.ScopeOrg}, {Kind: metric.ScopeTeam, Key: "a"}, {Kind: metric.ScopeTeam, Key: "none"}, {Kind: metric.ScopeWorkflow, Key: "w"},
	}[w.random.IntN(4)]
	in := v.window(event.Day{Time: from}, event.Day{Time: to}, scope)
	rated := metric.Rated{Persons: []string{"p", "q"}, As: []string{"p", "p"}}
	agree(w, v, metric.HoursQuery{Window: in}, nil)
	agree(w, v, metric.RatedQuery{Window: in, Rated: rated}, nil)
	agree(w, v, metric.PeopleQuery{Window: in}, func(r *metric.PeopleRow) { r.People, r.Given = sorted(r.People), sorted(r.Given) })
	agree(w, v, metric.UnassistedQuery{Window: in}, func(r *metric.UnassistedRow) { r.People = sorted(r.People) })
	agree(w, v, metric.TrialQuery{Window: in}, nil)
	agree(w, v, metric.TrialQuery{Window: in, Trial: "t1"}, nil)
	agree(w, v, metric.SpendQuery{Window: in}, nil)
	agree(w, v, metric.AccrualQuery{Window: in, Vendors: []string{"ACME \"& Söhne\"", "b\\c"}}, nil)
	agree(w, v, metric.ExposuresQuery{Window: in}, nil)
	agree(w, v, metric.ConversionsQuery{Window: in}, nil)
	agree(w, v, metric.CoverageQuery{Window: in}, nil)
	agree(w, v, metric.TrainingQuery{Window: in, Rated: rated}, func(r *metric.TrainingRow) { r.People = sorted(r.People) })
	agree(w, v, metric.LearnersQuery{Window: in}, nil)
	agree(w, v, metric.AnswersQuery{Window: in}, nil)
	agree(w, v, metric.BarriersQuery{Window: in}, nil)
	agree(w, v, metric.ReviewsQuery{Window: in}, func(r *metric.ReviewRow) { r.People = sorted(r.People) })
	agree(w, v, metric.InfluenceQuery{Window: in}, nil)
	agree(w, v, metric.DealsQuery{Window: in, Basis: metric.Created}, nil)
	agree(w, v, metric.DealsQuery{Window: in, Basis: metric.Decided}, nil)
	// There are three deals: few windows have a won one that conversions name.
	all := v.window(event.Day{Time: day("2026-03-01")}, event.Day{Time: day("2026-12-01")}, metric.Scope{Kind: metric.ScopeOrg})
	agree(w, v, metric.LinksQuery{Window: all, Decided: agree(w, v, metric.DealsQuery{Window: all, Basis: metric.Decided}, nil)}, nil)
}

// agree compares the rows of a query; order puts the lists in a row in order, which the engine leaves open.
func agree[Row any](w *keptWorld, v *view, q metric.Daily[Row], order func(*Row)) []Row {
	t := w.t
	got, err := kept[Row](w.t.Context(), v, q)
	if err != nil {
		t.Fatalf("%T: %v", q, err)
	}
	sql, args := q.SQL()
	var want []Row
	if err := w.db.Query(w.t.Context(), sql, args, &want); err != nil {
		t.Fatalf("%T: %v", q, err)
	}
	w.compared[fmt.Sprintf("%T", q)] += len(want)
	if g, s := lines(t, got, order), lines(t, want, order); !slices.Equal(g, s) {
		t.Fatalf("%+v: %s", q, warehousetest.Difference(g, s))
	}
	return got
}

// lines are rows as texts, in which numbers of one value are one text.
func lines[Row any](t *testing.T, rows []Row, order func(*Row)) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		if order != nil {
			order(&r)
		}
		encoded, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = string(encoded)
	}
	return out
}

// sorted is a sorted copy, never nil: the rows of the store are shared.
func sorted(list []string) []string { return append([]string{}, slices.Sorted(slices.Values(list))...) }
