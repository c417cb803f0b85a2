package scorecard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// disputeStep is what somebody wants to add to a dispute, before it is judged.
type disputeStep struct {
	// key is made once for each thing said: whoever sends it again says the same once.
	key  string
	step *registry.DisputeStep
}

// disputeRequest is the body of POST /disputes.
type disputeRequest struct {
	ID        string          `json:"id"`
	Workflow  saidText        `json:"workflow"`
	Direction saidText        `json:"direction"`
	Proposed  json.RawMessage `json:"proposed"`
	From      saidText        `json:"from"`
	Text      saidText        `json:"text"`
	URL       saidText        `json:"url"`
	// Version is that of the baseline that was seen.
	Version saidText `json:"version"`
}

const disputeForm = `send {"id": "a UUID", "workflow": "blog_article", "proposed": {"low": 40, "mode": 60, "high": 90}, "from": "2026-10-01", "text": "why"}, or "direction": "too_high" in the place of proposed`

// sayRequest is the body of a comment and of a withdrawal.
type sayRequest struct {
	ID   string   `json:"id"`
	Text saidText `json:"text"`
}

const sayForm = `send {"id": "a UUID", "text": "what you have to say"}`

// stepOf judges a step by the rules of the registry.
func stepOf(id, dispute, action string, fields map[string]any) (disputeStep, []event.Problem) {
	if u, err := uuid.Parse(id); err != nil || len(id) != 36 {
		return disputeStep{}, []event.Problem{{Code: event.CodeBadValue, Pointer: "/id", Message: "give a UUID, made once for each thing said: whoever sends it again says the same once"}}
	} else if id = u.String(); dispute == "" {
		dispute = id
	}
	fields["dispute"], fields["action"] = dispute, action
	for name, value := range fields {
		if text, ok := value.(saidText); ok {
			if fields[name] = text.text; text.text == "" {
				delete(fields, name)
			}
		}
		if raw, ok := value.(json.RawMessage); ok && absent(raw) {
			delete(fields, name)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return disputeStep{}, []event.Problem{{Code: event.CodeNotJSON, Message: err.Error()}}
	}
	entry, problems := registry.Decode(registry.Disputes, id, raw)
	step, ok := entry.(*registry.DisputeStep)
	if len(problems) > 0 || !ok {
		return disputeStep{}, problems
	}
	return disputeStep{key: id, step: step}, nil
}

// readSaid reads a body of a request, strictly.
func readSaid(c *gin.Context, into any, form string) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	if err := decodeStrict(raw, into); err != nil {
		return &badRequest{[]event.Problem{bodyProblem(err, form)}}
	}
	return nil
}

// mayDispute admits people.
func mayDispute(v *view) error {
	if v.viewer.Person == "" || !v.viewer.Role.May(access.DisputeBaselines) {
		return &httpError{
			status: http.StatusForbidden, code: "no_person",
			detail: "What is said in a dispute is a person's own, and you are signed in as none: sign in as yourself. An administrator may resolve one without that.",
		}
	}
	return nil
}

// postDispute disputes the baseline of a workflow.
func (a *app) postDispute(c *gin.Context, v *view) error {
	if err := mayDispute(v); err != nil {
		return err
	}
	var r disputeRequest
	if err := readSaid(c, &r, disputeForm); err != nil {
		return err
	}
	disputed, err := v.disputedBy(c, r)
	if err != nil {
		return err
	}
	s, problems := stepOf(r.ID, "", registry.DisputeRaise, map[string]any{
		"workflow": r.Workflow, "direction": r.Direction, "proposed": r.Proposed, "from": r.From, "text": r.Text, "url": r.URL, "disputed": disputed,
	})
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	return a.addStep(c, v, s, func(*view, *registry.Dispute) error { return nil })
}

