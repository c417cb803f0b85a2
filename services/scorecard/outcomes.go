package scorecard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// Outcomes are what people log in the app: events of saved hours of the signed-in person, and of nobody else. They go to the log
// as those of any tool, judged by the same parser and sealed by the same sealer, and come back through the same loader.

// appSource is the source of events that people log in the app. Only such events can be changed here.
const appSource = access.AppSource

// outcomeDesk sends what people log, as the collector does with what comes in.
type outcomeDesk struct {
	parser *event.Parser
	events *bus.Producer
	// asked and written bound how often one person may ask for a preview, and log or change something.
	asked, written *personLimit
	// locks let one change of an outcome after the other.
	locks entryLocks
}

func newOutcomeDesk(cfg bus.Config, now func() time.Time) *outcomeDesk {
	return &outcomeDesk{
		parser: event.NewParser(now), events: bus.NewProducer(cfg, bus.Events),
		asked: newPersonLimit(now, previewEvery, previewBurst), written: newPersonLimit(now, writeEvery, writeBurst),
	}
}

// outcomeRoutes are the endpoints of one's own outcomes. What prices is computed in turn with other questions.
func (a *app) outcomeRoutes(api, computing gin.IRouter) {
	body := process.MaxBody(maxEntry)
	computing.GET("/outcomes", a.answer(own(a.getOutcomes)))
	computing.GET("/outcomes/:id", notPreview, a.answer(own(a.getOutcome)))
	computing.POST("/outcomes/preview", body, a.answer(own(a.postPreview)))
	api.POST("/survey", body, a.answer(own(a.postSurvey)))
	api.POST("/outcomes", a.recorded(audit.OutcomeLog), body, a.answer(own(a.postOutcome)))
	api.PATCH("/outcomes/:id", notPreview, a.recorded(audit.OutcomeCorrect), body, a.answer(own(a.patchOutcome)))
	api.DELETE("/outcomes/:id", notPreview, a.recorded(audit.OutcomeWithdraw), a.answer(own(a.deleteOutcome)))
}

// notPreview keeps the endpoint of previews apart from an outcome of that name.
func notPreview(c *gin.Context) {
	if c.Param("id") == "preview" {
		c.Header("Allow", http.MethodPost)
		process.Problem(c, http.StatusMethodNotAllowed, "method_not_allowed", "Ask for a preview with POST.", nil)
	}
}

// own admits people only: a key, the admin token and a visitor have no work of their own.
func own(handler handlerFunc) handlerFunc {
	return func(c *gin.Context, v *view) error {
		if v.viewer.Person == "" || !v.viewer.Role.May(access.LogOwn) {
			return &httpError{
				status: http.StatusForbidden, code: "no_person",
				detail: "Outcomes are a person's own, and you are signed in as none: sign in as yourself. A program sends events to /v1/events with a write key.",
			}
		}
		return handler(c, v)
	}
}

// postOutcome logs an outcome of the signed-in person.
func (a *app) postOutcome(c *gin.Context, v *view) error {
	if err := a.outcomes.written.take(v.viewer.Person); err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var r outcomeRequest
	if err := decodeStrict(raw, &r); err != nil {
		return unreadableOutcome(err)
	}
	e, problems := a.outcomeEvent(v, r)
	if len(problems) == 0 {
		problems, err = a.closedDay(c, e.Time)
	}
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	sealed, err := a.sealer.Reseal(e) // the person is the pseudonym of the session already
	if err != nil {
		return fmt.Errorf("seal outcome: %w", err)
	}
	if taken, err := a.taken(c, sealed); err != nil || taken {
		if err == nil {
			err = a.answerTaken(c, v, e.ID)
		}
		return err
	}
	if err := a.begin(c, "outcome", e.ID); err != nil {
		return err
	}
	receipt, err := a.produceOutcome(c, sealed)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Location", "/api/v1/outcomes/"+e.ID)
	writeJSON(c, http.StatusAccepted, acceptedOutcome{ID: e.ID, Source: e.Source, State: "queued", Receipt: new(receipt.String())})
	return nil
}

// acceptedOutcome is the answer to a logged outcome.
type acceptedOutcome struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	// State is queued, or loaded where the same outcome was taken before.
	State   string  `json:"state"`
	Receipt *string `json:"receipt"`
}

// taken tells whether the same event is stored. Another one under its name is a conflict.
func (a *app) taken(ctx context.Context, e event.Sealed) (bool, error) {
	known, err := a.db.LookupIdentities(ctx, warehouse.AnyPartition, []event.Identity{e.Identity})
	if err != nil {
		return false, err
	}
	stored, ok := known[e.Identity]
	switch {
	case !ok:
		return false, nil
	case stored.Same(e.Event, e.Payload):
		return true, nil
	}
	return false, &httpError{
		status: http.StatusConflict, code: string(event.CodeIDConflict),
		detail: "Something else was logged under this id before, and stays as it is: log this as a new outcome, under an id of its own.",
	}
}

func (a *app) answerTaken(c *gin.Context, v *view, id string) error {
	o, err := a.outcomeOf(c, v, id)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Header("ETag", o.etag())
	writeJSON(c, http.StatusOK, acceptedOutcome{ID: id, Source: appSource, State: "loaded"})
	return nil
}

// closedDay refuses what lies on a day that is closed: the loader would.
func (a *app) closedDay(ctx context.Context, at time.Time) ([]event.Problem, error) {
	seal, err := a.db.Seal(ctx)
	if err != nil || !event.DayOf(at).Before(seal.SealedBefore.Time) {
		return nil, err
	}
	return []event.Problem{{
		Code: event.CodeTooOld, Pointer: "/day",
		Message: fmt.Sprintf("the days before %s are closed: their numbers stay as they are", seal.SealedBefore),
	}}, nil
}

// produceOutcome writes an event to the log, and returns once it is durable there.
func (a *app) produceOutcome(ctx context.Context, e event.Sealed) (event.Receipt, error) {
	receive, err := uuid.NewV7()
	if err != nil {
		return event.Receipt{}, fmt.Errorf("make receive id: %w", err)
	}
	e.Receive = receive.String()
	// It does not end with the request, whose client may go meanwhile: an event that was begun is written.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.WriteTimeout)
	defer cancel()
	key, headers, value := e.Message()
	receipts, err := a.outcomes.events.Produce(ctx, []bus.Message{{Key: key, Headers: headers, Value: value}})
	switch {
	case err == nil:
		return receipts[0], nil
	case errors.Is(err, bus.ErrTooLarge):
		return event.Receipt{}, &badRequest{[]event.Problem{event.TooLargeForLog()}}
	}
	a.log.WarnContext(ctx, "log outcome failed", "kind", string(e.Kind), "error", err)
	return event.Receipt{}, &httpError{
		status: http.StatusServiceUnavailable, code: string(event.CodeBrokerAway), header: map[string]string{"Retry-After": "5"},
		detail: "The log has not confirmed it: send the same again in a few seconds. It is counted once, however often it is sent.",
	}
}

// lockOutcome lets one change of an outcome after the other.
func (a *app) lockOutcome(v *view, id string) func() {
	return a.outcomes.locks.lock(entryName{v.viewer.Workspace, registry.Kind("outcome"), id})
}

func unreadableOutcome(err error) error {
	return &badRequest{[]event.Problem{{Code: event.CodeNotJSON, Message: "send one JSON object with id, workflow, minutes, units, day, url, note and quality: " + err.Error()}}}
}
