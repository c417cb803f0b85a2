package alerts

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
)

// writePatience is how long a write may take until it is seen in the log.
const writePatience = 5 * time.Second

// errUnconfirmed says that nothing was heard of a write: it may hold, or come to.
var errUnconfirmed = errors.New("the log has not confirmed the state")

// board keeps the states as the log tells of them, and writes new ones.
type board struct {
	cfg      Config
	producer *bus.Producer

	mu     sync.Mutex
	ready  bool
	states map[name]State
	// lost are states whose last message in the log is one that does not count: a compaction would keep that one.
	lost map[name]bool
	// read is how far each partition was read.
	read map[int]int64
	// waiting are the writers by the name of their write: they are told whether it counts.
	waiting map[string]chan bool
}

func newBoard(cfg Config) *board {
	return &board{
		cfg: cfg, producer: bus.NewProducer(cfg.Bus, bus.Alerts), states: map[name]State{}, lost: map[name]bool{}, read: map[int]int64{},
		waiting: map[string]chan bool{},
	}
}

// follow reads the topic from its beginning until ctx ends.
func (b *board) follow(ctx context.Context) error {
	err := bus.Follower{
		Topics: []bus.Name{bus.Alerts}, FromStart: true,
		CaughtUp: func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ready = true
		},
		Handle: func(_ bus.Name, m kafka.Message) { b.take(ctx, &m) },
		Missed: func(n int64) {
			b.cfg.Log.ErrorContext(ctx, "the log has lost states of alerts: some may be told of again", "messages", n)
		},
		Log: b.cfg.Log,
	}.Follow(ctx, b.cfg.Bus)
	if err != nil {
		return fmt.Errorf("follow states: %w", err)
	}
	return nil
}

// take handles one message. Of two with one revision the first counts, the same for every reader.
func (b *board) take(ctx context.Context, m *kafka.Message) {
	s, err := decode(m.Key, m.Value)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read[m.Partition] = m.Offset + 1
	if err != nil {
		if len(m.Value) > 0 {
			b.cfg.Log.ErrorContext(ctx, "a state of an alert can not be read", "partition", m.Partition, "offset", m.Offset, "error", err)
		}
		return
	}
	if s.Workspace != b.cfg.Workspace {
		return
	}
	n := name{s.Kind, s.Key}
	now := b.states[n]
	counts := s.Revision > now.Revision
	if counts {
		b.states[n] = s
	}
	b.lost[n] = !counts && s.Write != now.Write
	if told, ok := b.waiting[s.Write]; ok {
		delete(b.waiting, s.Write)
		told <- counts
	}
}

func (b *board) isReady() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}

// get is how an entry stands; the lists in it are the caller's.
func (b *board) get(n name) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.states[n]
	if !ok {
		return State{Workspace: b.cfg.Workspace, Kind: n.kind, Key: n.key}
	}
	s.Pending = slices.Clone(s.Pending)
	for i := range s.Pending {
		s.Pending[i].Sent = slices.Clone(s.Pending[i].Sent)
	}
	return s
}

// hasRead tells whether a partition was read up to an offset.
func (b *board) hasRead(partition int, end int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready && b.read[partition] >= end
}

// hasLost tells whether the state must be written again, so that a compaction keeps the one that counts.
func (b *board) hasLost(n name) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost[n]
}

// pending tells whether something is to be sent now.
func (b *board) pending(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, s := range b.states {
		if b.lost[n] || (len(s.Pending) > 0 && !s.Pending[0].Next.After(now)) {
			return true
		}
	}
	return false
}

// next gives a state that follows another its revision and its name.
func (s State) next() State {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	s.Revision, s.Write = s.Revision+1, hex.EncodeToString(id[:])
	return s
}

// write writes a state and tells whether it counts. An error is [errUnconfirmed]: it may count, or come to.
func (b *board) write(ctx context.Context, s State) (bool, error) {
	key, value, err := s.message()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	told := make(chan bool, 1)
	b.mu.Lock()
	b.waiting[s.Write] = told
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, s.Write)
	}()
	if _, err := b.producer.Produce(ctx, []bus.Message{{Key: key, Value: value}}); err != nil {
		return false, fmt.Errorf("%w: %w", errUnconfirmed, err)
	}
	select {
	case counts := <-told:
		return counts, nil
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", errUnconfirmed, ctx.Err())
	}
}
