package scorecard

import (
	"net/url"
	"testing"
)

// The words are those of the app: web/src/pages/scorecard/early.test.ts has the same table.
func TestAskedFirst(t *testing.T) {
	for at, want := range map[string]string{
		"/":                               "/api/v1/scorecard?scope=org&compare=previous",
		"/?from=2026-09-01&to=2026-11-29": "/api/v1/scorecard?from=2026-09-01&to=2026-11-29&scope=org&compare=previous",
		"/?from=2026-09-01&to=2026-11-29&scope=team:content&compare=year": "/api/v1/scorecard?from=2026-09-01&to=2026-11-29&scope=team%3Acontent&compare=year",
		"/?compare=none&open=hours_saved_net":                             "/api/v1/scorecard?scope=org",
		"/?from=2026-09-01":                                               "",
		"/?from=yesterday&to=2026-11-29":                                  "",
		"/pipeline":                                                       "",
		"/?scope=" + url.QueryEscape("a>; rel=x\r\nSet-Cookie: b") + "&compare=": "/api/v1/scorecard?scope=a%3E%3B+rel%3Dx%0D%0ASet-Cookie%3A+b&compare=previous",
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := askedFirst(u); got != want {
			t.Errorf("%s asks for %q, want %q", at, got, want)
		}
	}
}
