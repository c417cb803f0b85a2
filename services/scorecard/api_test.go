package scorecard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/registry"
)

// load makes registry writes readable, as the loader does.
func (b *bench) load() {
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.Consume(ctx, b.cfg.Bus, bus.ConsumeConfig{
			Group: "test-registry", Topic: bus.Registry, MaxMessages: 100, MaxBytes: 1 << 20, Linger: 10 * time.Millisecond,
		}, func(ctx context.Context, chunk bus.Chunk) error {
			var records []registry.Record
			for _, m := range chunk.Messages {
				r, err := registry.FromMessage(m.Key, m.Value)
				if err != nil {
					return err
				}
				records = append(records, r)
			}
			return b.db.InsertRegistry(ctx, records)
		})
	}()
	b.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			b.t.Errorf("consume registry: %v", err)
		}
	})
}

func TestRegistryWritesAreReadable(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.load()
	const path, body = "/api/v1/registry/rates/writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36.00","currency":"USD"}`
	res, raw := b.do("PUT", path, body)
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("first PUT: %d %s", res.StatusCode, raw)
	}
	b.hold(path, "RegistryEntry", raw)
	first := res.Header.Get("ETag")
	entry := b.get(path, "RegistryEntry")
	entry.at("loaded_hourly_rate").is("36")
	entry.at("valid_from").is("2026-01-01T00:00:00.000Z")
	entry.at("author").is("admin")

	// A second version, based on what was read; then one based on what is no longer there.
	later := strings.Replace(body, "2026-01-01", "2026-06-01", 1)
	res, raw = b.do("PUT", path, later, "If-Match", first)
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") == first {
		t.Fatalf("second PUT: %d %s", res.StatusCode, raw)
	}
	if res, _ = b.do("PUT", path, body, "If-Match", first); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("stale PUT: %d, want 412", res.StatusCode)
	}
	if res, _ = b.do("PUT", path, body, "If-None-Match", "*"); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("PUT of what is there as new: %d, want 412", res.StatusCode)
	}
	if n := len(b.get(path, "RegistryEntry").at("versions").list()); n != 2 {
		t.Errorf("%d versions, want 2", n)
	}
	// What was read can be sent back.
	_, raw = b.do("GET", path, "")
	if res, raw = b.do("PUT", path, string(raw)); res.StatusCode != http.StatusOK {
		t.Errorf("PUT of what was read: %d %s", res.StatusCode, raw)
	}
	// A person's key is replaced by a pseudonym, in every spelling the same.
	res, raw = b.do("PUT", "/api/v1/registry/people/Ann@Example.com", `{"valid_from":"2026-01-01","role":"ic","team":"content"}`)
	if res.StatusCode != http.StatusCreated || strings.Contains(strings.ToLower(string(raw)), "ann@") {
		t.Errorf("PUT of a person: %d %s", res.StatusCode, raw)
	}
	b.get("/api/v1/registry/people/ann@example.com", "RegistryEntry").at("team").is("content")
	// Keys may have slashes.
	if res, raw = b.do("PUT", "/api/v1/registry/workflows/blog/post", `{"valid_from":"2026-01-01","name":"Post"}`); res.StatusCode != http.StatusCreated {
		t.Errorf("PUT of a key with a slash: %d %s", res.StatusCode, raw)
	}
	b.get("/api/v1/registry/workflows", "RegistryList").at("entries", 0, "key").is("blog/post")
}

// After thirty wrong tokens an address waits with the right one, too; an API key is not concerned, and a browser that is signed in
// is not, either.
func TestGuessingIsSlow(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	ask := func(token string) int {
		res, _ := b.do("GET", "/api/v1/session", "", "Authorization", "Bearer "+token)
		return res.StatusCode
	}
	for i := range 30 {
		if got := ask("guess " + strconv.Itoa(i)); got != 401 {
			t.Fatalf("guess %d: %d", i, got)
		}
	}
	for _, token := range []string{"guess", adminToken} {
		if got := ask(token); got != 429 {
			t.Errorf("after 30 guesses %q: %d, want 429", token, got)
		}
	}
	if res, _ := b.do("GET", "/signin?token=guess", "", "Authorization", ""); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a sign-in link after 30 guesses: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if got := ask("plk_none_0123456789"); got != 401 {
		t.Errorf("an API key that there is not: %d, want 401", got)
	}
	if res, _ := b.as(access.RoleLeader, "").do("GET", "/api/v1/session", ""); res.StatusCode != 200 {
		t.Errorf("a browser that is signed in: %d", res.StatusCode)
	}
}

func TestRegistryRefuses(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		status     int
		pointer    string
	}{
		"unknown kind":     {"/speeds/x", `{}`, nil, 404, ""},
		"not JSON":         {"/teams/x", `{`, nil, 400, ""},
		"no valid_from":    {"/teams/x", `{}`, nil, 400, "/valid_from"},
		"unknown field":    {"/teams/x", `{"valid_from":"2026-01-01","title":"X"}`, nil, 400, "/title"},
		"form":             {"/teams/x", `name=x`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, ""},
		"too large":        {"/teams/x", `{"name":"` + strings.Repeat("x", maxEntry) + `"}`, nil, 413, ""},
		"nobody":           {"/teams/x", `{"valid_from":"2026-01-01"}`, []string{"Authorization", ""}, 401, ""},
		"wrong token":      {"/teams/x", `{"valid_from":"2026-01-01"}`, []string{"Authorization", "Bearer wrong"}, 401, ""},
		"match of nothing": {"/teams/x", `{"valid_from":"2026-01-01"}`, []string{"If-Match", `"x"`}, 412, ""},
	} {
		res, raw := b.do("PUT", "/api/v1/registry"+c.path, c.body, c.headers...)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, raw, c.status)
			continue
		}
		problem := b.hold(name, "Problem", raw)
		if c.pointer != "" {
			problem.at("problems", 0, "pointer").is(c.pointer)
		}
	}
	// Roles below analyst read and do not write; a cookie writes from our own pages only.
	for role, status := range map[access.Role]int{access.RoleIC: 403, access.RoleLeader: 403, access.RoleAnalyst: 400} {
		if res, raw := b.as(role, "").do("PUT", "/api/v1/registry/teams/x", `{}`, "Sec-Fetch-Site", "same-origin"); res.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", role, res.StatusCode, raw, status)
		}
	}
	// Whoever may give roles may give themselves any.
	if res, raw := b.as(access.RoleAnalyst, "").do("PUT", "/api/v1/registry/people/x", `{"valid_from":"2026-01-01","role":"admin"}`, "Sec-Fetch-Site", "same-origin"); res.StatusCode != 403 {
		t.Errorf("an analyst gives a role: %d %s, want 403", res.StatusCode, raw)
	}
	if res, _ := b.as(access.RoleAdmin, "").do("PUT", "/api/v1/registry/teams/x", `{"valid_from":"2026-01-01"}`, "Origin", "https://elsewhere.example"); res.StatusCode != 403 {
		t.Errorf("a write from another site: %d, want 403", res.StatusCode)
	}
}

// A write that the loader does not make readable in time says so.
func TestRegistryWriteWithoutALoader(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.cfg.WriteTimeout = 300 * time.Millisecond
	b.serve()
	res, raw := b.do("PUT", "/api/v1/registry/teams/x", `{"valid_from":"2026-01-01"}`)
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(raw), "not_readable_yet") || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", res.StatusCode, raw)
	}
}

func TestBadParametersAreSentences(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	for query, pointer := range map[string]string{
		"/scorecard?from=yesterday":                 "/from",
		"/scorecard?from=2026-02-30":                "/from",
		"/scorecard?from=2026-10-01&to=2026-10-01":  "/to",
		"/scorecard?from=1999-01-01&to=2026-10-01":  "/from",
		"/scorecard?scope=galaxy":                   "/scope",
		"/scorecard?scope=team:":                    "/scope",
		"/scorecard?currency=usd":                   "/currency",
		"/scorecard?currency=XYZ":                   "/currency",
		"/scorecard?scope=team:nobody":              "/scope",
		"/scorecard?scope=workflow:none":            "/scope",
		"/evidence?measure=npv_cash&scope=team:x":   "/scope",
		"/scorecard?constant_currency=soon":         "/constant_currency",
		"/scorecard?compare=never":                  "/compare",
		"/scorecard?definition=1999-01-01":          "/definition",
		"/scorecard?form=2026-10-01":                "/form",
		"/scorecard?scope=org&scope=org":            "/scope",
		"/evidence":                                 "/measure",
		"/evidence?measure=happiness":               "/measure",
		"/evidence?measure=vendor_spend&limit=0":    "/limit",
		"/evidence?measure=vendor_spend&cursor=%21": "/cursor",
		"/evidence?measure=win_rate&format=parquet": "/format",
		"/pipeline?basis=hope":                      "/basis",
		"/experiments?limit=many":                   "/limit",
	} {
		res, raw := b.do("GET", "/api/v1"+query, "")
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", query, res.StatusCode, raw)
			continue
		}
		b.hold(query, "Problem", raw).at("problems", 0, "pointer").is(pointer)
	}
	for _, path := range []string{"/claims/nonsense", "/claims/%21", "/experiments/none", "/trials/none", "/registry/none", "/registry/teams/none", "/nothing"} {
		if res, raw := b.do("GET", "/api/v1"+path, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s, want 404", path, res.StatusCode, raw)
		}
	}
}

func TestEmptyWorkspace(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	card := b.get("/api/v1/scorecard", "Scorecard")
	for name := range card.at("measures").value.(map[string]any) {
		card.at("measures", name, "status").is("no_data")
		card.at("measures", name, "value").is("null")
		b.get(card.at("measures", name, "claim").text(), "Claim")
		b.get("/api/v1/evidence?measure="+name, "Evidence")
	}
	card.at("period", "from").is("2026-09-01") // three months up to and with 2026-11-02
	card.at("period", "to").is("2026-11-03")
	b.get("/api/v1/pipeline", "Pipeline").at("time_to_decision", "status").is("no_data")
	b.get("/api/v1/experiments", "ExperimentList").at("next").is("null")
	b.get("/api/v1/trials", "TrialList")
	b.get("/api/v1/metrics", "Catalogue").at("metrics", 0, "key").is("hours_saved_net")
	session := b.get("/api/v1/session", "Session")
	session.at("role").is("admin")
	session.at("first_day").is("null")
}

func TestETag(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.declare(registry.Teams, "x", `{"valid_from":"2026-01-01"}`)
	res, _ := b.do("GET", "/api/v1/scorecard"+october, "")
	tag := res.Header.Get("ETag")
	if res, raw := b.do("GET", "/api/v1/scorecard"+october, "", "If-None-Match", tag); res.StatusCode != http.StatusNotModified || len(raw) > 0 {
		t.Errorf("unchanged: %d", res.StatusCode)
	}
	// Another scope, another viewer and a new entry are other answers.
	if res, _ := b.do("GET", "/api/v1/scorecard"+october+"&scope=team:x", "", "If-None-Match", tag); res.StatusCode != http.StatusOK {
		t.Errorf("other scope: %d", res.StatusCode)
	}
	if res, _ := b.as(access.RoleIC, "p1").do("GET", "/api/v1/scorecard"+october, "", "If-None-Match", tag); res.StatusCode != http.StatusOK {
		t.Errorf("other viewer: %d", res.StatusCode)
	}
	b.declare(registry.Targets, "hours", `{"valid_from":"2026-01-01","measure":"hours_saved_net","value":31,"per":"day"}`)
	res, raw := b.do("GET", "/api/v1/scorecard"+october, "", "If-None-Match", tag)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("new entry: %d", res.StatusCode)
	}
	b.hold("target", "Scorecard", raw).at("measures", "hours_saved_net", "target", "value").is("961") // 31 days × 31
}

func TestSignIn(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.cfg.SignIns = access.NewSignIns(b.cfg.Now, time.Hour)
	b.serve()
	token := b.cfg.SignIns.Issue(access.Viewer{Workspace: workspace, Role: access.RoleAnalyst})
	res, _ := b.do("GET", "/signin?token="+token, "", "Authorization", "")
	if res.StatusCode != http.StatusSeeOther || len(res.cookies) != 1 || !res.cookies[0].HttpOnly {
		t.Fatalf("sign in: %d %v", res.StatusCode, res.cookies)
	}
	browser := *b
	browser.cookie = res.cookies[0].Name + "=" + res.cookies[0].Value
	browser.get("/api/v1/session", "Session").at("role").is("analyst")
	if res, _ = b.do("GET", "/signin?token="+token, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("second use of a link: %d, want 403", res.StatusCode)
	}
}

func TestDemoVisitor(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	if res, _ := b.do("GET", "/api/v1/session", "", "Authorization", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a visitor without the demo: %d, want 401", res.StatusCode)
	}
	b.cfg.Demo = true
	b.serve()
	_, raw := b.do("GET", "/api/v1/session", "", "Authorization", "")
	session := b.hold("session", "Session", raw)
	session.at("role").is("leader")
	session.at("signed_in").is("false")
	session.at("can_edit").is("false")
	for name, headers := range map[string][]string{
		"another name":   {"Authorization", "", "Host", "elsewhere.example"},
		"behind a proxy": {"Authorization", "", "X-Forwarded-For", "203.0.113.5"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+"/api/v1/session", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for i := 2; i < len(headers); i += 2 {
			if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
				req.Host = headers[i+1]
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %v, want 401", name, res.StatusCode, err)
		}
	}
	if res, _ := b.do("PUT", "/api/v1/registry/teams/x", `{"valid_from":"2026-01-01"}`, "Authorization", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a visitor's write: %d, want 401", res.StatusCode)
	}
}

func TestTheAppAndTheDescription(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	for _, path := range []string{"/", "/experiments/some/key", "/index.html"} {
		res, raw := b.do("GET", path, "", "Authorization", "")
		if res.StatusCode != http.StatusOK || !strings.Contains(string(raw), "<title>Plumbline</title>") {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") {
			t.Errorf("%s: content security policy %q", path, csp)
		}
	}
	for _, path := range []string{"/assets/missing.js", "/api/nothing", "/v1/nothing"} {
		if res, _ := b.do("GET", path, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, res.StatusCode)
		}
	}
	_, raw := b.do("GET", "/api/openapi.json", "", "Authorization", "")
	var description struct {
		OpenAPI string `json:"openapi"`
	}
	if err := json.Unmarshal(raw, &description); err != nil || description.OpenAPI != "3.1.0" {
		t.Errorf("openapi.json: %v %v", description, err)
	}
	if _, raw = b.do("GET", "/api/docs", "", "Authorization", ""); !strings.Contains(string(raw), "GET /api/v1/scorecard") {
		t.Error("the page of the API does not list the scorecard")
	}
}
