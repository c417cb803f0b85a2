package scorecard

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/services/scorecard/signin"
)

// insecure trusts the certificate of the proxy of a test.
func insecure(t *testing.T) *http.Transport {
	t.Helper()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // a certificate of the test itself
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// session is what the scorecard says of a browser's session.
func (b *browser) session() (int, sessionAnswer) {
	b.t.Helper()
	s := b.send("/api/v1/session", nil, "Accept", "application/json")
	var a sessionAnswer
	if err := json.Unmarshal([]byte(s.body), &a); err != nil {
		b.t.Fatalf("%d %s", s.status, s.body)
	}
	return s.status, a
}

// is wants a browser to be signed in with a role, as the person whom events name.
func (b *browser) is(login, role string) {
	b.t.Helper()
	status, a := b.session()
	if status != http.StatusOK || a.Role != role || !a.SignedIn || a.Person == nil || *a.Person != pseudonymOf(login) {
		b.t.Errorf("%s: %d %+v, want %s", login, status, a, role)
	}
}

// isNot wants a browser to be signed out, or refused.
func (b *browser) isNot(status int) {
	b.t.Helper()
	if got, a := b.session(); got != status {
		b.t.Errorf("%d %+v, want %d", got, a, status)
	}
}

const attemptCookie, sessionCookie = signin.CookieName, access.CookieName

func TestOIDC(t *testing.T) {
	b := newOIDCBench(t, providerOptions{Conform: true}, nil)
	t.Run("round trip", func(t *testing.T) { oidcRoundTrip(t, b) })
	t.Run("answers that do not belong to the attempt", func(t *testing.T) { oidcForeignAnswers(t, b) })
	t.Run("people who may not", func(t *testing.T) { oidcRefusedPeople(t, b) })
	t.Run("nowhere else", func(t *testing.T) { oidcRedirects(t, b) })
	t.Run("roles", func(t *testing.T) { oidcRoles(t, b) })
	t.Run("signing out", func(t *testing.T) { oidcSignOut(t, b) })
	t.Run("audit log", func(t *testing.T) { oidcAudit(t, b) })
	t.Run("lifetimes", func(t *testing.T) { oidcLifetimes(t, b) })
	t.Run("metrics", func(t *testing.T) { oidcMetrics(t, b) })
}

// on is the bench within a part of a test.
func (b *oidcBench) on(t *testing.T) *oidcBench {
	inner, outer := *b.bench, *b
	inner.t, outer.bench = t, &inner
	return &outer
}

func oidcRoundTrip(t *testing.T, b *oidcBench) {
	b = b.on(t)
	ann := b.browser()
	ann.isNot(http.StatusUnauthorized)
	page := ann.send("/signin?to=/experiments", nil)
	if page.status != http.StatusOK || !strings.Contains(page.body, `href="/signin/oidc?to=%2fexperiments"`) {
		t.Errorf("the sign-in page does not lead to the provider: %s", page.body)
	}
	at := ann.begin("/pipeline?from=2026-10-01&to=2026-11-01")
	asked, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("response_type") != "code" || len(q.Get("state")) < 32 || len(q.Get("nonce")) < 32 {
		t.Errorf("the provider is asked %s", at)
	}
	done := ann.send(ann.login(at, "Ann@Example.com"), nil)
	if done.status != http.StatusSeeOther || done.location != b.public+"/pipeline?from=2026-10-01&to=2026-11-01" {
		t.Fatalf("%d %s %s", done.status, done.location, done.body)
	}
	for _, c := range done.cookies {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure {
			t.Errorf("cookie %+v", c)
		}
	}
	if done.header.Get("Cache-Control") != "no-store" || done.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the answer may be kept: %v", done.header)
	}
	ann.is("ann@example.com", "leader")
	if left := ann.cookie(attemptCookie); left != "" {
		t.Errorf("the attempt's cookie is still there: %s", left)
	}
	if page := ann.send("/signin", nil); !strings.Contains(page.body, "You are signed in as Leader") || !strings.Contains(page.body, "Sign out of all browsers") {
		t.Errorf("the sign-in page of who is signed in: %s", page.body)
	}
}

