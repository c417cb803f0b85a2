package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"plumbline/pkg/stat"
)

func TestQuantile(t *testing.T) {
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for name, c := range map[string]struct {
		values           []float64
		p                float64
		value, low, high float64
	}{
		// binomial (10, ½): P(≤ 1) = 11/1024 = 0.0107, P(≤ 2) = 56/1024 = 0.0547 > 0.025: the 2nd and the 9th value.
		"median of ten": {ten, 0.5, 5.5, 2, 9},
		// binomial (6, ½): P(0) = 1/64 = 0.0156: the smallest and the largest.
		"median of six": {ten[:6], 0.5, 3.5, 1, 6},
		// binomial (5, ½): P(0) = 1/32 = 0.031 > 0.025: none.
		"median of five": {ten[:5], 0.5, 3, math.NaN(), math.NaN()},
		// (10 − 1) × 0.9 = 8.1: 9 + 0.1. binomial (10, 0.9): P(10) = 0.349: no upper bound.
		"90 % of ten": {ten, 0.9, 9.1, math.NaN(), math.NaN()},
		"one":         {ten[:1], 0.9, 1, math.NaN(), math.NaN()},
		"none":        {nil, 0.5, math.NaN(), math.NaN(), math.NaN()},
	} {
		e := stat.Quantile(c.values, c.p, 0.95)
		for what, pair := range map[string][2]float64{"value": {e.Value, c.value}, "low": {e.Low, c.low}, "high": {e.High, c.high}} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 || math.IsNaN(pair[0]) != math.IsNaN(pair[1]) {
				t.Errorf("%s: %s is %v, want %v", name, what, pair[0], pair[1])
			}
		}
	}
}

// The interval holds the true quantile in at least the share of cases that it claims, whatever the distribution.
func TestQuantileCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same draws every time
	for _, p := range []float64{0.5, 0.9} {
		truth, held, runs := -math.Log(1-p), 0, 4000 // of the exponential distribution
		for range runs {
			values := make([]float64, 80)
			for i := range values {
				values[i] = random.ExpFloat64()
			}
			slices.Sort(values)
			if e := stat.Quantile(values, p, 0.95); e.Low <= truth && truth <= e.High {
				held++
			}
		}
		// The standard error of the share is sqrt(0.95 × 0.05 ÷ 4000) = 0.0034.
		if share := float64(held) / float64(runs); share < 0.95-3*0.0034 {
			t.Errorf("the interval of the %v-quantile holds it in %v of the cases", p, share)
		}
	}
}
