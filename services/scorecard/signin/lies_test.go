package signin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// liar is a provider that signs whatever a test wants. What a real one does is tested in the scorecard; here is what a
// real one never does.
type liar struct {
	t      *testing.T
	server *httptest.Server
	keys   map[string]*rsa.PrivateKey
	// sign names the key; claims and info change what is said; answer, if not nil, is the token endpoint's.
	sign         string
	claims, info map[string]any
	answer       http.HandlerFunc
	nonce        string
}

// keys makes those of a liar: its own, and one that nobody has heard of.
func keys(t *testing.T) map[string]*rsa.PrivateKey {
	t.Helper()
	out := map[string]*rsa.PrivateKey{}
	for _, name := range []string{"own", "foreign"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = key
	}
	return out
}

func newLiar(t *testing.T, keys map[string]*rsa.PrivateKey) *liar {
	t.Helper()
	l := &liar{t: t, keys: keys, sign: "own", claims: map[string]any{}, info: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		l.write(w, map[string]any{
			"issuer": l.server.URL, "authorization_endpoint": l.server.URL + "/auth", "token_endpoint": l.server.URL + "/token",
			"jwks_uri": l.server.URL + "/keys", "userinfo_endpoint": l.server.URL + "/me", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		l.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: l.keys["own"].Public(), KeyID: "own", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/me", func(w http.ResponseWriter, _ *http.Request) { l.write(w, l.info) })
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if l.answer != nil {
			l.answer(w, r)
			return
		}
		l.write(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": l.token()})
	})
	l.server = httptest.NewServer(mux)
	t.Cleanup(l.server.Close)
	return l
}

func (l *liar) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		l.t.Error(err)
	}
}

// token is an id token of Ann's with the lies of the test; a claim of nil is left out.
func (l *liar) token() string {
	claims := map[string]any{
		"iss": l.server.URL, "aud": "plumbline", "sub": "1", "nonce": l.nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"email": "ann@example.com", "email_verified": true,
	}
	maps.Copy(claims, l.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	body, err := json.Marshal(claims)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.sign == "none" {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	}
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: l.keys[l.sign], KeyID: "own"}}
	if l.sign == "public key as secret" {
		key = jose.SigningKey{Algorithm: jose.HS256, Key: l.keys["own"].N.Bytes()}
	}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		l.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

// ask signs in once.
func (l *liar) ask(cfg Config) (string, error) {
	l.t.Helper()
	cfg.Issuer, cfg.ClientID = l.server.URL, "plumbline"
	d := New(cfg, "https://plumbline.example", []byte("secret"), time.Now)
	location, cookie, err := d.Begin(l.t.Context(), "/")
	if err != nil {
		l.t.Fatal(err)
	}
	asked, err := url.Parse(location)
	if err != nil {
		l.t.Fatal(err)
	}
	l.nonce = asked.Query().Get("nonce")
	person, _, err := d.Finish(l.t.Context(), cookie, url.Values{"state": {asked.Query().Get("state")}, "code": {"a secret code"}})
	return person, err
}

