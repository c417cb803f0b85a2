package metric_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/stat"
	"plumbline/pkg/stat/stattest"
)

// covers tells whether the range of a measure holds the truth; a measure without one holds nothing.
func covers(m metric.Measure, truth float64) bool {
	return m.Low != nil && m.High != nil && *m.Low <= truth && truth <= *m.High
}

// The ranges that the folds of the product put around money, hours and shares hold the truth as often as they claim. Figures
// of the full run: CALIBRATION.md.
func TestRangesAreCalibrated(t *testing.T) {
	if testing.Short() {
		t.Skip("the simulation takes seconds: -short is set")
	}
	stattest.Calibrate(t, "CALIBRATION.md", slices.Concat(
		organisations(), hoursRanges(), capacityRanges(), reworkRanges(), conversionRanges(), pipelineRanges(), savingsRanges(), gapRanges(), narrowRanges()))
}

// unassisted draws tasks without AI of one unit each: log-normal minutes of a mean and a spread of their logarithm.
func unassisted(r *rand.Rand, workflow string, n int, mean, spread float64) metric.UnassistedRow {
	row, one := metric.UnassistedRow{Day: at("2026-09-01"), Workflow: workflow}, decimal.NewFromInt(1)
	for range n {
		minutes := decimal.NewFromFloat(mean * math.Exp(spread*r.NormFloat64()-spread*spread/2)).Round(6)
		row.N, row.Units, row.Minutes = row.N+1, row.Units.Add(one), row.Minutes.Add(minutes)
		row.UnitsSquared, row.MinutesSq, row.MinutesUnits = row.UnitsSquared.Add(one), row.MinutesSq.Add(minutes.Mul(minutes)), row.MinutesUnits.Add(minutes)
	}
	return row
}

// assisted is work with AI: so many units, each of so many minutes.
func assisted(workflow string, units int64, minutes float64) metric.HoursRow {
	n := decimal.NewFromInt(units)
	return metric.HoursRow{Day: at("2026-10-05"), Team: "t", Workflow: workflow, N: uint64(units), Units: n, Minutes: n.Mul(decimal.NewFromFloat(minutes).Round(6))}
}

// saves is what the work truly saves, in hours, where a unit takes so many minutes without AI.
func saves(r metric.HoursRow, minutes float64) float64 {
	return (r.Units.InexactFloat64()*minutes - r.Minutes.InexactFloat64()) / 60
}

// points are low, mode and high of a declaration.
type points [3]float64

func (p points) triangle() stat.ThreePoint { return stat.ThreePoint{Low: p[0], Mode: p[1], High: p[2]} }

func (p points) assumed(version string) metric.Assumed {
	return metric.Assumed{
		Low: decimal.NewFromFloat(p[0]), Mode: decimal.NewFromFloat(p[1]), High: decimal.NewFromFloat(p[2]), Source: "test", Version: version,
	}
}

func (p points) text() string { return fmt.Sprintf("%v/%v/%v", p[0], p[1], p[2]) }

// declares gives workflows their declared baselines.
func declares(of map[string]points) metric.Declared {
	return func(workflow string, _ event.Day) (metric.DeclaredBaseline, bool) {
		p, ok := of[workflow]
		a := p.assumed("")
		return metric.DeclaredBaseline{Low: a.Low, Mode: a.Mode, High: a.High, Source: "test"}, ok
	}
}

