package scorecard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// auditTrail are the entries of the topic, in the order in which they came.
type auditTrail struct {
	b       *bench
	mu      sync.Mutex
	entries []audit.Entry
}

// trail follows the audit log, and stores it as the loader does.
func (b *bench) trail() *auditTrail {
	b.t.Helper()
	if err := bus.Await(b.t.Context(), b.cfg.Bus, slog.New(slog.DiscardHandler)); err != nil {
		b.t.Fatal(err)
	}
	trail := &auditTrail{b: b}
	b.follow(bus.Audit, func(m kafka.Message) error {
		e, err := audit.FromMessage(m.Key, m.Value)
		if err != nil {
			return err
		}
		if err := b.db.InsertAudit(b.t.Context(), []audit.Entry{e}); err != nil {
			return err
		}
		trail.mu.Lock()
		defer trail.mu.Unlock()
		trail.entries = append(trail.entries, e)
		return nil
	})
	return trail
}

// follow hands over what is on a topic, until the test ends.
func (b *bench) follow(name bus.Name, handle func(kafka.Message) error) {
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.Follower{
			Topics: []bus.Name{name}, FromStart: true, Missed: func(int64) {}, Log: slog.New(slog.DiscardHandler),
			Handle: func(_ bus.Name, m kafka.Message) {
				if err := handle(m); err != nil && ctx.Err() == nil {
					b.t.Errorf("%s: %v", name, err)
				}
			},
		}.Follow(ctx, b.cfg.Bus)
	}()
	b.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
}

// of waits until a request has left so many entries, and returns them.
func (l *auditTrail) of(request string, n int) []audit.Entry {
	l.b.t.Helper()
	var found []audit.Entry
	l.b.eventually(fmt.Sprintf("%d entries of the request %s", n, request), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		found = nil
		for _, e := range l.entries {
			if e.RequestID == request {
				found = append(found, e)
			}
		}
		return len(found) >= n
	})
	return found
}

// loadEverything makes entries of the registry and erasures readable, as the loader does.
func (b *bench) loadEverything() {
	b.follow(bus.Registry, func(m kafka.Message) error {
		if e, ok, err := registry.ErasureFromMessage(m.Key, m.Value); ok || err != nil {
			return errors.Join(err, b.db.InsertErasures(b.t.Context(), []registry.Erasure{e}))
		}
		r, err := registry.FromMessage(m.Key, m.Value)
		return errors.Join(err, b.db.InsertRegistry(b.t.Context(), []registry.Record{r}))
	})
}

// deed is a request that does something, and the entry that it leaves.
type deed struct {
	route, ask, body string
	status           int
	action           string
	// target is the kind and the key of what was touched; a key that ends with … is a beginning.
	target string
	// changes says that the entry comes twice, as begun and as ended.
	changes bool
	// public is what is asked for without credentials.
	public bool
}

// changesNothing are the endpoints that do not GET and change nothing all the same; and the survey, since an entry would say who has
// answered when.
func changesNothing() []string {
	return []string{"POST /api/v1/what-if", "POST /api/v1/outcomes/preview", "POST /api/v1/survey", "POST /api/v1/disputes/:id/preview"}
}

