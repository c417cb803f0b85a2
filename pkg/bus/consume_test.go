package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"plumbline/pkg/bus"
)

func TestChunksAreBounded(t *testing.T) {
	cfg := topics(t, 1)
	produce(t, cfg, numbered(0, 95))
	var got log
	start(t, cfg, bus.ConsumeConfig{MaxMessages: 10, Linger: time.Second}, got.handle)
	until(t, "95 messages", func() bool { return got.total() == 95 })
	got.checkOrder(t)
	// 95 messages by 10: nine full chunks and one of 5, which waited for its linger.
	if len(got.chunks) != 10 || len(got.chunks[9].Messages) != 5 {
		t.Errorf("%d chunks, the last of %d", len(got.chunks), len(got.chunks[len(got.chunks)-1].Messages))
	}
	if hw := got.chunks[0].HighWater; hw != 95 {
		t.Errorf("high water %d; want 95", hw)
	}
}

// 24 messages of 256 KiB by 2 MiB: at most 7 in a chunk, because each has some overhead.
func TestBigMessages(t *testing.T) {
	cfg := topics(t, 2)
	messages := numbered(0, 24)
	for i := range messages {
		messages[i].Value = append(fmt.Appendf(nil, "%d ", i), make([]byte, 256<<10)...)
	}
	produce(t, cfg, messages)
	var got log
	start(t, cfg, bus.ConsumeConfig{MaxBytes: 2 << 20}, got.handle)
	until(t, "24 messages", func() bool { return got.distinct() == 24 })
	got.checkOrder(t)
	for _, c := range got.chunks {
		if len(c.Messages) > 7 {
			t.Errorf("a chunk of %d messages of 256 KiB exceeds 2 MiB", len(c.Messages))
		}
	}
}

