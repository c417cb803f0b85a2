package access

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"time"
)

// CookieName is the cookie of a browser session that is not served over TLS; [SessionCookie] says which is meant.
const CookieName = "plumbline_session"

// SessionCookie is the name of the cookie of a session. Over TLS it has the prefix that makes browsers take it from this
// very host only, and only when it is Secure: no neighbouring host can plant one.
func SessionCookie(secure bool) string {
	if secure {
		return "__Host-" + CookieName
	}
	return CookieName
}

// The reasons why a session is not one.
var (
	ErrNoSession      = errors.New("not a session of ours")
	ErrSessionExpired = errors.New("the session has expired")
	ErrSessionRevoked = errors.New("the session was ended")
)

// Way is how a browser was signed in.
type Way string

// The ways.
const (
	// ByLink is a one-time link, which carries its role.
	ByLink Way = "link"
	// ByProvider is an identity provider: it says who somebody is, and the registry what their role is.
	ByProvider Way = "oidc"
	// AsPersona is a visitor of the demo organisation who has chosen a persona of it.
	AsPersona Way = "demo"
)

// Session is a browser that is signed in.
type Session struct {
	// ID is random; all cookies that a session has had share it.
	ID string
	// Viewer is who it belongs to. One [ByProvider] has no role here: it is looked up when it is needed.
	Viewer Viewer
	Way    Way
	// Started is when it was signed in, Issued when its cookie was made, Expires when it ends however much it is used.
	Started, Issued, Expires time.Time
}

// Lifetimes say how long a browser stays signed in. Zero values are the defaults.
type Lifetimes struct {
	// Idle is how long a session may go unused; default 12 hours.
	Idle time.Duration
	// Absolute is how long it lasts however much it is used; default 30 days.
	Absolute time.Duration
}

// The default lifetimes.
const (
	DefaultIdle = 12 * time.Hour
	DefaultLife = 30 * 24 * time.Hour
)

// renewals is into how many parts the idle time is divided: a cookie older than one of them is replaced while in use.
// So it is rarely replaced, and a session lives for at least the rest of the idle time after its last use.
const renewals = 12

// Sessions signs who a browser belongs to, so that nothing needs to be stored but what was revoked. It is safe for
// concurrent use.
type Sessions struct {
	signer  *Signer
	now     func() time.Time
	life    Lifetimes
	revoked *Revocations
}

// NewSessions makes sessions that last as long as life says. The key is derived from the secret, which may serve other
// purposes.
func NewSessions(secret []byte, now func() time.Time, life Lifetimes) *Sessions {
	if life.Idle <= 0 {
		life.Idle = DefaultIdle
	}
	if life.Absolute <= 0 {
		life.Absolute = DefaultLife
	}
	// The purpose has the version of the form: cookies of the form before count as none.
	return &Sessions{signer: NewSigner(secret, "browser session 2"), now: now, life: life, revoked: NewRevocations(now, life.Absolute)}
}

// Revocations are what ends sessions before their time.
func (s *Sessions) Revocations() *Revocations { return s.revoked }

// Start makes a new session.
func (s *Sessions) Start(v Viewer, way Way) Session {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	now := s.now().Truncate(time.Millisecond)
	return Session{ID: base64.RawURLEncoding.EncodeToString(raw), Viewer: v, Way: way, Started: now, Issued: now, Expires: now.Add(s.life.Absolute)}
}

// Renew is the session with a new cookie, where the one it has is due to be replaced.
func (s *Sessions) Renew(session Session) (Session, bool) {
	now := s.now().Truncate(time.Millisecond)
	if now.Sub(session.Issued) < s.life.Idle/renewals {
		return session, false
	}
	session.Issued = now
	return session, true
}

// sessionBody is a session in its cookie. Times are Unix milliseconds.
type sessionBody struct {
	ID string `json:"id"`
	Viewer
	Way     Way   `json:"way"`
	Started int64 `json:"started"`
	Issued  int64 `json:"issued"`
	Expires int64 `json:"expires"`
}

// Value is what the cookie of a session holds.
func (s *Sessions) Value(session Session) (string, error) {
	return s.signer.Sign(sessionBody{
		session.ID, session.Viewer, session.Way, session.Started.UnixMilli(), session.Issued.UnixMilli(), session.Expires.UnixMilli(),
	})
}

// Life is how long a session lasts at most.
func (s *Sessions) Life() time.Duration { return s.life.Absolute }

// Read returns the session of a cookie's value; the error is [ErrNoSession], [ErrSessionExpired] or [ErrSessionRevoked]. Of a
// revoked one it also returns which it was, for who wants to end it again.
func (s *Sessions) Read(value string) (Session, error) {
	var b sessionBody
	if err := s.signer.Open(value, &b); err != nil || !b.sound() {
		return Session{}, ErrNoSession
	}
	session := Session{
		ID: b.ID, Viewer: b.Viewer, Way: b.Way,
		Started: time.UnixMilli(b.Started), Issued: time.UnixMilli(b.Issued), Expires: time.UnixMilli(b.Expires),
	}
	if now := s.now(); !now.Before(session.Expires) || !now.Before(session.Issued.Add(s.life.Idle)) {
		return Session{}, ErrSessionExpired
	}
	if s.revoked.Revoked(session) {
		return session, ErrSessionRevoked
	}
	return session, nil
}

// sound tells whether a body is one that [Sessions.Value] may have written.
func (b *sessionBody) sound() bool {
	if b.ID == "" || b.Workspace == "" {
		return false
	}
	switch b.Way {
	case ByLink, AsPersona:
		return b.Role.Valid()
	case ByProvider:
		return b.Person != "" && b.Role == ""
	}
	return false
}

// Cookie is the cookie of a session: scripts can not read it and other sites can not post with it. Secure is for what is
// served over TLS.
func (s *Sessions) Cookie(session Session, secure bool) (*http.Cookie, error) {
	value, err := s.Value(session)
	if err != nil {
		return nil, err
	}
	left := min(s.life.Idle, session.Expires.Sub(s.now()))
	return &http.Cookie{
		Name: SessionCookie(secure), Value: value, Path: "/", MaxAge: max(1, int(left.Seconds())),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}, nil
}
