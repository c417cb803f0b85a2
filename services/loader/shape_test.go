package loader

import (
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse/warehousetest"
)

// Days that were rolled before a rollup was added get their rows in it once a loader of the new version starts.
func TestUpgradeRollsNewRollups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rows := []event.Stored{
		w.maker.Stored(t, workspace, "s", "1", at, &event.Training{Course: "c", Hours: warehousetest.Number("2")}),
		w.maker.Stored(t, workspace, "s", "2", at, &event.Barrier{Barrier: "b", Category: "policy", MinutesLost: warehousetest.Number("5")}),
		w.maker.Stored(t, workspace, "s", "3", at, &event.HoursSaved{DoingMinutes: warehousetest.Number("7")}),
	}
	stop := w.run(nil)
	w.send(rows...)
	w.check(rows, time.UTC)
	stop()
	// As a version left it that knew neither of the two rollups nor of shapes.
	for _, table := range []string{"rollup_training", "rollup_barriers", "rollup_shapes"} {
		// The client takes a statement without rows for an answer that broke off.
		var none []struct{}
		if err := w.db.Query(t.Context(), "TRUNCATE TABLE "+table, nil, &none); err != nil && !strings.Contains(err.Error(), "EOF") {
			t.Fatal(err)
		}
	}
	want := warehousetest.BruteForce(t, rows, time.UTC)
	if slices.Equal(warehousetest.ReadRollups(t.Context(), t, w.db, workspace), want) {
		t.Fatal("the rollups are still there")
	}
	w.run(nil)
	w.eventually("all rollups are there", func() bool {
		return slices.Equal(warehousetest.ReadRollups(t.Context(), t, w.db, workspace), want)
	})
	w.eventually("the shape is noted", func() bool {
		_, old, err := w.db.OldShaped(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return !old
	})
}
