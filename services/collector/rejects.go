package collector

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// rejects keeps what was not taken, with the bytes as they came, so that it can be seen and sent again.
type rejects struct {
	producer *bus.Producer
	seals    *seals
	now      func() time.Time
	metrics  *metrics
	log      *slog.Logger
}

// keep writes rejected entries to their topic. It can not fail the request, whose answer names the reasons anyhow; what
// could not be kept is logged and counted.
func (r *rejects) keep(ctx context.Context, workspace string, entries []entry) {
	messages := make([]bus.Message, 0, len(entries))
	for i := range entries {
		m, err := r.message(workspace, &entries[i])
		if err != nil {
			r.lost(ctx, 1, err)
			continue
		}
		messages = append(messages, m)
	}
	_, err := r.producer.Produce(ctx, messages)
	if err == nil {
		return
	}
	r.lost(ctx, bus.Failed(err, len(messages)), err)
}

func (r *rejects) lost(ctx context.Context, n int, err error) {
	r.metrics.lost.Add(float64(n))
	r.log.ErrorContext(ctx, "keep rejected events failed", "error", err, "events", n)
}

func (r *rejects) message(workspace string, e *entry) (bus.Message, error) {
	raw, contentType := e.from.structured()
	source, id, typ := e.from.names(e.event)
	raw, contentType = r.seals.kept(workspace, typ, raw, contentType)
	out := warehouse.Reject{
		Workspace: workspace, At: r.now().UTC().Truncate(time.Millisecond), Stage: warehouse.StageCollector,
		Source: source, ID: id, Type: typ,
		Code: string(e.answer.Code), Pointer: e.answer.Pointer, Message: e.answer.Message,
		ContentType: contentType, Raw: raw[:min(len(raw), event.MaxSize)], SchemaVersion: event.SchemaVersion,
	}
	return rejectMessage(out)
}

// rejectMessage is a reject on its topic. All rejects of one event are in one partition, in order.
func rejectMessage(r warehouse.Reject) (bus.Message, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return bus.Message{}, fmt.Errorf("encode reject: %w", err)
	}
	key := event.IdentityOf(r.Workspace, r.Source, r.ID)
	return bus.Message{Key: key[:], Value: value, Headers: []event.Header{
		{Key: event.HeaderContent, Value: []byte(typeBinary)},
		{Key: event.HeaderWorkspace, Value: []byte(r.Workspace)},
	}}, nil
}

// names are source, id and type of an event that is refused, whatever could be read of it: also the type that is none of
// ours, and those of an event that was too large or too broken to be looked at whole.
func (s submission) names(e event.Event) (source, id, typ string) {
	if s.attributes != nil {
		source, id, typ = s.attributes["source"], s.attributes["id"], s.attributes["type"]
	} else {
		source, id, typ = event.Peek(s.body)
	}
	source, id = cmp.Or(e.Source, source), cmp.Or(e.ID, id)
	if e.Kind != "" {
		typ = e.Kind.Type()
	}
	return short(source), short(id), short(typ)
}

// structured is the submission in a form that can be sent again by itself: one that came in the binary mode gets its
// attributes back. Where its data is no JSON, which has no place in the structured form, it is kept as the message that
// the binary mode of the Kafka binding makes of it.
func (s submission) structured() (raw []byte, contentType string) {
	if _, typed := s.attributes["datacontenttype"]; len(s.attributes) == 0 || typed && len(s.attributes) == 1 {
		return s.body, s.contentType // the whole event, or none at all
	}
	raw, whole, err := event.StructuredOf(s.attributes, s.body)
	if err == nil && (whole || len(s.body) == 0) {
		return raw, typeStructured
	}
	if raw, err = event.RawBinary(s.attributes, s.body).Encode(); err != nil {
		return s.body, s.contentType
	}
	return raw, event.RawMessageType
}
