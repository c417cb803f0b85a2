package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Quantile is the p-quantile of ascending values with a distribution-free interval between two of them (Conover 1999, §3.2):
// how many of n values lie below the true quantile is binomial (n, p), so that the l-th and the u-th value hold it with
// at least the level. The centre interpolates between the values around (n−1)p. SE is not known.
//
// Few values have no such interval: the median at 95 % needs 6 of them. The bounds are NaN then, with [WarnTooFew].
func Quantile(sorted []float64, p, level float64) Estimate {
	n := len(sorted)
	if n == 0 {
		return undefined(level, 0)
	}
	if !(p >= 0 && p <= 1) {
		return undefined(level, int64(n), WarnInvalidInput)
	}
	place := float64(n-1) * p
	below := int(math.Floor(place))
	above := min(below+1, n-1)
	e := centreOnly(sorted[below]+(sorted[above]-sorted[below])*(place-float64(below)), level, int64(n))
	if !validLevel(level) {
		return e.warn(WarnInvalidLevel)
	}
	tail := (1 - level) / 2
	count := distuv.Binomial{N: float64(n), P: p}
	// low is the last value (from 0) of which P(count ≤ low) stays within the tail, high the first of which P(count ≥ high) does.
	low, high := -1, n
	for low+1 < n && count.CDF(float64(low+1)) <= tail {
		low++
	}
	for high-1 >= 0 && 1-count.CDF(float64(high-1)) <= tail {
		high--
	}
	if low < 0 || high >= n {
		return e.warn(WarnTooFew)
	}
	e.Low, e.High = sorted[low], sorted[high]
	return e
}
