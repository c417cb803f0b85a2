package event_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
)

func newSealer() *event.Sealer {
	return eventtest.NewSealer([]byte("a secret of the tests, 32 bytes."))
}

func parse(t testing.TB, raw string) event.Event {
	t.Helper()
	e, problems := newParser().Structured([]byte(raw))
	if len(problems) > 0 {
		t.Fatalf("%v: %s", problems, raw)
	}
	e.Workspace = "default"
	return e
}

func seal(t testing.TB, raw string) event.Sealed {
	t.Helper()
	s, err := newSealer().Seal(parse(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hours(data string) string {
	return `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:30:00Z","data":` + data + `}`
}

func TestIdentityIsOfTheLengthPrefixedParts(t *testing.T) {
	// printf '\0\0\0\1w\0\0\0\2/s\0\0\0\1i' | sha256sum
	const want = "ad44621c37b5437a8e85cfa372d36cf9"
	got := event.IdentityOf("w", "/s", "i")
	if hex.EncodeToString(got[:]) != want {
		t.Errorf("identity is %x, want %s", got, want)
	}
	if event.IdentityOf("a", "bc", "d") == event.IdentityOf("ab", "c", "d") {
		t.Error("moving a letter between the parts gives the same identity")
	}
}

// Everything in one list says the same; every entry of the other list says something else.
func TestPayloadHashTellsMeaningFromSpelling(t *testing.T) {
	base := hours(`{"workflow":"w","doing_minutes":35,"baseline_minutes":120.5}`)
	same := []string{
		hours(`{"baseline_minutes":120.5,"doing_minutes":35,"workflow":"w"}`),
		hours(`{"workflow":"w","doing_minutes":3.5e1,"baseline_minutes":120.500000}`),
		hours(`{"workflow":"\u0077","doing_minutes":35.0,"baseline_minutes":1205e-1}`),
		hours(`{"workflow":"w","doing_minutes":35,"baseline_minutes":120.5,"units":1,"assisted":true,"evidence":"self_reported"}`),
		strings.Replace(base, "09:30:00Z", "10:30:00.0000+01:00", 1),
		strings.Replace(base, "09:30:00Z", "09:30:00.000999Z", 1), // cut to milliseconds
		strings.Replace(base, `"id":"1"`, `"id":"2"`, 1),          // the name is no part of what is said
		strings.Replace(base, `"id":"1"`, `"id":"1","traceparent":"00-1"`, 1),
	}
	other := []string{
		hours(`{"workflow":"w","doing_minutes":35,"baseline_minutes":120.500001}`),
		hours(`{"workflow":"W","doing_minutes":35,"baseline_minutes":120.5}`),
		hours(`{"workflow":"w","doing_minutes":35,"baseline_minutes":120.5,"assisted":false}`),
		hours(`{"workflow":"w","doing_minutes":35,"baseline_minutes":120.5,"person":"p"}`),
		hours(`{"workflow":"w","prompting_minutes":35,"baseline_minutes":120.5}`),
		strings.Replace(base, "09:30:00Z", "09:30:00.001Z", 1),
		strings.Replace(base, `"id":"1"`, `"id":"1","subject":"s"`, 1),
	}
	want := seal(t, base)
	for _, raw := range same {
		if got := seal(t, raw); got.Payload != want.Payload || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s\n sealed to %s\n not to    %s", raw, got.Data, want.Data)
		}
	}
	for _, raw := range other {
		if got := seal(t, raw); got.Payload == want.Payload {
			t.Errorf("%s has the payload hash of %s", raw, base)
		}
	}
	if got, err := event.NewSealer([]byte("another")).Seal(parse(t, base)); err != nil || got.Payload == want.Payload || got.Identity != want.Identity {
		t.Errorf("another secret: %v, same payload %v, same identity %v", err, got.Payload == want.Payload, got.Identity == want.Identity)
	}
}

func TestSealedDataIsCanonicalAndExact(t *testing.T) {
	got := seal(t, hours(`{"workflow":"w<","doing_minutes":999999999999.123456,"units":1e-6}`))
	const want = `{"assisted":true,"doing_minutes":999999999999.123456,"evidence":"self_reported","units":0.000001,"workflow":"w<"}`
	if string(got.Data) != want {
		t.Errorf("data is  %s\nwant %s", got.Data, want)
	}
}

// For every valid example whose numbers have at most 15 digits the data is RFC 8785 to the byte.
func TestSealedExamplesAreRFC8785(t *testing.T) {
	for _, e := range examples(t) {
		if !e.valid {
			continue
		}
		got := seal(t, string(e.raw))
		canonical := jsontext.Value(bytes.Clone(got.Data))
		if err := canonical.Canonicalize(); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		if !bytes.Equal(canonical, got.Data) {
			t.Errorf("%s: data is %s, canonical is %s", e.name, got.Data, canonical)
		}
	}
}

func TestSealKeepsTheEventAndIsRepeatable(t *testing.T) {
	for _, e := range examples(t) {
		if !e.valid {
			continue
		}
		in, again := parse(t, string(e.raw)), parse(t, string(e.raw))
		one, err := newSealer().Seal(in)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if !reflect.DeepEqual(in, again) {
			t.Errorf("%s: sealing changed the event", e.name)
		}
		if two, err := newSealer().Seal(in); err != nil || !reflect.DeepEqual(one, two) {
			t.Errorf("%s: sealed twice: %v\n%s\n%s", e.name, err, one.Data, two.Data)
		}
	}
}

// The new data of a correction is brought into the same form as the data of the event itself would be.
func TestCorrectionsAreNormalisedInside(t *testing.T) {
	correction := func(data string) string {
		return `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.correct.v1","time":"2026-11-01T09:30:00Z","data":{"source":"a","id":"b","kind":"review","data":` + data + `}}`
	}
	one := seal(t, correction(`{"asset":"A","reviewer":"brand","submitted_at":"2026-11-01T10:00:00+01:00","round":2.0}`))
	two := seal(t, correction(`{"round":2,"evidence":"self_reported","submitted_at":"2026-11-01T09:00:00Z","reviewer":"brand","asset":"A"}`))
	if one.Payload != two.Payload {
		t.Errorf("%s\nis another correction than\n%s", one.Data, two.Data)
	}
	const want = `"data":{"asset":"A","evidence":"self_reported","reviewer":"brand","round":2,"submitted_at":"2026-11-01T09:00:00.000Z"}`
	if !bytes.Contains(one.Data, []byte(want)) {
		t.Errorf("data is %s, want in it %s", one.Data, want)
	}
}

func TestPersons(t *testing.T) {
	s := newSealer()
	id := s.Person("default", "u-17")
	if len(id) != 25 || id[0] != 'p' {
		t.Errorf("pseudonym is %q", id)
	}
	if s.Person("default", " Anna@Example.com ") != s.Person("default", "anna@example.com") {
		t.Error("the case of an e-mail address matters")
	}
	if s.Person("default", "U-17") == id || s.Person("other", "u-17") == id || s.Person("default", "") != "" {
		t.Error("case of opaque ids, the workspace or absence do not matter")
	}
	inWave := func(s *event.Sealer, wave string) string {
		t.Helper()
		p, err := s.Pulse("default", wave, "u-17")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if inWave(s, "w1") == inWave(s, "w2") || inWave(s, "w1") == id {
		t.Error("answers of two waves can be joined")
	}
	if inWave(s, "w1") == inWave(s.With(eventtest.Waves("another")), "w1") {
		t.Error("the secret of the wave does not matter: who holds the other one can tell whose an answer is")
	}
	pulse := seal(t, `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.pulse.v1","time":"2026-11-01T09:30:00Z","data":{"wave":"w1","role":"ic","person":"u-17","confidence":3}}`)
	if got := pulse.Event.Data.Shared().Person; got != inWave(s, "w1") {
		t.Errorf("the person of an answer is %q", got)
	}
	correction := seal(t, `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.correct.v1","time":"2026-11-01T09:30:00Z","data":{"source":"a","id":"b","kind":"hours_saved","data":{"doing_minutes":1,"person":"u-17"}}}`)
	if !bytes.Contains(correction.Data, []byte(id)) {
		t.Errorf("a corrected person has another pseudonym than a reported one: %s", correction.Data)
	}
}

// shut are waves that are all closed.
type shut struct{}

func (shut) Secret(string, string) ([]byte, error) { return nil, event.WaveClosed("/data/wave") }

// An answer, and a correction of one, are sealed with the secret of the wave or not at all; who corrects an answer is known
// within its wave only.
func TestAnswersAreSealedWithTheirWave(t *testing.T) {
	answer := `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.pulse.v1","time":"2026-11-01T09:30:00Z","data":{"wave":"w1","role":"ic","person":"u-17","confidence":3}}`
	correction := `{"specversion":"1.0","id":"2","source":"/s","type":"plumbline.correct.v1","time":"2026-11-01T09:30:00Z","data":{"source":"/s","id":"1","person":"u-17","kind":"pulse","data":{"wave":"w1","role":"ic","person":"u-17","confidence":4}}}`
	first, second := seal(t, answer), seal(t, correction)
	person := first.Event.Data.Shared().Person
	if got := second.Event.Data.Shared().Person; got != person || bytes.Contains(second.Data, []byte(newSealer().Person("default", "u-17"))) {
		t.Errorf("who corrects the answer is %q, who has given it %q: %s", got, person, second.Data)
	}
	for raw, pointer := range map[string]string{answer: "/data/wave", correction: "/data/data/wave"} {
		e := parse(t, raw)
		if waves := event.WavesOf(e); len(waves) != 1 || waves[0] != "w1" {
			t.Errorf("its waves are %v", waves)
		}
		if _, err := event.NewSealer([]byte("s")).Seal(e); !errors.Is(err, event.ErrWaveUnopened) {
			t.Errorf("without waves: %v", err)
		}
		_, err := newSealer().With(shut{}).Seal(e)
		var p event.Problem
		if !errors.As(err, &p) || p.Code != event.CodeWaveClosed || p.Pointer != pointer {
			t.Errorf("closed: %v, want it at %s", err, pointer)
		}
	}
	if waves := event.WavesOf(parse(t, hours(`{"doing_minutes":1}`))); waves != nil {
		t.Errorf("hours are of the waves %v", waves)
	}
}

// No raw person id is in the sealed bytes, wherever persons can stand.
func TestPersonsNeverAppearInSealedBytes(t *testing.T) {
	shapes := []struct{ kind, data string }{
		{"hours_saved", `{"doing_minutes":1,"person":%[1]q}`},
		{"vendor_spend", `{"vendor":"V","category":"media","billed_cost":"1","currency":"EUR","person":%[1]q}`},
		{"conversion", `{"experiment":"E","variant":"V","exposures":1,"person":%[1]q}`},
		{"pipeline", `{"deal":"D","status":"open","person":%[1]q}`},
		{"review", `{"asset":"A","reviewer":"brand","submitted_at":"2026-11-01T09:30:00Z","person":%[1]q}`},
		{"pulse", `{"wave":"W","role":"ic","confidence":1,"person":%[1]q}`},
		{"training", `{"course":"C","person":%[1]q}`},
		{"barrier", `{"barrier":"B","category":"other","person":%[1]q,"owner":%[1]q}`},
		{"void", `{"source":"S","id":"I","person":%[1]q}`},
		{"correct", `{"source":"S","id":"I","person":%[1]q,"kind":"barrier","data":{"barrier":"B","category":"other","person":%[1]q,"owner":%[1]q}}`},
		{"correct", `{"source":"S","id":"I","person":%[1]q,"kind":"pulse","data":{"wave":"W","role":"ic","confidence":1,"person":%[1]q}}`},
	}
	rapid.Check(t, func(rt *rapid.T) {
		person := rapid.StringMatching(`[g-z]{4}[A-Z0-9]{6}(@[a-z]{3}\.[a-z]{2})?`).Draw(rt, "person")
		shape := rapid.SampledFrom(shapes).Draw(rt, "shape")
		raw := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.%s.v1","time":"2026-11-01T09:30:00Z","data":%s}`, shape.kind, fmt.Sprintf(shape.data, person))
		s := seal(t, raw)
		_, headers, value := s.Message()
		for _, h := range headers {
			value = append(bytes.Clone(value), h.Value...)
		}
		if bytes.Contains(bytes.ToLower(value), []byte(strings.ToLower(person))) {
			rt.Fatalf("%s is in %s", person, value)
		}
		if text := fmt.Sprintf("%+v", s.Event.Data); strings.Contains(text, person) {
			rt.Fatalf("%s is in %s", person, text)
		}
	})
}

func TestSealRefusesWhatIsNoEvent(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, e := range map[string]event.Event{
		"no data":       {Kind: event.KindVoid, Time: at},
		"another kind":  {Kind: event.KindVoid, Time: at, Data: new(event.Training)},
		"bad target":    {Kind: event.KindCorrect, Time: at, Data: &event.Correct{Target: event.KindVoid}},
		"invalid UTF-8": {Kind: event.KindTraining, Time: at, Data: &event.Training{Course: "\xff"}},
	} {
		if _, err := newSealer().Seal(e); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

// An event built in Go is not normalised yet: sealing normalises a copy, down to the touches.
func TestSealDoesNotNormaliseTheCallersEvent(t *testing.T) {
	deal := &event.Pipeline{Deal: "D", Status: "open", Touches: event.Touches{{Workflow: "w"}}}
	if _, err := newSealer().Seal(event.Event{Kind: event.KindPipeline, Time: clock(), Data: deal}); err != nil {
		t.Fatal(err)
	}
	if deal.Sequence != nil || deal.Evidence != "" || deal.Touches[0].Role != "" {
		t.Errorf("sealing wrote defaults into %+v", deal)
	}
}
