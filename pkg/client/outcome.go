package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
)

// Ref names an event whose outcome is asked for.
type Ref struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	// Receipt is that of the answer: with it a duplicate is told from the event that it repeats.
	Receipt string `json:"receipt,omitempty"`
}

// The states of an accepted event.
const (
	Queued    = "queued"    // durable, not yet loaded
	Loaded    = "loaded"    // in the warehouse, counted once
	Duplicate = "duplicate" // the same event had come before; nothing changed
	Rejected  = "rejected"  // the loader refused it, Code says why
)

// Outcome is what became of an accepted event.
type Outcome struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	// State is one of the constants above.
	State string `json:"state"`
	// Code is the reason of a rejection.
	Code event.Code `json:"code"`
	// Message is a sentence, where there is one.
	Message string `json:"message"`
}

// Outcomes asks what became of accepted events, in order. While the collector cannot say, it asks again until
// [Config.Patience] is over.
func (c *Client) Outcomes(ctx context.Context, refs []Ref) ([]Outcome, error) {
	out := make([]Outcome, 0, len(refs))
	for from := 0; from < len(refs); from += maxEvents {
		batch := refs[from:min(from+maxEvents, len(refs))]
		body, err := json.Marshal(batch)
		if err != nil {
			return nil, fmt.Errorf("client: encode: %w", err)
		}
		var reply struct {
			Outcomes []Outcome `json:"outcomes"`
		}
		if err := c.patiently(ctx, func() error {
			return c.call(ctx, http.MethodPost, "/v1/events/outcomes", "application/json", body, &reply)
		}); err != nil {
			return nil, err
		}
		if len(reply.Outcomes) != len(batch) {
			return nil, fmt.Errorf("client: asked for %d outcomes, %d came", len(batch), len(reply.Outcomes))
		}
		out = append(out, reply.Outcomes...)
	}
	return out, nil
}
