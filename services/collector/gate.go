package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

const (
	// groupGate is the consumer group of all gates.
	groupGate = "gate"
	// The bounds of what a gate takes at once from a partition, and so of its memory.
	gateMessages = 1000
	gateBytes    = 8 << 20
	gateLinger   = 20 * time.Millisecond
)

// gate takes what foreign producers write to the inbox. They choose keys and partitions of their own, so that the same
// event may stand anywhere and any number of times: the gate judges each message as a request is judged, and writes it
// to the topic of events under the key of its identity, which the loader tells duplicates by.
//
// An offset is committed after everything that its message became is durable. A crash before that writes the same
// events again, which their identity absorbs, and the same rejects under the same ids.
type gate struct {
	bus    bus.Config
	parser *event.Parser
	seals  *seals
	events *bus.Producer
	// rejects is the topic of rejects.
	rejects *bus.Producer
	// home is the workspace of the installation: it keeps the rejects that name none of workspaces.
	home       string
	workspaces map[string]bool
	metrics    *gateMetrics
	busMetrics *bus.Metrics
	log        *slog.Logger
	// after is called when a step of a chunk is done; an error from it is a crash at that point. Only tests set it.
	after func(step string) error
}

// run reads the inbox until ctx ends.
func (g *gate) run(ctx context.Context) error {
	return bus.Consume(ctx, g.bus, bus.ConsumeConfig{
		Group: groupGate, Topic: bus.Inbox, MaxMessages: gateMessages, MaxBytes: gateBytes, Linger: gateLinger,
		Log: g.log, Metrics: g.busMetrics,
	}, g.pass)
}

// delivery is a chunk of the inbox on its way.
type delivery struct {
	chunk bus.Chunk
	// receive names this act of receiving, as that of a request does.
	receive string
	events  []bus.Message
	// from is the message that an event was made of, by its place in the chunk.
	from    []int
	kinds   []event.Kind
	rejects []warehouse.Reject
}

// pass takes a chunk through its steps. Both writes come before the commit, which follows when pass has returned.
// Events come first, since the log may refuse one that is too large, which then is a reject.
func (g *gate) pass(ctx context.Context, chunk bus.Chunk) error {
	d := &delivery{chunk: chunk, receive: receiveID()}
	for _, step := range []struct {
		name string
		run  func(context.Context, *delivery) error
	}{{"judge", g.judge}, {"write events", g.writeEvents}, {"keep rejects", g.keepRejects}} {
		if err := step.run(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if g.after == nil {
			continue
		}
		if err := g.after(step.name); err != nil {
			return err
		}
	}
	g.metrics.count(d)
	return nil
}

// judge makes an event or a reject of every message.
func (g *gate) judge(ctx context.Context, d *delivery) error {
	for i := range d.chunk.Messages {
		m := &d.chunk.Messages[i]
		e, from, problems := g.read(m)
		if len(problems) == 0 {
			problems = g.enter(&e)
		}
		if len(problems) > 0 {
			g.reject(d, m, g.keeper(e), e, from, problems[0])
			continue
		}
		sealed, problem, err := g.seals.seal(ctx, e)
		if err != nil {
			return err
		}
		if problem != nil {
			g.reject(d, m, e.Workspace, e, from, *problem)
			continue
		}
		sealed.Receive = d.receive
		key, headers, value := sealed.Message()
		d.events = append(d.events, bus.Message{Key: key, Headers: headers, Value: value})
		d.from, d.kinds = append(d.from, i), append(d.kinds, e.Kind)
	}
	return nil
}

// writeEvents writes the events and returns when the log has them all. What the log would never take becomes a reject;
// what it does not take now fails the chunk, which is read again.
func (g *gate) writeEvents(ctx context.Context, d *delivery) error {
	_, err := g.events.Produce(ctx, d.events)
	var left []error
	for i, failure := range bus.Failures(err, len(d.events)) {
		switch {
		case failure == nil:
		case errors.Is(failure, bus.ErrTooLarge):
			m := &d.chunk.Messages[d.from[i]]
			e, from, _ := g.read(m)
			workspace := g.keeper(e)
			d.kinds[i] = ""
			g.reject(d, m, workspace, e, from, event.TooLargeForLog())
		default:
			left = append(left, failure)
		}
	}
	return errors.Join(left...)
}

// keepRejects writes the rejects and returns when the log has them all.
func (g *gate) keepRejects(ctx context.Context, d *delivery) error {
	messages := make([]bus.Message, 0, len(d.rejects))
	for _, r := range d.rejects {
		m, err := rejectMessage(r)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	_, err := g.rejects.Produce(ctx, messages)
	return err
}

// reject notes that a message is refused. Id and time are those of its place in the inbox, so that a repetition writes
// the same reject. Everything in it is bounded: a reject that the log would not take could never be passed.
func (g *gate) reject(d *delivery, m *kafka.Message, workspace string, e event.Event, from submission, p event.Problem) {
	raw, contentType := from.structured()
	source, id, typ := from.names(e)
	raw, contentType = g.seals.kept(workspace, typ, raw, contentType)
	d.rejects = append(d.rejects, warehouse.Reject{
		RejectID:  fmt.Sprintf("%s-%d-%d-%d", bus.Inbox, m.Partition, m.Offset, m.Time.UnixMilli()),
		Workspace: workspace, At: m.Time.UTC().Truncate(time.Millisecond), Stage: warehouse.StageGate,
		Source: source, ID: id, Type: typ,
		Code: string(p.Code), Pointer: short(p.Pointer), Message: short(p.Message),
		ContentType: short(contentType), Raw: raw[:min(len(raw), event.MaxSize)], SchemaVersion: event.SchemaVersion,
	})
}
