package collector

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// submission is how one event came.
type submission struct {
	body        []byte
	contentType string
	// attributes are those of the binary mode, which stand beside the body.
	attributes map[string]string
}

// entry is one event of a request and what becomes of it.
type entry struct {
	from     submission
	event    event.Event
	identity event.Identity
	payload  event.PayloadHash
	answer   event.Answer
}

// intake is a request under way.
type intake struct {
	key     access.Key
	receive string
	entries []entry
	// messages are for the log; sent names the entry of each.
	messages []bus.Message
	sent     []int
	first    map[event.Identity]int
	// away is why no wave of the survey could be opened.
	away error
}

func (in *intake) grow(n int) {
	in.entries = make([]entry, 0, n)
	in.messages = make([]bus.Message, 0, n)
	in.sent = make([]int, 0, n)
	in.first = make(map[event.Identity]int, n)
}

// add judges one event and puts it among the messages, or gives it its answer.
func (r *receiver) add(ctx context.Context, in *intake, e event.Event, problems []event.Problem, from submission) {
	n := len(in.entries)
	in.entries = append(in.entries, entry{from: from, event: e, answer: event.Answer{Source: short(e.Source), ID: short(e.ID)}})
	this := &in.entries[n]
	if len(problems) == 0 {
		problems = forbidden(in.key, e)
	}
	if len(problems) > 0 {
		this.reject(problems)
		return
	}
	this.event.Workspace = in.key.Workspace
	sealed, problem, err := r.seal(ctx, in, this.event)
	switch {
	case err != nil:
		this.retry()
		return
	case problem != nil:
		this.reject([]event.Problem{*problem})
		return
	}
	this.identity, this.payload = sealed.Identity, sealed.Payload
	if i, ok := in.first[sealed.Identity]; ok {
		if in.entries[i].payload == sealed.Payload {
			this.answer.State = event.Duplicate
			return
		}
		this.reject([]event.Problem{{
			Code: event.CodeIDConflict, Pointer: "/id",
			Message: "an event with this source and id, but with other content, stands earlier in the request: give it another id",
		}})
		return
	}
	in.first[sealed.Identity] = n
	sealed.Receive = in.receive
	key, headers, value := sealed.Message()
	in.messages = append(in.messages, bus.Message{Key: key, Headers: headers, Value: value})
	in.sent = append(in.sent, n)
}

// seal seals an event of a request. Where the log does not confirm a wave of the survey no further one is waited for.
func (r *receiver) seal(ctx context.Context, in *intake, e event.Event) (event.Sealed, *event.Problem, error) {
	if in.away != nil && len(event.WavesOf(e)) > 0 {
		return event.Sealed{}, nil, in.away
	}
	sealed, problem, err := r.seals.seal(ctx, e)
	if err != nil {
		in.away = err
		r.log.WarnContext(ctx, "opening a wave of the survey failed", "error", err)
	}
	return sealed, problem, err
}

// retry says that the log has not confirmed the event.
func (e *entry) retry() {
	e.answer.State, e.answer.Code = event.Retry, event.CodeBrokerAway
	e.answer.Message = "the log has not confirmed the event: send the same again"
}

func (e *entry) reject(problems []event.Problem) {
	e.answer.State = event.Rejected
	e.answer.Code, e.answer.Pointer, e.answer.Message = problems[0].Code, problems[0].Pointer, problems[0].Message
	if len(problems) > 1 {
		e.answer.Problems = problems
	}
}

// forbidden says which sources and kinds of the event the key may not touch: its own, and those of the event that it amends.
// Of what kind the target of a void is, the event does not say: a key that may send voids may send them for its sources.
func forbidden(key access.Key, e event.Event) []event.Problem {
	var out []event.Problem
	if !key.Sends(e.Source) {
		out = append(out, event.Problem{
			Code: event.CodeForbiddenSource, Pointer: "/source", Message: "this key may not write events of this source: use the key of the source",
		})
	}
	if !key.MayWriteKind(string(e.Kind)) {
		out = append(out, event.Problem{
			Code: event.CodeForbiddenKind, Pointer: "/type", Message: "this key may not write events of this kind: use a key for it",
		})
	}
	var target string
	switch d := e.Data.(type) {
	case *event.Void:
		target = d.Source
	case *event.Correct:
		target = d.Source
		if !key.MayWriteKind(string(d.Target)) {
			out = append(out, event.Problem{
				Code: event.CodeForbiddenKind, Pointer: "/data/kind", Message: "this key may not change events of this kind: use a key for it",
			})
		}
	default:
		return out
	}
	if !key.Sends(target) {
		out = append(out, event.Problem{
			Code: event.CodeForbiddenSource, Pointer: "/data/source", Message: "this key may not change events of this source: use the key of the source",
		})
	}
	return out
}

// short bounds what an answer repeats of a name that may be anything.
func short(s string) string {
	const most = 1024
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// write produces the events and keeps the rejects, and completes the answers. An event is accepted once the broker has
// it, and not before.
func (r *receiver) write(ctx context.Context, in *intake) {
	var keeping sync.WaitGroup
	if rejected := in.rejected(); len(rejected) > 0 {
		keeping.Go(func() { r.rejects.keep(ctx, in.key.Workspace, rejected) })
	}
	if len(in.messages) > 0 {
		r.produce(ctx, in)
	}
	keeping.Wait()
}

// rejected are copies of the entries that are not taken.
func (in *intake) rejected() []entry {
	var out []entry
	for i := range in.entries {
		if in.entries[i].answer.State == event.Rejected {
			out = append(out, in.entries[i])
		}
	}
	return out
}

func (r *receiver) produce(ctx context.Context, in *intake) {
	started := time.Now()
	receipts, err := r.events.Produce(ctx, in.messages)
	result := "ok"
	if err != nil {
		result = "failed"
		r.log.WarnContext(ctx, "produce failed", "error", err, "events", len(in.messages))
	}
	failures := bus.Failures(err, len(in.messages))
	r.metrics.produce.WithLabelValues(result).Observe(time.Since(started).Seconds())
	var late []entry
	for i, n := range in.sent {
		e := &in.entries[n]
		switch failure := failures[i]; {
		case failure == nil:
			e.answer.State, e.answer.Receipt = event.Accepted, receipts[i].String()
		case errors.Is(failure, bus.ErrTooLarge):
			e.reject([]event.Problem{event.TooLargeForLog()})
			late = append(late, *e)
		default:
			e.retry()
		}
	}
	if len(late) > 0 {
		r.rejects.keep(ctx, in.key.Workspace, late)
	}
}
