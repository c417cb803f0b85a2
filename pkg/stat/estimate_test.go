package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"plumbline/pkg/stat"
)

func TestMean(t *testing.T) {
	// 2, 4, 6: mean 4, s² = (4+0+4)/2 = 4, SE = 2/√3 = 1.154701,
	// t(2; 0.975) = 4.302653, half-width 4.968275.
	e := stat.Mean(stat.SampleOf([]float64{2, 4, 6}), 0.95)
	near(t, "mean", e.Value, 4, 1e-12)
	near(t, "se", e.SE, 1.154701, 1e-6)
	near(t, "low", e.Low, 4-4.968275, 1e-5)
	near(t, "high", e.High, 4+4.968275, 1e-5)
	if e.DF != 2 || e.N != 3 || len(e.Warnings) != 0 {
		t.Errorf("estimate = %+v", e)
	}
}

func TestTooFewIsData(t *testing.T) {
	one := stat.Mean(stat.Sample{N: 1, Sum: 3, SumSquares: 9}, 0.9)
	if one.Value != 3 || one.Bounded() || !one.Has(stat.WarnTooFew) {
		t.Errorf("one value = %+v", one)
	}
	cases := map[string]struct {
		got  stat.Estimate
		warn stat.Warning
	}{
		"no values":          {stat.Mean(stat.Sample{}, 0.9), stat.WarnNoData},
		"no trials":          {stat.Wilson(stat.Proportion{}, 0.9), stat.WarnNoData},
		"more than trials":   {stat.Wilson(stat.Proportion{Successes: 3, Trials: 2}, 0.9), stat.WarnBadCounts},
		"zero base":          {stat.ProportionLift(stat.Proportion{Successes: 1, Trials: 9}, stat.Proportion{Trials: 9}, 0.9).Estimate, stat.WarnZeroBase},
		"no units":           {stat.Ratio(stat.RatioSums{N: 3, Minutes: 5}, 0.9), stat.WarnZeroBase},
		"no won deals":       {stat.Velocity(4, stat.WonSums{}, 0.9), stat.WarnNoData},
		"won above decided":  {stat.Velocity(1, stat.WonSums{N: 2}, 0.9), stat.WarnBadCounts},
		"no cases":           {stat.KaplanMeier(nil, 0.9).Median(), stat.WarnNoData},
		"points in disorder": {stat.ThreePoint{Low: 3, Mode: 2, High: 4}.PERT(0.9), stat.WarnInvalidInput},
		"no tasks":           {stat.TimeTrial(nil, 0.95).Ratio, stat.WarnNoData},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.got.Known() || c.got.Bounded() || !c.got.Has(c.warn) {
				t.Errorf("estimate = %+v, want NaN with %s", c.got, c.warn)
			}
		})
	}
	if e := stat.Wilson(stat.Proportion{Successes: 1, Trials: 2}, 1); e.Bounded() || !e.Has(stat.WarnInvalidLevel) {
		t.Errorf("level 1 = %+v", e)
	}
}

func TestWilsonEnds(t *testing.T) {
	// 0 of 10: high = z²/(n+z²) = 3.841459/13.841459 = 0.277533 (Newcombe 1998, table I form).
	none := stat.Wilson(stat.Proportion{Trials: 10}, 0.95)
	near(t, "high", none.High, 0.277533, 1e-6)
	all := stat.Wilson(stat.Proportion{Successes: 10, Trials: 10}, 0.95)
	near(t, "low", all.Low, 1-0.277533, 1e-6)
	if none.Low != 0 || all.High != 1 {
		t.Errorf("ends = %v, %v", none.Low, all.High)
	}
	// 81 of 263, Newcombe 1998: 0.2553 to 0.3662.
	e := stat.Wilson(stat.Proportion{Successes: 81, Trials: 263}, 0.95)
	near(t, "low", e.Low, 0.2553, 5e-5)
	near(t, "high", e.High, 0.3662, 5e-5)
}

