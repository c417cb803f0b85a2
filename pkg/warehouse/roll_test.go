package warehouse_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// load stores rows as the loader does, and rolls the days that they touch.
func load(ctx context.Context, t warehousetest.Fataler, db *warehouse.DB, zone *time.Location, generation uint64, rows []event.Stored) {
	t.Helper()
	byKind := map[event.Kind][]event.Stored{}
	for _, r := range rows {
		byKind[r.Kind] = append(byKind[r.Kind], r)
	}
	for kind, rows := range byKind {
		if err := db.InsertRaw(ctx, kind, rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.InsertIdentities(ctx, rows); err != nil {
		t.Fatal(err)
	}
	touched, err := db.Touched(ctx, rows)
	if err != nil {
		t.Fatal(err)
	}
	for workspace, days := range touched {
		for chunk := range slices.Chunk(warehouse.LocalTouches(zone, days), warehouse.MaxRollDays) {
			req := warehouse.RollRequest{Workspace: workspace, Zone: zone.String(), Days: chunk, Generation: generation}
			if err := db.Roll(ctx, req); err != nil {
				t.Fatal(err)
			}
			generation++
		}
	}
}

// Whatever arrives in whatever order, with duplicates, corrections and voids: once the touched days are rolled, the
// rollups are what a fold over all effective rows gives.
func TestRollupsEqualBruteForce(t *testing.T) {
	t.Parallel()
	db := openWith(t, warehouse.Config{SegmentRows: smallSegment})
	workspaces := 0
	rapid.Check(t, func(rt *rapid.T) {
		workspaces++
		workspace := fmt.Sprintf("w%d", workspaces)
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Apia"}).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		maker := warehousetest.NewMaker()
		facts := warehousetest.Facts(rt, maker, workspace, "s")
		// Received within a few seconds, so that what comes next may belong to any segment of a day.
		for i := range facts {
			facts[i].ReceivedAt = facts[i].ReceivedAt.Add(time.Duration(rapid.IntRange(0, 12000).Draw(rt, "received")) * time.Millisecond)
		}
		rows := facts
		for range rapid.IntRange(0, 3).Draw(rt, "copies") {
			rows = append(rows, rapid.SampledFrom(facts).Draw(rt, "copy"))
		}
		rows = rapid.Permutation(rows).Draw(rt, "order")
		generation := uint64(1)
		for len(rows) > 0 {
			n := max(rapid.IntRange(1, len(rows)).Draw(rt, "batch"), len(rows)/3)
			load(t.Context(), rt, db, zone, generation, rows[:n])
			rows = rows[n:]
			generation += 1000
		}
		want := warehousetest.BruteForce(rt, facts, zone)
		if got := warehousetest.ReadRollups(t.Context(), rt, db, workspace); !slices.Equal(got, want) {
			rt.Fatal(warehousetest.Difference(got, want))
		}
	})
	// What was drawn may have cut no day: TestSegmentsEqualBruteForce has days that are.
	several, shared := cuts(t, db)
	t.Logf("%d pointers with several segments, %d that share one with an earlier pointer", several, shared)
}

// smallSegment is how many events a segment takes where a test is to have many of them.
const smallSegment = 2

// cut wants days that were rolled in segments, of which a later roll has left some as they were: else the test has shown nothing of
// them.
func cut(t *testing.T, db *warehouse.DB) {
	t.Helper()
	several, shared := cuts(t, db)
	t.Logf("%d pointers with several segments, %d that share one with an earlier pointer", several, shared)
	if several == 0 || shared == 0 {
		t.Error("no day was rolled in segments")
	}
}

// cuts counts the pointers to several segments, and those that share one with an earlier pointer.
func cuts(t *testing.T, db *warehouse.DB) (several, shared uint64) {
	t.Helper()
	var rows []struct {
		Cut    uint64 `ch:"cut"`
		Shared uint64 `ch:"shared"`
	}
	const sql = `SELECT countIf(length(segments) > 1) AS cut, countIf(arrayExists(s -> s < generation, segments)) AS shared FROM rollup_pointer`
	if err := db.Query(t.Context(), sql, nil, &rows); err != nil {
		t.Fatal(err)
	}
	return rows[0].Cut, rows[0].Shared
}

// A roll of days makes their rows new as a whole, and a sweep takes away what was superseded, no more.
func TestSweepKeepsTheCurrentGeneration(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	rows := []event.Stored{
		maker.Stored(t, "w", "s", "a", day(2026, 3, 1), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")}),
		maker.Stored(t, "w", "s", "b", day(2026, 4, 1), &event.HoursSaved{DoingMinutes: warehousetest.Number("7")}),
	}
	load(t.Context(), t, db, time.UTC, 10, rows)
	load(t.Context(), t, db, time.UTC, 20, rows[:1])
	before := warehousetest.ReadRollups(t.Context(), t, db, "w")
	count := func(table string) uint64 {
		t.Helper()
		var n []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Query(t.Context(), "SELECT count() AS n FROM "+table, nil, &n); err != nil {
			t.Fatal(err)
		}
		return n[0].N
	}
	// March has generations 10 and 20, April has 10.
	if n := count("rollup_hours"); n != 3 {
		t.Fatalf("%d rows before the sweep, want 3", n)
	}
	if err := db.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count("rollup_hours"); n != 3 {
		t.Errorf("%d rows after a sweep within ten minutes, want 3", n)
	}
	if err := db.SweepBefore(t.Context(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, p := count("rollup_hours"), count("rollup_pointer"); n != 2 || p != 2 {
		t.Errorf("%d rows and %d pointers after the sweep, want 2 and 2", n, p)
	}
	if after := warehousetest.ReadRollups(t.Context(), t, db, "w"); !slices.Equal(after, before) {
		t.Error(warehousetest.Difference(after, before))
	}
}

// Days of 23 and 25 hours: one event at every full hour UTC of the days around a change of the clocks in Berlin.
func TestDaysAreLocal(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var rows []event.Stored
	for _, start := range []time.Time{time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)} {
		for hour := range 72 {
			at := start.Add(time.Duration(hour) * time.Hour)
			rows = append(rows, maker.Stored(t, "w", "s", at.String(), at, &event.HoursSaved{DoingMinutes: warehousetest.Number("1.5")}))
		}
	}
	load(t.Context(), t, db, zone, 1, rows)
	var got []struct {
		Day     string          `ch:"day"`
		N       uint64          `ch:"n"`
		Minutes decimal.Decimal `ch:"minutes"`
	}
	sql := "SELECT toString(day) AS day, n, minutes FROM rollup_hours WHERE workspace = {workspace:String} AND " + warehouse.Current + " ORDER BY day"
	if err := db.Query(t.Context(), sql, map[string]any{"workspace": "w", "generation": 1000}, &got); err != nil {
		t.Fatal(err)
	}
	// March: UTC+1 until the 29th 01:00 UTC, then UTC+2. The 28th begins at 23:00 UTC of the 27th, of which hour there is
	// no event: 24 - 1 = 23. The 29th has 23 hours, the 30th 24, and 2 of the 72 fall on the 31st: 23+23+24+2 = 72.
	// October: UTC+2 until the 25th 01:00 UTC, then UTC+1: 24 - 2 = 22, 25, 24, and 1 on the 27th: 72.
	want := map[string]uint64{
		"2026-03-28": 23, "2026-03-29": 23, "2026-03-30": 24, "2026-03-31": 2,
		"2026-10-24": 22, "2026-10-25": 25, "2026-10-26": 24, "2026-10-27": 1,
	}
	if len(got) != len(want) {
		t.Errorf("%d days, want %d: %v", len(got), len(want), got)
	}
	for _, g := range got {
		if g.N != want[g.Day] || !g.Minutes.Equal(decimal.NewFromUint64(want[g.Day]).Mul(decimal.RequireFromString("1.5"))) {
			t.Errorf("%s: %d events and %s minutes, want %d and 1.5 each", g.Day, g.N, g.Minutes, want[g.Day])
		}
	}
}

// A sum beyond 38 digits is still a sum: in Decimal(38, 18), which holds 20 digits before the point, it would wrap around.
func TestSumsOfMoneyDoNotWrap(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	var rows []event.Stored
	for _, id := range []string{"a", "b", "c"} {
		rows = append(rows, maker.Stored(t, "w", "s", id, day(2026, 3, 1), &event.VendorSpend{
			Vendor: "v", Category: "agency", Currency: "EUR", BilledCost: *warehousetest.Amount("99999999999999999999.000000000000000001"),
		}))
	}
	load(t.Context(), t, db, time.UTC, 1, rows)
	var got []struct {
		Billed decimal.Decimal `ch:"billed"`
	}
	if err := db.Query(t.Context(), "SELECT billed FROM rollup_spend", nil, &got); err != nil {
		t.Fatal(err)
	}
	// 3 x 99999999999999999999.000000000000000001
	if want := decimal.RequireFromString("299999999999999999997.000000000000000003"); len(got) != 1 || !got[0].Billed.Equal(want) {
		t.Errorf("billed %v, want %s", got, want)
	}
}

// A sweep leaves the segments that a later roll has left as they were, and takes away those that it has made anew.
func TestSweepKeepsSharedSegments(t *testing.T) {
	t.Parallel()
	db := openWith(t, warehouse.Config{SegmentRows: smallSegment})
	maker := warehousetest.NewMaker()
	var rows []event.Stored
	for i := range 12 {
		r := maker.Stored(t, "w", "s", fmt.Sprint(i), day(2026, 3, 1), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
		r.ReceivedAt = r.ReceivedAt.Add(time.Duration(10*i) * time.Second)
		rows = append(rows, r)
		load(t.Context(), t, db, time.UTC, uint64(10*(i+1)), []event.Stored{r})
	}
	want := warehousetest.BruteForce(t, rows, time.UTC)
	count := func() uint64 {
		t.Helper()
		var n []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Query(t.Context(), "SELECT uniqExact(generation) AS n FROM rollup_hours", nil, &n); err != nil {
			t.Fatal(err)
		}
		return n[0].N
	}
	before := count()
	for range 2 {
		if err := db.SweepBefore(t.Context(), time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := warehousetest.ReadRollups(t.Context(), t, db, "w"); !slices.Equal(got, want) {
			t.Fatal(warehousetest.Difference(got, want))
		}
	}
	// Of 12 events a segment has as many as all that follow it together, or twice as many: 4 at the most.
	if after := count(); after < 2 || after > 4 || before < 12 {
		t.Errorf("%d generations before the sweep and %d after it", before, after)
	}
	cut(t, db)
}
