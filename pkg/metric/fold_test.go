package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

func decimalOf(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func near(t *testing.T, name string, got *float64, want, tolerance float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > tolerance {
		t.Errorf("%s is %v, want %v", name, show(got), want)
	}
}

func show(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}

func noFX(currency string, _ event.Day) (metric.Rate, bool) {
	return metric.Rate{Rate: decimal.NewFromInt(1)}, currency == "USD"
}

func TestFoldSpend(t *testing.T) {
	rows := []metric.SpendRow{
		{Day: at("2026-10-01"), Vendor: "a", Currency: "USD", N: 2, Billed: decimalOf("10.000000000000000001")},
		{Day: at("2026-10-02"), Vendor: "b", Currency: "USD", N: 1, Billed: decimalOf("-2.5")},
		{Day: at("2026-10-02"), Vendor: "b", Currency: "EUR", N: 1, Billed: decimalOf("7")},
		{Day: at("2026-10-02"), Vendor: "b", Currency: "CHF", N: 3, Billed: decimalOf("9")},
	}
	fx := func(currency string, _ event.Day) (metric.Rate, bool) {
		switch currency {
		case "USD":
			return metric.Rate{Rate: decimal.NewFromInt(1)}, true
		case "EUR":
			return metric.Rate{Rate: decimalOf("1.1"), Source: "registry fx/EUR-USD", Version: "v"}, true
		}
		return metric.Rate{}, false
	}
	f := metric.FoldSpend(rows, "USD", fx)
	// 10.000000000000000001 − 2.5 + 7 × 1.1
	if f.Measure.Status != metric.OK || f.Measure.Value.Text() != "15.200000000000000001" || *f.Measure.N != 4 {
		t.Errorf("got %+v", f.Measure)
	}
	if len(f.Excluded) != 1 || f.Excluded[0].Reason != "no_fx" || f.Excluded[0].Amount.Text() != "9" || f.Excluded[0].Unit != "CHF" {
		t.Errorf("excluded %+v", f.Excluded)
	}
	if len(f.Inputs) != 1 || *f.Inputs[0].Value != "1.1" {
		t.Errorf("inputs %+v", f.Inputs)
	}
	if f := metric.FoldSpend(nil, "USD", fx); f.Measure.Status != metric.NoData || f.Measure.Value != nil {
		t.Errorf("nothing billed is no data, got %+v", f.Measure)
	}
	if f := metric.FoldSpend(rows[3:], "USD", fx); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_fx" || f.Measure.Value != nil {
		t.Errorf("nothing converts: got %+v", f.Measure)
	}
}

func hours(day, team, workflow string, n uint64, units, minutes string) metric.HoursRow {
	return metric.HoursRow{Day: at(day), Team: team, Workflow: workflow, N: n, Units: decimalOf(units), Minutes: decimalOf(minutes)}
}

func declared(workflow string, _ event.Day) (metric.DeclaredBaseline, bool) {
	return metric.DeclaredBaseline{Low: decimalOf("50"), Mode: decimalOf("60"), High: decimalOf("70"), Source: "test"}, workflow == "declared"
}

func TestHoursTakeTheBestBaseline(t *testing.T) {
	given := hours("2026-10-05", "a", "given", 3, "3", "90")
	given.GivenN, given.GivenUnits, given.GivenBaseline, given.GivenMinutes = 2, decimalOf("2"), decimalOf("100"), decimalOf("60")
	in := metric.HoursInput{
		Rows: []metric.HoursRow{
			hours("2026-10-05", "a", "measured", 2, "4", "100"),
			hours("2026-10-05", "b", "declared", 1, "2", "150"),
			given,
			hours("2026-10-05", "", "nothing", 5, "5", "77"),
		},
		// 10 events of 1 unit, 300 minutes: 30 a unit; Σm² = 10 × 900 + spread 90.
		Unassisted: []metric.UnassistedRow{{
			Day: at("2026-09-01"), Workflow: "measured", N: 10, Units: decimalOf("10"), Minutes: decimalOf("300"),
			UnitsSquared: decimalOf("10"), MinutesSq: decimalOf("9090"), MinutesUnits: decimalOf("300"),
		}},
		Declared: declared,
	}
	f := metric.FoldHours(in)
	// measured: 4 × 30 − 100 = 20; declared: 2 × 60 − 150 = −30, a loss; given: 100 − 60 = 40. 30 minutes = 0.5 h
	if f.Measure.Status != metric.OK || f.Measure.Value.Text() != "0.5" && !f.Measure.Value.Sub(decimalOf("0.5")).Abs().LessThan(decimalOf("1e-15")) {
		t.Errorf("got %+v", f.Measure)
	}
	if *f.Measure.N != 5 || *f.Measure.Grade != 0 {
		t.Errorf("n %d, grade %d", *f.Measure.N, *f.Measure.Grade)
	}
	// Withheld are the five events of "nothing" and the one of "given" that gives none: 77 and 90 − 60 minutes.
	if len(f.Excluded) != 2 || f.Excluded[0].Workflow != "given" || f.Excluded[0].Amount.Text() != "30" || f.Excluded[1].Amount.Text() != "77" {
		t.Errorf("excluded %+v", f.Excluded)
	}
	// measured: s² = 90/9 = 10, SE = sqrt(10 × 10)/10 = 1, 4 units: 4 minutes on 9 degrees of freedom.
	// declared: triangle 50/60/70: sqrt(100/6) = 4.0825, 2 units: 8.165 minutes. Variance 16 + 66.667 = 82.667; df = 82.667²/(256/9) = 240.2.
	// sd 9.0921 minutes × t(0.95, 240) 1.6512 = 15.013 minutes = 0.25021 h.
	near(t, "low", f.Measure.Low, 0.5-0.25021, 1e-4)
	near(t, "high", f.Measure.High, 0.5+0.25021, 1e-4)
	total := 0.0
	for _, s := range f.Measure.Shares {
		total += s.Share
	}
	if math.Abs(total-1) > 1e-12 {
		t.Errorf("shares sum to %v", total)
	}
	in.Rows = in.Rows[3:]
	if f := metric.FoldHours(in); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_baseline" || f.Measure.Value != nil {
		t.Errorf("without a baseline: got %+v", f.Measure)
	}
}

