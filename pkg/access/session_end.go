package access

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// SessionEnd says that sessions were ended before their time: a single one, or all that a person had up to an instant.
type SessionEnd struct {
	Workspace string
	// Session is the id of the one that was ended; else Person, a pseudonym, is whose sessions were, up to UpTo.
	Session, Person string
	UpTo            time.Time
	// Until is when they would have ended by themselves: then this says nothing any more. Times are UTC and have milliseconds.
	Until time.Time
}

// EndOf is the end of one session.
func EndOf(s Session) SessionEnd {
	return SessionEnd{Workspace: s.Viewer.Workspace, Session: s.ID, Until: stamp(s.Expires)}
}

// EndOfAll is the end of all sessions that a person has now, of which each lasts for life at most.
func EndOfAll(v Viewer, now time.Time, life time.Duration) SessionEnd {
	return SessionEnd{Workspace: v.Workspace, Person: v.Person, UpTo: stamp(now), Until: stamp(now.Add(life))}
}

// The kinds of messages about ended sessions, the first part of their Kafka keys.
const (
	messageSession = "session"
	messagePerson  = "person"
)

// sessionEnd is the JSON form of a [SessionEnd]; the rest of it is in the Kafka key.
type sessionEnd struct {
	UpTo  time.Time `json:"up_to,omitzero"`
	Until time.Time `json:"until"`
}

// messageKey has the time in it: what takes back an end that is over must not take back a later one of the same person.
func (e SessionEnd) messageKey() []byte {
	kind, who := messageSession, e.Session
	if e.Session == "" {
		kind, who = messagePerson, e.Person
	}
	return joined(kind, e.Workspace, who, e.Until.Format(time.RFC3339Nano))
}

// Validate reports everything that is wrong.
func (e SessionEnd) Validate() error {
	var errs []error
	if !plain(e.Workspace, maxText) {
		errs = append(errs, errors.New("workspace: it is missing or no plain text"))
	}
	if (e.Session == "") == (e.Person == "") || !plain(e.Session+e.Person, maxText) {
		errs = append(errs, errors.New("session, person: give one of them, as plain text"))
	}
	if (e.Person == "") != e.UpTo.IsZero() || !e.UpTo.IsZero() && !stamped(e.UpTo) {
		errs = append(errs, errors.New("up_to: it is of a person, and within range"))
	}
	if !stamped(e.Until) || e.Until.Before(e.UpTo) {
		errs = append(errs, errors.New("until: it is missing, out of range, or before up_to"))
	}
	return errors.Join(errs...)
}

// Message encodes the end for its topic. A message with the same key and no value takes it back, once it says nothing any more.
func (e SessionEnd) Message() (key, value []byte, err error) {
	if err := e.Validate(); err != nil {
		return nil, nil, fmt.Errorf("encode end of a session: %w", err)
	}
	if value, err = json.Marshal(sessionEnd{e.UpTo, e.Until}); err != nil {
		return nil, nil, fmt.Errorf("encode end of a session: %w", err)
	}
	return e.messageKey(), value, nil
}

// decodeEnd reads what a message says; nothing where it takes something back.
func decodeEnd(parts []string, key, value []byte) (Entry, error) {
	if len(value) == 0 {
		return Entry{}, nil
	}
	var w sessionEnd
	if err := json.Unmarshal(value, &w, json.RejectUnknownMembers(true)); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	e := SessionEnd{Workspace: parts[1], UpTo: inUTC(w.UpTo), Until: inUTC(w.Until)}
	if parts[0] == messageSession {
		e.Session = parts[2]
	} else {
		e.Person = parts[2]
	}
	if err := e.Validate(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if string(key) != string(e.messageKey()) {
		return Entry{}, fmt.Errorf("%w: its Kafka key names another", ErrMessage)
	}
	return Entry{End: &e}, nil
}
