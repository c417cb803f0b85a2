package metric_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
	"plumbline/pkg/stat/stattest"
)

// invented is an organisation whose truth is known: what a task takes without AI, and every assumption, drawn from its
// declared distribution.
type invented struct {
	capacity metric.CapacityInput
	savings  *metric.VendorSavingsInput
	// growth are conversion and pipeline value, as folds of what was observed.
	growth []metric.Fold
	cost   metric.Cost
	// worth is the true benefit by rung, without those below.
	worth map[metric.Rung]float64
}

// invent draws an organisation of one to four workflows with 30 to 89 unassisted tasks each, and a realisation. It saves.
func invent(r *rand.Rand) *invented {
	realisation := points{0.3, 0.5, 0.7}
	o := &invented{worth: map[metric.Rung]float64{}, cost: paid("2026-10-01", fmt.Sprint(1+r.IntN(3000)))}
	o.capacity = capacity(metric.HoursInput{}, realisation.assumed("v"))
	share := realisation.triangle().DrawTriangular(r)
	for w := range 1 + r.IntN(4) {
		mean, spread := 60+120*r.Float64(), 0.3+0.4*r.Float64()
		workflow := fmt.Sprint("w", w)
		o.capacity.Hours.Unassisted = append(o.capacity.Hours.Unassisted, unassisted(r, workflow, 30+r.IntN(60), mean, spread))
		o.work(assisted(workflow, 20+r.Int64N(200), mean*(0.4+0.3*r.Float64())), mean, share)
	}
	return o
}

// work adds assisted work that truly takes so many minutes a unit without AI. Losses are borne in full.
func (o *invented) work(row metric.HoursRow, minutes, share float64) {
	in := &o.capacity
	in.Hours.Rows = append(in.Hours.Rows, row)
	in.Months = in.Hours.Rows
	if saves(row, minutes) < 0 {
		share = 1
	}
	o.worth[metric.RungCapacity] += saves(row, minutes) * hourly * share
}

// inventAll draws an organisation with every benefit of the ladder and every kind of assumption: some workflows lose time, up
// to two are priced with declared baselines that lean to one side, savings at a vendor are due to AI in part, an experiment
// gives conversions, and a study of deals gives wins.
func inventAll(r *rand.Rand) *invented {
	o := invent(r)
	realisation := points{0.3, 0.5, 0.7}
	// The share is one for the whole organisation: it is drawn again, with the work that it is applied to.
	share := realisation.triangle().DrawTriangular(r)
	rows, before := o.capacity.Hours.Rows, o.capacity.Hours.Unassisted
	o.capacity.Hours.Rows, o.capacity.Hours.Unassisted, o.worth[metric.RungCapacity] = nil, nil, 0
	for _, row := range rows {
		mean, part := 60+120*r.Float64(), 0.4+0.3*r.Float64()
		if r.IntN(5) == 0 {
			part = 1.2 + 0.4*r.Float64()
		}
		o.capacity.Hours.Unassisted = append(o.capacity.Hours.Unassisted, unassisted(r, row.Workflow, int(before[0].N), mean, 0.3+0.4*r.Float64()))
		o.work(assisted(row.Workflow, int64(row.N), mean*part), mean, share)
	}
	declared := map[string]points{}
	for i := range r.IntN(3) {
		mode := 60 + 60*r.Float64()
		p := points{math.Round(0.7 * mode), math.Round(mode), math.Round(1.6 * mode)}
		workflow := fmt.Sprint("declared", i)
		declared[workflow] = p
		o.work(assisted(workflow, 20+r.Int64N(100), 0.4*mode), p.triangle().DrawTriangular(r), share)
	}
	o.capacity.Hours.Declared = declares(declared)
	attribution := points{0.5, 0.8, 1}
	in := attributed(attribution)
	o.savings, o.worth[metric.RungCash] = &in, 1240*attribution.triangle().DrawTriangular(r)
	o.convert(r)
	o.sell(r)
	return o
}

// convert adds an experiment of 2,000 exposures an arm with rates of 6 % and 5 %, and a margin of 40 a conversion.
func (o *invented) convert(r *rand.Rand) {
	const n, margin = 2000, 40
	count := func(p float64) (k uint64) {
		for range n {
			if r.Float64() < p {
				k++
			}
		}
		return k
	}
	price := decimal.NewFromInt(margin)
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &price}
	x := metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", n, count(0.06)), arm("c", "conversion", n, count(0.05))}, plan, "", "USD", noFX)
	rows := []metric.ExposureRow{{Day: at("2026-10-05"), Team: "t", Experiment: "x", Variant: "a", Metric: "conversion", Exposures: n}}
	o.growth = append(o.growth, metric.FoldConversionValue(rows, []metric.Experiment{x}, "USD", metric.DefaultHaircut))
	o.worth[metric.RungGrowth] += n * 0.01 * margin
}

// sell adds a randomised study of 100 deals a side with win rates of 40 % and 30 %.
func (o *invented) sell(r *rand.Rand) {
	fold := metric.FoldPipelineValue(pipelineInput(deals(r, 100, 0.4, 0.3, "rct")), "USD")
	o.growth = append(o.growth, fold)
	o.worth[metric.RungGrowth] += 100 * 0.1 * meanDeal * 0.4
}

