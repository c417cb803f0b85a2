package waves

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
)

// The kinds of messages, the first part of their keys. A secret has the act of writing in its key: the first secret of a wave
// counts, and a compaction, which keeps the last message of each key, must never put a later one in its place.
const (
	kindSecret = "secret"
	kindEnd    = "end"
)

// secretBytes is the length of a secret.
const secretBytes = 32

// name names a wave: keys are unique within a workspace.
type name struct{ workspace, wave string }

// home is what all messages about a wave have in common: they are in one partition, in order.
func (n name) home() []byte { return keyOf(n.workspace, n.wave) }

// opening is the message that opens a wave.
type opening struct {
	Secret   []byte    `json:"secret"`
	OpenedAt time.Time `json:"opened_at"`
	ClosesAt time.Time `json:"closes_at"`
	// write is unique to the act of writing.
	write string
}

// ending is the message that says when a wave closes, or that it has closed.
type ending struct {
	OpenedAt time.Time `json:"opened_at"`
	ClosesAt time.Time `json:"closes_at"`
	ClosedAt time.Time `json:"closed_at,omitzero"`
	// Swept says that the end was written once more so that the log may let go of the secret.
	Swept bool `json:"swept,omitzero"`
}

// errMessage is a message on the topic that is none of ours.
var errMessage = errors.New("not a message about waves")

// keyOf is a key of texts: a JSON array of them.
func keyOf(parts ...string) []byte {
	key, err := json.Marshal(parts)
	if err != nil {
		// A name that is no UTF-8 is refused before it comes here.
		panic(fmt.Sprintf("waves: encode key: %v", err))
	}
	return key
}

// Opening is a message that opens a wave with a secret of 32 bytes that somebody knows before: it is for those who must say
// beforehand what will be stored, in tests. A [Book] draws its secrets.
func Opening(workspace, wave string, secret []byte, openedAt time.Time) (bus.Message, error) {
	n := name{workspace, wave}
	return opening{
		Secret: secret, OpenedAt: stamp(openedAt), ClosesAt: stamp(openedAt.Add(MaxOpen)), write: "given",
	}.message(n)
}

func newOpening(now, closesAt time.Time) opening {
	o := opening{Secret: make([]byte, secretBytes), OpenedAt: stamp(now), ClosesAt: stamp(closesAt)}
	write := make([]byte, 16)
	_, _ = rand.Read(o.Secret) // never fails
	_, _ = rand.Read(write)
	o.write = hex.EncodeToString(write)
	return o
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func (o opening) key(n name) []byte { return keyOf(kindSecret, n.workspace, n.wave, o.write) }

func (o opening) message(n name) (bus.Message, error) {
	value, err := json.Marshal(o)
	if err != nil {
		return bus.Message{}, fmt.Errorf("encode the secret of a wave: %w", err)
	}
	return bus.Message{Key: o.key(n), Home: n.home(), Value: value}, nil
}

// retraction takes a secret back: the log forgets it at its next compaction.
func retraction(n name, write string) bus.Message {
	return bus.Message{Key: opening{write: write}.key(n), Home: n.home()}
}

func (e ending) message(n name) (bus.Message, error) {
	value, err := json.Marshal(e)
	if err != nil {
		return bus.Message{}, fmt.Errorf("encode the end of a wave: %w", err)
	}
	return bus.Message{Key: keyOf(kindEnd, n.workspace, n.wave), Home: n.home(), Value: value}, nil
}

// decode reads a message: an opening, an ending, or neither where something was taken back. It believes nothing that no
// writer of ours writes.
func decode(key, value []byte) (name, *opening, *ending, error) {
	var parts []string
	if err := json.Unmarshal(key, &parts); err != nil || len(parts) < 3 || parts[1] == "" || parts[2] == "" {
		return name{}, nil, nil, fmt.Errorf("%w: its key has another form", errMessage)
	}
	n := name{parts[1], parts[2]}
	switch {
	case parts[0] == kindSecret && len(parts) == 4 && parts[3] != "":
		if len(value) == 0 {
			return n, nil, nil, nil
		}
		o := opening{write: parts[3]}
		if err := json.Unmarshal(value, &o, json.RejectUnknownMembers(true)); err != nil {
			return n, nil, nil, errMessage // the error would quote a secret
		}
		if len(o.Secret) != secretBytes || o.OpenedAt.IsZero() || o.ClosesAt.Before(o.OpenedAt) {
			return n, nil, nil, fmt.Errorf("%w: the secret has another length, or the times are missing", errMessage)
		}
		return n, &o, nil, nil
	case parts[0] == kindEnd && len(parts) == 3:
		var e ending
		if err := json.Unmarshal(value, &e, json.RejectUnknownMembers(true)); err != nil {
			return n, nil, nil, fmt.Errorf("%w: %w", errMessage, err)
		}
		if e.ClosesAt.IsZero() || e.Swept && e.ClosedAt.IsZero() {
			return n, nil, nil, fmt.Errorf("%w: the end has no time", errMessage)
		}
		return n, nil, &e, nil
	}
	return name{}, nil, nil, fmt.Errorf("%w: it is no secret and no end", errMessage)
}