func oidcForeignAnswers(t *testing.T, b *oidcBench) {
	b = b.on(t)
	change := func(address, name, value string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	// The state of nobody, and of another attempt; afterwards the right answer still works.
	v := b.browser()
	back := v.login(v.begin("/"), "ann@example.com")
	v.send(change(back, "state", "x"), nil).refused(t, http.StatusBadRequest, signin.WrongState)
	v.send(change(back, "state", ""), nil).refused(t, http.StatusBadRequest, signin.WrongState)
	thief := b.browser()
	thief.begin("/")
	thief.send(back, nil).refused(t, http.StatusBadRequest, signin.WrongState)
	b.browser().send(back, nil).refused(t, http.StatusBadRequest, signin.NoAttempt)
	kept := v.cookie(attemptCookie)
	if s := v.send(back, nil); s.status != http.StatusSeeOther {
		t.Errorf("the right answer after wrong ones: %d %s", s.status, s.body)
	}
	// Once more, without and with the cookie that was taken away.
	v.send(back, nil).refused(t, http.StatusBadRequest, signin.NoAttempt)
	v.put(attemptCookie, kept)
	v.send(back, nil).refused(t, http.StatusBadRequest, signin.AttemptUsed)

	// A cookie that was changed, or signed for something else.
	v = b.browser()
	back = v.login(v.begin("/"), "ann@example.com")
	kept = v.cookie(attemptCookie)
	v.put(attemptCookie, kept[:len(kept)/3]+"x"+kept[len(kept)/3+1:])
	v.send(back, nil).refused(t, http.StatusBadRequest, signin.NoAttempt)
	v.put(attemptCookie, strings.TrimPrefix(b.as(access.RoleAdmin, "").cookie, sessionCookie+"="))
	v.send(back, nil).refused(t, http.StatusBadRequest, signin.NoAttempt)

	// Another nonce, another verifier, another issuer, no code, a code of nobody; and the provider says no.
	v = b.browser()
	v.send(v.login(change(v.begin("/"), "nonce", "another"), "ann@example.com"), nil).refused(t, http.StatusBadRequest, signin.WrongNonce)
	v = b.browser()
	v.send(v.login(change(v.begin("/"), "code_challenge", strings.Repeat("A", 43)), "ann@example.com"), nil).refused(t, http.StatusBadGateway, signin.CodeRefused)
	for name, c := range map[string]struct {
		value  string
		status int
		reason signin.Reason
	}{
		"iss":   {"https://elsewhere.example", http.StatusBadGateway, signin.BadToken},
		"code":  {"", http.StatusBadRequest, signin.NoCode},
		"error": {"access_denied", http.StatusForbidden, signin.Denied},
	} {
		v = b.browser()
		v.send(change(v.login(v.begin("/"), "ann@example.com"), name, c.value), nil).refused(t, c.status, c.reason)
	}
	v = b.browser()
	v.send(change(v.login(v.begin("/"), "ann@example.com"), "code", "guessed"), nil).refused(t, http.StatusBadGateway, signin.CodeRefused)
	// A program gets a problem.
	s := v.send(signin.CallbackPath, nil, "Accept", "application/json")
	b.hold("callback", "Problem", []byte(s.body)).at("code").is("no_attempt")

	// Too late.
	v = b.browser()
	back = v.login(v.begin("/"), "ann@example.com")
	b.clock.move(signin.AttemptLife)
	v.send(back, nil).refused(t, http.StatusBadRequest, signin.AttemptExpired)
}

func oidcRefusedPeople(t *testing.T, b *oidcBench) {
	b = b.on(t)
	b.person("unverified@example.com", "2026-01-01", "admin")
	v := b.browser()
	v.signIn("unverified@example.com", "/").refused(t, http.StatusForbidden, signin.EmailUnverified)
	v.isNot(http.StatusUnauthorized)
	v = b.browser()
	v.signIn("bob@example.com", "/").refused(t, http.StatusForbidden, signin.NotRegistered)
	v.isNot(http.StatusUnauthorized)
	// An entry that says nothing of a role gives none.
	b.declareRoleless("cyd@example.com")
	b.browser().signIn("cyd@example.com", "/").refused(t, http.StatusForbidden, signin.NotRegistered)
}

func oidcRedirects(t *testing.T, b *oidcBench) {
	b = b.on(t)
	for _, to := range []string{"//elsewhere.example", `/\elsewhere.example`, "https://elsewhere.example/", "/\t/elsewhere.example", "javascript:alert(1)", "/signin/oidc"} {
		v := b.browser()
		if s := v.signIn("ann@example.com", to); s.location != b.public+"/" {
			t.Errorf("to %q: led to %q", to, s.location)
		}
	}
}

func oidcRoles(t *testing.T, b *oidcBench) {
	b = b.on(t)
	v := b.browser()
	b.person("dan@example.com", "2026-01-01", "analyst")
	v.signIn("dan@example.com", "/")
	v.is("dan@example.com", "analyst")
	const put = "/api/v1/registry/teams/x"
	write := func() int { return b.browserPut(v, put) }
	if got := write(); got != http.StatusBadRequest { // of the entry, which has no fields
		t.Errorf("an analyst's write: %d", got)
	}
	b.person("dan@example.com", "2026-02-01", "ic")
	v.is("dan@example.com", "ic")
	if got := write(); got != http.StatusForbidden {
		t.Errorf("the next write, as an IC: %d", got)
	}
	b.person("dan@example.com", "2026-03-01", "admin")
	v.is("dan@example.com", "admin")
	b.person("dan@example.com", "2026-04-01", "")
	v.isNot(http.StatusForbidden)
	if s := v.send("/api/v1/scorecard", nil, "Accept", "application/json"); !strings.Contains(s.body, `"not_registered"`) {
		t.Errorf("who was removed: %d %s", s.status, s.body)
	}
	if s := v.send("/signin", nil); !strings.Contains(s.body, `action="/signout"`) || !strings.Contains(s.body, "has no role for you") {
		t.Errorf("the sign-in page of who was removed: %s", s.body)
	}
	b.person("dan@example.com", "2026-05-01", "leader")
	v.is("dan@example.com", "leader")
}

func oidcSignOut(t *testing.T, b *oidcBench) {
	b = b.on(t)
	v := b.browser()
	v.signIn("ann@example.com", "/")
	copied := v.cookie(sessionCookie)
	foreign := v.send("/signout", url.Values{}, "Sec-Fetch-Site", "cross-site")
	if foreign.status != http.StatusForbidden {
		t.Errorf("another site signs out: %d", foreign.status)
	}
	v.is("ann@example.com", "leader")
	if s := v.send("/signout", url.Values{}); s.status != http.StatusSeeOther || s.location != b.public+"/signin" {
		t.Errorf("sign out: %d %s", s.status, s.location)
	}
	v.isNot(http.StatusUnauthorized)
	v.put(sessionCookie, copied)
	v.isNot(http.StatusUnauthorized)
	// Signing in again ends the session that was there; those of other browsers go on.
	other := b.browser()
	other.signIn("ann@example.com", "/")
	v.signIn("ann@example.com", "/")
	first := v.cookie(sessionCookie)
	v.signIn("ann@example.com", "/")
	v.is("ann@example.com", "leader")
	v.put(sessionCookie, first)
	v.isNot(http.StatusUnauthorized)
	other.is("ann@example.com", "leader")
}

func oidcLifetimes(t *testing.T, b *oidcBench) {
	b = b.on(t)
	v := b.browser()
	v.signIn("ann@example.com", "/")
	first := v.cookie(sessionCookie)
	v.is("ann@example.com", "leader")
	if v.cookie(sessionCookie) != first {
		t.Error("a new cookie is replaced at once")
	}
	b.clock.move(11 * time.Hour)
	v.is("ann@example.com", "leader")
	if v.cookie(sessionCookie) == first {
		t.Error("a cookie of eleven hours is not replaced")
	}
	// In use it goes on, until thirty days are over.
	b.clock.move(2 * time.Hour)
	idle := b.browser()
	idle.put(sessionCookie, first)
	idle.isNot(http.StatusUnauthorized)
	for at := 13 * time.Hour; at < 30*24*time.Hour; at += 11 * time.Hour {
		v.is("ann@example.com", "leader")
		b.clock.move(11 * time.Hour)
	}
	v.isNot(http.StatusUnauthorized)
}

func oidcMetrics(t *testing.T, b *oidcBench) {
	b = b.on(t)
	_, raw := b.do("GET", "/metrics", "")
	for _, outcome := range []string{"signed_in", "wrong_state", "no_attempt", "attempt_used", "attempt_expired", "wrong_nonce", "code_refused", "email_unverified", "not_registered", "denied"} {
		if !strings.Contains(string(raw), `plumbline_scorecard_sign_ins_total{outcome="`+outcome+`",way="oidc"}`) {
			t.Errorf("no count of %s", outcome)
		}
	}
}

// declareRoleless registers somebody without a role.
func (b *oidcBench) declareRoleless(id string) {
	b.t.Helper()
	b.declare("people", pseudonymOf(id), `{"valid_from":"2026-01-01","team":"content"}`)
}

// browserPut writes an empty entry as a page of the app does.
func (b *oidcBench) browserPut(v *browser, path string) int {
	b.t.Helper()
	other := b.with(v.cookie(sessionCookie))
	res, _ := other.do(http.MethodPut, path, `{}`, "Sec-Fetch-Site", "same-origin")
	return res.StatusCode
}

// A confidential client, claims in the id token, TLS before the scorecard, and people without an entry let in as ICs.
func TestOIDCOverTLS(t *testing.T) {
	b := newOIDCBench(t, providerOptions{Redirect: "https", Secret: "a secret of the client: with, odd & signs %"}, func(c *Config) { c.OIDC.Unregistered = "ic" })
	v := b.browser()
	done := v.signIn("bob@example.com", "/")
	v.is("bob@example.com", "ic")
	names := map[string]bool{}
	for _, c := range done.cookies {
		names[c.Name] = true
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %+v", c)
		}
	}
	if !names["__Host-plumbline_session"] || !names["__Host-plumbline_attempt"] || len(names) != 2 {
		t.Errorf("cookies %v", names)
	}
	// The name that a neighbouring host could plant counts for nothing.
	planted := b.browser()
	planted.put(sessionCookie, v.cookie("__Host-plumbline_session"))
	planted.isNot(http.StatusUnauthorized)
	ann := b.browser()
	ann.signIn("ann@example.com", "/")
	ann.is("ann@example.com", "leader")
}

