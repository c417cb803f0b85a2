package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/event"
)

// The bounds of one [Finder.Find].
const (
	findMessages = 100_000  // of each partition
	findBytes    = 64 << 20 // of each partition
	findTime     = 1500 * time.Millisecond
	findFetch    = 1 << 20
	// findAtOnce is how many partitions are read at a time, by all calls together: who looks for a message must not
	// take the broker from those who write.
	findAtOnce = 4
	// coordinatorTries is how often the coordinator of a group is asked, over about a second and a half.
	coordinatorTries = 5
)

// Finder looks for messages by their key in what a consumer group has not handled yet. It is safe for concurrent use.
type Finder struct {
	cfg       Config
	transport *kafka.Transport
	client    *kafka.Client
	slots     chan struct{}
}

// NewFinder makes a finder. It connects when it is used; Close it.
func NewFinder(cfg Config) *Finder {
	cfg = cfg.withDefaults()
	t := cfg.Transport()
	return &Finder{
		cfg: cfg, transport: t, client: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 5 * time.Second},
		slots: make(chan struct{}, findAtOnce),
	}
}

// Partitions is how many partitions each topic has.
func (f *Finder) Partitions() int { return f.cfg.Partitions }

// Close closes the connections.
func (f *Finder) Close() { f.transport.CloseIdleConnections() }

// Found is what a search has come to.
type Found struct {
	// At is where the first message of a key is, of those at and after the offset where the search began.
	At map[string]event.Receipt
	// Unread is how many messages of a partition the search has not got to, because there were too many or it took too
	// long. A key of such a partition that is not found may be there all the same.
	Unread map[int]int64
}

// Find reads the partitions of the keys from the offsets of next on, from the beginning where next has none, to their
// ends. It reads at most 100,000 messages and 64 MiB of a partition, and for about a second and a half.
func (f *Finder) Find(ctx context.Context, topic Name, keys [][]byte, next map[int]int64) (Found, error) {
	wanted := map[int][][]byte{}
	for _, key := range keys {
		p := PartitionOf(key, f.cfg.Partitions)
		wanted[p] = append(wanted[p], key)
	}
	out := Found{At: map[string]event.Receipt{}, Unread: map[int]int64{}}
	if len(wanted) == 0 {
		return out, nil
	}
	extents, err := f.extents(ctx, topic)
	if err != nil {
		return Found{}, fmt.Errorf("find messages: %w", err)
	}
	deadline, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for partition, keys := range wanted {
		from := max(next[partition], extents[partition].first)
		s := &search{finder: f, topic: f.cfg.Topic(topic), partition: partition, at: from, end: extents[partition].next, keys: keys}
		if s.at >= s.end {
			continue
		}
		all.Go(func() {
			found, err := s.run(deadline)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && deadline.Err() == nil {
				errs = append(errs, fmt.Errorf("find messages in partition %d: %w", partition, err))
			}
			for key, offset := range found {
				out.At[key] = event.Receipt{Partition: partition, Offset: offset}
			}
			if len(found) < len(keys) && s.at < s.end {
				out.Unread[partition] = s.end - s.at
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return Found{}, err
	}
	return out, ctx.Err()
}

// Behind is how many messages of a topic a consumer group has not handled yet, over all partitions. The markers of
// foreign transactions count as messages.
func (f *Finder) Behind(ctx context.Context, topic Name, group string) (int64, error) {
	extents, err := f.extents(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("ask how far %s is: %w", group, err)
	}
	committed, err := committedOffsets(ctx, f.client, f.cfg.Group(group), f.cfg.Topic(topic), partitionIDs(f.cfg.Partitions))
	if err != nil {
		return 0, fmt.Errorf("ask how far %s is: %w", group, err)
	}
	var behind int64
	for p, x := range extents {
		behind += max(x.next-max(committed[p], x.first), 0)
	}
	return behind, nil
}

// extents asks for the offsets of all partitions.
func (f *Finder) extents(ctx context.Context, topic Name) (map[int]extent, error) {
	return extentsOf(ctx, f.client, f.cfg.Topic(topic), partitionIDs(f.cfg.Partitions))
}

func partitionIDs(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// extentsOf asks for the offsets of partitions of a topic; see [extent].
func extentsOf(ctx context.Context, client *kafka.Client, topic string, partitions []int) (map[int]extent, error) {
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}, IsolationLevel: kafka.ReadCommitted}
	for _, p := range partitions {
		req.Topics[topic] = append(req.Topics[topic], kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := client.ListOffsets(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets: %w", err)
	}
	out := make(map[int]extent, len(partitions))
	for _, o := range res.Topics[topic] {
		if o.Error != nil {
			return nil, fmt.Errorf("ask for the offsets of partition %d: %w", o.Partition, o.Error)
		}
		out[o.Partition] = extent{o.FirstOffset, o.LastOffset}
	}
	if len(out) != len(partitions) {
		return nil, fmt.Errorf("ask for the offsets: %d of %d partitions answered", len(out), len(partitions))
	}
	return out, nil
}

// committedOffsets asks how far a group is; a partition in which it has never committed is at -1.
func committedOffsets(ctx context.Context, client *kafka.Client, group, topic string, partitions []int) (map[int]int64, error) {
	var res *kafka.OffsetFetchResponse
	var err error
	for failures := 1; ; failures++ {
		res, err = client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: partitions}})
		if err == nil {
			err = res.Error
		}
		// Who coordinates a group may be about to change, or not be known yet.
		if passing := kafka.Error(0); !errors.As(err, &passing) || !passing.Temporary() || failures == coordinatorTries || !pause(ctx, failures) {
			break
		}
	}
	out := make(map[int]int64, len(partitions))
	for _, p := range partitions {
		out[p] = -1
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return out, nil // nobody has joined it yet
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the committed offsets: %w", err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("ask for the committed offset of partition %d: %w", p.Partition, p.Error)
		}
		out[p.Partition] = p.CommittedOffset
	}
	return out, nil
}