// half is the left half of a hash, which ties an access token to an id token.
func half(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestLies(t *testing.T) {
	// Without the address in the id token, the userinfo endpoint is asked.
	elsewhere := map[string]any{"email": nil, "email_verified": nil}
	info := func(sub, email string, verified any) map[string]any {
		return map[string]any{"sub": sub, "email": email, "email_verified": verified}
	}
	made := keys(t)
	for name, c := range map[string]struct {
		claims, info map[string]any
		sign         string
		cfg          Config
		want         Reason // "" for Ann
	}{
		"the truth":                     {},
		"the truth, for two":            {claims: map[string]any{"aud": []string{"plumbline", "other"}, "azp": "plumbline"}},
		"the truth, with a hash":        {claims: map[string]any{"at_hash": half("access")}},
		"the truth, elsewhere":          {claims: elsewhere, info: info("1", "ann@example.com", true)},
		"verified, as text":             {claims: map[string]any{"email_verified": "true"}},
		"verified, elsewhere":           {claims: map[string]any{"email_verified": nil}, info: info("1", "ann@example.com", true)},
		"another key":                   {sign: "foreign", want: BadToken},
		"no signature":                  {sign: "none", want: BadToken},
		"another algorithm":             {sign: "public key as secret", want: BadToken},
		"another issuer":                {claims: map[string]any{"iss": "https://elsewhere.example"}, want: BadToken},
		"for another client":            {claims: map[string]any{"aud": "other"}, want: BadToken},
		"made for another client":       {claims: map[string]any{"aud": []string{"plumbline", "other"}, "azp": "other"}, want: BadToken},
		"expired":                       {claims: map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}, want: BadToken},
		"no expiry":                     {claims: map[string]any{"exp": nil}, want: BadToken},
		"not valid yet":                 {claims: map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}, want: BadToken},
		"another nonce":                 {claims: map[string]any{"nonce": "x"}, want: WrongNonce},
		"no nonce":                      {claims: map[string]any{"nonce": nil}, want: WrongNonce},
		"another access token":          {claims: map[string]any{"at_hash": half("other")}, want: BadToken},
		"not verified":                  {claims: map[string]any{"email_verified": false}, want: EmailUnverified},
		"not verified, elsewhere":       {claims: elsewhere, info: info("1", "ann@example.com", false), want: EmailUnverified},
		"nothing about verification":    {claims: map[string]any{"email_verified": nil}, info: map[string]any{"sub": "1", "email": "ann@example.com"}, want: EmailUnverified},
		"of another person":             {claims: elsewhere, info: info("2", "ann@example.com", true), want: BadToken},
		"two addresses":                 {claims: map[string]any{"email_verified": nil}, info: info("1", "bob@example.com", true), want: BadToken},
		"no address":                    {claims: elsewhere, info: map[string]any{"sub": "1"}, want: NoPerson},
		"an address that is no text":    {claims: map[string]any{"email": 7}, want: NoPerson},
		"a claim that is not there":     {cfg: Config{Claim: "employee"}, info: map[string]any{"sub": "1"}, want: NoPerson},
		"a claim that needs no verdict": {cfg: Config{Claim: "employee"}, claims: map[string]any{"employee": "ann@example.com", "email": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiar(t, made)
			maps.Copy(l.claims, c.claims)
			if l.info = c.info; c.sign != "" {
				l.sign = c.sign
			}
			person, err := l.ask(c.cfg)
			refusal := (*Refusal)(nil)
			if c.want == "" {
				if err != nil || person != "ann@example.com" {
					t.Errorf("%q, %v", person, err)
				}
			} else if !errors.As(err, &refusal) || refusal.Reason != c.want || person != "" {
				t.Errorf("%q, %v; want %s", person, err, c.want)
			}
		})
	}
}

// Whatever the token endpoint answers, the reason is one of ours and holds no secret.
func TestTokenEndpoint(t *testing.T) {
	made := keys(t)
	for name, c := range map[string]struct {
		status int
		body   string
		want   Reason
	}{
		"refused":                 {400, `{"error":"invalid_grant","error_description":"a secret code"}`, CodeRefused},
		"refused in no words":     {400, `a secret code`, CodeRefused},
		"refused in own words":    {400, `{"error":"A SECRET CODE"}`, CodeRefused},
		"fails":                   {500, `a secret code`, ProviderAway},
		"no id token":             {200, `{"access_token":"a secret code","token_type":"Bearer"}`, BadToken},
		"an id token of no sense": {200, `{"access_token":"a secret code","token_type":"Bearer","id_token":"a secret code"}`, BadToken},
		"no JSON":                 {200, `a secret code`, ProviderAway},
	} {
		l := newLiar(t, made)
		l.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}
		_, err := l.ask(Config{})
		refusal := (*Refusal)(nil)
		if !errors.As(err, &refusal) || refusal.Reason != c.want || strings.Contains(strings.ToLower(err.Error()), "secret code") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
