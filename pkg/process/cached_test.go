package process

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Many who ask at once cause one check; a good answer is good for its life, a bad one for a quarter of a second.
func TestCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int32
		var failing atomic.Bool
		bad := errors.New("bad")
		ask := Cached(3*time.Second, func(context.Context) error {
			checks.Add(1)
			time.Sleep(100 * time.Millisecond)
			if failing.Load() {
				return bad
			}
			return nil
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := ask(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := checks.Load(); n != 1 {
			t.Errorf("%d checks for 20 at once", n)
		}
		failing.Store(true)
		time.Sleep(2900 * time.Millisecond)
		if err := ask(t.Context()); err != nil || checks.Load() != 1 {
			t.Errorf("an answer of 2.9 s ago: %v after %d checks", err, checks.Load())
		}
		time.Sleep(200 * time.Millisecond)
		if err := ask(t.Context()); !errors.Is(err, bad) || checks.Load() != 2 {
			t.Errorf("an answer of 3.1 s ago: %v after %d checks", err, checks.Load())
		}
		failing.Store(false)
		time.Sleep(300 * time.Millisecond)
		if err := ask(t.Context()); err != nil || checks.Load() != 3 {
			t.Errorf("after a bad one: %v after %d checks", err, checks.Load())
		}
		// Who asks may go; the check goes on for the next one.
		time.Sleep(4 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a check of 100 ms within 10 ms: %v", err)
		}
		if err := ask(t.Context()); err != nil || checks.Load() != 4 {
			t.Errorf("the next one: %v after %d checks", err, checks.Load())
		}
	})
}
