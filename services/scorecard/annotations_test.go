package scorecard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/registry"
)

// A note stands beside the numbers of its scope and period from when it is written until it is taken away, and beside no others.
func TestAnnotations(t *testing.T) {
	b := newBench(t, day("2026-11-12"))
	b.loadEverything()
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01"}`)
	b.declare(registry.Teams, "web", `{"valid_from":"2026-01-01"}`)
	b.declare(registry.Annotations, "blog/launch", `{"valid_from":"2027-01-01","day":"2026-10-20","text":"as an editor writes it","scope":"org"}`)
	leader := b.as(access.RoleLeader, "")
	write := func(body string, status int) node {
		t.Helper()
		res, raw := leader.send(http.MethodPost, "/api/v1/annotations", body)
		if res.StatusCode != status {
			t.Fatalf("%s: %d %s, want %d", body, res.StatusCode, raw, status)
		}
		if status >= http.StatusBadRequest {
			return b.hold(body, "Problem", raw)
		}
		b.holdBody("AnnotationRequest", body)
		return b.hold(body, "Annotation", raw)
	}
	id := anyID()
	mine := `{"id":"` + id + `","day":"2026-10-05","text":" new brief template ","scope":"team:content","url":"https://example.com/brief"}`
	write(mine, 201).at("text").is("new brief template")
	write(mine, 200)
	write(strings.Replace(mine, "brief template", "template", 1), 409).at("code").is("id_conflict")
	write(`{"id":"`+anyID()+`","day":"2026-11-01","text":"first day of the next month"}`, 201).at("scope").is("org")

	listed := func(who *bench, query string) string {
		t.Helper()
		var out []string
		list := who.get("/api/v1/annotations"+query, "AnnotationList").at("annotations")
		for i := range list.list() {
			out = append(out, list.at(i, "day").text())
		}
		return strings.Join(out, " ")
	}
	ic := b.as(access.RoleIC, ann)
	for query, want := range map[string]string{
		october:                         "2026-10-20",
		october + "&scope=team:content": "2026-10-05 2026-10-20",
		october + "&scope=team:web":     "2026-10-20",
		"?from=2026-10-20&to=2026-10-21&scope=team:content": "2026-10-20",
		upToNow + "&scope=me":                               "2026-10-20 2026-11-01",
		"?from=2026-09-01&to=2026-10-05&scope=team:content": "",
	} {
		if got := listed(ic, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
		// The scorecard has the same.
		card := ic.get("/api/v1/scorecard"+query, "Scorecard").at("annotations")
		if got := fmt.Sprint(len(card.list())); got != fmt.Sprint(len(strings.Fields(want))) {
			t.Errorf("the scorecard of %s has %s, want %s", query, got, want)
		}
	}
	first := ic.get("/api/v1/annotations"+upToNow+"&limit=1", "AnnotationList")
	if got := listed(ic, upToNow+"&limit=1&cursor="+first.at("next").text()); got != "2026-11-01" {
		t.Errorf("the second page has %s", got)
	}

	// Taken away, also one of an editor that holds from next year on.
	for _, key := range []string{id, "blog/launch"} {
		if res, raw := ic.send(http.MethodDelete, "/api/v1/annotations/"+key, ""); res.StatusCode != http.StatusForbidden {
			t.Errorf("an IC takes it away: %d %s", res.StatusCode, raw)
		}
		res, raw := leader.send(http.MethodDelete, "/api/v1/annotations/"+key, "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", key, res.StatusCode, raw)
		}
		b.hold(key, "Annotation", raw)
		if res, _ := leader.send(http.MethodDelete, "/api/v1/annotations/"+key, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s taken away twice: %d", key, res.StatusCode)
		}
	}
	if got := listed(ic, upToNow+"&scope=team:content"); got != "2026-11-01" {
		t.Errorf("what is left: %s", got)
	}
	write(mine, 409) // what was taken away does not come back under its id

	for name, c := range map[string]struct{ body, pointer string }{
		"no id":     {`{"day":"2026-10-05","text":"x"}`, "/id"},
		"no day":    {`{"id":"` + anyID() + `","text":"x"}`, "/day"},
		"no date":   {`{"id":"` + anyID() + `","day":"soon","text":"x"}`, "/day"},
		"no words":  {`{"id":"` + anyID() + `","day":"2026-10-05","text":" "}`, "/text"},
		"no team":   {`{"id":"` + anyID() + `","day":"2026-10-05","text":"x","scope":"team:none"}`, "/scope"},
		"oneself":   {`{"id":"` + anyID() + `","day":"2026-10-05","text":"x","scope":"me"}`, "/scope"},
		"no link":   {`{"id":"` + anyID() + `","day":"2026-10-05","text":"x","url":"javascript:alert(1)"}`, "/url"},
		"too much":  {`{"id":"` + anyID() + `","day":"2026-10-05","text":"` + strings.Repeat("x", 2001) + `"}`, "/text"},
		"an author": {`{"id":"` + anyID() + `","day":"2026-10-05","text":"x","author":"ann"}`, "/author"},
	} {
		if p := write(c.body, 400).at("problems", 0, "pointer"); p.text() != c.pointer {
			t.Errorf("%s: %s, want %s", name, p.text(), c.pointer)
		}
	}
}
