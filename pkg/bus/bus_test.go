package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
)

func TestMain(m *testing.M) {
	runCrashingMember()
	embeddedtest.Main(m)
}

// topics makes the topics of a test, with so many partitions.
func topics(t *testing.T, partitions int) bus.Config {
	t.Helper()
	addrs, prefix := embeddedtest.Broker(t)
	cfg := bus.Config{Brokers: addrs, Prefix: prefix, Partitions: partitions}
	if err := bus.Ensure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// session is the shortest session that the broker of the tests takes.
func session() time.Duration {
	if os.Getenv("PLUMBLINE_KAFKA") == "apache" {
		return 6 * time.Second
	}
	return time.Second
}

// numbered are messages with the keys and values from to to-1.
func numbered(from, to int) []bus.Message {
	var out []bus.Message
	for i := from; i < to; i++ {
		out = append(out, bus.Message{Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Append(nil, i)})
	}
	return out
}

// produce writes messages to the events topic.
func produce(t *testing.T, cfg bus.Config, messages []bus.Message) {
	t.Helper()
	p := bus.NewProducer(cfg, bus.Events)
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// log remembers what was handled, in order.
type log struct {
	mu     sync.Mutex
	chunks []bus.Chunk
	count  map[string]int
}

func (l *log) handle(_ context.Context, c bus.Chunk) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.chunks = append(l.chunks, c)
	for _, m := range c.Messages {
		l.count[string(m.Value)]++
	}
	return nil
}

func (l *log) distinct() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.count)
}

// total is how many messages were handled, each as often as it was.
func (l *log) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.count {
		n += c
	}
	return n
}

// checkOrder fails where a chunk is not contiguous, or an offset was skipped.
func (l *log) checkOrder(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	next := map[int]int64{}
	for _, c := range l.chunks {
		if c.First > next[c.Partition] {
			t.Errorf("partition %d: chunk begins at %d, the one before ended before %d", c.Partition, c.First, next[c.Partition])
		}
		for i, m := range c.Messages {
			if m.Offset != c.First+int64(i) || m.Partition != c.Partition {
				t.Errorf("message %d of chunk %d-%d of partition %d is %d of %d", i, c.First, c.Last, c.Partition, m.Offset, m.Partition)
			}
		}
		if want := c.First + int64(len(c.Messages)) - 1; c.Last != want {
			t.Errorf("chunk of %d messages from %d says it ends at %d", len(c.Messages), c.First, c.Last)
		}
		next[c.Partition] = max(next[c.Partition], c.Last+1)
	}
}

// consumer is a running member of a group.
type consumer struct {
	stop context.CancelFunc
	done chan error
}

// start starts a member of the group "test"; it is stopped with the test.
func start(t *testing.T, cfg bus.Config, cc bus.ConsumeConfig, handle func(context.Context, bus.Chunk) error) *consumer {
	t.Helper()
	if cc.Group == "" {
		cc.Group = "test"
	}
	if cc.Topic == "" {
		cc.Topic = bus.Events
	}
	if cc.Session == 0 {
		cc.Session = session()
	}
	cc.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	ctx, cancel := context.WithCancel(t.Context())
	c := &consumer{cancel, make(chan error, 1)}
	go func() { c.done <- bus.Consume(ctx, cfg, cc, handle); close(c.done) }()
	t.Cleanup(func() { cancel(); <-c.done })
	return c
}

// end stops the member and waits for it.
func (c *consumer) end(t *testing.T) {
	t.Helper()
	c.stop()
	select {
	case err := <-c.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the consumer did not stop within 10 s")
	}
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// The vectors are those of org.apache.kafka.common.utils.UtilsTest#testMurmur2; the Java partitioner then takes
// (hash & 0x7fffffff) % partitions.
func TestPartitionOfIsJavas(t *testing.T) {
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int{1, 6, 12, 999} {
			want := int(uint32(hash)&0x7fffffff) % n
			if got := bus.PartitionOf([]byte(key), n); got != want {
				t.Errorf("PartitionOf(%q, %d) = %d; want %d", key, n, got, want)
			}
		}
	}
}

