// Package stattest measures how often intervals hold the truth, by simulation, and holds the figures of a document to what
// was measured. It is for tests of packages that make intervals; it makes none itself.
package stattest

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	// Variable names the environment variable with the number of replications of a full run.
	Variable = "PLUMBLINE_REPLICATIONS"
	// Full is the number of replications that the documents state.
	Full = 20_000
	// quick is that of a run without the variable: it finds an interval that is off by four points, within seconds.
	quick = 500
	// Seed is the first word of every generator; the second is the hash of the setting, so that a new row moves no other.
	Seed = 20261127
	// tolerated is by how many binomial standard errors a quick run may miss a band.
	tolerated = 4
	// oneSided is the 95 % point of the normal distribution, for a lower Monte Carlo bound.
	oneSided = 1.6448536269514722
)

// Family is a way to make an interval, with the band that its coverage must lie in.
type Family struct {
	Name string
	// Level is what the interval claims, 0.95 or 0.9.
	Level float64
	// Low and High bound the share of intervals that hold the truth. Where High is 1 only the lower one is demanded, and it
	// is the lower Monte Carlo bound of the share that must reach it.
	Low, High float64
}

// Exact is a family whose coverage must lie within a point of 95 %, or within two of 90 %: what issue 4 demands.
func Exact(name string, level float64) Family {
	if level == 0.9 {
		return Family{name, level, 0.88, 0.92}
	}
	return Family{name, level, level - 0.01, level + 0.01}
}

// Simulation draws data of which the truth is known and makes an interval of each family from it.
type Simulation struct {
	Setting  string
	Families []Family
	// Every says how many replications of a full run a draw stands for: 10 makes 2,000 of 20,000. 0 is 1.
	Every int
	// Quick is the number of draws of a quick run where it is not the usual one.
	Quick int
	// Draw tells of each family whether its interval holds the truth. One that does not exist holds nothing, so that
	// nothing is filtered.
	Draw func(*rand.Rand) []bool
}

// One is the simulation of a single family.
func One(f Family, setting string, draw func(*rand.Rand) bool) Simulation {
	return Simulation{Setting: setting, Families: []Family{f}, Draw: func(r *rand.Rand) []bool { return []bool{draw(r)} }}
}

// row is the line of a family and setting in the table of a document.
type row struct {
	family, setting string
	// covered is the share of intervals that held the truth.
	covered float64
}

// Calibrate runs the simulations and fails where coverage is off. Every run is seeded: it passes or fails for good. A full
// run is held to the bands themselves, a quick one to the bands widened by four binomial standard errors (there are more than
// a hundred rows): of 500 replications at 95 % one is √(0.95·0.05/500) = 1.0 points. Of the document the rows must be those of the simulations,
// and in a full run the figures, too, to a tenth of a point.
func Calibrate(t *testing.T, document string, simulations []Simulation) {
	t.Helper()
	n := replications(t)
	var rows []row
	for _, s := range simulations {
		rows = append(rows, s.run(t, n)...)
	}
	held(t, document, rows, n == Full)
}

// replications is how many were asked for.
func replications(t *testing.T) int {
	t.Helper()
	text := os.Getenv(Variable)
	if text == "" {
		return quick
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number of replications", Variable, text)
	}
	return n
}

// run counts how often the intervals of each family hold the truth.
func (s Simulation) run(t *testing.T, n int) []row {
	t.Helper()
	full := n >= Full
	if n == quick {
		n = cmp.Or(s.Quick, quick)
	} else {
		n = max(n/max(s.Every, 1), 1)
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(s.Families[0].Name + ", " + s.Setting))
	r := rand.New(rand.NewPCG(Seed, hash.Sum64())) //nolint:gosec // the same draws every time
	hits := make([]int, len(s.Families))
	for range n {
		for i, held := range s.Draw(r) {
			if held {
				hits[i]++
			}
		}
	}
	rows := make([]row, 0, len(hits))
	for i, f := range s.Families {
		x := row{f.Name, s.Setting, float64(hits[i]) / float64(n)}
		t.Log(x.text(f))
		if problem := f.Problem(x.covered, n, full); problem != "" {
			t.Errorf("%s, %s: %s", f.Name, s.Setting, problem)
		}
		rows = append(rows, x)
	}
	return rows
}

// Problem says what is wrong with a share of so many replications, "" where it is in the band.
func (f Family) Problem(covered float64, n int, full bool) string {
	slack := tolerated * math.Sqrt(f.Level*(1-f.Level)/float64(n))
	low := covered
	if full {
		slack = 0
		if f.High == 1 {
			low -= oneSided * math.Sqrt(covered*(1-covered)/float64(n))
		}
	}
	if low < f.Low-slack || covered > f.High+slack {
		return fmt.Sprintf("%.2f %% of %d intervals hold the truth, want %s (± %.2f points)", 100*covered, n, f.band(), 100*slack)
	}
	return ""
}

func (f Family) band() string {
	if f.High == 1 {
		return fmt.Sprintf("≥ %.4g %%", 100*f.Low)
	}
	return fmt.Sprintf("%.4g–%.4g %%", 100*f.Low, 100*f.High)
}

// text is the line of the table.
func (r row) text(f Family) string {
	return fmt.Sprintf("| %s | %s | %.4g %% | %s | %.2f %% |", r.family, r.setting, 100*f.Level, f.band(), 100*r.covered)
}

// held compares the rows of the tables of a document with those that were measured.
func held(t *testing.T, document string, rows []row, figures bool) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	stated := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		cells := cellsOf(line)
		if len(cells) != 5 || !strings.HasSuffix(cells[4], " %") {
			continue
		}
		if share, err := strconv.ParseFloat(strings.TrimSuffix(cells[4], " %"), 64); err == nil {
			stated[cells[0]+" | "+cells[1]] = share / 100
		}
	}
	for _, r := range rows {
		key := r.family + " | " + r.setting
		share, there := stated[key]
		delete(stated, key)
		switch {
		case !there:
			t.Errorf("%s has no row %q", document, key)
		case figures && math.Abs(share-r.covered) > 0.001:
			t.Errorf("%s says %.2f %% of %q, measured are %.2f %%", document, 100*share, key, 100*r.covered)
		}
	}
	for key := range stated {
		t.Errorf("%s has a row %q that nothing measures", document, key)
	}
}

func cellsOf(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// Counts draws binomial counts by inversion of the exact distribution function, one number for each draw.
func Counts(n int, p float64) func(*rand.Rand) int64 {
	below := make([]float64, n+1)
	sum := 0.0
	for k := range below {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		sum += math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
		below[k] = sum
	}
	return func(r *rand.Rand) int64 {
		k, _ := slices.BinarySearch(below, r.Float64())
		return int64(min(k, n))
	}
}
