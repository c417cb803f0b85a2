package bus_test

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
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

// follow runs a follower until the test ends and returns what counts the messages by their value, under a lock.
func follow(t *testing.T, cfg bus.Config, f bus.Follower) func() map[string]int {
	t.Helper()
	var mu sync.Mutex
	got := map[string]int{}
	f.Log = slog.New(slog.DiscardHandler)
	f.Missed = func(n int64) { t.Errorf("missed %d", n) }
	f.Handle = func(_ bus.Name, m kafka.Message) {
		mu.Lock()
		defer mu.Unlock()
		got[string(m.Value)]++
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Follow(ctx, cfg) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(got)
	}
}

// A follower from the start has seen everything that was there when it says that it has caught up, and sees what comes
// then; a topic without messages is caught up with at once.
func TestFollowFromTheStart(t *testing.T) {
	cfg := topics(t, 3)
	empty := make(chan struct{})
	follow(t, cfg, bus.Follower{Topics: []bus.Name{bus.Access}, FromStart: true, CaughtUp: func() { close(empty) }})
	<-empty
	p := bus.NewProducer(cfg, bus.Access)
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), numbered(0, 50)); err != nil {
		t.Fatal(err)
	}
	caughtUp := make(chan struct{})
	seen := follow(t, cfg, bus.Follower{Topics: []bus.Name{bus.Access}, FromStart: true, CaughtUp: func() { close(caughtUp) }})
	<-caughtUp
	if got := seen(); len(got) != 50 {
		t.Errorf("caught up with %d messages, want 50", len(got))
	}
	if _, err := p.Produce(t.Context(), numbered(50, 80)); err != nil {
		t.Fatal(err)
	}
	until(t, "30 more", func() bool { return len(seen()) == 80 })
	for value, n := range seen() {
		if n != 1 {
			t.Errorf("%s came %d times", value, n)
		}
	}
}

// A follower from the start that begins before the brokers answer for the topic catches up when they do.
func TestFollowBeforeTheTopicIsThere(t *testing.T) {
	addrs, prefix := embeddedtest.Broker(t)
	cfg := bus.Config{Brokers: addrs, Prefix: prefix, Partitions: 2}
	caughtUp := make(chan struct{})
	seen := follow(t, cfg, bus.Follower{Topics: []bus.Name{bus.Access}, FromStart: true, CaughtUp: func() { close(caughtUp) }})
	if err := bus.Ensure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	<-caughtUp
	p := bus.NewProducer(cfg, bus.Access)
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), numbered(0, 5)); err != nil {
		t.Fatal(err)
	}
	until(t, "5 messages", func() bool { return len(seen()) == 5 })
}

// Messages with one home are in one partition, in their order, whatever their keys are.
func TestMessagesOfOneHomeKeepTheirOrder(t *testing.T) {
	cfg := topics(t, 5)
	p := bus.NewProducer(cfg, bus.Access)
	defer func() { _ = p.Close() }()
	messages := numbered(0, 40)
	for i := range messages {
		messages[i].Home = []byte("home")
	}
	receipts, err := p.Produce(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range receipts {
		if r.Partition != bus.PartitionOf([]byte("home"), 5) || i > 0 && r.Offset <= receipts[i-1].Offset {
			t.Errorf("message %d is at %s, the one before it at %s", i, r, receipts[max(i-1, 0)])
		}
	}
}
