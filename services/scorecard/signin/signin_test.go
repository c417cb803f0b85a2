package signin

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLocalPath(t *testing.T) {
	for to, want := range map[string]string{
		"/":                                "/",
		"/pipeline?from=2026-10-01&open=x": "/pipeline?from=2026-10-01&open=x",
		"/a%2Fb":                           "/a%2Fb",
		"/experiments/x#y":                 "/experiments/x#y",
		"":                                 "/",
		"pipeline":                         "/",
		"//elsewhere.example":              "/",
		"///elsewhere.example":             "/",
		`/\elsewhere.example`:              "/",
		`\\elsewhere.example`:              "/",
		`/a\..\b`:                          "/",
		"/\t/elsewhere.example":            "/",
		"/\n/elsewhere.example":            "/",
		"/\x00":                            "/",
		"/\x7f":                            "/",
		" //elsewhere.example":             "/",
		"https://elsewhere.example/":       "/",
		"https:/elsewhere.example/":        "/",
		"javascript:alert(1)":              "/",
		"/%zz":                             "/",
		"/%2F/elsewhere.example":           "/",
		// Round and round.
		"/signin":                        "/",
		"/signin?token=x":                "/",
		"/signin/oidc":                   "/",
		"/a/../signin/oidc":              "/",
		"/./signin":                      "/",
		"/signout":                       "/",
		"/signing":                       "/signing",
		"/" + strings.Repeat("x", maxTo): "/",
	} {
		if got := LocalPath(to); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", to, got, want)
		}
	}
}

// Wherever somebody wants to get to, a browser stays on this site.
func FuzzLocalPath(f *testing.F) {
	for _, to := range []string{"/", "/a?b=c", "//x", `/\x`, "https://x", "/\t/x", "/%2F/x", "/.//x", "/..//x"} {
		f.Add(to)
	}
	base, err := url.Parse("https://plumbline.example/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got := LocalPath(to)
		// What browsers do before they read an address.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.Trim(got, " \x00"))
		at, err := base.Parse(read)
		if err != nil || at.Host != base.Host || at.Scheme != base.Scheme || !strings.HasPrefix(got, "/") || strings.HasPrefix(read, "//") {
			t.Errorf("%q leads to %v (%v)", to, at, err)
		}
		if LocalPath(got) != got {
			t.Errorf("%q is led to %q, which is no local path", to, got)
		}
	})
}

func TestConfigValidate(t *testing.T) {
	const public = "https://plumbline.example"
	good := Config{Issuer: "https://login.example.com", ClientID: "plumbline"}
	for name, c := range map[string]struct {
		cfg    Config
		public string
		want   string // part of the error; "" for none
	}{
		"none":                {Config{}, "", ""},
		"good":                {good, public, ""},
		"on this machine":     {Config{Issuer: "http://127.0.0.1:9000", ClientID: "x"}, public, ""},
		"no public address":   {good, "", "--url"},
		"no client":           {Config{Issuer: good.Issuer}, public, "client id"},
		"client, no issuer":   {Config{ClientID: "x"}, public, "--oidc-issuer"},
		"not over TLS":        {Config{Issuer: "http://login.example.com", ClientID: "x"}, public, "https"},
		"no URL":              {Config{Issuer: "login.example.com", ClientID: "x"}, public, "URL"},
		"without openid":      {Config{Issuer: good.Issuer, ClientID: "x", Scopes: []string{"email"}}, public, "openid"},
		"everybody is leader": {Config{Issuer: good.Issuer, ClientID: "x", Unregistered: "leader"}, public, "refuse or ic"},
	} {
		err := c.cfg.Validate(c.public)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for address, good := range map[string]bool{
		"": true, public: true, public + "/": true, "http://127.0.0.1:8080": true,
		"plumbline.example": false, public + "/path": false, public + "?x": false, "ftp://plumbline.example": false, "https://u:p@plumbline.example": false,
	} {
		if err := ValidPublic(address); (err == nil) != good {
			t.Errorf("ValidPublic(%q): %v", address, err)
		}
	}
}

// Every reason has its meaning, and no two share one.
func TestMeanings(t *testing.T) {
	seen := map[Reason]bool{}
	for _, m := range Meanings() {
		if seen[m.Reason] || m.Title == "" || m.Advice == "" || m.Status < 400 {
			t.Errorf("%+v", m)
		}
		seen[m.Reason] = true
	}
	for _, r := range []Reason{
		NoAttempt, AttemptExpired, AttemptUsed, WrongState, Denied, NoCode, ProviderAway, CodeRefused, BadToken, WrongNonce, NoPerson, EmailUnverified, NotRegistered, BadLink, NoProvider,
	} {
		if !seen[r] {
			t.Errorf("%s has no meaning", r)
		}
	}
}

// Used attempts are forgotten when they could not be used any more.
func TestAttemptsForget(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := newAttempts([]byte("secret"), func() time.Time { return now })
	use := func() error {
		a := s.begin("/")
		cookie, err := s.sign(a)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.take(cookie, a.State)
		return err
	}
	for range 3 {
		if err := use(); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(AttemptLife)
	if err := use(); err != nil || len(s.used) != 1 {
		t.Errorf("%d are kept, %v", len(s.used), err)
	}
}

func FuzzAttempt(f *testing.F) {
	s := newAttempts([]byte("secret"), time.Now)
	f.Add("a.b", "x")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, cookie, state string) {
		a, err := s.take(cookie, state)
		if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || a.To != "/" {
			t.Errorf("%q %q: %+v %v", cookie, state, a, err)
		}
	})
}
