package bus_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
)

// A follower sees everything that is written after it was ready, of all its topics, and nothing from before.
func TestFollow(t *testing.T) {
	cfg := topics(t, 3)
	produce(t, cfg, numbered(0, 50))
	var mu sync.Mutex
	got := map[string]int{}
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- bus.Follower{
			Topics: []bus.Name{bus.Events, bus.Rejected}, Ready: func() { close(ready) }, Log: slog.New(slog.DiscardHandler),
			Missed: func(n int64) { t.Errorf("missed %d", n) },
			Handle: func(name bus.Name, m kafka.Message) {
				mu.Lock()
				defer mu.Unlock()
				got[string(name)+" "+string(m.Value)]++
			},
		}.Follow(ctx, cfg)
	}()
	<-ready
	produce(t, cfg, numbered(50, 80))
	p := bus.NewProducer(cfg, bus.Rejected)
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), numbered(0, 10)); err != nil {
		t.Fatal(err)
	}
	until(t, "30 events and 10 rejects", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) >= 40
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for name, n := range got {
		if n != 1 {
			t.Errorf("%s came %d times", name, n)
		}
	}
	if len(got) != 40 || got["events 49"] != 0 || got["events 50"] != 1 || got["rejected 9"] != 1 {
		t.Errorf("%d distinct messages, want 40: %v", len(got), got)
	}
}
