package scorecard

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/services/scorecard/signin"
)

// auditPerson is somebody who has acted.
var auditPerson = event.NewSealer([]byte(secretText)).Person(workspace, "ann@example.com")

// acted stores entries, as the loader does: e0 to e4 in the hours of 1 November, the last of them of another workspace.
func (b *bench) acted() {
	b.t.Helper()
	var rows []audit.Entry
	for i := range 5 {
		rows = append(rows, audit.Entry{
			ID: fmt.Sprint("e", i), Workspace: workspace, At: day("2026-11-01").Add(time.Duration(i) * time.Hour), Actor: audit.Token, ActorKind: audit.ByToken,
			Role: "admin", Action: audit.RegistryWrite, Outcome: audit.OK, TargetKind: "teams", Target: "=1+1", RequestID: "r",
		})
	}
	rows[1].Actor, rows[1].ActorKind, rows[1].Action, rows[1].TargetKind, rows[1].Target = auditPerson, audit.ByPerson, audit.EvidenceRead, "evidence", ""
	rows[1].Measure, rows[1].Scope, rows[1].From, rows[1].To = "vendor_spend", "org", "2026-10-01", "2026-11-01"
	rows[4].Workspace = "another"
	if err := b.db.InsertAudit(b.t.Context(), rows); err != nil {
		b.t.Fatal(err)
	}
}

// auditIDs are the entries of an answer; what the test itself has asked is not among them.
func auditIDs(list node) []string {
	var out []string
	for i := range list.at("entries").list() {
		out = append(out, list.at("entries", i, "id").text())
	}
	return out
}

func TestAuditIsRead(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.acted()
	for query, want := range map[string][]string{
		"":                           {"e3", "e2", "e1", "e0"},
		"?action=registry.write":     {"e3", "e2", "e0"},
		"?actor=" + auditPerson:      {"e1"},
		"?actor=Ann@example.com":     {"e1"},
		"?actor=admin%20token":       {"e3", "e2", "e0"},
		"?actor=plk_crm_":            {},
		"?actor=" + audit.Erased:     {},
		"?from=2026-11-01T02:00:00Z": {"e3", "e2"},
		"?to=2026-11-01T01:00:00Z":   {"e0"},
		"?from=2026-11-02":           {},
		"?from=2026-11-01&to=2026-11-02&action=evidence.read": {"e1"},
	} {
		if got := auditIDs(b.get("/api/v1/audit"+query, "AuditList")); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	var paged []string
	for query := "?limit=3"; query != ""; {
		list := b.get("/api/v1/audit"+query, "AuditList")
		paged = append(paged, auditIDs(list)...)
		if query = ""; list.at("next").text() != "null" {
			query = "?limit=3&cursor=" + list.at("next").text()
		}
	}
	if !slices.Equal(paged, []string{"e3", "e2", "e1", "e0"}) {
		t.Errorf("by pages: %v", paged)
	}
	one := b.get("/api/v1/audit?action=evidence.read", "AuditList").at("entries", 0)
	for field, want := range map[string]string{
		"at": "2026-11-01T01:00:00.000Z", "actor": auditPerson, "actor_kind": "person", "role": "admin", "outcome": "ok", "target_kind": "evidence", "target": "null",
		"measure": "vendor_spend", "scope": "org", "from": "2026-10-01", "to": "2026-11-01", "request_id": "r",
	} {
		one.at(field).is(want)
	}
}

func TestAuditRefuses(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	for query, pointer := range map[string]string{
		"?acter=x":                           "/acter",
		"?actor=a&actor=b":                   "/actor",
		"?actor=" + strings.Repeat("x", 129): "/actor",
		"?action=evidence.burn":              "/action",
		"?from=yesterday":                    "/from",
		"?to=2026-02-30":                     "/to",
		"?from=2026-11-01&to=2026-11-01":     "/to",
		"?limit=0":                           "/limit",
		"?limit=1001":                        "/limit",
		"?cursor=%21":                        "/cursor",
		"?format=parquet":                    "/format",
		"?format=csv&limit=10":               "/limit",
		"?format=ndjson&cursor=x":            "/cursor",
	} {
		res, raw := b.do(http.MethodGet, "/api/v1/audit"+query, "")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, res.StatusCode, raw)
			continue
		}
		b.hold(query, "Problem", raw).at("problems", 0, "pointer").is(pointer)
	}
	for _, role := range []access.Role{access.RoleIC, access.RoleLeader, access.RoleAnalyst} {
		for _, format := range []string{"json", "csv"} {
			if res, raw := b.as(role, auditPerson).do(http.MethodGet, "/api/v1/audit?format="+format, ""); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", role, format, res.StatusCode, raw)
			}
		}
	}
}

