package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/bus"
)

// partitions are the places that a topic has been written to: the first and the next offset of each.
type partitions []kafka.PartitionOffsets

// messages is how many messages there are, where none was ever taken away.
func (p partitions) messages() int {
	n := int64(0)
	for _, o := range p {
		n += o.LastOffset - o.FirstOffset
	}
	return int(n)
}

// offsets asks the broker how far a topic has been written.
func offsets(ctx context.Context, cfg bus.Config, topic string) (partitions, error) {
	transport := cfg.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport}
	var asked []kafka.OffsetRequest
	for p := range cfg.PartitionCount() {
		asked = append(asked, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of %s: %w", topic, err)
	}
	for _, o := range res.Topics[topic] {
		err = errors.Join(err, o.Error)
	}
	return partitions(res.Topics[topic]), err
}

// readAll reads a topic up to the given offsets.
func readAll(ctx context.Context, cfg bus.Config, topic string, upTo partitions) ([]kafka.Message, error) {
	out := make([][]kafka.Message, len(upTo))
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range upTo {
		g.Go(func() (err error) {
			out[i], err = readPartition(ctx, cfg, topic, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	var all []kafka.Message
	for _, m := range out {
		all = append(all, m...)
	}
	return all, nil
}

func readPartition(ctx context.Context, cfg bus.Config, topic string, p kafka.PartitionOffsets) (out []kafka.Message, err error) {
	if p.LastOffset == p.FirstOffset {
		return nil, nil
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: cfg.Brokers, Dialer: cfg.Dialer(), Topic: topic, Partition: p.Partition, MaxBytes: 8 << 20, MaxWait: time.Second})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.SetOffset(p.FirstOffset); err != nil {
		return nil, err
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		out = append(out, m)
		if m.Offset+1 >= p.LastOffset {
			return out, nil
		}
	}
}
