package event_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
)

func TestMessageRoundTrip(t *testing.T) {
	appended := time.Date(2026, 11, 15, 12, 0, 0, 123_456_789, time.UTC)
	for _, e := range examples(t) {
		if !e.valid {
			continue
		}
		s := seal(t, string(e.raw))
		s.Receive = "01932a3e-0000-7000-8000-000000000000"
		key, headers, value := s.Message()
		got, err := event.FromMessage(3, 17, appended, key, headers, value)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		want := event.Stored{
			Event: s.Event, Identity: s.Identity, Payload: s.Payload,
			Receipt: event.Receipt{Partition: 3, Offset: 17}, ReceivedAt: appended.Truncate(time.Millisecond),
		}
		if a, b := columnsOf(got.Data), columnsOf(want.Data); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: data came back as\n%v, not\n%v", e.name, a, b)
		}
		got.Data, want.Data = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: came back as\n%+v, not\n%+v", e.name, got, want)
		}
	}
}

func columnsOf(d event.Data) map[string]any {
	out := map[string]any{}
	for _, c := range event.Columns(d.Kind()) {
		out[c.Name] = plain(c.Value(d))
	}
	return out
}

func TestHeadersFollowTheKafkaBinding(t *testing.T) {
	s := seal(t, `{"specversion":"1.0","id":"i","source":"/s","type":"plumbline.training.v1","time":"2026-11-01T10:30:00+01:00","subject":"x","b":"2","a":true,"data":{"course":"c"}}`)
	key, headers, value := s.Message()
	var got []string
	for _, h := range headers {
		v := string(h.Value)
		if h.Key == event.HeaderPayload {
			v = "16 bytes"
		}
		got = append(got, h.Key+"="+v)
	}
	want := []string{
		"ce_specversion=1.0", "ce_id=i", "ce_source=/s", "ce_type=plumbline.training.v1", "ce_time=2026-11-01T09:30:00.000Z", "ce_subject=x",
		"ce_a=true", "ce_b=2", "content-type=application/json", "plumbline_workspace=default", "plumbline_payload=16 bytes",
	}
	if !slices.Equal(got, want) {
		t.Errorf("headers are\n%q, want\n%q", got, want)
	}
	if id := event.IdentityOf("default", "/s", "i"); !bytes.Equal(key, id[:]) {
		t.Errorf("the key is %x, want %x", key, id)
	}
	if want := `{"completed":false,"course":"c","evidence":"self_reported","purpose":"training"}`; string(value) != want {
		t.Errorf("the value is %s, want %s", value, want)
	}
}

func TestFromMessageRefuses(t *testing.T) {
	s := seal(t, hours(`{"doing_minutes":1}`))
	key, headers, value := s.Message()
	without := func(name string) []event.Header {
		return slices.DeleteFunc(slices.Clone(headers), func(h event.Header) bool { return h.Key == name })
	}
	with := func(name, v string) []event.Header {
		return append(without(name), event.Header{Key: name, Value: []byte(v)})
	}
	for name, m := range map[string]struct {
		key     []byte
		headers []event.Header
		value   []byte
	}{
		"another key":      {bytes.Repeat([]byte{1}, 16), headers, value},
		"a long key":       {bytes.Repeat([]byte{1}, 99), headers, value},
		"no key":           {nil, headers, value},
		"no headers":       {key, nil, value},
		"no id":            {key, without(event.HeaderID), value},
		"no workspace":     {key, without(event.HeaderWorkspace), value},
		"other workspace":  {key, with(event.HeaderWorkspace, "w"), value},
		"no type":          {key, without(event.HeaderType), value},
		"foreign type":     {key, with(event.HeaderType, "com.example"), value},
		"no time":          {key, without(event.HeaderTime), value},
		"bad time":         {key, with(event.HeaderTime, "now"), value},
		"no payload hash":  {key, without(event.HeaderPayload), value},
		"short hash":       {key, with(event.HeaderPayload, "x"), value},
		"old specversion":  {key, with(event.HeaderVersion, "0.3"), value},
		"no value":         {key, headers, nil},
		"value of a newer": {key, headers, []byte(`{"doing_minutes":1,"new_field":1}`)},
		"value no JSON":    {key, headers, []byte(`{`)},
	} {
		_, err := event.FromMessage(0, 0, clock(), m.key, m.headers, m.value)
		var p event.Problem
		if !errors.As(err, &p) || p.Code != event.CodeUndecodable {
			t.Errorf("%s: %v, want %s", name, err, event.CodeUndecodable)
		}
	}
}

func FuzzFromMessage(f *testing.F) {
	s := seal(f, hours(`{"doing_minutes":1}`))
	key, headers, value := s.Message()
	f.Add(key, "ce_x", []byte("1"), value)
	f.Fuzz(func(t *testing.T, key []byte, name string, v, value []byte) {
		got, err := event.FromMessage(0, 0, clock(), key, append(slices.Clone(headers), event.Header{Key: name, Value: v}), value)
		if err == nil && got.Data == nil {
			t.Error("no data and no error")
		}
	})
}
