package registry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

func erasure() registry.Erasure {
	return registry.Erasure{
		Workspace: "w", Person: event.PersonDigest("w", "p0123456789abcdef01234567"), Pseudonym: "pfedcba987654321076543210", IDBytes: 15,
		ErasureID: "e", RequestedAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), RequestedBy: "admin", Reason: "asked", SealCheck: "x",
	}
}

func TestErasureRoundTrip(t *testing.T) {
	want := erasure()
	key, value, err := want.Message()
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := registry.ErasureFromMessage(key, value)
	if err != nil || !ok || got != want {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if _, _, err := registry.ErasureFromMessage(append(key, 'x'), value); !errors.Is(err, registry.ErrMessage) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := registry.FromMessage(key, value); err == nil {
		t.Error("an erasure was taken for an entry")
	}
	key, value, err = record(registry.Teams, "a", "2026-01-01", "2026-01-01", "1", `{}`).Message()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := registry.ErasureFromMessage(key, value); ok || err != nil {
		t.Errorf("an entry was taken for an erasure: %v", err)
	}
	if registry.Known(registry.Erasures) {
		t.Error("erasures are a kind of entries")
	}
}

func FuzzErasureFromMessage(f *testing.F) {
	key, value, err := erasure().Message()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, value)
	f.Add([]byte(nil), []byte(`{"kind":"erasures"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, ok, err := registry.ErasureFromMessage(key, value)
		if err != nil || !ok {
			return
		}
		again, _, err := e.Message()
		if err != nil || string(again) != string(key) {
			t.Errorf("a decoded erasure does not encode to its key: %v", err)
		}
	})
}

// A record of an erased person is another one under the pseudonym, the same whoever makes it, and is itself renamed no more.
func TestRenamed(t *testing.T) {
	sealer := event.NewSealer([]byte("a secret of the tests"))
	hash := sealer.Person("default", "ann@example.com")
	k := sealer.Seeker("default", []int{15}, func(p string) (string, bool) { return "pseudonym", p == hash })
	person := record(registry.People, hash, "2026-01-01", "2026-02-01", "1", `{"role":"ic"}`)
	person.Author = hash
	workflow := record(registry.Workflows, "w", "2026-01-01", "2026-02-01", "2", `{"name":"by Ann@Example.com","owner":"ann@example.com","baseline":{"low":1.50,"mode":2,"high":3}}`)
	// Without the address the digest is one still: an entry that did not decode would hold up the topic.
	digest := record(registry.Digests, "weekly", "2026-01-01", "2026-02-01", "5", `{"weekday":"monday","hour":6,"recipients":["ann@example.com","bob@example.com"]}`)
	mailed := sealer.Seeker("default", []int{15}, func(p string) (string, bool) { return hash, p == hash })
	got, changed, err := digest.Renamed(mailed)
	if _, problems := registry.Decode(got.Kind, got.Key, got.Value); err != nil || !changed || len(problems) > 0 || strings.Contains(string(got.Value), "ann@") {
		t.Errorf("%s, %v, %v", got.Value, problems, err)
	}
	for _, c := range []struct{ before, want registry.Record }{
		{person, registry.Record{Key: "pseudonym", Author: "pseudonym", Value: []byte(`{"role":"ic"}`)}},
		{workflow, registry.Record{Key: "w", Author: "admin", Value: []byte(`{"name":"by pseudonym","owner":"pseudonym","baseline":{"low":1.50,"mode":2,"high":3}}`)}},
		{record(registry.People, hash, "2026-01-01", "2026-02-01", "3", ""), registry.Record{Key: "pseudonym", Author: "admin"}},
	} {
		got, changed, err := c.before.Renamed(k)
		if err != nil || !changed || got.Key != c.want.Key || got.Author != c.want.Author || string(got.Value) != string(c.want.Value) ||
			got.EntryID == c.before.EntryID || !got.ValidFrom.Equal(c.before.ValidFrom) || !got.RecordedAt.Equal(c.before.RecordedAt) {
			t.Errorf("%+v became %+v, %v, %v", c.before, got, changed, err)
		}
		if same, _, _ := c.before.Renamed(k); same.EntryID != got.EntryID {
			t.Error("renamed twice it has two ids")
		}
		if _, again, err := got.Renamed(k); again || err != nil {
			t.Errorf("%+v is renamed again: %v", got, err)
		}
	}
	other := record(registry.People, sealer.Person("default", "bob"), "2026-01-01", "2026-02-01", "4", `{"role":"ic"}`)
	if got, changed, err := other.Renamed(k); changed || err != nil || got.EntryID != other.EntryID {
		t.Errorf("another person is renamed: %+v, %v", got, err)
	}
}
