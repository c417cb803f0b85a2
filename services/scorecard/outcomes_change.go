package scorecard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// outcomeChange is the body of PATCH /outcomes/{id}.
type outcomeChange struct {
	// Change is made once for each change: whoever sends it again changes nothing more. "" makes one.
	Change string `json:"change"`
	outcomeFields
}

// patchOutcome changes what somebody has logged: a correction, which replaces the data and leaves the day.
func (a *app) patchOutcome(c *gin.Context, v *view) error {
	if _, err := parseParams(c.Request.URL.Query(), v.today, "receipt"); err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var r outcomeChange
	if err := decodeStrict(raw, &r); err != nil {
		return unreadableOutcome(err)
	}
	match := c.GetHeader("If-Match")
	if match == "" {
		return &httpError{
			status: http.StatusPreconditionRequired, code: "no_version",
			detail: "Say which version you change: send the ETag of the outcome as If-Match, so that nothing is overwritten that you have not seen.",
		}
	}
	if r.Workflow.given && r.Workflow.text == "" {
		return &badRequest{[]event.Problem{{Code: event.CodeMissingField, Pointer: "/workflow", Message: "say which workflow it was"}}}
	}
	return a.change(c, v, r.Change, match, func(row *standingRow) (event.Kind, map[string]any, error) {
		data := row.data()
		r.write(data)
		inner, err := json.Marshal(data)
		return event.KindCorrect, map[string]any{"kind": event.KindHoursSaved, "data": json.RawMessage(inner)}, err
	})
}

// deleteOutcome withdraws what somebody has logged: a void, which takes it out of every number.
func (a *app) deleteOutcome(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	if _, err := parseParams(query, v.today, "change", "receipt"); err != nil {
		return err
	}
	return a.change(c, v, query.Get("change"), c.GetHeader("If-Match"), func(*standingRow) (event.Kind, map[string]any, error) {
		return event.KindVoid, map[string]any{"reason": "withdrawn by the person who logged it"}, nil
	})
}

// amendment makes the kind and the data of an event that changes the row.
type amendment func(row *standingRow) (event.Kind, map[string]any, error)

// change amends one's own outcome and answers once that is readable.
func (a *app) change(c *gin.Context, v *view, change, match string, amend amendment) error {
	if err := a.outcomes.written.take(v.viewer.Person); err != nil {
		return err
	}
	if change == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make change id: %w", err)
		}
		change = id.String()
	}
	u, err := uuid.Parse(change)
	if err != nil || len(change) != 36 {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/change", Message: "give a UUID, made once for each change"}}}
	}
	change = u.String() // in its one spelling
	id := strings.ToLower(c.Param("id"))
	defer a.lockOutcome(v, id)()
	row, err := a.awaitRow(c, v, id)
	if err != nil {
		return err
	}
	kind, data, err := amend(&row)
	if err != nil {
		return fmt.Errorf("encode outcome: %w", err)
	}
	if done, err := a.refuseChange(&row, kind, change, match); err != nil || done {
		if err == nil {
			err = a.answerChanged(c, v, id)
		}
		return err
	}
	data["source"], data["id"], data["person"] = appSource, id, v.viewer.Person
	e, problems := a.outcomes.parse(kind, change, v.changeTime(change, &row), data)
	e.Workspace = v.viewer.Workspace
	if len(problems) == 0 {
		problems, err = a.closedDay(c, row.Time)
	}
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		for i := range problems {
			problems[i] = inForm(problems[i])
		}
		return &badRequest{problems}
	}
	if err := a.sendChange(c, v, e); err != nil {
		return err
	}
	return a.answerChanged(c, v, id)
}

// refuseChange says why a row is not changed; done says that it was, by this very change.
func (a *app) refuseChange(row *standingRow, kind event.Kind, change, match string) (done bool, err error) {
	switch {
	case row.Withdrawn && kind == event.KindVoid, row.AmendedBy == change && !row.Withdrawn:
		return true, nil
	case row.Withdrawn:
		return false, &httpError{status: http.StatusConflict, code: "withdrawn", detail: "It was withdrawn, and counts nowhere: log it again as a new outcome."}
	case match == "":
		return false, nil
	}
	return false, checkMatch(match, "", `"`+row.version()+`"`)
}

