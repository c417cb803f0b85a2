package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// payload is what a webhook gets: the three members of the Standard Webhooks specification.
type payload struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      payloadData `json:"data"`
}

// payloadData says which alert, how it stands, and of what.
type payloadData struct {
	Workspace string `json:"workspace"`
	Alert     string `json:"alert"`
	Name      string `json:"name"`
	When      string `json:"when"`
	State     string `json:"state"`
	Since     string `json:"since"`
	// Text says it in one sentence, Facts in fields; URL leads to the same view.
	Text  string `json:"text"`
	Facts any    `json:"facts"`
	URL   string `json:"url,omitempty"`
}

// body is the message of an event, once and for all: what is sent again is the same byte by byte.
func (d *Desk) body(kind, key string, a *registry.Alert, s State, j Judgement) ([]byte, error) {
	p := payload{Type: kind, Timestamp: d.cfg.Now().UTC().Format(event.TimeForm), Data: payloadData{
		Workspace: d.cfg.Workspace, Alert: key, Name: a.Name, When: a.When, State: s.Status, Since: s.Since.UTC().Truncate(time.Millisecond).Format(event.TimeForm),
		Text: j.Text, Facts: j.Facts,
	}}
	if d.cfg.URL != "" && j.Path != "" {
		p.Data.URL = strings.TrimRight(d.cfg.URL, "/") + j.Path
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return raw, nil
}
