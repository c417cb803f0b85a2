package event

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRawMessageComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := RawMessage{
			Key: rapid.SliceOf(rapid.Byte()).Draw(t, "key"), Value: rapid.SliceOf(rapid.Byte()).Draw(t, "value"),
			Headers: rapid.SliceOf(rapid.Custom(func(t *rapid.T) RawHeader {
				return RawHeader{rapid.String().Draw(t, "name"), rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
			})).Draw(t, "headers"),
		}
		raw, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeRawMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Key, m.Key) || !bytes.Equal(got.Value, m.Value) || len(got.Headers) != len(m.Headers) {
			t.Fatalf("got %+v, want %+v", got, m)
		}
		for i, h := range m.Headers {
			if got.Headers[i].Key != h.Key || !bytes.Equal(got.Headers[i].Value, h.Value) {
				t.Fatalf("header %d: got %+v, want %+v", i, got.Headers[i], h)
			}
		}
	})
	if _, err := (RawMessage{Headers: []RawHeader{{"\xff", nil}}}).Encode(); err != nil {
		t.Errorf("a header whose name is no UTF-8: %v", err)
	}
}

// Both modes of the Kafka binding and their structured form are one event.
func TestMessageReadsBothModes(t *testing.T) {
	p := NewParser(func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
	const data = `{"workflow":"blog","doing_minutes":30}`
	binary := NewRawMessage(nil, []Header{
		{"ce_specversion", []byte("1.0")},
		{"ce_id", []byte("a")},
		{"ce_source", []byte("s")},
		{"ce_type", []byte("plumbline.hours_saved.v1")},
		{"ce_time", []byte("2026-11-01T09:00:00Z")},
		{"ce_workspace", []byte("w")},
		{"ce_trace", []byte("t")},
		{"content-type", []byte("application/json")},
	}, []byte(data))
	structured := NewRawMessage(nil, []Header{{"content-type", []byte("application/cloudevents+json; charset=utf-8")}},
		[]byte(`{"specversion":"1.0","id":"a","source":"s","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:00:00Z","workspace":"w","trace":"t","data":`+data+`}`))
	want, problems := p.Message(structured)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if want.Extensions[ExtensionWorkspace] != "w" || want.Extensions["trace"] != "t" {
		t.Errorf("extensions %v", want.Extensions)
	}
	got, problems := p.Message(binary)
	if len(problems) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("binary: %+v %v, want %+v", got, problems, want)
	}
	again, err := binary.Structured()
	if err != nil {
		t.Fatal(err)
	}
	if got, problems = p.Structured(again); len(problems) > 0 || got.ID != "a" || !reflect.DeepEqual(got.Data, want.Data) {
		t.Errorf("structured form %s: %+v %v", again, got, problems)
	}
	if !binary.IsEvent() || !structured.IsEvent() || (RawMessage{Value: []byte(`{}`)}).IsEvent() {
		t.Error("which messages say that they are events")
	}
}

func TestPeekReadsWhatItCan(t *testing.T) {
	for raw, want := range map[string][3]string{
		`{"id":"a","source":"s","type":"x"}`:                    {"s", "a", "x"},
		`{"source":"s","data":{"a":[1,{"id":"no"}]},"type":"x"`: {"s", "", "x"},
		`{"id":1,"source":"s","source":"t","type":null}`:        {"t", "", ""},
		`{"id":"a","data":{"broken`:                             {"", "a", ""},
		`[{"id":"a"}]`:                                          {"", "", ""},
		``:                                                      {"", "", ""},
		"{\"id\":\"a\xff\",\"type\":\"x\"}":                     {"", "a\uFFFD", "x"},
	} {
		source, id, typ := Peek([]byte(raw))
		if got := [3]string{source, id, typ}; got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func FuzzRawMessage(f *testing.F) {
	f.Add([]byte(`{"key":"aw==","headers":[{"key":"ce_id","value":"YQ=="}],"value":"e30="}`))
	f.Add([]byte(`{"headers":[{"key":"content-type","value":"YXBwbGljYXRpb24vY2xvdWRldmVudHMranNvbg=="}],"value":"e30="}`))
	p := NewParser(time.Now)
	f.Fuzz(func(t *testing.T, raw []byte) {
		Peek(raw)
		m, err := DecodeRawMessage(raw)
		if err != nil {
			return
		}
		if e, problems := p.Message(m); len(problems) == 0 && (e.Data == nil || e.ID == "") {
			t.Fatalf("taken without data or id: %+v", e)
		}
		if structured, err := m.Structured(); err == nil && !m.IsStructured() {
			p.Structured(structured)
		}
	})
}
