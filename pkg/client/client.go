// Package client is the Go client for tools that emit events.
//
//	c, err := client.New(client.Config{URL: "http://127.0.0.1:8080", Key: os.Getenv("PLUMBLINE_WRITE_KEY")})
//	answers, err := c.Send(ctx, []client.Event{{
//		ID: "task-17", Source: "writer.example", Time: finished,
//		Data: &event.HoursSaved{DoingMinutes: new(event.NumberOf(12))},
//	}})
//
// Send answers for each event in order. It splits what is too much for one request and sends again what the collector
// could not take now, always under the same ids, so that a repeated request never counts twice. It does not buffer,
// it does not send in the background and it does not make up ids: an event is durable when its answer is accepted, and
// an id that is made anew for every try would count every try.
//
// Who can not wait for the collector uses a [Buffer]: it keeps events on disk and sends them in the background.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// The limits of one request (events.md), with room for brackets and commas.
const (
	maxEvents = 1_000
	maxBytes  = 4<<20 - 4<<10
)

// Config says where the collector is and who is sending.
type Config struct {
	// URL is the address of the collector without a path: "http://127.0.0.1:8080".
	URL string
	// Key is a write key: it decides the workspace and the sources that may be written.
	Key string
	// Patience is how long Send goes on trying while nothing is taken; default one minute, negative for one try.
	Patience time.Duration
	// HTTP is the client to use; default one with a time-out of 30 seconds a request.
	HTTP *http.Client
}

// Client sends events. It is safe for concurrent use.
type Client struct {
	base     string
	key      string
	patience time.Duration
	http     *http.Client
}

// Event is one event to send.
type Event struct {
	// ID and Source name the event for ever: sent twice, it counts once.
	ID, Source string
	// Type may stay empty where Data is one of the types of package event.
	Type string
	// Time is when it happened.
	Time time.Time
	// Subject and DataSchema are optional.
	Subject, DataSchema string
	// Extensions are CloudEvents extension attributes, optional.
	Extensions map[string]string
	// Data is the payload: a type of package event, or anything that encodes as the JSON object of its kind.
	Data any
}

// New checks the configuration. It does no I/O.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("client: the URL %q is no address such as http://127.0.0.1:8080", cfg.URL)
	}
	if cfg.Key == "" {
		return nil, errors.New("client: no write key is given")
	}
	c := &Client{base: strings.TrimRight(cfg.URL, "/"), key: cfg.Key, patience: cfg.Patience, http: cfg.HTTP}
	if c.patience == 0 {
		c.patience = time.Minute
	}
	if c.http == nil {
		c.http = &http.Client{Timeout: 30 * time.Second}
	}
	return c, nil
}

// Ping asks once whether a Plumbline answers at the address. It says nothing about the key.
func (c *Client) Ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: is this a Plumbline?", c.base, res.Status)
	}
	return nil
}

// Send sends events and returns one answer for each, in order. When it gives up (the context ended, the collector stayed
// away, the key is not taken), the error says why, and the events without a final answer have the state
// [event.Retry]: send the same again.
func (c *Client) Send(ctx context.Context, events []Event) ([]event.Answer, error) {
	raws := make([]jsontext.Value, len(events))
	for i, e := range events {
		raw, err := e.encode()
		if err != nil {
			return nil, fmt.Errorf("client: event %d (%s): %w", i, e.ID, err)
		}
		raws[i] = raw
	}
	answers, err := c.SendStructured(ctx, raws)
	for i := range answers {
		answers[i].Source, answers[i].ID = events[i].Source, events[i].ID
	}
	return answers, err
}

// SendStructured is Send for events that are CloudEvents in JSON already.
func (c *Client) SendStructured(ctx context.Context, events []jsontext.Value) ([]event.Answer, error) {
	answers := make([]event.Answer, len(events))
	for i := range answers {
		answers[i].State = event.Retry
	}
	for from := 0; from < len(events); {
		to := batchEnd(events, from)
		if err := c.batch(ctx, events[from:to], answers[from:to]); err != nil {
			return answers, err
		}
		from = to
	}
	return answers, nil
}

// batchEnd returns the end of the batch that starts at from: at least one event, within the limits of a request.
func batchEnd(events []jsontext.Value, from int) int {
	size := 0
	for i := from; i < len(events); i++ {
		size += len(events[i]) + 1
		if i > from && (size > maxBytes || i-from == maxEvents) {
			return i
		}
	}
	return len(events)
}

// batch sends one batch until every event in it has a final answer.
func (c *Client) batch(ctx context.Context, events []jsontext.Value, answers []event.Answer) error {
	open := make([]int, len(events))
	for i := range open {
		open[i] = i
	}
	wait := newBackOff(c.patience)
	for {
		got, err := c.post(ctx, events, open)
		var busy *busyError
		if err != nil && !errors.As(err, &busy) {
			return err
		}
		var left []int
		for k, i := range open {
			if k < len(got) {
				answers[i] = got[k]
			}
			if answers[i].State == event.Retry {
				left = append(left, i)
			}
		}
		if len(left) == 0 {
			return nil
		}
		if len(left) < len(open) {
			wait.progress()
		}
		open = left
		if err := wait.pause(ctx, busy, answers[left[0]]); err != nil {
			return err
		}
	}
}

// encode writes the event in CloudEvents JSON format.
func (e Event) encode() (jsontext.Value, error) {
	kind := e.Type
	if d, ok := e.Data.(event.Data); ok && kind == "" {
		kind = d.Kind().Type()
	}
	attributes := map[string]any{"specversion": "1.0", "id": e.ID, "source": e.Source, "type": kind, "data": e.Data}
	if !e.Time.IsZero() {
		attributes["time"] = e.Time.UTC().Format(event.TimeForm)
	}
	if e.Subject != "" {
		attributes["subject"] = e.Subject
	}
	if e.DataSchema != "" {
		attributes["dataschema"] = e.DataSchema
	}
	for k, v := range e.Extensions {
		if _, ours := attributes[k]; ours {
			return nil, fmt.Errorf("the extension %q has the name of an attribute", k)
		}
		attributes[k] = v
	}
	raw, err := json.Marshal(attributes, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return raw, nil
}
