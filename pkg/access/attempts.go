package access

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may present a secret that is not ours: at once, and then again one every few seconds.
const (
	failedBurst = 30
	failedEvery = 2 * time.Second
	// knownPeers are counted each by itself; those beyond share one count.
	knownPeers = 10_000
	// crowd is the name of those who share.
	crowd = ""
)

// Attempts slow down those who guess secrets: after some attempts that have failed, a peer has to wait until it may make
// another. A peer is an address; people behind one proxy share theirs. It is safe for concurrent use.
type Attempts struct {
	now func() time.Time

	mu    sync.Mutex
	peers map[string]*rate.Limiter
}

// NewAttempts is an empty count.
func NewAttempts(now func() time.Time) *Attempts {
	return &Attempts{now: now, peers: map[string]*rate.Limiter{}}
}

// Wait is how long the peer has to wait until a secret of it is looked at; 0 is not at all.
func (a *Attempts) Wait(peer string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.peers[peer]
	if !ok && len(a.peers) >= knownPeers {
		l, ok = a.peers[crowd]
	}
	if !ok {
		return 0
	}
	missing := 1 - l.TokensAt(a.now())
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing * float64(failedEvery))
}

// Failed counts an attempt that has failed.
func (a *Attempts) Failed(peer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if _, ok := a.peers[peer]; !ok && len(a.peers) >= knownPeers {
		maps.DeleteFunc(a.peers, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= failedBurst })
		if len(a.peers) >= knownPeers {
			peer = crowd
		}
	}
	l, ok := a.peers[peer]
	if !ok {
		l = rate.NewLimiter(rate.Every(failedEvery), failedBurst)
		a.peers[peer] = l
	}
	l.AllowN(now, 1)
}
