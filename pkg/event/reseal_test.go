package event

import (
	"testing"
	"time"
)

// What was sealed once is the same when it is sealed again, and a person who is named anew is replaced.
func TestResealHashesNobodyTwice(t *testing.T) {
	s := NewSealer([]byte("a secret of the tests, 32 characters or more"))
	e := Event{
		Workspace: "w", Source: "s", ID: "a", Kind: KindBarrier, Time: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC),
		Data: &Barrier{Common: Common{Person: "ann@example.com"}, Barrier: "b", Category: "policy", Owner: "bob"},
	}
	first, err := s.Seal(e)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Reseal(first.Event)
	if err != nil {
		t.Fatal(err)
	}
	if again.Payload != first.Payload || again.Identity != first.Identity || string(again.Data) != string(first.Data) {
		t.Errorf("resealed %s, want %s", again.Data, first.Data)
	}
	changed := first.Event
	changed.Data = &Barrier{Common: Common{Person: first.Event.Data.Shared().Person}, Barrier: "b", Category: "policy", Owner: "Carol@Example.com"}
	if again, err = s.Reseal(changed); err != nil {
		t.Fatal(err)
	}
	b := again.Event.Data.(*Barrier)
	if b.Person != s.Person("w", "ann@example.com") || b.Owner != s.Person("w", "carol@example.com") {
		t.Errorf("person %q, owner %q", b.Person, b.Owner)
	}
	for id, want := range map[string]bool{
		first.Event.Data.Shared().Person: true, "": false, "p": false, "p0123456789abcdef0123456g": false, "q0123456789abcdef01234567": false, "p0123456789abcdef012345678": false,
	} {
		if IsPseudonym(id) != want {
			t.Errorf("IsPseudonym(%q) is not %t", id, want)
		}
	}
}
