package connections_test

import (
	"errors"
	"testing"
	"time"

	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

var at = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

// snapshot is a registry with one connection, crm.
func snapshot(value string) *registry.Snapshot {
	return registry.NewSnapshot([]registry.Record{{
		Workspace: "w", Kind: registry.Connections, Key: "crm", EntryID: "1", Value: []byte(value), ValidFrom: at, RecordedAt: at,
	}})
}

// A connection holds from its date on; Segment's default needs none.
func TestOf(t *testing.T) {
	s := snapshot(`{"via":"webhook"}`)
	for _, test := range []struct {
		via, key string
		at       time.Time
		want     error
	}{
		{registry.ViaWebhook, "crm", at, nil},
		{registry.ViaWebhook, "crm", at.Add(-time.Second), connections.ErrUnknown},
		{registry.ViaSegment, "crm", at, connections.ErrUnknown},
		{registry.ViaWebhook, "other", at, connections.ErrUnknown},
		{registry.ViaSegment, "other", at, nil},
	} {
		if held, err := connections.Of(s, test.via, test.key, test.at); !errors.Is(err, test.want) || err == nil && held.Calls == nil {
			t.Errorf("%s %s: %v, want %v", test.via, test.key, err, test.want)
		}
	}
	if _, err := connections.Of(snapshot(`{"via":"webhook","active":false}`), registry.ViaWebhook, "crm", at); !errors.Is(err, connections.ErrInactive) {
		t.Errorf("inactive: %v", err)
	}
}

// A webhook's call keeps the name that its first content gave it, whatever a fix makes of it: two fixes are two versions of one event, and
// not two events.
func TestNameSurvivesAFix(t *testing.T) {
	s := snapshot(`{"via":"webhook","events":[{"kind":"training","time":{"column":"@received"},"fields":{"course":{"column":"name"}}}]}`)
	first := connections.HookArrival("/hooks/crm", "00112233445566778899aabbccddeeff", at, []byte(`{"name":"a"}`))
	second := first
	second.Data = []byte(`{"name":"b"}`)
	for _, a := range []connections.Arrival{first, second} {
		raw, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, ok := connections.Decode(raw)
		if !ok {
			t.Fatalf("%s is no call", raw)
		}
		e, problems := connections.Again(event.NewParser(time.Now), s, back, at)
		if len(problems) > 0 || e.ID != first.CallID || !e.Time.Equal(at) {
			t.Errorf("%+v %v", e, problems)
		}
	}
}

// Whatever a reject holds, it becomes an event or problems, and never both.
func FuzzAgain(f *testing.F) {
	good, err := connections.SegmentArrival("/segment/x", "track", "m", at, at, []byte(`{"event":"Signed Up","properties":{"experiment_id":"x","variation_id":"b"}}`)).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"type":"segment.page","source":"/segment/","data":{}}`))
	f.Add([]byte(`{"type":"webhook.call","source":"/hooks/crm","callid":"zz","data":[]}`))
	s, parser := snapshot(`{"via":"webhook","events":[{"kind":"training","time":{"column":"t"},"fields":{"course":{"column":"c"}}}]}`), event.NewParser(time.Now)
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := connections.Decode(raw)
		if !ok {
			return
		}
		e, problems := connections.Again(parser, s, a, at)
		if len(problems) == 0 && (e.Data == nil || e.ID == "") {
			t.Errorf("neither an event nor a problem: %+v", e)
		}
	})
}
