package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// tracker tells where accepted events are. It opens the warehouse when it is first asked, so that the intake does not
// depend on it.
type tracker struct {
	cfg warehouse.Config

	mu sync.Mutex
	db *warehouse.DB
}

func (t *tracker) open(ctx context.Context) (*warehouse.DB, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.db == nil {
		db, err := warehouse.Open(ctx, t.cfg)
		if err != nil {
			return nil, err
		}
		t.db = db
	}
	return t.db, nil
}

func (t *tracker) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.db == nil {
		return nil
	}
	return t.db.Close()
}

// ref is one question.
type ref struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	// Receipt is what the answer to the event said; without it only what is stored or rejected can be told.
	Receipt string `json:"receipt,omitempty"`
}

// outcome is the answer to one question.
type outcome struct {
	ref
	State   warehouse.OutcomeState `json:"state"`
	Code    event.Code             `json:"code,omitempty"`
	Pointer string                 `json:"pointer,omitempty"`
	Message string                 `json:"message,omitempty"`
}

// one answers GET /v1/events?source=&id=[&receipt=].
func (t *tracker) one(c *gin.Context) {
	out, ok := t.ask(c, []ref{{Source: c.Query("source"), ID: c.Query("id"), Receipt: c.Query("receipt")}})
	if !ok {
		return
	}
	if out[0].State == warehouse.OutcomeUnknown {
		process.Problem(c, http.StatusNotFound, "unknown_event",
			"No such event is stored or rejected. If it was accepted a moment ago, ask with its receipt.", nil)
		return
	}
	c.JSON(http.StatusOK, out[0])
}

// many answers POST /v1/events/outcomes.
func (t *tracker) many(c *gin.Context) {
	var refs []ref
	dec := json.NewDecoder(c.Request.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&refs); err != nil {
		if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
			process.Problem(c, http.StatusRequestEntityTooLarge, "too_large", "Ask for fewer events at once.", map[string]any{"limit_bytes": MaxBody})
			return
		}
		process.Problem(c, http.StatusBadRequest, "unreadable", `Send a JSON array of {"source","id","receipt"}.`, nil)
		return
	}
	if len(refs) > MaxEvents {
		process.Problem(c, http.StatusRequestEntityTooLarge, "too_many_events",
			fmt.Sprintf("Ask for at most %d events at once.", MaxEvents), map[string]any{"limit_events": MaxEvents})
		return
	}
	if out, ok := t.ask(c, refs); ok {
		c.JSON(http.StatusOK, gin.H{"outcomes": out})
	}
}

// ask answers in the order of refs; where it can not, it has written the problem.
func (t *tracker) ask(c *gin.Context, refs []ref) ([]outcome, bool) {
	key := keyOf(c)
	questions, problem := questions(key, refs)
	if problem != nil {
		status := http.StatusBadRequest
		if problem.Code == event.CodeForbiddenSource {
			status = http.StatusForbidden
		}
		process.Problem(c, status, string(problem.Code), problem.Message, map[string]any{"pointer": problem.Pointer})
		return nil, false
	}
	db, err := t.open(c)
	var found []warehouse.Outcome
	if err == nil {
		found, err = db.Outcome(c, key.Workspace, questions)
	}
	if err != nil {
		_ = c.Error(err)
		c.Header("Retry-After", "2")
		process.Problem(c, http.StatusServiceUnavailable, "warehouse_away", "The warehouse does not answer; ask again a little later.", nil)
		return nil, false
	}
	out := make([]outcome, len(refs))
	for i, o := range found {
		out[i] = outcome{refs[i], o.State, o.Code, o.Pointer, o.Message}
	}
	return out, true
}

func questions(key access.Key, refs []ref) ([]warehouse.Ref, *event.Problem) {
	out := make([]warehouse.Ref, len(refs))
	for i, r := range refs {
		at := fmt.Sprintf("/%d", i)
		if r.Source == "" || r.ID == "" {
			return nil, &event.Problem{Code: event.CodeMissingField, Pointer: at, Message: "Give source and id."}
		}
		if !key.MayWrite(r.Source) {
			return nil, &event.Problem{Code: event.CodeForbiddenSource, Pointer: at + "/source", Message: "This key may not ask for events of this source."}
		}
		out[i] = warehouse.Ref{Source: r.Source, ID: r.ID}
		if r.Receipt == "" {
			continue
		}
		receipt, err := event.ParseReceipt(r.Receipt)
		if err != nil {
			return nil, &event.Problem{Code: event.CodeBadValue, Pointer: at + "/receipt", Message: "The receipt is not one of ours."}
		}
		out[i].Receipt = &receipt
	}
	return out, nil
}
