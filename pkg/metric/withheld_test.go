package metric_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// withheld is a measure that must be withheld for a reason.
type withheld struct {
	reason string
	m      metric.Measure
}

// Missing input never becomes 0: whatever a fold has no input for is withheld with its reason, without a value, an interval
// or a risk-adjusted value, and it is written as null. PROPERTIES.md lists the cases.
func TestMissingInputNeverBecomesZero(t *testing.T) {
	for name, c := range map[string]map[string]withheld{
		"work": withheldWork(), "money": withheldMoney(), "growth": withheldGrowth(), "people": withheldPeople(), "ladder": withheldLadder(),
	} {
		for what, w := range c {
			what = name + ": " + what
			if w.m.Status != metric.Withheld || text(w.m.Reason) != w.reason || w.m.Value != nil || w.m.RiskAdjusted != nil {
				t.Errorf("%s: %s %q %s, want withheld for %q", what, w.m.Status, text(w.m.Reason), value(w.m), w.reason)
			}
			if w.m.Low != nil || w.m.High != nil || w.m.Level != nil {
				t.Errorf("%s has an interval without a value", what)
			}
			if !slices.ContainsFunc(w.m.Warnings, func(x metric.Warning) bool { return x.Code == w.reason && x.Message != "" }) {
				t.Errorf("%s does not say in a sentence what is missing: %+v", what, w.m.Warnings)
			}
			raw, err := json.Marshal(w.m)
			if err != nil || !strings.Contains(string(raw), `"value":null`) {
				t.Errorf("%s is written as %s, %v", what, raw, err)
			}
		}
	}
}

func withheldWork() map[string]withheld {
	row := hours("2026-10-05", "a", "unknown", 2, "2", "60")
	idle := row
	idle.Minutes = decimal.Zero
	priced := func(rates metric.Rates, row metric.HoursRow) metric.Measure {
		in := capacity(metric.HoursInput{Rows: []metric.HoursRow{row}, Declared: declared}, half(event.Day{}))
		in.Rates = rates
		return metric.FoldCapacity(in, "USD").Measure
	}
	without := func(reason string) metric.Rates {
		return func(string, string, event.Day) (metric.LoadedRate, string) { return metric.LoadedRate{}, reason }
	}
	known := hours("2026-10-05", "a", "declared", 2, "2", "60")
	alone := metric.FoldTrials(trialTasks(seeded(), 4, 0)[:1])[0]
	return map[string]withheld{
		"net hours without a baseline":                 {"no_baseline", metric.FoldHours(metric.HoursInput{Rows: []metric.HoursRow{row}}).Measure},
		"rework of no time":                            {"no_minutes", metric.FoldRework([]metric.HoursRow{idle}, nil).Measure},
		"capacity without a baseline":                  {"no_baseline", priced(rates, row)},
		"capacity without a rate card":                 {"no_rate", priced(without("no_rate"), known)},
		"capacity without a rate of exchange":          {"no_fx", priced(without("no_fx"), known)},
		"calibration of reports that nothing measures": {"not_measured", metric.FoldCalibration(metric.CalibrationInput{Given: []metric.HoursRow{given(known)}}).Measure},
		"calibration of a trial without a result":      {"immature", metric.FoldCalibration(metric.CalibrationInput{Trials: []metric.Trial{alone}}).Measure},
	}
}

func given(r metric.HoursRow) metric.HoursRow {
	r.GivenN, r.GivenUnits, r.GivenMinutes, r.GivenBaseline = r.N, r.Units, r.Minutes, decimal.NewFromInt(100)
	return r
}

