package metric_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

func rates(team, person string, _ event.Day) (metric.LoadedRate, string) {
	switch {
	case team == "poor":
		return metric.LoadedRate{}, "no_rate"
	case person == "editor":
		return metric.LoadedRate{PerHour: decimalOf("60"), Class: "editor", Source: "test", Version: "v"}, ""
	}
	return metric.LoadedRate{PerHour: decimalOf("30"), Class: "writer", Source: "test", Version: "v"}, ""
}

func half(event.Day) metric.Assumed {
	return metric.Assumed{Low: decimalOf("0.3"), Mode: decimalOf("0.5"), High: decimalOf("0.7"), Source: "test", Version: "v"}
}

func TestCapacityBearsLossesInFull(t *testing.T) {
	baselines := func(string, event.Day) (metric.DeclaredBaseline, bool) {
		return metric.DeclaredBaseline{Low: decimalOf("60"), Mode: decimalOf("60"), High: decimalOf("60"), Source: "test"}, true
	}
	saved, lost, edited, poor := hours("2026-10-05", "a", "gain", 1, "2", "60"), hours("2026-10-06", "a", "loss", 1, "1", "180"), hours("2026-10-07", "a", "gain", 1, "1", "30"), hours("2026-10-08", "poor", "gain", 2, "1", "30")
	edited.Person = "editor"
	rows := []metric.HoursRow{saved, lost, edited, poor}
	in := metric.CapacityInput{
		Hours: metric.HoursInput{Rows: rows, Declared: baselines}, Months: rows, Rates: rates, Realisation: half, Haircut: metric.DefaultHaircut,
	}
	f := metric.FoldCapacity(in, "USD")
	// gain: 60 min × 30/h × 0.5 = 15, the editor's 30 min × 60/h × 0.5 = 15; loss: −120 min × 30/h × 1 = −60.
	if f.Measure.Status != metric.OK || f.Measure.Value.Text() != "-30" || *f.Measure.N != 3 {
		t.Errorf("got %+v", f.Measure)
	}
	// 30 % off the gains of grade 0 only: 21 − 60
	if f.Measure.RiskAdjusted.Text() != "-39" {
		t.Errorf("risk adjusted %s", f.Measure.RiskAdjusted.Text())
	}
	// The baseline has no error; 5 % of the share's triangle lie below 0.3 + √(0.05 × 0.4 × 0.2) = 0.36325, of 60 USD before it.
	near(t, "low", f.Measure.Low, -30-60*(0.5-0.36325), 1e-3)
	if len(f.Excluded) != 1 || f.Excluded[0].Reason != "no_rate" || f.Excluded[0].Team != "poor" || f.Excluded[0].Amount.Text() != "30" {
		t.Errorf("excluded %+v", f.Excluded)
	}
	// The factor is that of the whole month: where the rest of the workflow lost more, this gain counts in full.
	in.Hours.Rows, in.Months = rows[:1], append(rows[:1:1], hours("2026-10-20", "b", "gain", 1, "1", "500"))
	if f := metric.FoldCapacity(in, "USD"); f.Measure.Value.Text() != "30" {
		t.Errorf("got %s", f.Measure.Value.Text())
	}
}

