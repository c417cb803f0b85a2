package event_test

import (
	"bytes"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
)

// checkProblems fails where a refusal does not say where and why.
func checkProblems(t *testing.T, problems []event.Problem) {
	t.Helper()
	for _, p := range problems {
		if p.Code == "" || p.Message == "" || p.Pointer != "" && !strings.HasPrefix(p.Pointer, "/") {
			t.Errorf("a problem that says nothing: %+v", p)
		}
		if len(p.Message) > 1024 {
			t.Errorf("a message of %d bytes: %.80s", len(p.Message), p.Message)
		}
	}
}

// An event that is taken in the binary mode is the same one in the structured mode, where the schema takes it too; one
// that is not says where and why.
func FuzzBinary(f *testing.F) {
	for _, e := range examples(f) {
		var doc struct {
			ID, Source, Type, Time, Subject string
			Data                            jsontext.Value
		}
		if !e.valid || json.Unmarshal(e.raw, &doc) != nil {
			continue
		}
		f.Add(doc.ID, doc.Source, doc.Type, doc.Time, "subject", doc.Subject, []byte(doc.Data))
	}
	f.Add("", "s", "plumbline.hours_saved.v1", "2026-11-01T09:30:00+02:00", "traceparent", "\xff", []byte(`{"doing_minutes":1}`))
	schema, parser := envelopeSchema(f), newParser()
	f.Fuzz(func(t *testing.T, id, source, typ, at, name, value string, data []byte) {
		if hugeExponent.Match(data) {
			return // an exponent too large for the reference validator
		}
		attributes := map[string]string{"specversion": "1.0", "id": id, "source": source, "type": typ, "time": at}
		if _, is := attributes[name]; !is {
			attributes[name] = value
		}
		e, problems := parser.Binary(attributes, data)
		checkProblems(t, problems)
		if len(problems) > 0 {
			return
		}
		raw, whole, err := event.StructuredOf(attributes, data)
		if err != nil || !whole {
			t.Fatalf("an event that was taken cannot be written: %v, %v", whole, err)
		}
		compare(t, schema, parser, raw)
		again, problems := parser.Structured(raw)
		if len(problems) > 0 || !reflect.DeepEqual(again, e) {
			t.Fatalf("structured it is\n%+v %+v\nwant\n%+v\n%s", again, problems, e, raw)
		}
	})
}

// Data that is taken is written in a canonical form, which reads as the same data and is written the same once more.
func FuzzData(f *testing.F) {
	for _, e := range examples(f) {
		var doc struct {
			Type string
			Data jsontext.Value
		}
		if json.Unmarshal(e.raw, &doc) == nil {
			f.Add(strings.TrimSuffix(strings.TrimPrefix(doc.Type, "plumbline."), ".v1"), []byte(doc.Data))
		}
	}
	parser := newParser()
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		d, problems := parser.Data(event.Kind(kind), data)
		checkProblems(t, problems)
		if len(problems) > 0 {
			return
		}
		d.Normalise()
		first, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("data that was taken cannot be written: %v", err)
		}
		again, problems := parser.Data(event.Kind(kind), first)
		if len(problems) > 0 {
			t.Fatalf("%s was taken, its own form %s is not: %+v", data, first, problems)
		}
		again.Normalise()
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s becomes %s, %v", first, second, err)
		}
	})
}

// Copies of an event have one identity and one payload hash, whatever its spelling: that of the structured form.
func FuzzSealIsOfTheMeaning(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.raw)
	}
	parser, sealer := newParser(), eventtest.NewSealer([]byte("a secret of the fuzz tests, long enough"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, problems := parser.Structured(raw)
		if len(problems) > 0 {
			return
		}
		form := formOf(t, e)
		copied, problems := parser.Structured(form)
		if len(problems) > 0 {
			t.Fatalf("its own form is refused: %+v", problems)
		}
		e.Workspace, copied.Workspace = "w", "w" // from the key
		one, err1 := sealer.Seal(e)
		other, err2 := sealer.Seal(copied)
		if err1 != nil || err2 != nil {
			t.Fatalf("seal: %v, %v", err1, err2)
		}
		if one.Identity != other.Identity || one.Payload != other.Payload {
			t.Fatalf("%s and %s are two events", raw, form)
		}
		// And the log carries it unchanged.
		key, headers, value := one.Message()
		stored, err := event.FromMessage(3, 7, clock(), key, headers, value)
		if err != nil || stored.Identity != one.Identity || stored.Payload != one.Payload || !stored.Time.Equal(one.Time) {
			t.Fatalf("from the log: %+v, %v", stored, err)
		}
	})
}

// formOf writes an event anew.
func formOf(t *testing.T, e event.Event) []byte {
	t.Helper()
	data, err := json.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{
		"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Kind.Type(), "time": e.Time.Format(event.TimeForm),
	}
	if e.Subject != "" {
		attributes["subject"] = e.Subject
	}
	if e.DataSchema != "" {
		attributes["dataschema"] = e.DataSchema
	}
	maps.Copy(attributes, e.Extensions)
	raw, whole, err := event.StructuredOf(attributes, data)
	if err != nil || !whole {
		t.Fatalf("an event that was taken cannot be written: %v, %v", whole, err)
	}
	return raw
}

// A day is taken exactly where it has the form of the schema and exists in the calendar.
func FuzzDayIsItsPattern(f *testing.F) {
	for _, s := range []string{"2026-02-29", "2024-02-29", "1899-12-31", "1900-01-01", "2200-12-31", "2201-01-01", "2026-1-01", "٢026-01-01", "2026-13-01", ""} {
		f.Add(s)
	}
	pattern := regexp.MustCompile(event.DayPattern)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := event.ParseDay(s)
		_, calendar := time.Parse(time.DateOnly, s)
		if (err == nil) != (pattern.MatchString(s) && calendar == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && d.String() != s {
			t.Fatalf("%q is written as %s", s, d)
		}
	})
}

// A receipt is taken exactly where it is written like one.
func FuzzReceipt(f *testing.F) {
	for _, s := range []string{"0:0", "11:9223372036854775807", "65536:1", "0:-1", "01:1", "1:", ":1", "1:1:1", "+1:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := event.ParseReceipt(s)
		if err != nil {
			return
		}
		if r.String() != s || r.Partition < 0 || r.Partition > 1<<16-1 || r.Offset < 0 || strings.Trim(s, "0123456789:") != "" {
			t.Errorf("%q is taken as %+v", s, r)
		}
		if strings.Count(s, ":") != 1 {
			t.Errorf("%q has not one colon", s)
		}
	})
}
