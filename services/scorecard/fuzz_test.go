package scorecard

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
)

// checkRefusal fails where a refusal does not say where and why.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var bad *badRequest
	if !errors.As(err, &bad) || len(bad.problems) == 0 {
		t.Fatalf("refused without a problem: %v", err)
	}
	checkProblems(t, bad.problems)
}

func checkProblems(t *testing.T, problems []event.Problem) {
	t.Helper()
	for _, p := range problems {
		if p.Code == "" || p.Message == "" || p.Pointer != "" && !strings.HasPrefix(p.Pointer, "/") {
			t.Errorf("a problem that says nothing: %+v", p)
		}
	}
}

// A page is a piece of the list without holes, whatever the cursor (no key is empty); following the cursors gives the whole list once.
func FuzzCursor(f *testing.F) {
	f.Add("", 1)
	f.Add(cursorOf("b"), 2)
	f.Add("%21", 3)
	f.Add("YQ==", 1)
	keys := []string{"0", "a", "a/b", "b", "é", "\U0001F600"}
	f.Fuzz(func(t *testing.T, cursor string, limit int) {
		limit = 1 + (limit&0xff)%7
		got, next, err := page(keys, params{cursor: cursor, limit: limit})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if len(got) > limit {
			t.Fatalf("%d keys on a page of %d", len(got), limit)
		}
		rest := slices.Clone(got)
		for next != nil {
			if len(got) != limit {
				t.Fatalf("a page of %d has %d keys, and there are more", limit, len(got))
			}
			if got, next, err = page(keys, params{cursor: *next, limit: limit}); err != nil {
				t.Fatal(err)
			}
			rest = append(rest, got...)
		}
		if from := len(keys) - len(rest); from < 0 || !slices.Equal(rest, keys[from:]) {
			t.Fatalf("from %q on there is %q", cursor, rest)
		}
		if text, err := cursorText(cursorOf(cursor)); err != nil || text != cursor {
			t.Fatalf("%q becomes %q, %v", cursor, text, err)
		}
	})
}

// Who says which version they have read writes over that one and no other.
func FuzzMatch(f *testing.F) {
	f.Add(`"1"`, "", `1`)
	f.Add(`"0", "1"`, "", `1`)
	f.Add("*", "", "")
	f.Add("", "*", "1")
	f.Add(`W/"1"`, "", "1")
	f.Fuzz(func(t *testing.T, ifMatch, ifNoneMatch, entry string) {
		if strings.ContainsAny(entry, `",`) || strings.TrimSpace(entry) != entry {
			return // no id of ours
		}
		current := ""
		if entry != "" {
			current = `"` + entry + `"`
		}
		err := checkMatch(ifMatch, ifNoneMatch, current)
		switch {
		case ifNoneMatch == "*" && current != "":
			if err == nil {
				t.Error("what must not be there was written over")
			}
		case err == nil && ifMatch != "" && ifMatch != "*" && (current == "" || !strings.Contains(ifMatch, current)):
			t.Errorf("%s passes as %q", current, ifMatch)
		case err != nil && ifMatch == "":
			t.Errorf("refused without a condition: %v", err)
		case err != nil && current != "" && ifMatch == current:
			t.Errorf("the version that was read is refused: %v", err)
		}
	})
}

// Filters of rejects are refused with a pointer, or stay within the workspace and the years that the warehouse has.
func FuzzRejectFilter(f *testing.F) {
	for _, query := range []string{
		"", "code=missing_time&source=s&from=2026-11-01&to=2026-11-02T00:00:00Z", "from=0001-01-01T00:00:00Z", "stage=nowhere", "q=%ff",
		"from=1970-01-01T00:00:00%2b14:00", "to=2199-12-31T23:59:59-12:00",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		v := &view{viewer: access.Viewer{Workspace: "w", Role: access.RoleAnalyst}, zone: time.UTC}
		got, err := rejectFilter(values, v)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if got.Workspace != "w" || got.Unattributed {
			t.Errorf("%s reads rejects of others: %+v", query, got)
		}
		for _, at := range []time.Time{got.From, got.To} {
			if !at.IsZero() && (at.Year() < 1969 || at.Year() > 2200) {
				t.Errorf("%s asks for %s", query, at)
			}
		}
		if !got.From.IsZero() && !got.To.IsZero() && !got.From.Before(got.To) {
			t.Errorf("%s asks for nothing: %+v", query, got)
		}
	})
}

// The place where a list of rejects goes on is refused as a cursor, or is one that we have given out.
func FuzzRejectPlace(f *testing.F) {
	f.Add(cursorOf("2026-11-24T10:00:00.000Z events-1-2-3"))
	f.Add(cursorOf("2026-11-24T10:00:00.000Z "))
	f.Add(cursorOf("yesterday x"))
	f.Add("%")
	f.Fuzz(func(t *testing.T, cursor string) {
		got, err := rejectPlace(cursor)
		switch {
		case err != nil:
			checkRefusal(t, err)
		case cursor == "":
			if got != nil {
				t.Error("a place without a cursor")
			}
		case got == nil || got.ID == "":
			t.Errorf("%q is taken as %+v", cursor, got)
		}
	})
}

// A request to erase is refused with a pointer, or names somebody; no answer repeats who it is.
func FuzzErasure(f *testing.F) {
	f.Add([]byte(`{"person":"a@example.org","reason":"asked for it"}`))
	f.Add([]byte(`{"person":" "}`))
	f.Add([]byte(`{"person":"a","person":"b"}`))
	f.Add([]byte(`{"person":"a"} {}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		req, problems := readErasure(raw)
		checkProblems(t, problems)
		if len(problems) == 0 {
			if strings.TrimSpace(req.Person) == "" {
				t.Errorf("%s erases nobody", raw)
			}
			return
		}
		if said := fmt.Sprint(problems); len(req.Person) > 16 && strings.Contains(said, req.Person) {
			t.Errorf("the refusal names the person: %s", said)
		}
	})
}

// A request to replay is refused with a pointer, or stays within its limits; it is a dry run unless it says otherwise.
func FuzzReplayRequest(f *testing.F) {
	for _, body := range []string{
		`{"ids":["a"]}`, `{"filter":{"code":"missing_time"},"dry_run":false,"limit":10}`, `{"filter":{},"fix":{"set":{"/time":"2026-01-01T00:00:00Z"}}}`,
		`{"ids":[],"filter":null}`, `{"ids":["a"],"limit":-1}`, `{"ids":["a"],"fix":7}`, `{"filter":{"nonsense":"x"}}`,
	} {
		f.Add([]byte(body))
	}
	v := &view{viewer: access.Viewer{Workspace: "w", Role: access.RoleAdmin}, zone: time.UTC}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := (&app{}).newReplay(v, raw)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if r.limit < 1 || r.limit > mostReplays || len(r.filter.IDs) > mostReplays || r.filter.Workspace != "w" {
			t.Errorf("%s is taken as %+v", raw, r)
		}
		if !r.report.DryRun && !strings.Contains(strings.ToLower(string(raw)), `dry_run`) && !strings.Contains(string(raw), `\u`) {
			t.Errorf("%s sends without saying so", raw)
		}
	})
}
