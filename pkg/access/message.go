package access

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// Use says when a key was last used, as one process has seen it.
type Use struct {
	Workspace string
	ID        string
	// Instance names the process, so that none overwrites what another has seen.
	Instance string
	// At is UTC and has milliseconds; zero takes back what the instance has said.
	At time.Time
}

// Entry is what one message of the topic says: one of the three, or nothing where something was taken back.
type Entry struct {
	Record *Record
	Use    *Use
	End    *SessionEnd
}

// ErrMessage is a message on the topic that is none of ours.
var ErrMessage = errors.New("not a message about keys or sessions")

// The kinds of messages, the first part of their Kafka keys.
const (
	messageRecord = "key"
	messageUse    = "use"
)

// Home is what all messages about a key have in common: they are in one partition, in order.
func (n KeyName) Home() []byte { return joined(n.Workspace, n.ID) }

// joined are the parts, each with its length before it.
func joined(parts ...string) []byte {
	var out []byte
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// split is the inverse of joined.
func split(key []byte) ([]string, bool) {
	var parts []string
	for len(key) > 0 {
		if len(key) < 4 {
			return nil, false
		}
		n := binary.BigEndian.Uint32(key)
		if key = key[4:]; uint64(n) > uint64(len(key)) {
			return nil, false
		}
		parts, key = append(parts, string(key[:n])), key[n:]
	}
	return parts, true
}

// messageKey has the write in it: a compaction must never keep a record in the place of another, for the last one in the
// log may be one that came too late and does not count.
func (r Record) messageKey() []byte { return joined(messageRecord, r.Workspace, r.ID, r.Write) }

// Message encodes the record for its topic.
func (r Record) Message() (key, value []byte, err error) {
	if err := r.Validate(); err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	if value, err = json.Marshal(r); err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	return r.messageKey(), value, nil
}

// Retraction takes back a record that did not count, for those who read the log after a compaction: of a record that stands in
// the log twice the compaction drops the first copy, and one that came between them would be the first.
func (r Record) Retraction() (key []byte) { return r.messageKey() }

// use is the JSON form of a [Use]; the rest of it is in the Kafka key.
type use struct {
	At time.Time `json:"at"`
}

// Message encodes the use for its topic. One that takes back has no value, and goes away with the next compaction.
func (u Use) Message() (key, value []byte, err error) {
	key = joined(messageUse, u.Workspace, u.ID, u.Instance)
	if u.At.IsZero() {
		return key, nil, nil
	}
	if value, err = json.Marshal(use{stamp(u.At)}); err != nil {
		return nil, nil, fmt.Errorf("encode use of a key: %w", err)
	}
	return key, value, nil
}

// Decode reads a message of the topic. It knows every member, and believes nothing that no writer of ours writes.
func Decode(key, value []byte) (Entry, error) {
	parts, ok := split(key)
	if !ok || len(parts) != 4 {
		return Entry{}, fmt.Errorf("%w: its Kafka key has another form", ErrMessage)
	}
	switch parts[0] {
	case messageRecord:
		if len(value) == 0 {
			return Entry{}, nil
		}
		var r Record
		if err := json.Unmarshal(value, &r, json.RejectUnknownMembers(true)); err != nil {
			return Entry{}, fmt.Errorf("%w: %w", ErrMessage, err)
		}
		r.utc()
		if err := r.Validate(); err != nil {
			return Entry{}, fmt.Errorf("%w: %w", ErrMessage, err)
		}
		if !bytes.Equal(key, r.messageKey()) {
			return Entry{}, fmt.Errorf("%w: its Kafka key names another", ErrMessage)
		}
		return Entry{Record: &r}, nil
	case messageUse:
		return decodeUse(parts, value)
	case messageSession, messagePerson:
		return decodeEnd(parts, key, value)
	}
	return Entry{}, fmt.Errorf("%w: it is no key, no use and no end of a session", ErrMessage)
}

func decodeUse(parts []string, value []byte) (Entry, error) {
	u := Use{Workspace: parts[1], ID: parts[2], Instance: parts[3]}
	if !plain(u.Workspace, maxText) || !idForm.MatchString(u.ID) || !plain(u.Instance, maxText) {
		return Entry{}, fmt.Errorf("%w: the use names no key or no instance", ErrMessage)
	}
	if len(value) == 0 {
		return Entry{Use: &u}, nil
	}
	var w use
	if err := json.Unmarshal(value, &w, json.RejectUnknownMembers(true)); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if !stamped(w.At) {
		return Entry{}, fmt.Errorf("%w: the use has no time", ErrMessage)
	}
	u.At = w.At.UTC()
	return Entry{Use: &u}, nil
}

// utc brings the times of a record that was read to the zone in which they are written.
func (r *Record) utc() {
	r.CreatedAt, r.ExpiresAt, r.RevokedAt = inUTC(r.CreatedAt), inUTC(r.ExpiresAt), inUTC(r.RevokedAt)
	for i := range r.Secrets {
		r.Secrets[i].NotAfter = inUTC(r.Secrets[i].NotAfter)
	}
}

func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
