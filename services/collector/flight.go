package collector

import (
	"sync"

	"github.com/gin-gonic/gin"
)

// What a request takes of the memory beside the bytes of its body, roughly: for itself, and for each event that may be in
// so many bytes. Many small requests, and bodies of many small events, must not fill the memory either.
const (
	requestCost = 16 << 10
	eventCost   = 2 << 10
	// leastEvent is about how short an event is that has all that it needs.
	leastEvent = 128
)

// cost is what a body of n bytes takes of the memory.
func cost(n int64) int64 {
	return max(requestCost, n+min(n/leastEvent+1, MaxEvents)*eventCost)
}

// flight bounds the memory of the requests that are being worked on, in all and for each workspace, so that a flood of
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

// take reserves room for a body of n bytes and never waits: a client that comes again later is better than one that holds a connection.
// What was taken must be given back.
func (f *flight) take(workspace string, n int64) room {
	n = cost(n)
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
	n = cost(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all -= n
	if f.each[workspace] -= n; f.each[workspace] <= 0 {
		delete(f.each, workspace)
	}
	f.metrics.inFlight.Set(float64(f.all))
}

// admit lets a request pass for whose body there is room, and keeps the room until it is answered.
func (r *receiver) admit(c *gin.Context) {
	n := c.Request.ContentLength
	if n < 0 || n > MaxBody {
		n = MaxBody // more is not read
	}
	workspace := keyOf(c).Workspace
	if !r.room(c, r.flight.take(workspace, n)) {
		c.Abort()
		return
	}
	defer r.flight.give(workspace, n)
	c.Next()
}
