package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Simulation is what many draws of an uncertain quantity say. Value is the mean
// of the draws, Low and High their quantiles, SE their standard deviation (the
// spread of the quantity, not the error of the simulation), N the draws used.
// Positive is the share of draws above 0.
type Simulation struct {
	Estimate
	Positive float64
}

// Simulate calls draw the given number of times with a generator (PCG) that
// depends on the seed alone, so the same seed gives the same answer everywhere.
// An error that several parts share is drawn once per call and used in each.
// Draws that are not finite are left out, with WarnUnusable.
func Simulate(seed uint64, draws int, level float64, draw func(*rand.Rand) float64) Simulation {
	// The second word only has to be fixed; it picks the stream.
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	values := make([]float64, 0, max(draws, 0))
	sum, positive := 0.0, 0
	for range draws {
		v := draw(r)
		if !finite(v) {
			continue
		}
		values = append(values, v)
		sum += v
		if v > 0 {
			positive++
		}
	}
	n := len(values)
	if n == 0 {
		return Simulation{Estimate: undefined(level, 0), Positive: math.NaN()}
	}
	mean := sum / float64(n)
	e := centreOnly(mean, level, int64(n))
	if n < draws {
		e = e.warn(WarnUnusable)
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	out := Simulation{Estimate: e, Positive: float64(positive) / float64(n)}
	switch {
	case n < 2:
		out.Estimate = e.warn(WarnTooFew)
	case !validLevel(level):
		out.Estimate = e.warn(WarnInvalidLevel)
	default:
		slices.Sort(values)
		out.SE, out.DF = math.Sqrt(squares/float64(n-1)), math.Inf(1)
		out.Low, out.High = sortedQuantile(values, (1-level)/2), sortedQuantile(values, 1-(1-level)/2)
	}
	return out
}

// sortedQuantile interpolates linearly between order statistics (Hyndman and
// Fan's type 7).
func sortedQuantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// DrawNormal draws a value of the estimate from the normal distribution with its
// centre and SE; an estimate without an SE gives NaN.
func (e Estimate) DrawNormal(r *rand.Rand) float64 { return e.Value + e.SE*r.NormFloat64() }

// DrawPERT draws from the beta-PERT distribution, NaN when the points are not in order.
func (t ThreePoint) DrawPERT(r *rand.Rand) float64 {
	if !t.valid() {
		return math.NaN()
	}
	if t.Low == t.High {
		return t.Mode
	}
	b := t.beta()
	b.Src = r
	return t.Low + (t.High-t.Low)*b.Rand()
}

// DrawTriangular draws from the triangular distribution, NaN when the points are not in order.
func (t ThreePoint) DrawTriangular(r *rand.Rand) float64 {
	if !t.valid() {
		return math.NaN()
	}
	if t.Low == t.High {
		return t.Mode
	}
	return t.triangle(r.Float64())
}