// Net hours by baseline: measured in 30 tasks, declared, of a trial with 30 tasks an arm; the declared truth is drawn from
// the declared triangle.
func hoursRanges() (out []stattest.Simulation) {
	f := func(name string) stattest.Family { return stattest.Exact("Net hours, "+name, 0.9) }
	for _, spread := range []float64{0.3, 0.5} {
		out = append(out, stattest.One(f("measured baseline"), fmt.Sprintf("30 tasks, log-normal of spread %v", spread), func(r *rand.Rand) bool {
			row := assisted("w", 100, 40)
			in := metric.HoursInput{Rows: []metric.HoursRow{row}, Unassisted: []metric.UnassistedRow{unassisted(r, "w", 30, 60, spread)}}
			return covers(metric.FoldHours(in).Measure, saves(row, 60))
		}))
	}
	for _, p := range []points{{40, 60, 80}, {30, 45, 90}} {
		out = append(out, stattest.One(f("declared baseline"), p.text()+" minutes", func(r *rand.Rand) bool { return declaredHours(r, 1, p) }))
	}
	out = append(out, stattest.One(f("declared baseline"), "5 workflows of 30/45/90 minutes", func(r *rand.Rand) bool { return declaredHours(r, 5, points{30, 45, 90}) }))
	for _, ratio := range []float64{-0.3, 0, 0.2} {
		out = append(out, stattest.One(f("randomised trial"), fmt.Sprintf("30 tasks an arm, ratio − 1 = %v", ratio), func(r *rand.Rand) bool { return trialHours(r, 30, ratio) }))
	}
	return out
}

func declaredHours(r *rand.Rand, workflows int, p points) bool {
	in, of, truth := metric.HoursInput{}, map[string]points{}, 0.0
	for i := range workflows {
		row := assisted(fmt.Sprint("w", i), 100, 40)
		of[row.Workflow], in.Rows = p, append(in.Rows, row)
		truth += saves(row, p.triangle().DrawTriangular(r))
	}
	in.Declared = declares(of)
	return covers(metric.FoldHours(in).Measure, truth)
}

// trialTasks draws a trial with so many tasks in each arm.
func trialTasks(r *rand.Rand, arm int, ratio float64) (rows []metric.TrialRow) {
	minutes := func(x float64) *decimal.Decimal { return new(decimal.NewFromFloat(math.Exp(x)).Round(6)) }
	for i := range 2 * arm {
		size := 4 + 0.8*r.NormFloat64()
		took, estimate := size+0.4*r.NormFloat64(), size+0.2*r.NormFloat64()
		if i%2 == 0 {
			took += math.Log1p(ratio)
		}
		rows = append(rows, metric.TrialRow{
			Trial: "x", Day: at("2026-09-01"), Workflow: "w", Person: fmt.Sprint(i % 10), Assisted: i%2 == 0, Doing: minutes(took), EstimateUnassisted: minutes(estimate),
			EstimateAssisted: new(decimal.NewFromFloat(math.Exp(estimate) * (0.8 + 0.1*r.NormFloat64())).Round(6)),
		})
	}
	return rows
}

func trialHours(r *rand.Rand, arm int, ratio float64) bool {
	row := assisted("w", 100, 40)
	in := metric.HoursInput{Rows: []metric.HoursRow{row}, Tasks: trialTasks(r, arm, ratio)}
	return covers(metric.FoldHours(in).Measure, row.Minutes.InexactFloat64()/60*(1/(1+ratio)-1))
}

const hourly = 60.0

// capacity prices work at 60 an hour.
func capacity(hours metric.HoursInput, realisation metric.Assumed) metric.CapacityInput {
	return metric.CapacityInput{
		Hours: hours, Months: hours.Rows, Haircut: metric.DefaultHaircut, Realisation: func(event.Day) metric.Assumed { return realisation },
		Rates: func(string, string, event.Day) (metric.LoadedRate, string) {
			return metric.LoadedRate{PerHour: decimal.NewFromInt(hourly), Class: "c", Version: "v"}, ""
		},
	}
}

// Capacity value: the share of freed time that is put to use is drawn from its triangle, or measured by a pulse.
func capacityRanges() (out []stattest.Simulation) {
	f := stattest.Exact("Capacity value", 0.9)
	for _, p := range []points{{0.3, 0.5, 0.7}, {0.1, 0.2, 0.6}} {
		out = append(out, stattest.One(f, "measured baseline of 30 tasks, realisation "+p.text(), func(r *rand.Rand) bool {
			row := assisted("w", 100, 30)
			in := capacity(metric.HoursInput{Rows: []metric.HoursRow{row}, Unassisted: []metric.UnassistedRow{unassisted(r, "w", 30, 60, 0.4)}}, p.assumed("v"))
			return covers(metric.FoldCapacity(in, "USD").Measure, saves(row, 60)*hourly*p.triangle().DrawTriangular(r))
		}))
	}
	for _, share := range []float64{0.3, 0.6} {
		draw := stattest.Counts(100, share)
		out = append(out, stattest.One(f, fmt.Sprintf("measured baseline of 30 tasks, realisation of %.0f %% by 100 answers", 100*share), func(r *rand.Rand) bool {
			row := assisted("w", 100, 30)
			in := metric.HoursInput{Rows: []metric.HoursRow{row}, Unassisted: []metric.UnassistedRow{unassisted(r, "w", 30, 60, 0.4)}}
			return covers(metric.FoldCapacity(capacity(in, answered(100, draw(r))), "USD").Measure, saves(row, 60)*hourly*share)
		}))
	}
	return out
}

