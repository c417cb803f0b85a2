package event_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
)

// Every text column of every kind says what becomes of it when a person is erased: a new kind cannot forget it.
func TestEveryTextHasATrait(t *testing.T) {
	traits := []event.Trait{event.ErasePerson, event.EraseBlank, event.EraseKeep, event.EraseData}
	for _, spec := range event.Catalogue() {
		byColumn := map[string]event.Trait{}
		for trait, columns := range event.ErasedColumns(spec.Kind) {
			known := false
			for _, x := range traits {
				known = known || x == trait
			}
			if !known {
				t.Errorf("%s: %v have the trait %q, which is none", spec.Kind, columns, trait)
			}
			for _, c := range columns {
				byColumn[c] = trait
			}
		}
		for _, c := range event.Columns(spec.Kind) {
			if text := strings.Contains(c.Type, "String"); text != (byColumn[c.Name] != "") {
				t.Errorf("%s.%s is a %s with the trait %q: give each text, and nothing else, one of the tags erase:%v", spec.Kind, c.Name, c.Type, byColumn[c.Name], traits)
			}
		}
		if person := byColumn["person"]; person != event.ErasePerson {
			t.Errorf("%s.person has the trait %q", spec.Kind, person)
		}
	}
}

// Whatever a sealed event is: erasing replaces each person in it, and a second time changes nothing.
func TestEraseOfEveryKind(t *testing.T) {
	const workspace = "w"
	sealer, eraser := eventtest.NewSealer([]byte("a secret of the tests")), event.NewEraser()
	hash, pseudonym := sealer.Person(workspace, "ann@example.com"), "p0123456789abcdef01234567"
	ann := func(person string) (string, bool) { return pseudonym, person == hash }
	for _, e := range examples(t) {
		if !e.valid {
			continue
		}
		parsed, problems := newParser().Structured(e.raw)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		parsed.Workspace = workspace
		parsed.Subject, parsed.Extensions = "of ann", map[string]string{"by": "ann"}
		named := name(t, parsed.Data, "ann@example.com")
		sealed, err := sealer.Seal(parsed)
		if err != nil {
			t.Fatal(err)
		}
		before, payload := sealed.Identity, sealed.Payload
		changed, err := eraser.Erase(&sealed.Event, ann)
		if err != nil || changed != named {
			t.Fatalf("%s: changed %v, want %v, %v", e.name, changed, named, err)
		}
		raw, err := json.Marshal(sealed.Event.Data)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), hash) || named && !strings.Contains(string(raw), pseudonym) {
			t.Errorf("%s: %s", e.name, raw)
		}
		if named && (sealed.Subject != "" || sealed.Extensions != nil || sealed.Identity != before || sealed.Payload != payload) {
			t.Errorf("%s: %+v", e.name, sealed.Event)
		}
		if again, err := eraser.Erase(&sealed.Event, ann); again || err != nil {
			t.Errorf("%s: a second time changes it: %v", e.name, err)
		}
	}
}

// name puts a person into every place of a payload that takes one, and tells whether there is one that is hashed as
// that person: the answers to a survey are not.
func name(t *testing.T, d event.Data, person string) bool {
	t.Helper()
	switch d := d.(type) {
	case *event.Pulse:
		d.Person = person
		return false
	case *event.Barrier:
		d.Owner = person
	case *event.Correct:
		spec, _ := event.Lookup(d.Target)
		inner := spec.New()
		if err := json.Unmarshal(d.Data, inner); err != nil {
			t.Fatal(err)
		}
		inner.Shared().Person = person
		raw, err := json.Marshal(inner)
		if err != nil {
			t.Fatal(err)
		}
		d.Data = raw
		return d.Target != event.KindPulse
	default:
		d.Shared().Person = person
	}
	return true
}

// The free text of the person's events goes, also inside corrections, and that of others stays.
func TestEraseEmptiesFreeText(t *testing.T) {
	eraser := event.NewEraser()
	ann := func(person string) (string, bool) { return "pseudonym", person == "ann" }
	b := &event.Barrier{Barrier: "b", Note: "ann waits", Owner: "ann", Common: event.Common{Person: "bob", URL: "https://a.example/ann"}}
	e := event.Event{Kind: event.KindBarrier, Data: b}
	if changed, err := eraser.Erase(&e, ann); err != nil || !changed || b.Note != "" || b.URL != "" || b.Person != "bob" || b.Owner != "pseudonym" || b.Barrier != "b" {
		t.Errorf("%v %+v %v", changed, b, err)
	}
	for _, c := range []struct {
		blank      bool
		data, want string
	}{
		{false, `{"doing_minutes":1.10,"person":"ann","task":"x"}`, `{"assisted":true,"doing_minutes":1.1,"evidence":"self_reported","person":"pseudonym","units":1}`},
		{false, `{"doing_minutes":1,"person":"bob","task":"x"}`, `{"assisted":true,"doing_minutes":1,"evidence":"self_reported","person":"bob","task":"x","units":1}`},
		{true, `{"doing_minutes":1,"person":"bob","task":"x"}`, `{"assisted":true,"doing_minutes":1,"evidence":"self_reported","person":"bob","units":1}`},
	} {
		// Data in the log is normalised.
		d := &event.Correct{Target: event.KindHoursSaved, Data: []byte(c.data)}
		d.Normalise()
		got, changed, err := eraser.Correction(event.KindHoursSaved, d.Data, c.blank, ann)
		if err != nil || string(got) != c.want || changed != (string(got) != string(d.Data)) {
			t.Errorf("%s: %s, %v, %v", c.data, got, changed, err)
		}
	}
	if _, _, err := eraser.Correction(event.KindHoursSaved, []byte(`{"no":1}`), false, ann); err == nil {
		t.Error("a correction that cannot be read is no error")
	}
}

