package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/trust"
	"plumbline/pkg/warehouse"
)

// papers are an authority and a client's certificate of it.
func papers(t *testing.T) embeddedtest.Secure {
	t.Helper()
	authority, err := embeddedtest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := embeddedtest.Secure{Authority: authority}
	if s.Cert, s.Key, err = authority.Issue("client"); err != nil {
		t.Fatal(err)
	}
	return s
}

// ClickHouse is used over TLS, with a certificate of the client and without, and with the password from a file.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	s := papers(t)
	withPassword := s.SecureDatabase(t, false)
	u, err := url.Parse(withPassword)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.User = url.User(u.User.Username())
	overTLS := trust.Config{TLS: true, CA: s.CA}
	mutual := trust.Config{TLS: true, CA: s.CA, Cert: s.Cert, Key: s.Key}
	for name, cfg := range map[string]warehouse.Config{
		"tls":             {DSN: withPassword, Security: warehouse.Security{Config: overTLS}},
		"mutual":          {DSN: s.SecureDatabase(t, true), Security: warehouse.Security{Config: mutual}},
		"by name":         {DSN: withPassword + "?secure=true", Security: warehouse.Security{Config: overTLS}},
		"file":            {DSN: u.String(), Security: warehouse.Security{Config: overTLS, Password: trust.Password{File: file}}},
		"variable":        {DSN: u.String(), Security: warehouse.Security{Config: overTLS, Password: trust.Password{Text: trust.Secret(password)}}},
		"not asked for":   {DSN: withPassword, Security: warehouse.Security{Config: mutual}},
		"by another name": {DSN: strings.Replace(withPassword, "127.0.0.1", "localhost", 1) + "?secure=true&tls_server_name=127.0.0.1", Security: warehouse.Security{Config: overTLS}},
	} {
		db, err := warehouse.Await(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := errors.Join(db.Probe(t.Context()), db.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who is not believed is told what to change, at once, and nothing is tried in plain text.
func TestWarehouseRefuses(t *testing.T) {
	t.Parallel()
	s, strange := papers(t), papers(t)
	plain, secure, mutual := embeddedtest.Database(t), s.SecureDatabase(t, false), s.SecureDatabase(t, true)
	overTLS := trust.Config{TLS: true, CA: s.CA}
	for name, c := range map[string]struct {
		cfg  warehouse.Config
		want string
	}{
		"another authority":         {warehouse.Config{DSN: secure, Security: warehouse.Security{Config: trust.Config{TLS: true, CA: strange.CA}}}, "another authority than those of --clickhouse-ca"},
		"authority unknown":         {warehouse.Config{DSN: secure, Security: warehouse.Security{Config: trust.Config{TLS: true}}}, "name the authority's file with --clickhouse-ca"},
		"no certificate":            {warehouse.Config{DSN: mutual, Security: warehouse.Security{Config: overTLS}}, "--clickhouse-cert and --clickhouse-key"},
		"certificate of a stranger": {warehouse.Config{DSN: mutual, Security: warehouse.Security{Config: trust.Config{TLS: true, CA: s.CA, Cert: strange.Cert, Key: strange.Key}}}, "it does not take the certificate of --clickhouse-cert"},
		"wrong password":            {warehouse.Config{DSN: withPassword(t, secure, "guessed"), Security: warehouse.Security{Config: overTLS}}, "Authentication failed"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := warehouse.Await(ctx, c.cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "guessed") || ctx.Err() != nil {
			t.Errorf("%s: error is %v; want one with %q, at once", name, err, c.want)
		}
		t.Log(err)
		cancel()
	}
	for name, c := range map[string]warehouse.Config{
		"no TLS there":    {DSN: plain + "?dial_timeout=2s", Security: warehouse.Security{Config: overTLS}},
		"only TLS there":  {DSN: secure + "?dial_timeout=2s"},
		"by the DSN only": {DSN: plain + "?secure=true&dial_timeout=2s", Security: warehouse.Security{Config: trust.Config{CA: s.CA, TLS: true}}},
	} {
		if db, err := warehouse.Open(t.Context(), c); err == nil {
			t.Errorf("%s: it was opened", name)
			_ = db.Close()
		} else {
			t.Log(err)
		}
	}
}

// withPassword is a DSN with another password.
func withPassword(t *testing.T, dsn, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

// Settings that contradict each other are refused before anything is connected to, and no error has the password.
func TestContradictionsOfTheAddress(t *testing.T) {
	t.Parallel()
	s := papers(t)
	const dsn = "clickhouse://u:s3cret@db:9440/plumbline"
	overTLS := trust.Config{TLS: true, CA: s.CA}
	for name, c := range map[string]struct {
		dsn      string
		security warehouse.Security
		want     string // "": nothing is wrong
	}{
		"plain":                   {dsn, warehouse.Security{}, ""},
		"tls":                     {dsn, warehouse.Security{Config: overTLS}, ""},
		"tls by the DSN":          {dsn + "?secure=true", warehouse.Security{}, ""},
		"two passwords":           {dsn, warehouse.Security{Password: trust.Password{Text: "other"}}, "the DSN has a password too"},
		"anybody will do":         {dsn + "?secure=true&skip_verify=true", warehouse.Security{}, "--clickhouse-ca"},
		"tls and not":             {dsn + "?secure=false", warehouse.Security{Config: overTLS}, "secure=false"},
		"authority without TLS":   {dsn, warehouse.Security{Config: trust.Config{CA: s.CA}}, "set --clickhouse-tls"},
		"certificate without key": {dsn, warehouse.Security{Config: trust.Config{TLS: true, Cert: s.Cert}}, "give both"},
		"http":                    {"https://u:s3cret@db:8443/plumbline?secure=true", warehouse.Security{Config: overTLS}, "write clickhouse://"},
		"no file":                 {"clickhouse://u@db:9440/plumbline", warehouse.Security{Password: trust.Password{File: s.CA + ".none"}}, "--clickhouse-password-file"},
		"no address":              {"clickhouse://u:s3cret@db:port/plumbline", warehouse.Security{}, "write clickhouse://"},
	} {
		cfg := warehouse.Config{DSN: c.dsn, Security: c.security}
		err := cfg.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: error is %v; want one with %q", name, err, c.want)
		}
	}
	shown := fmt.Sprintf("%v %+v %#v", trust.Secret("s3cret"), trust.Password{Text: "s3cret"}, trust.Password{Text: "s3cret"})
	if strings.Contains(shown, "s3cret") {
		t.Errorf("a password is shown: %s", shown)
	}
}