// answered is the share that a pulse measures in which so many of n have put their time to use.
func answered(n int, used int64) metric.Assumed {
	rows := make([]metric.PulseRow, n)
	for i := range rows {
		rows[i] = metric.PulseRow{Wave: "q", Person: fmt.Sprint(i), TimeWentTo: "admin", Time: at("2026-08-01")}
		if int64(i) < used {
			rows[i].TimeWentTo = "quality"
		}
	}
	a, _ := metric.MeasuredRealisation(rows, at("2026-10-01"))
	return a
}

// Rework rate: 40 days and workflows, of which a tenth of the time is rework in the mean.
func reworkRanges() []stattest.Simulation {
	return []stattest.Simulation{stattest.One(stattest.Exact("Rework rate", 0.9), "40 days, 10 % in the mean", func(r *rand.Rand) bool {
		var rows []metric.HoursRow
		for i := range 40 {
			row := assisted("w", 1+r.Int64N(10), 40)
			row.Day = row.Day.AddDate(0, 0, i)
			row.Rework = row.Minutes.Mul(decimal.NewFromFloat(0.2 * r.Float64()).Round(6))
			rows = append(rows, row)
		}
		return covers(metric.FoldRework(rows, nil).Measure, 0.1)
	})}
}

// Conversion value: fixed at three effects from 50 expected conversions an arm, and sequential, watched after every batch.
func conversionRanges() (out []stattest.Simulation) {
	const n, base, margin = 1000, 0.05, 3
	for _, lift := range []float64{0, 0.2, 0.5} {
		treated, control := stattest.Counts(n, base*(1+lift)), stattest.Counts(n, base)
		out = append(out,
			stattest.One(stattest.Exact("Conversion value, fixed design", 0.9), fmt.Sprintf("5 %% of 1,000 an arm, lift %.0f %%", 100*lift), func(r *rand.Rand) bool {
				return covers(experiment(false, n, treated(r), control(r)), n*base*lift*margin)
			}),
			stattest.Simulation{
				Setting: fmt.Sprintf("20 looks, 5 %% of 1,000 more an arm each, lift %.0f %%", 100*lift), Quick: 60,
				Families: []stattest.Family{{Name: "Conversion value, sequential design", Level: 0.9, Low: 0.895, High: 1}},
				Draw: func(r *rand.Rand) []bool {
					a, b, held := int64(0), int64(0), true
					for look := range uint64(20) {
						exposures := n * (look + 1)
						a, b = a+treated(r), b+control(r)
						held = held && covers(experiment(true, exposures, a, b), float64(exposures)*base*lift*margin)
					}
					return []bool{held}
				},
			})
	}
	return out
}

// experiment is the value of an experiment with a margin of 3 a conversion.
func experiment(sequential bool, exposures uint64, treated, control int64) metric.Measure {
	margin := decimal.NewFromInt(3)
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &margin, Sequential: sequential}
	rows := []metric.ConversionRow{arm("a", "conversion", exposures, uint64(treated)), arm("c", "conversion", exposures, uint64(control))}
	return metric.FoldExperiment(rows, plan, "", "USD", noFX).Value
}