// deeds are one request, at least, for each endpoint that reads evidence or changes something, in an order in which each
// finds what it is about.
func (b *bench) deeds() []deed {
	spend := october + "&measure=vendor_spend"
	out := []deed{
		{"GET /api/v1/evidence", "/api/v1/evidence" + spend, "", 200, audit.EvidenceRead, "evidence ", false, false},
		{"GET /api/v1/evidence", "/api/v1/evidence" + spend + "&format=csv", "", 200, audit.EvidenceExport, "evidence ", false, false},
		{"GET /api/v1/export", "/api/v1/export" + october + "&table=teams", "", 200, audit.WorkspaceExport, "table teams", false, false},
		{"GET /api/v1/rejects/:id", "/api/v1/rejects/r1", "", 200, audit.RejectRead, "reject r1", false, false},
		{"GET /api/v1/audit", "/api/v1/audit?actor=Ann@example.com", "", 200, audit.AuditRead, "audit p…", false, false},
		{"GET /api/v1/audit", "/api/v1/audit?format=ndjson", "", 200, audit.AuditExport, "audit ", false, false},
		{"POST /api/v1/rejects/replay", "/api/v1/rejects/replay", `{"ids":["r1","who is Ann"]}`, 200, audit.RejectDryRun, "reject 2 by id", false, false},
		{"POST /api/v1/rejects/replay", "/api/v1/rejects/replay", `{"ids":["r1"],"dry_run":false}`, 200, audit.RejectReplay, "reject r1", true, false},
		{
			"POST /api/v1/rejects/replay", "/api/v1/rejects/replay",
			`{"filter":{"status":"open"},"dry_run":false,"fix":{"operations":[{"op":"rename","path":"/data/curency","to":"/data/currency"}]}}`,
			200, audit.RejectFix, "reject by filter", true, false,
		},
		{"PUT /api/v1/registry/:kind/*key", "/api/v1/registry/teams/a", `{"valid_from":"2026-01-01","name":"A"}`, 201, audit.RegistryWrite, "teams a", true, false},
		{"DELETE /api/v1/registry/:kind/*key", "/api/v1/registry/teams/a", "", 200, audit.RegistryWrite, "teams a", true, false},
		{"PUT /api/v1/registry/:kind/*key", "/api/v1/registry/people/ann@example.com", `{"valid_from":"2026-01-01","role":"ic"}`, 201, audit.RegistryWrite, "people p…", true, false},
		{"POST /api/v1/keys", "/api/v1/keys", `{"id":"crm","name":"CRM","scopes":["write"]}`, 201, audit.KeyCreate, "key crm", true, false},
		{"POST /api/v1/keys/:id/rotate", "/api/v1/keys/crm/rotate", "", 200, audit.KeyRotate, "key crm", true, false},
		{"DELETE /api/v1/keys/:id", "/api/v1/keys/crm", "", 200, audit.KeyRevoke, "key crm", true, false},
		{"PUT /api/v1/waves/*key", "/api/v1/waves/q4", `{"closes_at":"2000-01-01T00:00:00Z"}`, 200, audit.WaveWrite, "wave q4", true, false},
		{"GET /api/v1/webhooks/:key/secret", "/api/v1/webhooks/ops/secret", "", 200, audit.WebhookSecretRead, "webhooks ops", false, false},
		{"GET /api/v1/connections/:key/secret", "/api/v1/connections/crm/secret", "", 200, audit.WebhookSecretRead, "connections crm", false, false},
		{"POST /api/v1/alerts/:key/test", "/api/v1/alerts/mute/test", "", 200, audit.AlertTest, "alerts mute", true, false},
		{"POST /api/v1/erasures", "/api/v1/erasures", `{"person":"eve@example.com","reason":"asked"}`, 202, audit.PersonErase, "erasure …", true, false},
		{"POST /api/v1/outcomes", "/api/v1/outcomes", `{"id":"00000000-0000-4000-8000-000000000002","workflow":"post","minutes":5}`, 202, audit.OutcomeLog, "outcome 0…", true, false},
		{"PATCH /api/v1/outcomes/:id", "/api/v1/outcomes/" + annsOutcome, `{"minutes":6}`, 200, audit.OutcomeCorrect, "outcome " + annsOutcome, true, false},
		{"DELETE /api/v1/outcomes/:id", "/api/v1/outcomes/" + annsOutcome, "", 200, audit.OutcomeWithdraw, "outcome " + annsOutcome, true, false},
		{"POST /api/v1/barriers", "/api/v1/barriers", `{"id":"` + b.newID() + `","action":"report","title":"no licence","category":"access"}`, 201, audit.BarrierSay, "barrier 0…", true, false},
		{"POST /api/v1/barriers", "/api/v1/barriers", `{"id":"` + b.newID() + `","action":"take","barrier":"slow"}`, 201, audit.BarrierTake, "barrier 0…", true, false},
		{"POST /api/v1/barriers", "/api/v1/barriers", `{"id":"` + b.newID() + `","action":"resolve","barrier":"slow"}`, 201, audit.BarrierResolve, "barrier 0…", true, false},
		{"DELETE /api/v1/barriers/:id", "/api/v1/barriers/" + annsBarrier, "", 200, audit.BarrierWithdraw, "barrier " + annsBarrier, true, false},
		{"POST /signin/demo", "/signin/demo?as=leader", "", 303, audit.SessionSignIn, "session demo", false, true},
	}
	out = append(out, b.disputeDeeds()...)
	if b.cfg.SignIns != nil {
		token := b.cfg.SignIns.Issue(access.Viewer{Workspace: workspace, Role: access.RoleAnalyst})
		out = append(out, deed{"GET /signin", "/signin?token=" + token, "", 303, audit.SessionSignIn, "session link", true, true})
	}
	return append(out, deed{"POST /signout", "/signout", "", 204, audit.SessionSignOut, "session link", false, false})
}

