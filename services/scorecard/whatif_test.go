package scorecard

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// whatIf asks what would be, and holds the answer to its schema.
func (b *bench) whatIf(query, body string) node {
	b.t.Helper()
	res, raw := b.do("POST", "/api/v1/what-if"+query, body)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("what if %s: %d %s", body, res.StatusCode, raw)
	}
	return b.hold("what-if", "WhatIf", raw)
}

func TestWhatIf(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	b.insert(charge(b, "ai", "2026-10-01T12:00", "content", "", "ai_tool", "200"))
	before := b.get("/api/v1/scorecard"+october, "Scorecard")
	before.at("measures", "capacity_value", "value").is("826.5") // 27.55 h × 60 × 0.5

	// A share that is known exactly: 27.55 × 60 × 0.8 = 1322.4, and no error of the share in the range.
	known := b.whatIf(october, `{"assumptions":{"realisation":0.8}}`)
	known.at("scorecard", "measures", "capacity_value", "value").is("1322.4")
	known.at("difference", "capacity_value", "difference").is("495.9")
	known.at("difference", "net_value_capacity", "before").is("626.5")
	known.at("difference", "net_value_capacity", "after").is("1122.4")
	known.at("scorecard", "measures", "capacity_value", "claim").is("null")
	if _, changed := known.at("difference").value.(map[string]any)["hours_saved_net"]; changed {
		t.Error("the hours do not depend on realisation")
	}
	// From a month on: work of September is priced as before, that of October at 120.
	dated := b.whatIf("", `{"from":"2026-09-01","to":"2026-11-01","registry":{"rates":{"writer":{"valid_from":"2026-10-01","loaded_hourly_rate":"120","currency":"USD"}}}}`)
	dated.at("difference", "capacity_value", "difference").is("826.5")
	dated.at("changes", 0, "valid_from").is("2026-10-01T00:00:00.000Z")
	// Without a day it holds always: all of it is worth twice as much.
	b.whatIf(october, `{"registry":{"rates":{"writer":{"loaded_hourly_rate":"120","currency":"USD"}}}}`).at("difference", "capacity_value", "after").is("1653")
	risk := b.whatIf(october, `{"assumptions":{"risk":{"by_grade":{"0":0.5}},"discount_rate":{"low":0,"mode":0,"high":0}}}`)
	risk.at("scorecard", "ladder", 1, "risk_adjusted").is("213.25") // 826.5 × 0.5 − 200
	risk.at("difference", "npv_capacity", "after").is("626.5")      // nothing is discounted

	// Nothing was stored.
	after := b.get("/api/v1/scorecard"+october, "Scorecard")
	after.at("measures", "capacity_value", "value").is("826.5")
	if res, _ := b.do("GET", "/api/v1/registry/assumptions/realisation", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("what was assumed is in the registry: %d", res.StatusCode)
	}
}