// search is the reading of one partition, from at to end.
type search struct {
	finder    *Finder
	topic     string
	partition int
	at, end   int64
	keys      [][]byte

	messages int
	bytes    int64
}

// run returns the offset of the first message of each key that it finds.
func (s *search) run(ctx context.Context) (map[string]int64, error) {
	select {
	case s.finder.slots <- struct{}{}:
		defer func() { <-s.finder.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	found := map[string]int64{}
	for s.at < s.end && len(found) < len(s.keys) && s.messages < findMessages && s.bytes < findBytes {
		if err := s.fetch(ctx, found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// fetch reads some messages from s.at on.
func (s *search) fetch(ctx context.Context, found map[string]int64) error {
	before := s.at
	err := eachRecord(ctx, s.finder.client, &kafka.FetchRequest{
		Topic: s.topic, Partition: s.partition, Offset: s.at, MinBytes: 1, MaxBytes: findFetch, MaxWait: 250 * time.Millisecond,
	}, func(r *kafka.Record) error {
		key, err := readAll(r.Key)
		if err != nil {
			return err
		}
		s.at = r.Offset + 1
		s.messages++
		s.bytes += int64(len(key))
		if r.Value != nil {
			s.bytes += int64(r.Value.Len())
		}
		if _, seen := found[string(key)]; !seen && slices.ContainsFunc(s.keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
			found[string(key)] = r.Offset
		}
		return nil
	})
	if err == nil && s.at == before {
		err = errors.New("fetch: the broker has sent nothing")
	}
	return err
}

// eachRecord asks once for committed messages, and visits those from the offset on that was asked for. A visitor closes
// nothing.
func eachRecord(ctx context.Context, client *kafka.Client, req *kafka.FetchRequest, visit func(*kafka.Record) error) error {
	req.IsolationLevel = kafka.ReadCommitted
	res, err := client.Fetch(ctx, req)
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	for {
		record, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if record.Offset >= req.Offset { // a batch may begin before it
			err = visit(record)
		}
		for _, b := range []kafka.Bytes{record.Key, record.Value} {
			if b != nil {
				_ = b.Close()
			}
		}
		if err != nil {
			return err
		}
	}
}

// readAll reads the bytes of a record; nil where there are none.
func readAll(b kafka.Bytes) ([]byte, error) {
	raw, err := kafka.ReadAll(b)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return raw, nil
}
