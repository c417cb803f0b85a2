package loader

import (
	"context"
	"errors"
	"sync"
	"testing"

	"plumbline/pkg/event"
)

// Chunks that come while another group is written are written as one, each exactly once, and all learn how it ended.
func TestChunksAreStoredTogether(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var groups [][]*batch
	entered, release := make(chan struct{}, 16), make(chan struct{})
	full := errors.New("no room")
	g := newTogether(func(_ context.Context, batches []*batch) error {
		mu.Lock()
		groups = append(groups, batches)
		n := len(groups)
		mu.Unlock()
		entered <- struct{}{}
		<-release
		if n == togetherGroups+1 {
			return full
		}
		return nil
	})
	rows := func(n int) *batch { return &batch{fresh: make([]event.Stored, n)} }
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range togetherGroups {
		wg.Go(func() { errs <- g.run(t.Context(), rows(1)) })
		<-entered
	}
	// As many groups as may be are being written: those that follow gather.
	for range 5 {
		wg.Go(func() { errs <- g.run(t.Context(), rows(2)) })
	}
	for gathered := 0; gathered < 5; {
		mu.Lock()
		g.mu.Lock()
		if g.next != nil {
			gathered = len(g.next.batches)
		}
		g.mu.Unlock()
		mu.Unlock()
	}
	// A large one does not wait for anybody. It ends well, like the first one.
	release <- struct{}{}
	<-entered // those that have gathered
	wg.Go(func() { errs <- g.run(t.Context(), rows(togetherRows+1)) })
	<-entered
	close(release)
	wg.Wait()
	if len(groups) != togetherGroups+2 || len(groups[togetherGroups]) != 5 || len(groups[togetherGroups+1]) != 1 {
		t.Fatalf("groups of %v", groups)
	}
	failed := 0
	for range togetherGroups + 6 {
		if err := <-errs; errors.Is(err, full) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed != 5 {
		t.Errorf("%d chunks learnt of the failure, want the 5 that had gathered", failed)
	}
}

// A leader who has to go takes its group with it, and nobody after it waits for ever.
func TestChunksWhoseLeaderGoes(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 8), make(chan struct{})
	g := newTogether(func(context.Context, []*batch) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	done := make(chan error, togetherGroups+2)
	for range togetherGroups {
		go func() { done <- g.run(t.Context(), &batch{}) }()
		<-entered
	}
	leaving, leave := context.WithCancel(t.Context())
	go func() { done <- g.run(leaving, &batch{}) }()
	for {
		g.mu.Lock()
		gathering := g.next != nil
		g.mu.Unlock()
		if gathering {
			break
		}
	}
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the leader that left got %v", err)
	}
	go func() { done <- g.run(t.Context(), &batch{}) }()
	close(release)
	for range togetherGroups + 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
