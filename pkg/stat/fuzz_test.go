package stat_test

import (
	"math"
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// Whatever the counts, an interval is in order or absent, and nothing panics.
func FuzzProportions(f *testing.F) {
	f.Add(int64(14), int64(28), int64(16), int64(30), 0.95)
	f.Add(int64(0), int64(0), int64(-1), int64(5), 0.0)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(1), int64(math.MaxInt64), 1.0)
	f.Fuzz(func(t *testing.T, x1, n1, x2, n2 int64, level float64) {
		a, b := stat.Proportion{Successes: x1, Trials: n1}, stat.Proportion{Successes: x2, Trials: n2}
		for _, e := range []stat.Estimate{
			stat.Wilson(a, level),
			stat.ProportionDifference(a, b, level).Estimate,
			stat.ProportionLift(a, b, level).Estimate,
			stat.Sequential(stat.ProportionLift(a, b, level), stat.SequentialTuning).Estimate,
		} {
			if e.Bounded() && !(e.Low <= e.High) {
				t.Fatalf("low above high: %+v", e)
			}
			if !e.Bounded() && len(e.Warnings) == 0 {
				t.Fatalf("no interval and no reason: %+v", e)
			}
		}
	})
}

// Additive sums come from a database and may contradict each other.
func FuzzSums(f *testing.F) {
	f.Add(int64(3), 66.0, 6.0, 1676.0, 14.0, 152.0)
	f.Add(int64(2), 1e200, -1e200, 0.0, math.Inf(1), math.NaN())
	f.Fuzz(func(t *testing.T, n int64, m, u, mm, uu, um float64) {
		for _, e := range []stat.Estimate{
			stat.Mean(stat.Sample{N: n, Sum: m, SumSquares: mm}, 0.9),
			stat.Ratio(stat.RatioSums{N: n, Units: u, Minutes: m, UnitsSquared: uu, MinutesSquared: mm, UnitsMinutes: um}, 0.9),
			stat.Velocity(n, stat.WonSums{N: n, Amount: m, AmountSquared: mm, CycleDays: u, CycleSquared: uu, AmountCycle: um}, 0.9),
			stat.MeanLift(stat.Sample{N: n, Sum: m, SumSquares: mm}, stat.Sample{N: n, Sum: u, SumSquares: uu}, 0.9).Estimate,
		} {
			if e.Bounded() && !(e.Low <= e.High) {
				t.Fatalf("low above high: %+v", e)
			}
			if !e.Bounded() && len(e.Warnings) == 0 {
				t.Fatalf("no interval and no reason: %+v", e)
			}
		}
	})
}

func FuzzApportion(f *testing.F) {
	f.Add(int64(5), int32(-2), int64(1), int64(1), int64(1), int32(2))
	f.Add(int64(-7), int32(-9), int64(3), int64(-1), int64(0), int32(4))
	f.Fuzz(func(t *testing.T, total int64, exp int32, a, b, c int64, scale int32) {
		if exp < -30 || exp > 30 || scale < -10 || scale > 30 {
			return // outside the exponents of money
		}
		sum := decimal.New(total, exp)
		parts, err := stat.Apportion(sum, []decimal.Decimal{decimal.NewFromInt(a), decimal.NewFromInt(b), decimal.NewFromInt(c)}, scale)
		if err == nil && !sumOf(parts).Equal(sum) {
			t.Fatalf("parts %v do not sum to %s", parts, sum)
		}
	})
}
