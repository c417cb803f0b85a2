package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Term is an estimate and the factor it enters a sum with.
type Term struct {
	Weight float64
	Estimate
}

// Combine is Σ wᵢ·xᵢ of independent estimates: variance Σ wᵢ²·SEᵢ², degrees of
// freedom by Welch and Satterthwaite, (Σvᵢ)²/Σ(vᵢ²/dfᵢ). Terms with SE 0 are
// constants. Errors that are shared must be combined before, by weight, or with
// [LinearVariance]. A term without an error leaves the sum without an interval;
// one without a value leaves it unknown.
func Combine(level float64, terms ...Term) Estimate {
	value, variance, divisor := 0.0, 0.0, 0.0
	var n int64
	var ws []Warning
	if len(terms) == 0 {
		return undefined(level, 0)
	}
	for _, t := range terms {
		value += t.Weight * t.Value
		v := t.Weight * t.Weight * t.SE * t.SE
		variance += v
		divisor += satterthwaite(v, t.DF)
		n += t.N
		ws = append(ws, t.Warnings...)
	}
	return combined(value, variance, divisor, level, n).warn(ws...)
}

// Product is x·y of independent estimates: variance x²·v_y + y²·v_x + v_x·v_y
// (Goodman 1960), degrees of freedom by Welch and Satterthwaite over the first
// two terms.
func Product(x, y Estimate, level float64) Estimate {
	vx, vy := x.SE*x.SE, y.SE*y.SE
	a, b := x.Value*x.Value*vy, y.Value*y.Value*vx
	divisor := satterthwaite(a, y.DF) + satterthwaite(b, x.DF)
	// Scaled so that the exact variance keeps the degrees of freedom of its main terms.
	variance := a + b + vx*vy
	if a+b > 0 {
		divisor *= (variance / (a + b)) * (variance / (a + b))
	}
	return combined(x.Value*y.Value, variance, divisor, level, min(x.N, y.N)).warn(x.Warnings...).warn(y.Warnings...)
}

// Constant is a number without doubt.
func Constant(value float64) Estimate {
	return Estimate{Value: value, Low: value, High: value, Level: 1, SE: 0, DF: math.Inf(1)}
}

// LinearVariance is wᵀCw: the variance of Σ wᵢxᵢ under the covariances C, NaN
// when the shapes differ.
func LinearVariance(weights []float64, covariance [][]float64) float64 {
	if len(covariance) != len(weights) {
		return math.NaN()
	}
	sum := 0.0
	for i, row := range covariance {
		if len(row) != len(weights) {
			return math.NaN()
		}
		for j, c := range row {
			sum += weights[i] * weights[j] * c
		}
	}
	return sum
}

// satterthwaite is a term's v²/df; a constant has none, whatever its df.
func satterthwaite(v, df float64) float64 {
	if v == 0 || math.IsInf(df, 1) {
		return 0
	}
	return v * v / df
}

func combined(value, variance, divisor, level float64, n int64) Estimate {
	df := math.Inf(1)
	if divisor != 0 {
		df = variance * variance / divisor
	}
	return around(value, math.Sqrt(variance), df, level, n)
}

// ThreePoint is an assumption declared as low, most likely and high.
type ThreePoint struct {
	Low, Mode, High float64
}

func (t ThreePoint) valid() bool {
	return t.Low <= t.Mode && t.Mode <= t.High && finite(t.Low) && finite(t.High)
}

// PERT reads the points as a beta-PERT distribution: mean (low+4·mode+high)/6,
// variance (mean−low)(high−mean)/7, interval by its quantiles. The textbook
// spread (high−low)/6 approximates this one; the exact one is used so that
// propagation and [Simulate] agree. SE is the standard deviation.
func (t ThreePoint) PERT(level float64) Estimate {
	if !t.valid() {
		return undefined(level, 0, WarnInvalidInput)
	}
	mean := (t.Low + 4*t.Mode + t.High) / 6
	sd := math.Sqrt((mean - t.Low) * (t.High - mean) / 7)
	return t.spread(mean, sd, level, func(p float64) float64 {
		return t.Low + (t.High-t.Low)*t.beta().Quantile(p)
	})
}

// Triangular reads the points as a triangle: mean (low+mode+high)/3, variance
// (l²+m²+h²−lm−lh−mh)/18, interval by its quantiles. SE is the standard deviation.
func (t ThreePoint) Triangular(level float64) Estimate {
	if !t.valid() {
		return undefined(level, 0, WarnInvalidInput)
	}
	// The same variance from differences, which do not cancel far from 0.
	a, b := t.Mode-t.Low, t.High-t.Mode
	sd := math.Sqrt((a*a + a*b + b*b) / 18)
	return t.spread((t.Low+t.Mode+t.High)/3, sd, level, t.triangle)
}

func (t ThreePoint) spread(mean, sd, level float64, at func(float64) float64) Estimate {
	if t.Low == t.High {
		e := Constant(t.Mode)
		e.Level = level
		return e
	}
	e := centreOnly(mean, level, 0)
	e.SE, e.DF = sd, math.Inf(1)
	if !validLevel(level) {
		return e.warn(WarnInvalidLevel)
	}
	e.Low, e.High = at((1-level)/2), at(1-(1-level)/2)
	return e
}

func (t ThreePoint) beta() distuv.Beta {
	width := t.High - t.Low
	return distuv.Beta{Alpha: 1 + 4*(t.Mode-t.Low)/width, Beta: 1 + 4*(t.High-t.Mode)/width}
}

// triangle is the quantile function of the triangular distribution.
func (t ThreePoint) triangle(p float64) float64 {
	width := t.High - t.Low
	if p*width <= t.Mode-t.Low {
		return t.Low + math.Sqrt(p*width*(t.Mode-t.Low))
	}
	return t.High - math.Sqrt((1-p)*width*(t.High-t.Mode))
}
