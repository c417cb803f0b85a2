package metric_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"plumbline/pkg/metric"
)

// decided are deals of one side, of which the first won; their amounts alternate around 1,000 and their margin is 0.4.
func decided(name string, assisted bool, n, won int, change func(*metric.DealRow)) []metric.DealRow {
	var out []metric.DealRow
	for i := range n {
		status := "lost"
		if i < won {
			status = "won"
		}
		r := deal(fmt.Sprintf("%s%02d", name, i), status, "2026-09-01", "2026-10-05", []string{"900", "1100"}[i%2])
		r.Assisted, r.Margin = &assisted, new(decimalOf("0.4"))
		r.Team = []string{"a", "b"}[i%2]
		if change != nil {
			change(&r)
		}
		out = append(out, r)
	}
	return out
}

func pipelineInput(rows []metric.DealRow) metric.PipelineValueInput {
	return metric.PipelineValueInput{
		Rows: rows, Scope: everything, FX: noFX, Haircut: metric.DefaultHaircut,
		Study: func(experiment string) (metric.Study, bool) {
			grade, ok := map[string]int{"rct": 5, "before": 1}[experiment]
			return metric.Study{Grade: grade, Version: "v"}, ok
		},
	}
}

func TestPipelineValueIsObservational(t *testing.T) {
	rows := append(decided("a", true, 40, 20, nil), decided("u", false, 40, 10, nil)...)
	f := metric.FoldPipelineValue(pipelineInput(rows), "USD")
	// 40 × (20/40 − 10/40) × 1,000 × 0.4
	if f.Measure.Status != metric.OK || f.Measure.Value.Text() != "4000" || *f.Measure.N != 40 || *f.Measure.Grade != 1 {
		t.Fatalf("got %+v", f.Measure)
	}
	if len(f.Measure.Warnings) != 1 || f.Measure.Warnings[0].Code != "observational" {
		t.Errorf("warnings %+v", f.Measure.Warnings)
	}
	if f.Measure.RiskAdjusted.Text() != "3200" {
		t.Errorf("risk adjusted %s", f.Measure.RiskAdjusted.Text())
	}
	// Var(Δ) = 0.25/40 + 0.1875/40 = 0.0109375; amounts 15 × 900 and 15 × 1,100, s² = 30 × 100² / 29, their mean × 0.4 has
	// variance 0.16 × 344.83 = 55.17. Var = 0.25² × 55.17 + 400² × 0.0109375 + 55.17 × 0.0109375 = 1,754.05, × 40².
	sd := 40 * math.Sqrt(0.0625*0.16*(300000./29/30)+160000*0.0109375+0.16*(300000./29/30)*0.0109375)
	near(t, "half width", new(*f.Measure.High-4000), 1.6449*sd, 1)
	// The teams share it.
	total := metric.Exact{}
	for _, team := range []string{"a", "b"} {
		in := pipelineInput(rows)
		in.Scope = metric.Scope{Kind: metric.ScopeTeam, Key: team}
		part := metric.FoldPipelineValue(in, "USD")
		total = metric.Exact{Decimal: total.Add(part.Measure.Value.Decimal)}
	}
	if total.Text() != "4000" {
		t.Errorf("teams sum to %s", total.Text())
	}
	// Fewer wins with AI: a loss, in full.
	f = metric.FoldPipelineValue(pipelineInput(append(decided("a", true, 40, 10, nil), decided("u", false, 40, 20, nil)...)), "USD")
	if f.Measure.Value.Text() != "-4000" || f.Measure.RiskAdjusted.Text() != "-4000" {
		t.Errorf("a loss: %s, risk adjusted %s", f.Measure.Value.Text(), f.Measure.RiskAdjusted.Text())
	}
}

