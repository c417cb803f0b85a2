package stat

import "math"

// arm is one side of a comparison: size, mean and the variance of one unit.
type arm struct {
	n, mean, variance float64
}

// arm of a proportion has variance p(1−p), without n−1, as GrowthBook has it.
func (p Proportion) arm() (arm, []Warning) {
	if w, bad := p.problem(); bad {
		return arm{mean: math.NaN(), variance: math.NaN()}, []Warning{w}
	}
	s := p.Share()
	return arm{n: float64(p.Trials), mean: s, variance: s * (1 - s)}, nil
}

// arm of a sample has the sample variance with n−1, NaN under two values.
func (s Sample) arm() (arm, []Warning) {
	nan := math.NaN()
	switch {
	case s.N < 0 || !finite(s.Sum) || !finite(s.SumSquares) || s.SumSquares < 0:
		return arm{mean: nan, variance: nan}, []Warning{WarnInvalidInput}
	case s.N == 0:
		return arm{mean: nan, variance: nan}, []Warning{WarnNoData}
	case s.N == 1:
		return arm{n: 1, mean: s.Sum, variance: nan}, nil
	}
	n := float64(s.N)
	variance, ws := sampleVariance(n, s.SumSquares, s.Sum)
	return arm{n: n, mean: s.Sum / n, variance: variance}, ws
}

// sampleVariance is (Σx² − (Σx)²/n)/(n−1). What is below the rounding error of
// the sums is 0; a clearly negative one contradicts itself and is reported.
func sampleVariance(n, sumSquares, sum float64) (float64, []Warning) {
	deviation := sumSquares - sum*sum/n
	if math.Abs(deviation) <= 1e-13*sumSquares {
		return 0, nil
	}
	if deviation < 0 {
		return 0, []Warning{WarnRounding}
	}
	return deviation / (n - 1), nil
}

// welch is the Welch–Satterthwaite degrees of freedom of two arms.
func welch(a, b arm) float64 {
	va, vb := a.variance/a.n, b.variance/b.n
	return (va + vb) * (va + vb) / (va*va/(a.n-1) + vb*vb/(b.n-1))
}

// MeanDifference is mean(treatment) − mean(control) with Welch's t interval and p.
func MeanDifference(treatment, control Sample, level float64) Comparison {
	t, wt := treatment.arm()
	c, wc := control.arm()
	n := treatment.N + control.N
	if !finite(t.mean) || !finite(c.mean) {
		return unknownComparison(level, n, wt, wc)
	}
	se := math.Sqrt(t.variance/t.n + c.variance/c.n)
	return tested(around(t.mean-c.mean, se, welch(t, c), level, n), wt, wc)
}

// ProportionLift is the relative lift p₁/p₂ − 1 of treatment over control, a
// share (0.1 is ten per cent better), with the delta-method error and Welch's
// degrees of freedom; unit variance p(1−p).
func ProportionLift(treatment, control Proportion, level float64) Comparison {
	t, wt := treatment.arm()
	c, wc := control.arm()
	return relative(t, c, level, treatment.Trials+control.Trials, wt, wc)
}

// MeanLift is the relative lift of means, as [ProportionLift], with the sample
// variance (n−1).
func MeanLift(treatment, control Sample, level float64) Comparison {
	t, wt := treatment.arm()
	c, wc := control.arm()
	return relative(t, c, level, treatment.N+control.N, wt, wc)
}

// relative uses Var(m₁/m₂) ≈ v₁/(n₁m₂²) + v₂m₁²/(n₂m₂⁴) (delta method, arms
// independent), the formula of GrowthBook's frequentist engine.
func relative(t, c arm, level float64, n int64, wt, wc []Warning) Comparison {
	if !finite(t.mean) || !finite(c.mean) {
		return unknownComparison(level, n, wt, wc)
	}
	if c.mean == 0 {
		return unknownComparison(level, n, wt, append(wc, WarnZeroBase))
	}
	if t.n < 2 || c.n < 2 {
		return Comparison{Estimate: centreOnly(t.mean/c.mean-1, level, n, WarnTooFew), P: math.NaN()}
	}
	base := c.mean * c.mean
	se := math.Sqrt(t.variance/(t.n*base) + c.variance*t.mean*t.mean/(c.n*base*base))
	out := tested(around(t.mean/c.mean-1, se, welch(t, c), level, n), wt, wc)
	if c.mean < 0 {
		out.Estimate = out.warn(WarnNegativeBase)
	}
	return out
}

// ChanceToWin is Φ(value ÷ SE): the posterior probability under a flat prior
// that the effect is above 0. Pass a relative lift. NaN when the SE is unknown;
// without variance it is 0, ½ or 1 by the sign.
func ChanceToWin(lift Estimate) float64 {
	if lift.SE == 0 && finite(lift.Value) {
		switch {
		case lift.Value > 0:
			return 1
		case lift.Value < 0:
			return 0
		}
		return 0.5
	}
	return normalCDF(lift.Value / lift.SE)
}

// tested adds the p-value of value ÷ SE against 0.
func tested(e Estimate, wt, wc []Warning) Comparison {
	p := math.NaN()
	switch {
	case e.SE > 0 && e.DF > 0:
		p = twoSidedP(e.Value/e.SE, e.DF)
	case e.SE == 0 && e.Value == 0:
		p = 1
	}
	return Comparison{Estimate: e.warn(wt...).warn(wc...), P: p}
}

func unknownComparison(level float64, n int64, wt, wc []Warning) Comparison {
	return Comparison{Estimate: undefined(level, n, append(append([]Warning(nil), wt...), wc...)...), P: math.NaN()}
}
