package bus_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"plumbline/pkg/bus"
)

// foreign is a client of the kind that foreign producers use: with transactions, and with any compression.
func foreign(t *testing.T, cfg bus.Config, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...), kgo.DefaultProduceTopic(cfg.Topic(bus.Inbox)), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// write writes values to partition 0, each in a batch of its own.
func write(t *testing.T, c *kgo.Client, values ...string) {
	t.Helper()
	for _, v := range values {
		r := &kgo.Record{Value: []byte(v), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("of " + v)}, {Key: "empty"}}}
		if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// Of transactions, what was committed is read, and what was aborted is not; neither they nor their markers are holes, and
// the partition is idle behind them.
func TestTransactions(t *testing.T) {
	cfg := topics(t, 1)
	a := foreign(t, cfg, kgo.TransactionalID(cfg.Prefix+"-a"))
	b := foreign(t, cfg, kgo.TransactionalID(cfg.Prefix+"-b"))
	plain := foreign(t, cfg)
	begin := func(c *kgo.Client) {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(c *kgo.Client, how kgo.TransactionEndTry) {
		if err := c.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	write(t, plain, "first")
	begin(a)
	write(t, a, "kept 1")
	begin(b)
	write(t, b, "gone 1")
	write(t, a, "kept 2")
	write(t, plain, "between")
	write(t, b, "gone 2")
	end(b, kgo.TryAbort)
	write(t, plain, "after")
	end(a, kgo.TryCommit)
	begin(b)
	write(t, b, "kept 3") // of a producer that has aborted before
	end(b, kgo.TryCommit)
	begin(a)
	write(t, a, "gone 3")
	end(a, kgo.TryAbort) // at the end of the log

	var got log
	var idleAt atomic.Int64
	start(t, cfg, bus.ConsumeConfig{
		Topic: bus.Inbox, MaxMessages: 2,
		Alarm: func(g bus.Gap) { t.Errorf("alarm: %v", g) },
		Idle:  func(_ int, next int64, _ time.Time) { idleAt.Store(next) },
	}, got.handle)
	// 9 messages and 4 markers come before the end of the log.
	until(t, "idle at the end of the log", func() bool { return idleAt.Load() == 13 })
	var values []string
	got.mu.Lock()
	for _, c := range got.chunks {
		for _, m := range c.Messages {
			values = append(values, string(m.Value))
		}
	}
	got.mu.Unlock()
	want := []string{"first", "kept 1", "kept 2", "between", "after", "kept 3"}
	if !slices.Equal(values, want) {
		t.Errorf("read %q, want %q", values, want)
	}
	until(t, "the group has committed the end of the log", func() bool { return committedOf(t, cfg, bus.Inbox) == 13 })
}

// committedOf is the offset that the group "test" has committed for partition 0.
func committedOf(t *testing.T, cfg bus.Config, topic bus.Name) int64 {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: 10 * time.Second}
	res, err := client.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{
		GroupID: cfg.Group("test"), Topics: map[string][]int{cfg.Topic(topic): {0}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Topics[cfg.Topic(topic)][0].CommittedOffset
}

// Every compression is read, with all of every message.
func TestCompressions(t *testing.T) {
	cfg := topics(t, 1)
	var want []string
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		c := foreign(t, cfg, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
		var records []*kgo.Record
		for i := range 100 {
			v := fmt.Sprint("value ", i, " of a batch with the compression ", name)
			want = append(want, v)
			records = append(records, &kgo.Record{Key: []byte(v), Value: []byte(v), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("of " + v)}, {Key: "empty"}}})
		}
		if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	var got log
	before := time.Now().Add(-time.Minute)
	start(t, cfg, bus.ConsumeConfig{Topic: bus.Inbox}, func(ctx context.Context, c bus.Chunk) error {
		for _, m := range c.Messages {
			v := string(m.Value)
			if string(m.Key) != v || len(m.Headers) != 2 || string(m.Headers[0].Value) != "of "+v || m.Headers[1].Key != "empty" || len(m.Headers[1].Value) != 0 {
				t.Errorf("message %d came as %+v", m.Offset, m)
			}
			if m.Time.Before(before) || m.Time.After(time.Now().Add(time.Minute)) {
				t.Errorf("message %d was appended at %s", m.Offset, m.Time)
			}
		}
		return got.handle(ctx, c)
	})
	until(t, "all messages", func() bool { return got.total() == len(want) })
	got.checkOrder(t)
	for _, v := range want {
		if got.count[v] != 1 {
			t.Errorf("%q was read %d times", v, got.count[v])
		}
	}
}

// Large chunks take turns: of four partitions with a lot to read, never more than two have their chunk in hand.
func TestParallel(t *testing.T) {
	cfg := topics(t, 4)
	messages := numbered(0, 200)
	for i := range messages {
		messages[i].Value = append(messages[i].Value, make([]byte, 100_000)...) // 5 MB for each partition
	}
	produce(t, cfg, messages)
	var got log
	var inHand, most atomic.Int64
	start(t, cfg, bus.ConsumeConfig{MaxBytes: 2 << 20, Parallel: 2}, func(ctx context.Context, c bus.Chunk) error {
		size := 0
		for _, m := range c.Messages {
			size += len(m.Value)
		}
		if size > 1<<20 {
			n := inHand.Add(1)
			defer inHand.Add(-1)
			for before := most.Load(); n > before; before = most.Load() {
				most.CompareAndSwap(before, n)
			}
		}
		return got.handle(ctx, c)
	})
	until(t, "all messages", func() bool { return got.distinct() == len(messages) })
	if most.Load() > 2 {
		t.Errorf("%d large chunks were in hand at once, want 2 at most", most.Load())
	}
	got.checkOrder(t)
}
