package registry_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

const (
	raised   = `{"dispute":"d","action":"raise","workflow":"post","text":"it takes an hour","direction":"too_high","from":"2026-02-01","disputed":{"source":"declared","value":"120","unit":"min/unit"}}`
	rejected = `{"dispute":"d","action":"reject","text":"time sheets say so","by":"owner"}`
	accepted = `{"dispute":"d","action":"accept","by":"administrator","from":"2026-02-01","accepted":{"low":50,"mode":60,"high":70},
		"versions":[{"valid_from":"2026-02-01T00:00:00Z","value":{"name":"Post","owner":"ann@example.com","baseline":{"low":50,"mode":60,"high":70}}}]}`
)

// said is a step of a dispute; it holds from when it was written.
func said(key, author, at, value string) registry.Record {
	r := record(registry.Disputes, key, at, at, "e-"+key, value)
	r.Author = author
	return r
}

func TestStepsOfADispute(t *testing.T) {
	for name, c := range map[string]struct{ key, raw, pointer string }{
		"raise":             {"d", raised, "none"},
		"accept":            {"x", accepted, "none"},
		"reject":            {"x", rejected, "none"},
		"words of erased":   {"x", `{"dispute":"d","action":"comment","erased":true}`, "none"},
		"of another key":    {"x", raised, "/dispute"},
		"not raised by it":  {"d", rejected, "/dispute"},
		"nothing said":      {"x", `{"dispute":"d","action":"comment"}`, "/text"},
		"nothing proposed":  {"d", strings.Replace(raised, `"direction":"too_high",`, "", 1), "/proposed"},
		"both":              {"d", strings.Replace(raised, `"from"`, `"proposed":{"low":1,"mode":2,"high":3},"from"`, 1), "/proposed"},
		"no minutes":        {"d", strings.Replace(raised, `"direction":"too_high"`, `"proposed":{"low":0,"mode":0,"high":3}`, 1), "/proposed"},
		"of nothing":        {"d", strings.Replace(raised, `"workflow":"post",`, "", 1), "/workflow"},
		"accepted for none": {"x", `{"dispute":"d","action":"accept","by":"owner"}`, "/versions"},
		"rejected by none":  {"x", `{"dispute":"d","action":"reject","text":"no"}`, "/by"},
		"a wrong version":   {"x", strings.Replace(accepted, `"name":"Post"`, `"title":"Post"`, 1), "/versions/title"},
		"a baseline aside":  {"x", strings.Replace(rejected, `"by"`, `"accepted":{"low":1,"mode":2,"high":3},"by"`, 1), "/versions"},
	} {
		_, problems := registry.Decode(registry.Disputes, c.key, []byte(c.raw))
		got := "none"
		if len(problems) > 0 {
			got = problems[0].Pointer
		}
		if got != c.pointer {
			t.Errorf("%s: %v, want %s", name, problems, c.pointer)
		}
	}
	if registry.Known(registry.Disputes) || slices.Contains(registry.Kinds(), registry.Disputes) {
		t.Error("the general endpoints know disputes")
	}
}

// What comes of the steps does not depend on the way they come, and the first that ends a dispute counts.
func TestDisputesFold(t *testing.T) {
	post := record(registry.Workflows, "post", "2026-01-01", "2026-01-01", "w", `{"name":"Post","baseline":{"low":100,"mode":120,"high":150}}`)
	support := func(key, author, at, action string) registry.Record {
		return said(key, author, at, `{"dispute":"d","action":"`+action+`"}`)
	}
	steps := []registry.Record{
		post, said("d", "ann", "2026-03-01", raised), said("c", "bob", "2026-03-02", `{"dispute":"d","action":"comment","text":"yes"}`),
		support("s1", "bob", "2026-03-03", "support"), support("s2", "eve", "2026-03-03", "support"), support("s3", "eve", "2026-03-04", "unsupport"),
		support("s4", "ann", "2026-03-04", "support"), // who raises it stands behind it already
		said("x", "admin", "2026-03-05", accepted), said("y", "dan", "2026-03-06", rejected), support("s5", "fay", "2026-03-07", "support"),
		said("l", "bob", "2026-03-08", `{"dispute":"d","action":"comment","text":"too late to know"}`),
		said("o", "bob", "2026-03-02", `{"dispute":"none","action":"comment","text":"of nothing"}`),
	}
	rapid.Check(t, func(t *rapid.T) {
		shuffled := append(rapid.Permutation(steps).Draw(t, "steps"), rapid.SampledFrom(steps).Draw(t, "again"))
		s := registry.NewSnapshot(shuffled)
		if again := registry.NewSnapshot(s.AsOf(instantOf("2027-01-01")).Since(time.Time{})); len(again.History(registry.Workflows, "post")) != 2 {
			t.Fatal("read again it is another")
		}
		d, ok := s.Dispute("d")
		if !ok || len(s.Disputes()) != 1 || d.State() != registry.DisputeAccepted || d.Outcome.Key != "x" || d.Workflow() != "post" || d.Version != "e-l" {
			t.Fatalf("%+v", d)
		}
		if !slices.Equal(d.Supporters, []string{"bob"}) || len(d.Comments) != 2 || d.Comments[0].Key != "c" {
			t.Fatalf("supported by %v, %d comments", d.Supporters, len(d.Comments))
		}
		// 120 minutes until February, 60 from the first of it.
		for at, want := range map[string]float64{"2026-01-31": 120, "2026-02-01": 60, "2026-12-01": 60} {
			w, _, ok := registry.Find[registry.Workflow](s, registry.Workflows, "post", instantOf(at))
			if !ok || w.Baseline.Mode.Float() != want {
				t.Fatalf("on %s the baseline is %+v, want %v", at, w, want)
			}
		}
	})
	// Before it was accepted, the baseline is what it was; and an assumption that holds always takes the place of it.
	s := registry.NewSnapshot(steps)
	if w, _, _ := registry.Find[registry.Workflow](s.AsOf(instantOf("2026-03-04")), registry.Workflows, "post", instantOf("2026-06-01")); w.Baseline.Mode.Float() != 120 {
		t.Errorf("before it was accepted: %v", w.Baseline.Mode)
	}
	assumed := registry.Record{Workspace: "w", Kind: registry.Workflows, Key: "post", RecordedAt: instantOf("2026-04-01"), EntryID: "what-if", Value: []byte(`{"baseline":{"low":1,"mode":2,"high":3}}`)}
	if w, _, _ := registry.Find[registry.Workflow](s.With([]registry.Record{assumed}), registry.Workflows, "post", instantOf("2026-06-01")); w.Baseline.Mode.Float() != 2 {
		t.Errorf("assumed: %v", w.Baseline.Mode)
	}
	for _, r := range s.Since(instantOf("2026-03-01")) {
		if r.Kind == registry.Disputes {
			t.Errorf("what was said in a dispute is told among the causes of a number: %+v", r)
		}
	}
}

