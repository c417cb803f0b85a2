package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/embedded"
)

// startBroker starts a broker on dir that is stopped with the test.
func startBroker(t *testing.T, dir string) *embedded.Broker {
	t.Helper()
	b, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop(context.Background()) })
	return b
}

// events is the topic of the tests, with one partition.
const events = "events"

// createTopic creates it as the collector does.
func createTopic(t *testing.T, addr string, settings map[string]string) {
	t.Helper()
	var entries []kafka.ConfigEntry
	for name, value := range settings {
		entries = append(entries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	client := kafka.Client{Addr: kafka.TCP(addr)}
	res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: events, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Errors[events]; err != nil {
		t.Fatalf("create topic %s: %v", events, err)
	}
}

// produce writes messages with the values from..to-1 and waits for the acks.
func produce(t *testing.T, addr string, from, to int) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(addr), Topic: events, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = w.Close() }()
	var messages []kafka.Message
	for _, value := range numbers(from, to) {
		messages = append(messages, kafka.Message{Value: []byte(value)})
	}
	if err := w.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

// consume reads n messages as the group of the tests, commits them, and returns
// their values. It fails where that takes more than 20 s.
func consume(t *testing.T, addr string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := newGroupReader(addr)
	defer func() { _ = r.Close() }()
	var values []string
	for range n {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(values), n, err)
		}
		if err := r.CommitMessages(ctx, m); err != nil {
			t.Fatal(err)
		}
		values = append(values, string(m.Value))
	}
	return values
}

// newGroupReader joins the group of the tests.
func newGroupReader(addr string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, Topic: events, GroupID: "tests",
		StartOffset: kafka.FirstOffset, MaxWait: 100 * time.Millisecond,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: time.Second,
	})
}

// numbers is from..to-1 as text.
func numbers(from, to int) []string {
	var values []string
	for n := from; n < to; n++ {
		values = append(values, fmt.Sprint(n))
	}
	return values
}

func TestBrokerKeepsMessagesAndOffsetsOverARestart(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, dir)
	createTopic(t, b.Addrs()[0], nil)
	produce(t, b.Addrs()[0], 0, 20)
	consume(t, b.Addrs()[0], 15)
	for range 2 { // a second call does no harm
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b = startBroker(t, dir)
	produce(t, b.Addrs()[0], 20, 25)
	// 15 of 25 were committed.
	got := consume(t, b.Addrs()[0], 10)
	if want := numbers(15, 25); !slices.Equal(got, want) {
		t.Errorf("after a restart the group reads %v; want %v", got, want)
	}
}

// After a crash everything acknowledged and committed is there, and a group
// that had a member then is not blocked by it for longer than its session
// timeout.
func TestBrokerKeepsMessagesAndOffsetsOverAKill(t *testing.T) {
	dir := t.TempDir()
	p := startParent(t, dir)
	createTopic(t, p.broker, nil)
	produce(t, p.broker, 0, 20)
	consume(t, p.broker, 15)
	member := newGroupReader(p.broker)
	if m, err := member.FetchMessage(t.Context()); err != nil || string(m.Value) != "15" {
		t.Fatalf("the member read %q, %v; want 15", m.Value, err)
	}
	p.kill(t)
	if err := member.Close(); err != nil {
		t.Fatal(err)
	}

	b := startBroker(t, filepath.Join(dir, "kafka"))
	start := time.Now()
	got := consume(t, b.Addrs()[0], 5)
	if want := numbers(15, 20); !slices.Equal(got, want) {
		t.Errorf("after a kill the group reads %v; want %v", got, want)
	}
	t.Logf("the group was back after %s", time.Since(start))
	produce(t, b.Addrs()[0], 20, 21)
	consume(t, b.Addrs()[0], 1)
}

