package metric_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/stat"
)

// invented is an organisation whose truth is known: what a task takes without AI, and the share of freed time that is
// put to use, drawn from its declared distribution.
type invented struct {
	capacity metric.CapacityInput
	cost     metric.Cost
	net      float64
}

// invent draws an organisation of a few workflows with at least 30 unassisted tasks each.
func invent(r *rand.Rand) invented {
	const rate = 60.0
	assumed := half(event.Day{})
	triangle := stat.ThreePoint{Low: 0.3, Mode: 0.5, High: 0.7}
	share := triangle.DrawTriangular(r)
	out := invented{}
	in := metric.CapacityInput{
		Rates: func(string, string, event.Day) (metric.LoadedRate, string) {
			return metric.LoadedRate{PerHour: decimal.NewFromInt(60), Class: "c", Version: "v"}, ""
		},
		Realisation: func(event.Day) metric.Assumed { return assumed }, Haircut: metric.DefaultHaircut,
	}
	truth := 0.0
	for w := range 1 + r.IntN(4) {
		workflow := fmt.Sprint("w", w)
		mean, spread := 60+120*r.Float64(), 0.3+0.4*r.Float64()
		// Log-normal minutes with that mean.
		task := func() decimal.Decimal {
			return decimal.NewFromFloat(mean * math.Exp(spread*r.NormFloat64()-spread*spread/2)).Round(6)
		}
		row := metric.UnassistedRow{Day: at("2026-09-01"), Workflow: workflow}
		for range 30 + r.IntN(60) {
			minutes, one := task(), decimal.NewFromInt(1)
			row.N, row.Units, row.Minutes = row.N+1, row.Units.Add(one), row.Minutes.Add(minutes)
			row.UnitsSquared, row.MinutesSq, row.MinutesUnits = row.UnitsSquared.Add(one), row.MinutesSq.Add(minutes.Mul(minutes)), row.MinutesUnits.Add(minutes)
		}
		in.Hours.Unassisted = append(in.Hours.Unassisted, row)
		units := decimal.NewFromInt(20 + r.Int64N(200))
		spent := units.Mul(decimal.NewFromFloat(mean * (0.4 + 0.3*r.Float64())).Round(6))
		in.Hours.Rows = append(in.Hours.Rows, metric.HoursRow{Day: at("2026-10-05"), Team: "t", Workflow: workflow, N: uint64(units.IntPart()), Units: units, Minutes: spent})
		truth += (units.InexactFloat64()*mean - spent.InexactFloat64()) / 60 * rate * share
	}
	in.Months = in.Hours.Rows
	out.capacity, out.cost = in, paid("2026-10-01", fmt.Sprint(r.IntN(3000)))
	out.net = truth - out.cost.Amount.InexactFloat64()
	return out
}

func (o invented) climb() metric.LadderRung {
	fold := metric.FoldCapacity(o.capacity, "USD")
	entries := fold.Entries(metric.RungCapacity, metric.ByTask, func(metric.Recognition) string { return "" })
	in := climbing("2026-10-01", "0.1", nil, o.cost)
	in.Benefits = []metric.Benefit{metric.BenefitOf(fold, metric.RungCapacity, entries, nil)}
	return metric.FoldLadder(in).Rungs[1]
}

// Of 2,000 invented organisations the 90 % range of the net value covers the true one in 88 to 92 of a hundred, and the
// probability that it is positive is right: where it says p, about p of them are.
func TestNetValueRangeCoversTheTruth(t *testing.T) {
	r := rand.New(rand.NewPCG(20261101, 7))
	const organisations = 2000
	covered, predicted, positive := 0, 0.0, 0
	began := time.Now()
	for range organisations {
		o := invent(r)
		rung := o.climb()
		if rung.Low == nil {
			t.Fatalf("no range: %+v", rung)
		}
		if *rung.Low <= o.net && o.net <= *rung.High {
			covered++
		}
		predicted += *rung.Positive
		if o.net > 0 {
			positive++
		}
	}
	share := float64(covered) / organisations
	t.Logf("covered %.1f %%, predicted positive %.1f %%, were positive %.1f %%, %v each", 100*share, 100*predicted/organisations,
		100*float64(positive)/organisations, time.Since(began)/organisations)
	if share < 0.88 || share > 0.92 {
		t.Errorf("the 90 %% range covers %.1f %%", 100*share)
	}
	if math.Abs(predicted-float64(positive))/organisations > 0.02 {
		t.Errorf("%.1f %% were said to be positive, %d of %d are", 100*predicted/organisations, positive, organisations)
	}
}

// The simulation agrees with the propagation of variances, and a shared error does not cancel: two workflows under one
// share have a wider range than two shares would give.
func TestSimulationAgreesWithPropagation(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		o := invent(r)
		fold := metric.FoldCapacity(o.capacity, "USD")
		in := climbing("2026-10-01", "0.1", nil, o.cost)
		in.Benefits = []metric.Benefit{metric.BenefitOf(fold, metric.RungCapacity, fold.Entries(metric.RungCapacity, metric.ByTask, func(metric.Recognition) string { return "" }), nil)}
		net := metric.FoldLadder(in).Folds["net_value_capacity"].Measure
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
	first, second := o.climb(), o.climb()
	if *first.Low != *second.Low || *first.High != *second.High || *first.Positive != *second.Positive {
		t.Errorf("%v to %v, then %v to %v", *first.Low, *first.High, *second.Low, *second.High)
	}
}
