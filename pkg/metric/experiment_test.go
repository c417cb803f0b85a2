package metric_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
)

func arm(variant, name string, exposures, conversions uint64) metric.ConversionRow {
	return metric.ConversionRow{
		Experiment: "x", Variant: variant, Metric: name, N: 1, Exposures: exposures, Conversions: conversions,
		First: at("2026-10-01"), Last: at("2026-10-31"),
	}
}

func TestExperimentStatus(t *testing.T) {
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Allocation: map[string]float64{"c": 1, "a": 1}}
	margin := decimal.NewFromInt(2)
	priced := plan
	priced.Margin = &margin
	running, sequential, unregistered := priced, priced, metric.Plan{}
	running.PlannedN = new(uint64(5000))
	sequential.Sequential = true
	foreign := priced
	foreign.Margin, foreign.MarginReason = nil, "no_fx"
	ok := []metric.ConversionRow{arm("a", "conversion", 1000, 120), arm("c", "conversion", 1000, 100)}
	withDeal := []metric.ConversionRow{ok[0], ok[1]}
	withDeal[0].DealN = 1
	for name, c := range map[string]struct {
		rows            []metric.ConversionRow
		plan            metric.Plan
		status, variant string
		value           string
	}{
		"ok":              {ok, priced, "", "", ""},
		"no margin":       {ok, plan, "", "", "no_margin"},
		"no fx":           {ok, foreign, "", "", "no_fx"},
		"running":         {ok, running, "", "", "running"},
		"deals":           {withDeal, priced, "", "", "recognised_at_close"},
		"no control":      {ok, unregistered, "no_control", "no_control", "no_control"},
		"control unseen":  {ok[:1], priced, "no_control", "no_control", "no_control"},
		"srm":             {[]metric.ConversionRow{arm("a", "conversion", 1200, 120), arm("c", "conversion", 1000, 100)}, priced, "srm", "srm", "srm"},
		"few exposures":   {[]metric.ConversionRow{arm("a", "conversion", 99, 50), arm("c", "conversion", 100, 50)}, priced, "", "immature", "immature"},
		"few conversions": {[]metric.ConversionRow{arm("a", "conversion", 1000, 9), arm("c", "conversion", 1000, 100)}, priced, "", "immature", "immature"},
		"bad counts":      {[]metric.ConversionRow{arm("a", "conversion", 1000, 1001), arm("c", "conversion", 1000, 100)}, priced, "", "bad_counts", "immature"},
		"sequential":      {ok, sequential, "", "", ""},
	} {
		x := metric.FoldExperiment(c.rows, c.plan, "", "USD", noFX)
		if got := text(x.Reason); got != c.status {
			t.Errorf("%s: reason %q, want %q", name, got, c.status)
		}
		for _, v := range x.Variants {
			if v.IsControl {
				continue
			}
			if got := text(v.Reason); got != c.variant || (got != "" && (v.LiftAbs.Value != nil || v.PAbs != nil || v.ChanceToWin != nil)) {
				t.Errorf("%s: variant %+v, want reason %q", name, v, c.variant)
			}
		}
		if got := text(x.Value.Reason); got != c.value || (got != "" && x.Value.Value != nil) {
			t.Errorf("%s: value %q, want %q", name, got, c.value)
		}
	}
	// (120 − 100) × 2
	if x := metric.FoldExperiment(ok, priced, "", "USD", noFX); x.Value.Value.Text() != "40" || x.Variants[0].Variant != "c" {
		t.Errorf("got %+v", x.Value)
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestSequentialIntervalsAreWider(t *testing.T) {
	rows := []metric.ConversionRow{arm("a", "conversion", 1000, 40), arm("c", "conversion", 1000, 45)}
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Allocation: map[string]float64{"c": 1, "a": 1}}
	fixed := metric.FoldExperiment(rows, plan, "", "USD", noFX).Variants[1]
	plan.Sequential = true
	x := metric.FoldExperiment(rows, plan, "", "USD", noFX)
	v := x.Variants[1]
	if *v.LiftAbs.High-*v.LiftAbs.Low <= *fixed.LiftAbs.High-*fixed.LiftAbs.Low || *v.PAbs < *fixed.PAbs {
		t.Errorf("sequential %+v, fixed %+v", v, fixed)
	}
	// Under 50 conversions in an arm a sequential relative interval is too early.
	if v.LiftRel.Low != nil || v.PRel != nil || x.Warnings[len(x.Warnings)-1].Code != "immature" {
		t.Errorf("got %+v", v.LiftRel)
	}
}

func TestSeveralVariantsAreCorrected(t *testing.T) {
	rows := []metric.ConversionRow{
		arm("a", "conversion", 1000, 140), arm("b", "conversion", 1000, 120), arm("c", "conversion", 1000, 100),
	}
	x := metric.FoldExperiment(rows, metric.Plan{Registered: true, Control: "c"}, "", "USD", noFX)
	a, b := x.Variants[1], x.Variants[2]
	// Holm: the smaller p doubles, the larger stays.
	near(t, "smaller", a.PHolm, 2*(*a.PAbs), 1e-15)
	near(t, "larger", b.PHolm, *b.PAbs, 1e-15)
	if x.Warnings[0].Code != "allocation_assumed" {
		t.Errorf("warnings %+v", x.Warnings)
	}
}

func TestExposuresSentOnce(t *testing.T) {
	rows := []metric.ConversionRow{
		arm("a", "conversion", 1000, 0), arm("c", "conversion", 1000, 0), arm("a", "visit", 0, 300), arm("c", "visit", 0, 200),
	}
	x := metric.FoldExperiment(rows, metric.Plan{Registered: true, Control: "c"}, "", "USD", noFX)
	if x.Metric != "visit" || x.Variants[1].Exposures != 1000 || x.Status != metric.OK {
		t.Errorf("got %+v", x)
	}
	near(t, "lift", x.Variants[1].LiftAbs.Value, 0.1, 1e-12)
}
