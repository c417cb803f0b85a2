package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"

	"plumbline/pkg/event"
)

// Message is a message to write. The broker sets its time.
type Message struct {
	Key []byte
	// Home decides the partition; nil is the key. Messages with one home keep their order, whatever their keys are: on a
	// compacted topic, where the key decides what a message replaces.
	Home    []byte
	Headers []event.Header
	Value   []byte
}

// Size is about how many bytes the message takes in memory and on the wire.
func (m *Message) Size() int64 {
	n := len(m.Key) + len(m.Value) + messageOverhead
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + headerOverhead
	}
	return int64(n)
}

// home is what decides the partition.
func (m *Message) home() []byte {
	if m.Home != nil {
		return m.Home
	}
	return m.Key
}

const (
	messageOverhead, headerOverhead = 64, 10
	// batchBytes leaves room below [MaxMessageBytes], which the broker compares with a whole batch, for what the batch
	// itself adds.
	batchBytes = 1_000_000
	// batchMessages bounds a batch.
	batchMessages = 10_000
	// inFlightBytes bounds what one producer holds that is not acknowledged.
	inFlightBytes = 64 << 20
	// lateness is how long a batch may live after its request gave up on it: more than all attempts take.
	lateness = time.Minute
)

// ErrTooLarge says that one message is larger than a topic takes.
var ErrTooLarge = errors.New("message is too large for the topic")

// PartialError says which messages of a call were not acknowledged.
type PartialError struct {
	// Errs has one entry for each message of the call, nil where the message was acknowledged.
	Errs []error
}

// Error counts the failures and tells the first.
func (e *PartialError) Error() string {
	n := 0
	var first error
	for _, err := range e.Errs {
		if err != nil {
			n++
			if first == nil {
				first = err
			}
		}
	}
	return fmt.Sprintf("%d of %d messages were not acknowledged: %v", n, len(e.Errs), first)
}

// Unwrap gives the failures.
func (e *PartialError) Unwrap() []error {
	return slices.DeleteFunc(slices.Clone(e.Errs), func(err error) bool { return err == nil })
}

// Failures is what became of each of the n messages of a Produce that ended with err: nil where one was acknowledged.
func Failures(err error, n int) []error {
	var partial *PartialError
	if errors.As(err, &partial) {
		return partial.Errs
	}
	return slices.Repeat([]error{err}, n)
}

// Failed is how many of n messages of a Produce that ended with err were not acknowledged.
func Failed(err error, n int) int {
	return len(slices.DeleteFunc(slices.Clone(Failures(err, n)), func(err error) bool { return err == nil }))
}

// Producer writes messages to one topic. It is safe for concurrent use; messages of concurrent calls share batches.
//
// It speaks to the brokers through kafka-go, below that library's Writer: a Writer copies every message several times,
// waits for more before it sends, and sends each partition by itself.
type Producer struct {
	topic       string
	brokers     []string
	partitionOf func(key []byte) int
	transport   *kafka.Transport
	inFlight    *semaphore.Weighted
	buffers     buffers
	sends       sync.WaitGroup

	mu     sync.Mutex
	closed bool
	// lines has one for each partition; sending counts the requests on the way to each leader.
	lines   []line
	sending map[int]int
}

// NewProducer makes a producer for one topic. It connects when it is used; Close it.
func NewProducer(cfg Config, topic Name) *Producer {
	cfg = cfg.withDefaults()
	p := &Producer{
		topic:       cfg.Topic(topic),
		brokers:     cfg.Brokers,
		partitionOf: Partitioner(cfg.Partitions),
		transport:   cfg.Transport(),
		inFlight:    semaphore.NewWeighted(inFlightBytes),
		lines:       make([]line, cfg.Partitions),
		sending:     map[int]int{},
	}
	for i := range p.lines {
		p.lines[i].leader = nobody
	}
	return p
}

// call is one Produce: its receipts arrive batch by batch, some perhaps after the caller has left.
type call struct {
	mu       sync.Mutex
	receipts []event.Receipt
	errs     []error
	// open is how many messages have no answer yet; done is closed when none is left.
	open int
	done chan struct{}
}

