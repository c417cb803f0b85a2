package scorecard

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/google/uuid"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/warehouse"
)

// replayRequest is the body of POST /rejects/replay.
type replayRequest struct {
	IDs    []string          `json:"ids"`
	Filter map[string]string `json:"filter"`
	Fix    json.RawMessage   `json:"fix"`
	// DryRun is true unless it is said to be false.
	DryRun *bool  `json:"dry_run"`
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor"`
}

// replayResult is what became of one reject, or in a dry run what would.
type replayResult struct {
	ID      string  `json:"id"`
	Source  string  `json:"source"`
	EventID string  `json:"event_id"`
	Type    string  `json:"type"`
	State   string  `json:"state"`
	Code    *string `json:"code"`
	Pointer *string `json:"pointer"`
	Message *string `json:"message"`
	Receipt *string `json:"receipt"`
	// Fixed says that the fix has changed the event.
	Fixed bool `json:"fixed"`
}

// replayReport is the answer of POST /rejects/replay.
type replayReport struct {
	DryRun  bool           `json:"dry_run"`
	Totals  map[string]int `json:"totals"`
	Results []replayResult `json:"results"`
	// Unrecorded is how many were sent without a record of it: the log has not taken the record.
	Unrecorded int     `json:"unrecorded"`
	Next       *string `json:"next"`
}

// replay is one request under way.
type replay struct {
	app    *app
	view   *view
	filter warehouse.RejectFilter
	// named says that rejects are named, not found: then also those whose key was not allowed to send them are sent.
	named   bool
	fix     *mapping.Fix
	fixText string
	limit   int
	after   *warehouse.RejectPlace
	// begins says that this request begins a list and does not go on with one.
	begins bool
	// seal says which days are closed.
	seal warehouse.Seal
	// seen are the events of this request, by identity: the same one may have been refused many times.
	seen    map[event.Identity]event.PayloadHash
	receive string
	report  replayReport
}

// newReplay reads a request, strictly.
func (a *app) newReplay(v *view, raw []byte) (*replay, error) {
	var req replayRequest
	if err := decodeStrict(raw, &req); err != nil {
		return nil, badReplay("", `send {"ids":[…]} or {"filter":{…}}, with fix, dry_run, limit and cursor if needed`)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make replay id: %w", err)
	}
	r := &replay{
		app: a, view: v, limit: req.Limit, seen: map[event.Identity]event.PayloadHash{}, receive: id.String(),
		report: replayReport{DryRun: req.DryRun == nil || *req.DryRun, Totals: map[string]int{}, Results: []replayResult{}},
	}
	for _, state := range []string{warehouse.ReplayAccepted, warehouse.ReplayUnchanged, warehouse.ReplayRejected, warehouse.ReplayImpossible, warehouse.ReplayRetry} {
		r.report.Totals[state] = 0
	}
	if r.limit == 0 {
		r.limit = mostReplays
	}
	switch {
	case (len(req.IDs) == 0) == (req.Filter == nil):
		return nil, badReplay("/ids", "give either ids or a filter")
	case len(req.IDs) > mostReplays:
		return nil, badReplay("/ids", fmt.Sprintf("give at most %d ids", mostReplays))
	case r.limit < 1 || r.limit > mostReplays:
		return nil, badReplay("/limit", fmt.Sprintf("write a number from 1 to %d", mostReplays))
	}
	values := url.Values{}
	for name, value := range req.Filter {
		values.Set(name, value)
	}
	if r.filter, err = rejectFilter(values, v); err != nil {
		return nil, err
	}
	r.filter.IDs = req.IDs
	r.begins = req.Cursor == ""
	r.named = len(req.IDs) > 0 || r.filter.Code != ""
	if r.after, err = rejectPlace(req.Cursor); err != nil {
		return nil, err
	}
	return r, r.readFix(req.Fix)
}

func badReplay(pointer, message string) error {
	return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: pointer, Message: message}}}
}

func (r *replay) readFix(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	fix, problems := mapping.ParseFix(raw)
	for i := range problems {
		problems[i].Pointer = "/fix" + problems[i].Pointer
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	text, err := fix.Encode()
	r.fix, r.fixText = &fix, text
	return err
}
