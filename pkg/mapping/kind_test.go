package mapping_test

import (
	"strings"
	"testing"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// A file with the names of the contract needs no mapping, and a name that is none of them is never left out in silence.
func TestForKind(t *testing.T) {
	m, err := mapping.ForKind(event.KindHoursSaved, "sheet")
	if err != nil {
		t.Fatal(err)
	}
	got := rows(t, m, "id,time,workflow,doing_minutes\n1,2026-11-01T09:00:00Z,blog,12.5\n,2026-11-01,blog,\n")
	if e := got[0].Events[0]; e.ID != "1" || e.Source != "sheet" || string(e.Data) != `{"doing_minutes":12.5,"workflow":"blog"}` {
		t.Errorf("%+v %s", e, e.Data)
	}
	if e := got[1].Events[0]; !strings.HasSuffix(e.ID, "-1") || len(e.ID) != 34 { // 128 bits in hexadecimal digits, and the first of its kind
		t.Errorf("id %s", e.ID)
	}
	if _, err := m.Open(strings.NewReader("id,time,workflw\n")); err == nil || !strings.Contains(err.Error(), `hours_saved has no field "workflw"`) {
		t.Errorf("a typing error: %v", err)
	}
	lines, err := m.As("ndjson")
	if err != nil {
		t.Fatal(err)
	}
	got = rows(t, lines, `{"time":"2026-11-01","workflow":"blog","doing_minutes":1}`+"\n"+`{"time":"2026-11-01","workflw":"blog"}`)
	if len(got[0].Events) != 1 || len(got[1].Problems) != 1 || got[1].Problems[0][0].Code != event.CodeUnknownField || got[1].Problems[0][0].Column != "workflw" {
		t.Errorf("%+v", got)
	}
	if _, err := mapping.ForKind("hours", "sheet"); err == nil || !strings.Contains(err.Error(), "write one of hours_saved") {
		t.Errorf("an unknown kind: %v", err)
	}
	focus, err := mapping.Load("focus", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := focus.As("ndjson"); err == nil || !strings.Contains(err.Error(), "name one of focus_1_4") {
		t.Errorf("no header to pick by: %v", err)
	}
	events, err := mapping.Load("cloudevents", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := events.As("csv"); err == nil || !strings.Contains(err.Error(), "reads NDJSON") {
		t.Errorf("CloudEvents as CSV: %v", err)
	}
}
