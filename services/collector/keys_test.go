package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/keyring"
	"plumbline/pkg/process/processtest"
	"plumbline/services/collector"
)

// office makes and changes keys, as a scorecard does.
type office struct {
	*keyring.Keyring
	t *testing.T
}

// newOffice opens an office on the broker of a collector.
func newOffice(t *testing.T, cfg collector.Config) *office {
	t.Helper()
	if err := bus.Ensure(t.Context(), cfg.Bus); err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(keyring.Config{
		Bus: cfg.Bus, Service: "office", Now: cfg.Now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ring.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, ring.Close()); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the office has read the keys", func() bool { return ring.Ready(ctx) == nil })
	return &office{ring, t}
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

// issue writes a new key that writes, with a change to it.
func (o *office) issue(id string, at time.Time, change func(*access.Record)) (access.Record, string) {
	o.t.Helper()
	r := access.Record{Workspace: "default", ID: id, Name: id, Scopes: []access.Scope{access.ScopeWrite}, CreatedBy: "admin"}
	if change != nil {
		change(&r)
	}
	r, text := r.Issue(at)
	o.write(r)
	return r, text
}

func (o *office) write(r access.Record) {
	o.t.Helper()
	if err := o.Write(o.t.Context(), r); err != nil {
		o.t.Fatal(err)
	}
}

// with sends a batch with a key.
func (s *served) with(t *testing.T, text, body string) answer {
	t.Helper()
	return s.do(t, http.MethodPost, "/v1/events", body, map[string]string{"Content-Type": batched, "Authorization": "Bearer " + text})
}

// A collector without a key of its own starts, says that nobody may send events, and takes the first API key that is made; the next
// one says nothing, as a key is there.
func TestNoWriteKey(t *testing.T) {
	cfg := config(t)
	cfg.WriteKeys = nil
	const warning = "nobody may send events: make an API key with plumbline keys new --scope write, or set --write-key"
	log := &processtest.Journal{}
	s := serveLogging(t, cfg, log)
	s.ready(t, http.StatusOK)
	eventually(t, "it says that nobody may send", func() bool { return strings.Contains(log.String(), warning) })
	if a := s.with(t, "some-other-key-of-somebody", batch(one("a", nil))); a.Status != http.StatusForbidden || a.Code != "wrong_key" {
		t.Errorf("an unknown key: %d %s", a.Status, a.Body)
	}
	o := newOffice(t, cfg)
	o.issue("report", now(), func(r *access.Record) { r.Scopes, r.Role = []access.Scope{access.ScopeRead}, access.RoleLeader })
	if n := o.Writers(); n != 0 {
		t.Errorf("a key that reads may send: %d", n)
	}
	_, text := o.issue("crm", now(), nil)
	eventually(t, "the first key is taken", func() bool { return s.with(t, text, batch(one("a", nil))).Status == http.StatusAccepted })
	again := &processtest.Journal{}
	s = serveLogging(t, cfg, again)
	s.ready(t, http.StatusOK)
	if a := s.with(t, text, batch(one("b", nil))); a.Status != http.StatusAccepted {
		t.Errorf("after a restart: %d %s", a.Status, a.Body)
	}
	if strings.Contains(again.String(), warning) {
		t.Error("it says that nobody may send, and somebody may")
	}
}

// A key that is made while the collector runs is taken, and one that is revoked is refused in less than 5 seconds, at a
// tail that it watches too. After a restart both are as they were.
func TestRevokedKeyIsRefused(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	o := newOffice(t, cfg)
	r, text := o.issue("crm", now(), nil)
	kept, keptText := o.issue("kept", now(), nil)
	eventually(t, "the new key is taken", func() bool { return s.with(t, text, batch(one("a", nil))).Status == http.StatusAccepted })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+text)
	watching, err := http.DefaultClient.Do(req)
	if err != nil || watching.StatusCode != http.StatusOK {
		t.Fatalf("watch: %v", err)
	}
	defer func() { _ = watching.Body.Close() }()
	started := time.Now()
	o.write(r.Revoke(now()))
	var a answer
	eventually(t, "the revoked key is refused", func() bool { a = s.with(t, text, batch(one("b", nil))); return a.Status == http.StatusForbidden })
	took := time.Since(started)
	t.Logf("refused %s after the revocation began", took)
	if took > 5*time.Second || a.Code != "key_revoked" {
		t.Errorf("after %s: %s", took, a.Body)
	}
	buffer := make([]byte, 4096)
	for {
		if _, err := watching.Body.Read(buffer); err != nil {
			break // the end of the stream, however it is told
		}
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the tail has ended %s after the revocation began", took)
	}
	eventually(t, "the use is known", func() bool { return o.List("default")[0].LastUse.Equal(now()) })
	s.stop()
	if err := s.ended(); err != nil {
		t.Fatal(err)
	}
	s = serve(t, cfg)
	// Whoever comes before the keys are read is told to come again, and never that the key is unknown.
	for {
		a := s.with(t, keptText, batch(one("c", nil)))
		if a.Status == http.StatusAccepted {
			break
		}
		if a.Status != http.StatusServiceUnavailable || a.Code != "starting" || a.Header.Get("Retry-After") == "" {
			t.Fatalf("the key %s after a restart: %d %s", kept.ID, a.Status, a.Body)
		}
	}
	if a := s.with(t, text, batch(one("d", nil))); a.Code != "key_revoked" {
		t.Errorf("the revoked key after a restart: %d %s", a.Status, a.Body)
	}
	if metrics := s.do(t, http.MethodGet, "/metrics", "", nil).Body; strings.Contains(metrics, "plk_") || !strings.Contains(metrics, `reason="key_revoked"`) {
		t.Error("the metrics have a key in them, or not the refusal")
	}
}

// Keys of the configuration work as ever, readiness waits for those of the log, and a key of neither is refused.
func TestConfiguredKeysNeedNoLog(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	if a := s.post(t, batched, batch(one("a", nil))); a.Status != http.StatusAccepted {
		t.Errorf("the configured key: %d %s", a.Status, a.Body)
	}
	s.ready(t, http.StatusOK)
	if a := s.do(t, http.MethodGet, "/readyz", "", nil); !strings.Contains(a.Body, `"keys":"ok"`) {
		t.Errorf("ready: %s", a.Body)
	}
	for _, wrong := range []string{"plk_crm_" + strings.Repeat("0", 64), "plk_crm", "nothing"} {
		if a := s.with(t, wrong, batch(one("b", nil))); a.Status != http.StatusForbidden || a.Code != "wrong_key" {
			t.Errorf("%s: %d %s", wrong, a.Status, a.Body)
		}
	}
}

// A secret that was replaced works until the overlap is over, a key until it expires.
func TestOverlapAndExpiry(t *testing.T) {
	cfg := config(t)
	var passed atomic.Int64
	cfg.Now = func() time.Time { return now().Add(time.Duration(passed.Load())) }
	s := serve(t, cfg)
	o := newOffice(t, cfg)
	r, first := o.issue("crm", cfg.Now(), func(r *access.Record) { r.ExpiresAt = now().Add(48 * time.Hour) })
	rotated, second, err := r.Rotate(cfg.Now(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	o.write(rotated)
	eventually(t, "the new secret is taken", func() bool { return s.with(t, second, batch(one("a", nil))).Status == http.StatusAccepted })
	for _, c := range []struct {
		hour       int
		old, fresh string
	}{{23, "", ""}, {24, "key_expired", ""}, {47, "key_expired", ""}, {48, "key_expired", "key_expired"}} {
		passed.Store(int64(c.hour) * int64(time.Hour))
		a, b := s.with(t, first, batch(one("b", nil))), s.with(t, second, batch(one("c", nil)))
		if a.Code != c.old || b.Code != c.fresh {
			t.Errorf("at hour %d: %q, %q; want %q, %q", c.hour, a.Code, b.Code, c.old, c.fresh)
		}
	}
}

// What people log in the app is in their own name: no key sends it, nor takes it out, but one that is bound to exactly that source.
func TestTheSourceOfTheAppIsReserved(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	o := newOffice(t, cfg)
	of := func(id, source, kind string, data map[string]any) string {
		return one(id, map[string]any{"source": source, "type": "plumbline." + kind + ".v1", "data": data})
	}
	hours := map[string]any{"workflow": "post", "doing_minutes": 30}
	for name, c := range map[string]struct {
		sources []string
		want    string
	}{
		"any": {nil, "forbidden_source"}, "wide": {[]string{"/plumbline/*"}, "forbidden_source"}, "app": {[]string{"/plumbline/app"}, ""},
	} {
		_, text := o.issue(name, now(), func(r *access.Record) { r.Sources = c.sources })
		eventually(t, "the key is known", func() bool { return s.with(t, text, batch()).Status != http.StatusUnauthorized })
		a := s.with(t, text, batch(
			of("logged", "/plumbline/app", "hours_saved", hours),
			of("void", "/plumbline/app", "void", map[string]any{"source": "/plumbline/app", "id": "x"}),
		))
		for _, answer := range a.Answers {
			if string(answer.Code) != c.want {
				t.Errorf("%s: %s is answered %s", name, answer.ID, answer.Code)
			}
		}
	}
}

// What a key may not write is refused event by event, and the others of the batch are taken; a key without the scope
// write writes nothing, not even rejects. Events go where the key belongs.
func TestScopesOfAKey(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	o := newOffice(t, cfg)
	_, bound := o.issue("bound", now(), func(r *access.Record) {
		r.Workspace, r.Sources, r.Kinds = "sales", []string{"/crm/*"}, []string{"hours_saved", "correct"}
	})
	_, reader := o.issue("reader", now(), func(r *access.Record) { r.Scopes, r.Role = []access.Scope{access.ScopeRead}, access.RoleIC })
	_, admin := o.issue("admin", now(), func(r *access.Record) { r.Scopes = []access.Scope{access.ScopeAdmin} })
	of := func(id, source, kind string, data map[string]any) string {
		return one(id, map[string]any{"source": source, "type": "plumbline." + kind + ".v1", "data": data})
	}
	hours := map[string]any{"workflow": "post", "doing_minutes": 30}
	spend := map[string]any{"vendor": "v", "category": "ai_tool", "billed_cost": "7", "currency": "USD"}
	eventually(t, "the keys are known", func() bool { return s.with(t, admin, batch()).Code == "forbidden_scope" })
	a := s.with(t, bound, batch(
		of("own", "/crm/a", "hours_saved", hours),
		of("kind", "/crm/a", "vendor_spend", spend),
		of("source", "/web", "hours_saved", hours),
		of("both", "/web", "vendor_spend", spend),
		of("void", "/crm/a", "void", map[string]any{"source": "/crm/a", "id": "x"}),
		of("correct", "/crm/a", "correct", map[string]any{"source": "/crm/a", "id": "own", "kind": "hours_saved", "data": hours}),
		of("correct kind", "/crm/a", "correct", map[string]any{"source": "/crm/a", "id": "x", "kind": "vendor_spend", "data": spend}),
		of("last", "/crm/b", "hours_saved", hours),
	))
	var got []string
	for _, answer := range a.Answers {
		got = append(got, strings.TrimSpace(answer.ID+" "+string(answer.Code)+" "+answer.Pointer))
	}
	want := []string{
		"own", "kind forbidden_kind /type", "source forbidden_source /source", "both forbidden_source /source", "void forbidden_kind /type",
		"correct", "correct kind forbidden_kind /data/kind", "last",
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") || a.Accepted != 3 {
		t.Errorf("%d: got\n%s\nwant\n%s", a.Status, strings.Join(got, "; "), strings.Join(want, "; "))
	}
	for id, e := range stored(t, cfg.Bus, 3) {
		if e.Workspace != "sales" {
			t.Errorf("%s is in workspace %s", id, e.Workspace)
		}
	}
	for name, text := range map[string]string{"reader": reader, "admin": admin} {
		if a := s.with(t, text, batch(one("r", nil), `{"no":"event"}`)); a.Status != http.StatusForbidden || a.Code != "forbidden_scope" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if n := len(kept(t, cfg.Bus, 5)); n != 5 {
		t.Errorf("%d rejects are kept", n)
	}
	if event.CodeForbiddenKind.Meaning() == "" {
		t.Error("the code has no sentence")
	}
}
