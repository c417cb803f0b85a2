package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"plumbline/pkg/access"
)

// AttemptLife is how long somebody may take to sign in at the provider.
const AttemptLife = 10 * time.Minute

// CookieName is the cookie of an attempt; over TLS it has the prefix of [access.SessionCookie].
const CookieName = "plumbline_attempt"

// Cookie is the name of the cookie of an attempt.
func Cookie(secure bool) string {
	if secure {
		return "__Host-" + CookieName
	}
	return CookieName
}

// attempt is one try to sign in. It is kept by the browser, in a signed cookie.
type attempt struct {
	// State comes back with the browser, Nonce within the token, and Verifier goes with the code: each ties the answer to
	// this attempt in a place of its own.
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	// To is the path that they wanted to get to.
	To string `json:"to"`
	// Expires is in Unix milliseconds.
	Expires int64 `json:"expires"`
}

// attempts makes them, and remembers those that were used for as long as they could be used again.
type attempts struct {
	signer *access.Signer
	now    func() time.Time

	mu   sync.Mutex
	used map[access.Hash]time.Time
}

func newAttempts(secret []byte, now func() time.Time) *attempts {
	return &attempts{signer: access.NewSigner(secret, "sign-in attempt"), now: now, used: map[access.Hash]time.Time{}}
}

func (s *attempts) begin(to string) attempt {
	return attempt{
		State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), To: LocalPath(to),
		Expires: s.now().Add(AttemptLife).UnixMilli(),
	}
}

func (s *attempts) sign(a attempt) (string, error) { return s.signer.Sign(a) }

// take uses up the attempt of a cookie, if the state that came back is its own. A foreign state uses nothing up: anybody
// may send a browser here with one.
func (s *attempts) take(cookie, state string) (attempt, error) {
	a := attempt{To: "/"}
	if cookie == "" {
		return a, refuse(NoAttempt, nil)
	}
	if err := s.signer.Open(cookie, &a); err != nil || a.State == "" {
		return attempt{To: "/"}, refuse(NoAttempt, access.ErrNotOurs)
	}
	a.To = LocalPath(a.To)
	expires := time.UnixMilli(a.Expires)
	if !s.now().Before(expires) {
		return a, refuse(AttemptExpired, nil)
	}
	if subtle.ConstantTimeCompare([]byte(state), []byte(a.State)) != 1 {
		return a, refuse(WrongState, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, hash := s.now(), access.HashOf(a.State)
	maps.DeleteFunc(s.used, func(_ access.Hash, expires time.Time) bool { return !now.Before(expires) })
	if _, used := s.used[hash]; used {
		return a, refuse(AttemptUsed, nil)
	}
	s.used[hash] = expires
	return a, nil
}

// maxTo is the most bytes of a path that somebody is led to.
const maxTo = 2048

// LocalPath is a path of this site that somebody may be led to after signing in, with its query: the given one, or "/"
// where that could lead elsewhere, or back to signing in.
func LocalPath(to string) string {
	const home = "/"
	if len(to) > maxTo || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return home
	}
	// Browsers take a backslash for a slash and skip control characters: neither belongs in a path.
	if strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return home
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return home
	}
	clean := path.Clean(u.Path)
	if strings.HasPrefix(u.Path, "//") || clean == "/signout" || clean == "/signin" || strings.HasPrefix(clean, "/signin/") {
		return home
	}
	return to
}

func random() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
