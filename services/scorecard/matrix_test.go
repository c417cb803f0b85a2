package scorecard

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// rule says who may use an endpoint, and how to ask it for what is there.
type rule struct {
	// public needs no credentials; else these roles may.
	public bool
	roles  []access.Role
	// ask is the path with its query, body what is sent.
	ask, body string
	// stream does not end by itself: only its head is looked at.
	stream bool
	// person says that it is for people: who is signed in as none is refused, whatever the role.
	person bool
}

// rules are those of every endpoint of the scorecard. Whoever adds an endpoint adds its rule, or the test below fails.
func rules() map[string]rule {
	everybody := []access.Role{access.RoleIC, access.RoleLeader, access.RoleAnalyst, access.RoleAdmin}
	editors, admins := []access.Role{access.RoleAnalyst, access.RoleAdmin}, []access.Role{access.RoleAdmin}
	annotators := []access.Role{access.RoleLeader, access.RoleAnalyst, access.RoleAdmin}
	read := func(ask string) rule { return rule{roles: everybody, ask: ask} }
	return map[string]rule{
		"GET /api/docs":                       {public: true, ask: "/api/docs"},
		"GET /api/openapi.json":               {public: true, ask: "/api/openapi.json"},
		"GET /signin":                         {public: true, ask: "/signin?token=none"},
		"GET /signin/style.css":               {public: true, ask: "/signin/style.css"},
		"GET /signin/oidc":                    {public: true, ask: "/signin/oidc"},
		"GET /signin/oidc/callback":           {public: true, ask: "/signin/oidc/callback"},
		"POST /signin/demo":                   {public: true, ask: "/signin/demo"},
		"POST /signout":                       {public: true, ask: "/signout"},
		"GET /api/v1/session":                 read("/api/v1/session"),
		"GET /api/v1/scorecard":               read("/api/v1/scorecard" + october),
		"GET /api/v1/metrics":                 read("/api/v1/metrics"),
		"GET /api/v1/openmetrics":             read("/api/v1/openmetrics" + october),
		"GET /api/v1/export":                  read("/api/v1/export" + october + "&table=measures"),
		"GET /api/v1/claims/:id":              read("/api/v1/claims/none"),
		"GET /api/v1/evidence":                read("/api/v1/evidence" + october + "&measure=vendor_spend"),
		"GET /api/v1/experiments":             read("/api/v1/experiments"),
		"GET /api/v1/experiments/*key":        read("/api/v1/experiments/x"),
		"GET /api/v1/trials":                  read("/api/v1/trials"),
		"GET /api/v1/trials/*key":             read("/api/v1/trials/t"),
		"GET /api/v1/pipeline":                read("/api/v1/pipeline" + october),
		"GET /api/v1/coverage":                read("/api/v1/coverage" + october),
		"GET /api/v1/barriers":                read("/api/v1/barriers" + october),
		"GET /api/v1/workflows":               read("/api/v1/workflows" + october),
		"POST /api/v1/barriers":               {roles: everybody, ask: "/api/v1/barriers", body: `{"no":"barrier"}`},
		"DELETE /api/v1/barriers/:id":         {roles: everybody, ask: "/api/v1/barriers/none"},
		"GET /api/v1/disputes":                read("/api/v1/disputes"),
		"GET /api/v1/disputes/:id":            read("/api/v1/disputes/" + hiddenDispute),
		"POST /api/v1/disputes/:id/preview":   {roles: everybody, ask: "/api/v1/disputes/" + hiddenDispute + "/preview", body: `{"baseline":{"low":1,"mode":2,"high":3},"from":"2026-10-01"}`},
		"POST /api/v1/disputes":               {roles: everybody, ask: "/api/v1/disputes", body: `{"no":"dispute"}`, person: true},
		"POST /api/v1/disputes/:id/comments":  {roles: everybody, ask: "/api/v1/disputes/" + hiddenDispute + "/comments", body: `{"no":"comment"}`, person: true},
		"PUT /api/v1/disputes/:id/support":    {roles: everybody, ask: "/api/v1/disputes/none/support", person: true},
		"DELETE /api/v1/disputes/:id/support": {roles: everybody, ask: "/api/v1/disputes/none/support", person: true},
		"POST /api/v1/disputes/:id/resolve":   {roles: admins, ask: "/api/v1/disputes/" + hiddenDispute + "/resolve", body: `{"no":"resolution"}`},
		"POST /api/v1/disputes/:id/withdraw":  {roles: everybody, ask: "/api/v1/disputes/none/withdraw", body: `{"no":"withdrawal"}`, person: true},
		"GET /api/v1/annotations":             read("/api/v1/annotations" + october),
		"POST /api/v1/annotations":            {roles: annotators, ask: "/api/v1/annotations", body: `{"no":"note"}`},
		"DELETE /api/v1/annotations/*key":     {roles: annotators, ask: "/api/v1/annotations/none"},
		"GET /api/v1/perception":              read("/api/v1/perception" + october),
		"POST /api/v1/what-if":                {roles: everybody, ask: "/api/v1/what-if" + october, body: `{"changes":[]}`},
		"GET /api/v1/rejects/summary":         read("/api/v1/rejects/summary"),
		"GET /api/v1/rejects/replay":          read("/api/v1/rejects/replay"),
		"GET /api/v1/rejects":                 {roles: editors, ask: "/api/v1/rejects"},
		"GET /api/v1/rejects/:id":             {roles: editors, ask: "/api/v1/rejects/r1"},
		"GET /api/v1/tail":                    {roles: editors, ask: "/api/v1/tail", stream: true},
		"POST /api/v1/rejects/replay":         {roles: admins, ask: "/api/v1/rejects/replay", body: `{"ids":["r1"],"dry_run":true}`},
		"GET /api/v1/registry/:kind":          read("/api/v1/registry/workflows"),
		"GET /api/v1/registry/:kind/*key":     read("/api/v1/registry/workflows/post"),
		"PUT /api/v1/registry/:kind/*key":     {roles: editors, ask: "/api/v1/registry/workflows/post", body: `{"no":"entry"}`},
		"DELETE /api/v1/registry/:kind/*key":  {roles: editors, ask: "/api/v1/registry/workflows/none"},
		"GET /api/v1/erasures":                {roles: admins, ask: "/api/v1/erasures"},
		"GET /api/v1/erasures/:id":            {roles: admins, ask: "/api/v1/erasures/none"},
		"POST /api/v1/erasures":               {roles: admins, ask: "/api/v1/erasures", body: `{"no":"person"}`},
		"GET /api/v1/audit":                   {roles: admins, ask: "/api/v1/audit"},
		"GET /api/v1/alerts":                  {roles: editors, ask: "/api/v1/alerts"},
		"POST /api/v1/alerts/:key/test":       {roles: editors, ask: "/api/v1/alerts/none/test"},
		"GET /api/v1/webhooks/:key/secret":    {roles: admins, ask: "/api/v1/webhooks/ops/secret"},
		"GET /api/v1/connections/:key/secret": {roles: admins, ask: "/api/v1/connections/crm/secret"},
		"GET /api/v1/digest":                  read("/api/v1/digest" + october),
		"GET /api/v1/waves":                   read("/api/v1/waves"),
		"PUT /api/v1/waves/*key":              {roles: admins, ask: "/api/v1/waves/q4", body: `{"no":"end"}`},
		"GET /api/v1/outcomes":                {roles: everybody, person: true, ask: "/api/v1/outcomes" + october},
		"POST /api/v1/survey":                 {roles: everybody, person: true, ask: "/api/v1/survey", body: `{"wave":"none","roi_provable":"yes"}`},
		"POST /api/v1/outcomes":               {roles: everybody, person: true, ask: "/api/v1/outcomes", body: `{"no":"outcome"}`},
		"POST /api/v1/outcomes/preview":       {roles: everybody, person: true, ask: "/api/v1/outcomes/preview", body: `{"workflow":"post","minutes":5,"day":"2026-10-05"}`},
		"GET /api/v1/outcomes/:id":            {roles: everybody, person: true, ask: "/api/v1/outcomes/none"},
		"PATCH /api/v1/outcomes/:id":          {roles: everybody, person: true, ask: "/api/v1/outcomes/none", body: `{"minutes":5}`},
		"DELETE /api/v1/outcomes/:id":         {roles: everybody, person: true, ask: "/api/v1/outcomes/none"},
		"GET /api/v1/keys":                    {roles: admins, ask: "/api/v1/keys"},
		"POST /api/v1/keys":                   {roles: admins, ask: "/api/v1/keys", body: `{"no":"key"}`},
		"POST /api/v1/keys/:id/rotate":        {roles: admins, ask: "/api/v1/keys/none/rotate"},
		"DELETE /api/v1/keys/:id":             {roles: admins, ask: "/api/v1/keys/none"},
	}
}

