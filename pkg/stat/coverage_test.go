package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"plumbline/pkg/stat"
)

// covered counts how often the interval holds the truth and fails outside the
// limits. Every simulation is seeded: it passes or fails for good.
//
// Limits: with 2,000 runs a true coverage of 0.95 gives a standard error of
// sqrt(0.95·0.05/2000) = 0.0049, so 0.95 ± 4 errors is 0.930 to 0.970. Where an
// interval is only asymptotically right the lower limit is stated beside it.
func covered(t *testing.T, low, high, truth float64, draw func(*rand.Rand) stat.Estimate) {
	t.Helper()
	const runs = 2000
	r := rand.New(rand.NewPCG(20260101, 7))
	hits := 0
	for range runs {
		if e := draw(r); e.Low <= truth && truth <= e.High {
			hits++
		}
	}
	if share := float64(hits) / runs; share < low || share > high {
		t.Errorf("coverage %v, want %v to %v", share, low, high)
	}
}

func binomial(r *rand.Rand, n int64, p float64) stat.Proportion {
	out := stat.Proportion{Trials: n}
	for range n {
		if r.Float64() < p {
			out.Successes++
		}
	}
	return out
}

func TestCoverageOfShares(t *testing.T) {
	t.Run("wilson", func(t *testing.T) {
		covered(t, 0.93, 0.97, 0.3, func(r *rand.Rand) stat.Estimate { return stat.Wilson(binomial(r, 80, 0.3), 0.95) })
	})
	t.Run("newcombe", func(t *testing.T) {
		// Known to be slightly conservative: up to 0.98.
		covered(t, 0.93, 0.98, 0.15, func(r *rand.Rand) stat.Estimate {
			return stat.ProportionDifference(binomial(r, 70, 0.35), binomial(r, 60, 0.2), 0.95).Estimate
		})
	})
	t.Run("relative lift", func(t *testing.T) {
		covered(t, 0.93, 0.97, 0.25, func(r *rand.Rand) stat.Estimate {
			return stat.ProportionLift(binomial(r, 800, 0.25), binomial(r, 800, 0.2), 0.95).Estimate
		})
	})
}

func TestCoverageOfSums(t *testing.T) {
	t.Run("mean", func(t *testing.T) {
		covered(t, 0.93, 0.97, 5, func(r *rand.Rand) stat.Estimate {
			var s stat.Sample
			for range 12 {
				x := 5 + 2*r.NormFloat64()
				s = s.Add(stat.Sample{N: 1, Sum: x, SumSquares: x * x})
			}
			return stat.Mean(s, 0.95)
		})
	})
	t.Run("ratio of sums", func(t *testing.T) {
		// Linearised: a little short with 30 events of unequal size, from 0.92.
		covered(t, 0.92, 0.97, 20, func(r *rand.Rand) stat.Estimate {
			var s stat.RatioSums
			for range 30 {
				units := float64(1 + r.IntN(5))
				s = s.Observe(units, units*20+math.Sqrt(units)*8*r.NormFloat64())
			}
			return stat.Ratio(s, 0.95)
		})
	})
}

func TestCoverageOfRows(t *testing.T) {
	t.Run("survival median", func(t *testing.T) {
		// Exponential with mean 10, a third censored: median 10·ln 2. From 0.92 as a pointwise band.
		covered(t, 0.92, 0.98, 10*math.Ln2, func(r *rand.Rand) stat.Estimate {
			cases := make([]stat.Duration, 80)
			for i := range cases {
				end, seen := 10*r.ExpFloat64(), 20*r.ExpFloat64()
				cases[i] = stat.Duration{Time: min(end, seen), Decided: end <= seen}
			}
			return stat.KaplanMeier(cases, 0.95).Median()
		})
	})
	t.Run("velocity", func(t *testing.T) {
		// Mean amount 1000 + 10·40 = 1400, cycle 40, win rate 0.4 of 200: 200·1400·0.4/40 = 2800.
		covered(t, 0.92, 0.97, 2800, func(r *rand.Rand) stat.Estimate {
			var won stat.WonSums
			for range binomial(r, 200, 0.4).Successes {
				cycle := 40 + 10*r.NormFloat64()
				won = won.Observe(1000+10*cycle+200*r.NormFloat64(), cycle)
			}
			return stat.Velocity(200, won, 0.95)
		})
	})
	t.Run("clustered trial", func(t *testing.T) {
		// Effect exp(0.2) − 1; 12 people. CR1 with t(11) is a little short, from 0.90.
		covered(t, 0.90, 0.97, math.Expm1(0.2), func(r *rand.Rand) stat.Estimate {
			return stat.TimeTrial(simulatedTrial(r, 0.2), 0.95).RatioClustered
		})
	})
}

// simulatedTrial draws 12 people with 8 tasks each and an effect that differs by person.
func simulatedTrial(r *rand.Rand, effect float64) []stat.TrialTask {
	var tasks []stat.TrialTask
	for p := range 12 {
		own := effect + 0.2*r.NormFloat64()
		for range 8 {
			size := 3.5 + 0.8*r.NormFloat64()
			assisted := r.IntN(2) == 1
			minutes := size + 0.4*r.NormFloat64()
			if assisted {
				minutes += own
			}
			tasks = append(tasks, stat.TrialTask{
				Assisted: assisted, Person: string(rune('a' + p)),
				Parts:              []stat.OptionalFloat{stat.Some(math.Exp(minutes))},
				EstimateUnassisted: stat.Some(math.Exp(size + 0.2*r.NormFloat64())),
			})
		}
	}
	return tasks
}

// Looking after each of 40 batches, an ordinary interval would exclude the truth
// far more often than 5 %. The sequence may do so in 5 % of 400 runs at most:
// 20 ± 4·sqrt(400·0.05·0.95) = 20 ± 17.4, so 37 is the limit.
func TestSequentialHoldsAtEveryLook(t *testing.T) {
	r := rand.New(rand.NewPCG(20260102, 7))
	fixed, sequential := 0, 0
	for range 400 {
		var a, b stat.Sample
		var outFixed, outSequential bool
		for range 40 {
			for range 100 {
				x, y := r.NormFloat64(), r.NormFloat64()
				a = a.Add(stat.Sample{N: 1, Sum: x, SumSquares: x * x})
				b = b.Add(stat.Sample{N: 1, Sum: y, SumSquares: y * y})
			}
			c := stat.MeanDifference(a, b, 0.95)
			s := stat.Sequential(c, stat.SequentialTuning)
			outFixed = outFixed || c.Low > 0 || c.High < 0
			outSequential = outSequential || s.Low > 0 || s.High < 0
			// The p-value is the interval read the other way.
			if (s.Low > 0 || s.High < 0) != (s.P < 0.05) {
				t.Fatalf("interval %v to %v but p %v", s.Low, s.High, s.P)
			}
		}
		if outFixed {
			fixed++
		}
		if outSequential {
			sequential++
		}
	}
	if sequential > 37 || fixed <= 37 {
		t.Errorf("false alarms of 400: sequential %d, fixed %d", sequential, fixed)
	}
}