// Counts of the Hillstrom e-mail test: control 2,262 visits and 122 conversions of
// 21,306, mens e-mail 3,894 and 267 of 21,307.
func TestHillstrom(t *testing.T) {
	control := func(x int64) stat.Proportion { return stat.Proportion{Successes: x, Trials: 21306} }
	mens := func(x int64) stat.Proportion { return stat.Proportion{Successes: x, Trials: 21307} }
	cases := []struct {
		name             string
		got              stat.Comparison
		value, low, high float64
	}{
		{"visits, relative", stat.ProportionLift(mens(3894), control(2262), 0.95), 0.7214046, 0.6384138, 0.8043955},
		{"conversions, absolute", stat.ProportionDifference(mens(267), control(122), 0.95), 0.0068050, 0.0050143, 0.0086407},
		{"conversions, relative", stat.ProportionLift(mens(267), control(122), 0.95), 1.1884219, 0.7215273, 1.6553165},
	}
	for _, c := range cases {
		near(t, c.name, c.got.Value, c.value, 1e-7)
		near(t, c.name+" low", c.got.Low, c.low, 1e-7)
		near(t, c.name+" high", c.got.High, c.high, 1e-7)
	}
}

func TestPooledP(t *testing.T) {
	// 56/70 against 48/80: pooled 104/150 = 0.693333, SE = sqrt(0.693333·0.306667·(1/70+1/80))
	// = 0.0754668, z = 0.2/0.0754668 = 2.650172, p = 0.008045.
	c := stat.ProportionDifference(stat.Proportion{Successes: 56, Trials: 70}, stat.Proportion{Successes: 48, Trials: 80}, 0.95)
	near(t, "p", c.P, 0.008045, 1e-6)
	if p := stat.ProportionDifference(stat.Proportion{Trials: 5}, stat.Proportion{Trials: 5}, 0.95).P; p != 1 {
		t.Errorf("p without any success = %v, want 1", p)
	}
}

func TestHolm(t *testing.T) {
	// 0.01·4, then max(·, 0.02·3), max(·, 0.03·2) = 0.06, and 0.04 stays at 0.06.
	got := stat.Holm([]float64{0.04, 0.01, 0.03, 0.02})
	for i, want := range []float64{0.06, 0.04, 0.06, 0.06} {
		near(t, "adjusted", got[i], want, 1e-12)
	}
	if got := stat.Holm([]float64{math.NaN(), 0.01}); !math.IsNaN(got[0]) || got[1] != 0.02 {
		t.Errorf("with a missing p = %v", got)
	}
}

func TestRatio(t *testing.T) {
	// (units, minutes) (1,10) (2,26) (3,30): R = 66/6 = 11; residuals −1, 4, −3;
	// Σe² = 26, s² = 13, SE = sqrt(3·13)/6 = 1.040833, t(2; 0.95) = 2.919986.
	s := stat.RatioSums{}.Observe(1, 10).Observe(2, 26).Observe(3, 30)
	e := stat.Ratio(s, 0.9)
	near(t, "ratio", e.Value, 11, 1e-12)
	near(t, "se", e.SE, 1.040833, 1e-6)
	near(t, "high", e.High, 11+2.919986*1.040833, 1e-5)
	// Minutes exactly proportional to units: no spread, which is said.
	if e := stat.Ratio(stat.RatioSums{}.Observe(1, 0.1).Observe(3, 0.3), 0.9); e.SE != 0 || !e.Has(stat.WarnNoVariance) {
		t.Errorf("proportional = %+v", e)
	}
}

