package stat_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // a bare machine has none

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// Freireich's 6-MP arm (Kaplan and Meier's textbook case), weeks, + is censored:
// 6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+.
// S(6) = 18/21 = 0.8571, S(7) = 0.8067, S(10) = 0.7529, S(13) = 0.6902,
// S(16) = 0.6275, S(22) = 0.5378, S(23) = 0.4482; median 23, and the upper band
// never falls to a half.
func TestKaplanMeier(t *testing.T) {
	decided := []float64{6, 6, 6, 7, 10, 13, 16, 22, 23}
	censored := []float64{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}
	var cases []stat.Duration
	for _, at := range censored {
		cases = append(cases, stat.Duration{Time: at})
	}
	for _, at := range decided {
		cases = append(cases, stat.Duration{Time: at, Decided: true})
	}
	curve := stat.KaplanMeier(cases, 0.95)
	want := map[float64]float64{6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
	for _, p := range curve.Points {
		if s, ok := want[p.Time]; ok {
			near(t, "open", p.Open, s, 5e-5)
		}
		if p.Time == 6 {
			// Greenwood at 6: 0.8571·sqrt(3/(21·18)) = 0.0764; log-log band 0.6197 to 0.9516.
			near(t, "se", p.SE, 0.0764, 5e-5)
			near(t, "low", p.Low, 0.6197, 5e-5)
			near(t, "high", p.High, 0.9516, 5e-5)
		}
	}
	m := curve.Median()
	if m.Value != 23 || m.Low != 13 || !math.IsInf(m.High, 1) || m.N != 21 || curve.Censored != 12 || !m.Has(stat.WarnNotReached) {
		t.Errorf("median = %+v, censored %d", m, curve.Censored)
	}
	// All open: nothing decided, no median.
	if m := stat.KaplanMeier([]stat.Duration{{Time: 3}, {Time: 4}}, 0.9).Median(); m.Known() || !m.Has(stat.WarnNotReached) {
		t.Errorf("all open = %+v", m)
	}
	// One decided case gives a median and no upper bound.
	if m := stat.KaplanMeier([]stat.Duration{{Time: 3, Decided: true}}, 0.9).Median(); m.Value != 3 || m.Bounded() {
		t.Errorf("one case = %+v", m)
	}
}

// y = 1, 3, 2, 5 on x = 0, 1, 2, 3: slope = 5.5/5 = 1.1, intercept 2.75 − 1.65 = 1.1;
// residuals −0.1, 0.8, −1.3, 0.6; RSS 2.7, s² = 1.35, SE(slope) = sqrt(1.35/5) = 0.519615.
// HC0 by hand: Σ(d²e²)/25 with d = −1.5 … 1.5: (0.0225+0.16+0.4225+0.81)/25 = 0.0566.
// HC3 divides e by 1−h, h = 0.25 + d²/5 = 0.7, 0.3, 0.3, 0.7:
// (0.0225/0.09 + 0.16/0.49 + 0.4225/0.49 + 0.81/0.09)/25 = 0.417551.
// CR1 without clusters is HC0·(4/3)·(3/2) = 0.1132.
func TestRegress(t *testing.T) {
	fit := stat.Regress([]float64{1, 3, 2, 5}, [][]float64{{0}, {1}, {2}, {3}}, nil)
	near(t, "intercept", fit.Coef[0], 1.1, 1e-12)
	near(t, "slope", fit.Coef[1], 1.1, 1e-12)
	near(t, "ordinary", fit.SE[stat.Ordinary][1], 0.519615, 1e-6)
	near(t, "hc3", fit.SE[stat.HC3][1], math.Sqrt(0.417551), 1e-6)
	near(t, "cr1", fit.SE[stat.Clustered][1], math.Sqrt(0.1132), 1e-9)
	for name, bad := range map[stat.Warning]stat.Fit{
		stat.WarnSingular:     stat.Regress([]float64{1, 2, 3}, [][]float64{{1}, {1}, {1}}, nil),
		stat.WarnTooFew:       stat.Regress([]float64{1, 2}, [][]float64{{1}, {2}}, nil),
		stat.WarnInvalidInput: stat.Regress([]float64{1, math.NaN(), 3}, [][]float64{{1}, {2}, {3}}, nil),
		stat.WarnNoData:       stat.Regress(nil, nil, nil),
	} {
		if e := bad.Estimate(1, stat.Ordinary, 0.95); e.Known() || !e.Has(name) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Assisted tasks take exactly twice the estimate, unassisted exactly the estimate,
// so ratio − 1 is 1. Task 2 has no review: it takes the arm's mean, (2+4)/2 = 3.
func TestTimeTrialGaps(t *testing.T) {
	task := func(assisted bool, doing, estimate float64, review ...float64) stat.TrialTask {
		out := stat.TrialTask{Assisted: assisted, Person: "p", Parts: []stat.OptionalFloat{stat.Some(doing), {}, {}}, EstimateUnassisted: stat.Some(estimate)}
		if len(review) > 0 {
			out.Parts[1] = stat.Some(review[0])
		}
		return out
	}
	tasks := []stat.TrialTask{
		task(true, 18, 10, 2), task(true, 37, 20), task(true, 76, 40, 4),
		task(false, 10, 10), task(false, 20, 20), task(false, 40, 40),
		{Assisted: true, Person: "p"},
		{Assisted: false, Person: "p", Parts: []stat.OptionalFloat{stat.Some(-3)}},
	}
	got := stat.TimeTrial(tasks, 0.95)
	near(t, "ratio", got.Ratio.Value, 1, 1e-9)
	// Naive: (20+40+80)/3 ÷ (10+20+40)/3 − 1 = 1.
	near(t, "naive", got.Naive, 1, 1e-12)
	if got.ImputedParts != 1 || got.ImputedTasks != 1 || got.Unusable != 2 || got.Assisted != 3 || got.Unassisted != 3 {
		t.Errorf("counts = %+v", got)
	}
	if got.CompleteCase.N != 5 || !got.Adjusted || got.Forecast.Known() {
		t.Errorf("result = %+v", got)
	}
	var warned stat.Estimate
	warned.Warnings = got.Warnings
	for _, w := range []stat.Warning{stat.WarnImputed, stat.WarnUnusable, stat.WarnPartUnrecorded} {
		if !warned.Has(w) {
			t.Errorf("warnings %v lack %s", got.Warnings, w)
		}
	}
	// r = 0.25: 1/(1.25) − 1 = −0.2; r = −0.5: 1.
	saving := stat.SavingShare(stat.Estimate{Value: 0.25, Low: -0.5, High: 1, SE: 0.1})
	near(t, "saving", saving.Value, -0.2, 1e-12)
	if saving.Low != -0.5 || saving.High != 1 {
		t.Errorf("saving = %+v", saving)
	}
}

func TestPayback(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	cases := map[string]struct {
		flows  []stat.Flow
		status stat.PaybackStatus
		days   float64
		fell   bool
	}{
		// −100, then −40 at day 30, +80 at day 60: crosses at 30 + 30·40/120 = 40.
		"interpolated":       {[]stat.Flow{{At: day(0), Cost: 100}, {At: day(30), Benefit: 60}, {At: day(60), Benefit: 120}}, stat.Reached, 40, false},
		"never":              {[]stat.Flow{{At: day(0), Cost: 100}, {At: day(30), Benefit: 60}}, stat.NotReached, math.NaN(), false},
		"no cost":            {[]stat.Flow{{At: day(0), Benefit: 5}}, stat.NoInvestment, math.NaN(), false},
		"nothing":            {nil, stat.NoInvestment, math.NaN(), false},
		"same day":           {[]stat.Flow{{At: day(3), Cost: 5}, {At: day(3), Benefit: 5}}, stat.Reached, 0, false},
		"benefit before":     {[]stat.Flow{{At: day(-9), Benefit: 8}, {At: day(0), Cost: 5}}, stat.Reached, 0, false},
		"from first cost":    {[]stat.Flow{{At: day(-9), Benefit: 2}, {At: day(0), Cost: 12}, {At: day(10), Benefit: 20}}, stat.Reached, 5, false},
		"falls back":         {[]stat.Flow{{At: day(0), Cost: 10}, {At: day(10), Benefit: 20}, {At: day(20), Cost: 50}}, stat.Reached, 5, true},
		"order is no matter": {[]stat.Flow{{At: day(60), Benefit: 120}, {At: day(0), Cost: 100}, {At: day(30), Benefit: 60}}, stat.Reached, 40, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := stat.Payback(c.flows)
			near(t, "days", got.Days, c.days, 1e-9)
			if got.Status != c.status || got.FellBack != c.fell {
				t.Errorf("payback = %+v", got)
			}
		})
	}
}

func TestMoneyEdges(t *testing.T) {
	if roi := stat.ROI(5, 0); !math.IsNaN(roi) {
		t.Errorf("ROI without costs = %v", roi)
	}
	if v := stat.NPV(-1, []float64{1}); !math.IsNaN(v) {
		t.Errorf("NPV at −100 %% = %v", v)
	}
	// Clocks go forward in Berlin on 29 March 2026: 23 hours are still a day.
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	a, b := time.Date(2026, 3, 29, 0, 0, 0, 0, berlin), time.Date(2026, 3, 30, 0, 0, 0, 0, berlin)
	if got := stat.DaysBetween(a, b); got != 1 {
		t.Errorf("days = %d, want 1", got)
	}
}

func TestApportionRounding(t *testing.T) {
	split := func(total string, scale int32, weights ...int64) string {
		ws := make([]decimal.Decimal, len(weights))
		for i, w := range weights {
			ws[i] = decimal.NewFromInt(w)
		}
		parts, err := stat.Apportion(decimal.RequireFromString(total), ws, scale)
		if err != nil {
			return err.Error()
		}
		var out strings.Builder
		for _, p := range parts {
			out.WriteString(p.String() + " ")
		}
		return out.String()
	}
	cases := []struct{ got, want string }{
		// Boundaries 33.33, 66.67, 100.
		{split("100", 2, 1, 1, 1), "33.33 33.34 33.33 "},
		// 0.05 halved is 0.025, half-even 0.02; −0.05 alike.
		{split("0.05", 2, 1, 1), "0.02 0.03 "},
		{split("-0.05", 2, 1, 1), "-0.02 -0.03 "},
		// 0.07 halved is 0.035, half-even 0.04.
		{split("0.07", 2, 1, 1), "0.04 0.03 "},
		// A total finer than the scale is not rounded away; no weight, no money.
		{split("1.005", 2, 1, 1, 0), "0.5 0.505 0 "},
		{split("1", 2), stat.ErrNoWeight.Error()},
		{split("1", 2, 1, -1), stat.ErrNoWeight.Error()},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestCreditEdges(t *testing.T) {
	if got, err := stat.UShaped(2); err != nil || !got[0].Equal(decimal.RequireFromString("0.5")) {
		t.Errorf("two touches = %v, %v", got, err)
	}
	// First touch made the lead: 0.6 and 0.3 for the opportunity, 0.1 for the rest.
	if got, err := stat.WShaped(3, 0, 2); err != nil || got[0].String() != "0.6" || got[1].String() != "0.1" || got[2].String() != "0.3" {
		t.Errorf("two roles = %v, %v", got, err)
	}
	for name, f := range map[string]func() ([]decimal.Decimal, error){
		"no touch":     func() ([]decimal.Decimal, error) { return stat.Linear(0) },
		"role outside": func() ([]decimal.Decimal, error) { return stat.WShaped(3, 3, 1) },
		"half-life 0":  func() ([]decimal.Decimal, error) { return stat.TimeDecay([]float64{1}, 0) },
		"days NaN":     func() ([]decimal.Decimal, error) { return stat.TimeDecay([]float64{1, math.NaN()}, 7) },
	} {
		if got, err := f(); err == nil {
			t.Errorf("%s gives %v", name, got)
		}
	}
}

func TestVelocity(t *testing.T) {
	// Two won of 4, amounts 100 and 300, cycles 10 and 30: V = 4·200·0.5/20 = 20.
	// Amount is 10·cycle, so amount/cycle never varies: Var(V)/V² = (1−p)/(pD) = 0.25, SE = 10.
	e := stat.Velocity(4, stat.WonSums{}.Observe(100, 10).Observe(300, 30), 0.9)
	near(t, "velocity", e.Value, 20, 1e-12)
	near(t, "se", e.SE, 10, 1e-9)
}

func TestSimulateIsSeeded(t *testing.T) {
	// N(3, 2): P(> 0) = Φ(1.5) = 0.933193; 20,000 draws, 4 errors = 0.0071.
	draw := stat.Estimate{Value: 3, SE: 2}.DrawNormal
	a, b := stat.Simulate(5, 20000, 0.9, draw), stat.Simulate(5, 20000, 0.9, draw)
	if a.Value != b.Value || a.Low != b.Low || a.Positive != b.Positive {
		t.Error("the same seed gave two answers")
	}
	near(t, "positive", a.Positive, 0.933193, 0.0071)
	near(t, "low", a.Low, 3-2*1.644854, 0.1)
	none := stat.Simulate(5, 10, 0.9, func(*rand.Rand) float64 { return math.NaN() })
	if none.Known() || !math.IsNaN(none.Positive) || !none.Has(stat.WarnNoData) {
		t.Errorf("no usable draw = %+v", none)
	}
}