// head sends a request and reads the status; the body, too, where it ends.
func (b *bench) head(r rule, method string, headers ...string) (int, string) {
	b.t.Helper()
	if !r.stream {
		res, raw := b.do(method, r.ask, r.body, headers...)
		return res.StatusCode, string(raw)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+r.ask, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(headers) == 0 {
		req.Header.Set("Cookie", b.cookie)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, ""
}

// Every endpoint × every role and nobody: who may not is told so, and who may is not refused.
func TestEveryEndpointHasItsRule(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	secrets(b)
	all := rules()
	for _, route := range b.routes() {
		name := route.Method + " " + route.Path
		if strings.HasPrefix(route.Path, "/healthz") || strings.HasPrefix(route.Path, "/readyz") || strings.HasPrefix(route.Path, "/metrics") {
			continue // every process has them: they say nothing of any workspace
		}
		r, ok := all[name]
		if !ok {
			t.Errorf("%s has no rule", name)
			continue
		}
		delete(all, name)
		status, _ := b.head(r, route.Method, "Authorization", "")
		if (status == http.StatusUnauthorized) == r.public {
			t.Errorf("%s without credentials: %d", name, status)
		}
		if r.public {
			continue
		}
		for _, role := range []access.Role{access.RoleIC, access.RoleLeader, access.RoleAnalyst, access.RoleAdmin} {
			viewer := b.as(role, "")
			if r.person {
				if status, body := viewer.head(r, route.Method, sameSite(r)...); status != http.StatusForbidden {
					t.Errorf("%s as %s who is no person: %d %.200s", name, role, status, body)
				}
				viewer = b.as(role, ann)
			}
			status, body := viewer.head(r, route.Method, sameSite(r)...)
			may := slices.Contains(r.roles, role)
			if (status == http.StatusForbidden) == may || status == http.StatusUnauthorized || status >= http.StatusInternalServerError {
				t.Errorf("%s as %s: %d %.200s", name, role, status, body)
			}
		}
	}
	for name := range all {
		t.Errorf("there is no endpoint %s", name)
	}
}

// sameSite is what a browser says about a request of the app's own page.
func sameSite(r rule) []string {
	if r.stream {
		return nil
	}
	return []string{"Sec-Fetch-Site", "same-origin"}
}

// secret stands in everything that the workspace of the bench holds; keys that others may guess do not have it.
const secret = "hidden"

// hiddenDispute is one of the workspace.
const hiddenDispute = "00000000-0000-4000-8000-0000000000d1"

// secrets fills the workspace.
func secrets(b *bench) {
	b.t.Helper()
	b.declare(registry.Disputes, hiddenDispute, `{"valid_from":"2026-11-01","dispute":"`+hiddenDispute+`","action":"raise","workflow":"post","text":"`+secret+`",
		"direction":"too_high","from":"2026-10-01","disputed":{"source":"declared","value":"9","unit":"min/unit"}}`)
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","name":"`+secret+`","team":"`+secret+`","owner":"`+secret+`"}`)
	b.declare(registry.Annotations, "launch", `{"valid_from":"2026-01-01","day":"2026-10-05","text":"`+secret+`"}`)
	b.declare(registry.Webhooks, "ops", `{"valid_from":"2026-01-01","url":"https://127.0.0.1:1/`+secret+`","description":"`+secret+`"}`)
	b.declare(registry.Connections, "crm", `{"valid_from":"2026-01-01","via":"webhook","note":"`+secret+`","signature":{"header":"X-Sig"}}`)
	b.declare(registry.Alerts, "spend", `{"valid_from":"2026-01-01","name":"`+secret+`","when":"above","measure":"vendor_spend","threshold":1,"webhook":"ops"}`)
	b.newKey(`{"name":"` + secret + `","scopes":["write"]}`)
	b.refuse(warehouse.Reject{RejectID: "r1", Source: secret, ID: secret, Code: "bad_value", Message: secret, Raw: []byte(secret)})
	acted := audit.Entry{ID: "a", Workspace: workspace, At: b.cfg.Now(), Actor: secret, ActorKind: audit.ByPerson, Action: audit.EvidenceRead, Outcome: audit.OK}
	if err := b.db.InsertAudit(b.t.Context(), []audit.Entry{acted}); err != nil {
		b.t.Fatal(err)
	}
	b.insert(
		happened(b, "1", "2026-10-05T10:00", secret, "post", "p", &event.HoursSaved{DoingMinutes: warehousetest.Number("5"), Trial: "t"}),
		happened(b, "2", "2026-10-05T10:00", secret, "post", "", &event.VendorSpend{Vendor: secret, Category: "ai_tool", BilledCost: *warehousetest.Amount("7"), Currency: "USD"}),
		happened(b, "3", "2026-10-05T10:00", secret, "post", "", &event.Conversion{Experiment: "x", Variant: secret, Exposures: new(uint64(5)), Conversions: new(uint64(1))}),
		happened(b, "4", "2026-10-05T10:00", secret, "post", "", &event.Pipeline{Deal: secret, Status: "open", Amount: warehousetest.Amount("9"), Currency: "USD"}),
		happened(b, "5", "2026-10-05T10:00", secret, "post", "", &event.Barrier{Barrier: secret, Category: "policy", MinutesLost: warehousetest.Number("3")}),
	)
}

// Every endpoint that reads, asked by the administrator of another workspace: nothing of this one comes out. The same
// questions by its own administrator show that there is something to find.
func TestNoEndpointTellsAboutAnotherWorkspace(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	secrets(b)
	sessions := access.NewSessions([]byte(secretText), b.cfg.Now, access.Lifetimes{})
	session, err := sessions.Value(sessions.Start(access.Viewer{Workspace: "another", Person: ann, Role: access.RoleAdmin}, access.ByLink))
	if err != nil {
		t.Fatal(err)
	}
	own, foreign, told := b.as(access.RoleAdmin, ""), b.with(session), 0
	for name, r := range rules() {
		method, _, _ := strings.Cut(name, " ")
		if r.public || r.stream || method == http.MethodPut {
			continue
		}
		if _, body := own.head(r, method, sameSite(r)...); strings.Contains(body, secret) {
			told++
		}
		if _, body := foreign.head(r, method, sameSite(r)...); strings.Contains(body, secret) {
			t.Errorf("%s tells about another workspace: %.300s", name, body)
		}
	}
	if told < 12 {
		t.Errorf("%d endpoints tell its own administrator about the workspace: too few to show anything", told)
	}
}
