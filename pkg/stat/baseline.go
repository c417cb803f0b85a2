package stat

import "math"

// RatioSums is what must be kept of pairs (units, minutes) to know Σminutes ÷
// Σunits and its error. Additive: sums of parts add up to those of the whole.
type RatioSums struct {
	N                                          int64
	Units, Minutes                             float64
	UnitsSquared, MinutesSquared, UnitsMinutes float64
}

// Observe adds one pair.
func (s RatioSums) Observe(units, minutes float64) RatioSums {
	return s.Add(RatioSums{
		N: 1, Units: units, Minutes: minutes,
		UnitsSquared: units * units, MinutesSquared: minutes * minutes, UnitsMinutes: units * minutes,
	})
}

// Add returns the sums over both sets.
func (s RatioSums) Add(o RatioSums) RatioSums {
	return RatioSums{
		N: s.N + o.N, Units: s.Units + o.Units, Minutes: s.Minutes + o.Minutes,
		UnitsSquared:   s.UnitsSquared + o.UnitsSquared,
		MinutesSquared: s.MinutesSquared + o.MinutesSquared,
		UnitsMinutes:   s.UnitsMinutes + o.UnitsMinutes,
	}
}

// Ratio is R = Σminutes ÷ Σunits, the mean that prices a sum of units rightly,
// with the linearised error of a ratio estimator (Cochran, Sampling Techniques,
// 6.3): residuals e = m − R·u, s² = Σe²/(n−1), SE = sqrt(n·s²)/Σu, t interval on
// n−1 degrees of freedom.
func Ratio(s RatioSums, level float64) Estimate {
	switch {
	case s.N < 0 || !finite(s.Units) || !finite(s.Minutes):
		return undefined(level, s.N, WarnInvalidInput)
	case s.N == 0:
		return undefined(level, 0)
	case s.Units == 0:
		return undefined(level, s.N, WarnZeroBase)
	}
	r := s.Minutes / s.Units
	if s.N < 2 {
		return centreOnly(r, level, s.N, WarnTooFew)
	}
	squares := s.MinutesSquared - 2*r*s.UnitsMinutes + r*r*s.UnitsSquared
	scale := s.MinutesSquared + r*r*s.UnitsSquared
	var ws []Warning
	if math.Abs(squares) <= 1e-13*scale {
		squares = 0
	} else if squares < 0 {
		squares, ws = 0, []Warning{WarnRounding}
	}
	n := float64(s.N)
	se := math.Sqrt(n*squares/(n-1)) / math.Abs(s.Units)
	e := around(r, se, n-1, level, s.N).warn(ws...)
	if s.Units < 0 {
		return e.warn(WarnNegativeBase)
	}
	return e
}