func TestCombineAndProduct(t *testing.T) {
	a := stat.Estimate{Value: 10, SE: 2, DF: 8, N: 9}
	b := stat.Estimate{Value: 4, SE: 1, DF: 4, N: 5}
	// a − 2b = 2; variance 4 + 4·1 = 8; df = 64/(16/8 + 16/4) = 10.6667.
	sum := stat.Combine(0.9, stat.Term{Weight: 1, Estimate: a}, stat.Term{Weight: -2, Estimate: b})
	near(t, "sum", sum.Value, 2, 1e-12)
	near(t, "sum se", sum.SE, math.Sqrt(8), 1e-12)
	near(t, "sum df", sum.DF, 64.0/6, 1e-9)
	// 40; variance 100·1 + 16·4 + 4 = 168; df = 164²/(100²/4 + 64²/8) = 26896/3012 = 8.929615.
	product := stat.Product(a, b, 0.9)
	near(t, "product", product.Value, 40, 1e-12)
	near(t, "product se", product.SE, math.Sqrt(168), 1e-12)
	near(t, "product df", product.DF, 26896.0/3012, 1e-9)
	// wᵀCw with w = (1, −1), C = (4 1; 1 3): 4 − 2 + 3 = 5.
	near(t, "linear variance", stat.LinearVariance([]float64{1, -1}, [][]float64{{4, 1}, {1, 3}}), 5, 1e-12)
	if e := stat.Combine(0.9, stat.Term{Weight: 1, Estimate: a}, stat.Term{Weight: 1, Estimate: stat.Mean(stat.Sample{N: 1, Sum: 3, SumSquares: 9}, 0.9)}); e.Value != 13 || e.Bounded() || !e.Has(stat.WarnTooFew) {
		t.Errorf("sum with a term of unknown error = %+v", e)
	}
}

func TestThreePointAgreesWithSimulation(t *testing.T) {
	p := stat.ThreePoint{Low: 0.3, Mode: 0.5, High: 0.9}
	// PERT mean (0.3+2+0.9)/6 = 0.533333, variance 0.233333·0.366667/7 = 0.0122222.
	// Triangle mean 1.7/3 = 0.566667, variance (0.04+0.08+0.16)/18 = 0.0155556.
	pert, triangle := p.PERT(0.9), p.Triangular(0.9)
	near(t, "pert mean", pert.Value, 0.533333, 1e-6)
	near(t, "pert sd", pert.SE, math.Sqrt(0.0122222), 1e-6)
	near(t, "triangle mean", triangle.Value, 0.566667, 1e-6)
	near(t, "triangle sd", triangle.SE, math.Sqrt(0.0155556), 1e-6)
	// 40,000 draws: the mean is within 4·0.12/200 = 0.0025, quantiles within 0.005.
	for name, pair := range map[string][2]stat.Estimate{
		"pert":     {pert, stat.Simulate(1, 40000, 0.9, p.DrawPERT).Estimate},
		"triangle": {triangle, stat.Simulate(1, 40000, 0.9, p.DrawTriangular).Estimate},
	} {
		near(t, name+" mean", pair[1].Value, pair[0].Value, 0.0025)
		near(t, name+" sd", pair[1].SE, pair[0].SE, 0.0025)
		near(t, name+" low", pair[1].Low, pair[0].Low, 0.005)
		near(t, name+" high", pair[1].High, pair[0].High, 0.005)
	}
	if e := (stat.ThreePoint{Low: 2, Mode: 2, High: 2}).PERT(0.9); e.Value != 2 || e.SE != 0 || e.Low != 2 {
		t.Errorf("a point = %+v", e)
	}
}

// A draw of Student's t has its quantiles: those of 5 and 50 degrees of freedom at 95 % are 2.015 and 1.676.
func TestDrawStudent(t *testing.T) {
	for df, want := range map[float64]float64{5: 2.0150, 12: 1.7823, 50: 1.6759, math.Inf(1): 1.6449} {
		s := stat.Simulate(1, 400_000, 0.9, func(r *rand.Rand) float64 { return stat.DrawStudent(r, df) })
		near(t, "high", s.High, want, 0.012)
		near(t, "low", s.Low, -want, 0.012)
	}
}
