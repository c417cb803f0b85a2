package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Prober finds out whether the log takes messages now, by writing some. It is safe for concurrent use.
type Prober struct {
	cfg       Config
	transport *kafka.Transport
	client    *kafka.Client

	mu sync.Mutex
	// least is min.insync.replicas of the events as it was at leastAt: it is asked for once a minute, of any broker, which
	// may be one that is away and not needed.
	least   int
	leastAt time.Time
}

// settingLife is how long the answer about a setting is good.
const settingLife = time.Minute

// NewProber makes a prober. It connects when it is used; Close it.
func NewProber(cfg Config) *Prober {
	cfg = cfg.withDefaults()
	t := cfg.Transport()
	return &Prober{cfg: cfg, transport: t, client: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 5 * time.Second}}
}

// Close closes the connections.
func (p *Prober) Close() { p.transport.CloseIdleConnections() }

// Check writes a message to every partition of the topic [Probe] and waits until all replicas in sync have it; and it asks
// whether every partition of the events has the replicas in sync without which a write there is refused, or is lost
// with a broker. Each check is a few small requests for each broker: keep its answer for some seconds.
func (p *Prober) Check(ctx context.Context) error {
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	run := func(check func(context.Context) error) {
		all.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	run(p.inSync)
	run(func(ctx context.Context) error {
		return askLeaders(ctx, p.client, p.cfg.Topic(Events), p.cfg.Partitions)
	})
	for partition := range p.cfg.Partitions {
		run(func(ctx context.Context) error { return p.write(ctx, partition) })
	}
	all.Wait()
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	if errors.Is(err, kafka.BrokerNotAvailable) {
		if why := p.cfg.reach(ctx); why != nil {
			err = why
		}
	}
	return fmt.Errorf("probe the log: %w", err)
}

// write writes one message to a partition.
func (p *Prober) write(ctx context.Context, partition int) error {
	res, err := p.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: p.cfg.Topic(Probe), Partition: partition, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("probe"))}),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("write to partition %d of %s: %w", partition, p.cfg.Topic(Probe), err)
	}
	return nil
}

// inSync asks which replicas of the events are in sync.
func (p *Prober) inSync(ctx context.Context) error {
	topic := p.cfg.Topic(Events)
	least, err := p.leastInSync(ctx, topic)
	if err != nil {
		return err
	}
	res, err := p.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return fmt.Errorf("ask for the replicas of %s: %w", topic, err)
	}
	if len(res.Topics) != 1 {
		return fmt.Errorf("ask for the replicas of %s: the broker does not know the topic", topic)
	}
	if res.Topics[0].Error != nil {
		return fmt.Errorf("ask for the replicas of %s: %w", topic, res.Topics[0].Error)
	}
	return judgeReplicas(topic, p.cfg.Replication, least, res.Topics[0].Partitions)
}

// leastInSync is how many replicas must have a message before it is acknowledged.
func (p *Prober) leastInSync(ctx context.Context, topic string) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.leastAt) < settingLife {
		return p.least, nil
	}
	const setting = "min.insync.replicas"
	value, err := settingOf(ctx, p.client, topic, setting)
	switch {
	case err != nil && p.least > 0:
		return p.least, nil // who can not be asked now is asked again with the next probe
	case err != nil:
		return 0, err
	case value == "":
		value = "1" // Kafka's default
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("%s of %s is %q, no number", setting, topic, value)
	}
	p.least, p.leastAt = n, time.Now()
	return n, nil
}

// judgeReplicas says which partitions can not be written safely: where three brokers keep a partition, two must have a
// message before it counts, and so many must be in sync.
func judgeReplicas(topic string, replication, least int, partitions []kafka.Partition) error {
	var errs []error
	if replication >= 3 && least < 2 {
		errs = append(errs, fmt.Errorf("%s has min.insync.replicas=%d: a lost broker could take acknowledged events along; set it to 2", topic, least))
	}
	for _, p := range partitions {
		switch {
		case p.Error != nil && !errors.Is(p.Error, kafka.ReplicaNotAvailable):
			errs = append(errs, fmt.Errorf("partition %d of %s: %w", p.ID, topic, p.Error))
		case len(p.Isr) < least:
			errs = append(errs, fmt.Errorf("partition %d of %s has %d replicas in sync, it needs %d", p.ID, topic, len(p.Isr), least))
		}
	}
	return errors.Join(errs...)
}