// What is folded beside the whole, of the work before a day, is what would be folded of it alone, and the whole does not suffer.
func TestCapacityBeforeADay(t *testing.T) {
	baselines := func(string, event.Day) (metric.DeclaredBaseline, bool) {
		return metric.DeclaredBaseline{Low: decimalOf("40"), Mode: decimalOf("60"), High: decimalOf("80"), Source: "test"}, true
	}
	all := []metric.HoursRow{
		hours("2026-10-05", "a", "gain", 1, "2", "60"), hours("2026-10-06", "a", "loss", 1, "1", "180"), hours("2026-10-08", "poor", "gain", 2, "1", "30"),
		hours("2026-11-02", "a", "gain", 3, "1", "10"), hours("2026-11-03", "poor", "loss", 1, "1", "30"), hours("2026-10-09", "b", "loss", 1, "1", "30"),
	}
	fold := func(rows []metric.HoursRow) metric.CapacityInput {
		return metric.CapacityInput{
			Hours: metric.HoursInput{Rows: rows, Declared: baselines}, Months: all, Rates: rates, Realisation: half, Haircut: metric.DefaultHaircut,
		}
	}
	seen := func(f metric.Fold) string {
		m := f.Measure
		return fmt.Sprintf("%s %s %s %v %v %v %d %+v", m.Status, m.Value.Text(), m.RiskAdjusted.Text(), *m.Low, *m.High, *m.N, len(f.Cells), f.Excluded[0].Amount)
	}
	october := append(slices.Clone(all[:3]), all[5])
	whole, before := metric.FoldCapacityBefore(fold(all), "USD", date("2026-11-01"))
	if got, want := seen(before), seen(metric.FoldCapacity(fold(october), "USD")); got != want {
		t.Errorf("before November %s, want %s", got, want)
	}
	if got, want := seen(whole), seen(metric.FoldCapacity(fold(append(october, all[3], all[4])), "USD")); got != want {
		t.Errorf("the whole is %s, want %s", got, want)
	}
	if _, none := metric.FoldCapacityBefore(fold(all), "USD", date("2026-10-01")); none.Measure.Status != metric.NoData {
		t.Errorf("before all work: %+v", none.Measure)
	}
}

func TestAICost(t *testing.T) {
	spend := []metric.SpendRow{
		{Day: at("2026-10-01"), Category: "ai_tool", Currency: "USD", N: 1, Billed: decimalOf("10")},
		{Day: at("2026-10-01"), Category: "agency", Currency: "USD", N: 1, Billed: decimalOf("500")},
		{Day: at("2026-10-01"), Category: "training", Currency: "EUR", N: 1, Billed: decimalOf("7")},
	}
	training := []metric.TrainingRow{
		{Day: at("2026-10-02"), Team: "a", N: 2, Hours: decimalOf("1.5")},
		{Day: at("2026-10-02"), Team: "poor", N: 1, Hours: decimalOf("4")},
	}
	f := metric.FoldAICost(spend, training, "USD", noFX, rates)
	// 10 + 1.5 × 30; the agency is no AI cost, the euros have no rate of exchange, the poor no rate at all.
	if f.Measure.Value.Text() != "55" || *f.Measure.N != 3 || *f.Measure.Grade != 0 || len(f.Excluded) != 2 {
		t.Errorf("got %+v, excluded %+v", f.Measure, f.Excluded)
	}
	total := decimal.Zero
	for _, c := range f.Cells {
		total = total.Add(c.Value)
	}
	if !total.Equal(decimalOf("55")) {
		t.Errorf("cells sum to %s", total)
	}
	if f := metric.FoldAICost(spend, nil, "USD", noFX, rates); *f.Measure.Grade != 1 || f.Measure.Value.Text() != "10" {
		t.Errorf("invoices only: %+v", f.Measure)
	}
	if f := metric.FoldAICost(nil, nil, "USD", noFX, rates); f.Measure.Status != metric.NoData {
		t.Errorf("nothing: %+v", f.Measure)
	}
	if f := metric.FoldAICost(nil, training[1:], "USD", noFX, rates); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_rate" {
		t.Errorf("no rate: %+v", f.Measure)
	}
}