// A stop waits for the chunk in hand, whose context lives on, and commits it.
func TestStopFinishesTheChunkInHand(t *testing.T) {
	cfg := topics(t, 1)
	produce(t, cfg, numbered(0, 10))
	var got log
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c := start(t, cfg, bus.ConsumeConfig{}, func(ctx context.Context, chunk bus.Chunk) error {
		once.Do(func() { close(entered) })
		<-release
		if err := ctx.Err(); err != nil {
			return err
		}
		return got.handle(ctx, chunk)
	})
	<-entered
	c.stop()
	select {
	case <-c.done:
		t.Fatal("stopped with a chunk in hand")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	c.end(t)
	if got.total() != 10 {
		t.Fatalf("handled %d; want 10", got.total())
	}
	// The next member begins after the chunk.
	produce(t, cfg, numbered(10, 11))
	var next log
	start(t, cfg, bus.ConsumeConfig{}, next.handle)
	until(t, "the new message", func() bool { return next.total() > 0 })
	if next.chunks[0].First != 10 {
		t.Errorf("the next member begins at %d; want 10", next.chunks[0].First)
	}
}

// A handler that does not end loses its context after the grace, and its chunk is handed over again.
func TestGraceEnds(t *testing.T) {
	cfg := topics(t, 1)
	produce(t, cfg, numbered(0, 3))
	entered := make(chan struct{}, 100)
	c := start(t, cfg, bus.ConsumeConfig{Grace: 200 * time.Millisecond}, func(ctx context.Context, _ bus.Chunk) error {
		entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	<-entered
	c.end(t)
	var next log
	start(t, cfg, bus.ConsumeConfig{}, next.handle)
	until(t, "3 messages", func() bool { return next.total() == 3 })
}

// A failing handler gets the same messages again, and none after them before it succeeds.
func TestHandlerErrorNeverSkips(t *testing.T) {
	cfg := topics(t, 2)
	produce(t, cfg, numbered(0, 60))
	var got log
	var calls atomic.Int64
	reg := prometheus.NewRegistry()
	start(t, cfg, bus.ConsumeConfig{MaxMessages: 7, Metrics: bus.NewMetrics(reg)}, func(ctx context.Context, c bus.Chunk) error {
		if calls.Add(1)%3 == 0 {
			return errors.New("no luck")
		}
		return got.handle(ctx, c)
	})
	until(t, "60 messages", func() bool { return got.distinct() == 60 })
	got.checkOrder(t)
	if got.total() != 60 {
		t.Errorf("handled %d; want 60: a chunk that succeeded is not handed over again", got.total())
	}
	if counted(t, reg, "plumbline_bus_failures_total") == 0 {
		t.Error("failures were not counted")
	}
}

// counted sums a metric over its labels.
func counted(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// Two members share the partitions; one leaves, one joins, messages arrive all the time. Each message is handled, and
// more than once only because a chunk was handed over again.
func TestRebalance(t *testing.T) {
	cfg := topics(t, 4)
	var got log
	slow := func(ctx context.Context, c bus.Chunk) error {
		time.Sleep(10 * time.Millisecond) // the work of a handler, not a wait for something
		return got.handle(ctx, c)
	}
	cc := bus.ConsumeConfig{MaxMessages: 50, Session: 6 * time.Second}
	first := start(t, cfg, cc, slow)
	produce(t, cfg, numbered(0, 1000))
	until(t, "the first member to work", func() bool { return got.distinct() > 100 })
	var assigned atomic.Int64
	cc.Assigned = func(ids []int) { assigned.Store(int64(len(ids))) }
	start(t, cfg, cc, slow)
	until(t, "the second member to get its half", func() bool { return assigned.Load() == 2 })
	produce(t, cfg, numbered(1000, 2000))
	until(t, "both to work", func() bool { return got.distinct() > 1200 })
	first.end(t)
	until(t, "the second member to get all", func() bool { return assigned.Load() == 4 })
	produce(t, cfg, numbered(2000, 2500))
	until(t, "2500 messages", func() bool { return got.distinct() == 2500 })
	got.checkOrder(t)
	t.Logf("%d messages handled %d times", got.distinct(), got.total())
}

const crashEnv = "PLUMBLINE_BUS_TEST_CRASH"

// runCrashingMember makes this process a member that dies between the effect of a handler and the commit, if a test
// started it for that.
func runCrashingMember() {
	setting := os.Getenv(crashEnv)
	if setting == "" {
		return
	}
	addrs, rest, _ := strings.Cut(setting, "|")
	prefix, seconds, _ := strings.Cut(rest, "|")
	wait, _ := strconv.Atoi(seconds)
	cfg := bus.Config{Brokers: strings.Split(addrs, ","), Prefix: prefix, Partitions: 1}
	cc := bus.ConsumeConfig{Group: "test", Topic: bus.Events, MaxMessages: 5, Session: time.Duration(wait) * time.Second}
	calls := 0
	err := bus.Consume(context.Background(), cfg, cc, func(_ context.Context, c bus.Chunk) error {
		fmt.Printf("handled %d-%d\n", c.First, c.Last)
		if calls++; calls == 2 {
			os.Exit(7)
		}
		return nil
	})
	fmt.Println(err)
	os.Exit(1)
}

// The process dies after its handler did the work for messages 5 to 9 and before the commit: they come again, those
// that were committed before do not.
func TestCrashBeforeCommit(t *testing.T) {
	cfg := topics(t, 1)
	produce(t, cfg, numbered(0, 12))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d", crashEnv, strings.Join(cfg.Brokers, ","), cfg.Prefix, int(session().Seconds())))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || !strings.Contains(string(out), "handled 0-4\nhandled 5-9\n") {
		t.Fatalf("the member said %q, %v", out, err)
	}
	var got log
	start(t, cfg, bus.ConsumeConfig{}, got.handle)
	until(t, "the rest", func() bool { return got.distinct() >= 7 })
	if first := got.chunks[0].First; first != 5 || got.count["4"] != 0 {
		t.Errorf("the next member begins at %d; want 5, the first that was not committed", first)
	}
}

// An idle partition tells so, with the offset of the next message and the time of the asking.
func TestIdle(t *testing.T) {
	cfg := topics(t, 1)
	produce(t, cfg, numbered(0, 3))
	type report struct {
		next int64
		at   time.Time
	}
	reports := make(chan report, 100)
	var got log
	began := time.Now()
	start(t, cfg, bus.ConsumeConfig{Idle: func(_ int, next int64, at time.Time) { reports <- report{next, at} }}, got.handle)
	r := <-reports
	if r.next != 3 || got.total() != 3 || r.at.Before(began) || r.at.After(time.Now()) {
		t.Errorf("idle at %d at %s with %d handled; want 3, now, 3", r.next, r.at, got.total())
	}
	if again := <-reports; !again.at.After(r.at) {
		t.Errorf("the second report is of %s, the first of %s", again.at, r.at)
	}
}

// deleteBefore deletes the messages before the offset, as retention would.
func deleteBefore(t *testing.T, cfg bus.Config, offset int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = cfg.Topic(bus.Events)
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Offset = offset
	topic.Partitions, req.TimeoutMillis = append(topic.Partitions, part), 5000
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("delete records: %v", kafka.Error(code))
	}
}

// commit sets the offset of the group, which has no member.
func commit(t *testing.T, cfg bus.Config, offset int64) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...)}
	res, err := client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: cfg.Group("test"), GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{cfg.Topic(bus.Events): {{Partition: 0, Offset: offset}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Topics[cfg.Topic(bus.Events)][0].Error; err != nil {
		t.Fatal(err)
	}
}

// What the log has lost is an alarm with its exact extent, and reading goes on with what is there.
func TestGaps(t *testing.T) {
	for _, c := range []struct {
		name              string
		committed, delete int64 // -1: none
		want              bus.Gap
		first             int64 // where reading goes on
	}{
		{"none", 4, -1, bus.Gap{}, 4},
		{"deleted", 4, 7, bus.Gap{Loss: bus.LossDeleted, From: 4, To: 7}, 7},
		{"truncated", 25, -1, bus.Gap{Loss: bus.LossTruncated, From: 10, To: 25}, 0},
		{"unseen", -1, 3, bus.Gap{Loss: bus.LossUnseen, From: 0, To: 3}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := topics(t, 1)
			produce(t, cfg, numbered(0, 10))
			if c.committed >= 0 {
				commit(t, cfg, c.committed)
			}
			if c.delete >= 0 {
				deleteBefore(t, cfg, c.delete)
			}
			var got log
			var mu sync.Mutex
			var gaps []bus.Gap
			reg := prometheus.NewRegistry()
			start(t, cfg, bus.ConsumeConfig{Metrics: bus.NewMetrics(reg), Alarm: func(g bus.Gap) {
				mu.Lock()
				defer mu.Unlock()
				gaps = append(gaps, g)
			}}, got.handle)
			until(t, "the rest", func() bool { return got.total() == int(10-c.first) })
			if got.chunks[0].First != c.first {
				t.Errorf("reading goes on at %d; want %d", got.chunks[0].First, c.first)
			}
			mu.Lock()
			defer mu.Unlock()
			if c.want == (bus.Gap{}) {
				if len(gaps) != 0 {
					t.Errorf("false alarm: %v", gaps)
				}
				return
			}
			c.want.Group, c.want.Topic = cfg.Group("test"), cfg.Topic(bus.Events)
			if len(gaps) != 1 || gaps[0] != c.want || !errors.Is(gaps[0], bus.ErrGap) {
				t.Fatalf("got %v; want %v", gaps, c.want)
			}
			if n := counted(t, reg, "plumbline_bus_gap_messages_total"); n != float64(c.want.To-c.want.From) {
				t.Errorf("counted %v missing messages; want %d", n, c.want.To-c.want.From)
			}
		})
	}
}

