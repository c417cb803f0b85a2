package loader

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// rawMessage is a message of the log as the raw bytes of a reject: nothing of it is lost, and it can be written again.
type rawMessage struct {
	Key     []byte      `json:"key"`
	Headers []rawHeader `json:"headers"`
	Value   []byte      `json:"value"`
}

type rawHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

const (
	// rawMessageType is the content type of [rawMessage].
	rawMessageType = "application/vnd.plumbline.message+json"
	// schemaVersion is the version of the event contract that refused.
	schemaVersion = "v1"
)

// reject notes that a message is refused. Its id and its time are those of its place in the log, so that a
// repetition writes the same reject.
func (b *batch) reject(m *kafka.Message, e event.Stored, p event.Problem) {
	b.rejects = append(b.rejects, rejectOf("events", m, e, p))
}

// rejectID names a reject after its place in the log; with the time, since a topic that was made anew counts from 0.
func rejectID(topic string, m *kafka.Message) string {
	return fmt.Sprintf("%s-%d-%d-%d", topic, m.Partition, m.Offset, m.Time.UnixMilli())
}

func rejectOf(topic string, m *kafka.Message, e event.Stored, p event.Problem) warehouse.Reject {
	raw := rawMessage{Key: m.Key, Value: m.Value}
	r := warehouse.Reject{
		RejectID:  rejectID(topic, m),
		At:        m.Time.UTC(),
		Stage:     warehouse.StageLoader,
		Workspace: e.Workspace,
		Code:      string(p.Code), Pointer: p.Pointer, Message: p.Message,
		ContentType:    rawMessageType,
		KafkaPartition: uint16(m.Partition), KafkaOffset: uint64(m.Offset),
		SchemaVersion: schemaVersion,
	}
	// The headers name the event even where it could not be decoded.
	for _, h := range m.Headers {
		raw.Headers = append(raw.Headers, rawHeader(h))
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
	// Texts of an unreadable message need not be UTF-8; as JSON it keeps bytes as base64, so only keys could fail.
	encoded, err := json.Marshal(raw)
	if err != nil {
		encoded = m.Value
		r.ContentType = "application/octet-stream"
	}
	r.Raw = encoded
	return r
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

// rejectedChunk copies rejects into their table. One without an id is named after its place on the topic.
func (l *loader) rejectedChunk(ctx context.Context, chunk bus.Chunk) error {
	rejects := make([]warehouse.Reject, 0, len(chunk.Messages))
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
		var r warehouse.Reject
		if err := json.Unmarshal(m.Value, &r); err != nil {
			// Not back to the topic, where it would be met again.
			l.log.ErrorContext(ctx, "message on the topic of rejects is unreadable", "partition", m.Partition, "offset", m.Offset, "error", err)
			r = rejectOf("rejected", m, event.Stored{}, event.Problem{Code: event.CodeUndecodable, Message: "not a reject: " + err.Error()})
		}
		if r.RejectID == "" {
			r.RejectID = rejectID("rejected", m)
		}
		rejects = append(rejects, r)
	}
	return l.db.InsertRejects(ctx, rejects)
}
