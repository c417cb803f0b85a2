package warehouse_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// Days that fill up as days do: events come in the order in which they are received, some late, of three days next to each
// other, in a zone in which a UTC day belongs to two of them, and now and then one is voided. After whatever roll the rollups
// are what a fold over all rows gives.
func TestSegmentsEqualBruteForce(t *testing.T) {
	t.Parallel()
	db := openWith(t, warehouse.Config{SegmentRows: 6})
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		f := filling{T: t, random: rand.New(rand.NewPCG(seed, 23)), maker: warehousetest.NewMaker(), workspace: fmt.Sprint("filling", seed)}
		var rows []event.Stored
		for generation := uint64(1); len(rows) < 120; generation += 10 {
			var batch []event.Stored
			for range 1 + f.random.IntN(5) {
				batch = append(batch, f.next(len(rows)+len(batch)))
			}
			load(t.Context(), t, db, zone, generation, batch)
			rows = append(rows, batch...)
			if f.random.IntN(4) > 0 && len(rows) < 120 {
				continue
			}
			want := warehousetest.BruteForce(t, rows, zone)
			if got := warehousetest.ReadRollups(t.Context(), t, db, f.workspace); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %d events: %s", seed, len(rows), warehousetest.Difference(got, want))
			}
		}
	}
	cut(t, db)
	var most []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Query(t.Context(), "SELECT max(length(segments)) AS n FROM rollup_pointer", nil, &most); err != nil {
		t.Fatal(err)
	}
	// 120 events of mostly one day, in segments of 6 at least, each at most half as large as the one before it: 64, 32, 16, 8 and
	// the last. Late ones make several into one for a while.
	if n := most[0].N; n < 3 || n > 6 {
		t.Errorf("a day has up to %d segments", n)
	}
}

// filling draws the events of [TestSegmentsEqualBruteForce].
type filling struct {
	*testing.T
	random    *rand.Rand
	maker     *warehousetest.Maker
	workspace string
}

// next is the n-th event.
func (f *filling) next(n int) event.Stored {
	f.Helper()
	// Mostly of the 11th in Berlin, which begins at 23:00 UTC of the 10th.
	hours := []int{f.random.IntN(24), f.random.IntN(24), f.random.IntN(24), f.random.IntN(24), -1, f.random.IntN(72) - 24}
	at := time.Date(2026, 3, 10, 23, 0, 0, 0, time.UTC).Add(time.Duration(hours[f.random.IntN(len(hours))]) * time.Hour)
	out := f.maker.Stored(f, f.workspace, "s", fmt.Sprint(n), at, f.data(at, n))
	out.ReceivedAt = out.ReceivedAt.Add(time.Duration(3*n) * time.Second)
	if f.random.IntN(12) == 0 {
		out.ReceivedAt = out.ReceivedAt.Add(-time.Duration(f.random.IntN(200)) * time.Second)
	}
	return out
}

// data draws what the event says.
func (f *filling) data(at time.Time, n int) event.Data {
	number := func(most int) *event.Number { return warehousetest.Number(fmt.Sprint(1 + f.random.IntN(most))) }
	team := []string{"a", "b"}[f.random.IntN(2)]
	switch f.random.IntN(12) {
	case 0, 1, 2, 3:
		out := &event.HoursSaved{DoingMinutes: number(90), BaselineMinutes: number(200)}
		if f.random.IntN(4) == 0 {
			out.Trial = "t"
		}
		out.Team, out.Person = team, []string{"p", "q"}[f.random.IntN(2)]
		return out
	case 4, 5, 6:
		out := &event.VendorSpend{Vendor: "v", Category: "agency", BilledCost: *warehousetest.Amount("10"), Currency: "EUR"}
		if f.random.IntN(2) == 0 {
			begin := at.Truncate(24 * time.Hour).Add(-time.Hour)
			out.ChargePeriodStart, out.ChargePeriodEnd = &event.Time{Time: begin}, &event.Time{Time: begin.AddDate(0, 0, 1+f.random.IntN(4))}
		}
		if f.random.IntN(3) == 0 {
			invoiced := event.DayOf(at.AddDate(0, 0, f.random.IntN(3)-1))
			out.InvoiceDate = &invoiced
		}
		out.Team = team
		return out
	case 7, 8:
		created := event.Time{Time: at.Add(-time.Duration(f.random.IntN(48)) * time.Hour)}
		out := &event.Pipeline{Deal: fmt.Sprint("d", f.random.IntN(6)), Status: []string{"open", "won"}[f.random.IntN(2)]}
		if f.random.IntN(2) == 0 {
			out.CreatedAt = &created
		}
		return out
	case 9:
		exposures := uint64(f.random.IntN(50))
		out := &event.Conversion{Experiment: "e", Variant: "v", Exposures: &exposures, Deal: []string{"", "d1"}[f.random.IntN(2)]}
		return out
	case 10:
		if n > 0 && f.random.IntN(2) == 0 {
			return &event.Void{Source: "s", ID: fmt.Sprint(f.random.IntN(n))}
		}
		fallthrough
	default:
		out := &event.Training{Course: "c", Hours: number(8)}
		out.Person = "p"
		return out
	}
}
