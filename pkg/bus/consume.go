package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"

	"plumbline/pkg/event"
)

// The bounds of a chunk. The hard ones keep it one block in ClickHouse, which splits at 1,048,449 rows or 256 MiB.
const (
	DefaultMaxMessages = 50_000
	DefaultMaxBytes    = 32 << 20
	DefaultLinger      = 100 * time.Millisecond
	HardMaxMessages    = 499_999
	HardMaxBytes       = 128 << 20
)

// ConsumeConfig says what a member of a consumer group takes, and how much at once. Zero values are the defaults.
type ConsumeConfig struct {
	// Group is the name of the consumer group, without the prefix.
	Group string
	Topic Name
	// MaxMessages and MaxBytes bound a chunk. Linger is how far the chunks of a partition are apart, unless they are full:
	// what comes after a silence is handed over at once, what comes all the time in beats that all partitions share.
	MaxMessages int
	MaxBytes    int64
	Linger      time.Duration
	// Parallel is how many chunks of more than a megabyte the member may hold at once, collected or being handled, of all its
	// partitions together; 0 is one for each partition. It bounds the memory.
	Parallel int
	// Session is how long a member may be silent before its partitions go to others (10 s).
	Session time.Duration
	// Grace is how long a chunk in hand may still take once its partition goes to another member or the consumer
	// stops; then the context of its handler ends. Less than Session (8 s, or 80 % of a shorter session).
	Grace time.Duration
	// Alarm is called for every [Gap], before the messages after it are handed over.
	Alarm func(Gap)
	// Idle is called about every second for a partition without unhandled messages: nextOffset is the one that the next
	// message will get, and at is when the broker was asked, by our clock. It never runs beside the handler of the same
	// partition.
	Idle func(partition int, nextOffset int64, at time.Time)
	// Assigned is called with the partitions of this member at the start of each generation of the group.
	Assigned func(partitions []int)
	Log      *slog.Logger
	Metrics  *Metrics
}

// RebalanceTimeout is how long members that are gone hold up a new generation, and how long those that are there may take
// to hand in what they have, for a session: 30 s with the default one.
func RebalanceTimeout(session time.Duration) time.Duration { return 3 * session }

func (c ConsumeConfig) withDefaults() ConsumeConfig {
	if c.MaxMessages == 0 {
		c.MaxMessages = DefaultMaxMessages
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Linger == 0 {
		c.Linger = DefaultLinger
	}
	if c.Session == 0 {
		c.Session = 10 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = min(8*time.Second, c.Session*8/10)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports everything that is wrong with the config.
func (c ConsumeConfig) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Group == "" {
		errs = append(errs, errors.New("group: give the name of the consumer group"))
	}
	if c.Topic == "" {
		errs = append(errs, errors.New("topic: give the topic to consume"))
	}
	if c.MaxMessages < 1 || c.MaxMessages > HardMaxMessages {
		errs = append(errs, fmt.Errorf("max messages: %d is not within 1 to %d", c.MaxMessages, HardMaxMessages))
	}
	if c.MaxBytes < MaxMessageBytes || c.MaxBytes > HardMaxBytes {
		errs = append(errs, fmt.Errorf("max bytes: %d is not within %d to %d", c.MaxBytes, MaxMessageBytes, HardMaxBytes))
	}
	if c.Parallel < 0 {
		errs = append(errs, fmt.Errorf("parallel: %d is negative", c.Parallel))
	}
	if c.Linger < 0 || c.Session < 0 || c.Grace < 0 || c.Grace >= c.Session {
		errs = append(errs, fmt.Errorf("linger %s, session %s, grace %s: none may be negative, and grace must be below session",
			c.Linger, c.Session, c.Grace))
	}
	return errors.Join(errs...)
}

// Chunk is a range of offsets of one partition, in order: every message that the log has from First to Last.
type Chunk struct {
	Topic       string
	Partition   int
	First, Last int64
	Messages    []kafka.Message
	// HighWater is one past the last message that the log had when Last was fetched.
	HighWater int64
}

// Records is a [Chunk] in the form in which it came from the broker.
type Records struct {
	Topic       string
	Partition   int
	First, Last int64
	Records     []Record
	HighWater   int64
}

// chunk copies the records.
func (r Records) chunk() Chunk {
	c := Chunk{Topic: r.Topic, Partition: r.Partition, First: r.First, Last: r.Last, HighWater: r.HighWater}
	c.Messages = make([]kafka.Message, len(r.Records))
	for i := range r.Records {
		c.Messages[i] = r.Message(i)
	}
	return c
}

// Message copies one of the records.
func (r Records) Message(i int) kafka.Message {
	return r.Records[i].message(r.Topic, r.Partition, r.HighWater)
}

// Headers returns the headers of a consumed message in the form of package event.
func Headers(m *kafka.Message) []event.Header {
	out := make([]event.Header, len(m.Headers))
	for i, h := range m.Headers {
		out[i] = event.Header(h)
	}
	return out
}

// Consume joins the group and hands chunks to handle until ctx ends, then finishes the chunks in hand, leaves the group
// and returns nil. Chunks of one partition come one after another, those of several partitions at the same time.
//
// The offset is committed after handle has returned nil, so a crash between the two hands the chunk over again. Where
// handle fails, Consume backs off and reads again from the committed offset: no message is ever skipped. The context of
// handle outlives ctx by Grace, so that a chunk in hand can be finished.
func Consume(ctx context.Context, cfg Config, cc ConsumeConfig, handle func(context.Context, Chunk) error) error {
	return ConsumeRecords(ctx, cfg, cc, func(ctx context.Context, r Records) error { return handle(ctx, r.chunk()) })
}

// ConsumeRecords is [Consume] without a copy of every message.
func ConsumeRecords(ctx context.Context, cfg Config, cc ConsumeConfig, handle func(context.Context, Records) error) error {
	if err := errors.Join(cfg.Validate(), cc.Validate()); err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	cfg, cc = cfg.withDefaults(), cc.withDefaults()
	topic := cfg.Topic(cc.Topic)
	log := cc.Log.With("group", cfg.Group(cc.Group), "topic", topic)
	t := cfg.Transport()
	defer t.CloseIdleConnections()
	member := &member{
		cfg: cfg, cc: cc, topic: topic, log: log, handle: handle, stop: ctx,
		client: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 10 * time.Second},
	}
	if cc.Parallel > 0 {
		member.turns = semaphore.NewWeighted(int64(cc.Parallel))
	}
	if !member.awaitTopic() {
		return nil
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                cfg.Group(cc.Group),
		Brokers:           cfg.Brokers,
		Topics:            []string{topic},
		Dialer:            cfg.Dialer(),
		HeartbeatInterval: min(time.Second, cc.Session/4),
		SessionTimeout:    cc.Session,
		RebalanceTimeout:  RebalanceTimeout(cc.Session),
		JoinGroupBackoff:  time.Second,
		StartOffset:       kafka.FirstOffset,
		// Commits are kept as long as the broker's own setting says.
		RetentionTime: -1 * time.Millisecond,
	})
	if err != nil {
		return fmt.Errorf("consume %s: %w", topic, err)
	}
	for {
		generation, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			member.leave(group)
			return nil
		case err != nil:
			// The client tries again by itself; a rebalance in progress is no failure.
			if !errors.Is(err, kafka.RebalanceInProgress) {
				cc.Metrics.groupFailed(member)
				log.WarnContext(ctx, "join consumer group failed", "error", err)
			}
			continue
		}
		member.start(generation)
	}
}

