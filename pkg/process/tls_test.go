package process

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/process/processtest"
)

// pairOfFiles writes a certificate for a host into a folder.
func pairOfFiles(t *testing.T, dir, host string) (TLSConfig, *x509.Certificate) {
	t.Helper()
	var cfg TLSConfig
	var cert *x509.Certificate
	cfg.Cert, cfg.Key, cert = processtest.Certificate(t, dir, host)
	return cfg, cert
}

func TestServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	cfg, cert := pairOfFiles(t, t.TempDir(), "127.0.0.1")
	r := serveWith(t, Server{TLS: cfg}, func(m *Mount) error {
		m.Router.GET("/v1/fine", func(c *gin.Context) { c.String(http.StatusOK, c.Request.Proto) })
		return nil
	})
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	got := requestWith(t, client, "GET", r.url+"/v1/fine", "")
	if !strings.HasPrefix(r.url, "https://") || got.status != http.StatusOK || got.body != "HTTP/2.0" {
		t.Errorf("%s answers %d %s, want HTTP/2 over TLS", r.url, got.status, got.body)
	}
	if hsts := got.header.Get("Strict-Transport-Security"); hsts != "max-age="+hstsAge {
		t.Errorf("Strict-Transport-Security is %q", hsts)
	}
	if own := requestWith(t, cfg.Client(time.Minute), "GET", r.url+"/v1/fine", ""); own.status != http.StatusOK {
		t.Errorf("a process that calls itself is answered %d", own.status)
	}
	other, _ := pairOfFiles(t, t.TempDir(), "127.0.0.1")
	if res, err := other.Client(time.Minute).Get(r.url); err == nil { //nolint:noctx // it must not come to an answer
		_ = res.Body.Close()
		t.Error("a client took another certificate for its own")
	}
	plain := requestWith(t, http.DefaultClient, "GET", strings.Replace(r.url, "https", "http", 1)+"/v1/fine", "")
	if plain.status != http.StatusBadRequest {
		t.Errorf("a request without TLS is answered %d %s", plain.status, plain.body)
	}
	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // what must be refused
	dialer := tls.Dialer{Config: old}
	if c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "https://")); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

// A renewed certificate is used without a restart, and half of a renewal does no harm.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, first := pairOfFiles(t, dir, "first")
	now := time.Now()
	c := &certificate{cfg: cfg, log: slog.New(slog.DiscardHandler), now: func() time.Time { return now }}
	used := func() string {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert.Subject.CommonName
	}
	if got := used(); got != first.Subject.CommonName {
		t.Fatalf("uses %q", got)
	}
	key, err := os.ReadFile(cfg.Key)
	if err != nil {
		t.Fatal(err)
	}
	pairOfFiles(t, dir, "second")
	renewed, err := os.ReadFile(cfg.Key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(key []byte, changed time.Time) {
		t.Helper()
		if err := os.WriteFile(cfg.Key, key, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(cfg.Key, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	write(key, now.Add(time.Minute)) // the new certificate beside the old key
	now = now.Add(certificateLife)
	if got := used(); got != "first" {
		t.Errorf("half renewed: uses %q", got)
	}
	write(renewed, now.Add(2*time.Minute))
	if got := used(); got != "first" {
		t.Errorf("the files are looked at again at once: uses %q", got)
	}
	now = now.Add(certificateLife)
	if got := used(); got != "second" {
		t.Errorf("renewed: uses %q", got)
	}
}

func TestTLSConfigRefuses(t *testing.T) {
	t.Parallel()
	cfg, _ := pairOfFiles(t, t.TempDir(), "one")
	other, _ := pairOfFiles(t, t.TempDir(), "other")
	for name, tt := range map[string]struct {
		cfg  TLSConfig
		want string
	}{
		"neither":            {TLSConfig{}, ""},
		"a pair":             {cfg, ""},
		"no key":             {TLSConfig{Cert: cfg.Cert}, "both"},
		"no certificate":     {TLSConfig{Key: cfg.Key}, "both"},
		"no such file":       {TLSConfig{Cert: cfg.Cert, Key: cfg.Key + "x"}, "no such file"},
		"another one's key":  {TLSConfig{Cert: cfg.Cert, Key: other.Key}, "does not match"},
		"not a certificate":  {TLSConfig{Cert: cfg.Key, Key: cfg.Key}, "read"},
		"a key that is none": {TLSConfig{Cert: cfg.Cert, Key: cfg.Cert}, "read"},
	} {
		err := tt.cfg.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