// deals draws decided deals of both sides: win rates, and log-normal amounts whose mean is e⁷·e^(1/8).
func deals(r *rand.Rand, n int, with, without float64, study string) []metric.DealRow {
	yes, no, margin, closed := true, false, decimalOf("0.4"), at("2026-10-05")
	rows := make([]metric.DealRow, 2*n)
	for i := range rows {
		d := metric.DealRow{Deal: fmt.Sprint("d", i), Day: closed, CreatedAt: closed, DecidedAt: &closed, DecidedDay: &closed, Status: "lost", Currency: "USD", Assisted: &no, Margin: &margin, Experiment: study}
		rate := without
		if i < n {
			d.Assisted, rate = &yes, with
		}
		if r.Float64() < rate {
			d.Status, d.Amount = "won", new(decimal.NewFromFloat(math.Exp(7+0.5*r.NormFloat64())).Round(2))
		}
		rows[i] = d
	}
	return rows
}

var meanDeal = math.Exp(7.125)

// Pipeline value: 200 deals on either side of three differences of the win rates, and the share of a deal that an experiment
// names: 4,000 exposures an arm with rates of 6 % and 5 %, of which the true share is a sixth.
func pipelineRanges() (out []stattest.Simulation) {
	for _, gain := range []float64{0, 0.1, 0.2} {
		out = append(out, fewer(stattest.Exact("Pipeline value", 0.9), fmt.Sprintf("200 deals a side, win rates of 30 %% and %.0f %%", 30+100*gain), func(r *rand.Rand) bool {
			return covers(metric.FoldPipelineValue(pipelineInput(deals(r, 200, 0.3+gain, 0.3, "")), "USD").Measure, 200*gain*meanDeal*0.4)
		}))
	}
	treated, control := stattest.Counts(4000, 0.06), stattest.Counts(4000, 0.05)
	return append(out, stattest.One(stattest.Exact("Pipeline value, deals that an experiment names", 0.9), "6 % and 5 % of 4,000 an arm, a won deal of 600", func(r *rand.Rand) bool {
		margin := decimal.NewFromInt(1)
		plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &margin}
		x := metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", 4000, uint64(treated(r))), arm("c", "conversion", 4000, uint64(control(r)))}, plan, "", "USD", noFX)
		in := pipelineInput([]metric.DealRow{deal("d", "won", "2026-09-01", "2026-10-05", "1200")})
		in.Rows[0].Margin = new(decimalOf("0.5"))
		in.Links, _ = metric.LinkedDeals([]metric.LinkRow{{Experiment: x.Experiment, Variant: "a", Metric: "conversion", Deal: "d"}}, []metric.Experiment{x})
		return covers(metric.FoldPipelineValue(in, "USD").Measure, 100)
	}))
}

// Vendor savings: the share of a gain that is due to AI is drawn from its triangle.
func savingsRanges() (out []stattest.Simulation) {
	for _, p := range []points{{0.6, 0.8, 1}, {0.2, 0.9, 1}} {
		out = append(out, stattest.One(stattest.Exact("Vendor savings", 0.9), "attribution "+p.text(), func(r *rand.Rand) bool {
			return covers(metric.FoldVendorSavings(attributed(p), "USD").Measure, 1240*p.triangle().DrawTriangular(r))
		}))
	}
	return out
}

// attributed is October of an agency: 3,100 before, 31 × 60 billed, so that 1,240 are saved, of which a share is due to AI.
func attributed(p points) metric.VendorSavingsInput {
	in := savings("2026-10-01", "2026-11-01", accrued("2026-10-01", 31, "60", nil), always(price("a", nil)))
	in.Attribution = func(event.Day) metric.Assumed { return p.assumed("attribution") }
	return in
}

// Calibration gap: forecasts of a trial against its result, and reports against unassisted work.
func gapRanges() (out []stattest.Simulation) {
	f := stattest.Exact("Calibration gap", 0.95)
	for _, ratio := range []float64{-0.2, 0, 0.2} {
		out = append(out, fewer(f, fmt.Sprintf("trial of 60 tasks an arm, ratio − 1 = %v", ratio), func(r *rand.Rand) bool {
			in := metric.CalibrationInput{Trials: metric.FoldTrials(trialTasks(r, 60, ratio))}
			return covers(metric.FoldCalibration(in).Measure, 100*(0.2+ratio)) // expected are 20 %, measured is −ratio
		}))
	}
	return append(out, stattest.One(f, "reports against 60 unassisted tasks", func(r *rand.Rand) bool {
		row := assisted("w", 20, 30)
		row.GivenN, row.GivenUnits, row.GivenMinutes, row.GivenBaseline = 20, row.Units, row.Minutes, row.Units.Mul(decimal.NewFromInt(100))
		in := metric.CalibrationInput{Given: []metric.HoursRow{row}, Hours: metric.HoursInput{Unassisted: []metric.UnassistedRow{unassisted(r, "w", 60, 60, 0.4)}}}
		return covers(metric.FoldCalibration(in).Measure, 100*(0.7-0.5)) // 1 − 30/100 reported, 1 − 30/60 true
	}))
}

