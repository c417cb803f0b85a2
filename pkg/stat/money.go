package stat

import (
	"math"
	"time"
)

// Flow is money that came and went on a day. Benefit and Cost are both positive
// amounts of one currency; a benefit below 0 is a loss and stays a benefit, a
// cost below 0 is a credit and stays a cost. Float64: discounting is an estimate,
// the sums that enter it are made in decimals before.
type Flow struct {
	At            time.Time
	Benefit, Cost float64
}

// Net is benefit − cost.
func (f Flow) Net() float64 { return f.Benefit - f.Cost }

// Appraisal is an investment in present values. ROI is (PVBenefits − PVCosts) ÷
// PVCosts, a share (1.3 is 130 %), NaN when the costs are not above 0.
type Appraisal struct {
	PVBenefits, PVCosts, NPV, ROI float64
}

func newAppraisal(benefits, costs float64) Appraisal {
	return Appraisal{PVBenefits: benefits, PVCosts: costs, NPV: benefits - costs, ROI: ROI(benefits, costs)}
}

// ROI is (benefits − costs) ÷ costs, NaN when the costs are not above 0: a return
// on nothing is not a number.
func ROI(benefits, costs float64) float64 {
	if !(costs > 0) {
		return math.NaN()
	}
	return (benefits - costs) / costs
}

// NPV discounts flows at the ends of periods 1, 2, … (Excel's NPV): Σ fᵢ/(1+r)ⁱ.
// The rate is a share a period, above −1 (otherwise NaN).
func NPV(rate float64, flows []float64) float64 {
	if !(rate > -1) {
		return math.NaN()
	}
	sum := 0.0
	for i, f := range flows {
		sum += f / math.Pow(1+rate, float64(i+1))
	}
	return sum
}

// AppraiseYears is the form of published studies: an undiscounted cost at the
// start, then costs and benefits at the ends of years.
func AppraiseYears(rate, initialCost float64, costs, benefits []float64) Appraisal {
	return newAppraisal(NPV(rate, benefits), initialCost+NPV(rate, costs))
}

// XNPV is the net present value of dated flows at the earliest of them (Excel's
// XNPV when the first is the earliest), ACT/365. NaN without flows.
func XNPV(rate float64, flows []Flow) float64 {
	if len(flows) == 0 {
		return math.NaN()
	}
	from := flows[0].At
	for _, f := range flows {
		if f.At.Before(from) {
			from = f.At
		}
	}
	return Appraise(rate, from, flows).NPV
}

// Appraise discounts dated flows to the day of from: each is divided by
// (1+r)^(days/365), days counted between calendar dates (ACT/365). The rate is a
// share a year, above −1 (otherwise all is NaN). Flows before from are
// compounded forward.
func Appraise(rate float64, from time.Time, flows []Flow) Appraisal {
	if !(rate > -1) {
		nan := math.NaN()
		return Appraisal{PVBenefits: nan, PVCosts: nan, NPV: nan, ROI: nan}
	}
	benefits, costs := 0.0, 0.0
	for _, f := range flows {
		discount := math.Pow(1+rate, -float64(DaysBetween(from, f.At))/365)
		benefits += f.Benefit * discount
		costs += f.Cost * discount
	}
	return newAppraisal(benefits, costs)
}

// DaysBetween counts calendar days from a to b, each date as its own time zone
// has it, so that days of 23 or 25 hours count as one.
func DaysBetween(a, b time.Time) int {
	return int(epochDay(b) - epochDay(a))
}

// epochDay is exact: midnight UTC of any date is a whole multiple of a day.
func epochDay(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}
