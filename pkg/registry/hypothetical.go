package registry

import (
	"maps"
	"slices"
	"time"
)

// records are all writes of the snapshot.
func (s *Snapshot) records() []Record {
	var out []Record
	for _, kind := range slices.Sorted(maps.Keys(s.history)) {
		for _, key := range slices.Sorted(maps.Keys(s.history[kind])) {
			out = append(out, s.history[kind][key]...)
		}
	}
	return out
}

// With is the registry as it would be with these records written last. A record with a zero ValidFrom holds always: it
// takes the place of every version of its key. The snapshot itself does not change.
func (s *Snapshot) With(records []Record) *Snapshot {
	type entry struct {
		kind Kind
		key  string
	}
	always := map[entry]bool{}
	for _, r := range records {
		if r.ValidFrom.IsZero() {
			always[entry{r.Kind, r.Key}] = true
		}
	}
	all := slices.DeleteFunc(s.records(), func(r Record) bool { return always[entry{r.Kind, r.Key}] })
	// The versions of accepted disputes are among the writes: made once more they would outlive what takes their place.
	out := build(append(all, records...))
	out.disputes = s.disputes
	return out
}

// Recorded is the instant of the latest write; zero where there is none.
func (s *Snapshot) Recorded() time.Time {
	var last time.Time
	for _, keys := range s.history {
		for _, records := range keys {
			for _, r := range records {
				if r.RecordedAt.After(last) {
					last = r.RecordedAt
				}
			}
		}
	}
	return last
}

// AsOf is the registry as it was known at an instant: without what was recorded after it.
func (s *Snapshot) AsOf(t time.Time) *Snapshot {
	return NewSnapshot(slices.DeleteFunc(s.records(), func(r Record) bool { return r.RecordedAt.After(t) }))
}

// Since are the writes that were recorded after an instant, the oldest first. What is said in a dispute or about a day is not
// among them: it prices nothing, and what an accepted dispute changes is a version of its workflow.
func (s *Snapshot) Since(t time.Time) []Record {
	out := slices.DeleteFunc(s.records(), func(r Record) bool { return r.Kind == Disputes || r.Kind == Annotations || !r.RecordedAt.After(t) })
	slices.SortStableFunc(out, func(a, b Record) int { return a.RecordedAt.Compare(b.RecordedAt) })
	return out
}
