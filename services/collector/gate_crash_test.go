package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

var errCrash = errors.New("crash of a test")

// gateOf is a gate on topics of its own.
func gateOf(t *testing.T) *gate {
	t.Helper()
	addrs, prefix := embeddedtest.Broker(t)
	cfg := Config{
		Bus: bus.Config{Brokers: addrs, Prefix: prefix, Partitions: 2}, Secret: event.Secret("0123456789abcdef0123456789abcdef"),
	}.withDefaults()
	if err := bus.Ensure(t.Context(), cfg.Bus); err != nil {
		t.Fatal(err)
	}
	events, rejected := bus.NewProducer(cfg.Bus, bus.Events), bus.NewProducer(cfg.Bus, bus.Rejected)
	t.Cleanup(func() { _ = errors.Join(events.Close(), rejected.Close()) })
	mount := &process.Mount{Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	return newGate(cfg, mount, &seals{sealer: eventtest.NewSealer(cfg.Secret), log: mount.Log}, events, rejected)
}

// start runs the gate until the returned function is called.
func (g *gate) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// mixed writes n messages to the inbox, every third of which is no event.
func mixed(t *testing.T, cfg bus.Config, n int) {
	t.Helper()
	w := &kafka.Writer{
		Addr: kafka.TCP(cfg.Brokers...), Topic: cfg.Topic(bus.Inbox), RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		// The transport that all share may remember which topics there were before.
		Transport: &kafka.Transport{},
	}
	defer func() { _ = w.Close() }()
	var messages []kafka.Message
	for i := range n {
		value := fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/inbox","type":"plumbline.training.v1","workspace":"default",`+
			`"time":"2026-01-02T03:04:05Z","data":{"course":"c"}}`, i)
		if i%3 == 0 {
			value = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/inbox"}`, i)
		}
		messages = append(messages, kafka.Message{Value: value, Headers: []kafka.Header{{Key: "content-type", Value: []byte(typeStructured)}}})
	}
	for {
		err := w.WriteMessages(t.Context(), messages...)
		if err == nil {
			return
		}
		if !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Fatal(err)
		}
	}
}

// drain reads a topic until it has n distinct messages, by what name says, and nothing more comes.
func drain(t *testing.T, cfg bus.Config, topic bus.Name, n int, name func(kafka.Message) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var mu sync.Mutex
	got, idle := map[string]bool{}, map[int]bool{}
	err := bus.Consume(ctx, cfg, bus.ConsumeConfig{
		Group: "drain", Topic: topic,
		Idle: func(partition int, _ int64, _ time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if idle[partition] = true; len(got) >= n && len(idle) == cfg.Partitions {
				cancel()
			}
		},
	}, func(_ context.Context, c bus.Chunk) error {
		mu.Lock()
		defer mu.Unlock()
		clear(idle)
		for _, m := range c.Messages {
			got[name(m)] = true
		}
		return nil
	})
	if err != nil || len(got) != n {
		t.Fatalf("%d distinct messages on %s, want %d; %v", len(got), topic, n, err)
	}
}

// A crash after any step: afterwards the log has every event, under one identity each, and every reject under one id.
func TestGateCrashAfterEachStep(t *testing.T) {
	for _, name := range []string{"judge", "write events", "keep rejects"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateOf(t)
			mixed(t, g.bus, 90)
			crashed := make(chan struct{})
			var once atomic.Bool
			g.after = func(step string) error {
				if step == name && once.CompareAndSwap(false, true) {
					close(crashed)
				}
				if once.Load() {
					return errCrash
				}
				return nil
			}
			stop := g.start(t)
			<-crashed
			stop()
			g.after = nil
			stop = g.start(t)
			defer stop()
			// 30 of 90 are no events.
			drain(t, g.bus, bus.Events, 60, func(m kafka.Message) string { return string(m.Key) })
			drain(t, g.bus, bus.Rejected, 30, func(m kafka.Message) string {
				var r warehouse.Reject
				if err := json.Unmarshal(m.Value, &r); err != nil {
					t.Error(err)
				}
				if r.Code != string(event.CodeMissingField) {
					t.Errorf("%+v", r)
				}
				return r.RejectID + r.At.String()
			})
		})
	}
}