// annsOutcome is one that Ann has logged.
const annsOutcome = "00000000-0000-4000-8000-000000000001"

// annsBarrier is what Ann has said about a barrier.
const annsBarrier = "00000000-0000-4000-8000-000000000003"

// byAnn tells of a deed that it is hers: what one may only do as a person.
func byAnn(d deed) bool {
	return strings.Contains(d.route, "/outcomes") || (strings.Contains(d.route, "/barriers") && d.action != audit.BarrierResolve) ||
		(strings.Contains(d.route, "/disputes") && d.action != audit.DisputeResolve)
}

// newAuditBench is a scorecard with something to read and to change.
func newAuditBench(t *testing.T) *bench {
	b := newBench(t, now())
	b.cfg.SignIns, b.cfg.Demo, b.cfg.DemoPersonas = access.NewSignIns(b.cfg.Now, time.Hour), true, true
	b.serve()
	b.keysRead()
	b.refuse(
		warehouse.Reject{RejectID: "r1", Source: "/tests", ID: "1", Code: "forbidden_source", Message: secret, Raw: eventJSON("1", "training", `{"course":"`+secret+`"}`)},
		warehouse.Reject{RejectID: "r2", Source: "/tests", ID: "2", Code: "unknown_field", Raw: eventJSON("2", "vendor_spend", `{"vendor":"acme","category":"agency","billed_cost":"10.50","curency":"EUR"}`)},
	)
	work := &event.HoursSaved{DoingMinutes: warehousetest.Number("5")}
	outcome := b.maker.Stored(t, workspace, appSource, annsOutcome, day("2026-10-05"), work)
	outcome.Data.Shared().Person = ann
	slow := b.maker.Stored(t, workspace, appSource, annsBarrier, day("2026-10-05"), &event.Barrier{Barrier: "slow", Category: "quality"})
	slow.Data.Shared().Person = ann
	if err := b.db.InsertIdentities(t.Context(), []event.Stored{outcome, slow}); err != nil {
		t.Fatal(err)
	}
	b.insert(outcome, slow, happened(b, "9", "2026-10-05T10:00", secret, "post", "", &event.VendorSpend{Vendor: secret, Category: "ai_tool", BilledCost: *warehousetest.Amount("7"), Currency: "USD"}))
	b.declare(registry.Webhooks, "ops", `{"valid_from":"2026-01-01","url":"https://127.0.0.1:1/`+secret+`"}`) // where nothing may be sent
	b.declare(registry.Connections, "crm", `{"valid_from":"2026-01-01","via":"webhook","signature":{"header":"X-Sig"}}`)
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","baseline":{"low":1,"mode":2,"high":3}}`)
	b.declare(registry.Disputes, othersDispute, `{"valid_from":"2026-11-01","dispute":"`+othersDispute+`","action":"raise","workflow":"post","text":"`+secret+`",
		"direction":"too_high","from":"2026-10-01","disputed":{"source":"declared","value":"9","unit":"min/unit"}}`)
	b.declare(registry.Annotations, "launch", `{"valid_from":"2026-01-01","day":"2026-10-05","text":"`+secret+`"}`)
	b.declare(registry.Alerts, "mute", `{"valid_from":"2026-01-01","when":"sample_ratio","experiment":"none","webhook":"ops"}`)
	return b
}

