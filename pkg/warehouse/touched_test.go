package warehouse_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// Two loaders store, between them, two events that concern each other; each stores the row (R), then the identity (I),
// then looks what is touched (T), and the days are rolled at the very moment when they are marked. In whatever order
// the six steps fall, the rollups are right in the end.
func TestTouchedInEveryInterleaving(t *testing.T) {
	t.Parallel()
	db := openWith(t, warehouse.Config{SegmentRows: smallSegment})
	for i, order := range interleavings() {
		workspace := fmt.Sprint(i)
		sides := pairs(t, workspace)
		done := [2]int{}
		for generation, who := range order {
			step(t, db, sides[who], done[who], uint64(generation+1))
			done[who]++
		}
		want := warehousetest.BruteForce(t, slices.Concat(sides[0], sides[1]), time.UTC)
		if got := warehousetest.ReadRollups(t.Context(), t, db, workspace); !slices.Equal(got, want) {
			t.Errorf("order %v: %s", order, warehousetest.Difference(got, want))
		}
	}
}

// pairs are events that concern each other, the first of each pair on one side, the second on the other.
func pairs(t *testing.T, workspace string) [2][]event.Stored {
	t.Helper()
	m := warehousetest.NewMaker()
	charge := func(vendor string, invoice *event.Day) *event.VendorSpend {
		return &event.VendorSpend{Vendor: vendor, Category: "agency", BilledCost: *warehousetest.Amount("1"), Currency: "EUR", InvoiceDate: invoice}
	}
	spread := func(start, end time.Time) *event.VendorSpend {
		out := charge("p", nil)
		out.ChargePeriodStart, out.ChargePeriodEnd = &event.Time{Time: start}, &event.Time{Time: end}
		return out
	}
	invoiced, moved := event.DayOf(day(2026, 1, 31)), event.DayOf(day(2026, 5, 1))
	created := event.Time{Time: day(2026, 1, 1)}
	at, other := day(2026, 3, 1), day(2026, 7, 1)
	var out [2][]event.Stored
	pair := func(id string, first, second event.Data, when time.Time) {
		for side, one := range []event.Stored{m.Stored(t, workspace, "s", id, at, first), m.Stored(t, workspace, "s", id+" too", when, second)} {
			one.ReceivedAt = one.ReceivedAt.Add(time.Duration(5*len(out[side])) * time.Second)
			out[side] = append(out[side], one)
		}
	}
	pair("moved", charge("a", &invoiced), warehousetest.Correction(t, "s", "moved", charge("a", &moved)), other)
	pair("undated", charge("b", &invoiced), warehousetest.Correction(t, "s", "undated", charge("b", nil)), other)
	pair("voided", charge("c", &invoiced), &event.Void{Source: "s", ID: "voided"}, other)
	pair("spread", spread(day(2026, 1, 30), day(2026, 2, 2)), warehousetest.Correction(t, "s", "spread", spread(day(2026, 4, 1), day(2026, 4, 3))), other)
	pair("created", &event.Pipeline{Deal: "d", Status: "open"}, &event.Pipeline{Deal: "d", Status: "won", CreatedAt: &created}, other)
	pair("earlier", &event.Pipeline{Deal: "e", Status: "open"}, &event.Pipeline{Deal: "e", Status: "won"}, day(2026, 2, 1))
	pair("renamed", &event.Pipeline{Deal: "f", Status: "open"},
		warehousetest.Correction(t, "s", "renamed", &event.Pipeline{Deal: "g", Status: "won", CreatedAt: &created}), other)
	return out
}

// step does the n-th of the three steps with the rows of one side.
func step(t *testing.T, db *warehouse.DB, rows []event.Stored, n int, generation uint64) {
	t.Helper()
	var err error
	switch n {
	case 0:
		for _, r := range rows {
			err = errors.Join(err, db.InsertRaw(t.Context(), r.Kind, []event.Stored{r}))
		}
	case 1:
		err = db.InsertIdentities(t.Context(), rows)
	case 2:
		var touched map[string][]warehouse.Touch
		if touched, err = db.Touched(t.Context(), rows); err == nil {
			workspace := rows[0].Workspace
			err = db.Roll(t.Context(), warehouse.RollRequest{Workspace: workspace, Days: touched[workspace], Generation: generation})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// interleavings are the twenty ways in which three steps of 0 and three of 1 can follow each other.
func interleavings() [][]int {
	var out [][]int
	for bits := range 1 << 6 {
		var order []int
		ones := 0
		for i := range 6 {
			who := bits >> i & 1
			ones += who
			order = append(order, who)
		}
		if ones == 3 {
			out = append(out, order)
		}
	}
	return out
}
