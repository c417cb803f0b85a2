package registry_test

import (
	"testing"
	"time"

	"plumbline/pkg/registry"
)

func rateAt(t *testing.T, s *registry.Snapshot, at time.Time) string {
	t.Helper()
	r, _, ok := registry.Find[registry.Rate](s, registry.Rates, "writer", at)
	if !ok {
		return ""
	}
	return r.LoadedHourlyRate.String()
}

func TestHypotheticalRegistries(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write := func(from, recorded, rate string) registry.Record {
		r := registry.Record{Kind: registry.Rates, Key: "writer", Value: []byte(`{"loaded_hourly_rate":"` + rate + `","currency":"USD"}`), EntryID: from + recorded}
		if from != "" {
			r.ValidFrom = day(from)
		}
		r.RecordedAt = day(recorded)
		return r
	}
	s := registry.NewSnapshot([]registry.Record{write("2026-01-01", "2026-01-05", "30"), write("2026-06-01", "2026-06-02", "40")})
	if got := s.Recorded(); !got.Equal(day("2026-06-02")) {
		t.Errorf("recorded %s", got)
	}
	for _, c := range []struct {
		name          string
		s             *registry.Snapshot
		march, august string
	}{
		{"as it is", s, "30", "40"},
		{"before the second write", s.AsOf(day("2026-06-01")), "30", "30"},
		{"from a day on", s.With([]registry.Record{write("2026-07-01", "2026-08-01", "50")}), "30", "50"},
		{"always", s.With([]registry.Record{write("", "2026-08-01", "50")}), "50", "50"},
		{"another value of a version", s.With([]registry.Record{write("2026-01-01", "2026-08-01", "50")}), "50", "40"},
		{"still as it is", s, "30", "40"},
	} {
		if m, a := rateAt(t, c.s, day("2026-03-01")), rateAt(t, c.s, day("2026-08-15")); m != c.march || a != c.august {
			t.Errorf("%s: %s then %s, want %s then %s", c.name, m, a, c.march, c.august)
		}
	}
	if since := s.Since(day("2026-03-01")); len(since) != 1 || since[0].EntryID != "2026-06-012026-06-02" {
		t.Errorf("since: %+v", since)
	}
}
