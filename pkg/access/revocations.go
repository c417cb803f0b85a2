package access

import (
	"maps"
	"sync"
	"time"
)

// Revocations are the sessions that were ended before their time: single ones, and all that a person had up to an
// instant. They are kept in memory until the sessions would have expired anyway; package keyring follows what other
// processes say. It is safe for concurrent use; telling it the same twice, or in another order, makes no difference.
type Revocations struct {
	now  func() time.Time
	life time.Duration

	mu sync.RWMutex
	// sessions are the ended sessions by id, with the time when each would have expired.
	sessions map[string]time.Time
	// people are the instants up to which the sessions of a person are ended.
	people map[owner]time.Time
}

// owner is whom sessions belong to; an empty person is those who are signed in as nobody.
type owner struct{ workspace, person string }

// NewRevocations makes an empty set. Life is how long a session lasts at most: what was revoked longer ago is forgotten.
func NewRevocations(now func() time.Time, life time.Duration) *Revocations {
	return &Revocations{now: now, life: life, sessions: map[string]time.Time{}, people: map[owner]time.Time{}}
}

// Apply takes in what was said of an end.
func (r *Revocations) Apply(e SessionEnd) {
	if e.Session != "" {
		r.Session(e.Session, e.Until)
		return
	}
	r.Person(e.Workspace, e.Person, e.UpTo)
}

// UpTo is the instant up to which the sessions of a person are ended; zero where they are not.
func (r *Revocations) UpTo(workspace, person string) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.people[owner{workspace, person}]
}

// Session ends the session with an id; expires is when it would have ended by itself.
func (r *Revocations) Session(id string, expires time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	if expires.After(r.now()) {
		r.sessions[id] = expires
	}
}

// Person ends all sessions of a person that were signed in at or before an instant. The person is a pseudonym; "" is
// everybody who is signed in as no person, such as with a sign-in link.
func (r *Revocations) Person(workspace, person string, upTo time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	who := owner{workspace, person}
	if upTo.After(r.people[who]) && upTo.Add(r.life).After(r.now()) {
		r.people[who] = upTo
	}
}

// Revoked tells whether a session was ended.
func (r *Revocations) Revoked(s Session) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, ended := r.sessions[s.ID]; ended {
		return true
	}
	upTo, ended := r.people[owner{s.Viewer.Workspace, s.Viewer.Person}]
	return ended && !s.Started.After(upTo)
}

// Len is how many revocations are kept.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.sessions) + len(r.people)
}

// forget drops what has expired; the caller holds the lock.
func (r *Revocations) forget() {
	now := r.now()
	maps.DeleteFunc(r.sessions, func(_ string, expires time.Time) bool { return !expires.After(now) })
	maps.DeleteFunc(r.people, func(_ owner, upTo time.Time) bool { return !upTo.Add(r.life).After(now) })
}
