package warehouse_test

import (
	"strconv"
	"testing"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// BenchmarkInsertRaw stores chunks of 50,000 events of one month.
func BenchmarkInsertRaw(b *testing.B) {
	db, err := warehouse.Open(b.Context(), warehouse.Config{DSN: embeddedtest.Database(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	maker := warehousetest.NewMaker()
	rows := make([]event.Stored, 50_000)
	for i := range rows {
		rows[i] = maker.Stored(b, "w", "s", strconv.Itoa(i), day(2026, 3, 1+i%31), &event.HoursSaved{
			Common:       event.Common{Workflow: "w" + strconv.Itoa(i%20), Team: "t" + strconv.Itoa(i%5), Person: "p" + strconv.Itoa(i%300)},
			DoingMinutes: warehousetest.Number("12.5"), ReviewMinutes: warehousetest.Number("3"),
		})
	}
	for b.Loop() {
		if err := db.InsertRaw(b.Context(), event.KindHoursSaved, rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
