package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// CalendarKey is the key of the one calendar of a workspace.
const CalendarKey = "default"

// DefaultCurrency is the currency of a workspace whose calendar names none.
const DefaultCurrency = "USD"

// Snapshot is the registry of one workspace at one moment: immutable, safe for many readers. A look-up at an instant
// answers with the version of the latest valid_from not after it; of two writes with one valid_from the later
// recorded holds; a deleted version answers as absent.
type Snapshot struct {
	// versions are sorted by valid_from, then recorded_at; one for each valid_from.
	versions map[Kind]map[string][]Version
	// history are all writes, newest first.
	history map[Kind]map[string][]Record
	skipped []Skipped
	// disputes are the latest first.
	disputes []Dispute
}

// Version is a decoded version.
type Version struct {
	Record
	Entry Entry
}

// Skipped is a stored record that no longer decodes: it has no effect, and is reported instead of silently dropped.
type Skipped struct {
	Record  Record
	Problem event.Problem
}

// NewSnapshot builds a snapshot from records in any order; repeated records change nothing. What an accepted dispute writes of a
// workflow is in the record of its acceptance, and stands among the versions of the workflow.
func NewSnapshot(records []Record) *Snapshot {
	disputes := disputesOf(records)
	s := build(append(slices.Clone(records), acceptedVersions(disputes)...))
	s.disputes = disputes
	return s
}

// build makes a snapshot of exactly these records.
func build(records []Record) *Snapshot {
	s := &Snapshot{versions: map[Kind]map[string][]Version{}, history: map[Kind]map[string][]Record{}}
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b Record) int {
		return cmp.Or(a.ValidFrom.Compare(b.ValidFrom), a.RecordedAt.Compare(b.RecordedAt), strings.Compare(a.EntryID, b.EntryID))
	})
	for _, r := range sorted {
		v := Version{Record: r}
		if !r.Deleted {
			entry, problems := Decode(r.Kind, r.Key, r.Value)
			if len(problems) > 0 {
				s.skipped = append(s.skipped, Skipped{r, problems[0]})
				continue
			}
			v.Entry = entry
		}
		s.add(v)
	}
	for _, keys := range s.history {
		for _, records := range keys {
			slices.SortStableFunc(records, func(a, b Record) int {
				return cmp.Or(b.RecordedAt.Compare(a.RecordedAt), strings.Compare(b.EntryID, a.EntryID))
			})
		}
	}
	return s
}

func (s *Snapshot) add(v Version) {
	if s.versions[v.Kind] == nil {
		s.versions[v.Kind] = map[string][]Version{}
		s.history[v.Kind] = map[string][]Record{}
	}
	list := s.versions[v.Kind][v.Key]
	if n := len(list); n > 0 && list[n-1].ValidFrom.Equal(v.ValidFrom) {
		list[n-1] = v
	} else {
		list = append(list, v)
	}
	s.versions[v.Kind][v.Key] = list
	s.history[v.Kind][v.Key] = slices.CompactFunc(append(s.history[v.Kind][v.Key], v.Record), func(a, b Record) bool {
		return a.EntryID == b.EntryID && a.ValidFrom.Equal(b.ValidFrom)
	})
}

// Skipped lists stored records that do not decode.
func (s *Snapshot) Skipped() []Skipped { return s.skipped }

// At is the version of an entry that holds at t; ok is false where none does.
func (s *Snapshot) At(kind Kind, key string, t time.Time) (Version, bool) {
	list := s.versions[kind][key]
	i, found := slices.BinarySearchFunc(list, t, func(v Version, t time.Time) int { return v.ValidFrom.Compare(t) })
	if !found {
		i--
	}
	if i < 0 || list[i].Deleted {
		return Version{}, false
	}
	return list[i], true
}

// After is the first version of an entry that begins after t, be it one that ends it; ok is false where none does.
func (s *Snapshot) After(kind Kind, key string, t time.Time) (Version, bool) {
	list := s.versions[kind][key]
	i, found := slices.BinarySearchFunc(list, t, func(v Version, t time.Time) int { return v.ValidFrom.Compare(t) })
	if found {
		i++
	}
	if i == len(list) {
		return Version{}, false
	}
	return list[i], true
}

// History is every write of an entry, newest first.
func (s *Snapshot) History(kind Kind, key string) []Record { return s.history[kind][key] }

// Keys lists the keys of a kind that were ever written, sorted.
func (s *Snapshot) Keys(kind Kind) []string {
	var out []string
	for key := range s.versions[kind] {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// Latest is the version with the latest valid_from, be it in the future: what an editor shows and a write replaces.
func (s *Snapshot) Latest(kind Kind, key string) (Version, bool) {
	list := s.versions[kind][key]
	if len(list) == 0 {
		return Version{}, false
	}
	return list[len(list)-1], true
}

// Find is [Snapshot.At] with the type of the kind.
func Find[T any](s *Snapshot, kind Kind, key string, t time.Time) (*T, Version, bool) {
	v, ok := s.At(kind, key, t)
	if !ok {
		return nil, Version{}, false
	}
	e, ok := v.Entry.(any).(*T)
	return e, v, ok
}

// Zone is the time zone of the workspace, as it stands at t; UTC where the calendar names none.
func (s *Snapshot) Zone(t time.Time) *time.Location {
	c, _, ok := Find[WorkspaceCalendar](s, Calendar, CalendarKey, t)
	if !ok {
		return time.UTC
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil { // the validator knew the zone, this machine's list does not
		return time.UTC
	}
	return zone
}

// Currency is the currency of the workspace at t.
func (s *Snapshot) Currency(t time.Time) string {
	c, _, ok := Find[WorkspaceCalendar](s, Calendar, CalendarKey, t)
	if !ok || c.Currency == "" {
		return DefaultCurrency
	}
	return c.Currency
}

// Conversion is an exchange rate as it was found.
type Conversion struct {
	// Rate multiplies an amount of From into To. An inverse rate is rounded to 18 decimals, half to even.
	Rate     decimal.Decimal
	From, To string
	// Source is the version of the registry that gives it; empty for a currency into itself.
	Source  *Version
	Inverse bool
}

// Convert finds the exchange rate of a pair that holds at t: the pair itself, else the inverse of the opposite pair.
// No third currency is used in between. ok is false where neither is known (no_fx).
func (s *Snapshot) Convert(from, to string, t time.Time) (Conversion, bool) {
	if from == to {
		return Conversion{Rate: decimal.NewFromInt(1), From: from, To: to}, true
	}
	if x, v, ok := Find[Exchange](s, FX, from+"-"+to, t); ok {
		return Conversion{Rate: x.Rate.Decimal, From: from, To: to, Source: &v}, true
	}
	x, v, ok := Find[Exchange](s, FX, to+"-"+from, t)
	if !ok {
		return Conversion{}, false
	}
	inverse := decimal.NewFromInt(1).DivRound(x.Rate.Decimal, 24).RoundBank(18)
	return Conversion{Rate: inverse, From: from, To: to, Source: &v, Inverse: true}, true
}

// Ever tells whether any version of an entry, held or to come, is as asked.
func (s *Snapshot) Ever(kind Kind, key string, is func(Entry) bool) bool {
	return slices.ContainsFunc(s.versions[kind][key], func(v Version) bool { return v.Entry != nil && is(v.Entry) })
}
