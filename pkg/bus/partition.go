package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// idleEvery is how often a partition without messages asks the broker whether that is still so.
	idleEvery = time.Second
	// fetchBytes is how much the client asks for at once, fetchQueue how many messages it holds ahead of us.
	fetchBytes = 8 << 20
	fetchQueue = 128

	backoffLeast = 100 * time.Millisecond
	backoffMost  = 5 * time.Second
)

// errGenerationOver says that this member may not commit any more in this generation of the group.
var errGenerationOver = errors.New("generation is over")

// partition follows one partition for one generation of the group.
type partition struct {
	*member
	id int
	// next is the offset to read next: everything before it is handled and committed. [kafka.FirstOffset] at first,
	// where the group has never committed.
	next   int64
	log    *slog.Logger
	commit func(offset int64) error
	// ahead is a message that was fetched but did not fit into the chunk before it.
	ahead *kafka.Message
	// holeAt is the offset before which a hole was already told of.
	holeAt int64
}

// run reads until the generation ends. Returning ends the generation for the whole member.
func (p *partition) run(generation context.Context) {
	failures := 0
	for generation.Err() == nil {
		before := p.next
		err := p.follow(generation)
		switch {
		case generation.Err() != nil:
			return
		case errors.Is(err, errGenerationOver):
			p.log.WarnContext(p.stop, "commit failed, joining again", "error", err)
			return
		}
		if p.next > before {
			failures = 0
		}
		failures++
		p.cc.Metrics.failed(p)
		p.log.ErrorContext(p.stop, "reading again from the committed offset", "error", err, "offset", p.next, "failures", failures)
		if !pause(generation, failures) {
			return
		}
	}
}

// pause waits longer after each failure; false when ctx has ended.
func pause(ctx context.Context, failures int) bool {
	d := min(backoffLeast<<min(failures-1, 10), backoffMost)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// follow reads from p.next on and hands over chunk after chunk, until something fails.
func (p *partition) follow(generation context.Context) error {
	p.ahead, p.holeAt = nil, 0
	if err := p.settle(generation); err != nil {
		return err
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:       p.cfg.Brokers,
		Topic:         p.topic,
		Partition:     p.id,
		Dialer:        dialer(),
		QueueCapacity: fetchQueue,
		MinBytes:      1,
		MaxBytes:      fetchBytes,
		// The client takes a quarter off for the way; a stop waits for what is left.
		MaxWait:          time.Second,
		ReadBatchTimeout: 5 * time.Second,
		// The lag is measured by us; the client would ask once more.
		ReadLagInterval:       -1,
		IsolationLevel:        kafka.ReadCommitted,
		OffsetOutOfRangeError: true,
	})
	defer func() { _ = reader.Close() }() // it has nothing to lose
	if err := reader.SetOffset(p.next); err != nil {
		return fmt.Errorf("seek: %w", err)
	}
	for {
		chunk, err := p.collect(generation, reader)
		if err != nil {
			return err
		}
		if len(chunk.Messages) == 0 {
			if err := p.probe(generation); err != nil {
				return err
			}
			continue
		}
		if err := p.deliver(generation, chunk); err != nil {
			return err
		}
	}
}

// collect gathers a chunk: until it is full, until Linger after its first message, or up to a hole. It is empty when
// no message came for a while.
func (p *partition) collect(generation context.Context, reader *kafka.Reader) (Chunk, error) {
	idle, stopIdle := context.WithTimeout(generation, idleEvery)
	defer stopIdle()
	m, err := p.await(generation, idle, p.next, reader)
	if m == nil {
		return Chunk{}, err
	}
	if m.Offset != p.next {
		p.hole(generation, p.next, m.Offset)
		p.next = m.Offset
	}
	chunk := Chunk{Topic: p.topic, Partition: p.id, First: m.Offset}
	size := chunk.add(m)
	linger, stopLinger := context.WithTimeout(generation, p.cc.Linger)
	defer stopLinger()
	for len(chunk.Messages) < p.cc.MaxMessages {
		m, err := p.await(generation, linger, chunk.Last+1, reader)
		if err != nil {
			return Chunk{}, err
		}
		if m == nil {
			break
		}
		if size+messageBytes(m) > p.cc.MaxBytes || m.Offset != chunk.Last+1 && p.hole(generation, chunk.Last+1, m.Offset) {
			p.ahead = m
			break
		}
		size += chunk.add(m)
	}
	return chunk, nil
}

func (c *Chunk) add(m *kafka.Message) int64 {
	if c.Messages == nil {
		// Most chunks under load are large; growing by doubling would copy them many times.
		c.Messages = make([]kafka.Message, 0, min(max(m.HighWaterMark-m.Offset, 1), 1024))
	}
	c.Messages = append(c.Messages, *m)
	c.Last, c.HighWater = m.Offset, m.HighWaterMark
	return messageBytes(m)
}

// await returns the next message from offset expected on, or nil when none came before wait ended. A message before expected was
// read already: the client may read twice over a broken connection. An ended generation is an error: what is not yet in
// hand is left to the next owner.
func (p *partition) await(generation, wait context.Context, expected int64, reader *kafka.Reader) (*kafka.Message, error) {
	if m := p.ahead; m != nil {
		p.ahead = nil
		return m, nil
	}
	for {
		m, err := reader.FetchMessage(wait)
		switch {
		case generation.Err() != nil:
			return nil, generation.Err()
		case err != nil && wait.Err() != nil:
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("fetch: %w", err)
		case m.Offset >= expected:
			return &m, nil
		}
	}
}

func messageBytes(m *kafka.Message) int64 {
	n := len(m.Key) + len(m.Value) + messageOverhead
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// deliver hands the chunk over, then commits: never the other way round.
func (p *partition) deliver(generation context.Context, chunk Chunk) error {
	ctx, cancel := p.handlerContext(generation)
	defer cancel()
	started := time.Now()
	if err := p.handle(ctx, chunk); err != nil {
		return fmt.Errorf("handle offsets %d to %d: %w", chunk.First, chunk.Last, err)
	}
	if err := p.commit(chunk.Last + 1); err != nil {
		return fmt.Errorf("%w: commit offset %d: %w", errGenerationOver, chunk.Last+1, err)
	}
	p.next = chunk.Last + 1
	p.cc.Metrics.handled(p, chunk, time.Since(started))
	return nil
}

// handlerContext outlives the generation, and the stop of the consumer, by the grace: the chunk in hand is better
// finished than done twice.
func (p *partition) handlerContext(generation context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.stop))
	release := context.AfterFunc(generation, func() {
		timer := time.NewTimer(p.cc.Grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		release()
		cancel()
	}
}
