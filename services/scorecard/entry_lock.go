package scorecard

import (
	"sync"

	"plumbline/pkg/registry"
)

// entryLocks serialises the writes of one entry and lets those of others pass: a write waits until the loader has made
// it readable, and an organisation has hundreds of entries. The zero value is ready.
type entryLocks struct {
	mu   sync.Mutex
	held map[entryName]*entryLock
}

type entryName struct {
	workspace string
	kind      registry.Kind
	key       string
}

type entryLock struct {
	sync.Mutex
	users int
}

// lock waits for the entry and returns what unlocks it.
func (l *entryLocks) lock(name entryName) func() {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[entryName]*entryLock{}
	}
	e := l.held[name]
	if e == nil {
		e = &entryLock{}
		l.held[name] = e
	}
	e.users++
	l.mu.Unlock()
	e.Lock()
	return func() {
		e.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if e.users--; e.users == 0 {
			delete(l.held, name)
		}
	}
}
