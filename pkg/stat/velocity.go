package stat

import "math"

// WonSums is what must be kept of won deals: number, amounts a and cycles c in
// days with squares and cross product. Additive.
type WonSums struct {
	N                       int64
	Amount, AmountSquared   float64
	CycleDays, CycleSquared float64
	AmountCycle             float64
}

// Observe adds one won deal.
func (s WonSums) Observe(amount, cycleDays float64) WonSums {
	return s.Add(WonSums{
		N: 1, Amount: amount, AmountSquared: amount * amount,
		CycleDays: cycleDays, CycleSquared: cycleDays * cycleDays, AmountCycle: amount * cycleDays,
	})
}

// Add returns the sums over both sets.
func (s WonSums) Add(o WonSums) WonSums {
	return WonSums{
		N: s.N + o.N, Amount: s.Amount + o.Amount, AmountSquared: s.AmountSquared + o.AmountSquared,
		CycleDays: s.CycleDays + o.CycleDays, CycleSquared: s.CycleSquared + o.CycleSquared,
		AmountCycle: s.AmountCycle + o.AmountCycle,
	}
}

// VelocityIndex is decided × mean amount × win rate ÷ mean cycle days, NaN when
// the cycle is not above 0.
func VelocityIndex(decided, meanAmount, winRate, meanCycleDays float64) float64 {
	if !(meanCycleDays > 0) {
		return math.NaN()
	}
	return decided * meanAmount * winRate / meanCycleDays
}

// Velocity is [VelocityIndex] of one window with its interval. The number of
// decided deals D is taken as given; with p = won/D,
//
//	Var(V)/V² ≈ (1−p)/(pD) + s²ₐ/(nā²) + s²_c/(nc̄²) − 2s_ac/(nāc̄)
//
// by the delta method, amount and cycle measured on the same won deals; t
// quantile on n−1 degrees of freedom.
func Velocity(decided int64, won WonSums, level float64) Estimate {
	switch {
	case won.N < 0 || decided < won.N:
		return undefined(level, decided, WarnBadCounts)
	case won.N == 0:
		return undefined(level, decided)
	}
	d, n := float64(decided), float64(won.N)
	p, amount, cycle := n/d, won.Amount/n, won.CycleDays/n
	value := VelocityIndex(d, amount, p, cycle)
	if !finite(value) {
		return undefined(level, decided, WarnZeroBase)
	}
	if won.N < 2 {
		return centreOnly(value, level, decided, WarnTooFew)
	}
	va, wa := sampleVariance(n, won.AmountSquared, won.Amount)
	vc, wc := sampleVariance(n, won.CycleSquared, won.CycleDays)
	cov := (won.AmountCycle - won.Amount*won.CycleDays/n) / (n - 1)
	// Absolute, not relative to V: the mean amount may be 0 or below.
	k := d * p / cycle
	variance := k * k * (amount*amount*((1-p)/(p*d)+vc/(n*cycle*cycle)) + va/n - 2*amount*cov/(n*cycle))
	if variance < 0 {
		// The cross product contradicts the squares: by rounding or by a wrong sum.
		variance, wa = 0, append(wa, WarnRounding)
	}
	return around(value, math.Sqrt(variance), n-1, level, decided).warn(wa...).warn(wc...)
}
