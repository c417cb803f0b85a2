package standalone_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/services/standalone"
)

// imported is the summary of an import.
type imported struct {
	Rows      int            `json:"rows"`
	Events    int            `json:"events"`
	Accepted  int            `json:"accepted"`
	Loaded    int            `json:"loaded"`
	Duplicate int            `json:"duplicate"`
	Rejected  map[string]int `json:"rejected"`
}

// dataSets are the four public files with their mappings and what becomes of their rows.
func dataSets(t *testing.T) []struct {
	mapping, path          string
	rows, events, rejected int
} {
	dir := filepath.Join(embeddedtest.Shared(t), "datasets")
	return []struct {
		mapping, path          string
		rows, events, rejected int
	}{
		{"metr_time_trial", filepath.Join(dir, "metr_time_trial.csv"), 246, 246, 0},
		{"focus_1_0", filepath.Join(dir, "focus_1_0_sample.csv"), 1_000, 1_000, 0},
		{"crm_sales_pipeline", filepath.Join(dir, "crm_sales_pipeline.csv"), 8_800, 8_800, 500},
		{"hillstrom_email", filepath.Join(dir, "hillstrom_email.csv"), 64_000, 128_000, 0},
	}
}

func importFile(t *testing.T, s standalone.Server, mapping, path string) imported {
	t.Helper()
	code, out, errs := plumbline(t, s, "import", "--json", "--mapping", mapping, path)
	if code != 0 {
		t.Fatalf("import of %s ended with %d: %s%s", mapping, code, out, errs)
	}
	var sum imported
	if err := json.Unmarshal([]byte(out), &sum); err != nil {
		t.Fatalf("summary: %v", err)
	}
	return sum
}

// TestDataSets imports the four public data sets through the collector and reads the figures that were published with
// them (datasets/SOURCES.md) through the API; imported again, all events are duplicates and every figure stays.
func TestDataSets(t *testing.T) {
	if testing.Short() {
		t.Skip("imports 138,046 events twice")
	}
	s := serve(t, nil)
	put(t, s, "experiments/hillstrom", `{"valid_from":"2008-01-01T00:00:00Z","design":"randomised","control":"No E-Mail","primary_metric":"conversion"}`)
	for _, d := range dataSets(t) {
		sum := importFile(t, s, d.mapping, d.path)
		if sum.Rows != d.rows || sum.Events != d.events || sum.Loaded != d.events-d.rejected || sum.Duplicate != 0 || sum.Rejected["missing_time"] != d.rejected {
			t.Errorf("%s: %+v", d.mapping, sum)
		}
	}
	settle(t, s)
	first := figures(t, s)
	checkFigures(t, s)
	for _, d := range dataSets(t) {
		sum := importFile(t, s, d.mapping, d.path)
		if sum.Loaded != 0 || sum.Duplicate != d.events-d.rejected || sum.Rejected["missing_time"] != d.rejected {
			t.Errorf("%s again: %+v", d.mapping, sum)
		}
	}
	settle(t, s)
	if second := figures(t, s); !reflect.DeepEqual(first, second) {
		t.Errorf("figures changed with the second import:\n%v\n%v", first, second)
	}
}

// Paths of the figures.
const (
	hillstromVisits      = "/experiments/hillstrom?metric=visit"
	hillstromConversions = "/experiments/hillstrom?metric=conversion"
	metrTrial            = "/trials/metr_early_2025"
	crmSecondQuarter     = "/scorecard?from=2017-04-01&to=2017-07-01"
	focusSeptember       = "/scorecard?from=2024-09-01&to=2024-10-01"
)

