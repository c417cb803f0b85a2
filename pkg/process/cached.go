package process

import (
	"context"
	"sync"
	"time"
)

// The bounds of a cached check.
const (
	// cachedFailure is how long a failure is believed: not long, so that a service is ready soon after its engine.
	cachedFailure = 250 * time.Millisecond
	// cachedTimeout bounds one check, which may outlive whoever has asked for it.
	cachedTimeout = 10 * time.Second
)

// Cached makes a check of readiness of one that costs something: an answer is good for as long as life says, and one
// check at a time runs, whoever asks meanwhile waits for its answer.
func Cached(life time.Duration, check func(ctx context.Context) error) func(ctx context.Context) error {
	c := &cached{life: life, check: check}
	return c.ask
}

type cached struct {
	life  time.Duration
	check func(ctx context.Context) error

	mu sync.Mutex
	// running is closed when the check that runs has its answer; nil where none runs.
	running chan struct{}
	until   time.Time
	err     error
}

func (c *cached) ask(ctx context.Context) error {
	c.mu.Lock()
	if time.Now().Before(c.until) {
		defer c.mu.Unlock()
		return c.err
	}
	if c.running == nil {
		c.running = make(chan struct{})
		go c.run(context.WithoutCancel(ctx), c.running)
	}
	running := c.running
	c.mu.Unlock()
	select {
	case <-running:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cached) run(ctx context.Context, running chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, cachedTimeout)
	defer cancel()
	err := c.check(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	life := c.life
	if err != nil {
		life = min(life, cachedFailure)
	}
	c.err, c.until, c.running = err, time.Now().Add(life), nil
	close(running)
}
