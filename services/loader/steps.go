package loader

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// batch is one chunk of events on its way through the steps.
type batch struct {
	chunk bus.Chunk
	// decoded are the events of the chunk in offset order.
	decoded []event.Stored
	// fresh are to be inserted, repeated are stored already from the same offset: an earlier attempt at this chunk has
	// got that far.
	fresh, repeated []event.Stored
	rejects         []warehouse.Reject
}

// step is one step of loading a chunk.
type step struct {
	name string
	run  func(context.Context, *batch) error
}

// steps are what happens to a chunk, in an order that a crash between any two cannot harm:
//
//   - decode reads the messages; one that is none of ours, or in the wrong partition, is refused.
//   - judge compares each with what is stored and with the chunk before it: new, repeated, duplicate or refused. It only
//     reads, so a repetition judges the same, but for what the steps below have stored meanwhile.
//   - insert raw comes before insert identities: after a crash between them the events are new once more, and the
//     second insert of the same rows collapses with the first. The other way round they would be duplicates of nothing.
//   - mark comes after both, so that whoever rolls the day sees the rows; for repeated rows too, since the crash may have
//     come just before the mark.
//   - refuse writes what was refused, to the table at once, so that an outcome can be told, and to the topic.
//
// Then the consumer commits the offset: a crash before that repeats the chunk, and finds everything stored.
func (l *loader) steps() []step {
	return []step{
		{"decode", l.decode},
		{"judge", l.judge},
		{"insert raw", l.insertRaw},
		{"insert identities", l.insertIdentities},
		{"mark", l.mark},
		{"refuse", l.refuse},
	}
}

// loadChunk takes a chunk of events through the steps.
func (l *loader) loadChunk(ctx context.Context, chunk bus.Chunk) error {
	b := &batch{chunk: chunk}
	for _, s := range l.steps() {
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if l.after == nil {
			continue
		}
		if err := l.after(s.name); err != nil {
			return err
		}
	}
	l.metrics.loaded.Add(float64(len(b.fresh)))
	l.metrics.repeated.Add(float64(len(b.repeated)))
	return nil
}

func (l *loader) decode(_ context.Context, b *batch) error {
	b.decoded = make([]event.Stored, 0, len(b.chunk.Messages))
	for i := range b.chunk.Messages {
		m := &b.chunk.Messages[i]
		stored, err := event.FromMessage(b.chunk.Partition, m.Offset, m.Time, m.Key, bus.Headers(m), m.Value)
		if err == nil {
			err = correctable(stored)
		}
		if err == nil && bus.PartitionOf(m.Key, l.cfg.Bus.PartitionCount()) != b.chunk.Partition {
			err = event.Problem{
				Code:    event.CodeWrongPartition,
				Message: "the message is not in the partition that its key hashes to: send events to the collector or the inbox, never to this topic",
			}
		}
		if err != nil {
			b.reject(m, stored, problemOf(err))
			continue
		}
		b.decoded = append(b.decoded, stored)
	}
	return nil
}

// correctable checks that the new data of a correction is of the kind that it names: no collector lets another one pass.
func correctable(e event.Stored) error {
	c, ok := e.Data.(*event.Correct)
	if !ok {
		return nil
	}
	spec, ok := event.Lookup(c.Target)
	if !ok || c.Target.Amends() {
		return event.Problem{Code: event.CodeBadTarget, Pointer: "/data/kind", Message: "name the kind of the event to correct: any kind but void and correct"}
	}
	if err := json.Unmarshal(c.Data, spec.New(), json.RejectUnknownMembers(true)); err != nil {
		return event.Problem{Code: event.CodeUndecodable, Pointer: "/data/data", Message: "the new data is no " + string(c.Target) + ": " + err.Error()}
	}
	return nil
}

func problemOf(err error) event.Problem {
	var p event.Problem
	if errors.As(err, &p) {
		return p
	}
	return event.Problem{Code: event.CodeUndecodable, Message: err.Error()}
}

// judge decides about every event in offset order. All occurrences of an identity are in this partition, so the first
// one wins, be it stored or earlier in the chunk.
func (l *loader) judge(ctx context.Context, b *batch) error {
	ids := make([]event.Identity, len(b.decoded))
	var targets []event.Identity
	for i, e := range b.decoded {
		ids[i] = e.Identity
		if target, ok := warehouse.TargetOf(e.Event); ok {
			targets = append(targets, target)
		}
	}
	known, err := l.db.LookupIdentities(ctx, b.chunk.Partition, ids)
	if err != nil {
		return err
	}
	// Targets may be in any partition.
	amended, err := l.db.LookupIdentities(ctx, warehouse.AnyPartition, targets)
	if err != nil {
		return err
	}
	for i, e := range b.decoded {
		m := &b.chunk.Messages[e.Receipt.Offset-b.chunk.First]
		first, ok := known[e.Identity]
		switch {
		case !ok:
			if p, bad := badTarget(e, known, amended); bad {
				b.reject(m, e, p)
				continue
			}
			known[e.Identity] = warehouse.Known{
				Partition: e.Receipt.Partition, Offset: e.Receipt.Offset, Payload: e.Payload, Kind: e.Kind, Time: e.Time,
			}
			b.fresh = append(b.fresh, b.decoded[i])
		case first.Payload != e.Payload || first.Kind != e.Kind || !first.Time.Equal(e.Time):
			// Even from the same offset: a log that lost its end gives its offsets out again.
			b.reject(m, e, conflict(first))
		case first.Offset == e.Receipt.Offset:
			b.repeated = append(b.repeated, b.decoded[i])
		default:
			l.metrics.duplicates.WithLabelValues(e.Source).Inc()
		}
	}
	return nil
}

func conflict(first warehouse.Known) event.Problem {
	return event.Problem{
		Code: event.CodeIDConflict, Pointer: "/id",
		Message: fmt.Sprintf("another event with this source and id, a %s of %s, was taken before and stays: "+
			"use a new id for a new event, or send a correction of the old one", first.Kind, first.Time.Format(event.TimeForm)),
	}
}

// badTarget says whether the target of a void or a correction is known and cannot be one. A target that is not known
// yet may still come; should it then turn out to be none, the amendment has no effect.
func badTarget(e event.Stored, known, amended map[event.Identity]warehouse.Known) (event.Problem, bool) {
	id, ok := warehouse.TargetOf(e.Event)
	if !ok {
		return event.Problem{}, false
	}
	target, ok := known[id]
	if !ok {
		if target, ok = amended[id]; !ok {
			return event.Problem{}, false
		}
	}
	if target.Kind.Amends() {
		return event.Problem{
			Code: event.CodeBadTarget, Pointer: "/data/id",
			Message: "the target is itself a void or a correction: name the event that it changes",
		}, true
	}
	if c, isCorrection := e.Data.(*event.Correct); isCorrection && c.Target != target.Kind {
		return event.Problem{
			Code: event.CodeBadTarget, Pointer: "/data/kind",
			Message: fmt.Sprintf("the target is a %s, not a %s", target.Kind, c.Target),
		}, true
	}
	return event.Problem{}, false
}

func (l *loader) insertRaw(ctx context.Context, b *batch) error {
	byKind := map[event.Kind][]event.Stored{}
	for _, e := range b.fresh {
		byKind[e.Kind] = append(byKind[e.Kind], e)
	}
	for kind, rows := range byKind {
		if err := l.db.InsertRaw(ctx, kind, rows); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) insertIdentities(ctx context.Context, b *batch) error {
	return l.db.InsertIdentities(ctx, b.fresh)
}