// A file has all entries of the period, over the pages of the query, and cells that no spreadsheet runs.
func TestAuditExports(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.acted()
	var many []audit.Entry
	for i := range 2*auditExportPage + 1 {
		many = append(many, audit.Entry{
			ID: fmt.Sprintf("m%05d", i), Workspace: workspace, At: day("2026-09-01").Add(time.Duration(i/7) * time.Millisecond), Actor: audit.System, ActorKind: audit.BySystem,
			Action: audit.PersonErased, Outcome: audit.OK,
		})
	}
	if err := b.db.InsertAudit(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	res, raw := b.do(http.MethodGet, "/api/v1/audit?format=csv&from=2026-11-01&to=2026-11-02", "")
	lines, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(res.Header.Get("Content-Disposition"), `"plumbline_audit_2026-11-01.csv"`) {
		t.Fatalf("%d %v %v", res.StatusCode, res.Header, err)
	}
	if len(lines) != 5 || !slices.Equal(lines[0], auditColumns()) || lines[1][0] != "e3" || lines[1][8] != "'=1+1" || lines[3][9] != "vendor_spend" {
		t.Errorf("%q", lines)
	}
	res, raw = b.do(http.MethodGet, "/api/v1/audit?format=ndjson", "")
	rows := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if res.StatusCode != http.StatusOK || len(rows) != 4+len(many) || res.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d, %d lines, %v", res.StatusCode, len(rows), res.Header)
	}
	seen := map[string]bool{}
	for _, i := range []int{0, 3, 4, len(rows) - 1} {
		b.hold("a line", "AuditEntry", []byte(rows[i]))
	}
	for _, row := range rows {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(row))
		if err != nil {
			t.Fatal(err)
		}
		seen[value.(map[string]any)["id"].(string)] = true
	}
	if len(seen) != len(rows) {
		t.Errorf("%d of %d lines are others", len(seen), len(rows))
	}
	if res, raw = b.do(http.MethodGet, "/api/v1/audit?format=ndjson&from=2026-11-02", ""); res.StatusCode != http.StatusOK || len(raw) != 0 {
		t.Errorf("of nothing: %d %q", res.StatusCode, raw)
	}
}

