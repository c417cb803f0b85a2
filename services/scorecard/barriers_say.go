package scorecard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// What people say about barriers in the app, and do about them: events of the signed-in person, judged and sealed as outcomes are.

// barrierRoutes are the endpoints that say something about a barrier.
func (a *app) barrierRoutes(api gin.IRouter) {
	api.POST("/barriers", a.recorded(audit.BarrierSay), process.MaxBody(maxEntry), a.answer(a.postBarrier))
	api.DELETE("/barriers/:id", a.recorded(audit.BarrierWithdraw), a.answer(a.deleteBarrier))
}

// barrierRequest is the body of POST /barriers.
type barrierRequest struct {
	// ID is made once for each draft: whoever sends it again says the same once.
	ID     string `json:"id"`
	Action string `json:"action"`
	// Barrier is the key of one that is known; Title names a new one in a few words.
	Barrier  saidText        `json:"barrier"`
	Title    saidText        `json:"title"`
	Category saidText        `json:"category"`
	Minutes  json.RawMessage `json:"minutes_lost"`
	Note     saidText        `json:"note"`
}

const barrierForm = `send {"id": "a UUID", "action": "report", "title": "Legal review queue", "category": "review_delay", "minutes_lost": 90}`

// maxTitle is the length of the name of a barrier, in characters: a board has one line for it.
const maxTitle = 80

// keyOf is the key of a barrier with a title: so "Legal review  queue" and "legal review queue" are one barrier.
func keyOf(title string) string { return strings.Join(strings.Fields(strings.ToLower(title)), "_") }

// barrierAnswer is the answer to what was said.
type barrierAnswer struct {
	ID      string `json:"id"`
	Barrier string `json:"barrier"`
	Action  string `json:"action"`
	// State is counted or withdrawn.
	State string `json:"state"`
}

// postBarrier says something about a barrier, or does something about it, and answers once the board has it.
func (a *app) postBarrier(c *gin.Context, v *view) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var r barrierRequest
	if err := decodeStrict(raw, &r); err != nil {
		return &badRequest{[]event.Problem{bodyProblem(err, barrierForm)}}
	}
	if problems := r.problems(); len(problems) > 0 {
		return &badRequest{problems}
	}
	if err := a.mayAct(v, r); err != nil {
		return err
	}
	if err := a.outcomes.written.take(cmp.Or(v.viewer.Person, askerOf(c))); err != nil {
		return err
	}
	switch r.Action {
	case barrierTake:
		a.act(c, audit.BarrierTake)
	case barrierResolve:
		a.act(c, audit.BarrierResolve)
	}
	// One deed about a barrier after the other: of two who take it at once, the later is told.
	defer a.outcomes.locks.lock(entryName{v.viewer.Workspace, registry.Kind("barrier"), r.key()})()
	if v, err = a.look(c, v.viewer); err != nil {
		return err
	}
	e, problems, err := a.barrierEvent(c, v, r)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	status := http.StatusCreated
	before, known, err := v.saidHere(c, e.ID)
	switch {
	case err != nil:
		return err
	case known:
		status = http.StatusOK
		if err = sameSaid(before, e); err == nil {
			err = a.untilBoard(c, v, e.ID, event.IdentityOf(v.viewer.Workspace, appSource, e.ID), true)
		}
	default:
		err = a.sayNow(c, v, r, e)
	}
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, status, barrierAnswer{ID: e.ID, Barrier: r.key(), Action: r.Action, State: outcomeCounted})
	return nil
}

// key is that of the barrier that is meant.
func (r barrierRequest) key() string {
	if r.Barrier.text != "" {
		return r.Barrier.text
	}
	return keyOf(r.Title.text)
}

// problems are those that the event would not have.
func (r barrierRequest) problems() []event.Problem {
	var out []event.Problem
	fail := func(code event.Code, pointer, message string) {
		out = append(out, event.Problem{Code: code, Pointer: pointer, Message: message})
	}
	if _, err := uuid.Parse(r.ID); err != nil || len(r.ID) != 36 {
		fail(event.CodeBadValue, "/id", "give a UUID, made once for each thing said: whoever sends it again says the same once")
	}
	if !slices.Contains([]string{barrierReport, barrierSupport, barrierTake, barrierResolve}, r.Action) {
		fail(event.CodeBadValue, "/action", "action must be report, support, take or resolve")
	}
	switch {
	case r.Barrier.text != "" && r.Title.text != "":
		fail(event.CodeInconsistent, "/title", "name a barrier that is known by barrier, or a new one by title, and not both")
	case r.Barrier.text == "" && r.Title.text == "":
		fail(event.CodeMissingField, "/title", "say what is in the way")
	case len([]rune(r.Title.text)) > maxTitle:
		fail(event.CodeBadValue, "/title", fmt.Sprintf("a title has at most %d characters: the rest belongs into the note", maxTitle))
	}
	if r.Action == barrierReport && r.Category.text == "" {
		fail(event.CodeMissingField, "/category", "say of what kind it is")
	}
	if deed := r.Action == barrierTake || r.Action == barrierResolve; deed && !absent(r.Minutes) {
		fail(event.CodeInconsistent, "/minutes_lost", "time is lost by those who report or support a barrier: say it by itself")
	}
	return out
}

