package loader

import (
	"context"
	"sync"
	"time"
)

const (
	// togetherRows is up to how many rows a chunk is stored together with others. A large chunk is worth inserts of its own.
	togetherRows = 5000
	// togetherWait is how long the first of several chunks waits for the others: partitions hand over their chunks at the
	// same beats.
	togetherWait = 10 * time.Millisecond
	// togetherGroups are written at a time. With two, those that are out of step stay so, and there are twice as many.
	togetherGroups = 1
)

// together lets small chunks of several partitions share the steps that write. ClickHouse takes about as long for a
// block of one row as for one of a thousand, so that at a trickle over six partitions this is what most of the machine
// would be used for. While one group is written the next one gathers.
type together struct {
	store func(context.Context, []*batch) error
	// turn has room for the groups that are written at a time.
	turn chan struct{}

	mu   sync.Mutex
	next *crowd
}

// crowd is a group of chunks, and how it ended.
type crowd struct {
	batches []*batch
	rows    int
	done    chan struct{}
	err     error
}

func newTogether(store func(context.Context, []*batch) error) *together {
	return &together{store: store, turn: make(chan struct{}, togetherGroups)}
}

// run stores a chunk, alone or with others, and returns when it is stored. An error is that of the whole group: all of
// its chunks are read again then, and what was stored already is recognised.
func (t *together) run(ctx context.Context, b *batch) error {
	if b.rows() > togetherRows {
		return t.store(ctx, []*batch{b})
	}
	c, first := t.join(b)
	if !first {
		select {
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(c.done)
	c.err = t.lead(ctx, c)
	return c.err
}

// rows are those that the steps write for the chunk.
func (b *batch) rows() int { return len(b.fresh) + len(b.repeated) + len(b.duplicates) }

// join adds the chunk to the group that gathers, or begins one.
func (t *together) join(b *batch) (c *crowd, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil || t.next.rows > togetherRows {
		t.next, first = &crowd{done: make(chan struct{})}, true
	}
	c = t.next
	c.batches = append(c.batches, b)
	c.rows += b.rows()
	return c, first
}

// lead waits for the others and for the group before, then stores the group.
func (t *together) lead(ctx context.Context, c *crowd) error {
	timer := time.NewTimer(togetherWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		t.part(c)
		return ctx.Err()
	}
	t.part(c)
	return t.store(ctx, c.batches)
}

// part takes the group out of the way of those who come later.
func (t *together) part(c *crowd) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == c {
		t.next = nil
	}
}
