package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/keyring"
)

// site is a process with a keyring that knows sessions.
type site struct {
	*process
	sessions *access.Sessions
}

const sessionLife = 24 * time.Hour

func (w *world) site(t *testing.T) *site {
	t.Helper()
	sessions := access.NewSessions([]byte("a secret of the tests, 32 characters"), w.now, access.Lifetimes{Absolute: sessionLife})
	s := &site{w.startWith(t, sessions.Revocations()), sessions}
	until(t, "the log is read", func() bool { return s.Ready(t.Context()) == nil })
	return s
}

// start signs somebody in.
func (s *site) signIn(t *testing.T, person string) (session access.Session, cookie string) {
	t.Helper()
	session = s.sessions.Start(access.Viewer{Workspace: "w", Person: person}, access.ByProvider)
	cookie, err := s.sessions.Value(session)
	if err != nil {
		t.Fatal(err)
	}
	return session, cookie
}

func (s *site) refuses(cookie string) bool {
	_, err := s.sessions.Read(cookie)
	return errors.Is(err, access.ErrSessionRevoked)
}

// A session that ends at one process ends at all, also at one that starts later, and one of another person does not.
func TestEndsTravel(t *testing.T) {
	w := newWorld(t)
	one, two, bystander := w.site(t), w.site(t), w.ready(t)
	ann, annCookie := one.signIn(t, "ann")
	_, bobFirst := one.signIn(t, "bob")
	_, bobSecond := two.signIn(t, "bob")
	_, cydCookie := two.signIn(t, "cyd")
	started := time.Now()
	if err := one.End(t.Context(), access.EndOf(ann)); err != nil {
		t.Fatal(err)
	}
	if !one.refuses(annCookie) {
		t.Error("it goes on where it was ended")
	}
	until(t, "the other process refuses it", func() bool { return two.refuses(annCookie) })
	took := time.Since(started)
	t.Logf("ended in another process after %s", took)
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := two.End(t.Context(), access.EndOfAll(access.Viewer{Workspace: "w", Person: "bob"}, w.now(), sessionLife)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	_, bobLater := two.signIn(t, "bob")
	until(t, "all of a person's are refused", func() bool { return one.refuses(bobFirst) && one.refuses(bobSecond) })
	later := w.site(t)
	for name, s := range map[string]*site{"one": one, "two": two, "later": later} {
		if !s.refuses(annCookie) || !s.refuses(bobFirst) || !s.refuses(bobSecond) {
			t.Errorf("%s takes an ended session", name)
		}
		if s.refuses(cydCookie) || s.refuses(bobLater) {
			t.Errorf("%s refuses a session that was not ended", name)
		}
		if n := s.unreadable(t); n != 0 {
			t.Errorf("%s: %v messages could not be read", name, n)
		}
	}
	// A keyring without sessions reads past them.
	if n := bystander.unreadable(t); n != 0 {
		t.Errorf("without sessions %v messages could not be read", n)
	}
}

// What is over is taken back with the next end, so that the topic does not keep every session that ever was; one that is not over
// stays.
func TestEndsThatAreOverAreTakenBack(t *testing.T) {
	w := newWorld(t)
	one := w.site(t)
	end := func(s *site, who string) {
		session, _ := s.signIn(t, who)
		if err := s.End(t.Context(), access.EndOf(session)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		end(one, fmt.Sprint("early-", i))
	}
	w.pass(sessionLife)
	end(one, "young")
	until(t, "the early ones are there", func() bool { return w.kept(t) == 6 })
	w.pass(2 * time.Hour)
	// Another process than the one that wrote them.
	two := w.site(t)
	end(two, "last")
	until(t, "the early ones are taken back", func() bool { return w.kept(t) == 2 })
	three := w.site(t)
	end(three, "after")
	until(t, "nothing is taken back twice", func() bool { return w.kept(t) == 3 })
}

// kept is how many messages a compaction would leave.
func (w *world) kept(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	left := map[string]bool{}
	err := bus.Follower{
		Topics: []bus.Name{bus.Access}, FromStart: true, CaughtUp: cancel, Missed: func(int64) {}, Log: slog.New(slog.DiscardHandler),
		Handle: func(_ bus.Name, m kafka.Message) {
			mu.Lock()
			defer mu.Unlock()
			if left[string(m.Key)] = true; len(m.Value) == 0 {
				delete(left, string(m.Key))
			}
		},
	}.Follow(ctx, w.bus)
	if err != nil {
		t.Fatal(err)
	}
	return len(left)
}

// Where the log cannot be written an end is not confirmed; here it holds all the same, and once the log takes it, it is told.
func TestEndWithoutALog(t *testing.T) {
	w := &world{newClock(), bus.Config{Brokers: []string{"127.0.0.1:1"}, Partitions: 1}}
	sessions := access.NewSessions([]byte("a secret of the tests, 32 characters"), w.now, access.Lifetimes{Absolute: sessionLife})
	k := keyring.New(keyring.Config{Bus: w.bus, Service: "test", Sessions: sessions.Revocations(), Now: w.now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	s := &site{&process{Keyring: k}, sessions}
	ann, cookie := s.signIn(t, "ann")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.End(ctx, access.EndOf(ann)); !errors.Is(err, keyring.ErrUnconfirmed) {
		t.Errorf("error is %v; want that it is not confirmed", err)
	}
	if !s.refuses(cookie) {
		t.Error("it goes on where it was ended")
	}
	if err := k.Close(); err != nil {
		t.Log(err)
	}
}