// ladder climbs with what was observed.
func (o *invented) ladder() metric.Ladder {
	in := climbing("2026-10-01", "0.1", nil, o.cost)
	add := func(f metric.Fold, rung metric.Rung, kind metric.RecognitionKind) {
		entries := f.Entries(rung, kind, func(metric.Recognition) string { return "" })
		in.Benefits = append(in.Benefits, metric.BenefitOf(f, rung, entries, nil))
	}
	if o.savings != nil {
		add(metric.FoldVendorSavings(*o.savings, "USD"), metric.RungCash, metric.ByInvoice)
	}
	add(metric.FoldCapacity(o.capacity, "USD"), metric.RungCapacity, metric.ByTask)
	for i, f := range o.growth {
		add(f, metric.RungGrowth, []metric.RecognitionKind{metric.ByExperiment, metric.ByDeal}[i])
	}
	return metric.FoldLadder(in)
}

// truth is the true net and present value of a rung.
func (o *invented) truth(rung metric.Rung) (net, npv float64) {
	// Work, exposures and deals are of 5 October, four days after the first; savings are recognised on the 31st.
	discount := map[metric.Rung]float64{metric.RungCash: 30, metric.RungCapacity: 4, metric.RungGrowth: 4}
	cost := o.cost.Amount.InexactFloat64()
	net, npv = -cost, -cost
	for _, r := range metric.Rungs() {
		net, npv = net+o.worth[r], npv+o.worth[r]*math.Pow(1.1, -discount[r]/365)
		if r == rung {
			return net, npv
		}
	}
	return net, npv
}

// held tells of net value, present value and return of a rung whether their ranges hold the truth.
func (o *invented) held(l metric.Ladder, rung metric.Rung) []bool {
	net, npv := o.truth(rung)
	return []bool{
		covers(l.Folds[metric.NetValue(rung)].Measure, net), covers(l.Folds[metric.NPVOf(rung)].Measure, npv),
		covers(l.Folds[metric.ROIOf(rung)].Measure, npv/o.cost.Amount.InexactFloat64()),
	}
}

// rangesOf are the ranges of a rung.
func rangesOf(rung metric.Rung) []stattest.Family {
	return []stattest.Family{
		stattest.Exact("Net value, "+string(rung), 0.9), stattest.Exact("NPV, "+string(rung), 0.9), stattest.Exact("ROI, "+string(rung), 0.9),
	}
}

// organisations are 2,000 in a full run, as issue 4 asks for.
func organisations() []stattest.Simulation {
	out := []stattest.Simulation{{
		Setting: "organisations that free time", Every: 10, Quick: 150, Families: rangesOf(metric.RungCapacity),
		Draw: func(r *rand.Rand) []bool { o := invent(r); return o.held(o.ladder(), metric.RungCapacity) },
	}, {
		Setting: "organisations with every benefit and assumption", Every: 10, Quick: 150,
		Draw: func(r *rand.Rand) (held []bool) {
			o := inventAll(r)
			l := o.ladder()
			for _, rung := range metric.Rungs() {
				held = append(held, o.held(l, rung)...)
			}
			return held
		},
	}}
	for _, rung := range metric.Rungs() {
		out[1].Families = append(out[1].Families, rangesOf(rung)...)
	}
	return out
}

// The probability that the net is positive is right: where it says p, about p of the organisations are. Of 400 the share has
// a standard error of at most √(0.25/400) = 2.5 points, and of these (95 % are positive) of 1.1.
func TestProbabilityOfAPositiveNet(t *testing.T) {
	r := rand.New(rand.NewPCG(20261101, 7))
	const n = 400
	predicted, positive := 0.0, 0
	for range n {
		o := invent(r)
		predicted += *o.ladder().Rungs[1].Positive
		if net, _ := o.truth(metric.RungCapacity); net > 0 {
			positive++
		}
	}
	if math.Abs(predicted-float64(positive))/n > 0.033 {
		t.Errorf("%.1f of %d were said to be positive, %d are", predicted, n, positive)
	}
}

// The simulation agrees with the propagation of variances, and a shared error does not cancel: two workflows under one
// share have a wider range than two shares would give.
func TestSimulationAgreesWithPropagation(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		net := invent(r).ladder().Folds["net_value_capacity"].Measure
		propagated := net.Parts[len(net.Parts)-1]
		have, want := *net.High-*net.Low, *propagated.High-*propagated.Low
		// 90 % of a triangle lie within 1.676 deviations, of the normal distribution of the propagation within 1.645; the
		// simulation's own error is a few percent.
		if ratio := have / want; ratio < 0.95 || ratio > 1.07 {
			t.Errorf("simulated %v to %v, propagated %v to %v", *net.Low, *net.High, *propagated.Low, *propagated.High)
		}
	}
}

// The same rows in another order have the same range, to the last bit.
func TestTheRangeIsSeeded(t *testing.T) {
	o := invent(rand.New(rand.NewPCG(8, 9)))
	first, second := o.ladder().Rungs[1], o.ladder().Rungs[1]
	if *first.Low != *second.Low || *first.High != *second.High || *first.Positive != *second.Positive {
		t.Errorf("%v to %v, then %v to %v", *first.Low, *first.High, *second.Low, *second.High)
	}
}
