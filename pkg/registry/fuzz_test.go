package registry_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/registry"
)

// A body that is taken is the value of an entry that decodes, and travels unchanged; one that is not says where and why.
func FuzzBody(f *testing.F) {
	for kind, body := range map[registry.Kind]string{
		registry.Workflows: `{"valid_from":"2026-01-01","name":"Brief","baseline":{"low":50,"mode":60,"high":70}}`,
		registry.Teams:     `{"valid_from":"2026-01-01T00:00:00+02:00","name":"Content","entry_id":"x"}`,
		registry.FX:        `{"valid_from":"2026-01-01","rate":"1.1"}`,
		registry.Calendar:  `{"valid_from":"2026-01-01","zone":"Europe/Berlin"}`,
		"nonsense":         `{"valid_from":"2026-01-01"}`,
	} {
		f.Add(string(kind), "key", []byte(body))
	}
	f.Add("fx", "EUR-USD", []byte(`{"valid_from":"2026-01-01","rate":1e400}`))
	f.Fuzz(func(t *testing.T, kind, key string, raw []byte) {
		r, problems := registry.Body(registry.Kind(kind), key, raw, time.UTC)
		for _, p := range problems {
			if p.Code == "" || p.Message == "" || p.Pointer != "" && !strings.HasPrefix(p.Pointer, "/") {
				t.Errorf("a problem that says nothing: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		first, problems := registry.Decode(r.Kind, r.Key, r.Value)
		if len(problems) > 0 {
			t.Fatalf("%s was taken, its value %s is not: %+v", raw, r.Value, problems)
		}
		r.Workspace, r.EntryID, r.RecordedAt = "w", "e", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		messageKey, value, err := r.Message()
		if err != nil {
			t.Fatalf("an entry that was taken cannot be written: %v", err)
		}
		back, err := registry.FromMessage(messageKey, value)
		if err != nil || back.Key != key || !back.ValidFrom.Equal(r.ValidFrom) {
			t.Fatalf("from the log: %+v, %v; want %+v", back, err, r)
		}
		second, problems := registry.Decode(back.Kind, back.Key, back.Value)
		if len(problems) > 0 || !reflect.DeepEqual(first, second) {
			t.Fatalf("from the log it is %+v %+v, want %+v", second, problems, first)
		}
	})
}
