package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// schemaVersion is the version of the contract that judged an event.
const schemaVersion = "v1"

// rejects keeps what was not taken, with the bytes as they came, so that it can be seen and sent again.
type rejects struct {
	producer *bus.Producer
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
	n := len(messages)
	if partial := (*bus.PartialError)(nil); errors.As(err, &partial) {
		n = len(partial.Unwrap())
	}
	r.lost(ctx, n, err)
}

func (r *rejects) lost(ctx context.Context, n int, err error) {
	r.metrics.lost.Add(float64(n))
	r.log.ErrorContext(ctx, "keep rejected events failed", "error", err, "events", n)
}

func (r *rejects) message(workspace string, e *entry) (bus.Message, error) {
	raw, contentType := e.from.structured()
	out := warehouse.Reject{
		Workspace: workspace, At: r.now().UTC().Truncate(time.Millisecond), Stage: warehouse.StageCollector,
		Source: e.answer.Source, ID: e.answer.ID,
		Code: string(e.answer.Code), Pointer: e.answer.Pointer, Message: e.answer.Message,
		ContentType: contentType, Raw: raw[:min(len(raw), event.MaxSize)], SchemaVersion: schemaVersion,
	}
	if e.event.Kind != "" {
		out.Type = e.event.Kind.Type()
	}
	value, err := json.Marshal(out)
	if err != nil {
		return bus.Message{}, err
	}
	// All rejects of one event are in one partition, in order.
	id := event.IdentityOf(workspace, out.Source, out.ID)
	return bus.Message{Key: id[:], Value: value, Headers: []event.Header{
		{Key: event.HeaderContent, Value: []byte("application/json")},
		{Key: event.HeaderWorkspace, Value: []byte(workspace)},
	}}, nil
}

// structured is the submission in a form that can be sent again by itself: one that came in the binary mode gets its
// attributes back, unless its data is no JSON, which then is all that is kept.
func (s submission) structured() (raw []byte, contentType string) {
	if s.attributes == nil || !json.Valid(s.body) {
		return s.body, s.contentType
	}
	attrs, err := json.Marshal(s.attributes)
	if err != nil {
		return s.body, s.contentType
	}
	// The data is the last member, byte by byte as it came.
	return bytes.Join([][]byte{attrs[:len(attrs)-1], []byte(`,"data":`), s.body, []byte("}")}, nil), typeStructured
}
