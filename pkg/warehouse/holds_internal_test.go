package warehouse

import "testing"

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
		if (Rolled{}).MayHold(r.table) || !(Rolled{holds: bit}).MayHold(r.table) || !(Rolled{holds: holdsAny}).MayHold(r.table) {
			t.Errorf("%s: a day without its bit has no rows, one with it may", r.table)
		}
	}
	if !(Rolled{}).MayHold("") {
		t.Error("of several tables, or of an unknown one, nothing is known")
	}
}
