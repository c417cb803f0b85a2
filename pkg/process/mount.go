package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// Mount is where a service registers what it offers, while it starts and before
// anything is served. Several services may share one; their loops and stops are
// then run together. It is not for use once the server runs.
type Mount struct {
	// Router takes the routes.
	Router gin.IRouter
	// Health takes the checks of readiness.
	Health *Health
	// Metrics takes the collectors; /metrics shows them.
	Metrics prometheus.Registerer
	// Log is the service's log.
	Log *slog.Logger

	stopping chan struct{}
	fallback gin.HandlerFunc
	loops    []loop
	stops    []stop
}

// loop is one thing that runs beside the HTTP server.
type loop struct {
	name string
	run  func(ctx context.Context) error
}

// stop is one thing to close at the end.
type stop struct {
	name string
	run  func(ctx context.Context) error
}

// Go registers what runs beside the HTTP server, from when it listens until ctx
// ends, at which it should return soon. If it returns an error before, all of
// the process stops with it; nil means that it had nothing more to do.
func (m *Mount) Go(name string, run func(ctx context.Context) error) {
	m.loops = append(m.loops, loop{name, run})
}

// OnStop registers what is to be closed at the end, when no request and no loop
// runs any more: the last registered first. It is also called where the start
// failed after it was registered. Its context has what is left of the time for
// a graceful stop.
func (m *Mount) OnStop(name string, run func(ctx context.Context) error) {
	m.stops = append(m.stops, stop{name, run})
}

// Fallback registers what answers GET and HEAD requests that no route matches,
// outside of the API: the app, whose pages have paths of their own.
func (m *Mount) Fallback(handler gin.HandlerFunc) { m.fallback = handler }

// Stopping is closed when a graceful stop begins: requests without an end, such
// as event streams, then end.
func (m *Mount) Stopping() <-chan struct{} { return m.stopping }

// runLoops starts all loops and returns a function that waits for their end,
// and a channel that gets the first failure.
func (m *Mount) runLoops(ctx context.Context) (wait func(context.Context) error, failed <-chan error) {
	failures := make(chan error, len(m.loops))
	var all sync.WaitGroup
	for _, l := range m.loops {
		all.Go(func() {
			err := l.run(ctx)
			if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return
			}
			failures <- fmt.Errorf("%s: %w", l.name, err)
		})
	}
	wait = func(limit context.Context) error {
		ended := make(chan struct{})
		go func() {
			all.Wait()
			close(ended)
		}()
		select {
		case <-ended:
			return nil
		case <-limit.Done():
			return errors.New("loops did not end in time")
		}
	}
	return wait, failures
}

// runStops closes everything, the last registered first.
func (m *Mount) runStops(ctx context.Context) error {
	var errs []error
	for _, s := range slices.Backward(m.stops) {
		if err := s.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// Health holds the named checks of readiness.
type Health struct {
	mu     sync.Mutex
	checks map[string]func(ctx context.Context) error
}

// checkTimeout bounds one check of readiness.
const checkTimeout = 2 * time.Second

// Add registers a check under a name, such as "kafka", or replaces it. It says
// by nil that requests can be served, and must be quick.
func (h *Health) Add(name string, check func(ctx context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.checks == nil {
		h.checks = map[string]func(ctx context.Context) error{}
	}
	h.checks[name] = check
}

// Check asks all checks at once and returns what each said, nil for ready. A
// check that does not answer in 2 s is not ready.
func (h *Health) Check(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	type answer struct {
		name string
		err  error
	}
	h.mu.Lock()
	answers := make(chan answer, len(h.checks))
	results := make(map[string]error, len(h.checks))
	for name, check := range h.checks {
		results[name] = errors.New("did not answer in time")
		go func() { answers <- answer{name, check(ctx)} }()
	}
	h.mu.Unlock()
	for range results {
		select {
		case a := <-answers:
			results[a.name] = a.err
		case <-ctx.Done():
			return results
		}
	}
	return results
}
