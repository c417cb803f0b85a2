package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/stat"
)

func sumOf(parts []decimal.Decimal) decimal.Decimal {
	sum := decimal.Zero
	for _, p := range parts {
		sum = sum.Add(p)
	}
	return sum
}

func drawDecimal(t *rapid.T, label string, low, high int64) decimal.Decimal {
	exp := rapid.Int32Range(-20, 2).Draw(t, label+" exponent")
	return decimal.New(rapid.Int64Range(low, high).Draw(t, label), exp)
}

func TestApportionSumsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := drawDecimal(t, "total", -1e12, 1e12)
		scale := rapid.Int32Range(0, 18).Draw(t, "scale")
		weights := make([]decimal.Decimal, rapid.IntRange(1, 12).Draw(t, "parts"))
		for i := range weights {
			weights[i] = drawDecimal(t, "weight", 0, 1e6)
		}
		parts, err := stat.Apportion(total, weights, scale)
		sum := sumOf(weights)
		if sum.IsZero() {
			if err == nil {
				t.Fatal("weights of 0 must be refused")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := sumOf(parts); !got.Equal(total) {
			t.Fatalf("parts sum to %s, want %s", got, total)
		}
		// |part − total·w/W| ≤ one unit, without dividing: |part·W − total·w| ≤ unit·W.
		unit := decimal.New(1, -scale)
		for i, p := range parts {
			off := p.Mul(sum).Sub(total.Mul(weights[i])).Abs()
			if off.GreaterThan(unit.Mul(sum)) {
				t.Fatalf("part %d is %s, more than %s off", i, p, unit)
			}
			if weights[i].IsZero() && !p.IsZero() {
				t.Fatalf("part %d has no weight and gets %s", i, p)
			}
		}
	})
}

func TestCreditsSumToOne(t *testing.T) {
	one := decimal.New(1, 0)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "touches")
		lead := rapid.IntRange(0, n-1).Draw(t, "lead")
		opportunity := rapid.IntRange(0, n-1).Draw(t, "opportunity")
		days := make([]float64, n)
		for i := range days {
			days[i] = rapid.Float64Range(0, 5000).Draw(t, "days")
		}
		halfLife := rapid.Float64Range(0.01, 400).Draw(t, "half-life")
		models := map[string]func() ([]decimal.Decimal, error){
			"first":  func() ([]decimal.Decimal, error) { return stat.FirstTouch(n) },
			"last":   func() ([]decimal.Decimal, error) { return stat.LastTouch(n) },
			"linear": func() ([]decimal.Decimal, error) { return stat.Linear(n) },
			"u":      func() ([]decimal.Decimal, error) { return stat.UShaped(n) },
			"w":      func() ([]decimal.Decimal, error) { return stat.WShaped(n, lead, opportunity) },
			"decay":  func() ([]decimal.Decimal, error) { return stat.TimeDecay(days, halfLife) },
		}
		for name, model := range models {
			credits, err := model()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(credits) != n || !sumOf(credits).Equal(one) {
				t.Fatalf("%s: %d credits sum to %s", name, len(credits), sumOf(credits))
			}
			for _, c := range credits {
				if c.IsNegative() {
					t.Fatalf("%s: negative credit %s", name, c)
				}
			}
		}
	})
}

func drawProportion(t *rapid.T, label string) stat.Proportion {
	n := rapid.Int64Range(1, 1e6).Draw(t, label+" trials")
	return stat.Proportion{Successes: rapid.Int64Range(0, n).Draw(t, label+" successes"), Trials: n}
}

func TestNewcombeIsAntisymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawProportion(t, "a"), drawProportion(t, "b")
		level := rapid.Float64Range(0.5, 0.999).Draw(t, "level")
		ab, ba := stat.ProportionDifference(a, b, level), stat.ProportionDifference(b, a, level)
		for _, pair := range [][2]float64{{ab.Value, -ba.Value}, {ab.Low, -ba.High}, {ab.High, -ba.Low}, {ab.P, ba.P}} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Fatalf("a−b = %+v, b−a = %+v", ab, ba)
			}
		}
		if !(ab.Low >= -1-1e-12 && ab.Low <= ab.Value+1e-12 && ab.Value <= ab.High+1e-12 && ab.High <= 1+1e-12) {
			t.Fatalf("bounds out of order: %+v", ab)
		}
	})
}

