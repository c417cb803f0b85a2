package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // this test stops a broker and starts it again, which a shared one can not
)

// The broker goes away in the middle of a call and comes back: everything is acknowledged in the end, and the messages
// of a partition are in the log in their order (one that was written twice stands behind itself).
func TestProduceOutlastsARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(t, broker.Addrs()[0])
	cfg := bus.Config{Brokers: broker.Addrs(), Partitions: 2}
	if err := bus.Ensure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	p := bus.NewProducer(cfg, bus.Events)
	if _, err := p.Produce(t.Context(), numbered(0, 10)); err != nil {
		t.Fatal(err)
	}
	// 6 MB: several batches for each partition.
	messages := numbered(10, 3010)
	for i := range messages {
		messages[i].Value = append(messages[i].Value, bytes.Repeat([]byte{' '}, 2000)...)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.Produce(context.WithoutCancel(t.Context()), messages)
		ended <- err
	}()
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop(context.Background()) })
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Produce(t.Context(), messages[:1]); err == nil {
		t.Error("a producer that was closed took a message")
	}
	for partition := range cfg.Partitions {
		inOrder(t, cfg, partition)
	}
}

// inOrder reads a partition and fails where a message stands before an earlier one that is not there yet.
func inOrder(t *testing.T, cfg bus.Config, partition int) {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: cfg.Brokers, Topic: cfg.Topic(bus.Events), Partition: partition, MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	var want []int
	for i := range 3010 {
		if bus.PartitionOf(fmt.Appendf(nil, "key-%d", i), cfg.Partitions) == partition {
			want = append(want, i)
		}
	}
	for next := 0; next < len(want); {
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := strconv.Atoi(string(bytes.TrimSpace(m.Value)))
		if err != nil || got > want[next] {
			t.Fatalf("partition %d: message %q, want %d first", partition, bytes.TrimSpace(m.Value), want[next])
		}
		if got == want[next] {
			next++
		}
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	port, err := strconv.Atoi(addr[len("127.0.0.1:"):])
	if err != nil {
		t.Fatal(err)
	}
	return port
}
