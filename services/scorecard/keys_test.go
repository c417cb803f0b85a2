package scorecard

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/keyring"
)

// keysRead waits until the scorecard has read the keys that are there.
func (b *bench) keysRead() {
	b.t.Helper()
	b.eventually("the keys are read", func() bool {
		res, _ := b.do(http.MethodGet, "/api/v1/keys", "")
		return res.StatusCode == http.StatusOK
	})
}

// eventually asks until it is so.
func (b *bench) eventually(what string, so func() bool) {
	b.t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("not after 20 s: %s", what)
		}
	}
}

// newKey makes a key and returns its answer.
func (b *bench) newKey(body string) node {
	b.t.Helper()
	b.keysRead()
	b.holdBody("KeyRequest", body)
	res, raw := b.do(http.MethodPost, "/api/v1/keys", body)
	if res.StatusCode != http.StatusCreated || res.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("POST %s: %d %s, Cache-Control %q", body, res.StatusCode, raw, res.Header.Get("Cache-Control"))
	}
	return b.hold("POST /api/v1/keys", "NewKey", raw)
}

// holdBody holds what is sent to its schema.
func (b *bench) holdBody(schema, body string) {
	b.t.Helper()
	b.hold("the body of a request", schema, []byte(body))
}

// bearer is the header of somebody who has a key.
func bearer(text string) []string { return []string{"Authorization", "Bearer " + text} }

// session asks who a key is.
func (b *bench) session(text string) (int, string) {
	b.t.Helper()
	res, raw := b.do(http.MethodGet, "/api/v1/session", "", bearer(text)...)
	return res.StatusCode, string(raw)
}

// The life of a key: made, listed without its text, used, rotated, revoked.
func TestLifeOfAKey(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	made := b.newKey(`{"id":"crm","name":"CRM sync","scopes":["write","read"],"role":"leader","sources":["/crm/*"],"kinds":["pipeline"],"expires_at":"2027-01-01T00:00:00+01:00"}`)
	first := made.at("text").text()
	if !strings.HasPrefix(first, "plk_crm_") {
		t.Errorf("the text is %s", first)
	}
	listed := func() node { return b.get("/api/v1/keys", "KeyList").at("keys", 0) }
	for field, want := range map[string]string{
		"id": "crm", "name": "CRM sync", "prefix": "plk_crm_", "state": "active", "role": "leader", "created_at": "2026-11-02T00:00:00.000Z", "created_by": "admin",
		"expires_at": "2026-12-31T23:00:00.000Z", "revoked_at": "null", "overlap_until": "null", "last_used_at": "null", "version": "1",
		"sources": "[/crm/*]", "kinds": "[pipeline]", "scopes": "[write read]",
	} {
		listed().at(field).is(want)
	}
	if status, body := b.session(first); status != http.StatusOK || !strings.Contains(body, `"role":"leader"`) {
		t.Errorf("with the key: %d %s", status, body)
	}
	b.eventually("the use is listed", func() bool { return listed().at("last_used_at").text() == "2026-11-02T00:00:00.000Z" })
	b.holdBody("KeyRotation", `{"overlap":"1h"}`)
	res, raw := b.do(http.MethodPost, "/api/v1/keys/crm/rotate", `{"overlap":"1h"}`)
	if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("ETag") != `"2"` {
		t.Fatalf("rotate: %d %s", res.StatusCode, raw)
	}
	second := b.hold("rotate", "NewKey", raw).at("text").text()
	listed().at("overlap_until").is("2026-11-02T01:00:00.000Z")
	for name, text := range map[string]string{"old": first, "new": second} {
		if status, body := b.session(text); status != http.StatusOK {
			t.Errorf("the %s secret in the overlap: %d %s", name, status, body)
		}
	}
	if _, raw := b.do(http.MethodGet, "/api/v1/keys", ""); strings.Contains(string(raw), second[len("plk_crm_"):]) || strings.Contains(string(raw), "sha256") {
		t.Errorf("the list tells too much: %s", raw)
	}
	if res, raw := b.do(http.MethodDelete, "/api/v1/keys/crm", "", "If-Match", `"1"`); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("revoke of a version that was: %d %s", res.StatusCode, raw)
	}
	for range 2 {
		res, raw = b.do(http.MethodDelete, "/api/v1/keys/crm", "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("revoke: %d %s", res.StatusCode, raw)
		}
		revoked := b.hold("revoke", "Key", raw)
		revoked.at("state").is("revoked")
		revoked.at("version").is("3")
	}
	for _, text := range []string{first, second} {
		if status, body := b.session(text); status != http.StatusUnauthorized || !strings.Contains(body, "key_revoked") {
			t.Errorf("after the revocation: %d %s", status, body)
		}
	}
	for method, path := range map[string]string{http.MethodPost: "/api/v1/keys/crm/rotate", http.MethodDelete: "/api/v1/keys/nobody"} {
		if res, raw := b.do(method, path, ""); res.StatusCode != http.StatusConflict && res.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", method, path, res.StatusCode, raw)
		}
	}
	if res, raw := b.do(http.MethodPost, "/api/v1/keys", `{"id":"crm","name":"again","scopes":["write"]}`); res.StatusCode != http.StatusConflict {
		t.Errorf("the id of a revoked key: %d %s", res.StatusCode, raw)
	}
}

