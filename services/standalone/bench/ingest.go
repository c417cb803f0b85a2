package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/bus"
)

// IngestResult is what [Ingest] has measured. Rates are medians of the rounds.
type IngestResult struct {
	// EventsPerS is how many events a second the collector takes, from the first byte of a request to the answer after
	// the broker's acknowledgement.
	EventsPerS float64 `json:"events_per_s"`
	// RawKafkaPerS is how many of the same messages a second a bare kafka-go Writer writes to the same broker, with the
	// same acknowledgement.
	RawKafkaPerS float64 `json:"raw_kafka_per_s"`
	// Ratio is the first by the second.
	Ratio float64 `json:"ratio"`

	Rounds    int `json:"rounds"`
	Events    int `json:"events_per_round"`
	BatchSize int `json:"batch_size"`
	Clients   int `json:"clients"`
	// BytesPerMessage is the mean size of key, headers and value on the topic.
	BytesPerMessage int `json:"bytes_per_message"`
	// CPUPerEvent and RawCPUPerEvent are the processor time of one event and of one message, in microseconds: clients,
	// collector and, where it is embedded, broker. Other programs on the machine disturb them less than the rates.
	CPUPerEvent    float64 `json:"cpu_us_per_event"`
	RawCPUPerEvent float64 `json:"raw_cpu_us_per_event"`
	// Memory is the most that the collector's process has had resident, in MB; absent where the system does not say.
	Memory float64 `json:"rss_mb,omitzero"`
	// InLog is how many events the log holds at the end: all that were sent, or Ingest fails.
	InLog int `json:"in_log"`
}

const (
	ingestBatch   = 100
	ingestClients = 32
	ingestRounds  = 5
	ingestEvents  = 50_000
	// rawCall is how many messages one call of the bare writer has: more than a request has, so that the yardstick
	// never waits for its own linger.
	rawCall = 1000
)

// Ingest sends batches of 100 events by HTTP from several clients to the real collector: validation, sealing, acks of
// all replicas. Beside it, in turn, a bare kafka-go Writer writes the messages that the collector has made, byte by
// byte. It fails where an event is not in the log.
func Ingest(ctx context.Context, cfg Config) (_ IngestResult, err error) {
	p, err := openPlace(ctx, cfg, false)
	if err != nil {
		return IngestResult{}, fmt.Errorf("bench ingest: %w", err)
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	out, err := p.ingest(ctx, cfg)
	if err != nil {
		return IngestResult{}, fmt.Errorf("bench ingest: %w", err)
	}
	return out, nil
}

func (p *place) ingest(ctx context.Context, cfg Config) (_ IngestResult, err error) {
	out := IngestResult{Rounds: ingestRounds, Events: cfg.events(ingestEvents, 2000), BatchSize: ingestBatch, Clients: ingestClients}
	if cfg.Short {
		out.Rounds = 1
	}
	out.Events = (out.Events + ingestBatch - 1) / ingestBatch * ingestBatch // whole batches
	s, err := p.startCollector(ctx, out.Clients)
	if err != nil {
		return out, err
	}
	y, err := p.newYardstick(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, y.close()) }()

	count := counter{total: 2 * (out.Rounds + 1) * out.Events, tell: cfg.progress}
	var ours, raw []lap
	// One round more than counts: it warms both sides up, and what it writes are the messages of the yardstick.
	for round := range out.Rounds + 1 {
		bodies := newWorkload(cfg.Seed, fmt.Sprintf("r%d", round), time.Now()).batches(out.Events)
		one, err := measure(out.Events, s.service, func() error { return s.send(ctx, bodies, ingestBatch, out.Clients, count.add) })
		if err != nil {
			return out, err
		}
		if round == 0 {
			if err := y.take(ctx, p.bus, out.Events); err != nil {
				return out, err
			}
		}
		other, err := measure(len(y.messages), s.service, func() error { return y.run(ctx, out.Clients, count.add) })
		if err != nil {
			return out, err
		}
		if round > 0 {
			ours, raw = append(ours, one), append(raw, other)
		}
	}
	out.EventsPerS, out.CPUPerEvent = medianLap(ours)
	out.RawKafkaPerS, out.RawCPUPerEvent = medianLap(raw)
	out.Ratio = out.EventsPerS / out.RawKafkaPerS
	out.Memory = s.peakMemory()
	out.BytesPerMessage = y.bytes / out.Events
	out.InLog, err = p.verify(ctx, p.bus.Topic(bus.Events), (out.Rounds+1)*out.Events)
	return out, err
}

