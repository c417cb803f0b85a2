package scorecard

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/services/scorecard/signin"
)

// movedClock is the real time, but for what a test has added to it. It is safe for concurrent use.
type movedClock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *movedClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// providerOptions are those of testdata/oidc/provider.mjs.
type providerOptions struct {
	Redirect       string `json:"redirect"`
	Port           string `json:"port,omitempty"`
	Secret         string `json:"secret"`
	Conform        bool   `json:"conform"`
	IDTokenSeconds int    `json:"idTokenSeconds"`
	Keys           string `json:"keys"`
}

// startProvider runs a real OpenID Connect provider until stop is called, or the test ends.
func startProvider(t *testing.T, o providerOptions) (issuer string, stop func()) {
	t.Helper()
	const folder = "testdata/oidc"
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "oidc-provider")); err != nil {
		t.Fatalf("the OpenID Connect provider of the tests is not installed: run scripts/test, or npm ci in services/scorecard/%s (%v)", folder, err)
	}
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "node", "provider.mjs", string(raw))
	cmd.Dir, cmd.Stderr = folder, t.Output()
	stdin, err := cmd.StdinPipe() // its end ends the process, also when this one is killed
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		cancel()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if found, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- found
			}
		}
	}()
	select {
	case issuer = <-ready:
		return issuer, stop
	case <-time.After(time.Minute):
		t.Fatal("the OpenID Connect provider is not ready after a minute")
		return "", nil
	}
}

// front is the public address of a scorecard, before the scorecard knows its own: a proxy, as many stand behind.
func front(t *testing.T, tls bool) (public string, to func(base string)) {
	t.Helper()
	var mu sync.Mutex
	var target *url.URL
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewUnstartedServer(proxy)
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, func(base string) {
		mu.Lock()
		defer mu.Unlock()
		var err error
		if target, err = url.Parse(base); err != nil {
			t.Error(err)
		}
	}
}

// oidcBench is a scorecard and its provider.
type oidcBench struct {
	*bench
	clock  *movedClock
	public string
	issuer string
	// away stops the provider.
	away func()
	// again starts it at the same address.
	again func()
}

// newOIDCBench starts both. Ann is a leader of the registry; change adapts the settings.
func newOIDCBench(t *testing.T, o providerOptions, change func(*Config)) *oidcBench {
	t.Helper()
	clock := &movedClock{}
	b := newBench(t, clock.now())
	b.cfg.Now = clock.now
	ob := &oidcBench{bench: b, clock: clock}
	public, to := front(t, strings.HasPrefix(o.Redirect, "https"))
	o.Redirect = public + signin.CallbackPath
	if o.IDTokenSeconds == 0 {
		o.IDTokenSeconds = 3600
	}
	o.Keys = filepath.Join(t.TempDir(), "keys.json")
	ob.issuer, ob.away = startProvider(t, o)
	ob.again = func() {
		again := o
		again.Port = ob.issuer[strings.LastIndex(ob.issuer, ":")+1:]
		_, ob.away = startProvider(t, again)
	}
	b.cfg.URL = public
	b.cfg.OIDC = signin.Config{Issuer: ob.issuer, ClientID: "plumbline", ClientSecret: o.Secret}
	if change != nil {
		change(&b.cfg)
	}
	b.serve()
	to(b.base)
	ob.public = public
	ob.person("ann@example.com", "2026-01-01", "leader")
	return ob
}

// pseudonymOf is how events and the registry name a person.
func pseudonymOf(id string) string {
	return event.NewSealer(event.Secret(secretText)).Person(workspace, id)
}

// person gives somebody a role from a day on; no role takes the entry away.
func (b *oidcBench) person(id, from, role string) {
	b.t.Helper()
	key := pseudonymOf(id)
	if role != "" {
		b.declare(registry.People, key, `{"valid_from":"`+from+`","role":"`+role+`","team":"content"}`)
		return
	}
	at, err := time.Parse(time.DateOnly, from)
	if err != nil {
		b.t.Fatal(err)
	}
	err = b.db.InsertRegistry(b.t.Context(), []registry.Record{{
		Workspace: workspace, Kind: registry.People, Key: key, ValidFrom: at, RecordedAt: b.cfg.Now(), EntryID: "gone " + from, Author: "test", Deleted: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// browser is somebody's: it keeps cookies and stops at every redirect.
type browser struct {
	t      *testing.T
	public string
	client *http.Client
}

// seen is what a browser has got.
type seen struct {
	status   int
	location string
	header   http.Header
	cookies  []*http.Cookie
	body     string
}

func (b *oidcBench) browser() *browser {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if strings.HasPrefix(b.public, "https") {
		client.Transport = insecure(b.t)
	}
	return &browser{b.t, b.public, client}
}

// send asks for an address as a browser does; a form makes it a POST from a page of the same site.
func (b *browser) send(address string, form url.Values, headers ...string) seen {
	b.t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	if strings.HasPrefix(address, "/") {
		address = b.public + address
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	out := seen{res.StatusCode, "", res.Header, res.Cookies(), string(raw)}
	if at, err := res.Location(); err == nil {
		out.location = at.String()
	}
	return out
}

// cookie is the value of a cookie that the browser has for the scorecard; "" for none.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	at, err := url.Parse(b.public)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// put changes a cookie of the browser.
func (b *browser) put(name, value string) {
	b.t.Helper()
	at, err := url.Parse(b.public)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// action finds where the provider's form goes.
var action = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// begin starts an attempt and returns the address at the provider.
func (b *browser) begin(to string) string {
	b.t.Helper()
	s := b.send("/signin/oidc?to="+url.QueryEscape(to), nil)
	if s.status != http.StatusSeeOther {
		b.t.Fatalf("begin: %d %s", s.status, s.body)
	}
	return s.location
}

// login goes to the provider, enters a login where it is asked for one, and returns the address that the provider sends
// the browser back to, without going there.
func (b *browser) login(at, login string) string {
	b.t.Helper()
	s := b.send(at, nil)
	for range 12 {
		switch {
		case strings.HasPrefix(s.location, b.public+signin.CallbackPath):
			return s.location
		case s.location != "":
			s = b.send(s.location, nil)
		case action.MatchString(s.body):
			s = b.send(action.FindStringSubmatch(s.body)[1], url.Values{"prompt": {"login"}, "login": {login}, "password": {"any"}})
		default:
			b.t.Fatalf("the provider shows neither a form nor a way back: %d %s", s.status, s.body)
		}
	}
	b.t.Fatal("the provider sends the browser in circles")
	return ""
}

// signIn goes the whole way and returns what the scorecard answers at its end.
func (b *browser) signIn(login, to string) seen {
	b.t.Helper()
	return b.send(b.login(b.begin(to), login), nil)
}

// refused wants an answer to be a page with a reason.
func (s seen) refused(t *testing.T, status int, reason signin.Reason) {
	t.Helper()
	if s.status != status || !strings.Contains(s.body, `<p class="code">`+string(reason)+`</p>`) {
		t.Errorf("%d %s, want %d and %s", s.status, s.body, status, reason)
	}
	if csp := s.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(s.body, "<script") {
		t.Errorf("the page may run scripts: %q", csp)
	}
	for _, c := range s.cookies {
		if strings.HasSuffix(c.Name, access.CookieName) {
			t.Errorf("a refused sign-in sets %s", c.Name)
		}
	}
}
