package standalone_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/process/processtest"
	"plumbline/services/standalone"
)

// TestOverTLS: with a certificate everything is served over TLS, the demo organisation loads over it, events come in over it,
// and the cookie of a browser goes over nothing else.
func TestOverTLS(t *testing.T) {
	var out processtest.Journal
	s := serve(t, func(cfg *standalone.Config) {
		// For a host that this machine is not, as a server behind its public name has one.
		cfg.TLS.Cert, cfg.TLS.Key, _ = processtest.Certificate(t, t.TempDir(), "plumbline.example.com")
		cfg.Demo, cfg.URL = standalone.DemoYes, "https://plumbline.example.com"
		cfg.Out = io.MultiWriter(&out, t.Output())
	})
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Fatalf("served at %s", s.URL)
	}
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey, HTTP: s.HTTP})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.Send(t.Context(), []client.Event{{ID: "1", Source: "tls", Time: time.Now(), Data: &event.Training{Course: "c"}}})
	if err != nil || len(answers) != 1 || answers[0].State != event.Accepted {
		t.Errorf("an event over TLS: %v, %v", answers, err)
	}
	_, link, ok := strings.Cut(out.String(), "https://plumbline.example.com/signin?token=")
	if !ok {
		t.Fatalf("the sign-in link does not begin with the public address: %s", out.String())
	}
	token, _, _ := strings.Cut(link, "\n")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/signin?token="+token, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.HTTP.Transport.RoundTrip(req) // without following the way to the app
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 || !res.Cookies()[0].Secure || !res.Cookies()[0].HttpOnly {
		t.Errorf("signing in is answered %d with cookies %v, want one that goes over TLS only", res.StatusCode, res.Cookies())
	}
}
