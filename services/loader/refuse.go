package loader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// reject notes that a message is refused. Its id and its time are those of its place in the log, so that a
// repetition writes the same reject.
func (b *batch) reject(m *kafka.Message, e event.Stored, p event.Problem) {
	b.rejects = append(b.rejects, rejectOf("events", m, e, p))
}

// rejectID names a reject after its place in the log.
func rejectID(topic string, m *kafka.Message) string {
	return warehouse.RejectID(topic, m.Partition, m.Offset, m.Time)
}

func rejectOf(topic string, m *kafka.Message, e event.Stored, p event.Problem) warehouse.Reject {
	r := warehouse.Reject{
		RejectID:  rejectID(topic, m),
		At:        m.Time.UTC(),
		Stage:     warehouse.StageLoader,
		Workspace: e.Workspace,
		Code:      string(p.Code), Pointer: p.Pointer, Message: p.Message,
		ContentType:    event.RawMessageType,
		KafkaPartition: uint16(m.Partition), KafkaOffset: uint64(m.Offset),
		SchemaVersion: event.SchemaVersion,
	}
	// The headers name the event even where it could not be decoded.
	for _, h := range m.Headers {
		switch h.Key {
		case event.HeaderSource:
			r.Source = string(h.Value)
		case event.HeaderID:
			r.ID = string(h.Value)
		case event.HeaderType:
			r.Type = string(h.Value)
		case event.HeaderWorkspace:
			r.Workspace = string(h.Value)
		}
	}
	readable(&r)
	raw, err := event.NewRawMessage(m.Key, bus.Headers(m), m.Value).Encode()
	if err != nil {
		raw, r.ContentType = m.Value, "application/octet-stream"
	}
	r.Raw = raw
	return r
}

// mostText bounds each text of a reject, bytes: more than any that the contract allows.
const mostText = 2048

// readable repairs the texts of a reject, which may be anything: one that is no UTF-8 could not travel as JSON, a huge
// one not as a message, and either would hold up everything behind it. The bytes as they came are in Raw.
func readable(r *warehouse.Reject) {
	for _, text := range []*string{&r.Workspace, &r.Source, &r.ID, &r.Type, &r.Code, &r.Pointer, &r.Message} {
		*text = strings.ToValidUTF8((*text)[:min(len(*text), mostText)], "\uFFFD")
	}
}

// topicLimit is the most raw bytes of a reject that travels on the topic: as base64 it must fit into a message.
const topicLimit = 512 << 10

// refuse writes the rejects of a chunk to the table and to the topic. The table comes first and alone would do for
// those who ask what became of an event; the topic is what replays and other systems read. A reject too large for a
// message stands in the table only.
func (l *loader) refuse(ctx context.Context, b *batch) error {
	return l.writeRejects(ctx, b.rejects)
}

func (l *loader) writeRejects(ctx context.Context, rejects []warehouse.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	if err := l.erased.blank(ctx, rejects); err != nil {
		return err
	}
	if err := l.db.InsertRejects(ctx, rejects); err != nil {
		return err
	}
	var messages []bus.Message
	for _, r := range rejects {
		l.metrics.rejected.WithLabelValues(r.Code).Inc()
		if len(r.Raw) > topicLimit {
			continue
		}
		value, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode reject: %w", err)
		}
		messages = append(messages, bus.Message{Key: []byte(r.RejectID), Value: value})
	}
	if _, err := l.rejected.Produce(ctx, messages); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

// rejectedChunk copies rejects, and the replays of rejects, into their tables. A reject without an id is named after its
// place on the topic.
func (l *loader) rejectedChunk(ctx context.Context, chunk bus.Chunk) error {
	rejects := make([]warehouse.Reject, 0, len(chunk.Messages))
	var replays []warehouse.Replay
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
		var err error
		if contentType(m) == warehouse.ReplayType {
			var r warehouse.Replay
			if r, err = replayOf(m); err == nil {
				replays = append(replays, r)
				continue
			}
		} else {
			var r warehouse.Reject
			if err = json.Unmarshal(m.Value, &r); err == nil {
				rejects = append(rejects, copied(m, r))
				continue
			}
		}
		// Not back to the topic, where it would be met again.
		l.log.ErrorContext(ctx, "message on the topic of rejects is unreadable", "partition", m.Partition, "offset", m.Offset, "error", err)
		rejects = append(rejects, rejectOf("rejected", m, event.Stored{}, event.Problem{Code: event.CodeUndecodable, Message: "not a reject: " + err.Error()}))
	}
	if err := l.erased.refresh(ctx); err != nil {
		return err
	}
	l.erased.blankReplays(replays)
	if err := l.erased.blank(ctx, rejects); err != nil {
		return err
	}
	if err := l.db.InsertReplays(ctx, replays); err != nil {
		return err
	}
	return l.db.InsertRejects(ctx, rejects)
}

func contentType(m *kafka.Message) string {
	for _, h := range m.Headers {
		if h.Key == event.HeaderContent {
			return string(h.Value)
		}
	}
	return ""
}

// copied completes a reject of the topic. A time that is none would be refused by the table, or expire at once: then
// it is that of the message.
func copied(m *kafka.Message, r warehouse.Reject) warehouse.Reject {
	if r.RejectID == "" {
		r.RejectID = rejectID("rejected", m)
	}
	if !plausible(m, r.At) {
		r.At = m.Time.UTC()
	}
	return r
}

// plausible tells whether a time may be that of something that was written with the message.
func plausible(m *kafka.Message, at time.Time) bool {
	return at.Year() >= 2000 && at.Before(m.Time.Add(24*time.Hour))
}

// replayOf reads the record of a replay.
func replayOf(m *kafka.Message) (warehouse.Replay, error) {
	var r warehouse.Replay
	if err := json.Unmarshal(m.Value, &r); err != nil {
		return r, err
	}
	if r.RejectID == "" || r.ReplayID == "" {
		return r, errors.New("a replay names its reject and itself")
	}
	if !plausible(m, r.At) {
		r.At = m.Time.UTC()
	}
	return r, nil
}
