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
	Key     []byte
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

const (
	messageOverhead, headerOverhead = 64, 10
	// batchBytes leaves room below [MaxMessageBytes], which the broker compares with a whole batch, for what the batch
	// itself adds.
	batchBytes = 1_000_000
	// batchMessages bounds a batch; the client allocates for as many at once.
	batchMessages = 1000
	// linger lets requests that come at about the same time share a write to the disk of the broker.
	linger = 5 * time.Millisecond
	// inFlightBytes bounds what one producer holds that is not acknowledged.
	inFlightBytes = 64 << 20
	// lateness is how long a batch may live after its request gave up on it: more than all attempts of the client take.
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

// Producer writes messages to one topic. It is safe for concurrent use; messages of concurrent calls share batches.
type Producer struct {
	topic     string
	brokers   []string
	count     int
	transport *kafka.Transport
	writer    *kafka.Writer
	inFlight  *semaphore.Weighted
}

// NewProducer makes a producer for one topic. It connects when it is used; Close it.
func NewProducer(cfg Config, topic Name) *Producer {
	cfg = cfg.withDefaults()
	t := transport()
	return &Producer{
		topic:     cfg.Topic(topic),
		brokers:   cfg.Brokers,
		count:     cfg.Partitions,
		transport: t,
		inFlight:  semaphore.NewWeighted(inFlightBytes),
		// Every field counts: the zero Writer asks for no acknowledgement, waits a second for more messages and
		// spreads them without looking at the key.
		writer: &kafka.Writer{
			Addr:         kafka.TCP(cfg.Brokers...),
			Topic:        cfg.Topic(topic),
			Balancer:     kafka.Murmur2Balancer{Consistent: true},
			RequiredAcks: kafka.RequireAll,
			// Six attempts outlast a change of leaders, and end within lateness.
			MaxAttempts:  6,
			WriteTimeout: 5 * time.Second,
			ReadTimeout:  5 * time.Second,
			BatchSize:    batchMessages,
			BatchBytes:   batchBytes,
			BatchTimeout: linger,
			Completion:   acknowledge,
			Transport:    t,
		},
	}
}

// call is one Produce: its receipts arrive batch by batch, some perhaps after the caller has left.
type call struct {
	mu       sync.Mutex
	receipts []event.Receipt
	errs     []error
}

// slot ties a message to its place in the call; it travels as the message's WriterData.
type slot struct {
	call  *call
	index int
}

// errUnanswered stands for every message until the broker has spoken.
var errUnanswered = errors.New("no acknowledgement")

// acknowledge notes what became of a batch, whose messages may be of several calls.
func acknowledge(messages []kafka.Message, err error) {
	for i := range messages {
		m := &messages[i]
		s, ok := m.WriterData.(*slot)
		if !ok {
			continue
		}
		s.call.mu.Lock()
		s.call.errs[s.index] = err
		if err == nil {
			s.call.receipts[s.index] = event.Receipt{Partition: m.Partition, Offset: m.Offset}
		}
		s.call.mu.Unlock()
	}
}

// Produce writes the messages and returns when every one is durable (acknowledged by all replicas in sync), with their
// receipts in order. Where some failed, or ctx ended first, the error is a [PartialError]; the others are durable, and
// a message that failed may be in the log all the same: send it again, under the same key. Produce blocks while too
// much is in flight. The messages must not be changed afterwards.
func (p *Producer) Produce(ctx context.Context, messages []Message) ([]event.Receipt, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	c := &call{receipts: make([]event.Receipt, len(messages)), errs: make([]error, len(messages))}
	batch, size := p.encode(c, messages)
	if len(batch) == 0 {
		return c.result(nil)
	}
	size = min(size, inFlightBytes)
	if err := p.inFlight.Acquire(ctx, size); err != nil {
		return c.result(fmt.Errorf("wait for messages in flight: %w", err))
	}
	done := make(chan error, 1)
	go func() {
		defer p.inFlight.Release(size)
		// The client goes on with a batch whose request has gone, so the batch must not hold up this request and must
		// stay counted until it is through.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateness)
		defer cancel()
		done <- p.writer.WriteMessages(ctx, batch...)
	}()
	select {
	case err := <-done:
		return c.result(err)
	case <-ctx.Done():
		return c.result(ctx.Err())
	}
}

// encode makes messages of the client; one that is too large fails alone, not the call.
func (p *Producer) encode(c *call, messages []Message) (batch []kafka.Message, size int64) {
	slots := make([]slot, len(messages))
	batch = make([]kafka.Message, 0, len(messages))
	for i := range messages {
		m := &messages[i]
		n := m.Size()
		if n > batchBytes {
			c.errs[i] = fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, batchBytes)
			continue
		}
		c.errs[i] = errUnanswered
		slots[i] = slot{c, i}
		headers := make([]kafka.Header, len(m.Headers))
		for j, h := range m.Headers {
			headers[j] = kafka.Header(h)
		}
		batch = append(batch, kafka.Message{Key: m.Key, Value: m.Value, Headers: headers, WriterData: &slots[i]})
		size += n
	}
	return batch, size
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
	return askLeaders(ctx, client, p.topic, p.count)
}

// Close waits for what is in flight and closes the connections. Calls of Produce after it fail.
func (p *Producer) Close() error {
	err := p.writer.Close()
	p.transport.CloseIdleConnections()
	return err
}