// figures are all figures of the data sets, without what says when they were computed.
func figures(t *testing.T, s standalone.Server) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, path := range []string{hillstromVisits, hillstromConversions} {
		out[path] = get(t, s, path).at(t, "variants")
	}
	for _, part := range []string{"ratio_minus_one", "naive_ratio_minus_one", "forecast_saving", "tasks_assisted", "tasks_unassisted"} {
		out[part] = get(t, s, metrTrial).at(t, part)
	}
	for _, path := range []string{crmSecondQuarter, focusSeptember} {
		for key := range get(t, s, path).at(t, "measures").(map[string]any) {
			d := get(t, s, path)
			for _, part := range []string{"value", "low", "high", "n", "status"} {
				out[path+key+part] = d.at(t, "measures."+key+"."+part)
			}
		}
	}
	return out
}

// near reports a figure that differs from the published one by more than its last digit allows.
func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s is %.9f, want %.9f", name, got, want)
	}
}

func checkFigures(t *testing.T, s standalone.Server) {
	t.Helper()
	checkHillstrom(t, s)
	d := get(t, s, metrTrial)
	for path, want := range map[string]float64{
		"tasks_assisted": 136, "tasks_unassisted": 110,
		"ratio_minus_one.value": .188, "ratio_minus_one.low": .013, "ratio_minus_one.high": .395,
		"ratio_minus_one.low_hc3": .013, "ratio_minus_one.high_hc3": .394,
		"naive_ratio_minus_one": .337, "forecast_saving": .228,
	} {
		near(t, "METR "+path, d.number(t, path), want, .0005)
	}
	d = get(t, s, crmSecondQuarter)
	near(t, "CRM decided", d.number(t, "measures.win_rate.n"), 2_032, 0)
	near(t, "CRM win rate", d.number(t, "measures.win_rate.value"), .617126, .0000005)
	near(t, "CRM cycle", d.number(t, "measures.cycle_days.value"), 51.0104, .00005)
	near(t, "CRM velocity", d.number(t, "measures.pipeline_velocity.value"), 60_499.68, .005)
	d = get(t, s, focusSeptember)
	if got := d.text(t, "measures.vendor_spend.value"); got != "20.52022672899" {
		t.Errorf("FOCUS billed cost is %s, want 20.52022672899 to the last decimal", got)
	}
}

// checkHillstrom checks lifts and intervals to the digits that were published.
func checkHillstrom(t *testing.T, s standalone.Server) {
	t.Helper()
	type lift struct{ value, low, high float64 }
	for _, c := range []struct {
		path, variant          string
		exposures, conversions float64
		abs, rel               lift
	}{
		{hillstromVisits, "Mens E-Mail", 21_307, 3_894, lift{.0765896, .0699533, .0832267}, lift{.7214046, .6384138, .8043955}},
		{hillstromConversions, "Mens E-Mail", 21_307, 267, lift{.0068050, .0050143, .0086407}, lift{1.1884219, .7215273, 1.6553165}},
		{hillstromConversions, "Womens E-Mail", 21_387, 189, lift{.0031111, .0015017, .0047455}, lift{.5433130, .1932303, .8933958}},
	} {
		d := get(t, s, c.path)
		found := false
		for i := range d.at(t, "variants").([]any) {
			at := fmt.Sprintf("variants.%d.", i)
			if d.text(t, at+"variant") != c.variant {
				continue
			}
			found = true
			near(t, c.variant+" exposures", d.number(t, at+"exposures"), c.exposures, 0)
			near(t, c.variant+" conversions", d.number(t, at+"conversions"), c.conversions, 0)
			for name, want := range map[string]lift{"lift_abs": c.abs, "lift_rel": c.rel} {
				near(t, c.path+" "+c.variant+" "+name, d.number(t, at+name+".value"), want.value, 1e-6)
				near(t, c.path+" "+c.variant+" "+name+" low", d.number(t, at+name+".low"), want.low, 1e-6)
				near(t, c.path+" "+c.variant+" "+name+" high", d.number(t, at+name+".high"), want.high, 1e-6)
			}
		}
		if !found {
			t.Errorf("%s: there is no variant %q", c.path, c.variant)
		}
	}
}