// mayAct admits people; whoever may clear any barrier needs to be none to say that one is.
func (a *app) mayAct(v *view, r barrierRequest) error {
	if v.viewer.Role.May(access.ResolveBarriers) && r.Action == barrierResolve {
		return nil
	}
	if v.viewer.Person == "" || !v.viewer.Role.May(access.LogOwn) {
		return &httpError{
			status: http.StatusForbidden, code: "no_person",
			detail: "What is said about a barrier is a person's own, and you are signed in as none: sign in as yourself. A program sends events to /v1/events with a write key.",
		}
	}
	return nil
}

// barrierEvent is the event of a request. What is done about a barrier comes after what was done before, whatever the clocks say.
func (a *app) barrierEvent(ctx context.Context, v *view, r barrierRequest) (event.Event, []event.Problem, error) {
	said, err := v.barriersSaid(ctx)
	if err != nil {
		return event.Event{}, nil, err
	}
	o, id, at := a.officeOf(v, r.key(), said), strings.ToLower(r.ID), v.outcomeTime(r.ID, v.today)
	data := map[string]any{"barrier": r.key(), "action": r.Action, "category": cmp.Or(r.Category.text, o.category, "other")}
	if v.viewer.Person != "" {
		data["person"] = v.viewer.Person
	}
	switch r.Action {
	case barrierTake:
		data["action"], data["owner"] = barrierSupport, v.viewer.Person
	case barrierReport, barrierSupport:
		if team := v.teamOf("", v.today); team != "" {
			data["team"] = team
		}
		if !absent(r.Minutes) {
			data["minutes_lost"] = r.Minutes
		}
	}
	if r.Note.text != "" {
		data["note"] = r.Note.text
	}
	if r.Action == barrierTake || r.Action == barrierResolve {
		at = v.deedTime(r.ID, o)
	}
	e, problems := a.outcomes.parse(event.KindBarrier, id, at, data)
	e.Workspace = v.viewer.Workspace
	for i := range problems {
		problems[i] = inForm(problems[i])
		if problems[i].Pointer == "/barrier" && r.Title.text != "" {
			problems[i].Pointer = "/title"
		}
	}
	return e, problems, nil
}

// deedTime is when its id was made, or now; and after the deed before it.
func (v *view) deedTime(id string, o office) time.Time {
	at, ok := v.idTime(id)
	if !ok || at.Before(v.now.AddDate(0, 0, -1)) {
		at = v.now.UTC().Truncate(time.Millisecond)
	}
	if !at.After(o.last) {
		at = o.last.Add(time.Millisecond).UTC()
	}
	return at
}

// sameSaid tells whether an event says what is stored under its id.
func sameSaid(before saidRow, e event.Event) error {
	d, ok := e.Data.(*event.Barrier)
	same := ok && !before.Withdrawn && before.Barrier == d.Barrier && before.Action == d.Action && before.Owner == d.Owner && before.Note == d.Note &&
		(before.Minutes == nil) == (d.MinutesLost == nil) && (before.Minutes == nil || before.Minutes.Equal(d.MinutesLost.Decimal()))
	if same {
		return nil
	}
	return &httpError{
		status: http.StatusConflict, code: string(event.CodeIDConflict),
		detail: "Something else was said under this id before, and stays as it is: say this anew, under an id of its own.",
	}
}

// sayNow writes the event, where the viewer may, and returns once the board has it.
func (a *app) sayNow(c *gin.Context, v *view, r barrierRequest, e event.Event) error {
	if err := a.mayDo(c, v, r); err != nil {
		return err
	}
	sealed, err := a.sealer.Reseal(e) // persons are the pseudonyms of sessions already
	if err != nil {
		return fmt.Errorf("seal barrier: %w", err)
	}
	if taken, err := a.taken(c, sealed); err != nil || taken {
		return err
	}
	if err := a.begin(c, "barrier", e.ID); err != nil {
		return err
	}
	if _, err := a.produceOutcome(c, sealed); err != nil {
		return err
	}
	return a.untilBoard(c, v, e.ID, sealed.Identity, true)
}

