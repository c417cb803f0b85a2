package demo_test

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/services/standalone/demo"
)

var until = time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC)

func text(t *testing.T, e demo.Event) []byte {
	t.Helper()
	raw, err := e.Structured()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestEvents: every event is one that the contract takes, no id comes twice, all kinds are there, nothing lies in the
// future, and there are a few thousand of them.
func TestEvents(t *testing.T) {
	o := demo.New(demo.Config{Seed: 1, Until: until})
	parser := event.NewParser(func() time.Time { return until })
	ids, kinds := map[string]bool{}, map[event.Kind]int{}
	for e := range o.Events() {
		if e.Time.After(until) || e.Time.Before(o.Start()) {
			t.Fatalf("%s happened at %s", e.ID, e.Time)
		}
		raw := text(t, e)
		if _, problems := parser.Structured(raw); len(problems) > 0 {
			t.Fatalf("%s: %v", raw, problems)
		}
		name := e.Source + " " + e.ID
		if ids[name] {
			t.Fatalf("%s is there twice", name)
		}
		ids[name] = true
		kinds[e.Data.Kind()]++
	}
	t.Logf("%d events: %v", len(ids), kinds)
	if len(ids) < 3_000 || len(ids) > 9_000 {
		t.Errorf("%d events, want a few thousand", len(ids))
	}
	want := []event.Kind{
		event.KindBarrier, event.KindConversion, event.KindHoursSaved, event.KindPipeline, event.KindPulse, event.KindReview, event.KindTraining, event.KindVendorSpend,
	}
	if got := slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, want) {
		t.Errorf("kinds %v", got)
	}
}

// TestPure: the same configuration gives the same bytes, another seed others.
func TestPure(t *testing.T) {
	fingerprint := func(seed uint64) string {
		var out []byte
		for e := range demo.New(demo.Config{Seed: seed, Until: until, Days: 60}).Events() {
			out = append(out, text(t, e)...)
		}
		return string(out)
	}
	first, again := fingerprint(1), fingerprint(1)
	if first != again {
		t.Error("the same seed gave other events")
	}
	if first == fingerprint(2) {
		t.Error("another seed gave the same events")
	}
}

// TestRegistry: every entry is one that the registry takes.
func TestRegistry(t *testing.T) {
	for _, e := range demo.New(demo.Config{Seed: 1, Until: until}).Registry() {
		raw, err := json.Marshal(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := registry.Decode(e.Kind, e.Key, raw); len(problems) > 0 {
			t.Errorf("%s/%s %s: %v", e.Kind, e.Key, raw, problems)
		}
	}
}

// TestTruthInTheDraws: the draws have the means that the truth says, over 40 seeds. The mean of n draws lies within four
// standard errors: 1 in 16,000 by chance for each.
func TestTruthInTheDraws(t *testing.T) {
	won, decided := 0, 0
	arms := map[string][2]float64{}
	var truth demo.Truth
	for seed := range uint64(40) {
		o := demo.New(demo.Config{Seed: seed, Until: until})
		truth = o.Truth(o.Start(), until)
		for e := range o.Events() {
			switch d := e.Data.(type) {
			case *event.Pipeline:
				if d.Status != "open" {
					decided++
				}
				if d.Status == "won" {
					won++
				}
			case *event.Conversion:
				a := arms[d.Experiment+" "+d.Variant]
				a[0] += float64(*d.Exposures)
				a[1] += float64(*d.Conversions)
				arms[d.Experiment+" "+d.Variant] = a
			}
		}
	}
	rate, n := float64(won)/float64(decided), float64(decided)
	if math.Abs(rate-truth.WinRate) > 4*math.Sqrt(truth.WinRate*(1-truth.WinRate)/n) {
		t.Errorf("win rate %.4f of %d, truth %.4f", rate, decided, truth.WinRate)
	}
	for key, lift := range truth.Lift {
		a, c := arms[key+" ai"], arms[key+" usual"]
		pa, pc := a[1]/a[0], c[1]/c[0]
		if se := math.Sqrt(pa*(1-pa)/a[0] + pc*(1-pc)/c[0]); math.Abs(pa-pc-lift) > 4*se {
			t.Errorf("%s: lift %.5f, truth %.5f, standard error %.5f", key, pa-pc, lift, se)
		}
	}
}

// TestSize: twice the size is about twice the deals; history can be short.
func TestSize(t *testing.T) {
	count := func(cfg demo.Config) int {
		cfg.Until = until
		n, ids := 0, map[string]bool{}
		for e := range demo.New(cfg).Events() {
			if name := e.Source + " " + e.ID; ids[name] {
				t.Fatalf("%+v: %s is there twice", cfg, name)
			} else {
				ids[name] = true
			}
			n++
		}
		return n
	}
	one, four := count(demo.Config{Seed: 3}), count(demo.Config{Seed: 3, Size: 4})
	if ratio := float64(four) / float64(one); ratio < 2.5 || ratio > 4.5 {
		t.Errorf("size 4 has %.1f times the events", ratio)
	}
	for _, days := range []int{1, 2, 7, 14, 31, 720} {
		if n := count(demo.Config{Seed: 3, Days: days}); n == 0 {
			t.Errorf("%d days have no events", days)
		}
	}
}

// Whoever takes the contributor's part finds an IC with numbers of their own, whatever the size.
func TestContributor(t *testing.T) {
	for _, size := range []float64{.2, 1, 3} {
		o := demo.New(demo.Config{Seed: 1, Until: until, Size: size})
		registered, events := false, 0
		for _, e := range o.Registry() {
			if p, ok := e.Value.(*registry.Person); ok && e.Key == demo.Contributor {
				registered = p.Role == "ic"
			}
		}
		for e := range o.Events() {
			if h, ok := e.Data.(*event.HoursSaved); ok && h.Person == demo.Contributor {
				events++
			}
		}
		if !registered || events == 0 {
			t.Errorf("size %v: registered as IC %v, %d events", size, registered, events)
		}
	}
}
