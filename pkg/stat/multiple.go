package stat

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Holm adjusts p-values of several tests so that the chance of any false alarm
// is kept (Holm 1979, step-down). The answer is in the order of the input. A
// test without a p-value (NaN) stays NaN and still counts as one that was
// looked at.
func Holm(p []float64) []float64 {
	order := make([]int, 0, len(p))
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = math.NaN()
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	running := 0.0
	for rank, i := range order {
		running = max(running, min(1, float64(len(p)-rank)*p[i]))
		out[i] = running
	}
	return out
}

// GoodnessOfFit is Pearson's chi-square of counts against an expected split.
type GoodnessOfFit struct {
	ChiSquare, DF, P float64
	N                int64
	Warnings         []Warning
}

// SampleRatio tests whether observed counts follow the expected weights, which
// need not sum to 1: Σ (observed − expected)²/expected on cells − 1 degrees of
// freedom. Needs two cells, weights above 0 and a count.
func SampleRatio(observed []int64, weights []float64) GoodnessOfFit {
	nan := math.NaN()
	out := GoodnessOfFit{ChiSquare: nan, DF: nan, P: nan}
	if len(observed) != len(weights) || len(observed) < 2 {
		out.Warnings = []Warning{WarnInvalidInput}
		return out
	}
	total := 0.0
	for i, w := range weights {
		if !(w > 0) || math.IsInf(w, 0) || observed[i] < 0 {
			out.Warnings = []Warning{WarnInvalidInput}
			return out
		}
		total += w
		out.N += observed[i]
	}
	if out.N == 0 {
		out.Warnings = []Warning{WarnNoData}
		return out
	}
	chi2 := 0.0
	for i, w := range weights {
		expected := float64(out.N) * w / total
		if expected < 5 && !hasWarning(out.Warnings, WarnLowExpected) {
			out.Warnings = append(out.Warnings, WarnLowExpected)
		}
		d := float64(observed[i]) - expected
		chi2 += d * d / expected
	}
	out.ChiSquare, out.DF = chi2, float64(len(observed)-1)
	out.P = distuv.ChiSquared{K: out.DF}.Survival(chi2)
	return out
}