func withheldMoney() map[string]withheld {
	euros := metric.SpendRow{Day: at("2026-10-01"), Category: "ai_tool", Currency: "EUR", N: 1, Billed: decimalOf("7")}
	lesson := metric.TrainingRow{Day: at("2026-10-02"), Team: "poor", N: 1, Hours: decimalOf("4")}
	october := func(rows []metric.AccrualRow, prices ...metric.VendorPrice) metric.Measure {
		in := savings("2026-10-01", "2026-11-01", rows, always(prices...))
		in.Spent = true
		return metric.FoldVendorSavings(in, "USD").Measure
	}
	bills := accrued("2026-10-01", 31, "60", nil)
	return map[string]withheld{
		"spend that cannot be converted":           {"no_fx", metric.FoldSpend([]metric.SpendRow{euros}, "USD", noFX).Measure},
		"AI cost that cannot be converted":         {"no_fx", metric.FoldAICost([]metric.SpendRow{euros}, nil, "USD", noFX, rates).Measure},
		"AI cost of training without a rate":       {"no_rate", metric.FoldAICost(nil, []metric.TrainingRow{lesson}, "USD", noFX, rates).Measure},
		"savings in a month without an invoice":    {"no_invoice", october(nil, price("a", nil))},
		"savings against no price":                 {"no_baseline", october(nil)},
		"savings at what AI does not replace":      {"not_displaceable", october(bills, price("a", func(p *metric.VendorPrice) { p.Displaceable = false }))},
		"savings against a price that nobody paid": {"never_paid", october(bills, price("a", func(p *metric.VendorPrice) { p.Paid = false }))},
		"savings by unit of an unknown volume":     {"no_volume", october(bills, price("a", func(p *metric.VendorPrice) { p.Monthly, p.Unit = false, "word" }))},
		"savings that cannot be converted": {
			"no_fx", october(accrued("2026-10-01", 31, "60", func(r *metric.AccrualRow) { r.Currency = "EUR" }), price("a", nil)),
		},
	}
}

// conversion is the value of an experiment with changed counts and plan: to the experiment, and to a scope with 300 of its
// exposures.
func conversion(change func(rows []metric.ConversionRow, plan *metric.Plan)) (whole, scope metric.Measure) {
	margin := decimal.NewFromInt(2)
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Allocation: map[string]float64{"a": 1, "c": 1}, Margin: &margin}
	rows := []metric.ConversionRow{arm("a", "conversion", 1000, 120), arm("c", "conversion", 1000, 100)}
	change(rows, &plan)
	x := metric.FoldExperiment(rows, plan, "", "USD", noFX)
	seen := []metric.ExposureRow{{Day: at("2026-10-05"), Experiment: "x", Variant: "a", Metric: "conversion", Exposures: 300}}
	return x.Value, metric.FoldConversionValue(seen, []metric.Experiment{x}, "USD", metric.DefaultHaircut).Measure
}

