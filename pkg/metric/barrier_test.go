package metric

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// Who takes a barrier clears it, and is neither behind it nor counted in anything; who says what it costs as well is both.
func TestTakingABarrierIsNoSupport(t *testing.T) {
	on := func(day int) time.Time { return time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC) }
	from, to := event.Day{Time: on(1)}, event.Day{Time: on(31)}
	minutes := decimal.NewFromInt(30)
	say := func(day int, action, person, owner string, lost *decimal.Decimal) BarrierRow {
		return BarrierRow{Day: on(day), At: on(day), Barrier: "queue", Category: map[bool]string{true: "other", false: "policy"}[owner != ""], Action: action, Person: person, Owner: owner, Minutes: lost}
	}
	for name, c := range map[string]struct {
		rows            []BarrierRow
		owner, state    string
		people, support int
		silent          int
		category        string
	}{
		"reported":              {[]BarrierRow{say(2, "report", "a", "", &minutes)}, "", BarrierOpen, 1, 0, 0, "policy"},
		"taken":                 {[]BarrierRow{say(2, "report", "a", "", &minutes), say(3, "support", "b", "b", nil)}, "b", BarrierOpen, 1, 0, 0, "policy"},
		"taken before anything": {[]BarrierRow{say(2, "support", "b", "b", nil), say(3, "report", "a", "", &minutes)}, "", BarrierOpen, 1, 0, 0, "policy"},
		"taken after it was cleared": {
			[]BarrierRow{say(2, "report", "a", "", &minutes), say(3, "resolve", "c", "", nil), say(4, "support", "b", "b", nil)},
			"b", BarrierResolved, 1, 0, 0, "policy",
		},
		"supported by its owner":      {[]BarrierRow{say(2, "report", "a", "", &minutes), say(3, "support", "b", "b", &minutes)}, "b", BarrierOpen, 2, 1, 0, "other"},
		"supported, another is named": {[]BarrierRow{say(2, "report", "a", "", &minutes), say(3, "support", "b", "c", nil)}, "c", BarrierOpen, 2, 1, 1, "other"},
	} {
		list := Barriers(c.rows, LostIn(c.rows, from, to), from, to)
		if len(list) != 1 {
			t.Fatalf("%s: %d barriers", name, len(list))
		}
		b := list[0]
		if b.Owner != c.owner || b.State != c.state || len(b.People) != c.people || b.Support != uint64(c.support) || b.Category != c.category {
			t.Errorf("%s: %+v, want %+v", name, b, c)
		}
		if n := len(Silent(c.rows, from, to)); n != c.silent {
			t.Errorf("%s: %d reports without a time, want %d", name, n, c.silent)
		}
	}
	if list := Barriers([]BarrierRow{say(2, "support", "b", "b", nil)}, nil, from, to); len(list) != 0 {
		t.Errorf("taking what nobody has reported makes a barrier of it: %+v", list)
	}
}
