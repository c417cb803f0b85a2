package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// eventCommand says where one event is.
type eventCommand struct {
	Source  string `required:"" placeholder:"SOURCE" help:"Source of the event."`
	ID      string `name:"id" required:"" placeholder:"ID" help:"Id of the event."`
	Receipt string `placeholder:"PARTITION:OFFSET" help:"Receipt from the answer to the event: asks for this very submission."`
	JSON    bool   `name:"json" help:"Print the answer as JSON."`
	remote
}

// Help shows examples and the states.
func (eventCommand) Help() string {
	return `Says where an event is: queued (in the log, not loaded yet), loaded, duplicate (an earlier submission was loaded),
rejected (with every time that it was refused), or unknown, which ends with code 1.

Examples:
  plumbline event --source /cms --id 42
  plumbline event --source /cms --id 42 --receipt 3:1017
  plumbline event --source /cms --id 42 --json`
}

// whereabouts is the answer of the collector.
type whereabouts struct {
	Source          string           `json:"source"`
	ID              string           `json:"id"`
	State           string           `json:"state"`
	Receipt         string           `json:"receipt"`
	StoredReceipt   string           `json:"stored_receipt"`
	Code            string           `json:"code"`
	Message         string           `json:"message"`
	Kind            string           `json:"kind"`
	Time            time.Time        `json:"time"`
	ReceivedAt      time.Time        `json:"received_at"`
	Void            *amendment       `json:"void"`
	Correction      *amendment       `json:"correction"`
	InNumbers       *bool            `json:"in_numbers"`
	CompleteThrough time.Time        `json:"complete_through"`
	Rejects         []refusalOfEvent `json:"rejects"`
}

type amendment struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
}

type refusalOfEvent struct {
	RejectID string    `json:"reject_id"`
	At       time.Time `json:"at"`
	Stage    string    `json:"stage"`
	Code     string    `json:"code"`
	Pointer  string    `json:"pointer"`
	Message  string    `json:"message"`
}

// Run asks the collector.
func (c *eventCommand) Run(ctx context.Context, s Streams) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	query := url.Values{"source": {c.Source}, "id": {c.ID}}
	if c.Receipt != "" {
		query.Set("receipt", c.Receipt)
	}
	res, err := c.open(ctx, s, "/v1/events?"+query.Encode(), "application/json")
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	var w whereabouts
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		var problem struct{ State, Detail string }
		if err := json.Unmarshal(raw, &problem, json.MatchCaseInsensitiveNames(true)); err != nil || problem.State == "" {
			return refusedBy(res, raw)
		}
		w = whereabouts{Source: c.Source, ID: c.ID, State: problem.State, Message: problem.Detail}
	default:
		return refusedBy(res, raw)
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(raw, &w); err != nil {
			return fmt.Errorf("the answer is not what a collector says: %w", err)
		}
	}
	if c.JSON {
		if err := s.json(jsontext.Value(raw)); err != nil {
			return err
		}
	} else {
		w.print(s)
	}
	if res.StatusCode == http.StatusNotFound {
		return errSilent
	}
	return nil
}

// print says it in lines.
func (w *whereabouts) print(s Streams) {
	s.printf("%s of %s is %s\n", w.ID, w.Source, w.State)
	line := func(name, format string, args ...any) { s.printf("  %-16s %s\n", name, fmt.Sprintf(format, args...)) }
	switch w.State {
	case "unknown":
		line("", "%s", w.Message)
	case "queued":
		line("receipt", "%s", w.Receipt)
		line("", "It is durable in the log and will be loaded.")
	case "rejected":
		line("code", "%s", w.Code)
		line("", "%s", w.Message)
	case "loaded", "duplicate":
		w.printStored(line)
	}
	if len(w.Rejects) > 0 {
		s.printf("refused %d times, the latest first:\n", len(w.Rejects))
	}
	for _, r := range w.Rejects {
		s.printf("  %s  %s by the %s", r.At.Format(time.RFC3339), r.Code, r.Stage)
		if r.Pointer != "" {
			s.printf(" at %s", r.Pointer)
		}
		s.printf(": %s (%s)\n", r.Message, r.RejectID)
	}
}

func (w *whereabouts) printStored(line func(name, format string, args ...any)) {
	line("kind", "%s", w.Kind)
	line("time", "%s", w.Time.Format(time.RFC3339Nano))
	line("receipt", "%s", w.StoredReceipt)
	if !w.ReceivedAt.IsZero() {
		line("received at", "%s", w.ReceivedAt.Format(time.RFC3339Nano))
	}
	if w.Void != nil {
		line("voided by", "%s of %s", w.Void.ID, w.Void.Source)
	}
	if w.Correction != nil {
		line("corrected by", "%s of %s", w.Correction.ID, w.Correction.Source)
	}
	through := "not known yet"
	if !w.CompleteThrough.IsZero() {
		through = w.CompleteThrough.Format(time.RFC3339Nano)
	}
	switch {
	case w.InNumbers != nil && *w.InNumbers:
		line("in the numbers", "yes (complete through %s)", through)
	case w.Void != nil:
		line("in the numbers", "no: it is voided (complete through %s)", through)
	default:
		line("in the numbers", "not yet (complete through %s)", through)
	}
}

// open asks the collector with the write key. Whatever it answers is the caller's to judge.
func (r remote) open(ctx context.Context, s Streams, path, accept string) (*http.Response, error) {
	address, err := r.address(s)
	if err != nil {
		return nil, err
	}
	key, err := r.writeKey(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+path, http.NoBody)
	if err != nil {
		return nil, usage("--url: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server (is it running?): %w", err)
	}
	return res, nil
}