// A provider that is away keeps nobody from starting, and takes nothing from those who are signed in.
func TestOIDCProviderAway(t *testing.T) {
	b := newOIDCBench(t, providerOptions{Conform: true, IDTokenSeconds: 2}, nil)
	b.away()
	v := b.browser()
	away := v.send("/signin/oidc?to=/pipeline", nil)
	away.refused(t, http.StatusServiceUnavailable, signin.ProviderAway)
	if away.header.Get("Retry-After") == "" || !strings.Contains(away.body, `href="/signin?to=%2fpipeline"`) {
		t.Errorf("the page says nothing of how to go on: %v %s", away.header, away.body)
	}
	if s := v.send("/signin/oidc", nil, "Accept", "application/json"); s.status != http.StatusServiceUnavailable || s.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program gets %d %v", s.status, s.header)
	}
	b.again()
	if s := v.signIn("ann@example.com", "/"); s.status != http.StatusSeeOther {
		t.Fatalf("when it is back: %d %s", s.status, s.body)
	}
	v.is("ann@example.com", "leader")
	// Away between the two halves of an attempt.
	late := b.browser()
	back := late.login(late.begin("/"), "ann@example.com")
	b.away()
	late.send(back, nil).refused(t, http.StatusServiceUnavailable, signin.ProviderAway)
	v.is("ann@example.com", "leader")
	// A token that is no longer valid when it arrives.
	b.again()
	old := b.browser()
	back = old.login(old.begin("/"), "ann@example.com")
	b.clock.move(3 * time.Second)
	old.send(back, nil).refused(t, http.StatusBadGateway, signin.BadToken)
}

