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
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// tracker tells where events are. It opens the warehouse when it is first asked, so that the intake does not depend on
// it, and looks into the log for what the warehouse does not have yet.
type tracker struct {
	cfg    warehouse.Config
	finder *bus.Finder

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
	t.finder.Close()
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
	// Receipt is what the answer to the event said: with it the outcome is that of this very submission.
	Receipt string `json:"receipt,omitempty"`
}

// outcome is the answer to one question.
type outcome struct {
	ref
	State   warehouse.OutcomeState `json:"state"`
	Code    event.Code             `json:"code,omitempty"`
	Pointer string                 `json:"pointer,omitempty"`
	Message string                 `json:"message,omitempty"`

	rejects []warehouse.Refusal
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
	var next map[int]int64
	if err == nil {
		// Before the outcomes: see there.
		next, err = db.NextOffsets(c)
	}
	var found []warehouse.Outcome
	if err == nil {
		found, err = db.Outcome(c, key.Workspace, questions)
	}
	if err != nil {
		warehouseAway(c, err)
		return nil, false
	}
	out := make([]outcome, len(refs))
	for i, o := range found {
		out[i] = outcome{refs[i], o.State, o.Code, o.Pointer, o.Message, o.Rejects}
	}
	if err := t.look(c, key.Workspace, out, next); err != nil {
		_ = c.Error(err)
		c.Header("Retry-After", "2")
		process.Problem(c, http.StatusServiceUnavailable, "broker_away",
			"The log does not answer, where an event may still be queued; ask again a little later.", nil)
		return nil, false
	}
	return out, true
}

func warehouseAway(c *gin.Context, err error) {
	_ = c.Error(err)
	c.Header("Retry-After", "2")
	process.Problem(c, http.StatusServiceUnavailable, "warehouse_away", "The warehouse does not answer; ask again a little later.", nil)
}

// look searches the log for the events that were asked for without a receipt and are not stored: what is in the part of
// it that the loader has not processed is queued, whatever was refused under the same name before.
func (t *tracker) look(ctx context.Context, workspace string, out []outcome, next map[int]int64) error {
	var keys [][]byte
	for _, o := range out {
		if o.open() {
			id := event.IdentityOf(workspace, o.Source, o.ID)
			keys = append(keys, id[:])
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := t.finder.Find(ctx, bus.Events, keys, next)
	if err != nil {
		return err
	}
	for i := range out {
		o := &out[i]
		if !o.open() {
			continue
		}
		id := event.IdentityOf(workspace, o.Source, o.ID)
		receipt, queued := found.At[string(id[:])]
		unread := found.Unread[bus.PartitionOf(id[:], t.finder.Partitions())]
		switch {
		case queued && !o.refusedAt(receipt):
			*o = outcome{ref: ref{o.Source, o.ID, receipt.String()}, State: warehouse.OutcomeQueued, rejects: o.rejects}
		case queued || unread == 0:
		case o.State == warehouse.OutcomeUnknown:
			o.Message = fmt.Sprintf("neither stored nor rejected, but %d messages of the log are still to be looked at: ask again, or with the receipt", unread)
		default:
			o.Message += fmt.Sprintf(" (%d messages of the log are still to be looked at, and a later submission may be among them)", unread)
		}
	}
	return nil
}

// open tells whether the log may know more than the warehouse.
func (o *outcome) open() bool {
	return o.Receipt == "" && (o.State == warehouse.OutcomeUnknown || o.State == warehouse.OutcomeRejected)
}

// refusedAt tells whether the loader has refused what stands at that place of the log.
func (o *outcome) refusedAt(r event.Receipt) bool {
	for _, refusal := range o.rejects {
		if refusal.Receipt != nil && *refusal.Receipt == r {
			return true
		}
	}
	return false
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
