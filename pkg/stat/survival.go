package stat

import (
	"math"
	"slices"
)

// Duration is how long a case lasted, in the caller's unit. Decided says that it
// ended then; otherwise it was still open (right-censored).
type Duration struct {
	Time    float64
	Decided bool
}

// SurvivalPoint is the curve just after Time: the share still open, with
// Greenwood's standard error and a pointwise log-log band.
type SurvivalPoint struct {
	Time                      float64
	AtRisk, Decided, Censored int64
	Open, SE, Low, High       float64
}

// Curve is a Kaplan–Meier curve, one point per distinct time, in order.
type Curve struct {
	Points   []SurvivalPoint
	Level    float64
	N        int64
	Censored int64
	Warnings []Warning
}

// KaplanMeier estimates the share of cases still open as time goes on, using
// open cases for as long as they were seen: S(t) = Π (1 − dᵢ/nᵢ). At equal times
// decisions come before censoring. Durations that are negative or not finite
// are left out with WarnUnusable; 0 is a valid duration.
func KaplanMeier(cases []Duration, level float64) Curve {
	sorted := make([]Duration, 0, len(cases))
	for _, c := range cases {
		if c.Time >= 0 && finite(c.Time) {
			sorted = append(sorted, c)
		}
	}
	slices.SortFunc(sorted, func(a, b Duration) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	})
	curve := Curve{Level: level, N: int64(len(sorted))}
	if len(sorted) < len(cases) {
		curve.Warnings = append(curve.Warnings, WarnUnusable)
	}
	if len(sorted) == 0 {
		curve.Warnings = append(curve.Warnings, WarnNoData)
	}
	z := math.NaN()
	if validLevel(level) {
		z = quantile(level, math.Inf(1))
	} else {
		curve.Warnings = append(curve.Warnings, WarnInvalidLevel)
	}
	curve.fill(sorted, z)
	return curve
}

// fill walks the sorted cases, one distinct time per step.
func (c *Curve) fill(sorted []Duration, z float64) {
	open, greenwood, ceiling := 1.0, 0.0, 1.0
	for i := 0; i < len(sorted); {
		p := SurvivalPoint{Time: sorted[i].Time, AtRisk: int64(len(sorted) - i)}
		for ; i < len(sorted) && sorted[i].Time == p.Time; i++ {
			if sorted[i].Decided {
				p.Decided++
			} else {
				p.Censored++
			}
		}
		n, d := float64(p.AtRisk), float64(p.Decided)
		open *= 1 - d/n
		if n > d {
			greenwood += d / (n * (n - d))
		}
		p.Open, p.SE = open, open*math.Sqrt(greenwood)
		p.Low, p.High = logLogBand(open, greenwood, z, ceiling)
		ceiling = p.High
		c.Censored += p.Censored
		c.Points = append(c.Points, p)
	}
}

// logLogBand is S^exp(±z·se), se = sqrt(Σ d/(n(n−d))) / |ln S|: Greenwood's
// variance carried to log(−log S), which keeps the band inside [0, 1]. At 1
// nothing has happened yet and the band is the point. At 0 the variance is not
// defined: the upper band stays where it was (ceiling), so that a curve that
// ends with its last case does not claim to be certain.
func logLogBand(open, greenwood, z, ceiling float64) (low, high float64) {
	switch {
	case math.IsNaN(z):
		return z, z
	case open >= 1:
		return 1, 1
	case open <= 0:
		return 0, ceiling
	}
	se := math.Sqrt(greenwood) / math.Abs(math.Log(open))
	return math.Pow(open, math.Exp(z*se)), math.Pow(open, math.Exp(-z*se))
}

// slack keeps a share that equals a quantile equal to it after a long product.
const slack = 1e-12

// Quantile is the time by which the given share of cases is decided: the first
// time at which the share still open is ≤ 1 − share. Its interval is
// Brookmeyer–Crowley's, read off the log-log band: Low is the first time where
// the lower band, High where the upper band, has fallen as far; High is +Inf
// when it never does. NaN with WarnNotReached when the curve never does.
func (c Curve) Quantile(share float64) Estimate {
	if !(share > 0 && share < 1) {
		return undefined(c.Level, c.N, WarnInvalidInput)
	}
	e := undefined(c.Level, c.N, c.Warnings...)
	e.Warnings = append([]Warning(nil), c.Warnings...)
	if len(c.Points) == 0 {
		return e.warn(WarnNoData)
	}
	target := 1 - share + slack
	first := func(of func(SurvivalPoint) float64) (float64, bool) {
		for _, p := range c.Points {
			if of(p) <= target {
				return p.Time, true
			}
		}
		return 0, false
	}
	value, ok := first(func(p SurvivalPoint) float64 { return p.Open })
	if ok {
		e.Value = value
	} else {
		e = e.warn(WarnNotReached)
	}
	if !validLevel(c.Level) {
		return e
	}
	e.DF = math.Inf(1)
	if low, ok := first(func(p SurvivalPoint) float64 { return p.Low }); ok {
		e.Low = low
	}
	if high, ok := first(func(p SurvivalPoint) float64 { return p.High }); ok {
		e.High = high
	} else {
		e.High = math.Inf(1)
		e = e.warn(WarnNotReached)
	}
	return e
}

// Median is the time by which half of the cases is decided.
func (c Curve) Median() Estimate { return c.Quantile(0.5) }
