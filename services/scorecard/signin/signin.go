// Package signin finds out who somebody is from an OpenID Connect provider: the code flow with PKCE, one attempt at a
// time. What a person may is none of its business, and it keeps no sessions.
//
// An attempt begins with [Desk.Begin], which says where to send the browser and what cookie to give it, and ends with
// [Desk.Finish], which checks what comes back with it. Between the two nothing is stored here but which attempts were
// used. The provider is asked who it is when somebody signs in for the first time, so that one that is away stops nobody
// from starting the service.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"plumbline/pkg/access"
)

// Config says which provider is asked, and as what client. Zero values are the defaults; without an issuer nobody signs
// in this way.
type Config struct {
	Issuer   string `name:"issuer" help:"issuer URL of the OpenID Connect provider, such as https://login.example.com; none: nobody signs in with one"`
	ClientID string `name:"client-id" help:"what the provider calls this client"`
	// ClientSecret is empty for a public client: PKCE is used in either case.
	ClientSecret string   `name:"client-secret" help:"secret of the client; none for a public client"`
	Scopes       []string `name:"scopes" default:"openid,email" help:"scopes that the provider is asked for"`
	// Claim must be the id that tools send as the person of events, for the two to be the same person.
	Claim string `name:"claim" default:"email" help:"claim that names the person as events do; an email must be verified"`
	// Unregistered is what somebody may whom the provider knows and the registry does not.
	Unregistered string `name:"unregistered" default:"refuse" enum:"refuse,ic" help:"role of a person without an entry in the registry: ic, or refuse"`
}

// CallbackPath is where the provider sends people back to.
const CallbackPath = "/signin/oidc/callback"

const (
	// emailClaim is the claim that counts only when the provider has verified it, as verifiedClaim says.
	emailClaim    = "email"
	verifiedClaim = "email_verified"
)

// On tells whether a provider is configured.
func (c Config) On() bool { return c.Issuer != "" }

// Role is the role of somebody without an entry in the registry; "" is none.
func (c Config) Role() access.Role {
	if c.Unregistered == string(access.RoleIC) {
		return access.RoleIC
	}
	return ""
}

func (c Config) withDefaults() Config {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{oidc.ScopeOpenID, emailClaim}
	}
	if c.Claim == "" {
		c.Claim = emailClaim
	}
	return c
}

// Validate reports everything that is wrong with the config. Public is the address under which people reach the service.
func (c Config) Validate(public string) error {
	if !c.On() {
		if c.ClientID != "" || c.ClientSecret != "" {
			return errors.New("oidc: a client without an issuer: give --oidc-issuer, too")
		}
		return nil
	}
	var errs []error
	if err := safeURL(c.Issuer); err != nil {
		errs = append(errs, fmt.Errorf("oidc issuer: %w", err))
	}
	if public == "" {
		errs = append(errs, errors.New("oidc: give --url, the address under which people reach the scorecard: the provider sends them back to it"))
	}
	if c.ClientID == "" {
		errs = append(errs, errors.New("oidc client id: give what the provider calls this client"))
	}
	if len(c.Scopes) > 0 && !slices.Contains(c.Scopes, oidc.ScopeOpenID) {
		errs = append(errs, errors.New("oidc scopes: openid must be one of them"))
	}
	if c.Unregistered != "" && c.Unregistered != "refuse" && c.Unregistered != string(access.RoleIC) {
		errs = append(errs, errors.New("oidc unregistered: must be refuse or ic"))
	}
	return errors.Join(errs...)
}

// ValidPublic reports what is wrong with a public address.
func ValidPublic(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("url: write https://host, or https://host:port, and no path")
	}
	return nil
}

// safeURL wants https, but for what runs on this machine.
func safeURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("write a URL such as https://login.example.com, without query")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("must begin with https://: what comes from it decides who is let in")
}

// Desk is where people sign in. It is safe for concurrent use.
type Desk struct {
	provider *provider
	attempts *attempts
	claim    string
}

// patience is how long the provider has for an answer.
const patience = 10 * time.Second

// New makes a desk for people who come to the public address. Secret signs the cookies of attempts; it may serve other
// purposes. The config must be valid; the provider is not asked yet.
func New(cfg Config, public string, secret []byte, now func() time.Time) *Desk {
	cfg = cfg.withDefaults()
	return &Desk{
		provider: &provider{
			cfg: cfg, callback: strings.TrimRight(public, "/") + CallbackPath, now: now,
			client: &http.Client{Timeout: patience},
		},
		attempts: newAttempts(secret, now),
		claim:    cfg.Claim,
	}
}

// Begin starts an attempt of somebody who wants to get to a path of this site. It returns where to send the browser, and
// the value of the cookie that it must come back with; the error is a [*Refusal].
func (d *Desk) Begin(ctx context.Context, to string) (location, cookie string, err error) {
	p, err := d.provider.discover(ctx)
	if err != nil {
		return "", "", refuse(ProviderAway, err)
	}
	a := d.attempts.begin(to)
	if cookie, err = d.attempts.sign(a); err != nil {
		return "", "", err
	}
	return p.authorise(a), cookie, nil
}

// Finish ends an attempt: cookie is the value that the browser has kept ("" for none), answer the query that the provider
// has sent with it. It returns the id of the person and the path that they wanted to get to; the error is a [*Refusal].
// However it ends, the attempt is used.
func (d *Desk) Finish(ctx context.Context, cookie string, answer url.Values) (person, to string, err error) {
	a, err := d.attempts.take(cookie, answer.Get("state"))
	if err != nil {
		return "", a.To, err
	}
	if word := answer.Get("error"); word != "" {
		return "", a.To, refuse(Denied, errors.New(known(word)))
	}
	code := answer.Get("code")
	if code == "" {
		return "", a.To, refuse(NoCode, nil)
	}
	p, err := d.provider.discover(ctx)
	if err != nil {
		return "", a.To, refuse(ProviderAway, err)
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.cfg.Issuer {
		return "", a.To, refuse(BadToken, errors.New("the answer comes from another issuer"))
	}
	claims, err := p.redeem(ctx, code, a)
	if err != nil {
		return "", a.To, err
	}
	person, err = d.person(claims)
	return person, a.To, err
}

// maxPerson is the most bytes of an id: events have no longer ones.
const maxPerson = 512

// person is who the claims name.
func (d *Desk) person(claims map[string]any) (string, error) {
	id, _ := claims[d.claim].(string)
	id = strings.TrimSpace(id)
	if id == "" || len(id) > maxPerson {
		return "", refuse(NoPerson, fmt.Errorf("the provider gives no usable claim %q", d.claim))
	}
	if d.claim != emailClaim {
		return id, nil
	}
	// Some providers write it as text.
	if v := claims[verifiedClaim]; v != true && v != "true" {
		return "", refuse(EmailUnverified, nil)
	}
	return id, nil
}

// known keeps a word of the provider that may stand in a log; anything else that came in the address does not.
func known(word string) string {
	if len(word) <= 64 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return word
	}
	return "no word of the protocol"
}
