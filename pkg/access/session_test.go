package access_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/access"
)

// sessionClock is a clock that a test moves.
type sessionClock struct{ now time.Time }

func (c *sessionClock) read() time.Time { return c.now }

func newSessions(life access.Lifetimes) (*access.Sessions, *sessionClock) {
	clock := &sessionClock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	return access.NewSessions([]byte("secret"), clock.read, life), clock
}

// value is the cookie's value of a session.
func value(t *testing.T, s *access.Sessions, session access.Session) string {
	t.Helper()
	v, err := s.Value(session)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSessions(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{Idle: time.Hour})
	for _, c := range []struct {
		viewer access.Viewer
		way    access.Way
	}{
		{access.Viewer{Workspace: "default", Role: access.RoleAdmin}, access.ByLink},
		{access.Viewer{Workspace: "default", Person: "p1", Role: access.RoleLeader}, access.AsPersona},
		{access.Viewer{Workspace: "default", Person: "p1"}, access.ByProvider},
	} {
		session := s.Start(c.viewer, c.way)
		cookie, err := s.Cookie(session, false)
		if err != nil {
			t.Fatal(err)
		}
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 3600 || cookie.Secure || cookie.Name != "plumbline_session" {
			t.Errorf("cookie %+v", cookie)
		}
		got, err := s.Read(cookie.Value)
		if err != nil || got.Viewer != c.viewer || got.Way != c.way || got.ID != session.ID || !got.Expires.Equal(clock.now.Add(access.DefaultLife)) {
			t.Errorf("read %+v, %v; want %+v", got, err, session)
		}
		// No byte may change.
		for i := range cookie.Value {
			b := []byte(cookie.Value)
			b[i] ^= 1
			if _, err := s.Read(string(b)); !errors.Is(err, access.ErrNoSession) {
				t.Fatalf("with byte %d changed: %v", i, err)
			}
		}
		if _, err := access.NewSessions([]byte("other"), clock.read, access.Lifetimes{}).Read(cookie.Value); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("under another secret: %v", err)
		}
	}
	for _, v := range []string{"", ".", "a.b"} {
		if _, err := s.Read(v); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("Read(%q): %v", v, err)
		}
	}
}