func TestWhatIfRefuses(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	b.declare(registry.Teams, "brand", `{"valid_from":"2026-01-01","default_rate_class":"designer"}`)
	b.declare(registry.Rates, "designer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"90","currency":"EUR"}`)
	for name, c := range map[string]struct{ body, pointer string }{
		"nothing":            {`{}`, "/assumptions"},
		"no JSON":            {`{`, ""},
		"unknown field":      {`{"assume":1}`, ""},
		"unknown assumption": {`{"assumptions":{"optimism":1}}`, "/assumptions/optimism"},
		"falling range":      {`{"assumptions":{"realisation":{"low":0.9,"mode":0.5,"high":0.7}}}`, "/assumptions/realisation/range"},
		"unknown kind":       {`{"registry":{"people":{"ann":{"role":"ic"}}}}`, "/registry/people"},
		"bad entry":          {`{"registry":{"rates":{"writer":{"loaded_hourly_rate":"-1","currency":"USD"}}}}`, "/registry/rates/writer/loaded_hourly_rate"},
		"few people":         {`{"registry":{"rates":{"designer":{"loaded_hourly_rate":"1","currency":"EUR"}}}}`, "/registry/rates/designer"},
		"few in a currency":  {`{"registry":{"fx":{"EUR-USD":{"rate":"2"}}}}`, "/registry/fx/EUR-USD"},
		"within a month":     {`{"registry":{"rates":{"writer":{"valid_from":"2026-10-12","loaded_hourly_rate":"120","currency":"USD"}}}}`, "/registry/rates/writer/valid_from"},
		"bad period":         {`{"from":"2026-11-01","to":"2026-10-01","assumptions":{"realisation":1}}`, "/to"},
		"unknown definition": {`{"definition":"1999-01-01","assumptions":{"realisation":1}}`, "/definition"},
	} {
		res, raw := b.do("POST", "/api/v1/what-if", c.body)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %.200s", name, res.StatusCode, raw)
			continue
		}
		if p := b.hold(name, "Problem", raw).at("problems", 0, "pointer"); p.text() != c.pointer && (c.pointer != "" || p.text() != "null") {
			t.Errorf("%s: pointer %s, want %s", name, p.text(), c.pointer)
		}
	}
	if res, _ := b.do("POST", "/api/v1/what-if?scope=org", `{"scope":"org","assumptions":{"realisation":1}}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a scope given twice: %d", res.StatusCode)
	}
}

// A claim stays valid, and says that its number has moved, by how much for which reason.
func TestClaimsSayThatTheyHaveMoved(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	link := b.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "capacity_value", "claim").text()
	b.get(link, "Claim").at("moved").is("false")

	// Six more posts of content: 6 × 63 minutes = 6.3 h × 60 × 0.5 = 189.
	var more []event.Stored
	for _, person := range []string{"content0", "content1", "content2", "content3", "content4", "content5"} {
		more = append(more, work(b, "more-"+person, "2026-10-14T10:00", "content", "post", person, true, "30", "7"))
	}
	b.insert(more...)
	claim := b.get(link, "Claim")
	claim.at("moved").is("true")
	claim.at("movement", "then").is("826.5")
	claim.at("movement", "now").is("1015.5")
	claim.at("movement", "causes", 0, "cause").is("events")
	claim.at("movement", "causes", 0, "difference").is("189")

	// And another rate, known later: 33.85 h × 0.5 × 90 = 1523.25; of the difference 507.75 are the rate's.
	now := b.cfg.Now
	b.cfg.Now = func() time.Time { return now().Add(time.Hour) }
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-02-01","loaded_hourly_rate":"90","currency":"USD"}`)
	claim = b.get(link, "Claim")
	claim.at("movement", "difference").is("696.75")
	claim.at("movement", "causes", 0, "cause").is("registry")
	claim.at("movement", "causes", 0, "difference").is("507.75")
	claim.at("movement", "causes", 1, "difference").is("189")
	if d := claim.at("movement", "causes", 0, "details", 0).text(); !strings.HasPrefix(d, "registry rates/writer") {
		t.Errorf("details: %s", d)
	}
	// What a team's class has changed is not told apart: it would tell about the people of the team.
	b.declare(registry.Teams, "brand", `{"valid_from":"2026-02-01","default_rate_class":"none"}`)
	claim = b.get(link, "Claim")
	claim.at("moved").is("true")
	for i := range claim.at("movement", "causes").list() {
		claim.at("movement", "causes", i, "difference").is("null")
	}
	// The link of the answer is about now.
	b.get(claim.at("value", "claim").text(), "Claim").at("moved").is("false")
	// One's own number states nothing, since the link means whoever opens it.
	own := b.as("ic", more[0].Data.Shared().Person).get("/api/v1/scorecard"+october+"&scope=me", "Scorecard").at("measures", "capacity_value", "claim").text()
	b.as("ic", more[1].Data.Shared().Person).get(own, "Claim").at("moved").is("null")
	for _, broken := range []string{"x", "1", "1.x", "x.1", "-1.1"} {
		if _, ok := statedBy(url.Values{"state": {broken}}); ok {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestExport(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	b.declare(registry.Teams, "=evil", `{"valid_from":"2026-01-01"}`)
	b.insert(charge(b, "ai", "2026-10-01T12:00", "=evil", "", "ai_tool", "200.123456789"))
	for _, table := range exportTables() {
		res, raw := b.do("GET", "/api/v1/export"+october+"&table="+table, "")
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") {
			t.Fatalf("%s: %d %s", table, res.StatusCode, raw)
		}
		head, rows, _ := strings.Cut(string(raw), "\n")
		if head != "# table: "+table {
			t.Errorf("%s begins with %q", table, head)
		}
		for _, line := range []string{"# from: 2026-10-01", "# scope: org", "# zone: UTC", "# currency: USD", "# definition: 2026-11-01"} {
			if !strings.Contains(rows, line+"\n") {
				t.Errorf("%s has no line %q", table, line)
			}
		}
		reader := csv.NewReader(strings.NewReader(string(raw)))
		reader.Comment = '#'
		lines, err := reader.ReadAll()
		if err != nil || len(lines) < 2 {
			t.Errorf("%s: %v, %d lines", table, err, len(lines))
		}
		if strings.Contains(string(raw), "\n=evil") || strings.Contains(string(raw), ",=evil") {
			t.Errorf("%s has a formula", table)
		}
	}
	_, raw := b.do("GET", "/api/v1/export"+october, "")
	if !strings.Contains(string(raw), "\nai_cost,AI cost,200.123456789,USD,") {
		t.Errorf("money is not exact: %s", raw)
	}
	for query, pointer := range map[string]string{"?table=secrets": "/table", "?format=json": "/format", "?format=csv&format=csv": "/format", "?definition=1": "/definition", "?scope=x": "/scope", "?limit=3": "/limit"} {
		res, raw := b.do("GET", "/api/v1/export"+query, "")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, res.StatusCode)
			continue
		}
		b.hold(query, "Problem", raw).at("problems", 0, "pointer").is(pointer)
	}
}