// TestHoursSayTheSameTwice: sums of floats depend on their order, and the ends of an interval must not.
func TestHoursSayTheSameTwice(t *testing.T) {
	in := metric.HoursInput{Declared: declared}
	for i := range 12 {
		workflow := fmt.Sprintf("w%d", i)
		in.Rows = append(in.Rows, hours("2026-10-05", "a", workflow, 1, fmt.Sprintf("%d.137", 1+i*i*31), "33.3"))
		in.Unassisted = append(in.Unassisted, metric.UnassistedRow{
			Day: at("2026-09-01"), Workflow: workflow, N: 10, Units: decimalOf("10"), Minutes: decimalOf("300"),
			UnitsSquared: decimalOf("10"), MinutesSq: decimalOf(fmt.Sprintf("%d.77", 9010+i*i*i*13)), MinutesUnits: decimalOf("300"),
		})
	}
	first := metric.FoldHours(in).Measure
	for range 100 {
		again := metric.FoldHours(in).Measure
		if *again.Low != *first.Low || *again.High != *first.High {
			t.Fatalf("(%v, %v), then (%v, %v)", *first.Low, *first.High, *again.Low, *again.High)
		}
	}
}

func TestSevenUnassistedEventsAreNoBaseline(t *testing.T) {
	in := metric.HoursInput{
		Rows: []metric.HoursRow{hours("2026-10-05", "a", "w", 1, "1", "10")},
		Unassisted: []metric.UnassistedRow{{
			Day: at("2026-09-01"), Workflow: "w", N: 7, Units: decimalOf("7"), Minutes: decimalOf("210"),
			UnitsSquared: decimalOf("7"), MinutesSq: decimalOf("6300"), MinutesUnits: decimalOf("210"),
		}},
	}
	if f := metric.FoldHours(in); f.Measure.Status != metric.Withheld {
		t.Errorf("got %+v", f.Measure)
	}
}

// Whatever the rows, the cells sum to the value exactly, in any order of the rows, and events add up to it too.
func TestHoursAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := metric.HoursInput{Declared: declared}
		var events []metric.HoursEvent
		for i := range rapid.IntRange(1, 20).Draw(t, "rows") {
			day := fmt.Sprintf("2026-10-%02d", i+1)
			row := hours(day, rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "team"), "declared", 0, "0", "0")
			for range rapid.IntRange(1, 4).Draw(t, "events") {
				units, minutes := decimal.New(rapid.Int64Range(1, 9_999_999).Draw(t, "units"), -6), decimal.New(rapid.Int64Range(0, 999_999_999).Draw(t, "minutes"), -6)
				row.N, row.Units, row.Minutes = row.N+1, row.Units.Add(units), row.Minutes.Add(minutes)
				events = append(events, metric.HoursEvent{Day: day, Team: row.Team, Workflow: "declared", Units: units, Minutes: minutes})
			}
			in.Rows = append(in.Rows, row)
		}
		f := metric.FoldHours(in)
		cells := decimal.Zero
		for _, c := range f.Cells {
			cells = cells.Add(c.Value)
		}
		parts := decimal.Zero
		for _, p := range metric.PriceEvents(in, events) {
			parts = parts.Add(*p.Hours)
		}
		if !cells.Equal(f.Measure.Value.Decimal) || !parts.Equal(f.Measure.Value.Decimal) {
			t.Fatalf("cells %s, events %s, value %s", cells, parts, f.Measure.Value.Text())
		}
	})
}

func TestFoldRework(t *testing.T) {
	row := hours("2026-10-05", "a", "w", 3, "3", "80")
	row.Rework = decimalOf("20")
	f := metric.FoldRework([]metric.HoursRow{row}, nil)
	if f.Measure.Value.Text() != "0.25" || f.Measure.Parts[0].Value.Text() != "20" || f.Measure.Low != nil {
		t.Errorf("got %+v", f.Measure)
	}
	row.Minutes = decimal.Zero
	if f := metric.FoldRework([]metric.HoursRow{row}, nil); f.Measure.Status != metric.Withheld {
		t.Errorf("no minutes: got %+v", f.Measure)
	}
}