// try does a deed under a request id.
func (b *bench) try(d deed, request string) (reply, []byte) {
	b.t.Helper()
	method, _, _ := strings.Cut(d.route, " ")
	headers, body := []string{"X-Request-Id", request, "Sec-Fetch-Site", "same-origin"}, d.body
	if d.public {
		headers = append(headers, "Authorization", "", "Cookie", "")
	}
	switch {
	case d.action == audit.BarrierTake || d.action == audit.BarrierResolve:
		period := "?scope=me&from=2026-10-01&to=" + b.cfg.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		headers = append(headers, ifMatch(b.as(access.RoleIC, ann).row(period, "slow"))...)
	case byAnn(d), d.action == audit.DisputeResolve:
		headers = append(headers, "If-Match", "*")
	}
	if byAnn(d) {
		headers = append(headers, "Authorization", "", "Cookie", b.as(access.RoleIC, ann).cookie)
	}
	if form, ok := strings.CutPrefix(d.ask, "/signin/demo?"); ok {
		headers, body = append(headers, "Content-Type", "application/x-www-form-urlencoded"), form
	}
	return b.do(method, d.ask, body, headers...)
}

// Every endpoint of the matrix that reads evidence or changes something leaves an entry: who, what, of what, how it ended; a
// change one before it, too. Whoever adds such an endpoint adds its deed, or this fails.
func TestEveryDeedLeavesAnEntry(t *testing.T) {
	b := newAuditBench(t)
	trail := b.trail()
	b.loadEverything()
	b.loadEvents()
	left, actions := maps.Clone(rules()), audit.Actions()
	for i, d := range b.deeds() {
		name, request := fmt.Sprint(d.route, " ", d.action), fmt.Sprint("deed-", i)
		delete(left, d.route)
		actions = slices.DeleteFunc(actions, func(a string) bool { return a == d.action })
		who, actor := b, audit.Token
		switch {
		case d.action == audit.SessionSignOut:
			who, actor = b.as(access.RoleAnalyst, ""), audit.Link
		case byAnn(d):
			actor = ann
		case strings.HasSuffix(d.target, " link"):
			actor = audit.Link
		case strings.HasSuffix(d.target, " demo"):
			actor = audit.Persona
		}
		if res, raw := who.try(d, request); res.StatusCode != d.status {
			t.Fatalf("%s: %d %s, want %d", name, res.StatusCode, raw, d.status)
		}
		want := 1
		if d.changes {
			want = 2
		}
		found := trail.of(request, want)
		begun, ended := found[0], found[len(found)-1]
		if len(found) != want || d.changes != (begun.Outcome == audit.Begun) || begun.ID != ended.ID || !begun.At.Equal(ended.At) {
			t.Errorf("%s: %+v", name, found)
		}
		target, open := strings.CutSuffix(d.target, "…")
		if got := ended.TargetKind + " " + ended.Target; got != target && !(open && strings.HasPrefix(got, target) && len(got) > len(target)+10) {
			t.Errorf("%s is about %q, want %q", name, got, d.target)
		}
		if ended.Action != d.action || ended.Outcome != audit.OK || ended.Actor != actor || ended.Workspace != workspace {
			t.Errorf("%s: %+v", name, ended)
		}
		if text := strings.ReplaceAll(strings.ToLower(fmt.Sprint(found)), "annotation", ""); strings.Contains(text, "ann") || strings.Contains(text, "eve@") || strings.Contains(text, secret) {
			t.Errorf("%s says too much: %s", name, text)
		}
	}
	for name := range left {
		if !strings.HasPrefix(name, http.MethodGet) && !slices.Contains(changesNothing(), name) {
			t.Errorf("%s changes something and has no deed", name)
		}
	}
	// Backups and erasures carried out are those of others to record; that a session was replaced is tested with sessions.
	if !slices.Equal(actions, []string{audit.InstallationBackup, audit.PersonErased, audit.SessionRevoke}) {
		t.Errorf("no deed does %v", actions)
	}
}

