package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// CookieName is the cookie of a browser session.
const CookieName = "plumbline_session"

// The reasons why a session is not one.
var (
	ErrNoSession      = errors.New("not a session of ours")
	ErrSessionExpired = errors.New("the session has expired")
)

// Sessions signs who a browser belongs to, so that nothing needs to be stored: the cookie holds the viewer and an
// expiry, under an HMAC. A session can not be called back before it expires, but by changing the secret.
type Sessions struct {
	key  []byte
	now  func() time.Time
	life time.Duration
}

// NewSessions makes sessions that last for life. The key is derived from the secret, which may serve other purposes.
func NewSessions(secret []byte, now func() time.Time, life time.Duration) *Sessions {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("browser session"))
	return &Sessions{key: mac.Sum(nil), now: now, life: life}
}

type session struct {
	Viewer
	Expires int64 `json:"expires"` // Unix seconds
}

// Issue returns the value of a cookie for the viewer.
func (s *Sessions) Issue(v Viewer) (string, error) {
	body, err := json.Marshal(session{v, s.now().Add(s.life).Unix()})
	if err != nil {
		return "", fmt.Errorf("issue session: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.sign(text)), nil
}

// Read returns the viewer of a cookie's value; the error is [ErrNoSession] or [ErrSessionExpired].
func (s *Sessions) Read(value string) (Viewer, error) {
	text, signature, ok := strings.Cut(value, ".")
	if !ok {
		return Viewer{}, ErrNoSession
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(mac, s.sign(text)) {
		return Viewer{}, ErrNoSession
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Viewer{}, ErrNoSession
	}
	var v session
	if err := json.Unmarshal(body, &v); err != nil || !v.Role.Valid() || v.Workspace == "" {
		return Viewer{}, ErrNoSession
	}
	if s.now().Unix() >= v.Expires {
		return Viewer{}, ErrSessionExpired
	}
	return v.Viewer, nil
}

func (s *Sessions) sign(text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Cookie is the cookie for the viewer: scripts can not read it and other sites can not post with it. Secure is for
// what is served over TLS.
func (s *Sessions) Cookie(v Viewer, secure bool) (*http.Cookie, error) {
	value, err := s.Issue(v)
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: int(s.life.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}, nil
}

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
