package warehouse_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

func TestSnapshotIsCompleteThroughWhatIsRolled(t *testing.T) {
	t.Parallel()
	db := open(t)
	// Rows of progress live for seven days: the times are of today.
	start := time.Now().UTC().Truncate(time.Second)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	progress := func(stream string, partition uint16, through, recorded int) {
		t.Helper()
		row := warehouse.Progress{Stream: stream, Partition: partition, Partitions: 2, Through: at(through), RecordedAt: at(recorded)}
		if err := db.InsertProgress(t.Context(), []warehouse.Progress{row}); err != nil {
			t.Fatal(err)
		}
	}
	complete := func(want time.Time, why string) {
		t.Helper()
		s, err := db.Snapshot(t.Context(), "w")
		if err != nil {
			t.Fatal(err)
		}
		if !s.CompleteThrough.Equal(want) {
			t.Errorf("complete through %s, want %s: %s", s.CompleteThrough, want, why)
		}
	}
	complete(time.Time{}, "nothing is known")
	progress("events", 0, 10, 11)
	progress("events", 1, 12, 13)
	progress("marks", 0, 30, 30)
	complete(time.Time{}, "one partition of the marks was never heard of")
	progress("marks", 1, 20, 20)
	// Marks are rolled through 20; both rows were recorded by 19 = 20 - 1 (clock skew): min(10, 12).
	complete(at(10), "both partitions count, the lesser one decides")
	progress("events", 0, 25, 26)
	complete(at(10), "marks of the new row may not be rolled: 26 > 19")
	progress("marks", 1, 27, 27)
	// Rolled through 27: events 0 at 25 (recorded at 26 <= 26), events 1 still at 12.
	complete(at(12), "the other partition decides now")
	progress("events", 1, 5, 26)
	complete(at(12), "a row that is late on its way takes nothing back")
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	stored := maker.Stored(t, "w", "s", "a", day(2026, 3, 1), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
	stored.Receipt = event.Receipt{Partition: 1, Offset: 10}
	now := time.Now() // rejects live for 30 days
	rejects := []warehouse.Reject{
		{Workspace: "w", RejectID: "r1", At: now, Stage: warehouse.StageLoader, Source: "s", ID: "a", Code: "id_conflict", KafkaPartition: 1, KafkaOffset: 12, Raw: []byte{0xff, 0}},
		{Workspace: "w", RejectID: "r2", At: now, Stage: warehouse.StageCollector, Source: "s", ID: "c", Code: "missing_time"},
	}
	progress := []warehouse.Progress{{Stream: warehouse.StreamEvents, Partition: 1, Partitions: 2, NextOffset: 15, Through: now, RecordedAt: now}}
	err := errors.Join(
		db.InsertIdentities(t.Context(), []event.Stored{stored}), db.InsertRejects(t.Context(), rejects),
		db.InsertRejects(t.Context(), rejects), db.InsertProgress(t.Context(), progress),
	)
	if err != nil {
		t.Fatal(err)
	}
	at := func(offset int64) *event.Receipt { return &event.Receipt{Partition: 1, Offset: offset} }
	tests := []struct {
		ref  warehouse.Ref
		want warehouse.OutcomeState
		code event.Code
	}{
		{warehouse.Ref{Source: "s", ID: "a"}, warehouse.OutcomeLoaded, ""},
		{warehouse.Ref{Source: "s", ID: "a", Receipt: at(10)}, warehouse.OutcomeLoaded, ""},
		{warehouse.Ref{Source: "s", ID: "a", Receipt: at(11)}, warehouse.OutcomeDuplicate, ""},
		{warehouse.Ref{Source: "s", ID: "a", Receipt: at(12)}, warehouse.OutcomeRejected, event.CodeIDConflict},
		{warehouse.Ref{Source: "s", ID: "a", Receipt: at(15)}, warehouse.OutcomeQueued, ""},
		{warehouse.Ref{Source: "s", ID: "b"}, warehouse.OutcomeUnknown, ""},
		{warehouse.Ref{Source: "s", ID: "b", Receipt: at(16)}, warehouse.OutcomeQueued, ""},
		{warehouse.Ref{Source: "s", ID: "c"}, warehouse.OutcomeRejected, event.CodeMissingTime},
	}
	var refs []warehouse.Ref
	for _, tt := range tests {
		refs = append(refs, tt.ref)
	}
	got, err := db.Outcome(t.Context(), "w", refs)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		if got[i].State != tt.want || got[i].Code != tt.code {
			t.Errorf("%+v: got %+v, want %s %s", tt.ref, got[i], tt.want, tt.code)
		}
	}
}

func TestRegistryKeepsEveryVersionOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	calendar := func(entry, zone string, from time.Time) registry.Record {
		return registry.Record{
			Workspace: "w", Kind: registry.Calendar, Key: registry.CalendarKey, ValidFrom: from, RecordedAt: day(2026, 1, 1),
			EntryID: entry, Value: []byte(`{"zone":"` + zone + `"}`), Author: "a",
		}
	}
	records := []registry.Record{
		calendar("1", "Europe/Berlin", day(2000, 1, 1)), calendar("2", "Asia/Tokyo", day(2020, 1, 1)), calendar("3", "America/New_York", day(2200, 1, 1)),
	}
	for range 2 {
		if err := db.InsertRegistry(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Registry(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	same := func(a, b registry.Record) bool {
		return a.EntryID == b.EntryID && a.ValidFrom.Equal(b.ValidFrom) && string(a.Value) == string(b.Value)
	}
	if !slices.EqualFunc(got, records, same) {
		t.Errorf("got %+v, want %+v", got, records)
	}
	zone, err := db.Zone(t.Context(), "w")
	if err != nil || zone.String() != "Asia/Tokyo" {
		t.Errorf("zone %s, %v, want Asia/Tokyo", zone, err)
	}
	if zone, err = db.Zone(t.Context(), "other"); err != nil || zone != time.UTC {
		t.Errorf("zone %s, %v, want UTC", zone, err)
	}
}
