package collector

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// whereabouts is the answer about one event: its outcome, and what the system knows beside it.
type whereabouts struct {
	outcome
	// Of a stored event, which for a duplicate is the earlier one.
	Kind       event.Kind `json:"kind,omitempty"`
	Time       *time.Time `json:"time,omitempty"`
	ReceivedAt *time.Time `json:"received_at,omitempty"`
	// StoredReceipt is its place in the log.
	StoredReceipt string     `json:"stored_receipt,omitempty"`
	Void          *amendment `json:"void,omitempty"`
	Correction    *amendment `json:"correction,omitempty"`
	// InNumbers says whether the numbers hold it; nil where there is nothing to hold.
	InNumbers       *bool      `json:"in_numbers,omitempty"`
	CompleteThrough *time.Time `json:"complete_through,omitempty"`
	// Rejects are all times that it was refused, the latest first.
	Rejects []refusal `json:"rejects"`
}

// amendment is a void or a correction that applies.
type amendment struct {
	Source     string    `json:"source"`
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	ReceivedAt time.Time `json:"received_at"`
}

// refusal is one time that an event was refused.
type refusal struct {
	RejectID string     `json:"reject_id"`
	At       time.Time  `json:"at"`
	Stage    string     `json:"stage"`
	Code     event.Code `json:"code"`
	Pointer  string     `json:"pointer"`
	Message  string     `json:"message"`
}

// one answers GET /v1/events?source=&id=[&receipt=].
func (t *tracker) one(c *gin.Context) {
	outcomes, ok := t.ask(c, []ref{{Source: c.Query("source"), ID: c.Query("id"), Receipt: c.Query("receipt")}})
	if !ok {
		return
	}
	out := whereabouts{outcome: outcomes[0], Rejects: []refusal{}}
	for _, r := range out.rejects {
		out.Rejects = append(out.Rejects, refusal{r.RejectID, timeOf(r.At), r.Stage, r.Code, r.Pointer, r.Message})
	}
	switch out.State {
	case warehouse.OutcomeUnknown:
		t.unknown(c, out.outcome)
		return
	case warehouse.OutcomeLoaded, warehouse.OutcomeDuplicate:
		if err := t.place(c, &out); err != nil {
			warehouseAway(c, err)
			return
		}
	}
	c.JSON(http.StatusOK, out)
}

// place adds where a stored event stands.
func (t *tracker) place(c *gin.Context, out *whereabouts) error {
	db, err := t.open(c)
	if err != nil {
		return err
	}
	w, ok, err := db.Whereabouts(c, keyOf(c).Workspace, out.Source, out.ID)
	if err != nil || !ok {
		return err
	}
	out.Kind, out.Time, out.ReceivedAt = w.Kind, known(w.Time), known(w.ReceivedAt)
	out.StoredReceipt, out.InNumbers, out.CompleteThrough = w.Receipt.String(), &w.InNumbers, known(w.CompleteThrough)
	if out.Receipt == "" {
		out.Receipt = out.StoredReceipt
	}
	out.Void, out.Correction = amendmentOf(w.Void), amendmentOf(w.Correction)
	return nil
}

// unknown answers 404, and says where the event may still be.
func (t *tracker) unknown(c *gin.Context, o outcome) {
	detail := "No such event is stored, rejected or queued. Look at the spelling of source and id."
	if o.Message != "" {
		detail = "No such event is known yet: it is " + o.Message + "."
	}
	ext := map[string]any{"state": o.State}
	// The inbox is no place of its own in the answers: what is in it is not accepted yet.
	if behind, err := t.finder.Behind(c, bus.Inbox, groupGate); err != nil {
		_ = c.Error(err)
		detail += " Whether it is still in the inbox can not be told now."
	} else if behind > 0 {
		detail += fmt.Sprintf(" If it was written to the inbox, it may be among the %d messages there that are not read yet: ask again.", behind)
		ext["inbox_unread"] = behind
	}
	process.Problem(c, http.StatusNotFound, "unknown_event", detail, ext)
}

func amendmentOf(a *warehouse.Amendment) *amendment {
	if a == nil {
		return nil
	}
	return &amendment{a.Source, a.ID, timeOf(a.Time), timeOf(a.ReceivedAt)}
}

func timeOf(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// known is nil for a time that is not known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	out := timeOf(t)
	return &out
}