func TestSurvivalFallsAndKeepsItsBand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cases := make([]stat.Duration, rapid.IntRange(1, 80).Draw(t, "cases"))
		for i := range cases {
			cases[i] = stat.Duration{
				Time:    float64(rapid.IntRange(0, 40).Draw(t, "time")),
				Decided: rapid.Bool().Draw(t, "decided"),
			}
		}
		curve := stat.KaplanMeier(cases, 0.9)
		before := 1.0
		for _, p := range curve.Points {
			if p.Open > before || p.Open < 0 || p.Low > p.Open || p.High < p.Open {
				t.Fatalf("point %+v after %v", p, before)
			}
			before = p.Open
		}
		m := curve.Median()
		if m.Known() && !(m.Low <= m.Value && m.Value <= m.High) {
			t.Fatalf("median %+v", m)
		}
		shuffled := slices.Clone(cases)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if other := stat.KaplanMeier(shuffled, 0.9); !slices.Equal(other.Points, curve.Points) {
			t.Fatal("the order of cases changed the curve")
		}
	})
}

func TestPresentValueIsLinear(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "flows")
		rate := rapid.Float64Range(-0.5, 1).Draw(t, "rate")
		k := rapid.Float64Range(-10, 10).Draw(t, "factor")
		money := rapid.Float64Range(-1e6, 1e6)
		a, b, mix := make([]float64, n), make([]float64, n), make([]float64, n)
		fa, fb, fm := make([]stat.Flow, n), make([]stat.Flow, n), make([]stat.Flow, n)
		for i := range n {
			a[i], b[i] = money.Draw(t, "a"), money.Draw(t, "b")
			mix[i] = a[i] + k*b[i]
			at := day.AddDate(0, 0, rapid.IntRange(0, 700).Draw(t, "day"))
			fa[i], fb[i], fm[i] = stat.Flow{At: at, Benefit: a[i]}, stat.Flow{At: at, Benefit: b[i]}, stat.Flow{At: at, Benefit: mix[i]}
		}
		check := func(got, x, y float64) {
			size := math.Pow(1/(1+rate), float64(n)) + 4
			if want := x + k*y; math.Abs(got-want) > 1e-12*1e7*float64(n)*size {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		check(stat.NPV(rate, mix), stat.NPV(rate, a), stat.NPV(rate, b))
		check(stat.XNPV(rate, fm), stat.XNPV(rate, fa), stat.XNPV(rate, fb))
		slices.Reverse(fm)
		check(stat.XNPV(rate, fm), stat.XNPV(rate, fa), stat.XNPV(rate, fb))
	})
}

func TestHolmNeverLowersAndKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 20).Draw(t, "p")
		adjusted := stat.Holm(p)
		for i := range p {
			if adjusted[i] < p[i] || adjusted[i] > 1 {
				t.Fatalf("p %v became %v", p[i], adjusted[i])
			}
			for j := range p {
				if p[i] < p[j] && adjusted[i] > adjusted[j] {
					t.Fatalf("order changed: %v → %v", p, adjusted)
				}
			}
		}
	})
}

func TestTimeTrialIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := make([]stat.TrialTask, rapid.IntRange(20, 60).Draw(t, "tasks"))
		for i := range tasks {
			tasks[i] = drawTask(t, i)
		}
		got := stat.TimeTrial(tasks, 0.95)
		shuffled := slices.Clone(tasks)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other := stat.TimeTrial(shuffled, 0.95)
		pairs := [][2]float64{
			{got.Ratio.Low, other.Ratio.Low},
			{got.RatioHC3.High, other.RatioHC3.High},
			{got.RatioClustered.Low, other.RatioClustered.Low},
			{got.Naive, other.Naive},
			{got.Forecast.Value, other.Forecast.Value},
			{got.CompleteCase.High, other.CompleteCase.High},
		}
		for i, p := range pairs {
			same := math.IsNaN(p[0]) && math.IsNaN(p[1]) || p[0] == p[1]
			if !same && math.Abs(p[0]-p[1]) > 1e-8*(1+math.Abs(p[0])) {
				t.Fatalf("figure %d: %v or %v by order", i, p[0], p[1])
			}
		}
		if got.ImputedParts != other.ImputedParts || got.Assisted+got.Unassisted+got.Unusable != int64(len(tasks)) {
			t.Fatalf("counts: %+v and %+v", got, other)
		}
	})
}

func drawTask(t *rapid.T, i int) stat.TrialTask {
	minutes := rapid.Float64Range(1, 300)
	task := stat.TrialTask{
		Assisted:           i%2 == 0,
		Person:             rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "person"),
		Parts:              []stat.OptionalFloat{stat.Some(minutes.Draw(t, "doing")), {}},
		EstimateUnassisted: stat.Some(minutes.Draw(t, "estimate")),
		EstimateAssisted:   stat.Some(minutes.Draw(t, "assisted estimate")),
	}
	if rapid.Bool().Draw(t, "reviewed") {
		task.Parts[1] = stat.Some(minutes.Draw(t, "review"))
	}
	if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
		task.EstimateUnassisted = stat.OptionalFloat{}
	}
	return task
}