func TestPipelineValueWithheld(t *testing.T) {
	fold := func(groups ...[]metric.DealRow) metric.Fold {
		return metric.FoldPipelineValue(pipelineInput(slices.Concat(groups...)), "USD")
	}
	for name, c := range map[string]struct {
		fold   metric.Fold
		status metric.Status
		reason string
	}{
		"nothing":            {fold(), metric.NoData, ""},
		"29 with AI":         {fold(decided("a", true, 29, 20, nil), decided("u", false, 40, 10, nil)), metric.Withheld, "too_few"},
		"29 without":         {fold(decided("a", true, 40, 20, nil), decided("u", false, 29, 10, nil)), metric.Withheld, "too_few"},
		"no margin":          {fold(decided("a", true, 40, 20, noMargin), decided("u", false, 40, 10, noMargin)), metric.Withheld, "no_margin"},
		"no amount":          {fold(decided("a", true, 40, 20, noAmount), decided("u", false, 40, 10, noAmount)), metric.Withheld, "no_amount"},
		"no exchange":        {fold(decided("a", true, 40, 20, inEuro), decided("u", false, 40, 10, inEuro)), metric.Withheld, "no_fx"},
		"unknown assistance": {fold(decided("a", true, 40, 20, unknownHelp), decided("u", false, 40, 10, unknownHelp)), metric.Withheld, "too_few"},
	} {
		if m := c.fold.Measure; m.Status != c.status || m.Value != nil || text(m.Reason) != c.reason {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func noMargin(r *metric.DealRow)    { r.Margin = nil }
func noAmount(r *metric.DealRow)    { r.Amount = nil }
func inEuro(r *metric.DealRow)      { r.Currency = "EUR" }
func unknownHelp(r *metric.DealRow) { r.Assisted = nil }

// Deals of a study are compared within it, and what others say stands beside.
func TestPipelineValueOfAStudy(t *testing.T) {
	in := func(key string) func(*metric.DealRow) { return func(r *metric.DealRow) { r.Experiment = key } }
	rows := slices.Concat(
		decided("sa", true, 30, 15, in("rct")), decided("su", false, 30, 12, in("rct")),
		decided("oa", true, 40, 30, nil), decided("ou", false, 40, 10, in("before")),
	)
	f := metric.FoldPipelineValue(pipelineInput(rows), "USD")
	// 27 wins, of which the fifteen and twelve first: 8 + 6 of 900 and 7 + 6 of 1,100 have a mean of 26,900 ÷ 27;
	// 30 × (0.5 − 0.4) × 26,900/27 × 0.4 = 1,195.56
	near(t, "value", new(f.Measure.Value.InexactFloat64()), 30*0.1*26900./27*0.4, 1e-9)
	if *f.Measure.Grade != 5 || *f.Measure.N != 30 || len(f.Measure.Warnings) != 0 {
		t.Errorf("got %+v", f.Measure)
	}
	i := slices.IndexFunc(f.Measure.Parts, func(p metric.Part) bool { return p.Key == "observational" })
	// 40 × (0.75 − 0.25) × 1,000 × 0.4
	if i < 0 || f.Measure.Parts[i].Value.Text() != "8000" {
		t.Errorf("parts %+v", f.Measure.Parts)
	}
	// A study that is too small is named, and its deals are among the observed.
	f = metric.FoldPipelineValue(pipelineInput(slices.Concat(rows[:20], rows[30:])), "USD")
	if *f.Measure.Grade != 1 || !slices.Contains(reasons(f), "too_few") {
		t.Errorf("a small study: %+v, excluded %+v", f.Measure, f.Excluded)
	}
}

// Conversions that name deals: of 1,000 treated 120 convert, of 1,000 others 100, so that a sixth of a treated deal is due to
// the treatment.
func TestDealsOfExperimentsAreRecognisedAtClose(t *testing.T) {
	margin := decimalOf("2")
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &margin}
	treated, control := arm("a", "conversion", 1000, 120), arm("c", "conversion", 1000, 100)
	treated.DealN = 2
	x := metric.FoldExperiment([]metric.ConversionRow{treated, control}, plan, "", "USD", noFX)
	if x.Value.Status != metric.Withheld || *x.Value.Reason != "recognised_at_close" {
		t.Fatalf("the experiment is not priced itself: %+v", x.Value)
	}
	link := func(variant, deal string) metric.LinkRow {
		return metric.LinkRow{Experiment: x.Experiment, Variant: variant, Metric: "conversion", Deal: deal}
	}
	links, excluded := metric.LinkedDeals([]metric.LinkRow{
		link("a", "won"), link("a", "bare"), link("c", "control"), link("a", "both"), link("c", "both"),
	}, []metric.Experiment{x})
	if len(links) != 2 || len(excluded) != 1 || excluded[0].Reason != "ambiguous" {
		t.Fatalf("links %+v, excluded %+v", links, excluded)
	}
	won, bare, lost := deal("won", "won", "2026-09-01", "2026-10-05", "1200"), deal("bare", "won", "2026-09-01", "2026-10-05", "7"), deal("lost", "lost", "2026-09-01", "2026-10-05", "9")
	won.Margin = new(decimalOf("0.5"))
	in := pipelineInput([]metric.DealRow{won, bare, lost})
	in.Links = links
	f := metric.FoldPipelineValue(in, "USD")
	// 1,200 × 0.5 × (1 − 100/120), of which the share is kept to 12 decimals
	near(t, "value", new(f.Measure.Value.InexactFloat64()), 100, 1e-9)
	if *f.Measure.N != 1 || *f.Measure.Grade != 5 || f.Cells[0].Source != "won" || !slices.Contains(reasons(f), "no_margin") {
		t.Errorf("got %+v, excluded %+v", f.Measure, f.Excluded)
	}
	// 600 × 1.645 × 5/6 × √((0.88/0.12)/1000 + (0.9/0.1)/1000)
	near(t, "half width", new(*f.Measure.High-f.Measure.Value.InexactFloat64()), 600*1.6449*5/6*math.Sqrt(0.88/0.12/1000+0.9/0.1/1000), 0.1)
	// A design that nobody declared does not tell.
	plan.Grade = 1
	weak := metric.FoldExperiment([]metric.ConversionRow{treated, control}, plan, "", "USD", noFX)
	if links, excluded := metric.LinkedDeals([]metric.LinkRow{link("a", "won")}, []metric.Experiment{weak}); len(links) != 0 || excluded[0].Reason != "observational" {
		t.Errorf("links %+v, excluded %+v", links, excluded)
	}
	// Nor does a fixed design before its end.
	plan.Grade, plan.PlannedN = 5, new(uint64(5000))
	running := metric.FoldExperiment([]metric.ConversionRow{treated, control}, plan, "", "USD", noFX)
	if _, excluded := metric.LinkedDeals([]metric.LinkRow{link("a", "won")}, []metric.Experiment{running}); len(excluded) != 1 || excluded[0].Reason != "running" {
		t.Errorf("excluded %+v", excluded)
	}
}