func withheldGrowth() map[string]withheld {
	out := map[string]withheld{}
	for reason, change := range map[string]func([]metric.ConversionRow, *metric.Plan){
		"no_control":          func(_ []metric.ConversionRow, p *metric.Plan) { p.Control = "" },
		"srm":                 func(rows []metric.ConversionRow, _ *metric.Plan) { rows[0].Exposures = 1300 },
		"immature":            func(rows []metric.ConversionRow, _ *metric.Plan) { rows[0].Conversions = 9 },
		"running":             func(_ []metric.ConversionRow, p *metric.Plan) { p.PlannedN = new(uint64(5000)) },
		"recognised_at_close": func(rows []metric.ConversionRow, _ *metric.Plan) { rows[0].DealN = 1 },
		"no_margin":           func(_ []metric.ConversionRow, p *metric.Plan) { p.Margin = nil },
		"no_fx":               func(_ []metric.ConversionRow, p *metric.Plan) { p.Margin, p.MarginReason = nil, "no_fx" },
	} {
		whole, scope := conversion(change)
		out["conversion value, "+reason], out["conversion value of a scope, "+reason] = withheld{reason, whole}, withheld{reason, scope}
	}
	sides := func(n int, change func(*metric.DealRow)) metric.Measure {
		rows := append(decided("a", true, n, 20, change), decided("u", false, n, 10, change)...)
		return metric.FoldPipelineValue(pipelineInput(rows), "USD").Measure
	}
	velocity := func(d metric.DealRow) metric.Measure {
		return metric.FoldVelocity(metric.TotalDeals([]metric.DealRow{d}, noFX), "USD").Measure
	}
	influenced := func(change func(*metric.InfluenceRow)) metric.Measure {
		row := touched("d", "100", "a")
		change(&row)
		return metric.FoldInfluenced([]metric.InfluenceRow{row}, everything, "USD", noFX).Measure
	}
	euro := deal("a", "won", "2026-01-01", "2026-01-11", "100")
	euro.Currency = "EUR"
	maps.Copy(out, map[string]withheld{
		"pipeline value of 29 deals a side":           {"too_few", sides(29, nil)},
		"pipeline value without a margin":             {"no_margin", sides(40, noMargin)},
		"pipeline value without amounts":              {"no_amount", sides(40, noAmount)},
		"pipeline value that cannot be converted":     {"no_fx", sides(40, inEuro)},
		"velocity where nothing was won":              {"nothing_won", velocity(deal("c", "lost", "2026-01-05", "2026-02-01", ""))},
		"velocity that cannot be converted":           {"no_fx", velocity(euro)},
		"velocity without amounts":                    {"no_amount", velocity(deal("a", "won", "2026-01-01", "2026-01-11", ""))},
		"velocity of deals that took no time":         {"no_cycle", velocity(deal("a", "won", "2026-01-01", "2026-01-01", "5"))},
		"influenced without a touch":                  {"no_touches", influenced(func(r *metric.InfluenceRow) { r.Workflows, r.Times, r.Roles = nil, nil, nil })},
		"influenced without an amount":                {"no_amount", influenced(func(r *metric.InfluenceRow) { r.Amount = nil })},
		"influenced that cannot be converted":         {"no_fx", influenced(func(r *metric.InfluenceRow) { r.Currency = "EUR" })},
		"a kind of event that is not tied to persons": {"not_personal", metric.NotPersonal(metric.WinRate, metric.UnitShare).Measure},
	})
	return out
}

func withheldPeople() map[string]withheld {
	wave := metric.Wave{Key: "q"}
	for i := range 9 {
		wave.Answers = append(wave.Answers, metric.PulseRow{Role: []string{"leader", "ic"}[i%2], ROIProvable: "yes", Satisfaction: new(uint8(3))})
	}
	open := metric.ReviewRow{SubmittedAt: at("2026-10-05"), Decision: "changes_requested"}
	nowhere := metric.CoverageInput{Rows: []metric.CoverageRow{{Kind: "vendor", N: 5}}, Scope: metric.Scope{Kind: metric.ScopeOrg}}
	seven := metric.Measure{Key: metric.HoursSavedNet, Status: metric.OK, Value: metric.ExactOf(decimal.NewFromInt(7)), Low: new(6.0), High: new(8.0), Level: new(0.9), RiskAdjusted: metric.ExactOf(decimal.NewFromInt(5))}
	return map[string]withheld{
		"a gap of few answers":             {"few_answers", metric.FoldPerceptionGap(wave).Measure},
		"satisfaction of few answers":      {"few_answers", metric.FoldSatisfaction(wave).Measure},
		"reviews that are all open":        {"none_decided", metric.FoldReviewCycle([]metric.ReviewRow{open}, date("2026-10-01"), date("2026-11-01"), nil).Measure},
		"coverage where no team is known":  {"no_team", metric.FoldCoverage(nowhere)[metric.CoverageVendor].Measure},
		"barriers that name no time":       {"no_minutes", metric.FoldBarriers(nil, 3).Measure},
		"what would tell about few people": {"privacy_floor", seven.Withhold("privacy_floor", "it would tell about fewer than five people")},
	}
}