func instantOf(day string) time.Time {
	d, err := event.ParseDay(day)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return d.Time
}

// A baseline changes from a day on: in the version that holds then, and in later ones that say the same of it.
func TestRebased(t *testing.T) {
	version := func(from, id, value string) registry.Record {
		return record(registry.Workflows, "post", from, "2026-01-01", id, value)
	}
	s := registry.NewSnapshot([]registry.Record{
		version("2026-01-01", "1", `{"name":"old","baseline":{"low":100,"mode":120,"high":150}}`),
		version("2026-04-01", "2", `{"name":"new owner","owner":"dana","baseline":{"low":100.0,"mode":120,"high":150,"evidence":"same"}}`),
		version("2026-06-01", "3", `{"name":"measured anew","baseline":{"low":80,"mode":90,"high":100}}`),
	})
	entry, _ := registry.Decode(registry.Workflows, "post", []byte(`{"baseline":{"low":50,"mode":60,"high":70,"evidence":"dispute d"}}`))
	to := *entry.(*registry.Workflow).Baseline
	got, err := s.Rebased("post", instantOf("2026-02-01"), to)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []string{
		`{"baseline":{"evidence":"dispute d","high":70,"low":50,"mode":60},"name":"old"}`, `{"baseline":{"evidence":"dispute d","high":70,"low":50,"mode":60},"name":"new owner","owner":"dana"}`,
	} {
		if string(got[i].Value) != want || got[i].ValidFrom.Time != []time.Time{instantOf("2026-02-01"), instantOf("2026-04-01")}[i] {
			t.Errorf("version %d from %s: %s", i, got[i].ValidFrom, got[i].Value)
		}
	}
	if got, err := s.Rebased("post", instantOf("2025-12-31"), to); err != nil || got != nil {
		t.Errorf("before it was known: %v, %v", got, err)
	}
}

// What an erased person said in a dispute goes with them; what they have decided stays, and so does what others said.
func TestErasedFromADispute(t *testing.T) {
	sealer := event.NewSealer([]byte("a secret of the tests"))
	hash := sealer.Person("default", "ann@example.com")
	k := sealer.Seeker("default", []int{15}, func(p string) (string, bool) { return "pseudonym", p == hash })
	for name, c := range map[string]struct {
		before registry.Record
		want   string
	}{
		"raised": {
			said("d", hash, "2026-03-01", strings.Replace(raised, `"from"`, `"url":"https://example.com/ann","from"`, 1)),
			`{"action":"raise","direction":"too_high","dispute":"d","disputed":{"source":"declared","unit":"min/unit","value":"120"},"erased":true,"from":"2026-02-01","workflow":"post"}`,
		},
		"supported":      {said("s", hash, "2026-03-01", `{"dispute":"d","action":"support"}`), `{"dispute":"d","action":"support"}`},
		"named":          {said("c", "bob", "2026-03-01", `{"dispute":"d","action":"comment","text":"ask ann@example.com"}`), `{"dispute":"d","action":"comment","text":"ask pseudonym"}`},
		"decided, owner": {said("x", hash, "2026-03-01", accepted), strings.NewReplacer("ann@example.com", "pseudonym", "\n\t\t", "").Replace(accepted)},
	} {
		got, changed, err := c.before.Renamed(k)
		if err != nil || !changed || string(got.Value) != c.want || got.Author == hash {
			t.Errorf("%s: %s by %s, %v, %v\nwant %s", name, got.Value, got.Author, changed, err, c.want)
		}
		if _, problems := registry.Decode(registry.Disputes, got.Key, got.Value); len(problems) > 0 {
			t.Errorf("%s: what is left is no step: %v", name, problems)
		}
		if _, again, err := got.Renamed(k); again || err != nil {
			t.Errorf("%s is renamed again: %v", name, err)
		}
	}
}