// What was asked for stands in the entry of a read; every page is one, an answer of one's own numbers too, and what was refused.
func TestReadsOfEvidence(t *testing.T) {
	b := newAuditBench(t)
	trail := b.trail()
	b.insert(happened(b, "10", "2026-10-05T10:00", secret, "post", "", &event.VendorSpend{Vendor: "other", Category: "ai_tool", BilledCost: *warehousetest.Amount("8"), Currency: "USD"}))
	const person = "p0123456789abcdef01234567"
	ask := func(who *bench, request, query string, status int, headers ...string) node {
		t.Helper()
		res, raw := who.do(http.MethodGet, "/api/v1/evidence"+query, "", append(headers, "X-Request-Id", request)...)
		if res.StatusCode != status {
			t.Fatalf("%s: %d %s", query, res.StatusCode, raw)
		}
		if status != http.StatusOK {
			return node{}
		}
		return b.hold(query, "Evidence", raw)
	}
	key := b.newKey(`{"id":"board","name":"Board","scopes":["read"],"role":"leader"}`).at("text").text()
	page := ask(b, "one", october+"&measure=vendor_spend&limit=1", 200)
	ask(b, "two", october+"&measure=vendor_spend&limit=1&cursor="+page.at("next").text(), 200)
	ask(b.as(access.RoleIC, person), "own", october+"&measure=hours_saved_net&scope=me", 200)
	ask(b, "key", october+"&measure=vendor_spend&scope=team:"+secret, 200, bearer(key)...)
	ask(b, "visitor", october+"&measure=vendor_spend", 200, "Authorization", "")
	ask(b, "refused", october+"&measure=vendor_spend&scope=team:Ann%20Example", 400)
	for request, want := range map[string]audit.Entry{
		"one":     {Actor: audit.Token, ActorKind: audit.ByToken, Role: "admin", Outcome: audit.OK, Measure: "vendor_spend", Scope: "org", From: "2026-10-01", To: "2026-11-01"},
		"two":     {Actor: audit.Token, ActorKind: audit.ByToken, Role: "admin", Outcome: audit.OK, Measure: "vendor_spend", Scope: "org", From: "2026-10-01", To: "2026-11-01"},
		"own":     {Actor: person, ActorKind: audit.ByPerson, Role: "ic", Outcome: audit.OK, Measure: "hours_saved_net", Scope: "me", From: "2026-10-01", To: "2026-11-01"},
		"key":     {Actor: "plk_board_", ActorKind: audit.ByKey, Role: "leader", Outcome: audit.OK, Measure: "vendor_spend", Scope: "team:" + secret, From: "2026-10-01", To: "2026-11-01"},
		"visitor": {Actor: audit.Visitor, ActorKind: audit.ByVisitor, Role: "leader", Outcome: audit.OK, Measure: "vendor_spend", Scope: "org", From: "2026-10-01", To: "2026-11-01"},
		"refused": {Actor: audit.Token, ActorKind: audit.ByToken, Role: "admin", Outcome: audit.Refused},
	} {
		got := trail.of(request, 1)[0]
		if want.Outcome == audit.OK {
			want.TargetKind = "evidence"
		}
		want.ID, want.At, want.Workspace, want.Action, want.RequestID = got.ID, got.At, workspace, audit.EvidenceRead, request
		if got != want {
			t.Errorf("%s\n got %+v\nwant %+v", request, got, want)
		}
	}
}

