package scorecard

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"plumbline/pkg/event"
)

// Every path of the description that is ours is served, with the methods that it names.
func TestThePathsOfTheDescriptionAreServed(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	_, raw := b.do("GET", "/api/openapi.json", "")
	var description struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(raw, &description); err != nil {
		t.Fatal(err)
	}
	// A tail would not end, but for one that is refused.
	sample := strings.NewReplacer("{id}", "x", "{key}", "x", "{kind}", "teams", "/tail", "/tail?kind=none")
	for path, methods := range description.Paths {
		if !strings.HasPrefix(path, "/api/v1/") {
			continue // the collector's
		}
		for _, method := range []string{"get", "put", "post", "patch", "delete"} {
			_, described := methods[method]
			res, raw := b.do(strings.ToUpper(method), sample.Replace(path), "")
			// No route answers with 404 and this sentence, another method of a route with 405.
			served := res.StatusCode != 405 && !strings.Contains(string(raw), "There is nothing at this address")
			if served != described {
				t.Errorf("%s %s: described %v, served %v (%d %s)", method, path, described, served, res.StatusCode, raw)
			}
		}
	}
}

// Whatever is asked, the parameters are either refused with a pointer or make a period.
func FuzzParams(f *testing.F) {
	for _, query := range []string{
		"", "from=2026-10-01&to=2026-11-01&scope=team:a&currency=EUR&compare=year", "from=0001-01-01", "limit=99999999999999999999",
		"scope=team:%00", "measure=win_rate&basis=created&format=csv&cursor=%21", "to=2200-12-31", "from=2200-12-31", "from=1900-01-01&to=1900-01-02",
	} {
		f.Add(query)
	}
	today := event.Day{Time: day("2026-11-02")}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := parseParams(values, today, "measure", "from", "to", "scope", "currency", "compare", "definition", "basis", "limit", "cursor", "format", "metric")
		if err != nil {
			bad, ok := err.(*badRequest) //nolint:errorlint // the concrete type is what is promised
			if !ok || len(bad.problems) == 0 || bad.Error() == "" {
				t.Fatalf("refused without a problem: %v", err)
			}
			return
		}
		if !p.from.Before(p.to.Time) || p.limit < 1 || p.limit > mostPage {
			t.Fatalf("%q gives %+v", query, p)
		}
		if q := claimQuery(p.measure, p, "USD"); q.Encode() != claimQuery(p.measure, p, "USD").Encode() {
			t.Fatal("one question has two claims")
		}
	})
}
