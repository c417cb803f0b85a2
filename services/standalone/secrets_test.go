package standalone_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/pkg/process/processtest"
	"plumbline/services/standalone"
)

// TestSecretsAreNotWritten: at the most talkative log level, with requests that succeed and that fail, no
// secret of the installation or of a visitor stands in a log, an answer of an error, or the metrics.
func TestSecretsAreNotWritten(t *testing.T) {
	var log, out processtest.Journal
	dsn, data := "", ""
	s := serve(t, func(cfg *standalone.Config) {
		cfg.Err, cfg.Out, cfg.LogLevel = io.MultiWriter(&log, t.Output()), &out, slog.LevelDebug
		dsn, data = cfg.ClickHouse, cfg.Data
	})
	_, link, ok := strings.Cut(out.String(), "/signin?token=")
	if !ok {
		t.Fatalf("no sign-in link was printed: %s", out.String())
	}
	token, _, _ := strings.Cut(link, "\n")
	guess, person := "a-wrong-token-that-somebody-typed", "somebody.private@example.org"
	key := newKey(t, s)
	secrets := map[string]string{
		"API key":   key,
		"write key": s.WriteKey, "admin token": s.AdminToken, "sign-in token": token, "wrong token": guess, "person": person,
		"secret": installationSecret(t, data), "password of the database": passwordOf(t, dsn),
	}
	var answers processtest.Journal
	ask := func(method, path, bearer, body string) {
		_, answer := request(t, method, s.URL+path, bearer, "application/cloudevents+json", body)
		_, _ = io.WriteString(&answers, answer+"\n")
	}
	event := `{"specversion":"1.0","id":"1","source":"s","type":"plumbline.hours_saved.v1","time":"2026-10-05T10:00:00Z","data":{"workflow":"w","person":"` + person + `","doing_minutes":`
	ask(http.MethodPost, "/v1/events", s.WriteKey, event+`5}}`)
	ask(http.MethodPost, "/v1/events", s.WriteKey, event+`"five"}}`)
	ask(http.MethodPost, "/v1/events", guess, event+`5}}`)
	ask(http.MethodPost, "/v1/events", key, event+`6}}`)
	ask(http.MethodGet, "/api/v1/keys", key, "")
	ask(http.MethodGet, "/api/v1/keys", s.AdminToken, "")
	ask(http.MethodDelete, "/api/v1/keys/crm", s.AdminToken, "")
	ask(http.MethodPost, "/v1/events", key, event+`7}}`) // revoked
	ask(http.MethodGet, "/api/v1/scorecard", guess, "")
	ask(http.MethodGet, "/api/v1/scorecard?scope="+url.QueryEscape("team:"+guess), s.AdminToken, "")
	ask(http.MethodGet, "/signin?token="+token, "", "")
	ask(http.MethodGet, "/signin?token="+token, "", "") // used already
	ask(http.MethodGet, "/metrics", "", "")
	if code, text, errs := plumbline(t, s, "scorecard", "--token", guess); code != 1 {
		t.Errorf("a wrong token ended with %d: %s", code, text+errs)
	} else {
		_, _ = io.WriteString(&answers, errs)
	}
	settle(t, s)
	if !strings.Contains(log.String(), "/v1/events") {
		t.Fatal("the log does not have the requests, so that it shows nothing")
	}
	for name, secret := range secrets {
		if secret == "" {
			t.Errorf("there is no %s to look for", name)
			continue
		}
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has the %s", name)
		}
		// A scope that does not exist is said back to who asked for it.
		if name != "wrong token" && strings.Contains(answers.String(), secret) {
			t.Errorf("an answer has the %s", name)
		}
	}
}

// newKey makes an API key and returns its text, which is answered here and nowhere else, once the collector has heard of it:
// it follows the topic of keys, as KEYS.md says.
func newKey(t *testing.T, s standalone.Server) string {
	t.Helper()
	status, body := request(t, http.MethodPost, s.URL+"/api/v1/keys", s.AdminToken, "application/json", `{"id":"crm","name":"CRM","scopes":["write"]}`)
	var made struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != http.StatusCreated {
		t.Fatalf("make a key: %d, %v", status, err)
	}
	waitFor(t, "the key at the collector", func() bool {
		status, _ := request(t, http.MethodGet, s.URL+"/v1/events?source=crm&id=none", made.Text, "", "")
		return status != http.StatusForbidden
	})
	return made.Text
}

// installationSecret is what seals persons.
func installationSecret(t *testing.T, data string) string {
	t.Helper()
	k, err := standalone.ReadKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(data, "keys.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("keys.json: %v, %v; want it for its owner alone", info, err)
	}
	return string(k.Secret)
}

// passwordOf is the password in the address of a database.
func passwordOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return password
}