// verify counts what is in the log.
func (p *place) verify(ctx context.Context, topic string, want int) (int, error) {
	at, err := offsets(ctx, p.bus, topic)
	if err != nil {
		return 0, err
	}
	// A producer that repeats a call may write twice, which the loader absorbs; fewer is a loss.
	if at.messages() < want {
		return at.messages(), fmt.Errorf("%d events are in the log, %d were acknowledged", at.messages(), want)
	}
	return at.messages(), nil
}

// yardstick is a bare kafka-go Writer on a topic of its own.
type yardstick struct {
	topic    string
	writer   *kafka.Writer
	messages []kafka.Message
	bytes    int
}

// newYardstick makes topics with the same settings as ours, under another prefix.
func (p *place) newYardstick(ctx context.Context) (*yardstick, error) {
	cfg := p.bus
	cfg.Prefix += ".raw"
	if err := bus.Ensure(ctx, cfg); err != nil {
		return nil, fmt.Errorf("make topics of the yardstick: %w", err)
	}
	return &yardstick{topic: cfg.Topic(bus.Events), writer: &kafka.Writer{
		Addr: kafka.TCP(cfg.Brokers...), Topic: cfg.Topic(bus.Events),
		Balancer: kafka.Murmur2Balancer{Consistent: true}, RequiredAcks: kafka.RequireAll,
		BatchSize: 1000, BatchBytes: 1_000_000, BatchTimeout: 5 * time.Millisecond, Transport: cfg.Transport(),
	}}, nil
}

// take reads the messages that the collector has written.
func (y *yardstick) take(ctx context.Context, cfg bus.Config, want int) error {
	topic := cfg.Topic(bus.Events)
	at, err := offsets(ctx, cfg, topic)
	if err != nil {
		return err
	}
	messages, err := readAll(ctx, cfg, topic, at)
	if err != nil {
		return err
	}
	if len(messages) < want {
		return fmt.Errorf("%d messages are in the log, %d were acknowledged", len(messages), want)
	}
	// Partition by partition as they were read, the writer would fill one at a time: the keys are hashes, in whose order
	// they are mixed.
	for i := range messages {
		m := &messages[i]
		y.messages = append(y.messages, kafka.Message{Key: m.Key, Value: m.Value, Headers: m.Headers})
		y.bytes += len(m.Key) + len(m.Value)
		for _, h := range m.Headers {
			y.bytes += len(h.Key) + len(h.Value)
		}
	}
	mix(y.messages)
	return nil
}

// run writes all messages from several goroutines.
func (y *yardstick) run(ctx context.Context, writers int, written func(int)) error {
	calls := make(chan []kafka.Message, len(y.messages)/rawCall+1)
	for from := 0; from < len(y.messages); from += rawCall {
		calls <- y.messages[from:min(from+rawCall, len(y.messages))]
	}
	close(calls)
	g, ctx := errgroup.WithContext(ctx)
	for range writers {
		g.Go(func() error {
			for call := range calls {
				if err := y.writer.WriteMessages(ctx, call...); err != nil {
					return fmt.Errorf("write with the bare writer: %w", err)
				}
				written(len(call))
			}
			return nil
		})
	}
	return g.Wait()
}

func (y *yardstick) close() error { return y.writer.Close() }

// counter adds up progress from several goroutines.
type counter struct {
	mu          sync.Mutex
	done, total int
	tell        func(done, total int)
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	c.tell(c.done, c.total)
}
