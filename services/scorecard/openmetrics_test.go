package scorecard

import (
	"bytes"
	"math"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"plumbline/pkg/access"
	"plumbline/pkg/registry"
)

// scraped are the samples of an answer, by family and measure.
func scraped(b *bench, path string) map[string]map[string]*dto.Metric {
	b.t.Helper()
	res, raw := b.do("GET", path, "")
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/openmetrics-text; version=1.0.0") {
		b.t.Fatalf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
	}
	if !strings.HasSuffix(string(raw), "\n# EOF\n") {
		b.t.Fatalf("%s does not end as OpenMetrics does: %q", path, raw[max(0, len(raw)-40):])
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]map[string]*dto.Metric{}
	for name, f := range families {
		out[name] = map[string]*dto.Metric{}
		for _, m := range f.GetMetric() {
			out[name][labelOf(m, "measure")+labelOf(m, "rung")] = m
		}
	}
	return out
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// What is scraped is what the scorecard says, and what it withholds has no sample.
func TestOpenMetrics(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	people := organisation(b)
	rated(b)
	b.declare(registry.Targets, "hours", `{"valid_from":"2026-01-01","measure":"hours_saved_net","value":40}`)
	for _, path := range []string{october, october + "&scope=team:content", october + "&scope=team:brand", october + "&currency=USD&measures=hours_saved_net,vendor_spend"} {
		card, samples := b.get("/api/v1/scorecard"+path, "Scorecard"), scraped(b, "/api/v1/openmetrics"+path)
		measures, ok := card.at("measures").value.(map[string]any)
		if !ok || len(samples["plumbline_measure_status"]) != len(measures) {
			t.Fatalf("%s: %d measures have a status, of %d", path, len(samples["plumbline_measure_status"]), len(measures))
		}
		for key := range measures {
			m, status := card.at("measures", key), samples["plumbline_measure_status"][key]
			m.at("status").is(labelOf(status, "status"))
			for family, field := range map[string]string{
				"plumbline_measure": "value", "plumbline_measure_low": "low", "plumbline_measure_high": "high", "plumbline_measure_events": "n",
				"plumbline_measure_people": "people", "plumbline_measure_evidence_grade": "grade",
			} {
				sample, there := samples[family][key]
				if known := m.at(field).text() != "null"; known != there {
					t.Errorf("%s: %s of %s: in the scorecard %v, scraped %v", path, field, key, known, there)
				} else if known && math.Abs(m.at(field).number()-sample.GetGauge().GetValue()) > 1e-9*math.Abs(m.at(field).number()) {
					t.Errorf("%s: %s of %s is %s, scraped %v", path, field, key, m.at(field).text(), sample.GetGauge().GetValue())
				}
			}
		}
	}
	// 27.55 h of 13 people; the target has its own period and is 40 whatever that is.
	org := scraped(b, "/api/v1/openmetrics"+october)
	if got := org["plumbline_measure_target"]["hours_saved_net"].GetGauge().GetValue(); got != 40 {
		t.Errorf("the target is %v", got)
	}
	if got := labelOf(org["plumbline_scorecard"][""], "from"); got != "2026-10-01" {
		t.Errorf("it is from %q", got)
	}
	if _, there := scraped(b, "/api/v1/openmetrics"+october+"&scope=team:brand")["plumbline_measure"]["hours_saved_net"]; there {
		t.Error("the hours of two people are scraped")
	}
	// Whoever scrapes with a key of a leader has no numbers of their own; people have.
	if res, _ := b.do("GET", "/api/v1/openmetrics?scope=me", ""); res.StatusCode != http.StatusBadRequest {
		t.Errorf("scope=me without a person: %d", res.StatusCode)
	}
	own := scraped(b.as(access.RoleIC, people["content0"]), "/api/v1/openmetrics"+october+"&scope=me")
	if got := own["plumbline_measure"]["hours_saved_net"].GetGauge().GetValue(); math.Abs(got-2.35) > 1e-12 {
		t.Errorf("one's own hours are %v", got)
	}
	res, raw := b.do("GET", "/api/v1/openmetrics?compare=year", "")
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("an unknown parameter: %d", res.StatusCode)
	}
	b.hold("?compare=year", "Problem", raw).at("problems", 0, "pointer").is("/compare")
}
