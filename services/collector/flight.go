package collector

import "sync"

// flight bounds the bytes of the requests that are being worked on, in all and for each workspace, so that a flood of
// one leaves room for the others and no flood fills the memory.
type flight struct {
	total, share int64
	metrics      *metrics

	mu   sync.Mutex
	all  int64
	each map[string]int64
}

func newFlight(total int64, m *metrics) *flight {
	return &flight{total: total, share: total / 4 * 3, metrics: m, each: make(map[string]int64)}
}

// room is the answer of take.
type room int

const (
	roomTaken  room = iota
	roomNobody      // nobody has room
	roomShare       // this workspace has used up its share
)

// take reserves n bytes and never waits: a client that comes again later is better than one that holds a connection.
// What was taken must be given back.
func (f *flight) take(workspace string, n int64) room {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.each[workspace]+n > f.share:
		return roomShare
	case f.all+n > f.total:
		return roomNobody
	}
	f.all += n
	f.each[workspace] += n
	f.metrics.inFlight.Set(float64(f.all))
	return roomTaken
}

// give gives back what take has reserved.
func (f *flight) give(workspace string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all -= n
	if f.each[workspace] -= n; f.each[workspace] <= 0 {
		delete(f.each, workspace)
	}
	f.metrics.inFlight.Set(float64(f.all))
}