// What a key may do is what its scopes say.
func TestScopesOfKeys(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	text := map[string]string{}
	for name, rest := range map[string]string{
		"write": `"scopes":["write"]`, "admin": `"scopes":["admin"]`,
		"ic": `"scopes":["read"],"role":"ic"`, "leader": `"scopes":["read"],"role":"leader"`, "analyst": `"scopes":["read"],"role":"analyst"`,
	} {
		text[name] = b.newKey(`{"name":"` + name + `",` + rest + `}`).at("text").text()
	}
	for _, c := range []struct {
		key, method, path, body string
		want                    int
	}{
		{"write", "GET", "/api/v1/session", "", 403},
		{"ic", "GET", "/api/v1/session", "", 200},
		{"ic", "GET", "/api/v1/rejects", "", 403},
		{"leader", "GET", "/api/v1/scorecard" + october, "", 200},
		{"leader", "GET", "/api/v1/keys", "", 403},
		{"analyst", "GET", "/api/v1/rejects", "", 200},
		{"analyst", "PUT", "/api/v1/registry/teams/x", `{"no":"entry"}`, 403},
		{"analyst", "POST", "/api/v1/what-if" + october, `{"changes":[]}`, 403},
		{"admin", "PUT", "/api/v1/registry/teams/x", `{"no":"entry"}`, 400},
		{"admin", "GET", "/api/v1/keys", "", 200},
	} {
		if res, raw := b.do(c.method, c.path, c.body, bearer(text[c.key])...); res.StatusCode != c.want {
			t.Errorf("%s %s with the key %s: %d %s, want %d", c.method, c.path, c.key, res.StatusCode, raw, c.want)
		}
	}
	// Who made a key with a key is told.
	res, raw := b.do(http.MethodPost, "/api/v1/keys", `{"id":"child","name":"child","scopes":["admin"]}`, bearer(text["admin"])...)
	if res.StatusCode != http.StatusCreated || !strings.HasPrefix(b.hold("made with a key", "NewKey", raw).at("key", "created_by").text(), "key ") {
		t.Errorf("made with a key: %d %s", res.StatusCode, raw)
	}
	for _, wrong := range []string{"plk_child_" + strings.Repeat("0", 64), "plk_child_", "plk_", text["ic"] + "0", "Basic x"} {
		if status, body := b.session(wrong); status != http.StatusUnauthorized {
			t.Errorf("with %q: %d %s", wrong, status, body)
		}
	}
}

