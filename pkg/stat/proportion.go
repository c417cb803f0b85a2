package stat

import "math"

// Proportion is Successes out of Trials. It is additive.
type Proportion struct {
	Successes, Trials int64
}

// Share is successes ÷ trials, NaN without trials.
func (p Proportion) Share() float64 {
	if p.Trials == 0 {
		return math.NaN()
	}
	return float64(p.Successes) / float64(p.Trials)
}

// problem names what makes the counts unusable.
func (p Proportion) problem() (Warning, bool) {
	switch {
	case p.Successes < 0 || p.Trials < 0 || p.Successes > p.Trials:
		return WarnBadCounts, true
	case p.Trials == 0:
		return WarnNoData, true
	}
	return "", false
}

// Wilson is a share with its score interval (Wilson 1927), without continuity
// correction. It stays inside [0, 1] and has width even at 0 or all successes.
// SE is sqrt(p(1−p)/n), the Wald error, for propagation; the interval does not
// use it.
func Wilson(p Proportion, level float64) Estimate {
	if w, bad := p.problem(); bad {
		return undefined(level, p.Trials, w)
	}
	n, share := float64(p.Trials), p.Share()
	e := centreOnly(share, level, p.Trials)
	e.SE, e.DF = math.Sqrt(share*(1-share)/n), math.Inf(1)
	if !validLevel(level) {
		return e.warn(WarnInvalidLevel)
	}
	e.Low, e.High = wilsonBounds(p, quantile(level, math.Inf(1)))
	return e
}

// wilsonBounds solves (p̂ − p)² = z² p(1−p)/n for p.
func wilsonBounds(p Proportion, z float64) (low, high float64) {
	n, share := float64(p.Trials), p.Share()
	centre := (share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	low, high = centre-half, centre+half
	// The bounds touch 0 and 1 exactly at the ends; rounding must not say 1e-17.
	if p.Successes == 0 {
		low = 0
	}
	if p.Successes == p.Trials {
		high = 1
	}
	return max(low, 0), min(high, 1)
}

// ProportionDifference is treatment − control in share points with Newcombe's
// hybrid score interval (Newcombe 1998, method 10, no continuity correction).
//
// P is the two-sided z test with the pooled share under the null,
// z = (p₁−p₂)/sqrt(p(1−p)(1/n₁+1/n₂)): the score test, of one family with the
// score interval. SE is the unpooled error sqrt(p₁(1−p₁)/n₁ + p₂(1−p₂)/n₂).
func ProportionDifference(treatment, control Proportion, level float64) Comparison {
	n := treatment.Trials + control.Trials
	for _, p := range []Proportion{treatment, control} {
		if w, bad := p.problem(); bad {
			return Comparison{Estimate: undefined(level, n, w), P: math.NaN()}
		}
	}
	p1, p2 := treatment.Share(), control.Share()
	n1, n2 := float64(treatment.Trials), float64(control.Trials)
	e := centreOnly(p1-p2, level, n)
	e.SE, e.DF = math.Sqrt(p1*(1-p1)/n1+p2*(1-p2)/n2), math.Inf(1)
	out := Comparison{Estimate: e, P: pooledP(treatment, control)}
	if !validLevel(level) {
		out.Estimate = e.warn(WarnInvalidLevel)
		return out
	}
	z := quantile(level, math.Inf(1))
	l1, u1 := wilsonBounds(treatment, z)
	l2, u2 := wilsonBounds(control, z)
	out.Low = out.Value - math.Hypot(p1-l1, u2-p2)
	out.High = out.Value + math.Hypot(u1-p1, p2-l2)
	return out
}

// pooledP is 1 when nothing varies: all or none succeeded in both arms alike.
func pooledP(a, b Proportion) float64 {
	na, nb := float64(a.Trials), float64(b.Trials)
	pooled := (float64(a.Successes) + float64(b.Successes)) / (na + nb)
	se := math.Sqrt(pooled * (1 - pooled) * (1/na + 1/nb))
	if se == 0 {
		return 1
	}
	return twoSidedP((a.Share()-b.Share())/se, math.Inf(1))
}
