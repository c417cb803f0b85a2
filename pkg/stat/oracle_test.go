package stat_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"plumbline/pkg/stat"
)

// sharedFile opens a file of the shared folder: PLUMBLINE_SHARED, or the folder
// `shared` beside the repository root, which is where go.work is.
func sharedFile(t *testing.T, name string) *os.File {
	t.Helper()
	folder := os.Getenv("PLUMBLINE_SHARED")
	if folder == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
				folder = filepath.Join(dir, "..", "shared")
				break
			}
			if filepath.Dir(dir) == dir {
				break
			}
			dir = filepath.Dir(dir)
		}
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared folder is missing in CI: %v (set PLUMBLINE_SHARED)", err)
		}
		t.Skipf("shared folder is missing: %v (set PLUMBLINE_SHARED)", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// oracle is a file of published results; In and Out differ by file.
type oracle[In, Out any] struct {
	Cases []struct {
		Name      string             `json:"name"`
		In        In                 `json:"in"`
		Out       Out                `json:"out"`
		Tolerance map[string]float64 `json:"tolerance"`
	} `json:"cases"`
}

func readOracle[In, Out any](t *testing.T, name string) oracle[In, Out] {
	t.Helper()
	var o oracle[In, Out]
	if err := json.NewDecoder(sharedFile(t, "oracles/"+name)).Decode(&o); err != nil {
		t.Fatal(err)
	}
	if len(o.Cases) == 0 {
		t.Fatalf("%s has no cases", name)
	}
	return o
}

// readRows reads a data set as one map per row.
func readRows(t *testing.T, name string) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(sharedFile(t, "datasets/"+name)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, 0, len(records))
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, h := range records[0] {
			row[h] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// near fails unless got is within tol of want; NaN is only near NaN.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.IsNaN(want) && math.IsNaN(got) || got == want {
		return
	}
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tol)
	}
}

type liftArm struct {
	N          int64   `json:"n"`
	X          *int64  `json:"x"`
	Sum        float64 `json:"sum"`
	SumSquares float64 `json:"sum_squares"`
}

func (a liftArm) proportion() stat.Proportion {
	return stat.Proportion{Successes: *a.X, Trials: a.N}
}

func (a liftArm) sample() stat.Sample {
	return stat.Sample{N: a.N, Sum: a.Sum, SumSquares: a.SumSquares}
}

type liftIn struct {
	Control    liftArm `json:"control"`
	Treatment  liftArm `json:"treatment"`
	Kind       string  `json:"kind"`
	Level      float64 `json:"level"`
	Sequential float64 `json:"sequential_tuning"`
	Prior      string  `json:"prior"`
}

func (in liftIn) compare(t *testing.T) stat.Comparison {
	t.Helper()
	switch {
	case in.Kind == "newcombe":
		return stat.ProportionDifference(in.Treatment.proportion(), in.Control.proportion(), in.Level)
	case in.Kind == "absolute":
		return stat.MeanDifference(in.Treatment.sample(), in.Control.sample(), in.Level)
	case in.Control.X == nil:
		return stat.MeanLift(in.Treatment.sample(), in.Control.sample(), in.Level)
	case in.Sequential > 0:
		return stat.Sequential(stat.ProportionLift(in.Treatment.proportion(), in.Control.proportion(), in.Level), in.Sequential)
	}
	return stat.ProportionLift(in.Treatment.proportion(), in.Control.proportion(), in.Level)
}

func TestOracleLift(t *testing.T) {
	for _, c := range readOracle[liftIn, map[string]float64](t, "lift.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			tol := c.Tolerance["abs"]
			if c.In.Prior == "flat" {
				c.In.Level = 0.95
			}
			got := c.In.compare(t)
			low, high := got.Low, got.High
			if c.In.Prior == "flat" {
				// The posterior is normal: value ± 1.959964 × SE.
				low, high = got.Value-1.959964*got.SE, got.Value+1.959964*got.SE
			}
			fields := map[string]float64{
				"lift": got.Value, "low": low, "high": high, "se": got.SE, "p": got.P, "df": got.DF,
				"chance_to_win": stat.ChanceToWin(got.Estimate),
			}
			for name, want := range c.Out {
				have, known := fields[name]
				if !known {
					t.Fatalf("the oracle has %q, which this test does not check", name)
				}
				near(t, name, have, want, tol)
			}
		})
	}
}

func TestOracleSampleRatio(t *testing.T) {
	type in struct {
		Observed []int64   `json:"observed"`
		Expected []float64 `json:"expected"`
	}
	for _, c := range readOracle[in, map[string]float64](t, "srm.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			got := stat.SampleRatio(c.In.Observed, c.In.Expected)
			near(t, "p", got.P, c.Out["p"], c.Out["p"]*c.Tolerance["rel"])
			if want, ok := c.Out["chi2"]; ok {
				near(t, "chi2", got.ChiSquare, want, want*c.Tolerance["rel"])
			}
		})
	}
}
