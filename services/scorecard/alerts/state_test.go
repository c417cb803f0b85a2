package alerts

import (
	"reflect"
	"testing"
	"time"

	"plumbline/pkg/registry"
)

// What an alert tells, step by step: F fires, q is quiet, w withheld; each an hour after the one before, with a cool-down of three.
func TestJudged(t *testing.T) {
	t.Parallel()
	for steps, want := range map[string]string{
		"qqq":      "---",
		"F":        "f",
		"FFFFFFF":  "f------",  // once, however long it fires
		"FqF":      "fr-",      // told at 0 and silent until 3
		"FqFF":     "fr-f",     // at 3 the cool-down is over and it still fires
		"FqFqqF":   "fr---f",   // what was not told is not told to be over
		"qFwwqFFF": "-f--rf--", // withheld changes nothing: 1 f, 4 r, 5 is after 1+3
		"ww":       "--",       // nothing is known
		"wF":       "-f",
		"FwFwF":    "f----",
	} {
		at, s, got := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), State{}, ""
		for _, step := range steps {
			j := Judgement{Outcome: Judged, Fires: step == 'F'}
			if step == 'w' {
				j = Judgement{Outcome: "withheld", Reason: "privacy_floor", Fires: true, Text: "a number"}
			}
			told := "-"
			next, _, err := s.judged(j, 3*time.Hour, at, func(event string, _ State) (Delivery, error) {
				told = map[string]string{EventFiring: "f", EventResolved: "r"}[event]
				return Delivery{ID: event}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			s, got, at = next, got+told, at.Add(time.Hour)
		}
		if got != want {
			t.Errorf("%s tells %s, want %s", steps, got, want)
		}
	}
}

// With many messages waiting nothing new is noted, and nothing that waits is dropped.
func TestManyPending(t *testing.T) {
	t.Parallel()
	s := State{Status: Quiet, Pending: make([]Delivery, mostPending)}
	make1 := func(string, State) (Delivery, error) { return Delivery{ID: "new"}, nil }
	next, changed, err := s.judged(Judgement{Outcome: Judged, Fires: true}, 0, time.Now(), make1)
	if err != nil || changed || next.Status != Quiet || len(next.Pending) != mostPending {
		t.Errorf("%+v %v %v", next, changed, err)
	}
	s.Pending = s.Pending[1:]
	if next, changed, _ = s.judged(Judgement{Outcome: Judged, Fires: true}, 0, time.Now(), make1); !changed || next.Pending[mostPending-1].ID != "new" {
		t.Errorf("%+v", next)
	}
}

// Whatever stands on the topic is either refused or a state that comes back as it was written.
func FuzzDecode(f *testing.F) {
	s := State{
		Workspace: "w", Kind: registry.Alerts, Key: "k", Revision: 3, Write: "x", Status: Firing, Since: time.Unix(1, 0).UTC(),
		Pending: []Delivery{{ID: "msg_1", Event: EventFiring, Body: []byte(`{"a":1}`)}}, Last: &Delivery{ID: "msg_0", Outcome: Delivered},
	}
	key, value, err := s.message()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, value)
	f.Add([]byte{}, []byte("{}"))
	f.Add(key, []byte(`{"workspace":"w","kind":"teams","key":"k","revision":1,"write":"x"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		s, err := decode(key, value)
		if err != nil {
			return
		}
		again, raw, err := s.message()
		if err != nil {
			return // a body that is no JSON is none of ours
		}
		if string(again) != string(key) {
			t.Fatalf("the key %q became %q", key, again)
		}
		back, err := decode(again, raw)
		if err != nil || back.Revision != s.Revision || len(back.Pending) != len(s.Pending) || !reflect.DeepEqual(back.Status, s.Status) {
			t.Fatalf("%+v became %+v: %v", s, back, err)
		}
	})
}
