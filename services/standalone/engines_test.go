package standalone_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/client"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/process/processtest"
	"plumbline/pkg/trust"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone"
)

// TestEnginesOverTLS is the whole way with outside engines that ask who is there: a tool, TLS, the collector, SASL over TLS,
// Kafka, the loader, TLS with certificates of both sides, ClickHouse, the scorecard. Neither password is written anywhere.
func TestEnginesOverTLS(t *testing.T) {
	papers := embeddedtest.SecureBroker(t)
	dsn, err := url.Parse(papers.SecureDatabase(t, true))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := dsn.User.Password()
	dsn.User = url.User(dsn.User.Username())
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	var log, out processtest.Journal
	s := serve(t, func(cfg *standalone.Config) {
		cfg.Kafka, cfg.Prefix = papers.SASL, papers.Prefix
		cfg.KafkaSecurity = bus.Security{
			Config: trust.Config{TLS: true, CA: papers.CA}, SASL: bus.SASLScramSHA512,
			User: papers.User, Password: trust.Password{Text: trust.Secret(papers.Password)},
		}
		cfg.ClickHouse = dsn.String()
		cfg.ClickHouseSecurity = warehouse.Security{
			Config: trust.Config{TLS: true, CA: papers.CA, Cert: papers.Cert, Key: papers.Key}, Password: trust.Password{File: file},
		}
		cfg.Err, cfg.Out, cfg.LogLevel = io.MultiWriter(&log, t.Output()), &out, slog.LevelDebug
	})
	put(t, s, "workflows/brief", `{"valid_from":"2026-01-01T00:00:00Z","name":"Brief","baseline":{"low":50,"mode":60,"high":70}}`)
	c, err := client.New(client.Config{URL: s.URL, Key: newKey(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	// Five briefs of 60 minutes, done in 48 each: 5 × (60 − 48) = 60 minutes = 1 h.
	var events []client.Event
	for i := range 5 {
		events = append(events, client.Event{
			ID: fmt.Sprint("brief-", i), Source: "test", Time: time.Date(2026, 10, 1+i, 12, 0, 0, 0, time.UTC),
			Data: &event.HoursSaved{
				Common: event.Common{Workflow: "brief", Team: "t", Person: fmt.Sprintf("p%d@example.org", i)},
				Units:  new(event.NumberOf(1)), DoingMinutes: new(event.NumberOf(48)),
			},
		})
	}
	answers, err := c.Send(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.State != event.Accepted {
			t.Errorf("answer %d is %+v", i, a)
		}
	}
	settle(t, s)
	if got := get(t, s, "/scorecard?from=2026-10-01&to=2026-11-01").text(t, "measures.hours_saved_net.value"); got != "1" && got != "1.0" {
		t.Errorf("net hours %s, want 1", got)
	}
	if status, body := request(t, http.MethodGet, s.URL+"/readyz", "", "", ""); status != http.StatusOK || !json.Valid([]byte(body)) {
		t.Errorf("readiness: %d %s", status, body)
	}
	for name, secret := range map[string]string{"Kafka": papers.Password, "ClickHouse": password} {
		if strings.Contains(log.String()+out.String(), secret) {
			t.Errorf("the password of %s is in the log", name)
		}
	}
}

// A start with papers that the engines do not take ends, and says what to change.
func TestStartIsRefusedByEngines(t *testing.T) {
	papers := embeddedtest.SecureBroker(t)
	overTLS := trust.Config{TLS: true, CA: papers.CA}
	plain := embeddedtest.Database(t)
	for name, c := range map[string]struct {
		change func(*standalone.Config)
		want   string
	}{
		"no certificate for Kafka": {func(c *standalone.Config) {
			c.Kafka, c.KafkaSecurity = papers.MTLS, bus.Security{Config: overTLS}
		}, "--kafka-cert and --kafka-key"},
		"another authority for ClickHouse": {func(c *standalone.Config) {
			c.ClickHouse, c.ClickHouseSecurity = papers.SecureDatabase(t, false), warehouse.Security{Config: trust.Config{TLS: true}}
		}, "--clickhouse-ca"},
		"a user and no mechanism": {func(c *standalone.Config) { c.KafkaSecurity.User = "u" }, "--kafka-sasl"},
		"TLS to the embedded broker": {func(c *standalone.Config) {
			c.Kafka, c.KafkaSecurity = nil, bus.Security{Config: overTLS}
		}, "name them with --kafka"},
		"TLS to the embedded database": {func(c *standalone.Config) {
			c.ClickHouse, c.ClickHouseSecurity = "", warehouse.Security{Config: overTLS}
		}, "name it with --clickhouse"},
	} {
		cfg := standalone.Config{
			Data: t.TempDir(), Listen: "127.0.0.1:0", Kafka: papers.SASL, Prefix: papers.Prefix, ClickHouse: plain,
			Err: t.Output(), LogFormat: "text", LogLevel: slog.LevelWarn,
		}
		c.change(&cfg)
		err := standalone.Run(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v; want one with %q", name, err, c.want)
		}
	}
}