func TestConversionValueSumsOverScopes(t *testing.T) {
	margin := decimal.NewFromInt(2)
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &margin}
	x := metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", 1000, 120), arm("c", "conversion", 1000, 100)}, plan, "", "USD", noFX)
	exposures := func(team string, n uint64) metric.ExposureRow {
		return metric.ExposureRow{Day: at("2026-10-05"), Team: team, Experiment: "x", Variant: "a", Metric: "conversion", Exposures: n}
	}
	control := exposures("a", 1000)
	control.Variant = "c"
	fold := func(rows ...metric.ExposureRow) metric.Fold {
		return metric.FoldConversionValue(rows, []metric.Experiment{x}, "USD", metric.DefaultHaircut)
	}
	all, one, two := fold(control, exposures("a", 300), exposures("b", 700)), fold(exposures("a", 300)), fold(exposures("b", 700))
	// 1,000 × 0.02 × 2 = 40, of which 12 and 28; the control's exposures are not treated.
	if all.Measure.Value.Text() != "40" || one.Measure.Value.Text() != "12" || two.Measure.Value.Text() != "28" || *all.Measure.N != 1000 {
		t.Errorf("got %s, %s and %s", all.Measure.Value.Text(), one.Measure.Value.Text(), two.Measure.Value.Text())
	}
	if all.Measure.RiskAdjusted.Text() != "40" {
		t.Errorf("a randomised design has no haircut: %s", all.Measure.RiskAdjusted.Text())
	}
	plan.Margin = nil
	x = metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", 1000, 120), arm("c", "conversion", 1000, 100)}, plan, "", "USD", noFX)
	if f := fold(exposures("a", 300)); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_margin" || *f.Excluded[0].N != 300 {
		t.Errorf("no margin: %+v", f)
	}
}

func TestMeasuredRealisation(t *testing.T) {
	var rows []metric.PulseRow
	add := func(wave, day string, n int, answer string) {
		for i := range n {
			rows = append(rows, metric.PulseRow{Wave: wave, Person: fmt.Sprint(wave, answer, i), TimeWentTo: answer, Time: at(day)})
		}
	}
	add("q2", "2026-05-01", 24, "quality")
	add("q2", "2026-05-01", 16, "admin")
	add("q3", "2026-08-01", 29, "nothing") // too few
	// 24 of 40 in the latest wave with thirty answers.
	a, ok := metric.MeasuredRealisation(rows, at("2026-11-01"))
	if !ok || !a.Mode.Equal(decimalOf("0.6")) || a.Version != "wave q2" || a.Deviation == 0 {
		t.Errorf("got %+v %v", a, ok)
	}
	if _, ok := metric.MeasuredRealisation(rows, at("2026-05-01")); ok {
		t.Error("a wave counts before it was answered")
	}
}

// What may not be told apart counts with the lowest grade in it, and its gains and losses are netted.
func TestGrouped(t *testing.T) {
	cell := func(workflow string, value int64, grade int) metric.Cell {
		return metric.Cell{Day: "2026-10-06", Workflow: workflow, Value: decimal.NewFromInt(value), N: 1, Grade: grade}
	}
	fold := metric.Fold{
		Measure: metric.Measure{Key: metric.CapacityValue, Status: metric.OK, RiskAdjusted: metric.ExactOf(decimal.Zero)},
		Cells:   []metric.Cell{cell("post", 100, 5), cell("film", 40, 1), cell("film", -10, 5), cell("ad", 30, 0)},
	}
	got := fold.Grouped(func(c metric.Cell) string {
		if c.Workflow == "post" {
			return "post"
		}
		return "other"
	}, metric.DefaultHaircut)
	// post is 100 of grade 5, the others together 40 − 10 + 30 = 60 of grade 0: 100 × 1 + 60 × 0.7.
	if text := got.Measure.RiskAdjusted.Text(); text != "142" {
		t.Errorf("risk adjusted is %s", text)
	}
	if s := got.Measure.Shares; len(s) != 2 || s[0].Grade != 0 || s[0].Value.Text() != "60" || s[0].N != 3 || s[0].Share != 0.375 || s[1].Value.Text() != "100" {
		t.Errorf("shares are %+v", s)
	}
	if *got.Measure.Grade != 0 || fold.Cells[1].Grade != 1 || fold.Cells[1].Group != "" {
		t.Errorf("grade %d, and the cells before are %+v", *got.Measure.Grade, fold.Cells)
	}
	// Each by itself: the haircut of grade 1 is 20 %, and the loss is borne in full: 100 + 32 − 10 + 21.
	apart := fold.Grouped(func(metric.Cell) string { return "" }, metric.DefaultHaircut)
	if text := apart.Measure.RiskAdjusted.Text(); text != "143" {
		t.Errorf("each by itself is %s", text)
	}
}
