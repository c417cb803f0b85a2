package bus_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // the tests stop and start a broker, which a shared one can not
)

// A probe really writes, to every partition; without a broker it fails, and it works again when the broker is back.
func TestProbe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := bus.Config{Brokers: broker.Addrs(), Partitions: 3}
	p := bus.NewProber(cfg)
	defer p.Close()
	if err := p.Check(t.Context()); err == nil {
		t.Error("it is well without topics")
	}
	if err := bus.Ensure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	until(t, "it is well with topics", func() bool { return p.Check(t.Context()) == nil })
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...)}
	topic := cfg.Topic(bus.Probe)
	for partition := range 3 {
		res, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(partition)}}})
		if err != nil || res.Topics[topic][0].LastOffset < 1 {
			t.Errorf("partition %d has %+v, %v; want a message", partition, res, err)
		}
	}
	_, port, err := net.SplitHostPort(cfg.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := p.Check(ctx); err == nil {
		t.Error("it is well without a broker")
	}
	again, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop(context.WithoutCancel(t.Context())) })
	until(t, "it is well again", func() bool { return p.Check(t.Context()) == nil })
}

// Await waits for the brokers, says so, and makes the topics; a topic of another layout is not waited for.
func TestAwait(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := taken.Addr().String()
	_ = taken.Close()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	cfg := bus.Config{Brokers: []string{addr}, Partitions: 2}
	lines := &lines{}
	done := make(chan error, 1)
	go func() { done <- bus.Await(t.Context(), cfg, slog.New(slog.NewTextHandler(lines, nil))) }()
	until(t, "it says that it waits", func() bool { return strings.Contains(lines.String(), "waiting for the brokers") })
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: filepath.Join(t.TempDir(), "kafka"), Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.WithoutCancel(t.Context())) })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(lines.String(), "waiting"); got != 1 {
		t.Errorf("it says %d times that it waits", got)
	}
	cfg.Partitions = 3
	if err := bus.Await(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "has 2 partitions") {
		t.Errorf("another layout: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	cfg.Brokers = []string{"127.0.0.1:1"}
	if err := bus.Await(ctx, cfg, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it has found brokers where there are none")
	}
}

// lines is a log to look into.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
