package warehouse_test

import (
	"slices"
	"testing"
	"time"

	"plumbline/pkg/warehouse"
)

// What is noted twice counts once; what another workspace sent, or what arrived outside of the days, does not count; and
// of days before anything was noted nothing is claimed, not even 0.
func TestRepetitions(t *testing.T) {
	t.Parallel()
	db := open(t)
	now := time.Now().UTC().Truncate(time.Millisecond)
	at := func(workspace, source string, offset uint64, received time.Time) warehouse.Duplicate {
		return warehouse.Duplicate{Workspace: workspace, Source: source, ReceivedAt: received, KafkaPartition: 1, KafkaOffset: offset}
	}
	soon := now.Add(time.Minute)
	rows := []warehouse.Duplicate{
		at("w", "a", 1, soon), at("w", "a", 2, soon), at("w", "b", 3, soon), at("v", "a", 4, soon), at("w", "a", 5, soon.Add(time.Hour)),
		at("w", "a", 1, soon.Add(time.Second)), // of a topic that was made anew
	}
	for range 2 {
		if err := db.InsertDuplicates(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Repetitions(t.Context(), "w", now.AddDate(0, 0, -29), soon.Add(time.Hour), now)
	if err != nil {
		t.Fatal(err)
	}
	want := []warehouse.SourceCount{{Source: "a", Duplicates: 3}, {Source: "b", Duplicates: 1}}
	if got.N != 4 || !slices.Equal(got.Sources, want) || got.Cut {
		t.Errorf("%+v", got)
	}
	if age := now.Sub(got.Since); age < -time.Minute || age > time.Hour {
		t.Errorf("they are known since %v, want the moment of the migration", got.Since)
	}
	before, err := db.Repetitions(t.Context(), "w", now.AddDate(0, 0, -3), now.AddDate(0, 0, -2), now)
	if err != nil || !before.Since.IsZero() {
		t.Errorf("of days before the table was made: %+v, %v", before, err)
	}
	later := now.AddDate(1, 0, 0)
	kept, err := db.Repetitions(t.Context(), "w", now, later, later)
	if err != nil || !kept.Since.Equal(later.AddDate(0, 0, -warehouse.RejectDays)) {
		t.Errorf("a year later they are known since %v, %v", kept.Since, err)
	}
}