// A session by a provider must not bring a role of its own, and the others must.
func TestSessionsOfNoSense(t *testing.T) {
	s, _ := newSessions(access.Lifetimes{})
	for name, session := range map[string]access.Session{
		"a provider's with a role":    s.Start(access.Viewer{Workspace: "w", Person: "p", Role: access.RoleAdmin}, access.ByProvider),
		"a provider's without person": s.Start(access.Viewer{Workspace: "w"}, access.ByProvider),
		"a link's without role":       s.Start(access.Viewer{Workspace: "w", Person: "p"}, access.ByLink),
		"no way":                      s.Start(access.Viewer{Workspace: "w", Role: access.RoleAdmin}, ""),
		"no workspace":                s.Start(access.Viewer{Role: access.RoleAdmin}, access.ByLink),
		"no id":                       {Viewer: access.Viewer{Workspace: "w", Role: access.RoleAdmin}, Way: access.ByLink},
	} {
		if _, err := s.Read(value(t, s, session)); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Cookies of the form before, and values signed for other purposes, are no sessions.
func TestSessionsOfOtherForms(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{})
	for _, purpose := range []string{"browser session", "sign-in attempt"} {
		old, err := access.NewSigner([]byte("secret"), purpose).Sign(map[string]any{
			"id": "x", "workspace": "default", "role": "admin", "way": "link", "issued": clock.now.UnixMilli(), "expires": clock.now.Add(time.Hour).UnixMilli(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(old); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("%s: %v", purpose, err)
		}
	}
}

func TestSessionOverTLS(t *testing.T) {
	s, _ := newSessions(access.Lifetimes{})
	cookie, err := s.Cookie(s.Start(access.Viewer{Workspace: "w", Role: access.RoleAdmin}, access.ByLink), true)
	if err != nil {
		t.Fatal(err)
	}
	// What browsers ask of the prefix: Secure, the path /, no domain.
	if cookie.Name != "__Host-plumbline_session" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
}

// A session in use gets new cookies and lives until its absolute end; unused it ends sooner.
func TestSessionLifetimes(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{Idle: 12 * time.Hour, Absolute: 30 * 24 * time.Hour})
	start := clock.now
	session := s.Start(access.Viewer{Workspace: "default", Role: access.RoleAdmin}, access.ByLink)
	idle := value(t, s, session)
	if _, due := s.Renew(session); due {
		t.Error("a new cookie is due to be replaced")
	}
	clock.now = start.Add(12*time.Hour - time.Millisecond)
	if _, err := s.Read(idle); err != nil {
		t.Errorf("just before the idle end: %v", err)
	}
	clock.now = start.Add(12 * time.Hour)
	if _, err := s.Read(idle); !errors.Is(err, access.ErrSessionExpired) {
		t.Errorf("at the idle end: %v", err)
	}
	clock.now = start
	for clock.now.Before(start.Add(30 * 24 * time.Hour)) {
		read, err := s.Read(value(t, s, session))
		if err != nil {
			t.Fatalf("after %s in use: %v", clock.now.Sub(start), err)
		}
		session, _ = s.Renew(read)
		clock.now = clock.now.Add(11 * time.Hour)
	}
	if _, err := s.Read(value(t, s, session)); !errors.Is(err, access.ErrSessionExpired) {
		t.Errorf("at the absolute end: %v", err)
	}
	// The cookie does not outlive the session.
	clock.now = start.Add(30*24*time.Hour - time.Hour)
	session, _ = s.Renew(session)
	if cookie, err := s.Cookie(session, false); err != nil || cookie.MaxAge != 3600 {
		t.Errorf("an hour before the absolute end: %+v, %v", cookie, err)
	}
}

func TestRevocations(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{})
	ann, bea := access.Viewer{Workspace: "w", Person: "ann"}, access.Viewer{Workspace: "w", Person: "bea"}
	first, second, other := s.Start(ann, access.ByProvider), s.Start(ann, access.ByProvider), s.Start(bea, access.ByProvider)
	foreign := s.Start(access.Viewer{Workspace: "v", Person: "ann"}, access.ByProvider)
	is := func(when string, session access.Session, want error) {
		t.Helper()
		if _, err := s.Read(value(t, s, session)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	s.Revocations().Session(first.ID, first.Expires)
	is("an ended session", first, access.ErrSessionRevoked)
	is("another of the same person", second, nil)
	// Its later cookies are ended, too.
	clock.now = clock.now.Add(2 * time.Hour)
	renewed, due := s.Renew(first)
	if !due {
		t.Fatal("no new cookie after two hours")
	}
	is("a later cookie of an ended session", renewed, access.ErrSessionRevoked)

	s.Revocations().Person("w", "ann", clock.now)
	s.Revocations().Person("w", "ann", clock.now.Add(-time.Hour)) // comes late and takes nothing back
	renewed, _ = s.Renew(second)
	is("all of a person", renewed, access.ErrSessionRevoked)
	is("another person", other, nil)
	is("another workspace", foreign, nil)
	clock.now = clock.now.Add(time.Millisecond)
	is("who signs in after it", s.Start(ann, access.ByProvider), nil)
}

// What has expired is forgotten, and what is about expired sessions is not kept.
func TestRevocationsForget(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{Absolute: time.Hour, Idle: time.Hour})
	r := s.Revocations()
	r.Session("a", clock.now.Add(time.Hour))
	r.Person("w", "ann", clock.now)
	if r.Len() != 2 {
		t.Fatalf("%d are kept, want 2", r.Len())
	}
	clock.now = clock.now.Add(time.Hour)
	r.Session("b", clock.now)
	r.Person("w", "bea", clock.now.Add(-time.Hour))
	if r.Len() != 0 {
		t.Errorf("%d are kept, want none", r.Len())
	}
}

// The race detector watches.
func TestRevocationsAreSafe(t *testing.T) {
	s, clock := newSessions(access.Lifetimes{})
	session := s.Start(access.Viewer{Workspace: "w", Person: "ann"}, access.ByProvider)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 100 {
				s.Revocations().Session(session.ID, session.Expires)
				s.Revocations().Person("w", "ann", clock.now)
				if !s.Revocations().Revoked(session) {
					t.Error("not revoked")
				}
			}
		})
	}
	work.Wait()
}

func FuzzSession(f *testing.F) {
	s := access.NewSessions([]byte("secret"), time.Now, access.Lifetimes{})
	good, err := s.Value(s.Start(access.Viewer{Workspace: "w", Role: access.RoleIC}, access.ByLink))
	if err != nil {
		f.Fatal(err)
	}
	body, _, _ := strings.Cut(good, ".")
	f.Add(good)
	f.Add("a.b")
	f.Add(body + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, value string) {
		if v, err := s.Read(value); err == nil && value != good {
			t.Errorf("%q was read as %+v", value, v)
		}
	})
}