func TestEnsureTwiceAndWithOtherPartitions(t *testing.T) {
	cfg := topics(t, 3)
	if err := bus.Ensure(t.Context(), cfg); err != nil {
		t.Errorf("second time: %v", err)
	}
	cfg.Partitions = 4
	err := bus.Ensure(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "has 3 partitions, the configuration says 4") {
		t.Errorf("with 4 partitions: %v; want a refusal that names both numbers", err)
	}
	if strings.Count(err.Error(), "partitions, the configuration") != len(bus.Names()) {
		t.Errorf("not all topics are named: %v", err)
	}
}

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	err := bus.Config{Brokers: []string{"nowhere"}, Partitions: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "brokers") || !strings.Contains(err.Error(), "partitions") {
		t.Errorf("got %v; want both problems", err)
	}
	err = bus.ConsumeConfig{MaxMessages: 500_000, MaxBytes: 1, Session: time.Second, Grace: 2 * time.Second}.Validate()
	for _, word := range []string{"group", "topic", "max messages", "max bytes", "grace"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v; want %s named", err, word)
		}
	}
}

// Every receipt names the place where the message is, for calls that share batches.
func TestReceipts(t *testing.T) {
	cfg := topics(t, 3)
	p := bus.NewProducer(cfg, bus.Events)
	defer func() { _ = p.Close() }()
	if err := p.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	place := map[string]string{} // value → partition:offset
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for round := range 5 {
				from := w*1000 + round*100
				messages := numbered(from, from+100)
				receipts, err := p.Produce(t.Context(), messages)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, r := range receipts {
					if want := bus.PartitionOf(messages[i].Key, 3); r.Partition != want {
						t.Errorf("key %s went to partition %d; want %d", messages[i].Key, r.Partition, want)
					}
					place[string(messages[i].Value)] = fmt.Sprint(r.Partition, ":", r.Offset)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	var got log
	start(t, cfg, bus.ConsumeConfig{}, got.handle)
	until(t, "4000 messages", func() bool { return got.distinct() == 8*5*100 })
	got.checkOrder(t)
	for _, c := range got.chunks {
		for _, m := range c.Messages {
			if at := fmt.Sprint(m.Partition, ":", m.Offset); place[string(m.Value)] != at {
				t.Errorf("message %s is at %s, its receipt says %s", m.Value, at, place[string(m.Value)])
			}
			if age := time.Since(m.Time); age < -time.Minute || age > 10*time.Minute {
				t.Errorf("message %s has time %s: not that of its append", m.Value, m.Time)
			}
		}
	}
}

// One message that no topic takes fails alone.
func TestPartialFailure(t *testing.T) {
	cfg := topics(t, 3)
	p := bus.NewProducer(cfg, bus.Events)
	defer func() { _ = p.Close() }()
	messages := numbered(0, 3)
	messages[1].Value = make([]byte, 1<<20)
	receipts, err := p.Produce(t.Context(), messages)
	var partial *bus.PartialError
	if !errors.As(err, &partial) || !errors.Is(err, bus.ErrTooLarge) {
		t.Fatalf("got %v; want a PartialError with ErrTooLarge", err)
	}
	if partial.Errs[0] != nil || partial.Errs[1] == nil || partial.Errs[2] != nil || len(receipts) != 3 {
		t.Errorf("got %v", partial.Errs)
	}
	var got log
	start(t, cfg, bus.ConsumeConfig{}, got.handle)
	until(t, "both others", func() bool { return got.distinct() == 2 })
}

func TestProduceWithoutBroker(t *testing.T) {
	p := bus.NewProducer(bus.Config{Brokers: []string{"127.0.0.1:1"}}, bus.Events)
	defer func() { _ = p.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := p.Produce(ctx, numbered(0, 2))
	var partial *bus.PartialError
	if !errors.As(err, &partial) || partial.Errs[0] == nil || partial.Errs[1] == nil {
		t.Errorf("got %v; want both to fail", err)
	}
	if err := p.Ping(ctx); err == nil {
		t.Error("the ping succeeded")
	}
}