// Whoever is let in, or not, is an entry, and so is what ends a session. A browser that is signed in anew ends the session before.
func TestSignInsAreRecorded(t *testing.T) {
	b := newBench(t, now())
	b.cfg.SignIns = access.NewSignIns(b.cfg.Now, time.Hour)
	b.serve()
	trail := b.trail()
	if res, _ := b.do(http.MethodGet, "/signin?token=none", "", "Authorization", "", "X-Request-Id", "wrong"); res.StatusCode != http.StatusForbidden {
		t.Fatalf("a wrong link: %d", res.StatusCode)
	}
	refused := trail.of("wrong", 2)[1]
	if refused.Outcome != audit.Refused || refused.Actor != audit.Nobody || refused.Action != audit.SessionSignIn {
		t.Errorf("%+v", refused)
	}
	token := b.cfg.SignIns.Issue(access.Viewer{Workspace: workspace, Role: access.RoleAdmin})
	before := b.as(access.RoleIC, auditPerson)
	if res, _ := before.do(http.MethodGet, "/signin?token="+token, "", "X-Request-Id", "anew"); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("a link: %d", res.StatusCode)
	}
	found := trail.of("anew", 3)
	in, out := found[1], found[2]
	if in.Action != audit.SessionSignIn || in.Outcome != audit.OK || in.Role != "admin" || in.ActorKind != audit.ByLink {
		t.Errorf("%+v", in)
	}
	if out.Action != audit.SessionRevoke || out.Target != auditPerson || out.Actor != audit.Link || out.ID == in.ID {
		t.Errorf("%+v", out)
	}
	// The page alone lets nobody in.
	b.do(http.MethodGet, "/signin", "", "Authorization", "", "X-Request-Id", "page")
	b.do(http.MethodPost, "/signout", "", "Authorization", "", "Sec-Fetch-Site", "same-origin", "X-Request-Id", "page")
	b.do(http.MethodGet, "/signin?token=none", "", "Authorization", "", "X-Request-Id", "after")
	trail.of("after", 2)
	trail.mu.Lock()
	defer trail.mu.Unlock()
	for _, e := range trail.entries {
		if e.RequestID == "page" {
			t.Errorf("nobody was let in or out: %+v", e)
		}
	}
}

// A change that was refused says so, and one of which nothing was heard stays begun.
func TestOutcomesOfChanges(t *testing.T) {
	b := newBench(t, now())
	b.cfg.WriteTimeout = 300 * time.Millisecond
	b.serve()
	trail := b.trail()
	change := func(who *bench, request, kind, body string, headers ...string) {
		t.Helper()
		who.do(http.MethodPut, "/api/v1/registry/"+kind, body, append(headers, "X-Request-Id", request, "Sec-Fetch-Site", "same-origin")...)
	}
	const body = `{"valid_from":"2026-01-01"}`
	change(b.as(access.RoleLeader, auditPerson), "role", "teams/x", body)
	change(b, "body", "teams/x", `{"no":"entry"}`)
	change(b, "match", "teams/x", body, "If-Match", `"other"`)
	change(b, "no-loader", "teams/x", body)
	for request, want := range map[string]string{"role": audit.Refused, "body": audit.Refused, "match": audit.Refused, "no-loader": audit.Begun} {
		found := trail.of(request, 1)
		if len(found) != 1 || found[0].Outcome != want || found[0].Action != audit.RegistryWrite {
			t.Errorf("%s: %+v", request, found)
		}
	}
}

// Whom the provider names is an entry as the person that they are, whether they are let in or not; what the provider says
// of nobody leaves none, since anybody can send a browser here with it.
func oidcAudit(t *testing.T, b *oidcBench) {
	b = b.on(t)
	trail := b.trail()
	for login, want := range map[string]string{"ann@example.com": audit.OK, "bob@example.com": audit.Refused} {
		v, request := b.browser(), strings.ReplaceAll(login, "@", "-")
		v.send(v.login(v.begin("/"), login), nil, "X-Request-Id", request)
		found := trail.of(request, 1)
		if e := found[0]; len(found) != 1 || e.Outcome != want || e.Actor != pseudonymOf(login) || e.ActorKind != audit.ByPerson || e.Action != audit.SessionSignIn || e.Target != "oidc" {
			t.Errorf("%s: %+v", login, found)
		}
	}
	b.browser().send(signin.CallbackPath+"?state=x&code=y", nil, "X-Request-Id", "junk")
	v := b.browser()
	v.send(v.login(v.begin("/"), "ann@example.com"), nil, "X-Request-Id", "last")
	trail.of("last", 1)
	trail.mu.Lock()
	defer trail.mu.Unlock()
	for _, e := range trail.entries {
		if e.RequestID == "junk" {
			t.Errorf("an answer to no attempt is recorded: %+v", e)
		}
	}
}
