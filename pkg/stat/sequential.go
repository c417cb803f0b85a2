package stat

import "math"

// SequentialTuning is the sample size at which the sequential interval is made
// tightest by default (N* = 5,000 units over both arms, as in GrowthBook).
const SequentialTuning = 5000

// Sequential widens a comparison into an asymptotic confidence sequence, which
// holds at all looks at once: one may watch it daily and stop when it excludes 0.
//
// With N = c.N units over both arms, α = 1 − level, and
// ρ² = (−2 ln α + ln(1 − 2 ln α))/N*, the half-width is
//
//	SE·√N · sqrt(2(Nρ²+1)/(N²ρ²) · ln(sqrt(Nρ²+1)/α))
//
// (Waudby-Smith et al., arXiv 2103.06476, as used by GrowthBook). P is the
// always-valid p-value that inverts it, sqrt(Nρ²+1)·exp(−z²Nρ²/(2(Nρ²+1)))
// capped at 1, with z = value ÷ SE.
func Sequential(c Comparison, tuning float64) Comparison {
	e := c.Estimate.warn()
	e.Low, e.High, e.DF = math.NaN(), math.NaN(), math.Inf(1)
	unknown := Comparison{Estimate: e, P: math.NaN()}
	switch {
	case !validLevel(e.Level):
		unknown.Estimate = e.warn(WarnInvalidLevel)
		return unknown
	case !(tuning > 0):
		unknown.Estimate = e.warn(WarnInvalidInput)
		return unknown
	case e.N < 2 || !finite(e.SE) || !finite(e.Value) || e.SE == 0:
		unknown.Estimate = e.warn(WarnTooFew)
		return unknown
	}
	alpha, n := 1-e.Level, float64(e.N)
	rho2 := (-2*math.Log(alpha) + math.Log(1-2*math.Log(alpha))) / tuning
	k := n*rho2 + 1
	half := e.SE * math.Sqrt(2*k/(n*rho2)*math.Log(math.Sqrt(k)/alpha))
	e.Low, e.High = e.Value-half, e.Value+half
	z := e.Value / e.SE
	p := math.Exp(0.5*math.Log(k) - z*z*n*rho2/(2*k))
	return Comparison{Estimate: e, P: min(1, p)}
}
