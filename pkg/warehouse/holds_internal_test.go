package warehouse

import (
	"slices"
	"testing"
)

// Every rollup has a bit of its own: a day whose pointer does not have it is not asked for its rows.
func TestEveryRollupHasItsBit(t *testing.T) {
	t.Parallel()
	seen := uint32(0)
	for _, r := range rollups() {
		bit := holdsBit(r.table)
		if bit == 0 || seen&bit != 0 {
			t.Errorf("%s has bit %b beside %b", r.table, bit, seen)
		}
		seen |= bit
		day := Rolled{Segments: []RolledSegment{{1, 0}, {2, bit}, {3, holdsAny &^ bit}, {4, holdsAny}}}
		if got := day.Holding(r.table); !slices.Equal(got, []uint64{2, 4}) {
			t.Errorf("%s: may have rows in %v, and not where its bit is missing", r.table, got)
		}
	}
	if got := (Rolled{Segments: []RolledSegment{{1, 0}, {2, 1}}}).Holding(""); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("of several tables, or of an unknown one, nothing is known: %v", got)
	}
}