// mayDo says why a deed is not done: somebody else has the barrier, or it is not as it was seen.
func (a *app) mayDo(c *gin.Context, v *view, r barrierRequest) error {
	if r.Action != barrierTake && r.Action != barrierResolve {
		return nil
	}
	match := c.GetHeader("If-Match")
	if match == "" {
		return &httpError{
			status: http.StatusPreconditionRequired, code: "no_version",
			detail: "Say which version of the barrier you have seen: send its version from GET /api/v1/barriers as If-Match, so that nobody's word is overwritten unseen.",
		}
	}
	said, err := v.barriersSaid(c)
	if err != nil {
		return err
	}
	o := a.officeOf(v, r.key(), said)
	if match != `"`+o.version+`"` {
		return &httpError{
			status: http.StatusPreconditionFailed, code: "changed",
			detail: "It is not as you have seen it: somebody has taken or cleared it meanwhile, or the board shows you no such barrier. Load the board again.",
		}
	}
	if r.Action == barrierTake && !o.mayTake(v.viewer) {
		if o.owner == v.viewer.Person {
			return &httpError{status: http.StatusConflict, code: "already_yours", detail: "It is yours already."}
		}
		return forbidden("Somebody clears it already. A leader can give it to another, or whoever has it takes that back.")
	}
	if r.Action == barrierResolve && !o.mayResolve(v.viewer) {
		return forbidden("Whoever has a barrier says that it is cleared, or a leader does: take it first.")
	}
	return nil
}

// untilBoard waits until the board has what was said, or has it no more.
func (a *app) untilBoard(c *gin.Context, v *view, id string, identity event.Identity, there bool) error {
	return a.until(c, func(ctx context.Context) (bool, error) {
		known, err := a.db.LookupIdentities(ctx, warehouse.AnyPartition, []event.Identity{identity})
		if _, stored := known[identity]; err != nil || !stored {
			return false, err
		}
		fresh, err := a.look(ctx, v.viewer)
		if err != nil {
			return false, err
		}
		row, ok, err := fresh.saidHere(ctx, id)
		if err != nil || !ok || row.Withdrawn == there {
			return false, err
		}
		said, err := fresh.barriersSaid(ctx)
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(said, func(r metric.BarrierRow) bool {
			return r.Barrier == row.Barrier && r.Person == row.Person && r.Action == row.Action && r.At.Equal(row.Time)
		}) == there, nil
	})
}

// deleteBarrier takes back what the viewer has said or done in the app: a void, which takes it out of every number.
func (a *app) deleteBarrier(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	if _, err := parseParams(query, v.today, "change"); err != nil {
		return err
	}
	change, err := changeID(query.Get("change"))
	if err != nil {
		return err
	}
	if err := a.outcomes.written.take(cmp.Or(v.viewer.Person, askerOf(c))); err != nil {
		return err
	}
	id := strings.ToLower(c.Param("id"))
	defer a.lockOutcome(v, id)()
	row, ok, err := v.saidHere(c, id)
	if err != nil {
		return err
	}
	if !ok || (row.Person == "" && !v.viewer.Role.May(access.ResolveBarriers)) {
		return errNotFound("You have said nothing of this id about a barrier here. It may be on its way: it is there a moment after it was said.")
	}
	if !row.Withdrawn {
		if err := a.takeBack(c, v, row, change); err != nil {
			return err
		}
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, barrierAnswer{ID: id, Barrier: row.Barrier, Action: row.said().Action, State: outcomeWithdrawn})
	return nil
}

// changeID is the id of a change in its one spelling, a new one where none is given.
func changeID(text string) (string, error) {
	if text == "" {
		id, err := uuid.NewV7()
		return id.String(), err
	}
	u, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "", &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/change", Message: "give a UUID, made once for each change"}}}
	}
	return u.String(), nil
}

func (a *app) takeBack(c *gin.Context, v *view, row saidRow, change string) error {
	if problems, err := a.closedDay(c, row.Time); err != nil || len(problems) > 0 {
		if err == nil {
			err = &badRequest{problems}
		}
		return err
	}
	data := map[string]any{"source": appSource, "id": row.ID, "reason": "taken back by whoever said it"}
	if row.Person != "" {
		data["person"] = row.Person
	}
	at, ok := v.idTime(change)
	if !ok || at.Before(row.Time) {
		at = row.Time
	}
	e, problems := a.outcomes.parse(event.KindVoid, change, at, data)
	if e.Workspace = v.viewer.Workspace; len(problems) > 0 {
		return &badRequest{problems}
	}
	sealed, err := a.sealer.Reseal(e)
	if err != nil {
		return fmt.Errorf("seal withdrawal: %w", err)
	}
	if err := a.begin(c, "barrier", row.ID); err != nil {
		return err
	}
	if _, err := a.produceOutcome(c, sealed); err != nil {
		return err
	}
	return a.untilBoard(c, v, row.ID, event.IdentityOf(v.viewer.Workspace, appSource, row.ID), false)
}
