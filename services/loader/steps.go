package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// batch is one chunk of events on its way through the steps.
type batch struct {
	chunk bus.Records
	// decoded are the events of the chunk in offset order.
	decoded []event.Stored
	// fresh are to be inserted, repeated are stored already from the same offset: an earlier attempt at this chunk has
	// got that far.
	fresh, repeated []event.Stored
	// duplicates say what is stored from another offset.
	duplicates []warehouse.Duplicate
	rejects    []warehouse.Reject
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
//   - seal refuses new events of closed days; after judge, so that the retry of an old one is a duplicate still. One that an
//     earlier attempt has stored when its day was open stays stored.
//   - insert raw comes before insert identities: after a crash between them the events are new once more, and the
//     second insert of the same rows collapses with the first. The other way round they would be duplicates of nothing.
//   - mark comes after both, so that whoever rolls the day sees the rows; for repeated rows too, since the crash may have
//     come just before the mark.
//   - note duplicates writes where they stand, for those who ask how many came: whatever is read again stands there again.
//   - refuse writes what was refused, to the table at once, so that an outcome can be told, and to the topic.
//
// The steps that write are done for the chunks of several partitions together, where these are small; see [together].
//
// Then the consumer commits the offset: a crash before that repeats the chunk, and finds everything stored.
func (l *loader) steps() (judging, storing, refusing []step) {
	return []step{
			{"decode", l.decode},
			{"judge", l.judge},
			{"seal", l.refuseSealed},
		}, []step{
			{"insert raw", l.insertRaw},
			{"insert identities", l.insertIdentities},
			{"mark", l.mark},
			{"note duplicates", l.noteDuplicates},
		}, []step{
			{"refuse", l.refuse},
		}
}

// loadChunk takes a chunk of events through the steps.
func (l *loader) loadChunk(ctx context.Context, chunk bus.Records) error {
	judging, _, refusing := l.steps()
	b := &batch{chunk: chunk}
	if err := l.take(ctx, judging, b); err != nil {
		return err
	}
	if err := l.together.run(ctx, b); err != nil {
		return err
	}
	if err := l.take(ctx, refusing, b); err != nil {
		return err
	}
	l.metrics.loaded.Add(float64(len(b.fresh)))
	l.metrics.repeated.Add(float64(len(b.repeated)))
	return nil
}

// store takes the chunks of several partitions through the steps that write, as one.
func (l *loader) store(ctx context.Context, batches []*batch) error {
	_, storing, _ := l.steps()
	if len(batches) == 1 {
		return l.take(ctx, storing, batches[0])
	}
	// Marks name one of the chunks, which is enough to find the others.
	all := &batch{chunk: batches[0].chunk}
	for _, b := range batches {
		all.fresh, all.repeated = append(all.fresh, b.fresh...), append(all.repeated, b.repeated...)
		all.duplicates = append(all.duplicates, b.duplicates...)
	}
	return l.take(ctx, storing, all)
}

// take takes a batch through some of the steps.
func (l *loader) take(ctx context.Context, steps []step, b *batch) error {
	for _, s := range steps {
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
	return nil
}

func (l *loader) decode(ctx context.Context, b *batch) error {
	if err := l.erased.refresh(ctx); err != nil {
		return err
	}
	b.decoded = make([]event.Stored, 0, len(b.chunk.Records))
	decoder, partitionOf := event.NewDecoder(), bus.Partitioner(l.cfg.Bus.PartitionCount())
	in := event.Incoming{}
	for i := range b.chunk.Records {
		r := &b.chunk.Records[i]
		in.Receipt, in.Appended = event.Receipt{Partition: b.chunk.Partition, Offset: r.Offset}, r.Appended()
		in.Key, in.Value, in.Headers = r.Key, r.Value, r.AppendHeaders(in.Headers[:0])
		b.decoded = append(b.decoded, event.Stored{})
		stored := &b.decoded[len(b.decoded)-1]
		err := decoder.Decode(&in, stored)
		if err == nil {
			err = correctable(stored)
		}
		if err == nil {
			err = l.erased.apply(stored)
		}
		if err == nil && partitionOf([]byte(r.Key)) != b.chunk.Partition {
			err = event.Problem{
				Code:    event.CodeWrongPartition,
				Message: "the message is not in the partition that its key hashes to: send events to the collector or the inbox, never to this topic",
			}
		}
		if err != nil {
			m := b.chunk.Message(i)
			b.reject(&m, *stored, problemOf(err))
			b.decoded = b.decoded[:len(b.decoded)-1]
		}
	}
	return nil
}

// rejectEvent notes that an event of the chunk is refused.
func (b *batch) rejectEvent(e event.Stored, p event.Problem) {
	i, _ := slices.BinarySearchFunc(b.chunk.Records, e.Receipt.Offset, func(r bus.Record, offset int64) int {
		return cmp.Compare(r.Offset, offset)
	})
	m := b.chunk.Message(i)
	b.reject(&m, e, p)
}

// correctable checks that the new data of a correction is of the kind that it names: no collector lets another one pass.
func correctable(e *event.Stored) error {
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
//
// The table is asked about those that may be known, which is few of them: see [seen]. An event that is surely new stands in
// no earlier place of the chunk either, and where a later one has its identity, or names it, it is remembered for that.
func (l *loader) judge(ctx context.Context, b *batch) error {
	filter, err := l.seen.filter(ctx, b.chunk.Partition)
	if err != nil {
		return err
	}
	var targets []event.Identity
	suspects := map[event.Identity]bool{}
	for i := range b.decoded {
		e := &b.decoded[i]
		if !filter.surelyNew(e.Identity) {
			suspects[e.Identity] = true
		}
		if target, ok := warehouse.TargetOf(e.Event); ok {
			targets = append(targets, target)
			suspects[target] = true
		}
	}
	known, err := l.db.LookupIdentities(ctx, b.chunk.Partition, slices.Collect(maps.Keys(suspects)))
	if err != nil {
		return err
	}
	// Targets may be in any partition.
	amended, err := l.db.LookupIdentities(ctx, warehouse.AnyPartition, targets)
	if err != nil {
		return err
	}
	b.fresh = b.decoded[:0] // in place: a large chunk is many megabytes
	for i := range b.decoded {
		e := &b.decoded[i]
		suspect := suspects[e.Identity]
		first, ok := known[e.Identity]
		switch {
		case !suspect || !ok:
			p, bad, err := l.refusable(ctx, e, known, amended)
			if err != nil {
				return err
			}
			if bad {
				b.rejectEvent(*e, p)
				continue
			}
			if suspect {
				known[e.Identity] = warehouse.Known{
					Partition: e.Receipt.Partition, Offset: e.Receipt.Offset, Payload: e.Payload, Kind: e.Kind, Time: e.Time,
				}
			}
			b.fresh = append(b.fresh, *e)
		case !first.Same(e.Event, e.Payload):
			// Even from the same offset: a log that lost its end gives its offsets out again.
			b.rejectEvent(*e, mismatch(e, first, known, amended))
		case first.Offset == e.Receipt.Offset:
			b.repeated = append(b.repeated, *e)
		default:
			l.metrics.duplicates.WithLabelValues(e.Source).Inc()
			b.duplicates = append(b.duplicates, duplicateOf(e))
		}
	}
	b.decoded = nil
	return nil
}

// refusable tells whether an event without an identity has a bad target. One whose row is stored is not refused: an
// earlier attempt at the chunk knew less and has taken it, and it would be both.
func (l *loader) refusable(ctx context.Context, e *event.Stored, known, amended map[event.Identity]warehouse.Known) (event.Problem, bool, error) {
	p, bad := badTarget(e, known, amended)
	if !bad {
		return p, false, nil
	}
	stored, err := l.db.StoredRows(ctx, []event.Stored{*e})
	return p, !stored[e.Identity], err
}

// mismatch is why an event is refused that says something else than what is stored under its identity. Where that stands
// behind it in the log, an earlier attempt at the chunk has refused the event, as it can only have done for its target.
func mismatch(e *event.Stored, first warehouse.Known, known, amended map[event.Identity]warehouse.Known) event.Problem {
	if p, bad := badTarget(e, known, amended); bad && first.Offset > e.Receipt.Offset {
		return p
	}
	return warehouse.Conflict(first)
}

// badTarget says whether the target of a void or a correction is known, of this chunk or stored, and cannot be one.
func badTarget(e *event.Stored, known, amended map[event.Identity]warehouse.Known) (event.Problem, bool) {
	if id, ok := warehouse.TargetOf(e.Event); !ok {
		return event.Problem{}, false
	} else if _, here := known[id]; here {
		return warehouse.BadTarget(e.Event, known)
	}
	return warehouse.BadTarget(e.Event, amended)
}

func (l *loader) insertRaw(ctx context.Context, b *batch) error {
	return l.db.InsertEvents(ctx, b.fresh)
}

func (l *loader) insertIdentities(ctx context.Context, b *batch) error {
	return l.db.InsertIdentities(ctx, b.fresh)
}

func duplicateOf(e *event.Stored) warehouse.Duplicate {
	return warehouse.Duplicate{
		Workspace: e.Workspace, Source: e.Source, ReceivedAt: e.ReceivedAt,
		KafkaPartition: uint16(e.Receipt.Partition), KafkaOffset: uint64(e.Receipt.Offset),
	}
}

func (l *loader) noteDuplicates(ctx context.Context, b *batch) error {
	return l.db.InsertDuplicates(ctx, b.duplicates)
}
