package collector_test

import (
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/access"
)

// rule says whether an endpoint is for everybody, and how it is asked about the event "loaded".
type rule struct {
	public    bool
	ask, body string
	kind      string
	// stream does not end by itself: what it shows to whom is tested beside it.
	stream bool
}

// rules are those of every endpoint of the collector. Whoever adds an endpoint adds its rule, or the test below fails.
func rules() map[string]rule {
	return map[string]rule{
		"POST /v1/events":          {ask: "/v1/events", body: one("loaded", map[string]any{"time": "2026-11-01T09:31:00Z"}), kind: structured},
		"GET /v1/events":           {ask: "/v1/events?source=/tests&id=loaded"},
		"POST /v1/events/outcomes": {ask: "/v1/events/outcomes", body: `[{"source":"/tests","id":"loaded"}]`, kind: "application/json"},
		"POST /v1/track":           {ask: "/v1/track", body: track("loaded", "Experiment Viewed", arm), kind: "application/json"},
		"POST /v1/identify":        {ask: "/v1/identify", body: `{"userId":"loaded"}`, kind: "application/json"},
		"POST /v1/group":           {ask: "/v1/group", body: `{"userId":"loaded"}`, kind: "application/json"},
		"POST /v1/page":            {ask: "/v1/page", body: `{"userId":"loaded"}`, kind: "application/json"},
		"POST /v1/screen":          {ask: "/v1/screen", body: `{"userId":"loaded"}`, kind: "application/json"},
		"POST /v1/alias":           {ask: "/v1/alias", body: `{"userId":"loaded"}`, kind: "application/json"},
		"POST /v1/batch":           {ask: "/v1/batch", body: `{"batch":[` + track("loaded", "Experiment Viewed", arm) + `]}`, kind: "application/json"},
		"POST /v1/hooks/:connection": {
			ask: "/v1/hooks/crm", body: `{"id":"loaded"}`, kind: "application/json",
		},
		"POST /v1/hooks/:connection/preview": {
			ask: "/v1/hooks/crm/preview", body: `{"sample":{"id":"loaded"}}`, kind: "application/json",
		},
		"POST /v1/import": {
			ask: "/v1/import?kind=hours_saved&source=/tests", body: "id,time,workflow,doing_minutes\nloaded,2026-11-01,blog-post,30\n", kind: "text/csv",
		},
		"GET /v1/tail":          {ask: "/v1/tail", stream: true},
		"GET /v1/schemas":       {public: true, ask: "/v1/schemas"},
		"GET /v1/schemas/:kind": {public: true, ask: "/v1/schemas/hours_saved"},
	}
}

// Every endpoint, without a key, with one that is none, and with that of another workspace, whose events are its own: the same
// id is another event there, and whoever asks for it learns nothing of this one.
func TestEveryEndpointHasItsRule(t *testing.T) {
	key, foreign, err := access.NewKey("foreign", "another")
	if err != nil {
		t.Fatal(err)
	}
	s, events := tracked(t, key)
	told := 0
	tells := func(body string) bool {
		return strings.Contains(body, `"receipt":"`+events["loaded"].Receipt.String()+`"`) || strings.Contains(body, `"state":"loaded"`)
	}
	all := rules()
	for _, route := range s.routes() {
		name := route.Method + " " + route.Path
		if !strings.HasPrefix(route.Path, "/v1/") {
			continue // every process has these: they say nothing of any workspace
		}
		r, ok := all[name]
		if !ok {
			t.Errorf("%s has no rule", name)
			continue
		}
		delete(all, name)
		for _, authorization := range []string{"", "Bearer none"} {
			a := s.do(t, route.Method, r.ask, r.body, map[string]string{"Authorization": authorization, "Content-Type": r.kind})
			refused := a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
			if refused == r.public || tells(a.Body) {
				t.Errorf("%s with %q: %d %.200s", name, authorization, a.Status, a.Body)
			}
		}
		if r.public || r.stream {
			continue
		}
		if a := s.do(t, route.Method, r.ask, r.body, map[string]string{"Content-Type": r.kind}); tells(a.Body) {
			told++
		}
		a := s.do(t, route.Method, r.ask, r.body, map[string]string{"Authorization": "Bearer " + foreign, "Content-Type": r.kind})
		if tells(a.Body) || strings.Contains(a.Body, "id_conflict") {
			t.Errorf("%s tells about another workspace: %s", name, a.Body)
		}
	}
	if told < 2 {
		t.Errorf("%d endpoints tell its own workspace where the event is: too few to show anything", told)
	}
	for name := range all {
		t.Errorf("there is no endpoint %s", name)
	}
}
