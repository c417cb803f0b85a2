package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/trust"
)

// knownBy is how to connect with the papers by a mechanism, or by the certificate where it is "".
func knownBy(s embeddedtest.Secure, mechanism string) bus.Config {
	cfg := bus.Config{Prefix: s.Prefix, Partitions: 2}
	cfg.TLS, cfg.CA = true, s.CA
	if mechanism == "" {
		cfg.Brokers, cfg.Cert, cfg.Key = s.MTLS, s.Cert, s.Key
		return cfg
	}
	cfg.Brokers, cfg.SASL, cfg.User, cfg.Text = s.SASL, mechanism, s.User, trust.Secret(s.Password)
	return cfg
}

// What talks to brokers does so over TLS, whoever it says to be: topics are made, a message is produced, a consumer group
// takes it, readiness writes, a follower sees it, and it is found by its key.
func TestOverTLSAndSASL(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{bus.SASLPlain, bus.SASLScramSHA256, bus.SASLScramSHA512, "SCRAM-SHA-512", ""} {
		t.Run("by "+mechanism, func(t *testing.T) {
			t.Parallel()
			cfg := knownBy(embeddedtest.SecureBroker(t), mechanism)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			log := slog.New(slog.NewTextHandler(t.Output(), nil))
			if err := bus.Await(ctx, cfg, log); err != nil {
				t.Fatal(err)
			}
			key := []byte("a key")
			producer := bus.NewProducer(cfg, bus.Events)
			_, err := producer.Produce(ctx, []bus.Message{{Key: key, Value: []byte("kept")}})
			if err := errors.Join(err, producer.Close()); err != nil {
				t.Fatal(err)
			}
			prober := bus.NewProber(cfg)
			defer prober.Close()
			if err := prober.Check(ctx); err != nil {
				t.Errorf("probe: %v", err)
			}
			taken := make(chan string, 2)
			consume, stop := context.WithCancel(ctx)
			ended := make(chan error, 2)
			go func() {
				ended <- bus.Consume(consume, cfg, bus.ConsumeConfig{Group: "g", Topic: bus.Events, Log: log}, func(_ context.Context, c bus.Chunk) error {
					taken <- string(c.Messages[0].Value)
					return nil
				})
			}()
			go func() {
				ended <- bus.Follower{
					Topics: []bus.Name{bus.Events}, FromStart: true, Log: log, Missed: func(int64) {},
					Handle: func(_ bus.Name, m kafka.Message) { taken <- string(m.Value) },
				}.Follow(consume, cfg)
			}()
			for range 2 {
				select {
				case got := <-taken:
					if got != "kept" {
						t.Errorf("got %q", got)
					}
				case <-ctx.Done():
					t.Fatal("nothing was taken")
				}
			}
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Who is not believed is told what to change, at once, and nothing is tried in plain text.
func TestBrokerRefuses(t *testing.T) {
	t.Parallel()
	s := embeddedtest.SecureBroker(t)
	plain, _ := embeddedtest.Broker(t)
	strange, err := embeddedtest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := strange.Issue("somebody")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mechanism string
		change    func(*bus.Config)
		want      string
	}{
		"wrong password":        {bus.SASLScramSHA512, func(c *bus.Config) { c.Text = "guessed" }, "password"},
		"wrong password, plain": {bus.SASLPlain, func(c *bus.Config) { c.Text = "guessed" }, "password"},
		"unknown user":          {bus.SASLScramSHA256, func(c *bus.Config) { c.User = "nobody" }, "--kafka-user"},
		"another authority":     {bus.SASLPlain, func(c *bus.Config) { c.CA = strange.CA }, "another authority than those of --kafka-ca"},
		"authority unknown":     {bus.SASLPlain, func(c *bus.Config) { c.CA = "" }, "name the authority's file with --kafka-ca"},
		"another name": {bus.SASLPlain, func(c *bus.Config) {
			c.Brokers = []string{strings.Replace(c.Brokers[0], "127.0.0.1", "localhost", 1)}
		}, "its certificate is for other names"},
		"no certificate":            {"", func(c *bus.Config) { c.Cert, c.Key = "", "" }, "--kafka-cert and --kafka-key"},
		"certificate of a stranger": {"", func(c *bus.Config) { c.Cert, c.Key = cert, key }, "--kafka-cert"},
		"no TLS there":              {bus.SASLPlain, func(c *bus.Config) { c.Brokers = plain }, "name its port for TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := knownBy(s, c.mechanism)
			c.change(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := bus.Ensure(ctx, cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "guessed") {
				t.Errorf("error is %v; want one with %q", err, c.want)
			}
			t.Log(err)
		})
	}
}

// A process that starts with a wrong password ends, and does not wait for ever.
func TestAwaitGivesUpWhereItIsRefused(t *testing.T) {
	t.Parallel()
	cfg := knownBy(embeddedtest.SecureBroker(t), bus.SASLScramSHA512)
	cfg.CA = ""
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := bus.Await(ctx, cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, trust.ErrRefused) || ctx.Err() != nil {
		t.Errorf("error is %v; want that of a refusal", err)
	}
}

// A new password and a new authority are taken from their files without a restart.
func TestRenewedPapers(t *testing.T) {
	t.Parallel()
	s := embeddedtest.SecureBroker(t)
	dir := t.TempDir()
	cfg := knownBy(s, bus.SASLScramSHA256)
	cfg.Text, cfg.File, cfg.CA = "", filepath.Join(dir, "password"), filepath.Join(dir, "ca.pem")
	strange, err := embeddedtest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.File, []byte("an old one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	prober := bus.NewProber(cfg)
	defer prober.Close()
	if err := prober.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "another authority than those of --kafka-ca") {
		t.Fatalf("the authority %s: %v", strange.CA, err)
	}
	ca, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(cfg.CA, ca, 0o600), os.WriteFile(cfg.File, []byte(s.Password+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := bus.Await(t.Context(), cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	var last error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		// The client looks for new topics once a second.
		if last = prober.Check(t.Context()); last == nil {
			return
		}
	}
	t.Errorf("with the new papers: %v", last)
}

// Settings that contradict each other are refused before anything is connected to.
func TestContradictionsOfSecurity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, err := embeddedtest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Issue("client")
	if err != nil {
		t.Fatal(err)
	}
	overTLS := trust.Config{TLS: true, CA: authority.CA}
	secret := trust.Password{Text: "s3cret"}
	for name, c := range map[string]struct {
		broker string
		s      bus.Security
		want   string // "": nothing is wrong
	}{
		"nothing":                  {"k:9092", bus.Security{}, ""},
		"mutual TLS":               {"k:9092", bus.Security{Config: trust.Config{TLS: true, CA: authority.CA, Cert: cert, Key: key}}, ""},
		"SCRAM over TLS":           {"k:9092", bus.Security{Config: overTLS, SASL: "SCRAM-SHA-512", User: "u", Password: secret}, ""},
		"PLAIN on this machine":    {"127.0.0.1:9092", bus.Security{SASL: "plain", User: "u", Password: secret}, ""},
		"PLAIN without TLS":        {"k:9092", bus.Security{SASL: "plain", User: "u", Password: secret}, "set --kafka-tls"},
		"user without a mechanism": {"k:9092", bus.Security{Config: overTLS, User: "u", Password: secret}, "--kafka-sasl=scram-sha-512"},
		"no user":                  {"k:9092", bus.Security{Config: overTLS, SASL: "plain", Password: secret}, "--kafka-user"},
		"no password":              {"k:9092", bus.Security{Config: overTLS, SASL: "plain", User: "u"}, "PLUMBLINE_KAFKA_PASSWORD"},
		"no such mechanism":        {"k:9092", bus.Security{Config: overTLS, SASL: "gssapi", User: "u", Password: secret}, `"gssapi" is none of`},
		"authority without TLS":    {"k:9092", bus.Security{Config: trust.Config{CA: authority.CA}}, "set --kafka-tls"},
		"key without certificate":  {"k:9092", bus.Security{Config: trust.Config{TLS: true, Key: key}}, "give both"},
		"no such file":             {"k:9092", bus.Security{Config: trust.Config{TLS: true, CA: filepath.Join(dir, "none")}}, "--kafka-ca"},
		"not an authority":         {"k:9092", bus.Security{Config: trust.Config{TLS: true, CA: key}}, "holds no certificate"},
		"another's key":            {"k:9092", bus.Security{Config: trust.Config{TLS: true, Cert: authority.CA, Key: key}}, "--kafka-cert"},
		"two passwords":            {"k:9092", bus.Security{Config: overTLS, SASL: "plain", User: "u", Password: trust.Password{Text: "s3cret", File: key}}, "leave one of them out"},
	} {
		err := bus.Config{Brokers: []string{c.broker}, Security: c.s}.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: error is %v; want one with %q", name, err, c.want)
		}
	}
}
