package mapping

import "encoding/binary"

// occurrences counts how often a name has come. It keeps 64 bits of each name in a table that is at most three quarters full,
// about 16 bytes a record: two names that have them in common, of which there is one in a file of five million with a chance of
// less than one in a million, count as one, and stay apart by the rest of their names.
type occurrences struct {
	table []uint64 // 0 is free
	used  int
	// more are the names that have come more than once.
	more map[uint64]uint32
}

const firstTable = 1 << 10

func newOccurrences() *occurrences {
	return &occurrences{table: make([]uint64, firstTable), more: map[uint64]uint32{}}
}

// next is how often the name has come, this time included.
func (o *occurrences) next(name [16]byte) uint32 {
	k := max(binary.BigEndian.Uint64(name[:8]), 1)
	if !o.put(k) {
		o.more[k]++
		return o.more[k] + 1
	}
	if 4*o.used > 3*len(o.table) {
		old := o.table
		o.table, o.used = make([]uint64, 2*len(old)), 0
		for _, k := range old {
			if k != 0 {
				o.put(k)
			}
		}
	}
	return 1
}

// put adds a name; it is false where it is there.
func (o *occurrences) put(k uint64) bool {
	mask := uint64(len(o.table) - 1)
	for i := k & mask; ; i = (i + 1) & mask {
		switch o.table[i] {
		case 0:
			o.table[i] = k
			o.used++
			return true
		case k:
			return false
		}
	}
}