func TestDemoPersonas(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	form := func(b *bench, as string, headers ...string) (reply, []byte) {
		return b.do("POST", "/signin/demo", "to=%2Fpipeline&as="+as, append([]string{
			"Authorization", "", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin",
		}, headers...)...)
	}
	for _, demo := range []bool{false, true} { // the demo organisation alone offers none
		b.cfg.Demo = demo
		b.serve()
		if res, _ := form(b, "admin"); res.StatusCode != http.StatusNotFound {
			t.Errorf("without the personas: %d", res.StatusCode)
		}
	}
	b.cfg.DemoPersonas = true
	b.serve()
	_, page := b.do("GET", "/signin", "", "Authorization", "")
	for _, role := range access.Roles() {
		if !strings.Contains(string(page), `name="as" value="`+string(role)+`"`) {
			t.Errorf("the sign-in page does not offer %s: %s", role, page)
		}
		res, raw := form(b, string(role))
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/pipeline" || len(res.cookies) != 1 {
			t.Fatalf("%s: %d %s", role, res.StatusCode, raw)
		}
		visitor := b.with(res.cookies[0].Value)
		session := visitor.get("/api/v1/session", "Session")
		session.at("role").is(string(role))
		session.at("signed_in").is("true")
		if person := session.at("person").text(); (role == access.RoleIC) != (person == pseudonymOf("content-1@demo.example")) {
			t.Errorf("%s is person %s", role, person)
		}
		// Behind a proxy the session counts for nothing.
		if res, _ := visitor.do("GET", "/api/v1/session", "", "X-Forwarded-For", "203.0.113.5"); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s from elsewhere: %d", role, res.StatusCode)
		}
	}
	for name, c := range map[string]struct {
		as      string
		headers []string
		status  int
	}{
		"no persona":   {"owner", nil, http.StatusBadRequest},
		"another site": {"admin", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"no page":      {"admin", []string{"Sec-Fetch-Site", ""}, http.StatusForbidden},
		"from outside": {"admin", []string{"X-Forwarded-For", "203.0.113.5"}, http.StatusNotFound},
	} {
		if res, _ := form(b, c.as, c.headers...); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.status)
		}
	}
	// No persona outlives the demo.
	res, _ := form(b, "admin")
	b.cfg.DemoPersonas = false
	b.serve()
	if _, raw := b.with(res.cookies[0].Value).do("GET", "/api/v1/session", ""); strings.Contains(string(raw), `"admin"`) {
		t.Errorf("a persona's session after the demo: %s", raw)
	}
}
