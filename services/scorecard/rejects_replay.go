package scorecard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

const (
	// mostReplays is the most rejects of one request; the cursor of the answer goes on.
	mostReplays = 1000
	// replayPage is how many of them, with their bytes, are in memory at a time.
	replayPage = 50
	// maxReplayBody is the most bytes of a request: a fix and a thousand ids.
	maxReplayBody = 512 << 10
	replayTimeout = 30 * time.Second
)

// replayDesk sends rejects again, as the collector does with what comes in.
type replayDesk struct {
	parser           *event.Parser
	events, rejected *bus.Producer
}

func newReplayDesk(cfg bus.Config, now func() time.Time) *replayDesk {
	return &replayDesk{event.NewParser(now), bus.NewProducer(cfg, bus.Events), bus.NewProducer(cfg, bus.Rejected)}
}

func (d *replayDesk) close() error { return errors.Join(d.events.Close(), d.rejected.Close()) }

// postReplay sends rejects again, or says what would happen.
func (a *app) postReplay(c *gin.Context, v *view) error {
	if err := mayReplay(v); err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	r, err := a.newReplay(v, raw)
	if err != nil {
		return err
	}
	if err := r.begin(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), replayTimeout)
	defer cancel()
	if err := r.run(ctx); err != nil {
		return err
	}
	if r.report.DryRun {
		if err := a.disclose(c); err != nil {
			return err
		}
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, r.report)
	return nil
}

// rejectIDForm is that of the ids that we give: what else a request names is not written down.
var rejectIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// begin records what is about to be done: a dry run, which only reads, when it is to be answered.
func (r *replay) begin(c *gin.Context) error {
	target := "by filter"
	switch ids := r.filter.IDs; {
	case len(ids) == 1 && rejectIDForm.MatchString(ids[0]):
		target = ids[0]
	case len(ids) > 0:
		target = fmt.Sprintf("%d by id", len(ids))
	}
	switch {
	case r.report.DryRun:
		r.app.act(c, audit.RejectDryRun)
		r.app.touches(c, "reject", target)
		return nil
	case r.fix != nil:
		r.app.act(c, audit.RejectFix)
	}
	return r.app.begin(c, "reject", target)
}

// run goes through the rejects page by page, oldest first: of two versions of an event the first one wins, as it would
// have when they came.
func (r *replay) run(ctx context.Context) (err error) {
	if r.seal, err = r.app.db.Seal(ctx); err != nil {
		return err
	}
	for left := r.limit; left > 0; {
		page := warehouse.RejectPage{Limit: min(left, replayPage) + 1, Oldest: true, After: r.after, Raw: true}
		rows, err := r.app.db.Rejects(ctx, r.filter, page)
		if err != nil {
			return err
		}
		more := len(rows) == page.Limit
		if more {
			rows = rows[:len(rows)-1]
		}
		if err := r.send(ctx, rows); err != nil {
			return err
		}
		left -= len(rows)
		if !more {
			r.missing()
			return nil
		}
		last := rows[len(rows)-1]
		r.after = &warehouse.RejectPlace{At: last.At, ID: last.RejectID}
		r.report.Next = new(rejectCursor(last))
	}
	return nil
}

// missing ends the list, and says of ids that name nothing that they do.
func (r *replay) missing() {
	if r.report.Next = nil; !r.begins {
		return
	}
	found := map[string]bool{}
	for _, result := range r.report.Results {
		found[result.ID] = true
	}
	for _, id := range r.filter.IDs {
		if !found[id] {
			found[id] = true
			r.add(replayResult{ID: id, State: warehouse.ReplayImpossible, Message: new(fmt.Sprintf(
				"There is no such reject. Rejects are kept for %d days.", warehouse.RejectDays))})
		}
	}
}

func (r *replay) add(result replayResult) {
	r.report.Totals[result.State]++
	r.report.Results = append(r.report.Results, result)
}

// attempt is one reject on its way.
type attempt struct {
	result replayResult
	event  event.Sealed
	// ready says that the event can be sent.
	ready bool
}

// send handles one page: judges each, writes those that can be taken, and records it all.
func (r *replay) send(ctx context.Context, rows []warehouse.RejectRow) error {
	attempts := make([]attempt, len(rows))
	for i := range rows {
		attempts[i] = r.prepare(rows[i].Reject)
	}
	if err := r.compare(ctx, attempts); err != nil {
		return err
	}
	if !r.report.DryRun {
		r.produce(ctx, attempts)
		r.record(ctx, attempts)
	}
	for i := range attempts {
		r.add(attempts[i].result)
	}
	return nil
}

// prepare takes one reject to where the collector would write it.
func (r *replay) prepare(reject warehouse.Reject) attempt {
	t := attempt{result: replayResult{ID: reject.RejectID, Source: reject.Source, EventID: reject.ID, Type: reject.Type}}
	s, why := submissionOf(reject)
	if code := event.Code(reject.Code); why == "" && !r.named && (code == event.CodeForbiddenSource || code == event.CodeForbiddenKind) {
		why = "Its key was not allowed to send it: name it by its id, or the code in the filter, if it is to count all the same."
	}
	if why != "" {
		t.result.State, t.result.Message = warehouse.ReplayImpossible, new(why)
		return t
	}
	e, fixed, problems := s.parse(r.app.replays.parser, r.structured, r.fix)
	t.result.Fixed = fixed
	if len(problems) == 0 {
		t.result.Source, t.result.EventID, t.result.Type = e.Source, e.ID, e.Kind.Type()
		problems = s.enter(&e, r.view.viewer.Workspace)
	}
	if len(problems) == 0 {
		problems = s.closedFor(e, fixed, r.seal)
	}
	if len(problems) == 0 {
		t.event, problems = s.seal(r.app.sealer, e)
	}
	if len(problems) > 0 {
		t.reject(problems[0])
		return t
	}
	t.event.Receive, t.ready, t.result.State = r.receive, true, warehouse.ReplayAccepted
	return t
}