// disputedBy is the baseline that a request disputes: the one that prices its workflow now, or what did when it was sent first.
func (v *view) disputedBy(ctx context.Context, r disputeRequest) (registry.DisputedBaseline, error) {
	if before, known := v.registry.Step(strings.ToLower(r.ID)); known && before.Step.Disputed != nil {
		return *before.Step.Disputed, nil
	}
	now, err := v.baselineNow(ctx, r.Workflow.text)
	switch {
	case err != nil:
		return registry.DisputedBaseline{}, err
	case now == nil:
		return registry.DisputedBaseline{}, &badRequest{[]event.Problem{{
			Code: event.CodeBadValue, Pointer: "/workflow", Message: "there is no workflow with a baseline of this name: see /api/v1/workflows",
		}}}
	case r.Version.text != "" && (now.Version == nil || *now.Version != r.Version.text):
		return registry.DisputedBaseline{}, &httpError{
			status: http.StatusPreconditionFailed, code: "changed",
			detail: "The baseline has changed since you have seen it: look at it again, and dispute it if it is still wrong.",
		}
	}
	return disputedNow(now), nil
}

// baselineNow is the baseline that prices a workflow today; nil where there is none.
func (v *view) baselineNow(ctx context.Context, workflow string) (*workflowBaseline, error) {
	prices, err := v.prices(ctx, addDays(v.today, 1))
	if err != nil {
		return nil, err
	}
	list := v.baselines(workflow, v.today, prices)
	if workflow == "" || len(list) == 0 {
		return nil, nil
	}
	return &list[0], nil
}

func disputedNow(b *workflowBaseline) registry.DisputedBaseline {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return registry.DisputedBaseline{Source: b.Source, Value: text(b.Value), Low: text(b.Low), High: text(b.High), Unit: b.Unit, Version: text(b.Version)}
}

// postDisputeComment adds to the discussion of a dispute.
func (a *app) postDisputeComment(c *gin.Context, v *view) error {
	if err := mayDispute(v); err != nil {
		return err
	}
	return a.sayIn(c, v, registry.DisputeComment, func(*view, *registry.Dispute) error { return nil })
}

// postDisputeWithdraw ends a dispute by whoever has raised it.
func (a *app) postDisputeWithdraw(c *gin.Context, v *view) error {
	if err := mayDispute(v); err != nil {
		return err
	}
	return a.sayIn(c, v, registry.DisputeWithdraw, func(v *view, d *registry.Dispute) error {
		if d.Raised.Author != v.viewer.Person {
			return forbidden("Whoever has raised a dispute can withdraw it. You can say in a comment what speaks against it.")
		}
		return nil
	})
}

func (a *app) sayIn(c *gin.Context, v *view, action string, may func(*view, *registry.Dispute) error) error {
	var r sayRequest
	if err := readSaid(c, &r, sayForm); err != nil {
		return err
	}
	s, problems := stepOf(r.ID, strings.ToLower(c.Param("id")), action, map[string]any{"text": r.Text})
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	return a.addStep(c, v, s, may)
}

// supportDispute supports a dispute, or does so no more. Either changes nothing where it is so already.
func (a *app) supportDispute(action string) handlerFunc {
	return func(c *gin.Context, v *view) error {
		if err := mayDispute(v); err != nil {
			return err
		}
		if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
			return err
		}
		id, err := uuid.NewRandom()
		if err != nil {
			return fmt.Errorf("make id of a step: %w", err)
		}
		s, problems := stepOf(id.String(), strings.ToLower(c.Param("id")), action, map[string]any{})
		if len(problems) > 0 {
			return &badRequest{problems}
		}
		return a.addStep(c, v, s, func(v *view, d *registry.Dispute) error {
			switch {
			case d.Raised.Author == v.viewer.Person:
				return &httpError{status: http.StatusConflict, code: "already_yours", detail: "You have raised it: you stand behind it already, and can withdraw it."}
			case v.supports(d) == (action == registry.DisputeSupport):
				return errAlready
			}
			return nil
		})
	}
}

// errAlready says of a step that what it does is so already.
var errAlready = errors.New("it is so already")

