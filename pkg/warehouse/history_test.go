package warehouse_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// telling is a history of one workspace as it is told: batches of events, and calendars with another time zone between
// them, the one entry of the registry that rollups depend on.
type telling struct {
	*testing.T
	db         *warehouse.DB
	maker      *warehousetest.Maker
	random     *rand.Rand
	workspace  string
	zone       *time.Location
	generation uint64
}

// facts draws events of a source with their corrections and voids.
func (h *telling) facts(source string) []event.Stored {
	out := rapid.Custom(func(t *rapid.T) []event.Stored {
		return warehousetest.Facts(t, h.maker, h.workspace, source)
	}).Example(h.random.IntN(1 << 30))
	for i := range out {
		out[i].ReceivedAt = out[i].ReceivedAt.Add(time.Duration(h.random.IntN(12000)) * time.Millisecond)
	}
	return out
}

// tell stores the rows shuffled, some twice, in batches.
func (h *telling) tell(rows []event.Stored) {
	h.Helper()
	rows = append(slices.Clone(rows), rows[:h.random.IntN(len(rows)+1)]...)
	h.random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for len(rows) > 0 {
		n := min(len(rows), 1+h.random.IntN(8))
		load(h.Context(), h, h.db, h.zone, h.generation, rows[:n])
		rows, h.generation = rows[n:], h.generation+1000
		if h.random.IntN(3) == 0 {
			h.move([]string{"UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Apia"}[h.random.IntN(4)])
		}
	}
}

// move changes the calendar: every day is cut anew, as the loader does.
func (h *telling) move(name string) {
	h.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		h.Fatal(err)
	}
	h.zone = zone
	days, err := h.db.AllDays(h.Context(), h.workspace)
	if err != nil {
		h.Fatal(err)
	}
	for chunk := range slices.Chunk(warehouse.LocalDays(zone, days), warehouse.MaxRollDays) {
		h.generation++
		err := h.db.Roll(h.Context(), warehouse.RollRequest{Workspace: h.workspace, Zone: name, Days: warehouse.WholeDays(chunk), Generation: h.generation})
		if err != nil {
			h.Fatal(err)
		}
	}
	h.generation += 1000
}

func (h *telling) same(what string, want []string) {
	h.Helper()
	if got := warehousetest.ReadRollups(h.Context(), h, h.db, h.workspace); !slices.Equal(got, want) {
		h.Errorf("%s of %s: %s", what, h.workspace, warehousetest.Difference(got, want))
	}
}

// After any sequence of events, corrections and registry changes the rollups are what a fold over all effective rows gives in
// the zone that is last; and voids of all that was told since bring them back to what they were before it.
func TestRollupsThroughRegistryChanges(t *testing.T) {
	t.Parallel()
	db := openWith(t, warehouse.Config{SegmentRows: smallSegment})
	defer cut(t, db)
	for seed := range uint64(8) {
		h := &telling{T: t, db: db, maker: warehousetest.NewMaker(), random: rand.New(rand.NewPCG(seed, 17)), workspace: fmt.Sprint("told", seed), zone: time.UTC, generation: 1}
		facts := h.facts("s")
		h.tell(facts)
		h.same("the first part", warehousetest.BruteForce(t, facts, h.zone))
		more := h.facts("more")
		h.tell(more)
		h.same("the second part", warehousetest.BruteForce(t, slices.Concat(facts, more), h.zone))
		var voids []event.Stored
		for i, r := range more {
			if !r.Kind.Amends() {
				voids = append(voids, h.maker.Stored(t, h.workspace, "voids", fmt.Sprint(i), r.Time, &event.Void{Source: r.Source, ID: r.ID}))
			}
		}
		h.tell(voids)
		h.same("what the voids have left", warehousetest.BruteForce(t, facts, h.zone))
	}
}
