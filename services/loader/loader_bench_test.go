package loader

import (
	"strconv"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse/warehousetest"
)

// BenchmarkLoad sends 100,000 events of three years and waits until they are stored; that the rollups claim to be
// complete through them is measured apart.
func BenchmarkLoad(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		w.cfg.Linger, w.cfg.RollLinger = 0, 0 // the defaults: a backfill wants large chunks
		rows := make([]event.Stored, n)
		for i := range rows {
			rows[i] = w.maker.Stored(b, workspace, "s", strconv.Itoa(i), time.Date(2023, 1, 1+i%1000, 12, 0, 0, 0, time.UTC), &event.HoursSaved{
				Common:       event.Common{Workflow: "w" + strconv.Itoa(i%20), Team: "t" + strconv.Itoa(i%5), Person: "p" + strconv.Itoa(i%300)},
				DoingMinutes: warehousetest.Number("12.5"), ReviewMinutes: warehousetest.Number("3"),
			})
		}
		w.send(rows...)
		b.StartTimer()
		started := time.Now()
		stop := w.run(nil)
		w.eventually("all are stored", func() bool { return w.count("SELECT count() AS n FROM identities") == n })
		b.ReportMetric(n/time.Since(started).Seconds(), "events/s")
		w.complete()
		b.ReportMetric(time.Since(started).Seconds(), "s-to-complete")
		b.StopTimer()
		stop()
		b.StartTimer()
	}
}