// errUnanswered stands for every message until the broker has spoken.
var errUnanswered = errors.New("no acknowledgement")

// errClosed is the answer of a producer that was closed.
var errClosed = errors.New("the producer is closed")

// acknowledge tells the calls what became of a batch, and gives its room back.
func (p *Producer) acknowledge(b *batch, offset int64, err error) {
	for from := 0; from < len(b.places); {
		// The messages of one call stand together.
		c, to := b.places[from].call, from+1
		for to < len(b.places) && b.places[to].call == c {
			to++
		}
		c.mu.Lock()
		for i, at := range b.places[from:to] {
			if c.errs[at.index] = err; err == nil {
				c.receipts[at.index] = event.Receipt{Partition: b.partition, Offset: offset + int64(from+i)}
			}
		}
		c.answered(to - from)
		c.mu.Unlock()
		from = to
	}
	p.inFlight.Release(b.size)
}

// answered counts messages that have their answer. The caller holds the lock of the call.
func (c *call) answered(n int) {
	if c.open -= n; c.open == 0 {
		close(c.done)
	}
}

// Produce writes the messages and returns when every one is durable (acknowledged by all replicas in sync), with their
// receipts in order. Where some failed, or ctx ended first, the error is a [PartialError]; the others are durable, and
// a message that failed may be in the log all the same: send it again, under the same key. Messages of one call that go
// to one partition keep their order. Produce blocks while too much is in flight. The messages may be changed afterwards.
func (p *Producer) Produce(ctx context.Context, messages []Message) ([]event.Receipt, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	c := &call{receipts: make([]event.Receipt, len(messages)), errs: make([]error, len(messages)), open: len(messages), done: make(chan struct{})}
	for i := range c.errs {
		c.errs[i] = errUnanswered
	}
	for from := 0; from < len(messages); {
		to, size := p.piece(messages, from)
		if err := p.inFlight.Acquire(ctx, size); err != nil {
			return c.result(fmt.Errorf("wait for messages in flight: %w", err))
		}
		if err := p.enqueue(c, messages, from, to); err != nil {
			p.inFlight.Release(size)
			return c.result(err)
		}
		from = to
	}
	select {
	case <-c.done:
		return c.result(nil)
	case <-ctx.Done():
		return c.result(ctx.Err())
	}
}

// piece is how far a call goes on at once, and how many bytes that takes: a small part of what may be in flight.
func (p *Producer) piece(messages []Message, from int) (to int, size int64) {
	for to = from; to < len(messages) && size < inFlightBytes/16; to++ {
		if n := messages[to].Size(); n <= batchBytes {
			size += n
		}
	}
	return to, size
}

// enqueue puts messages into batches and has them sent; one that is too large fails alone.
func (p *Producer) enqueue(c *call, messages []Message, from, to int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	for i := from; i < to; i++ {
		m := &messages[i]
		n := m.Size()
		if n > batchBytes {
			c.mu.Lock()
			c.errs[i] = fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, batchBytes)
			c.answered(1)
			c.mu.Unlock()
			continue
		}
		p.open(p.partitionOf(m.home()), n).add(m, place{c, i}, n)
	}
	p.kick()
	return nil
}

// result reads what is known now. cause explains the messages that nothing was heard of.
func (c *call) result(cause error) ([]event.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	receipts, errs := slices.Clone(c.receipts), slices.Clone(c.errs)
	failed := false
	for i, err := range errs {
		if err == nil {
			continue
		}
		failed = true
		if cause != nil && errors.Is(err, errUnanswered) {
			errs[i] = cause
		}
	}
	if failed {
		return receipts, fmt.Errorf("produce: %w", &PartialError{errs})
	}
	return receipts, nil
}

// Ping asks the leader of every partition, so that it fails where any part of the topic can not be written.
func (p *Producer) Ping(ctx context.Context) error {
	client := &kafka.Client{Addr: kafka.TCP(p.brokers...), Transport: p.transport}
	return askLeaders(ctx, client, p.topic, len(p.lines))
}

// Close waits for what is in flight and closes the connections. Calls of Produce after it fail.
func (p *Producer) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.sends.Wait()
	p.transport.CloseIdleConnections()
	return nil
}
