package collector

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/warehouse"
)

// checkProblems fails where a refusal does not say where and why.
func checkProblems(t *testing.T, problems []event.Problem) {
	t.Helper()
	for _, p := range problems {
		if p.Code == "" || p.Message == "" || p.Pointer != "" && !strings.HasPrefix(p.Pointer, "/") {
			t.Errorf("a problem that says nothing: %+v", p)
		}
	}
}

// What a header carries encoded, as the binding says, reads as what it was; nothing reads longer than it came.
func FuzzDecodeHeader(f *testing.F) {
	for _, s := range []string{"plain", "Euro € 😀", `"quoted"`, "100%", `"`, `\`, "%zz", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := decodeHeader(s); len(got) > len(s) {
			t.Errorf("%q reads as %q, which is longer", s, got)
		}
		if got := decodeHeader(url.PathEscape(s)); got != s && !strings.HasPrefix(url.PathEscape(s), `"`) {
			t.Errorf("%q was encoded and reads as %q", s, got)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(url.PathEscape(s)) + `"`
		if got := decodeHeader(quoted); got != s {
			t.Errorf("%q was encoded and quoted and reads as %q", s, got)
		}
	})
}

// Whatever the headers of a request are: a mode is one of the four, attributes have small letters, and neither data nor its
// type comes in by a header of its own.
func FuzzAttributes(f *testing.F) {
	f.Add("Ce-Id", "1", "Ce-Source", "s", "application/json")
	f.Add("ce-data", "{}", "CE-DataContentType", "x", "application/cloudevents+json; charset=latin1")
	f.Add("Ce-Id", "1", "Ce-Id", "2", "application/cloudevents-batch+json")
	f.Fuzz(func(t *testing.T, name, value, name2, value2, contentType string) {
		h := http.Header{"Content-Type": {contentType}}
		for _, pair := range [][2]string{{name, value}, {name2, value2}} {
			key := textproto.CanonicalMIMEHeaderKey(pair[0])
			if key == "Content-Type" {
				return
			}
			h[key] = append(h[key], pair[1])
		}
		if m := modeOf(h); m < modeNone || m > modeBinary {
			t.Errorf("mode %d", m)
		}
		got, problems := attributes(h)
		checkProblems(t, problems)
		if got["datacontenttype"] != contentType {
			t.Errorf("the type of the data is %q, want %q", got["datacontenttype"], contentType)
		}
		if _, has := got["data"]; has {
			t.Error("a header gave the data")
		}
		for attr := range got {
			if attr != strings.ToLower(attr) {
				t.Errorf("attribute %q", attr)
			}
		}
	})
}

