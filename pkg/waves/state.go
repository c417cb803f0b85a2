package waves

import (
	"slices"
	"strings"
	"time"

	"plumbline/pkg/event"
)

// Wave is what is told about a wave: never its secret.
type Wave struct {
	Key string
	// OpenedAt is zero for a wave that was closed before anybody had answered.
	OpenedAt, ClosesAt time.Time
	// ClosedAt is zero while the wave takes answers.
	ClosedAt time.Time
}

// state is one wave, as the log tells of it.
type state struct {
	secret []byte
	write  string
	end    ending
}

func (s *state) closed() bool { return !s.end.ClosedAt.IsZero() }

// known tells whether the wave was opened or closed, and not only asked for.
func (s *state) known() bool { return s.secret != nil || s.closed() }

func (s *state) wave(key string) Wave {
	return Wave{Key: key, OpenedAt: s.end.OpenedAt, ClosesAt: s.end.ClosesAt, ClosedAt: s.end.ClosedAt}
}

// takeOpening handles a secret: the first one counts, and none of a wave that has closed.
func (b *Book) takeOpening(n name, o opening) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of(n)
	if s.closed() || s.secret != nil {
		clear(o.Secret)
		return
	}
	s.secret, s.write, s.end.OpenedAt = o.Secret, o.write, o.OpenedAt.UTC()
	if s.end.ClosesAt.IsZero() { // the end of a wave may stand before its secret, after a compaction
		s.end.ClosesAt = o.ClosesAt.UTC()
	}
	b.tell()
}

// takeEnding handles the end of a wave: one that has closed stays closed, and its secret is gone.
func (b *Book) takeEnding(n name, e ending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of(n)
	if s.closed() && e.ClosedAt.IsZero() {
		return
	}
	opened := s.end.OpenedAt
	s.end = ending{OpenedAt: e.OpenedAt.UTC(), ClosesAt: e.ClosesAt.UTC(), ClosedAt: e.ClosedAt.UTC(), Swept: e.Swept}
	if s.end.OpenedAt.IsZero() {
		s.end.OpenedAt = opened
	}
	if s.closed() {
		clear(s.secret)
		s.secret = nil
	}
	b.tell()
}

// of is the state of a wave; b.mu is held.
func (b *Book) of(n name) *state {
	s := b.waves[n]
	if s == nil {
		s = &state{}
		b.waves[n] = s
	}
	return s
}

// tell wakes everybody who waits for the log; b.mu is held.
func (b *Book) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Secret is that of an open wave; see [event.Waves].
func (b *Book) Secret(workspace, wave string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.waves[name{workspace, wave}]
	switch {
	case s == nil || s.secret == nil && !s.closed():
		return nil, event.ErrWaveUnopened
	case s.closed() || !b.cfg.Now().Before(s.end.ClosesAt):
		return nil, event.WaveClosed("/data/wave")
	}
	return slices.Clone(s.secret), nil
}

// List are the waves of a workspace, those that are open first, then by the time when they closed, the latest first.
func (b *Book) List(workspace string) []Wave {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Wave
	for n, s := range b.waves {
		if n.workspace == workspace && s.known() {
			out = append(out, s.wave(n.wave))
		}
	}
	slices.SortFunc(out, func(a, c Wave) int {
		if open := a.ClosedAt.IsZero(); open != c.ClosedAt.IsZero() {
			if open {
				return -1
			}
			return 1
		}
		if order := c.ClosesAt.Compare(a.ClosesAt); order != 0 {
			return order
		}
		return strings.Compare(a.Key, c.Key)
	})
	return out
}

// Get is one wave; false where nobody has opened it.
func (b *Book) Get(workspace, wave string) (Wave, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.waves[name{workspace, wave}]; s != nil && s.known() {
		return s.wave(wave), true
	}
	return Wave{}, false
}

// opened is how many waves of a workspace are open; b.mu is held.
func (b *Book) opened(workspace string) (n int) {
	for name, s := range b.waves {
		if name.workspace == workspace && s.secret != nil {
			n++
		}
	}
	return n
}
