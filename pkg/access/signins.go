package access

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"sync"
	"time"
)

// SignIns are one-time links: each token turns into a session once, within its life. They are kept in memory, so a
// restart ends them. It is safe for concurrent use.
type SignIns struct {
	now  func() time.Time
	life time.Duration

	mu      sync.Mutex
	pending map[Hash]signIn
}

type signIn struct {
	viewer  Viewer
	expires time.Time
}

// NewSignIns makes an empty set of links that last for life.
func NewSignIns(now func() time.Time, life time.Duration) *SignIns {
	return &SignIns{now: now, life: life, pending: make(map[Hash]signIn)}
}

// Issue returns a token for the viewer.
func (s *SignIns) Issue(v Viewer) string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token := base64.RawURLEncoding.EncodeToString(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	maps.DeleteFunc(s.pending, func(_ Hash, p signIn) bool { return !now.Before(p.expires) })
	s.pending[HashOf(token)] = signIn{v, now.Add(s.life)}
	return token
}

// Redeem returns the viewer of a token that was not used and has not expired, and uses it up.
func (s *SignIns) Redeem(token string) (Viewer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The map is asked for the hash, so that timing tells nothing about tokens.
	hash := HashOf(token)
	p, ok := s.pending[hash]
	delete(s.pending, hash)
	if !ok || !s.now().Before(p.expires) {
		return Viewer{}, false
	}
	return p.viewer, true
}
