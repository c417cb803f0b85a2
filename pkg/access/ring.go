package access

import (
	"crypto/subtle"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ring is the set of keys that an installation has made, as its topic tells of them. The zero value is not ready; see
// [NewRing]. It is safe for concurrent use.
type Ring struct {
	mu   sync.RWMutex
	keys map[KeyName]*held
	// byID are those that have a record: Find has the id and not the workspace.
	byID map[string][]*held
}

// held is one key and its uses by instance. A use may be known before the record.
type held struct {
	record Record
	uses   map[string]time.Time
}

// NewRing makes an empty ring.
func NewRing() *Ring { return &Ring{keys: map[KeyName]*held{}, byID: map[string][]*held{}} }

// Apply takes an entry in. It tells whether a record counts: the first one of a version does, and an older one does not. A
// revocation counts whatever its version is, and after it nothing else does: it must hold in whatever order records come.
func (r *Ring) Apply(e Entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Use != nil {
		r.hold(KeyName{e.Use.Workspace, e.Use.ID}).use(*e.Use)
	}
	if e.Record == nil {
		return false
	}
	h := r.hold(e.Record.NameOf())
	switch {
	case !h.record.RevokedAt.IsZero():
		return false
	case e.Record.Version > h.record.Version:
		if h.record.Version == 0 {
			r.byID[e.Record.ID] = append(r.byID[e.Record.ID], h)
		}
		h.record = *e.Record
		return true
	}
	h.record.RevokedAt = e.Record.RevokedAt
	return !h.record.RevokedAt.IsZero()
}

// hold finds a key or makes its place. The caller holds the lock.
func (r *Ring) hold(name KeyName) *held {
	h := r.keys[name]
	if h == nil {
		h = &held{uses: map[string]time.Time{}}
		r.keys[name] = h
	}
	return h
}

func (h *held) use(u Use) {
	switch {
	case u.At.IsZero():
		delete(h.uses, u.Instance)
	case u.At.After(h.uses[u.Instance]):
		h.uses[u.Instance] = u.At
	}
}

// lastUse is the latest of all instances; zero where there is none.
func (h *held) lastUse() time.Time {
	var last time.Time
	for _, at := range h.uses {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// Find returns the key with that text, or [ErrKeyUnknown], [ErrKeyExpired] or [ErrKeyRevoked]. The last two are told only to
// who has the right secret. The time that it takes tells which id was asked for, and nothing about the secret. What the
// record refers to must not be changed.
func (r *Ring) Find(text string, now time.Time) (Record, error) {
	id := keyID(text)
	if id == "" {
		return Record{}, ErrKeyUnknown
	}
	hash := HashOf(text)
	r.mu.RLock()
	defer r.mu.RUnlock()
	found, err := Record{}, ErrKeyUnknown
	for _, h := range r.byID[id] {
		for _, s := range h.record.Secrets {
			if subtle.ConstantTimeCompare(s.Hash[:], hash[:]) == 1 {
				found, err = h.record, h.record.opens(s, now)
			}
		}
	}
	return found, err
}

// Get returns the newest record of a key.
func (r *Ring) Get(name KeyName) (Record, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h := r.keys[name]
	if h == nil || h.record.Version == 0 {
		return Record{}, false
	}
	return h.record, true
}

// Writers is how many keys, of all workspaces, may write at that time.
func (r *Ring) Writers(now time.Time) (n int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, h := range r.keys {
		if h.record.Version > 0 && h.record.State(now) == KeyActive && h.record.May(ScopeWrite) {
			n++
		}
	}
	return n
}

// Listed is a key with its last use, which is zero where there is none.
type Listed struct {
	Record
	LastUse time.Time
}

// List are the keys of a workspace by id.
func (r *Ring) List(workspace string) []Listed {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Listed
	for name, h := range r.keys {
		if name.Workspace == workspace && h.record.Version > 0 {
			out = append(out, Listed{h.record, h.lastUse()})
		}
	}
	slices.SortFunc(out, func(a, b Listed) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Spent are the uses of a key that others have noted before a time: what they say is of no use beside a later one.
func (r *Ring) Spent(name KeyName, instance string, before time.Time) []Use {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h := r.keys[name]
	if h == nil {
		return nil
	}
	var out []Use
	for other, at := range h.uses {
		if other != instance && at.Before(before) {
			out = append(out, Use{Workspace: name.Workspace, ID: name.ID, Instance: other})
		}
	}
	return out
}