func (t *attempt) reject(p event.Problem) {
	t.ready = false
	t.result.State, t.result.Receipt = warehouse.ReplayRejected, nil
	t.result.Code, t.result.Pointer, t.result.Message = new(string(p.Code)), new(p.Pointer), new(p.Message)
}

// compare judges events by what is stored and by those before them in this request, as the loader will.
func (r *replay) compare(ctx context.Context, attempts []attempt) error {
	var ids []event.Identity
	for _, t := range attempts {
		if !t.ready {
			continue
		}
		ids = append(ids, t.event.Identity)
		if target, ok := warehouse.TargetOf(t.event.Event); ok {
			ids = append(ids, target)
		}
	}
	known, err := r.app.db.LookupIdentities(ctx, warehouse.AnyPartition, ids)
	if err != nil {
		return err
	}
	for i := range attempts {
		if attempts[i].ready {
			r.judge(&attempts[i], known)
		}
	}
	return nil
}

func (r *replay) judge(t *attempt, known map[event.Identity]warehouse.Known) {
	stored, isStored := known[t.event.Identity]
	payload, isSeen := r.seen[t.event.Identity]
	switch {
	case isStored && stored.Same(t.event.Event, t.event.Payload), isSeen && payload == t.event.Payload:
		t.ready, t.result.State = false, warehouse.ReplayUnchanged
		t.result.Message = new("The same event is taken already: sending it again changes nothing.")
	case isStored:
		t.reject(warehouse.Conflict(stored))
	case isSeen:
		t.reject(event.Problem{
			Code: event.CodeIDConflict, Pointer: "/id",
			Message: "an event with this source and id, but with other content, is sent by the same replay: give it another id",
		})
	default:
		if p, bad := warehouse.BadTarget(t.event.Event, known); bad {
			t.reject(p)
			return
		}
		r.seen[t.event.Identity] = t.event.Payload
	}
}

// produce writes what can be taken and notes the receipts.
func (r *replay) produce(ctx context.Context, attempts []attempt) {
	var messages []bus.Message
	var sent []*attempt
	for i := range attempts {
		if t := &attempts[i]; t.ready {
			key, headers, value := t.event.Message()
			messages, sent = append(messages, bus.Message{Key: key, Headers: headers, Value: value}), append(sent, t)
		}
	}
	receipts, err := r.app.replays.events.Produce(ctx, messages)
	if err != nil {
		r.app.log.WarnContext(ctx, "replay produce failed", "error", err, "events", len(messages))
	}
	failures := bus.Failures(err, len(messages))
	for i, t := range sent {
		switch failure := failures[i]; {
		case failure == nil:
			t.result.Receipt = new(receipts[i].String())
		case errors.Is(failure, bus.ErrTooLarge):
			t.reject(event.TooLargeForLog())
		default:
			delete(r.seen, t.event.Identity)
			t.result.State, t.result.Code = warehouse.ReplayRetry, new(string(event.CodeBrokerAway))
			t.result.Message = new("The log has not confirmed the event: send the same replay again.")
		}
	}
}

// record writes what was done to the topic of rejects, from where the loader copies it. It comes after the events: a
// crash between the two leaves a reject that looks open, and whose next replay changes nothing.
func (r *replay) record(ctx context.Context, attempts []attempt) {
	var messages []bus.Message
	for _, t := range attempts {
		m, ok, err := r.recordOf(t.result)
		if err != nil {
			r.app.log.ErrorContext(ctx, "encode replay record failed", "error", err)
			r.report.Unrecorded++
		} else if ok {
			messages = append(messages, m)
		}
	}
	_, err := r.app.replays.rejected.Produce(ctx, messages)
	if err == nil {
		return
	}
	n := bus.Failed(err, len(messages))
	r.report.Unrecorded += n
	r.app.log.ErrorContext(ctx, "record replays failed", "error", err, "replays", n)
}

// recordOf is the record of one result; what was not tried has none.
func (r *replay) recordOf(result replayResult) (bus.Message, bool, error) {
	if result.State == warehouse.ReplayImpossible || result.State == warehouse.ReplayRetry {
		return bus.Message{}, false, nil
	}
	record := warehouse.Replay{
		Workspace: r.view.viewer.Workspace, RejectID: result.ID, ReplayID: r.receive, At: r.app.now().UTC().Truncate(time.Millisecond),
		By: author(r.view), State: result.State, Source: result.Source, ID: result.EventID,
		Code: textOf(result.Code), Pointer: textOf(result.Pointer), Message: textOf(result.Message), Fix: r.fixText,
	}
	if result.Receipt != nil {
		receipt, err := event.ParseReceipt(*result.Receipt)
		if err != nil {
			return bus.Message{}, false, err
		}
		record.KafkaPartition, record.KafkaOffset = uint16(receipt.Partition), uint64(receipt.Offset)
	}
	value, err := json.Marshal(record)
	return bus.Message{Key: []byte(result.ID), Value: value, Headers: []event.Header{
		{Key: event.HeaderContent, Value: []byte(warehouse.ReplayType)},
		{Key: event.HeaderWorkspace, Value: []byte(record.Workspace)},
	}}, true, err
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
