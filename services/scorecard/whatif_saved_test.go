package scorecard

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// saying are the parts of a measure that are the same before and after it is saved: its claim is of what is, and a target names its version.
func saying(measure any) map[string]any {
	out := maps.Clone(measure.(map[string]any))
	delete(out, "claim")
	if target, ok := out["target"].(map[string]any); ok {
		out["target"] = target["value"]
	}
	return out
}

// What is written gives exactly the numbers that were previewed with the same body: every measure, its interval, its target.
func TestWhatIsSavedIsWhatWasPreviewed(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.load()
	organisation(b)
	rated(b)
	agency := charge(b, "agency", "2026-10-01T12:00", "content", "", "agency", "1000")
	foreign := charge(b, "ai", "2026-10-01T12:00", "content", "", "ai_tool", "200")
	foreign.Data.(*event.VendorSpend).Currency = "EUR"
	b.insert(agency, foreign)
	b.declare(registry.FX, "EUR-USD", `{"valid_from":"2026-01-01","rate":"1.10"}`)
	for _, c := range []struct{ kind, key, body, moves string }{
		{"assumptions", "realisation", `{"valid_from":"2026-10-01","range":{"low":0.5,"mode":0.6,"high":0.8},"note":"survey of October"}`, "capacity_value"},
		{"rates", "writer", `{"valid_from":"2026-10-01","loaded_hourly_rate":"75.50","currency":"USD"}`, "capacity_value"},
		// In the place of the version of the same day.
		{"rates", "writer", `{"valid_from":"2026-10-01","loaded_hourly_rate":"80","currency":"USD"}`, "capacity_value"},
		{"fx", "EUR-USD", `{"valid_from":"2026-09-01","rate":"1.25"}`, "ai_cost"},
		{"vendor-baselines", "agency", `{"valid_from":"2026-01-01","vendor":"` + vendorOf(agency) + `","category":"agency","price":"1500","currency":"USD","period":"month","displaceable":true}`, "vendor_savings"},
		{"assumptions", "attribution", `{"valid_from":"2026-01-01","range":{"low":0.4,"mode":0.5,"high":0.6}}`, "vendor_savings"},
		{"assumptions", "discount_rate", `{"valid_from":"2026-01-01","range":{"low":0.2,"mode":0.2,"high":0.2}}`, "npv_capacity"},
		{"assumptions", "risk", `{"valid_from":"2026-11-02","by_grade":{"0":0.5}}`, ""},
		{"targets", "hours", `{"valid_from":"2026-10-15","measure":"hours_saved_net","value":40,"per":"month"}`, ""},
		{"benchmarks", "hours", `{"valid_from":"2026-10-15","measure":"hours_saved_net","value":12.5,"label":"a study"}`, ""},
	} {
		name := c.kind + "/" + c.key
		would := b.whatIf(october, `{"registry":{"`+c.kind+`":{"`+c.key+`":`+c.body+`}}}`)
		moved := would.at("difference").value.(map[string]any)
		if _, there := moved[c.moves]; !there && c.moves != "" {
			t.Errorf("%s does not move %s: %v", name, c.moves, slices.Sorted(maps.Keys(moved)))
		}
		beside := "risk_adjusted"
		if c.kind != "assumptions" {
			beside = c.kind
		}
		if c.moves == "" && (len(moved) > 0 || len(would.at(beside).value.(map[string]any)) == 0) {
			t.Errorf("%s moves %v, and beside them %v", name, moved, would.at(beside).value)
		}
		before := b.get("/api/v1/scorecard"+october, "Scorecard").at("measures").value.(map[string]any)
		if res, raw := b.do("PUT", "/api/v1/registry/"+name, c.body); res.StatusCode >= http.StatusMultipleChoices {
			t.Fatalf("%s: %d %s", name, res.StatusCode, raw)
		}
		after := b.get("/api/v1/scorecard"+october, "Scorecard").at("measures").value.(map[string]any)
		for key, previewed := range would.at("scorecard", "measures").value.(map[string]any) {
			if want, got := saying(previewed), saying(after[key]); !reflect.DeepEqual(want, got) {
				t.Errorf("%s: %s was previewed as\n%v and is\n%v", name, key, want, got)
			}
			d, differs := moved[key].(map[string]any)
			if !differs {
				continue
			}
			was, is := before[key].(map[string]any), after[key].(map[string]any)
			for field, value := range map[string]any{
				"before": was["value"], "before_low": was["low"], "before_high": was["high"], "after": is["value"], "after_low": is["low"], "after_high": is["high"],
			} {
				if !reflect.DeepEqual(d[field], value) {
					t.Errorf("%s: %s of %s is %v, want %v", name, field, key, d[field], value)
				}
			}
		}
	}
	// And ended again: without its price of before there is no saving, as was said.
	gone := b.whatIf(october, `{"registry":{"vendor-baselines":{"agency":{"valid_from":"2026-01-01","deleted":true}}}}`)
	gone.at("difference", "vendor_savings", "status_before").is("ok")
	gone.at("difference", "vendor_savings", "status_after").is("withheld")
	gone.at("changes", 0, "value").is("null")
	if res, raw := b.do("DELETE", "/api/v1/registry/vendor-baselines/agency?valid_from=2026-01-01", ""); res.StatusCode != http.StatusOK {
		t.Fatalf("DELETE: %d %s", res.StatusCode, raw)
	}
	b.get("/api/v1/scorecard"+october, "Scorecard").at("measures", "vendor_savings", "status").is("withheld")
}

