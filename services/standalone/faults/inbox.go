package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// poisonMark begins the messages on the inbox that are no events.
const poisonMark = "poison"

// inbox writes what a foreign producer writes: events in both modes, under keys and in partitions of its own choice, some of
// which clients send, too, and messages that are no events.
func (x *extra) inbox(ctx context.Context) error {
	d := &drawing{rng: x.rng, made: map[string][]shipment{}, n: 2_000_000 + x.rng.IntN(1_000_000)}
	var list []shipment
	var messages []kafka.Message
	for i := range 2 + x.rng.IntN(30) {
		if i%7 == 6 {
			m := kafka.Message{Value: fmt.Appendf(nil, "%s %d", poisonMark, x.rng.IntN(1000))}
			m.Headers = []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
			messages = append(messages, x.anywhere(m))
			continue
		}
		s := d.next()
		if i%5 == 4 {
			s = x.clients[x.rng.IntN(len(x.clients))]
		}
		m, err := foreign(s, x.rng.IntN(2) == 0)
		if err != nil {
			return err
		}
		list, messages = append(list, s), append(messages, x.anywhere(m))
	}
	x.run.load.note(list)
	if err := x.produce(ctx, bus.Inbox, messages...); err != nil {
		return err
	}
	x.foreign = append(x.foreign, list...)
	return nil
}

// anywhere gives a message a key and a partition that mean nothing.
func (x *extra) anywhere(m kafka.Message) kafka.Message {
	m.Key, m.WriterData = fmt.Append(nil, x.rng.IntN(9)), x.rng.IntN(partitions)
	return m
}

// foreign writes an event by the Kafka binding of CloudEvents, in the binary or the structured mode.
func foreign(s shipment, binary bool) (kafka.Message, error) {
	attributes := map[string]string{
		"specversion": "1.0", "id": s.id, "source": s.source, "type": s.data.Kind().Type(), "time": s.time.UTC().Format(event.TimeForm),
		event.ExtensionWorkspace: s.workspace,
	}
	if binary {
		m := kafka.Message{Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/json")}}}
		for name, value := range attributes {
			m.Headers = append(m.Headers, kafka.Header{Key: "ce_" + name, Value: []byte(value)})
		}
		var err error
		m.Value, err = json.Marshal(s.data)
		return m, err
	}
	all := map[string]any{"data": s.data}
	for name, value := range attributes {
		all[name] = value
	}
	value, err := json.Marshal(all)
	return kafka.Message{Value: value, Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}, err
}

// passed waits until a consumer group has passed everything on a topic.
func (x *extra) passed(ctx context.Context, name bus.Name, group string) error {
	end, err := x.ends(ctx, name)
	if err != nil {
		return err
	}
	cfg := x.run.w.cfg
	topic := cfg.Topic(name)
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); {
		open := len(end)
		res, err := x.run.w.client().OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: cfg.Group(group), Topics: map[string][]int{topic: everyPartition()}})
		if err == nil && res.Error == nil { // else the coordinator moves
			for _, p := range res.Topics[topic] {
				if e, ok := end[p.Partition]; ok && p.CommittedOffset >= e {
					open--
				}
			}
			if open == 0 {
				return nil
			}
		}
		if err := process.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(errLate, fmt.Errorf("%s was not passed by %s in %s", topic, group, settleTime))
}

func everyPartition() []int {
	out := make([]int, partitions)
	for p := range out {
		out[p] = p
	}
	return out
}

// judgeInbox looks for everything that was written to the inbox: each event in the log, with the content that was sent, and
// each message that is none in one reject.
func (r *run) judgeInbox(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	type content struct {
		identity event.Identity
		payload  event.PayloadHash
	}
	logged := map[content]bool{}
	for _, e := range m.at {
		logged[content{e.Identity, e.Payload}] = true
	}
	for _, s := range r.extra.foreign {
		if !logged[content{event.IdentityOf(s.workspace, s.source, s.id), r.load.payload(s)}] {
			rep.lost = append(rep.lost, fmt.Sprintf("%s %s of %s was written to the inbox and is not in the log", s.source, s.id, s.workspace))
		}
	}
	var rows []struct {
		ID string `ch:"reject_id"`
		N  uint64 `ch:"n"`
	}
	if err := db.Query(ctx, "SELECT reject_id, count() AS n FROM rejects FINAL WHERE stage = 'gate' GROUP BY reject_id", nil, &rows); err != nil {
		return err
	}
	// By place: the time in the id is that of the append, which not every client is told.
	rejects := map[string]uint64{}
	for _, row := range rows {
		rejects[row.ID[:max(strings.LastIndexByte(row.ID, '-'), 0)]] += row.N
	}
	for p := range partitions {
		var list []message
		err := again(ctx, func() (err error) {
			list, err = r.readLog(ctx, bus.Inbox, p, -1)
			return err
		})
		if err != nil {
			return err
		}
		for _, msg := range list {
			id := fmt.Sprintf("%s-%d-%d", bus.Inbox, p, msg.Offset)
			if n := rejects[id]; refusable(msg) && n != 1 {
				rep.lost = append(rep.lost, fmt.Sprintf("%d rejects of the message that can not be taken at %s, want 1", n, id))
			} else if n > 0 {
				delete(rejects, id)
			}
		}
	}
	for id := range rejects {
		rep.duplicated = append(rep.duplicated, fmt.Sprintf("reject %s is of no message on the inbox", id))
	}
	return nil
}

// refusable tells whether the gate has to refuse a message: it is none of ours, or broken.
func refusable(m message) bool {
	return bytes.HasPrefix(m.Value, []byte(poisonMark)) || bytes.Contains(m.Value, []byte(`"`+brokenSource+`"`))
}