// Where the log of acts is away nothing is shown that must be recorded and nothing is changed, and everybody is told why; who
// signs out is out all the same, and numbers are read on.
func TestWithoutTheAuditLog(t *testing.T) {
	b := newAuditBench(t)
	deeds := b.deeds()
	b.declare(registry.Teams, "a", `{"valid_from":"2026-01-01"}`) // for the deed that ends it
	client := &kafka.Client{Addr: kafka.TCP(b.cfg.Bus.Brokers...)}
	if _, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{b.cfg.Bus.Topic(bus.Audit)}}); err != nil {
		t.Fatal(err)
	}
	keys := len(b.topic(bus.Access))
	browser := b.as(access.RoleAnalyst, "")
	var all sync.WaitGroup
	for _, d := range deeds {
		all.Go(func() {
			if d.action == audit.SessionSignOut {
				res, _ := browser.try(d, "r")
				if again, _ := browser.do(http.MethodGet, "/api/v1/rejects", ""); res.StatusCode != http.StatusNoContent || again.StatusCode != http.StatusForbidden { // a visitor again
					t.Errorf("signing out: %d, then %d", res.StatusCode, again.StatusCode)
				}
				return
			}
			if strings.HasPrefix(d.ask, "/api/v1/keys/crm") || strings.HasPrefix(d.ask, "/api/v1/disputes/"+annsDispute) || strings.HasPrefix(d.route, "DELETE /api/v1/disputes") {
				return // a key that could not be made, a dispute that could not be raised, and support that could not be given
			}
			res, raw := b.try(d, "r")
			if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(raw), `"audit_away"`) || res.Header.Get("Retry-After") == "" || len(res.cookies) > 0 {
				t.Errorf("%s: %d %s", d.action, res.StatusCode, raw)
			}
			if strings.Contains(string(raw), secret) || res.Header.Get("Content-Disposition") != "" {
				t.Errorf("%s shows something: %s", d.action, raw)
			}
		})
	}
	all.Wait()
	if res, raw := b.do(http.MethodGet, "/api/v1/scorecard"+october, ""); res.StatusCode != http.StatusOK {
		t.Errorf("the scorecard: %d %s", res.StatusCode, raw)
	}
	// But for the end of the session.
	if n := len(b.topic(bus.Registry)) + len(b.topic(bus.Events)) + len(b.topic(bus.Rejected)) + len(b.topic(bus.Access)) - keys; n != 1 {
		t.Errorf("%d messages were written, want the one that ends the session", n)
	}
}

// Whose client has gone before an answer has neither read nor changed anything, as far as is known.
func TestClientsThatGo(t *testing.T) {
	b := newBench(t, now())
	trail := b.trail()
	a := &app{cfg: b.cfg.withDefaults(), now: b.cfg.Now, log: slog.New(slog.DiscardHandler), audit: newAuditLog(b.cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))}
	t.Cleanup(func() { _ = a.audit.producer.Close() })
	router := gin.New()
	router.GET("/read", a.recorded(audit.EvidenceRead), func(c *gin.Context) { a.fail(c, c.Request.Context().Err()) })
	router.GET("/change", a.recorded(audit.RegistryWrite), func(c *gin.Context) {
		if err := a.begin(c, "teams", "x"); err != nil {
			t.Error(err)
		}
		a.fail(c, c.Request.Context().Err())
	})
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, path := range []string{"/change", "/read"} {
		req := httptest.NewRequestWithContext(gone, http.MethodGet, path, http.NoBody)
		router.ServeHTTP(httptest.NewRecorder(), req)
	}
	var got []string
	for _, e := range trail.of("", 2) {
		got = append(got, e.Action+" "+e.Outcome)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"evidence.read failed", "registry.write begun"}) {
		t.Errorf("%v", got)
	}
}

// An entry costs what one acknowledged write costs: -v prints it. It must stay far below what a request waits for it.
func TestTimeOfAnEntry(t *testing.T) {
	b := newBench(t, now())
	if err := bus.Await(t.Context(), b.cfg.Bus, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	l := newAuditLog(b.cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = l.producer.Close() })
	var times []time.Duration
	for range 300 {
		e, err := audit.New(workspace, audit.EvidenceRead, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		e.Actor, e.ActorKind, e.Outcome, e.Measure, e.Scope = audit.Token, audit.ByToken, audit.OK, "vendor_spend", "org"
		begun := time.Now()
		if err := l.write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	median, slow := times[len(times)/2], times[len(times)*95/100]
	t.Logf("one entry, one after the other: median %s, 95%% within %s", median, slow)
	if median > recordPatience/10 {
		t.Errorf("the median is %s", median)
	}
}
