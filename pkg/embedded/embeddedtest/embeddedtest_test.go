package embeddedtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// Two calls share a server and see nothing of each other.
func TestDatabasesAreSeparate(t *testing.T) {
	ctx := t.Context()
	for range 2 {
		opts, err := clickhouse.ParseDSN(embeddedtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := clickhouse.Open(opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		// The second CREATE would fail in the database of the first.
		if err := conn.Exec(ctx, "CREATE TABLE rows (n UInt32) ENGINE = MergeTree ORDER BY n"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Exec(ctx, "INSERT INTO rows SELECT number FROM numbers(3)"); err != nil {
			t.Fatal(err)
		}
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM rows").Scan(&n); err != nil || n != 3 {
			t.Fatalf("count is %d, %v; want 3", n, err)
		}
	}
}

func TestBrokerKeepsAMessage(t *testing.T) {
	addrs, prefix := embeddedtest.Broker(t)
	_, other := embeddedtest.Broker(t)
	if prefix == other {
		t.Fatalf("two calls returned the prefix %s", prefix)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	topic := prefix + ".events"
	client := kafka.Client{Addr: kafka.TCP(addrs...)}
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err != nil || created.Errors[topic] != nil {
		t.Fatalf("create topic: %v, %v", err, created)
	}
	w := &kafka.Writer{Addr: kafka.TCP(addrs...), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = w.Close() }()
	if err := w.WriteMessages(ctx, kafka.Message{Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: addrs, Topic: topic, MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	m, err := r.ReadMessage(ctx)
	if err != nil || string(m.Value) != "kept" {
		t.Fatalf("read %q, %v; want kept", m.Value, err)
	}
}
