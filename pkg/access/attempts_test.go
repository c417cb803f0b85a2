package access

import (
	"fmt"
	"testing"
	"time"
)

func TestAttempts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	a := NewAttempts(func() time.Time { return now })
	for i := range failedBurst {
		if w := a.Wait("guesser"); w != 0 {
			t.Fatalf("after %d failures a peer has to wait %s", i, w)
		}
		a.Failed("guesser")
	}
	if w := a.Wait("guesser"); w != failedEvery {
		t.Errorf("after %d failures a peer has to wait %s, want %s", failedBurst, w, failedEvery)
	}
	if w := a.Wait("somebody else"); w != 0 {
		t.Errorf("another peer has to wait %s", w)
	}
	now = now.Add(failedEvery / 2)
	if w := a.Wait("guesser"); w != failedEvery/2 {
		t.Errorf("half a time later there are %s left, want %s", w, failedEvery/2)
	}
	now = now.Add(failedEvery / 2)
	if w := a.Wait("guesser"); w != 0 {
		t.Errorf("a time later a peer has to wait %s", w)
	}
	a.Failed("guesser")
	if w := a.Wait("guesser"); w == 0 {
		t.Error("one more failure is free")
	}
}

// Peers that nobody can count do not take memory without end, and wait together.
func TestAttemptsOfTooManyPeers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	a := NewAttempts(func() time.Time { return now })
	for i := range knownPeers + failedBurst {
		a.Failed(fmt.Sprint("peer ", i))
	}
	if n := len(a.peers); n > knownPeers+1 {
		t.Errorf("%d peers are remembered", n)
	}
	if a.Wait("a new one") == 0 {
		t.Error("those beyond do not wait for each other")
	}
	if a.Wait("peer 0") != 0 {
		t.Error("one who is known waits for those beyond")
	}
	now = now.Add(failedBurst * failedEvery)
	a.Failed("a new one")
	if n := len(a.peers); n != 1 {
		t.Errorf("when all have waited %d peers are remembered, want the new one", n)
	}
}
