package stat

import (
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// Warning is a stable snake_case code that says what limits an estimate.
type Warning string

// Warnings that an estimate may carry.
const (
	// WarnNoData: there was nothing to estimate from; the value is NaN.
	WarnNoData Warning = "no_data"
	// WarnTooFew: too few samples for an interval; the value may stand.
	WarnTooFew Warning = "too_few_samples"
	// WarnInvalidLevel: the confidence level is not inside (0, 1).
	WarnInvalidLevel Warning = "invalid_level"
	// WarnInvalidInput: an input is outside its domain (negative count, NaN, low above high).
	WarnInvalidInput Warning = "invalid_input"
	// WarnBadCounts: more successes than trials, or negative counts.
	WarnBadCounts Warning = "bad_counts"
	// WarnZeroBase: a quotient's denominator is 0, so no ratio exists.
	WarnZeroBase Warning = "zero_base"
	// WarnNegativeBase: a quotient's denominator is negative, so the sign of a relative change misleads.
	WarnNegativeBase Warning = "negative_base"
	// WarnNoVariance: the samples do not vary, so the interval has no width.
	WarnNoVariance Warning = "no_variance"
	// WarnRounding: sums of squares contradict the sums by rounding; the variance was taken as 0.
	WarnRounding Warning = "variance_lost_to_rounding"
	// WarnNotReached: a survival curve (or its band) never falls to the quantile.
	WarnNotReached Warning = "not_reached"
	// WarnSingular: the regressors are linearly dependent, nothing can be told apart.
	WarnSingular Warning = "singular"
	// WarnFewClusters: fewer than 2 clusters, or so few (under 10) that clustered errors are optimistic.
	WarnFewClusters Warning = "few_clusters"
	// WarnLowExpected: an expected count is under 5, so the chi-square approximation is poor.
	WarnLowExpected Warning = "low_expected_count"
	// WarnImputed: missing parts were replaced by the mean of their arm.
	WarnImputed Warning = "imputed_parts"
	// WarnPartUnrecorded: a part was recorded in one arm of a trial and never in the other, where it adds nothing.
	WarnPartUnrecorded Warning = "part_unrecorded_in_arm"
	// WarnMissingCovariate: tasks without the covariate were left out of the adjusted regression.
	WarnMissingCovariate Warning = "missing_covariate"
	// WarnNoCovariate: no adjustment was possible; the regression is on treatment alone.
	WarnNoCovariate Warning = "no_covariate"
	// WarnUnusable: rows without a recorded, positive, finite outcome were left out.
	WarnUnusable Warning = "unusable_rows"
)

// Estimate is a number with its doubt.
//
// Value is the centre in the caller's unit. Low and High bound it at confidence
// Level (0.95 means 95 %): NaN when no interval can be given, an infinity when
// it is unbounded on that side. SE is the standard error in the unit of Value,
// DF the degrees of freedom of the quantile used (+Inf: normal quantiles). N is
// the number of samples behind it.
type Estimate struct {
	Value, Low, High, Level float64
	SE, DF                  float64
	N                       int64
	Warnings                []Warning
}

// Known reports whether the centre is a finite number.
func (e Estimate) Known() bool { return finite(e.Value) }

// Bounded reports whether both ends of the interval are finite numbers.
func (e Estimate) Bounded() bool { return finite(e.Low) && finite(e.High) }

// Has reports whether the estimate carries the warning.
func (e Estimate) Has(w Warning) bool { return hasWarning(e.Warnings, w) }

// warn returns the estimate with a warning added, once.
func (e Estimate) warn(ws ...Warning) Estimate {
	out := append([]Warning(nil), e.Warnings...)
	for _, w := range ws {
		if !hasWarning(out, w) {
			out = append(out, w)
		}
	}
	e.Warnings = out
	return e
}

// Comparison is the difference of two arms with its two-sided p-value (NaN when
// there is none).
type Comparison struct {
	Estimate
	P float64
}

// Sample is what must be kept of a set of numbers to know its mean and spread:
// additive, so samples of parts add up to the sample of the whole.
type Sample struct {
	N               int64
	Sum, SumSquares float64
}

// Add returns the sample of both sets together.
func (s Sample) Add(o Sample) Sample {
	return Sample{N: s.N + o.N, Sum: s.Sum + o.Sum, SumSquares: s.SumSquares + o.SumSquares}
}

// SampleOf sums up the values.
func SampleOf(values []float64) Sample {
	var s Sample
	for _, v := range values {
		s.N++
		s.Sum += v
		s.SumSquares += v * v
	}
	return s
}

// Mean is the arithmetic mean with its t interval on n−1 degrees of freedom,
// sample variance (Σx² − (Σx)²/n) / (n−1). One value has a mean and no interval.
func Mean(s Sample, level float64) Estimate {
	a, ws := s.arm()
	if a.n < 1 || !finite(a.mean) {
		return undefined(level, s.N, ws...)
	}
	if a.n < 2 {
		return centreOnly(a.mean, level, s.N, WarnTooFew).warn(ws...)
	}
	return around(a.mean, math.Sqrt(a.variance/a.n), a.n-1, level, s.N).warn(ws...)
}

// around is the symmetric interval value ± quantile × se: Student's t for
// finite degrees of freedom, normal for +Inf.
func around(value, se, df, level float64, n int64) Estimate {
	e := centreOnly(value, level, n)
	e.SE, e.DF = se, df
	if !validLevel(level) {
		return e.warn(WarnInvalidLevel)
	}
	if se == 0 {
		e.Low, e.High = value, value
		return e.warn(WarnNoVariance)
	}
	if !(df > 0) || !finite(se) || !finite(value) {
		return e.warn(WarnTooFew)
	}
	half := quantile(level, df) * se
	e.Low, e.High = value-half, value+half
	return e
}

// centreOnly is an estimate without an interval.
func centreOnly(value, level float64, n int64, ws ...Warning) Estimate {
	nan := math.NaN()
	return Estimate{Value: value, Low: nan, High: nan, Level: level, SE: nan, DF: nan, N: n}.warn(ws...)
}

// undefined is an estimate of which nothing is known but the reason.
func undefined(level float64, n int64, ws ...Warning) Estimate {
	if len(ws) == 0 {
		ws = []Warning{WarnNoData}
	}
	return centreOnly(math.NaN(), level, n, ws...)
}

// quantile is the two-sided critical value for a confidence level.
func quantile(level, df float64) float64 {
	upper := 1 - (1-level)/2
	if math.IsInf(df, 1) {
		return distuv.UnitNormal.Quantile(upper)
	}
	return studentQuantiles.at(upper, df)
}

// studentQuantiles remembers quantiles of Student's t: each is found by iteration, and a scorecard asks for the same few
// hundreds of times.
var studentQuantiles quantiles

// quantiles is a memory of bounded size. Its zero value is empty.
type quantiles struct {
	mu    sync.Mutex
	known map[[2]float64]float64
}

// mostQuantiles is how many are remembered before all are forgotten.
const mostQuantiles = 1 << 14

func (q *quantiles) at(p, df float64) float64 {
	key := [2]float64{p, df}
	q.mu.Lock()
	x, ok := q.known[key]
	q.mu.Unlock()
	if ok {
		return x
	}
	x = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil || len(q.known) >= mostQuantiles {
		q.known = map[[2]float64]float64{}
	}
	q.known[key] = x
	return x
}

// twoSidedP is the probability of a statistic at least as far from 0. The lower
// tail is used because it keeps its digits where 1 − CDF would lose them.
func twoSidedP(statistic, df float64) float64 {
	if math.IsNaN(statistic) || math.IsNaN(df) {
		return math.NaN()
	}
	t := -math.Abs(statistic)
	if math.IsInf(df, 1) {
		return 2 * normalCDF(t)
	}
	if math.IsInf(t, -1) {
		return 0
	}
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.CDF(t)
}

func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func validLevel(level float64) bool { return level > 0 && level < 1 }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func hasWarning(ws []Warning, w Warning) bool { return slices.Contains(ws, w) }
