package scorecard

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often one person may ask for a preview, and log or change something: at once, and then again one every so often. Somebody who
// types sees a preview at each pause; nobody logs thirty outcomes a minute by hand.
const (
	previewBurst = 60
	previewEvery = 500 * time.Millisecond
	writeBurst   = 30
	writeEvery   = 2 * time.Second
	// knownPeople are counted; the count of whoever has long been quiet is forgotten.
	knownPeople = 10_000
)

// personLimit bounds how often each person does something. It is safe for concurrent use.
type personLimit struct {
	now   func() time.Time
	every time.Duration
	burst int

	mu     sync.Mutex
	people map[string]*rate.Limiter
}

func newPersonLimit(now func() time.Time, every time.Duration, burst int) *personLimit {
	return &personLimit{now: now, every: every, burst: burst, people: map[string]*rate.Limiter{}}
}

// take counts one, or says how long to wait.
func (l *personLimit) take(person string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.people) >= knownPeople {
		maps.DeleteFunc(l.people, func(_ string, p *rate.Limiter) bool { return p.TokensAt(now) >= float64(l.burst) })
	}
	p, ok := l.people[person]
	if !ok {
		p = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.people[person] = p
	}
	if p.AllowN(now, 1) {
		return nil
	}
	wait := math.Ceil((1 - p.TokensAt(now)) * l.every.Seconds())
	return &httpError{
		status: http.StatusTooManyRequests, code: "too_many", header: map[string]string{"Retry-After": strconv.Itoa(int(max(1, wait)))},
		detail: "That was more at once than one person logs by hand: wait a moment, then send the same again. Nothing was lost.",
	}
}