func deal(name, status, created, decided, amount string) metric.DealRow {
	d := metric.DealRow{Deal: name, Day: at(created), Status: status, CreatedAt: at(created), Currency: "USD"}
	if decided != "" {
		when := at(decided)
		d.DecidedAt, d.DecidedDay = &when, &when
	}
	if amount != "" {
		a := decimalOf(amount)
		d.Amount = &a
	}
	return d
}

func TestFoldPipeline(t *testing.T) {
	rows := []metric.DealRow{
		deal("a", "won", "2026-01-01", "2026-01-11", "100"),
		deal("b", "won", "2026-01-01", "2026-01-31", "300"),
		deal("c", "lost", "2026-01-05", "2026-02-01", ""),
		deal("d", "lost", "2026-02-05", "2026-02-10", ""),
		deal("e", "open", "2026-02-06", "", "50"),
	}
	totals := metric.TotalDeals(rows, noFX)
	// 2 of 4 decided; mean cycle (10 + 30)/2 = 20 days; mean amount 200; 4 × 200 × 0.5 ÷ 20 = 20.
	if v := metric.FoldWinRate(totals).Measure; v.Value.Text() != "0.5" || *v.N != 4 {
		t.Errorf("win rate %+v", v)
	}
	if v := metric.FoldCycle(totals, metric.Survival{}).Measure; v.Value.Text() != "20" || *v.N != 2 {
		t.Errorf("cycle %+v", v)
	}
	if v := metric.FoldVelocity(totals, "USD").Measure; v.Value.Text() != "20" || v.Unit != metric.UnitIndex {
		t.Errorf("velocity %+v", v)
	}
	if v := metric.FoldWinRateCreated(totals).Measure; v.Value.Text() != "0.4" {
		t.Errorf("win rate of the cohort %+v", v)
	}
	cohorts := metric.Cohorts(rows, at("2026-02-08"), noFX)
	if len(cohorts) != 2 || cohorts[0].Created != 3 || cohorts[0].Maturity.Text() != "1" || cohorts[1].Maturity.Text() != "0.5" || cohorts[1].WonAmount != nil {
		t.Errorf("cohorts %+v", cohorts)
	}
	// January: decided after 10, 27 and 30 days; February: 2 and 3 days old and open.
	near(t, "median of January", cohorts[0].MedianDays, 27, 0)
	if cohorts[1].MedianDays != nil {
		t.Errorf("median of February %v", *cohorts[1].MedianDays)
	}
	// Open at the end and decided after it are censored alike.
	s := metric.FoldSurvival(rows, at("2026-02-08"))
	if s.N != 5 || s.Decided != 3 || s.Censored != 2 {
		t.Errorf("survival %+v", s)
	}
	near(t, "median", s.Median, 27, 0) // censored after 2 and 3 days; then 10 (2/3 open), 27 (1/3)
}

func TestPipelineWithoutData(t *testing.T) {
	lost := metric.TotalDeals([]metric.DealRow{deal("c", "lost", "2026-01-05", "2026-02-01", "")}, noFX)
	euro := deal("a", "won", "2026-01-01", "2026-01-11", "100")
	euro.Currency = "EUR"
	bare := deal("a", "won", "2026-01-01", "2026-01-11", "")
	instant := deal("a", "won", "2026-01-01", "2026-01-01", "5")
	for reason, totals := range map[string]metric.DealTotals{
		"nothing_won": lost,
		"no_fx":       metric.TotalDeals([]metric.DealRow{euro}, noFX),
		"no_amount":   metric.TotalDeals([]metric.DealRow{bare}, noFX),
		"no_cycle":    metric.TotalDeals([]metric.DealRow{instant}, noFX),
	} {
		if m := metric.FoldVelocity(totals, "USD").Measure; m.Status != metric.Withheld || *m.Reason != reason || m.Value != nil {
			t.Errorf("%s: got %+v", reason, m)
		}
	}
	none := metric.TotalDeals(nil, noFX)
	for _, m := range []metric.Measure{metric.FoldWinRate(none).Measure, metric.FoldCycle(none, metric.Survival{}).Measure, metric.FoldVelocity(none, "USD").Measure} {
		if m.Status != metric.NoData || m.Value != nil {
			t.Errorf("no deals: got %+v", m)
		}
	}
}

func TestMeasureIsWrittenExactly(t *testing.T) {
	m := metric.Measure{Value: metric.ExactOf(decimalOf("123456789012345678901234.000000000000000001"))}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	if string(fields["value"]) != "123456789012345678901234.000000000000000001" || string(fields["low"]) != "null" {
		t.Errorf("got %s", raw)
	}
	if s := metric.ExactOf(decimal.New(-0, 0)).Text(); s != "0" {
		t.Errorf("got %s", s)
	}
}