// member is our part in the group.
type member struct {
	cfg    Config
	cc     ConsumeConfig
	topic  string
	log    *slog.Logger
	handle func(context.Context, Records) error
	client *kafka.Client
	// turns are those of large chunks; nil where they are not counted.
	turns *semaphore.Weighted
	// stop ends when the consumer is to stop; its values are those of the handlers' contexts.
	stop context.Context
}

// awaitTopic waits until the topic is there: a group that is formed before would have nothing to do for ever. False
// when the consumer is to stop.
func (m *member) awaitTopic() bool {
	for failures := 1; ; failures++ {
		res, err := m.client.Metadata(m.stop, &kafka.MetadataRequest{Topics: []string{m.topic}})
		switch {
		case err != nil:
		case len(res.Topics) != 1:
			err = errors.New("the broker does not know the topic")
		case res.Topics[0].Error != nil:
			err = res.Topics[0].Error
		case len(res.Topics[0].Partitions) != m.cfg.Partitions:
			err = fmt.Errorf("the topic has %d partitions, the configuration says %d", len(res.Topics[0].Partitions), m.cfg.Partitions)
		default:
			return true
		}
		if m.stop.Err() != nil {
			return false
		}
		if failures%10 == 3 { // not at once: topics are made while others start
			m.log.WarnContext(m.stop, "waiting for the topic", "error", err)
		}
		if !pause(m.stop, failures) {
			return false
		}
	}
}

// start follows the partitions of a generation. The generation ends when one of them can not commit any more, and the
// client joins the next only when all have returned.
func (m *member) start(g *kafka.Generation) {
	assigned := g.Assignments[m.topic]
	ids := make([]int, len(assigned))
	for i, a := range assigned {
		ids[i] = a.ID
	}
	m.log.InfoContext(m.stop, "joined consumer group", "generation", g.ID, "partitions", ids)
	m.cc.Metrics.joined(m)
	if m.cc.Assigned != nil {
		m.cc.Assigned(ids)
	}
	g.Start(m.watchLag(ids))
	for _, a := range assigned {
		p := &partition{
			member: m, id: a.ID, next: a.Offset, log: m.log.With("partition", a.ID),
			commit: func(offset int64) error {
				return g.CommitOffsets(map[string]map[int]int64{m.topic: {a.ID: offset}})
			},
		}
		g.Start(p.run)
	}
}

// leave finishes the chunks in hand and leaves the group. The client may be waiting for other members to join a new
// generation, which can take longer than anybody waits for a stop: then the broker drops this member by itself.
func (m *member) leave(group *kafka.ConsumerGroup) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = group.Close() // never fails
	}()
	timer := time.NewTimer(m.cc.Grace + 1500*time.Millisecond)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		m.log.WarnContext(m.stop, "left without a word to the consumer group")
	}
}
