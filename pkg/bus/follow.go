package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	followWait  = time.Second
	followBytes = 1 << 20
)

// Follower reads what is written to topics from the moment on at which it starts. It belongs to no consumer group and
// commits nothing: it is for onlookers, who may miss messages and must be told how many.
type Follower struct {
	Topics []Name
	// Ready is called once, when the ends of all partitions are known: what is written later is handed over.
	Ready func()
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
	t := transport()
	defer t.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 10 * time.Second}
	var tails []*followed
	for _, name := range f.Topics {
		extents, ok := f.ends(ctx, client, cfg, name)
		if !ok {
			return nil
		}
		for p, x := range extents {
			tails = append(tails, &followed{Follower: f, client: client, name: name, topic: cfg.Topic(name), partition: p, next: x.next})
		}
	}
	f.Ready()
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
}

func (f *followed) run(ctx context.Context) {
	failures := 0
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

// resettle goes on where the log begins now, or where it ends if it was made anew.
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
	f.next = x.next
	return nil
}

func (f *followed) fetch(ctx context.Context) error {
	return eachRecord(ctx, f.client, &kafka.FetchRequest{
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
}
