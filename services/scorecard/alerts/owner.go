package alerts

import (
	"slices"
	"sync"
	"time"
)

// lease is how long after the group was last heard of a partition counts as this process's. It is less than the time after which the
// group gives the partition of a silent member to another one.
const lease = 5 * time.Second

// owner knows which partitions the consumer group has given to this process, and where each ended when it was last asked.
type owner struct {
	mu   sync.Mutex
	held map[int]holding
}

type holding struct {
	end int64
	at  time.Time
}

func newOwner() *owner { return &owner{held: map[int]holding{}} }

// assigned begins a generation of the group: what this process held before it no longer does.
func (o *owner) assigned(partitions []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := range o.held {
		if !slices.Contains(partitions, p) {
			delete(o.held, p)
		}
	}
}

// idle notes where a partition of this process ends. It must return at once: the group waits for it.
func (o *owner) idle(partition int, next int64, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held[partition] = holding{next, at}
}

// holds tells whether a partition is this process's, and where it ended.
func (o *owner) holds(partition int) (end int64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h, ok := o.held[partition]
	return h.end, ok && time.Since(h.at) < lease
}