// writer is a keyring of another process.
func (b *bench) writer() *keyring.Keyring {
	b.t.Helper()
	if err := bus.Await(b.t.Context(), b.cfg.Bus, slog.New(slog.DiscardHandler)); err != nil {
		b.t.Fatal(err)
	}
	other := keyring.New(keyring.Config{Bus: b.cfg.Bus, Service: "other", Now: b.cfg.Now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	var running sync.WaitGroup
	running.Go(func() { _ = other.Run(b.t.Context()) })
	b.t.Cleanup(func() {
		running.Wait()
		_ = other.Close()
	})
	b.eventually("the other process has read the keys", func() bool { return other.Ready(b.t.Context()) == nil })
	return other
}

// A key of another workspace opens nothing here, one that has expired says so.
func TestKeysThatOpenNothing(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	other := b.writer()
	record := access.Record{
		Workspace: "another", ID: "theirs", Name: "theirs", Scopes: []access.Scope{access.ScopeAdmin}, CreatedBy: "test",
	}
	theirs, foreign := record.Issue(b.cfg.Now())
	record.Workspace, record.ID, record.Name, record.ExpiresAt = workspace, "old", "old", b.cfg.Now().Add(-time.Hour)
	old, expired := record.Issue(b.cfg.Now().Add(-48 * time.Hour))
	for _, r := range []access.Record{theirs, old} {
		if err := other.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	b.keysRead()
	b.eventually("the expired key is known", func() bool {
		status, body := b.session(expired)
		return status == http.StatusUnauthorized && strings.Contains(body, "key_expired")
	})
	b.eventually("the foreign key is known", func() bool {
		status, body := b.session(foreign)
		return status == http.StatusUnauthorized && strings.Contains(body, "another workspace")
	})
	if _, raw := b.do(http.MethodGet, "/api/v1/keys", ""); strings.Contains(string(raw), "theirs") {
		t.Errorf("the list tells about another workspace: %s", raw)
	}
}

// Of rotations at the same time, through two scorecards, those that are answered with a text are all that there were, and
// the last text works.
func TestRotationsAtTheSameTime(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.newKey(`{"id":"busy","name":"busy","scopes":["read"],"role":"ic"}`)
	second := *b
	second.serve()
	second.keysRead()
	const writers = 8
	type outcome struct {
		status int
		text   string
		etag   string
	}
	outcomes := make([]outcome, writers)
	var all sync.WaitGroup
	for i := range outcomes {
		all.Go(func() {
			at := []*bench{b, &second}[i%2]
			res, raw := at.do(http.MethodPost, "/api/v1/keys/busy/rotate", "")
			var answer newKeyAnswer
			_ = json.Unmarshal(raw, &answer)
			outcomes[i] = outcome{res.StatusCode, answer.Text, res.Header.Get("ETag")}
		})
	}
	all.Wait()
	made, tags := 0, map[string]bool{}
	for _, o := range outcomes {
		switch o.status {
		case http.StatusOK:
			made++
			tags[o.etag] = true
			b.eventually("the text works", func() bool { status, _ := b.session(o.text); return status == http.StatusOK })
		case http.StatusConflict:
		default:
			t.Errorf("a rotation ended with %d", o.status)
		}
	}
	if made == 0 || len(tags) != made {
		t.Errorf("%d rotations, %d versions: %+v", made, len(tags), outcomes)
	}
	b.eventually("both have seen all", func() bool {
		return b.get("/api/v1/keys", "KeyList").at("keys", 0, "version").number() == float64(1+made) &&
			second.get("/api/v1/keys", "KeyList").at("keys", 0, "version").number() == float64(1+made)
	})
	t.Logf("%d of %d rotations at the same time were made", made, writers)
}

// What can not be a key is refused with a pointer.
func TestKeyRequests(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.newKey(`{"id":"k","name":"k","scopes":["write"]}`)
	for _, c := range []struct{ path, body, pointer string }{
		{"", `{`, ""},
		{"", `[]`, ""},
		{"", `{"name":"x","scopes":"write"}`, "/scopes"},
		{"", `{"name":"x","scopes":["write"],"colour":"red"}`, "/colour"},
		{"", `{"scopes":["write"]}`, "/name"},
		{"", `{"name":" x","scopes":["write"]}`, "/name"},
		{"", `{"name":"` + strings.Repeat("x", 101) + `","scopes":["write"]}`, "/name"},
		{"", `{"name":"x"}`, "/scopes"},
		{"", `{"name":"x","scopes":["write","fly"]}`, "/scopes/1"},
		{"", `{"name":"x","scopes":["write","write"]}`, "/scopes/1"},
		{"", `{"name":"x","scopes":["read"]}`, "/role"},
		{"", `{"name":"x","scopes":["read"],"role":"admin"}`, "/role"},
		{"", `{"name":"x","scopes":["write"],"role":"ic"}`, "/role"},
		{"", `{"name":"x","scopes":["admin"],"sources":["a"]}`, "/sources"},
		{"", `{"name":"x","scopes":["write"],"sources":["a","*b"]}`, "/sources/1"},
		{"", `{"name":"x","scopes":["write"],"kinds":["hours_lost"]}`, "/kinds/0"},
		{"", `{"name":"x","scopes":["write"],"id":"CRM"}`, "/id"},
		{"", `{"name":"x","scopes":["write"],"expires_at":"tomorrow"}`, "/expires_at"},
		{"", `{"name":"x","scopes":["write"],"expires_at":"2026-11-01T00:00:00Z"}`, "/expires_at"},
		{"/k/rotate", `{"overlap":"a day"}`, "/overlap"},
		{"/k/rotate", `{"overlap":"-1h"}`, "/overlap"},
		{"/k/rotate", `{"overlap":5}`, "/overlap"},
		{"/k/rotate", `{"overlaps":"1h"}`, "/overlaps"},
	} {
		res, raw := b.do(http.MethodPost, "/api/v1/keys"+c.path, c.body)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", c.body, res.StatusCode, raw)
			continue
		}
		b.hold(c.body, "Problem", raw).at("problems", 0, "pointer").is(c.pointer)
	}
	if n := len(b.get("/api/v1/keys?limit=1", "KeyList").at("keys").list()); n != 1 {
		t.Errorf("%d keys on a page of one", n)
	}
}

// Any body of a key is refused with problems that say something, or makes a record that can be written.
func FuzzKeyRequest(f *testing.F) {
	for _, body := range []string{
		`{"id":"crm","name":"CRM sync","scopes":["write","read"],"role":"leader","sources":["/crm/*"],"kinds":["pipeline"],"expires_at":"2027-01-01T00:00:00+01:00"}`,
		`{"name":"x","scopes":["admin"],"expires_at":null}`, `{"name":"\u0000","scopes":[""],"sources":["**"],"kinds":[""]}`, `{"a/b~c":1}`, `[]`, ``,
		`{"name":"x","scopes":["write"],"sources":["a b "]}`, `{"name":"x","scopes":["write"],"expires_at":"9999-12-31T23:59:59.9999-23:59"}`,
	} {
		f.Add([]byte(body))
	}
	now := day("2026-11-02")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if overlap, problems := readRotation(raw); len(problems) == 0 && (overlap < 0 || overlap > mostOverlap) {
			t.Errorf("%s is an overlap of %s", raw, overlap)
		} else {
			checkProblems(t, problems)
		}
		record, problems := readKey(raw, now)
		checkProblems(t, problems)
		if len(problems) > 0 {
			return
		}
		record.Workspace, record.CreatedBy = workspace, "test"
		if record.ID == "" {
			record.ID = newKeyID()
		}
		issued, _ := record.Issue(now)
		if _, _, err := issued.Message(); err != nil {
			t.Fatalf("%s was taken and can not be written: %v", raw, err)
		}
	})
}
