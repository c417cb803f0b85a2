package cli

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestFigure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ value, unit, want string }{
		{"22422.322194849043", "USD", "22,422.32"},
		{"-1056.1367741935485", "USD", "-1,056.14"},
		{"0.005", "USD", "0.01"}, // half away from zero
		{"-0.005", "USD", "-0.01"},
		{"-0.004", "USD", "0.00"}, // no negative nothing
		{"1e6", "EUR", "1,000,000.00"},
		{"0.827276", "share", "82.7"}, // percent
		{"833.551335416875703339", "h", "833.6"},
		{"14541.8158", "index", "14,542"},
		{"2", "level", "2"},
		{"999", "level", "999"},
		{`"12.345"`, "points", "12.35"}, // decimals travel as text too
		{"null", "h", ""},
		{`"soon"`, "h", "soon"},
	} {
		if got := figure(jsontext.Value(tt.value), tt.unit); got != tt.want {
			t.Errorf("%s %s is shown as %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
}

// Measures that are not of the whole period are listed with their days, each span once; what has no value is of no days.
func TestCoverNotes(t *testing.T) {
	t.Parallel()
	autumn, all := &covers{"2026-09-01", "2026-11-01"}, &covers{"2026-09-01", "2026-11-28"}
	got := coverNotes(map[string]measure{
		"rework_rate": {Status: "ok", Covers: autumn}, "hours_saved_net": {Status: "ok", Covers: all}, "barrier_hours": {Status: "ok", Covers: autumn},
		"trained_share": {Status: "withheld", Covers: autumn}, "vendor_spend": {Status: "ok"},
	})
	want := []string{
		"from 2026-09-01, before 2026-11-01: barrier_hours, rework_rate: what others do is shown in whole months",
		"from 2026-09-01, before 2026-11-28: hours_saved_net: what others do is shown in whole months",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