// fewer is a simulation of which a quick run makes fewer.
func fewer(f stattest.Family, setting string, draw func(*rand.Rand) bool) stattest.Simulation {
	s := stattest.One(f, setting, draw)
	s.Quick = 150
	return s
}

// narrowRanges are settings with fewer data than a range needs: the bands say what is known, and not what is wanted.
func narrowRanges() []stattest.Simulation {
	f := func(name string, low float64) stattest.Family {
		return stattest.Family{Name: name, Level: 0.9, Low: low, High: 0.93}
	}
	return []stattest.Simulation{
		stattest.One(f("Net hours, measured baseline", 0.8), "8 tasks, log-normal of spread 0.5", func(r *rand.Rand) bool {
			row := assisted("w", 100, 40)
			in := metric.HoursInput{Rows: []metric.HoursRow{row}, Unassisted: []metric.UnassistedRow{unassisted(r, "w", 8, 60, 0.5)}}
			return covers(metric.FoldHours(in).Measure, saves(row, 60))
		}),
		stattest.One(f("Net hours, randomised trial", 0.8), "8 tasks an arm, ratio − 1 = -0.3", func(r *rand.Rand) bool { return trialHours(r, 8, -0.3) }),
		stattest.One(f("Pipeline value", 0.85), "30 deals a side, win rates of 30 % and 40 %", func(r *rand.Rand) bool {
			return covers(metric.FoldPipelineValue(pipelineInput(deals(r, 30, 0.4, 0.3, "")), "USD").Measure, 30*0.1*meanDeal*0.4)
		}),
	}
}

// seeded draws the same everywhere.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

// A declared baseline of 30/45/90 minutes has its mean at 55 and a deviation of √((15² + 15·45 + 45²)/18) = 12.7475. Alone it has its
// own quantiles, 30 + √(0.05 × 60 × 15) = 36.7082 and 90 − √(0.05 × 60 × 45) = 78.3811; two are about normal around their means.
func TestDeclarationsThatLean(t *testing.T) {
	in := metric.HoursInput{Rows: []metric.HoursRow{assisted("a", 100, 40)}, Declared: declares(map[string]points{"a": {30, 45, 90}, "b": {30, 45, 90}})}
	m := metric.FoldHours(in).Measure
	// 100 × (45 − 40) ÷ 60 hours
	near(t, "one: value", new(m.Value.InexactFloat64()), 100*5/60., 1e-9)
	near(t, "one: low", m.Low, 100*(36.7082-40)/60, 1e-4)
	near(t, "one: high", m.High, 100*(78.3811-40)/60, 1e-4)
	in.Rows = append(in.Rows, assisted("b", 100, 40))
	m = metric.FoldHours(in).Measure
	half := 1.644854 * math.Sqrt2 * 100 * 12.7475 / 60
	near(t, "two: low", m.Low, 2*100*(55-40)/60.-half, 1e-3)
	near(t, "two: high", m.High, 2*100*(55-40)/60.+half, 1e-3)
	// Priced at 60 an hour with a realisation of 0.2, which is 0.3 in the mean: (55 − 40) × 100 ÷ 60 × 60 × 0.3 lies in the middle.
	in.Rows = in.Rows[:1]
	money := metric.FoldCapacity(capacity(in, points{0.1, 0.2, 0.6}.assumed("v")), "USD").Measure
	near(t, "capacity: value", new(money.Value.InexactFloat64()), 500*0.2, 1e-9)
	near(t, "capacity: middle", new((*money.Low+*money.High)/2), 1500*0.3, 1e-6)
}
