package stat

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
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
	return SimulateAll(seed, draws, level, 1, func(r *rand.Rand, out []float64) { out[0] = draw(r) })[0]
}

// SimulateAll is [Simulate] for several quantities of the same draws, so that what they share is drawn once for all of
// them: draw fills in one value of each.
func SimulateAll(seed uint64, draws int, level float64, quantities int, draw func(r *rand.Rand, out []float64)) []Simulation {
	// The second word only has to be fixed; it picks the stream.
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	columns := make([][]float64, quantities)
	for i := range columns {
		columns[i] = make([]float64, 0, max(draws, 0))
	}
	row := make([]float64, quantities)
	for range draws {
		draw(r, row)
		for i, v := range row {
			if finite(v) {
				columns[i] = append(columns[i], v)
			}
		}
	}
	out := make([]Simulation, quantities)
	for i, values := range columns {
		out[i] = summarise(values, draws, level)
	}
	return out
}

// summarise turns the finite draws of a quantity, of as many as were asked for, into what they say. It sorts them.
func summarise(values []float64, draws int, level float64) Simulation {
	n := len(values)
	if n == 0 {
		return Simulation{Estimate: undefined(level, 0), Positive: math.NaN()}
	}
	sum, positive := 0.0, 0
	for _, v := range values {
		sum += v
		if v > 0 {
			positive++
		}
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

// fewDF is where the expansion of Student's t around the normal quantile is no longer good to a thousandth.
const fewDF = 10

// DrawStudent draws from Student's t distribution with the degrees of freedom, infinite ones being the standard normal. From
// 10 degrees on a normal draw z is turned into the t of the same probability, z + (z³+z)/4ν + (5z⁵+16z³+3z)/96ν² (Abramowitz
// and Stegun 26.7.5): a simulation draws many.
func DrawStudent(r *rand.Rand, df float64) float64 {
	if df < fewDF {
		return distuv.StudentsT{Sigma: 1, Nu: df, Src: r}.Rand()
	}
	z := r.NormFloat64()
	if math.IsInf(df, 1) {
		return z
	}
	z2 := z * z
	return z + z*(z2+1)/(4*df) + z*(5*z2*z2+16*z2+3)/(96*df*df)
}
