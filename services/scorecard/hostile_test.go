package scorecard

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// hostile are texts that would leave the place where they belong, if anything put them together with SQL, a path or a page.
func hostile() []string {
	return []string{
		`' OR 1=1 --`, `x'); DROP TABLE registry; --`, `{workspace:String}`, `\`, `%`, `../../etc/passwd`, `<script>alert(1)</script>`,
		"\x00", "line\nbreak", strings.Repeat("a", 10_000), "{{.}}", "\u202e", "9999999999999999999999", "-1", "NaN",
	}
}

// Every parameter of every question of the description, given hostile texts: an answer or a refusal with a pointer, never a
// fault, and nothing of it runs: the workspace is the same afterwards.
func TestHostileParametersOfEveryQuestion(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	secrets(b)
	operations, err := b.description().operations()
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]string{"id": "x", "key": "x", "kind": "workflows", "measure": "vendor_spend", "from": "2026-10-01", "to": "2026-11-01"}
	_, before := b.do(http.MethodGet, "/api/v1/registry/workflows", "")
	asked := 0
	for _, o := range operations {
		if o.Method != http.MethodGet || !strings.HasPrefix(o.Path, "/api/v1/") || strings.HasSuffix(o.Path, "/tail") {
			continue
		}
		for _, p := range o.Parameters {
			if p.In == "header" {
				continue
			}
			for _, text := range hostile() {
				values := maps.Clone(good)
				values[p.Name] = text
				res, raw := b.do(http.MethodGet, addressOf(o, values), "")
				asked++
				if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s with %s=%.40q: %d %.200s", o.Path, p.Name, text, res.StatusCode, raw)
				}
				if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
					t.Errorf("%s with %s=%.40q is answered with a page", o.Path, p.Name, text)
				}
			}
		}
	}
	if asked < 500 {
		t.Errorf("%d questions were asked: too few to be those of the description", asked)
	}
	if _, after := b.do(http.MethodGet, "/api/v1/registry/workflows", ""); string(before) != string(after) {
		t.Errorf("the registry has changed: %s", after)
	}
}

// description is the served description of the API.
func (b *bench) description() spec {
	b.t.Helper()
	_, raw := b.do(http.MethodGet, "/api/openapi.json", "")
	var s spec
	if err := json.Unmarshal(raw, &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// addressOf puts values where an operation wants them; of the query those that it knows.
func addressOf(o operation, values map[string]string) string {
	path, query := o.Path, url.Values{}
	for _, p := range slices.Backward(o.Parameters) {
		value, ok := values[p.Name]
		switch {
		case !ok:
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query":
			query.Set(p.Name, value)
		}
	}
	return path + "?" + query.Encode()
}
