package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	followWait  = time.Second
	followBytes = 1 << 20
)

// Follower reads what is written to topics from the moment on at which it starts, or all that there is and then what
// is written. It belongs to no consumer group and commits nothing: it is for onlookers, who may miss messages and must be
// told how many, and for those who keep in memory what a compacted topic says.
type Follower struct {
	Topics []Name
	// FromStart reads the topics from their beginning.
	FromStart bool
	// Ready is called once, when the ends of all partitions are known: what is written later is handed over. It may be nil.
	Ready func()
	// CaughtUp is called once, when everything was handed over that the topics held at the start. It may be nil.
	CaughtUp func()
	// Handle gets each message, those of one partition in order, those of several at the same time.
	Handle func(Name, kafka.Message)
	// Missed is called with the number of messages that the log no longer had when they were to be read.
	Missed func(int64)
	Log    *slog.Logger
}

// Follow reads until ctx ends. Where the brokers do not answer it tries again and goes on where it was.
func (f Follower) Follow(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	cfg = cfg.withDefaults()
	t := cfg.Transport()
	defer t.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 10 * time.Second}
	var tails []*followed
	var behind atomic.Int64 // partitions that have not caught up, and this function until it has counted them
	behind.Store(1)
	caughtUp := func() {
		if behind.Add(-1) == 0 && f.CaughtUp != nil {
			f.CaughtUp()
		}
	}
	for _, name := range f.Topics {
		extents, ok := f.ends(ctx, client, cfg, name)
		if !ok {
			return nil
		}
		for p, x := range extents {
			t := &followed{
				Follower: f, client: client, name: name, topic: cfg.Topic(name), partition: p, next: x.next, end: x.next, caughtUp: sync.OnceFunc(caughtUp),
			}
			if f.FromStart {
				t.next = x.first
			}
			behind.Add(1)
			tails = append(tails, t)
		}
	}
	if f.Ready != nil {
		f.Ready()
	}
	caughtUp()
	var all sync.WaitGroup
	for _, t := range tails {
		all.Go(func() { t.run(ctx) })
	}
	all.Wait()
	return nil
}

// ends asks for the ends of the partitions until it is told; false when ctx has ended.
func (f Follower) ends(ctx context.Context, client *kafka.Client, cfg Config, name Name) (map[int]extent, bool) {
	for failures := 1; ; failures++ {
		extents, err := extentsOf(ctx, client, cfg.Topic(name), partitionIDs(cfg.Partitions))
		if err == nil {
			return extents, true
		}
		if ctx.Err() != nil {
			return nil, false
		}
		f.Log.WarnContext(ctx, "follow: asking for the end of a topic failed", "topic", cfg.Topic(name), "error", err)
		if !pause(ctx, failures) {
			return nil, false
		}
	}
}

// followed is one partition of a follower.
type followed struct {
	Follower
	client    *kafka.Client
	name      Name
	topic     string
	partition int
	next      int64
	// end is where the log ended when following began; caughtUp is called when that was reached.
	end      int64
	caughtUp func()
}

func (f *followed) run(ctx context.Context) {
	failures := 0
	if f.next >= f.end {
		f.caughtUp()
	}
	for ctx.Err() == nil {
		err := f.fetch(ctx)
		switch {
		case err == nil:
			failures = 0
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, kafka.OffsetOutOfRange):
			err = f.resettle(ctx)
		}
		if err == nil {
			continue
		}
		failures++
		f.Log.DebugContext(ctx, "follow: reading failed", "topic", f.topic, "partition", f.partition, "error", err)
		if !pause(ctx, failures) {
			return
		}
	}
}

// resettle goes on where the log begins now. If it was made anew, that is where it ends, or where it begins for who wants
// all of it.
func (f *followed) resettle(ctx context.Context) error {
	extents, err := extentsOf(ctx, f.client, f.topic, []int{f.partition})
	if err != nil {
		return err
	}
	x := extents[f.partition]
	if f.next < x.first {
		f.Missed(x.first - f.next)
		f.next = x.first
		return nil
	}
	if f.next = x.next; f.FromStart {
		f.next, f.end = x.first, x.next
	}
	return nil
}

func (f *followed) fetch(ctx context.Context) error {
	from := f.next
	err := eachRecord(ctx, f.client, &kafka.FetchRequest{
		Topic: f.topic, Partition: f.partition, Offset: f.next, MinBytes: 1, MaxBytes: followBytes, MaxWait: followWait,
	}, func(r *kafka.Record) error {
		key, err := readAll(r.Key)
		if err != nil {
			return err
		}
		value, err := readAll(r.Value)
		if err != nil {
			return err
		}
		f.next = r.Offset + 1
		f.Handle(f.name, kafka.Message{
			Topic: f.topic, Partition: f.partition, Offset: r.Offset, Key: key, Value: value, Headers: r.Headers, Time: r.Time,
		})
		return nil
	})
	// Where a compaction has left a hole at the end, the broker has nothing more to give before it.
	if err == nil && (f.next >= f.end || f.next == from) {
		f.caughtUp()
	}
	return err
}
