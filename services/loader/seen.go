package loader

import (
	"context"
	"encoding/binary"
	"math/bits"
	"sync"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// seen knows of most new events that they are new, without asking the table of identities: it has a Bloom filter for each
// partition, with every identity that is stored, and a few false ones.
//
// A filter may have too much in it, and never too little. It is read from the table in the first chunk after the partition
// was assigned, thus after the committed offset was: what stands before that offset was stored before its commit, and what
// stands after it is judged here, and put into the filter then, before it is stored. A loader that had the partition
// before and still stores its last chunk stores rows that are judged here too, from the same offsets, which are the same rows.
// When partitions are assigned anew, all is forgotten.
type seen struct {
	db *warehouse.DB

	mu sync.Mutex
	// generation counts the assignments, partitions are how many are assigned.
	generation, partitions int
	filters                map[int]*filter
}

const (
	// seenBytes bounds the filters of all partitions together: about 44 million identities at 12 bits. A partition that has
	// more than its share has no filter, and its events are all asked for.
	seenBytes = 64 << 20
	// seenBits is the size of a filter for each identity that it has room for.
	seenBits = 12
	// seenRoom is the least room of a filter.
	seenRoom = 1 << 18
)

func newSeen(db *warehouse.DB) *seen { return &seen{db: db, filters: map[int]*filter{}} }

// assigned forgets everything. It is called before the first chunk of a generation, and after the last one of the
// generation before.
func (s *seen) assigned(partitions []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.partitions = len(partitions)
	clear(s.filters)
}

// filter is that of a partition, read from the table where it is not there or full. The chunks of a partition come one
// after another, so that one goroutine at a time has it.
func (s *seen) filter(ctx context.Context, partition int) (*filter, error) {
	s.mu.Lock()
	f, generation, share := s.filters[partition], s.generation, seenBytes/max(s.partitions, 1)
	s.mu.Unlock()
	if f != nil && f.room > 0 {
		return f, nil
	}
	n, err := s.db.CountIdentities(ctx, partition)
	if err != nil {
		return nil, err
	}
	f = newFilter(seenRoom+2*n, share)
	if f.blocks != nil {
		if err := s.db.EachIdentity(ctx, partition, func(id event.Identity) { f.surelyNew(id) }); err != nil {
			return nil, err
		}
		// What comes while it was read is in it by now, or will be judged here.
		f.room = seenRoom + n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation {
		s.filters[partition] = f
	}
	return f, nil
}

// filter is a blocked Bloom filter: an identity sets one bit in each of the eight words of one block, which is a line of
// the processor's cache. Identities are hashes already.
type filter struct {
	blocks [][8]uint64
	// room is how many more identities fit before it must be made anew, larger.
	room int
}

// newFilter makes a filter for n identities. One that would be larger than that many bytes knows nothing, and never
// needs to be made anew.
func newFilter(n, most int) *filter {
	blocks := n*seenBits/512 + 1
	if blocks*64 > most {
		return &filter{room: 1}
	}
	return &filter{blocks: make([][8]uint64, blocks), room: n}
}

// surelyNew says whether the identity was surely never put in, and puts it in.
func (f *filter) surelyNew(id event.Identity) bool {
	if f.blocks == nil {
		return false
	}
	high, low := binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
	at, _ := bits.Mul64(high, uint64(len(f.blocks)))
	block := &f.blocks[at]
	isNew := false
	for i := range block {
		bit := uint64(1) << (low & 63)
		low >>= 6
		isNew = isNew || block[i]&bit == 0
		block[i] |= bit
	}
	if isNew {
		f.room--
	}
	return isNew
}
