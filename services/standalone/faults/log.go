package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"plumbline/pkg/bus"
	"plumbline/pkg/process"
)

// message is one of the log.
type message = kafka.Message

// readLog reads the messages of a partition of a topic from the beginning to an offset, or to the end where it is
// negative.
func (r *run) readLog(ctx context.Context, name bus.Name, partition int, to int64) ([]message, error) {
	topic := r.w.cfg.Topic(name)
	res, err := r.w.client().ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if len(res.Topics[topic]) != 1 || res.Topics[topic][0].Error != nil {
		return nil, fmt.Errorf("read the log: offsets of partition %d: %+v", partition, res.Topics[topic])
	}
	first, end := res.Topics[topic][0].FirstOffset, res.Topics[topic][0].LastOffset
	if to < 0 {
		to = end
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: r.w.cfg.Brokers, Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond, ReadLagInterval: -1,
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(first); err != nil {
		return nil, err
	}
	var out []message
	for next := first; next < to; {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		next = m.Offset + 1
		if m.Offset < to {
			out = append(out, m)
		}
	}
	return out, nil
}

// wholeLog reads all partitions of the events, with what was deleted.
func (r *run) wholeLog(ctx context.Context) (map[int][]message, error) {
	out := map[int][]message{}
	for p := range partitions {
		err := again(ctx, func() error {
			list, err := r.readLog(ctx, bus.Events, p, -1)
			out[p] = append(r.kept[p], list...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// again repeats what fails while the leaders of partitions move, for a while.
func again(ctx context.Context, do func() error) error {
	for deadline := time.Now().Add(settleTime / 2); ; {
		err := do()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if stopped := process.Wait(ctx, 200*time.Millisecond); stopped != nil {
			return errors.Join(err, stopped)
		}
	}
}

// forget deletes the beginning of a partition of the events, as a retention that is too short does, and keeps a copy for
// the judgement.
func (r *run) forget(partition int, to int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, err := r.readLog(ctx, bus.Events, partition, to)
	if err != nil {
		return err
	}
	if err := r.deleteRecords(ctx, partition, to); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[partition] = append(r.kept[partition], list...)
	r.cuts[partition] = to
	return nil
}

// cutsKept tells whether the log begins where it was cut. A broker whose disk is full at that moment forgets the cut when it
// is started again: then nothing is missing.
func (r *run) cutsKept(ctx context.Context) (kept bool, err error) {
	topic := r.w.cfg.Topic(bus.Events)
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for p := range r.cuts {
		req.Topics[topic] = append(req.Topics[topic], kafka.FirstOffsetOf(p))
	}
	err = again(ctx, func() error {
		res, err := r.w.client().ListOffsets(ctx, req)
		if err != nil {
			return fmt.Errorf("ask where the log begins: %w", err)
		}
		kept = true
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("ask where the log begins: %w", p.Error)
			}
			kept = kept && p.FirstOffset >= r.cuts[p.Partition]
		}
		return nil
	})
	return kept, err
}

// deleteRecords asks the leader of the partition. The client of the product has no such request, nor has the product.
func (r *run) deleteRecords(ctx context.Context, partition int, to int64) error {
	topic := r.w.cfg.Topic(bus.Events)
	leader, err := kafka.LookupPartition(ctx, "tcp", r.w.cfg.Brokers[0], topic, partition)
	if err != nil {
		return fmt.Errorf("find the leader: %w", err)
	}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.SetVersion(1)
	req.TimeoutMillis = 5000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = int32(partition), to
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	res, err := ask(ctx, net.JoinHostPort(leader.Leader.Host, strconv.Itoa(leader.Leader.Port)), req)
	if err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	deleted, ok := res.(*kmsg.DeleteRecordsResponse)
	if !ok || len(deleted.Topics) != 1 || len(deleted.Topics[0].Partitions) != 1 {
		return errors.New("delete records: unexpected answer")
	}
	if code := deleted.Topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("delete records: %w", kafka.Error(code))
	}
	return nil
}

// ask makes one request of a version without tags on a connection of its own.
func ask(ctx context.Context, addr string, req kmsg.Request) (kmsg.Response, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // of a fresh connection: never fails
	}
	frame := make([]byte, 4, 256)
	frame = binary.BigEndian.AppendUint16(frame, uint16(req.Key()))
	frame = binary.BigEndian.AppendUint16(frame, uint16(req.GetVersion()))
	frame = binary.BigEndian.AppendUint32(frame, 1)
	frame = binary.BigEndian.AppendUint16(frame, 0) // no name
	frame = req.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	res := req.ResponseKind()
	res.SetVersion(req.GetVersion())
	return res, res.ReadFrom(body[4:])
}
