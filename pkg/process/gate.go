package process

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// The reasons why a gate does not let somebody in.
var (
	// ErrTooMany: the one who asks has as many requests under way as one may have.
	ErrTooMany = errors.New("too many requests at a time")
	// ErrBusy: others have taken all places for longer than anybody should wait.
	ErrBusy = errors.New("busy")
)

// Gate bounds how many requests are worked on at a time, so that a flood of them costs time and no memory, and how many of
// them one and the same asker may have, so that a flood of one does not shut out the others. It is safe for concurrent use.
type Gate struct {
	places chan struct{}
	each   int
	wait   time.Duration
	turned *prometheus.CounterVec

	mu   sync.Mutex
	here map[string]int
}

// NewGate makes a gate for so many requests at a time, of which those of one asker, running and waiting, are at most each. A request
// waits for a place at most as long as given. The counter of those that were turned away has the given name.
func NewGate(running, each int, wait time.Duration, metrics prometheus.Registerer, counter string) *Gate {
	g := &Gate{
		places: make(chan struct{}, running), each: each, wait: wait, here: map[string]int{},
		turned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: counter, Help: "Requests that were not worked on because too many were under way, by reason.",
		}, []string{"reason"}),
	}
	metrics.MustRegister(g.turned)
	return g
}

// Enter takes a place for an asker and returns what gives it back; else [ErrTooMany], [ErrBusy], or why ctx ended.
func (g *Gate) Enter(ctx context.Context, asker string) (leave func(), err error) {
	if !g.count(asker) {
		g.turned.WithLabelValues("too_many").Inc()
		return nil, ErrTooMany
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; g.discount(asker) }, nil
	case <-timer.C:
		g.turned.WithLabelValues("busy").Inc()
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.discount(asker)
	return nil, err
}

func (g *Gate) count(asker string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.here[asker] >= g.each {
		return false
	}
	g.here[asker]++
	return true
}

func (g *Gate) discount(asker string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.here[asker]--; g.here[asker] == 0 {
		delete(g.here, asker)
	}
}

// gateRetry is how long a client should wait that was not let in, in seconds.
const gateRetry = 1

// Handler lets requests through the gate, each as that of the asker that the function names.
func (g *Gate) Handler(asker func(*gin.Context) string) gin.HandlerFunc {
	return func(c *gin.Context) {
		leave, err := g.Enter(c, asker(c))
		switch {
		case err == nil:
			defer leave()
			c.Next()
		case errors.Is(err, ErrTooMany):
			c.Header("Retry-After", strconv.Itoa(gateRetry))
			Problem(c, http.StatusTooManyRequests, "too_many",
				"You have "+strconv.Itoa(g.each)+" requests under way, the most that one may have: wait for their answers.", nil)
		case errors.Is(err, ErrBusy):
			c.Header("Retry-After", strconv.Itoa(gateRetry))
			Problem(c, http.StatusServiceUnavailable, "busy", "More requests are under way than can be worked on: send the same again a little later.", nil)
		default:
			c.Abort() // the client has gone
		}
	}
}