func TestSeeker(t *testing.T) {
	const workspace = "w"
	sealer := eventtest.NewSealer([]byte("a secret of the tests"))
	hashes := map[string]string{}
	var lengths []int
	for _, id := range []string{"ann@example.com", "u-17", "Ann Lee", "Zoë"} {
		hashes[sealer.Person(workspace, id)] = "<" + id + ">"
		lengths = append(lengths, len(event.NormalPerson(id)))
	}
	k := sealer.Seeker(workspace, lengths, func(p string) (string, bool) { name, ok := hashes[p]; return name, ok })
	hash := sealer.Person(workspace, "u-17")
	inner := base64.StdEncoding.EncodeToString([]byte(`{"data":{"person":"` + hash + `"}}`))
	for text, want := range map[string]bool{
		"":                                    false,
		`{"person":"u-17"}`:                   true,
		`{"person":"u-170"}`:                  false,
		`{"person":"u-1"}`:                    false,
		`x,u-17,3`:                            true,
		`see u-17.`:                           true,
		`u-17.example.com`:                    false,
		`{"a":["ANN@Example.com"`:             true, // cut off
		`joann@example.com`:                   false,
		`{"p":"\u0061nn@example.com"}`:        true,
		`{"u\u002d17":1}`:                     true,
		`/people/ann%40example.com?x`:         true,
		`{"p":"Ann Lee"}`:                     true,
		`{"p":"ann lee"}`:                     false,
		`Zoë`:                                 true,
		hash:                                  true,
		`{"value":"` + inner + `"}`:           true,
		`{"x":"` + hash[:24] + `0"}`:          hash[24] == '0',
		string([]byte{0, 25}) + hash + "\x00": true,
	} {
		if got := k.Find([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := k.Replace("by u-17, ann@example.com and u-170 (" + hash + ")"); got != "by <u-17>, <ann@example.com> and u-170 (<u-17>)" {
		t.Error(got)
	}
	got, err := k.ReplaceJSON([]byte(`{"a":0.10,"owner":"u-17","u-17":["u-17",null],"z":"12.00"}`))
	if want := `{"a":0.10,"owner":"<u-17>","u-17":["<u-17>",null],"z":"12.00"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

// An id is found wherever it stands between signs that are no part of an id.
func TestSeekerFindsWhatStandsAlone(t *testing.T) {
	sealer := eventtest.NewSealer([]byte("a secret of the tests"))
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-Za-z0-9_-]{1,40}`).Draw(t, "id")
		hash := sealer.Person("w", id)
		k := sealer.Seeker("w", []int{len(id)}, func(p string) (string, bool) { return "x", p == hash })
		before := rapid.StringMatching(`([ -~]{0,20}["',:;=\[\n(/ ])?`).Draw(t, "before")
		after := rapid.StringMatching(`(["',:;=\]\n)/ ][ -~]{0,20})?`).Draw(t, "after")
		if !k.Find([]byte(before + id + after)) {
			t.Fatalf("%q is not found in %q", id, before+id+after)
		}
		if got := k.Replace(id); got != "x" {
			t.Fatal(got)
		}
	})
}

// FuzzSeeker: no bytes make it fail or run away, and what it finds is gone once it is replaced.
func FuzzSeeker(f *testing.F) {
	sealer := eventtest.NewSealer([]byte("a secret of the tests"))
	hash := sealer.Person("w", "u-17")
	k := sealer.Seeker("w", []int{4}, func(p string) (string, bool) { return "", p == hash })
	for _, seed := range []string{`{"p":"u-17"}`, `"dS0xNw=="`, "u-17u-17", "%75-17", `{"a":"\ud800u-17"}`, hash} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		k.Find(raw)
		if out, err := k.ReplaceJSON(raw); err == nil && jsontext.Value(raw).IsValid() && !out.IsValid() {
			t.Errorf("%q became %q", raw, out)
		}
	})
}