// addStep writes a step where the viewer may, and answers with the dispute once it is readable. One step of a dispute is written
// after the other: of two who decide at once, the later is told.
func (a *app) addStep(c *gin.Context, v *view, s disputeStep, may func(*view, *registry.Dispute) error) error {
	if err := a.outcomes.written.take(cmp.Or(v.viewer.Person, askerOf(c))); err != nil {
		return err
	}
	defer a.writing.lock(entryName{v.viewer.Workspace, registry.Disputes, s.step.Dispute})()
	v, err := a.lookAgain(c, v)
	if err != nil {
		return err
	}
	before, known := v.registry.Step(s.key)
	status := http.StatusOK
	switch {
	case known && !sameStep(v, before, s.step):
		return &httpError{
			status: http.StatusConflict, code: string(event.CodeIDConflict),
			detail: "Something else was said under this id before, and stays as it is: say this anew, under an id of its own.",
		}
	case known:
	case s.step.Action == registry.DisputeRaise:
		status = http.StatusCreated
		err = a.writeStep(c, v, s, registry.Record{})
	default:
		var written bool
		if written, err = a.follow(c, v, s, may); written && s.step.Action == registry.DisputeComment {
			status = http.StatusCreated
		}
	}
	if err != nil {
		return err
	}
	if v, err = a.lookAgain(c, v); err != nil {
		return err
	}
	d, err := v.disputeNamed(s.step.Dispute)
	if err != nil {
		return err
	}
	if ends(s.step.Action) && (d.Outcome == nil || d.Outcome.Key != s.key) {
		return errResolved() // somebody else was first, at another scorecard
	}
	if status == http.StatusCreated {
		c.Header("Location", "/api/v1/disputes/"+d.ID)
	}
	a.writeDispute(c, v, status, &d)
	return nil
}

// follow writes a step that follows others, and tells whether it has.
func (a *app) follow(c *gin.Context, v *view, s disputeStep, may func(*view, *registry.Dispute) error) (bool, error) {
	d, err := v.disputeNamed(s.step.Dispute)
	if err != nil {
		return false, err
	}
	if d.Outcome != nil {
		return false, errResolved()
	}
	if err := may(v, &d); err != nil {
		if errors.Is(err, errAlready) {
			return false, nil
		}
		return false, err
	}
	after := []registry.Record{d.Last}
	if s.step.Action == registry.DisputeAccept { // it is a version of the workflow, too
		after = append(after, v.registry.History(registry.Workflows, d.Workflow())...)
	}
	return true, a.writeStep(c, v, s, after...)
}

func ends(action string) bool {
	return action == registry.DisputeAccept || action == registry.DisputeReject || action == registry.DisputeWithdraw
}

func errResolved() error {
	return &httpError{
		status: http.StatusConflict, code: "resolved",
		detail: "The dispute is over and changes no more. If the baseline is wrong all the same, raise another one.",
	}
}

// lookAgain is a fresh view of the same viewer.
func (a *app) lookAgain(ctx context.Context, v *view) (*view, error) {
	fresh, err := a.look(ctx, v.viewer)
	if err != nil {
		return nil, err
	}
	fresh.key = v.key
	return fresh, nil
}

// writeStep records the step, and writes it after the records that it follows; it holds from when it was written.
func (a *app) writeStep(c *gin.Context, v *view, s disputeStep, after ...registry.Record) error {
	value, err := registry.Encode(s.step)
	if err != nil {
		return err
	}
	record := registry.Record{Kind: registry.Disputes, Key: s.key, Value: value}
	last := registry.Record{}
	for _, r := range after {
		if r.RecordedAt.After(last.RecordedAt) {
			last = r
		}
	}
	if record, err = a.signed(v, record, []registry.Record{last}); err != nil {
		return err
	}
	record.ValidFrom = record.RecordedAt
	if err := a.begin(c, "dispute", s.step.Dispute); err != nil {
		return err
	}
	return a.write(c, record)
}

// sameStep tells whether a step says what is stored under its key: what the viewer has sent, and not what the server has added.
func sameStep(v *view, before registry.Said, s *registry.DisputeStep) bool {
	bare := func(s registry.DisputeStep) string {
		s.Disputed, s.Versions = nil, nil
		raw, err := registry.Encode(&s)
		return fmt.Sprint(string(raw), err)
	}
	return before.Author == author(v) && bare(*before.Step) == bare(*s)
}