// Two versions of the definitions over the same history: under the one of practice all freed time counts.
func TestDefinitions(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	old := b.get("/api/v1/scorecard"+october+"&definition="+metric.DefinitionOfPractice, "Scorecard")
	old.at("definition").is(metric.DefinitionOfPractice)
	old.at("measures", "capacity_value", "value").is("1653") // 27.55 h × 60
	old.at("measures", "hours_saved_net", "value").near(27.55, 1e-12)
	claim := b.get(old.at("measures", "capacity_value", "claim").text(), "Claim")
	claim.at("definition").is(metric.DefinitionOfPractice)
	claim.at("value", "value").is("1653")
	claim.at("moved").is("false")
	if e := claim.at("evidence").text(); !strings.Contains(e, "definition="+metric.DefinitionOfPractice) {
		t.Errorf("evidence %s", e)
	} else {
		b.get(e, "Evidence").at("total", "value").is("1653")
	}
	b.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "capacity_value", "value").is("826.5")
	catalogue := b.get("/api/v1/metrics?definition="+metric.DefinitionOfPractice, "Catalogue")
	catalogue.at("metrics", 1, "version").is(metric.DefinitionOfPractice)
	b.get("/api/v1/metrics", "Catalogue").at("versions", 0, "version").is(metric.DefinitionVersion)
	res, raw := b.do("GET", "/api/v1/metrics?definition=tomorrow", "")
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("unknown version: %d", res.StatusCode)
	}
	b.hold("metrics", "Problem", raw).at("problems", 0, "pointer").is("/definition")
}

// In constant currency the money of every day is converted at the rates of one.
func TestConstantCurrency(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.declare(registry.FX, "EUR-USD", `{"valid_from":"2026-01-01","rate":"1.10"}`)
	b.declare(registry.FX, "EUR-USD", `{"valid_from":"2026-10-15","rate":"1.20"}`)
	first, second := charge(b, "a", "2026-10-10T12:00", "", "", "ai_tool", "100"), charge(b, "b", "2026-10-20T12:00", "", "", "ai_tool", "100")
	for _, e := range []event.Stored{first, second} {
		e.Data.(*event.VendorSpend).Currency = "EUR"
	}
	b.insert(first, second)
	b.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "ai_cost", "value").is("230")
	constant := b.get("/api/v1/scorecard"+october+"&constant_currency=2026-09-30", "Scorecard")
	constant.at("constant_currency").is("2026-09-30")
	constant.at("measures", "ai_cost", "value").is("220")
	claim := b.get(constant.at("measures", "ai_cost", "claim").text(), "Claim")
	claim.at("value", "value").is("220")
	b.get(claim.at("evidence").text(), "Evidence").at("total", "value").is("220")
	_, raw := b.do("GET", "/api/v1/export"+october+"&constant_currency=2026-09-30", "")
	if !strings.Contains(string(raw), "# exchange rates of: 2026-09-30\n") {
		t.Errorf("the export does not say so:\n%s", raw)
	}
}