// changeTime is when a change was made: the latest change wins, so it is after the one before, whatever the clocks say; and the same
// whenever it is sent again.
func (v *view) changeTime(change string, row *standingRow) time.Time {
	at, ok := v.idTime(change)
	if !ok || at.Before(v.now.AddDate(0, 0, -1)) {
		at = row.Time
	}
	if after := row.AmendedAt.Add(time.Millisecond); row.AmendedBy != "" && at.Before(after) {
		at = after
	}
	return at.UTC()
}

// awaitRow is one's own row. Where the receipt says that it was logged, it waits until it is there: an undo may come before it.
func (a *app) awaitRow(c *gin.Context, v *view, id string) (standingRow, error) {
	row, ok, err := v.ownRowOf(c, id)
	if err != nil || ok {
		return row, err
	}
	if c.Query("receipt") == "" {
		return row, noOutcome()
	}
	err = a.until(c, func(ctx context.Context) (bool, error) {
		row, ok, err = v.ownRowOf(ctx, id)
		return ok, err
	})
	return row, err
}

// until waits until something is readable, within the time of a write.
func (a *app) until(ctx context.Context, so func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.WriteTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := so(ctx); ok && err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &httpError{
				status: http.StatusServiceUnavailable, code: "not_readable_yet", header: map[string]string{"Retry-After": "5"},
				detail: "It is written and will count, but is not readable yet: the loader is behind. Sending the same again is harmless.",
			}
		}
	}
}

// sendChange records the change, writes it, and waits until it is readable. Where another one has come between, which was made
// elsewhere, it says so.
func (a *app) sendChange(c *gin.Context, v *view, e event.Event) error {
	sealed, err := a.sealer.Reseal(e)
	if err != nil {
		return fmt.Errorf("seal change: %w", err)
	}
	if taken, err := a.taken(c, sealed); err != nil || taken {
		return err
	}
	id := targetOf(e)
	if err := a.begin(c, "outcome", id); err != nil {
		return err
	}
	if _, err := a.produceOutcome(c, sealed); err != nil {
		return err
	}
	var row standingRow
	err = a.until(c, func(ctx context.Context) (bool, error) {
		// The identity first: what is stored under it stands in the row that is read after it.
		known, err := a.db.LookupIdentities(ctx, warehouse.AnyPartition, []event.Identity{sealed.Identity})
		if _, stored := known[sealed.Identity]; err != nil || !stored {
			return false, err
		}
		var ok bool
		row, ok, err = v.ownRowOf(ctx, id)
		return ok && (row.Withdrawn || e.Kind == event.KindCorrect), err
	})
	if err == nil && e.Kind == event.KindCorrect && row.AmendedBy != e.ID {
		return checkMatch(`"lost"`, "", `"`+row.version()+`"`)
	}
	return err
}

// targetOf is the id of the outcome that an event amends.
func targetOf(e event.Event) string {
	switch d := e.Data.(type) {
	case *event.Void:
		return d.ID
	case *event.Correct:
		return d.ID
	}
	return ""
}

func (a *app) answerChanged(c *gin.Context, v *view, id string) error {
	fresh, err := a.look(c, v.viewer)
	if err != nil {
		return err
	}
	o, err := a.outcomeOf(c, fresh, id)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Header("ETag", o.etag())
	writeJSON(c, http.StatusOK, o)
	return nil
}

// data is the whole data of a row, as an event has it.
func (r *standingRow) data() map[string]any {
	data := map[string]any{"assisted": r.Assisted}
	for name, text := range map[string]string{
		"workflow": r.Workflow, "team": r.Team, "person": r.Person, "tool": r.Tool, "evidence": r.Evidence, "url": r.URL, "task": r.Task, "asset": r.Asset, "trial": r.Trial,
	} {
		if text != "" {
			data[name] = text
		}
	}
	for name, d := range map[string]*decimal.Decimal{
		"units": &r.Units, "doing_minutes": r.Doing, "prompting_minutes": r.Prompting, "review_minutes": r.Review, "rework_minutes": r.Rework,
		"correction_minutes": r.Correction, "baseline_minutes": r.Given, "estimate_unassisted_minutes": r.Without, "estimate_assisted_minutes": r.With,
	} {
		if d != nil {
			data[name] = jsonNumber(metric.ExactOf(*d).Text())
		}
	}
	if r.Quality != nil {
		data["quality"] = *r.Quality
	}
	return data
}