// Messages that vanish in front of a reader that is under way are found because the offsets do not join.
func TestHoleWhileReading(t *testing.T) {
	cfg := topics(t, 1)
	messages := numbered(0, 400)
	for i := range messages {
		// 400 of 100 KB do not fit into what the client fetches ahead.
		messages[i].Value = append(messages[i].Value, make([]byte, 100_000)...)
	}
	produce(t, cfg, messages)
	gaps := make(chan bus.Gap, 10)
	release, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var got log
	start(t, cfg, bus.ConsumeConfig{MaxMessages: 5, Alarm: func(g bus.Gap) { gaps <- g }}, func(ctx context.Context, c bus.Chunk) error {
		once.Do(func() { close(entered) })
		<-release
		return got.handle(ctx, c)
	})
	<-entered
	deleteBefore(t, cfg, 390)
	close(release)
	g := <-gaps
	// Where the hole begins depends on how much was fetched; it ends where the log now begins.
	if g.To != 390 || g.From < 5 || g.From >= 390 || g.Loss != bus.LossHole && g.Loss != bus.LossDeleted {
		t.Errorf("got %v; want a hole that ends at 390", g)
	}
	until(t, "the rest", func() bool { return got.total() == int(g.From)+10 })
	for _, c := range got.chunks {
		if c.First < g.From && c.Last >= g.To {
			t.Errorf("chunk %d-%d spans the hole", c.First, c.Last)
		}
	}
}