// Whatever stands in the inbox becomes an event of a known workspace, which is the same in the structured mode, or a
// reject that fits into a message and keeps the names of the event readable.
func FuzzGate(f *testing.F) {
	f.Add("content-type", "application/cloudevents+json", "x", "y", []byte(`{"specversion":"1.0","id":"1","source":"s","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:30:00Z","workspace":"default","data":{"doing_minutes":1}}`))
	f.Add("ce_type", "plumbline.hours_saved.v1", "ce_id", "\xff\x00", []byte(`{"doing_minutes":1}`))
	f.Add("CONTENT-TYPE", "application/cloudevents-batch+json", "content-type", "application/json", []byte(`[]`))
	f.Add("", "", "", "", []byte(nil))
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	g := &gate{
		parser: event.NewParser(func() time.Time { return now }), seals: &seals{sealer: eventtest.NewSealer([]byte("a secret of the fuzz tests, long enough")), log: slog.New(slog.DiscardHandler)},
		home: "default", workspaces: map[string]bool{"default": true},
	}
	base := []kafka.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_source", Value: []byte("s")},
		{Key: "ce_time", Value: []byte("2026-11-01T09:30:00Z")},
		{Key: "ce_workspace", Value: []byte("default")},
	}
	f.Fuzz(func(t *testing.T, name, value, name2, value2 string, body []byte) {
		m := kafka.Message{Partition: 1, Offset: 2, Time: now, Value: body, Headers: append(
			append([]kafka.Header(nil), base...), kafka.Header{Key: name, Value: []byte(value)}, kafka.Header{Key: name2, Value: []byte(value2)},
		)}
		e, from, problems := g.read(&m)
		if len(problems) == 0 {
			problems = g.enter(&e)
		}
		checkProblems(t, problems)
		if len(problems) > 0 {
			d := &delivery{}
			g.reject(d, &m, g.keeper(e), e, from, problems[0])
			checkReject(t, d.rejects[0])
			return
		}
		if !g.workspaces[e.Workspace] {
			t.Fatalf("an event of the workspace %q was taken", e.Workspace)
		}
		// What is kept of it, should the log refuse it, is the same event.
		raw, contentType := from.structured()
		again, problems := g.parser.Structured(raw)
		if len(problems) == 0 {
			problems = g.enter(&again)
		}
		if contentType != typeStructured || len(problems) > 0 || !reflect.DeepEqual(again, e) {
			t.Fatalf("structured (%s) it is %+v %+v, want %+v", contentType, again, problems, e)
		}
		if _, problem, err := g.seals.seal(t.Context(), e); problem != nil || err != nil {
			t.Fatalf("seal: %v %v", problem, err)
		}
	})
}

// checkReject checks that a reject travels: the loader, which takes no text that is no UTF-8, can read it.
func checkReject(t *testing.T, r warehouse.Reject) {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil || len(raw) > bus.MaxMessageBytes {
		t.Fatalf("a reject of %d bytes: %v", len(raw), err)
	}
	var back warehouse.Reject
	if err := jsonv2.Unmarshal(raw, &back); err != nil {
		t.Fatalf("the loader cannot read the reject %s: %v", raw, err)
	}
	for _, text := range []string{back.Workspace, back.RejectID, back.Source, back.ID, back.Type, back.Code, back.Pointer, back.Message, back.ContentType} {
		if len(text) > 3*4096 {
			t.Errorf("a reject says %.100q…, %d bytes", text, len(text))
		}
	}
	if back.Workspace == "" || back.Code == "" || !bytes.Equal(back.Raw, r.Raw) {
		t.Errorf("a reject of nobody, or of other bytes: %+v", back)
	}
}

// Questions after events are answered one by one, or refused with a pointer.
func FuzzQuestions(f *testing.F) {
	f.Add([]byte(`[{"source":"s","id":"1","receipt":"0:1"},{"source":"s","id":"2"}]`))
	f.Add([]byte(`[{"source":"s","id":"1","receipt":"x"}]`))
	f.Add([]byte(`[{"source":"forbidden","id":"1"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var refs []ref
		if json.Unmarshal(body, &refs) != nil {
			return
		}
		out, problem := questions(access.Key{Workspace: "w", Sources: []string{"s"}}, refs)
		if problem != nil {
			checkProblems(t, []event.Problem{*problem})
			return
		}
		for i, q := range out {
			if q.Source != "s" || q.ID != refs[i].ID || (q.Receipt == nil) != (refs[i].Receipt == "") {
				t.Errorf("%+v became %+v", refs[i], q)
			}
		}
	})
}

// Whatever a request for an import says: it names a mapping that can be used, or is told what to change.
func FuzzImportQuery(f *testing.F) {
	for _, q := range []string{"mapping=focus", "kind=review&source=x", "mapping=../calls/segment", "mapping=ga4&set=exposure_event%3Dx", "mapping=focus&set=a", "kind=void&source=%00"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		m, err := mappingOf(q)
		if (m == nil) == (err == nil) || err != nil && err.Error() == "" {
			t.Fatalf("%v, %v", m, err)
		}
		if err == nil && m.Name == "" {
			t.Error("a mapping without a name")
		}
	})
}