func withheldLadder() map[string]withheld {
	one := []metric.Recognition{saved("2026-10-11", "300")}
	of := func(in metric.LadderInput, key string) metric.Measure {
		return metric.FoldLadder(in).Folds[key].Measure
	}
	missing := climbing("2026-10-01", "0.1", nil)
	missing.Benefits = []metric.Benefit{{Measure: metric.Measure{Key: metric.CapacityValue, Status: metric.Withheld, Reason: new("no_rate")}, Rung: metric.RungCapacity}}
	dear := climbing("2026-10-01", "0.1", one, paid("2026-10-01", "301"))
	out := map[string]withheld{
		"a return on nothing":         {"no_costs", of(climbing("2026-10-01", "0.1", one), "roi_cash")},
		"payback of nothing":          {"no_investment", of(climbing("2026-10-01", "0.1", one), "payback_cash")},
		"payback that is not reached": {"not_reached", of(dear, "payback_cash")},
	}
	// What stands on nothing but a withheld part is withheld with its reason, number by number.
	for _, key := range []string{"net_value_capacity", "roi_capacity", "npv_capacity", "payback_capacity"} {
		out[key+" of a withheld part"] = withheld{"no_rate", of(missing, key)}
	}
	return out
}

// The answers that are no measures say the same: a trial, a variant, a curve that never falls to a half, and what is left out.
func TestMissingInputOfAnswers(t *testing.T) {
	alone := metric.FoldTrials(trialTasks(seeded(), 4, 0)[:1])[0]
	if alone.Status != metric.Withheld || text(alone.Reason) != "immature" || alone.RatioMinusOne.Value != nil || alone.CalibrationGap != nil {
		t.Errorf("a trial with one arm: %+v", alone)
	}
	x := metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", 1000, 1001), arm("c", "conversion", 1000, 100)},
		metric.Plan{Registered: true, Control: "c", Grade: 5}, "", "USD", noFX)
	if v := x.Variants[1]; v.Status != string(metric.Withheld) || text(v.Reason) != "bad_counts" || v.LiftAbs.Value != nil || v.ChanceToWin != nil {
		t.Errorf("more conversions than exposures: %+v", v)
	}
	young := metric.FoldSurvival([]metric.DealRow{deal("a", "open", "2026-01-01", "", "")}, at("2026-02-01"))
	if text(young.Reason) != "not_reached" || young.Median != nil || young.Censored != 1 {
		t.Errorf("only open deals: %+v", young)
	}
	none := metric.FoldAttribution([]metric.InfluenceRow{touched("d", "100", "a")}, everything, "USD", noFX, func(w string) string { return w })
	w := none[slices.IndexFunc(none, func(m metric.AttributionModel) bool { return m.Model == metric.ModelW })]
	if w.Status == metric.OK || len(w.Rows) != 0 || w.Excluded[0].Reason != "no_roles" {
		t.Errorf("a W without roles: %+v", w)
	}
	mute := metric.FoldPipelineValue(pipelineInput(append(decided("a", true, 40, 20, unknownHelp), decided("u", false, 40, 10, unknownHelp)...)), "USD")
	if mute.Measure.Value != nil || !slices.Contains(reasons(mute), "unknown_assistance") {
		t.Errorf("deals that do not say whether AI helped: %+v, %v", mute.Measure, reasons(mute))
	}
	if _, out := metric.Recognise([]metric.Recognition{
		claimed(metric.CapacityValue, "post", "blog", "2026-10", 900, 0), claimed(metric.VendorSavings, "post", "blog", "2026-10", 400, 1),
	}, "USD"); len(out) != 1 || out[0].Reason != "overlap" || out[0].Amount.Text() != "900" {
		t.Errorf("the same money twice: %+v", out)
	}
	if m := metric.FoldSurvival(nil, time.Time{}); m.Status != metric.NoData || m.Median != nil {
		t.Errorf("no deals: %+v", m)
	}
}
