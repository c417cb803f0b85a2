package audit_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/pkg/audit"
)

func entry() audit.Entry {
	return audit.Entry{
		ID: "0197", Workspace: "w", At: time.Date(2026, 11, 27, 9, 0, 0, 5_000_000, time.UTC), Actor: "p0123456789abcdef01234567", ActorKind: audit.ByPerson,
		Role: "leader", Action: audit.EvidenceRead, Outcome: audit.OK, TargetKind: "evidence", Measure: "vendor_spend", Scope: "team:a",
		From: "2026-10-01", To: "2026-11-01", RequestID: "r",
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	key, value, err := entry().Message()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := audit.FromMessage(key, value); err != nil || got != entry() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := audit.FromMessage([]byte("another"), value); err == nil {
		t.Error("a message under another key is taken")
	}
	if _, err := audit.FromMessage(key, []byte(strings.Replace(string(value), `"id"`, `"secret":"x","id"`, 1))); err == nil {
		t.Error("a member that there is none of is taken")
	}
	if _, err := audit.FromMessage(nil, nil); err == nil {
		t.Error("an empty message is taken")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*audit.Entry){
		"no id":           func(e *audit.Entry) { e.ID = "" },
		"no workspace":    func(e *audit.Entry) { e.Workspace = "" },
		"no time":         func(e *audit.Entry) { e.At = time.Time{} },
		"a finer time":    func(e *audit.Entry) { e.At = e.At.Add(time.Microsecond) },
		"nobody":          func(e *audit.Entry) { e.Actor = "" },
		"unknown actor":   func(e *audit.Entry) { e.ActorKind = "robot" },
		"unknown action":  func(e *audit.Entry) { e.Action = "evidence.burn" },
		"unknown outcome": func(e *audit.Entry) { e.Outcome = "perhaps" },
		"long":            func(e *audit.Entry) { e.Target = strings.Repeat("x", audit.MaxText+1) },
		"no UTF-8":        func(e *audit.Entry) { e.Scope = "team:\xff" },
	} {
		e := entry()
		change(&e)
		if e.Validate() == nil {
			t.Errorf("%s is valid", name)
		}
		if _, _, err := e.Message(); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}

// What is too long is cut at a character, and then fits.
func TestClipped(t *testing.T) {
	t.Parallel()
	e := entry()
	e.Target = "x" + strings.Repeat("ü", audit.MaxText)
	if got := e.Clipped(); got.Validate() != nil || len(got.Target) != audit.MaxText-1 || got.Actor != e.Actor {
		t.Errorf("%v, %d bytes", got.Validate(), len(got.Target))
	}
}

// An erased person goes away as who acted and as who was acted on; the act stays.
func TestWithout(t *testing.T) {
	t.Parallel()
	e := entry()
	e.TargetKind, e.Target = "people", e.Actor
	got := e.Without(func(person string) bool { return person == e.Actor })
	want := e
	want.Actor, want.Target = audit.Erased, audit.Erased
	if got != want {
		t.Errorf("%+v", got)
	}
	if same := e.Without(func(string) bool { return false }); same != e {
		t.Errorf("nobody was erased: %+v", same)
	}
}

func FuzzFromMessage(f *testing.F) {
	key, value, err := entry().Message()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, value)
	f.Add([]byte("x"), []byte(`{"id":"x","at":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, err := audit.FromMessage(key, value)
		if err != nil {
			return
		}
		again, raw, err := e.Message()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if same, err := audit.FromMessage(again, raw); err != nil || same != e {
			t.Fatalf("%+v was read, then %+v, %v", e, same, err)
		}
	})
}
