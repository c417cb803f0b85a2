package alerts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/registry"
)

// How an alert stands.
const (
	Quiet  = "quiet"
	Firing = "firing"
)

// What a message tells of.
const (
	EventFiring   = "alert.firing"
	EventResolved = "alert.resolved"
	EventTest     = "alert.test"
	// EventDigest is a mail.
	EventDigest = "digest"
)

// How a delivery has ended.
const (
	Delivered = "delivered"
	// Refused is what the receiver does not take, GivenUp what it did not take within [Patience].
	Refused = "refused"
	GivenUp = "given_up"
)

const (
	// Patience is how long a delivery is tried.
	Patience = 24 * time.Hour
	// mostPending bounds what waits for one receiver: with so many waiting nothing new is noted, and nothing of them is dropped.
	mostPending = 50
	// maxError bounds the text of an error, in bytes.
	maxError = 300
)

// name is an entry of the workspace.
type name struct {
	kind registry.Kind
	key  string
}

// State is how an alert or digest stands: the last message under its key on the topic.
type State struct {
	Workspace string        `json:"workspace"`
	Kind      registry.Kind `json:"kind"`
	Key       string        `json:"key"`
	// Revision counts the writes of the state, Write names this one.
	Revision uint64 `json:"revision"`
	Write    string `json:"write"`
	// Status is quiet or firing, since when; "" where it was never judged. Episode counts the changes.
	Status  string    `json:"status,omitzero"`
	Since   time.Time `json:"since,omitzero"`
	Episode uint64    `json:"episode,omitzero"`
	// Told says that a message tells, or will tell, that it fires. Fired is when the last such message was made.
	Told  bool      `json:"told,omitzero"`
	Fired time.Time `json:"fired,omitzero"`
	// Outcome and Reason are those of the last judgement.
	Outcome string `json:"outcome,omitzero"`
	Reason  string `json:"reason,omitzero"`
	// Due is the latest due time of a digest that was taken up.
	Due time.Time `json:"due,omitzero"`
	// Pending is what is still to be sent, in this order; Last is what was sent last, or given up.
	Pending []Delivery `json:"pending,omitzero"`
	Last    *Delivery  `json:"last,omitzero"`
}

// Delivery is a message on its way.
type Delivery struct {
	// ID is the same each time that it is sent.
	ID    string    `json:"id"`
	Event string    `json:"event"`
	Made  time.Time `json:"made"`
	// Body is what is sent to a webhook, byte by byte the same each time.
	Body jsontext.Value `json:"body,omitzero"`
	// Sent are the recipients of a mail who have it, or will not take it, as they are named here.
	Sent     []string  `json:"sent,omitzero"`
	Attempts int       `json:"attempts,omitzero"`
	Tried    time.Time `json:"tried,omitzero"`
	// Next is when it is tried next.
	Next time.Time `json:"next,omitzero"`
	// Outcome is how it has ended; "" while it is pending. Status is the last answer of the receiver, Error why it has failed.
	Outcome string `json:"outcome,omitzero"`
	Status  int    `json:"status,omitzero"`
	Error   string `json:"error,omitzero"`
}

// key is the Kafka key of a state: workspace, kind and key, each with its length before it.
func (c Config) key(n name) []byte { return stateKey(c.Workspace, n) }

func stateKey(workspace string, n name) []byte {
	var out []byte
	for _, part := range []string{workspace, string(n.kind), n.key} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// message encodes the state for the topic.
func (s State) message() (key, value []byte, err error) {
	if value, err = json.Marshal(s); err != nil {
		return nil, nil, fmt.Errorf("encode state: %w", err)
	}
	return stateKey(s.Workspace, name{s.Kind, s.Key}), value, nil
}

// decode reads a message of the topic. Members that it does not know are those of a later version and are no error.
func decode(key, value []byte) (State, error) {
	var s State
	if err := json.Unmarshal(value, &s); err != nil {
		return State{}, fmt.Errorf("not a state: %w", err)
	}
	switch {
	case s.Kind != registry.Alerts && s.Kind != registry.Digests:
		return State{}, errors.New("not a state: neither of an alert nor of a digest")
	case s.Revision == 0 || s.Write == "" || len(s.Pending) > 2*mostPending:
		return State{}, errors.New("not a state: revision or write is missing, or too much is pending")
	case string(key) != string(stateKey(s.Workspace, name{s.Kind, s.Key})):
		return State{}, errors.New("not a state: its key is another one's")
	}
	return s, nil
}

// clipped is an error as text that fits.
func clipped(err error) string {
	text := err.Error()
	if len(text) > maxError {
		text = text[:maxError] + "…"
	}
	return text
}