// The settings that the collector gives its topics hold, and survive a restart.
func TestBrokerKeepsTopicSettings(t *testing.T) {
	settings := map[string]string{
		"message.timestamp.type": "LogAppendTime",
		"retention.ms":           "7776000000", // 90 days
		"cleanup.policy":         "delete",
	}
	dir := t.TempDir()
	b := startBroker(t, dir)
	createTopic(t, b.Addrs()[0], settings)
	if err := b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b = startBroker(t, dir)
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...)}
	res, err := client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: events}},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, resource := range res.Resources {
		for _, entry := range resource.ConfigEntries {
			found[entry.ConfigName] = entry.ConfigValue
		}
	}
	for name, want := range settings {
		if found[name] != want {
			t.Errorf("%s is %q; want %q", name, found[name], want)
		}
	}
}

// A message gets the time of its append, so that retention cannot eat a
// backfill. Both ways of kafka-go to read are tried: Fetch checks the checksum,
// a Reader does not.
func TestBrokerStampsAppendTime(t *testing.T) {
	b := startBroker(t, t.TempDir())
	createTopic(t, b.Addrs()[0], nil)
	before := time.Now().Truncate(time.Millisecond) // Kafka's times are whole milliseconds
	for _, compression := range []kafka.Compression{0, kafka.Lz4, kafka.Zstd} {
		w := &kafka.Writer{Addr: kafka.TCP(b.Addrs()...), Topic: events, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Compression: compression}
		err := w.WriteMessages(t.Context(),
			kafka.Message{Value: []byte("first"), Time: time.Unix(1, 0)},
			kafka.Message{Value: []byte("second"), Time: time.Unix(2, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...)}
	res, err := client.Fetch(t.Context(), &kafka.FetchRequest{Topic: events, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
	if err != nil || res.Error != nil {
		t.Fatalf("fetch: %v, %v", err, res)
	}
	var fetched []time.Time
	for {
		record, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fetched = append(fetched, record.Time)
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: b.Addrs(), Topic: events, MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	for n := range 6 { // 3 batches of 2
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The first of a batch is 1 s older than the second, which was
		// appended now.
		earliest := before.Add(-time.Duration(1-n%2) * time.Second)
		for _, at := range []time.Time{m.Time, fetched[n]} {
			if at.Before(earliest) || at.After(time.Now()) {
				t.Errorf("message %d is of %s; want the time of its append, %s or later", n, at, earliest)
			}
		}
	}
}

// The broker listens on the loopback address only, advertises it, and creates
// no topic that nobody asked for.
func TestBrokerIsLocal(t *testing.T) {
	b := startBroker(t, t.TempDir())
	client := kafka.Client{Addr: kafka.TCP(b.Addrs()...)}
	meta, err := client.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{"typo"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(meta.Brokers) != 1 {
		t.Fatalf("%d brokers; want 1", len(meta.Brokers))
	}
	advertised := net.JoinHostPort(meta.Brokers[0].Host, fmt.Sprint(meta.Brokers[0].Port))
	if advertised != b.Addrs()[0] || !strings.HasPrefix(advertised, "127.0.0.1:") {
		t.Errorf("advertised %s, listening on %s; want the same 127.0.0.1 address", advertised, b.Addrs()[0])
	}
	if len(meta.Topics) != 1 || !errors.Is(meta.Topics[0].Error, kafka.UnknownTopicOrPartition) {
		t.Errorf("metadata of an unknown topic: %+v; want UnknownTopicOrPartition", meta.Topics)
	}
}

func TestBrokerFolderHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	startBroker(t, dir)
	_, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if !errors.Is(err, embedded.ErrFolderInUse) {
		t.Fatalf("second start: %v; want ErrFolderInUse", err)
	}
}

func TestBrokerOnATakenPort(t *testing.T) {
	b := startBroker(t, t.TempDir())
	_, port, err := net.SplitHostPort(b.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: n})
	if err == nil || !strings.Contains(err.Error(), "port is taken: "+port) {
		t.Errorf("start on a taken port: %v; want an error that names it", err)
	}
	startBroker(t, dir) // the failed start has let go of the folder
}