func vendorOf(e event.Stored) string { return e.Data.(*event.VendorSpend).Vendor }

// What begins in the month that is not over may be asked for: nothing of others' work in it is in the numbers, so that it tells nothing. What begins
// within one that is over may not.
func TestWhatIfOfTheMonthThatIsNotOver(t *testing.T) {
	b := newBench(t, day("2026-10-20"))
	organisation(b)
	rated(b)
	b.insert(happened(b, "course", "2026-10-07T10:00", "content", "", "content0", &event.Training{Course: "prompts", Hours: warehousetest.Number("1")}))
	const all = "?from=2026-09-01&to=2026-11-01"
	body := func(from string) string {
		return `{"registry":{"rates":{"writer":{"valid_from":"` + from + `","loaded_hourly_rate":"120","currency":"USD"}}}}`
	}
	for _, from := range []string{"2026-10-05", "2026-10-12", "2026-10-20", "2026-12-24"} {
		if moved := b.whatIf(all, body(from)).at("difference").value.(map[string]any); len(moved) > 0 {
			t.Errorf("a rate from %s on moves %v", from, moved)
		}
	}
	res, raw := b.do("POST", "/api/v1/what-if"+all, body("2026-09-30"))
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("within September: %d %s", res.StatusCode, raw)
	}
	b.hold("within September", "Problem", raw).at("problems", 0, "code").is("privacy_cells")
}

// The preview refuses what the registry would: two prices of the same charges.
func TestWhatIfRefusesWhatTheRegistryDoes(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	const price = `{"valid_from":"2026-01-01","vendor":"Agency","category":"agency","price":"1500","currency":"USD","period":"month","displaceable":true}`
	b.declare(registry.VendorBaselines, "first", price)
	res, raw := b.do("POST", "/api/v1/what-if"+october, `{"registry":{"vendor-baselines":{"second":`+price+`}}}`)
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d %s", res.StatusCode, raw)
	}
	b.hold("two prices", "Problem", raw).at("problems", 0, "pointer").is("/registry/vendor-baselines/second/vendor")
	res, raw = b.do("POST", "/api/v1/what-if"+october, `{"registry":{"vendor-baselines":{"first":{"deleted":true,"valid_from":"tomorrow"}}}}`)
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d %s", res.StatusCode, raw)
	}
	b.hold("no day", "Problem", raw).at("problems", 0, "pointer").is("/registry/vendor-baselines/first/valid_from")
}

// An entry is ended from a day on; what held before stays, and it may be added anew.
func TestRegistryEntryIsEnded(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.load()
	tick := b.cfg.Now()
	b.cfg.Now = func() time.Time { return tick }
	const path, body = "/api/v1/registry/rates/writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36.00","currency":"USD"}`
	if res, raw := b.do("PUT", path, body, "If-None-Match", "*"); res.StatusCode != http.StatusCreated {
		t.Fatalf("PUT: %d %s", res.StatusCode, raw)
	}
	res, raw := b.do("PUT", path, strings.NewReplacer("2026-01-01", "2026-12-01", "36", "40").Replace(body))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d %s", res.StatusCode, raw)
	}
	list := b.get("/api/v1/registry/rates", "RegistryList")
	list.at("entries", 0, "loaded_hourly_rate").is("36")
	list.at("entries", 0, "upcoming", "valid_from").is("2026-12-01T00:00:00.000Z")
	list.at("entries", 0, "upcoming", "value", "loaded_hourly_rate").is("40")

	for name, c := range map[string]struct {
		query  string
		header []string
		status int
	}{
		"stale":          {"", []string{"If-Match", `"x"`}, 412},
		"no day":         {"?valid_from=soon", nil, 400},
		"two days":       {"?valid_from=2026-11-01&valid_from=2026-11-02", nil, 400},
		"unknown":        {"?from=2026-11-01", nil, 400},
		"before it held": {"?valid_from=2025-12-31", nil, 404},
	} {
		if res, raw := b.do("DELETE", path+c.query, "", c.header...); res.StatusCode != c.status {
			t.Errorf("%s: %d %s", name, res.StatusCode, raw)
		} else {
			b.hold(name, "Problem", raw)
		}
	}
	ended, raw := b.do("DELETE", path, "", "If-Match", res.Header.Get("ETag"))
	if ended.StatusCode != http.StatusOK {
		t.Fatalf("DELETE: %d %s", ended.StatusCode, raw)
	}
	entry := b.hold(path, "RegistryEntry", raw)
	entry.at("deleted").is("true")
	entry.at("valid_from").is("2026-11-02T00:00:00.000Z")
	entry.at("versions", 0, "value").is("null")
	entry.at("versions", 2, "value", "loaded_hourly_rate").is("36")
	// The version that begins later is what an editor sees; ended, too, nothing is there, and it may be added as new.
	b.get(path, "RegistryEntry").at("loaded_hourly_rate").is("40")
	if res, raw := b.do("DELETE", path+"?valid_from=2026-12-01", ""); res.StatusCode != http.StatusOK {
		t.Fatalf("DELETE: %d %s", res.StatusCode, raw)
	}
	if res, _ := b.do("GET", path, ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("GET of what has ended: %d", res.StatusCode)
	}
	if res, raw := b.do("PUT", path, body, "If-None-Match", "*"); res.StatusCode != http.StatusOK {
		t.Errorf("added anew: %d %s", res.StatusCode, raw)
	}
}
