package metric

import (
	"math"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// presentDigits is how many decimals a present value, a return and a payback keep: they are statistics.
const presentDigits = 6

// appraise discounts the flows: ACT/365 to the first day of the period, and in the year-end form for comparison.
func (c *climber) appraise() {
	rate := c.in.Discount.Mode.InexactFloat64()
	flows := make([]stat.Flow, 0, len(c.flows))
	for _, f := range c.flows {
		flows = append(flows, stat.Flow{At: mustDay(f.Day).Time, Benefit: f.Benefit.InexactFloat64(), Cost: f.Cost.InexactFloat64()})
	}
	c.appraisal = stat.Appraise(rate, c.in.From.Time, flows)
	r := &c.rung
	r.PVBenefits, r.PVCosts, r.NPV, r.ROI = rounded(c.appraisal.PVBenefits), rounded(c.appraisal.PVCosts), rounded(c.appraisal.NPV), rounded(c.appraisal.ROI)
	ends := yearEnds(rate, c.in.From, flows)
	r.NPVYearEnd, r.ROIYearEnd = rounded(ends.NPV), rounded(ends.ROI)
	c.payback = stat.Payback(flows)
	r.Payback = RungPayback{Status: string(c.payback.Status), Days: rounded(c.payback.Days), FellBack: c.payback.FellBack}
	if c.payback.Status != stat.NoInvestment {
		r.Payback.FirstCost = new(dayText(c.payback.FirstCost))
	}
	if len(r.Missing) > 0 && c.payback.Status == stat.NotReached {
		c.warn("payback_incomplete", "a part is withheld: the payback may have been reached with it")
	}
}

// yearEnds is the form of published studies: what is paid on the first day stands undiscounted, the money of each year
// after it stands at the year's end.
func yearEnds(rate float64, from event.Day, flows []stat.Flow) stat.Appraisal {
	initial := 0.0
	var costs, benefits []float64
	for _, f := range flows {
		if f.At.Equal(from.Time) {
			initial += f.Cost
			f.Cost = 0
		}
		year := yearOf(from.Time, f.At)
		for len(costs) <= year {
			costs, benefits = append(costs, 0), append(benefits, 0)
		}
		costs[year] += f.Cost
		benefits[year] += f.Benefit
	}
	return stat.AppraiseYears(rate, initial, costs, benefits)
}

// yearOf is the number of whole years from one day to another, at least 0.
func yearOf(from, at time.Time) int {
	year := max(at.Year()-from.Year(), 0)
	if year > 0 && at.Before(from.AddDate(year, 0, 0)) {
		year--
	}
	return year
}

// rounded is a statistic as a decimal; nil where it does not exist.
func rounded(x float64) *Exact {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return ExactOf(decimal.NewFromFloat(x).RoundBank(presentDigits))
}

// folds are the measures of the rung.
func (c *climber) folds() map[string]Fold {
	r := c.rung
	keys := map[string]func(*Measure){
		NetValue(r.Rung): c.netValue, ROIOf(r.Rung): c.returnOn, NPVOf(r.Rung): c.presentValue, PaybackOf(r.Rung): c.paysBack,
	}
	out := map[string]Fold{}
	for key, fill := range keys {
		unit := c.in.Currency
		if d, ok := Lookup(key); ok && d.Unit != UnitMoney {
			unit = d.Unit
		}
		m := start(key, unit)
		m.Warnings = append(m.Warnings, r.Warnings...)
		f := Fold{Inputs: c.claimInputs(key), Counts: []Count{{"events", &c.n}}}
		switch r.Status {
		case OK:
			m.Status, m.N, m.Grade = OK, &c.n, r.Grade
			fill(&m)
		case Withheld:
			m.withhold(*r.Reason, "no part of the rung stands: "+*r.Reason)
		case NoData:
		}
		if key == NetValue(r.Rung) {
			f.Cells = c.cells
		}
		f.Measure = m
		out[key] = f
	}
	return out
}

// ranged sets the range of the simulation.
func ranged(m *Measure, s stat.Simulation, known bool) {
	if known {
		m.interval(s.Low, s.High, LevelMoney)
	}
}

func (c *climber) netValue(m *Measure) {
	r := c.rung
	m.Value, m.RiskAdjusted, m.Shares = r.Net, r.RiskAdjusted, r.Shares
	ranged(m, c.outcome.net, c.outcome.known)
	for _, p := range r.Parts {
		part := Part{Key: p.Part, Title: p.Title, Value: p.Value, Unit: c.in.Currency}
		if !p.Counted && p.Value != nil {
			part.Title += " (not added: " + *p.Reason + ")"
		}
		m.Parts = append(m.Parts, part)
	}
	if c.outcome.known {
		m.Parts = append(m.Parts,
			Part{Key: "probability_positive", Title: "Probability that the net is above 0", Value: rounded(c.outcome.net.Positive), Unit: UnitShare},
			Part{
				Key: "propagated", Title: "The range by propagation of variances", Unit: c.in.Currency, Value: r.Net,
				Low: finite(c.outcome.propagated.Low), High: finite(c.outcome.propagated.High), Level: new(LevelMoney),
			})
	}
}

func (c *climber) returnOn(m *Measure) {
	if c.rung.ROI == nil {
		m.withhold(ReasonNoCosts, "there are no costs in the period: a return on nothing is no number")
		return
	}
	m.Value = c.rung.ROI
	ranged(m, c.outcome.roi, c.outcome.known)
	m.Parts = []Part{
		{Key: "numerator", Title: "Net present value", Value: c.rung.NPV, Unit: c.in.Currency},
		{Key: "denominator", Title: "Present value of costs", Value: c.rung.PVCosts, Unit: c.in.Currency},
		{Key: "year_end", Title: "In the year-end form of published studies", Value: c.rung.ROIYearEnd, Unit: UnitShare},
	}
}

func (c *climber) presentValue(m *Measure) {
	m.Value = c.rung.NPV
	ranged(m, c.outcome.npv, c.outcome.known)
	m.Parts = []Part{
		{Key: "pv_benefits", Title: "Present value of benefits", Value: c.rung.PVBenefits, Unit: c.in.Currency},
		{Key: "pv_costs", Title: "Present value of costs", Value: c.rung.PVCosts, Unit: c.in.Currency},
		{Key: "year_end", Title: "In the year-end form of published studies", Value: c.rung.NPVYearEnd, Unit: c.in.Currency},
	}
}

func (c *climber) paysBack(m *Measure) {
	messages := map[stat.PaybackStatus]string{
		stat.NoInvestment: "there are no costs in the period to pay back",
		stat.NotReached:   "the benefits of the period have not paid back its costs",
	}
	if message, not := messages[c.payback.Status]; not {
		m.withhold(string(c.payback.Status), message)
		return
	}
	m.Value = c.rung.Payback.Days
	if c.payback.FellBack {
		m.warn("fell_back", "the cumulative net went below 0 again later")
	}
}

// claimInputs are what the rung was computed with: the rate, and the value of each part.
func (c *climber) claimInputs(key string) []Input {
	var out []Input
	if key != NetValue(c.rung.Rung) && key != PaybackOf(c.rung.Rung) {
		d := c.in.Discount
		out = append(out, Input{
			Name: "discount rate", Value: new(ExactOf(d.Mode).Text()), Unit: "share/year", Low: new(ExactOf(d.Low).Text()), High: new(ExactOf(d.High).Text()),
			Source: d.Source, Version: optionalString(d.Version),
		})
	}
	for _, p := range c.rung.Parts {
		in := Input{Name: p.Title, Unit: c.in.Currency, Source: "measure " + p.Measure, Grade: p.Grade}
		if p.Value != nil {
			in.Value = new(p.Value.Text())
		}
		switch {
		case !p.Counted && p.Reason != nil:
			in.Source += ", not added: " + *p.Reason
		case p.Status == NoData:
			in.Source += ", not measured"
		case p.LeftOut != nil:
			in.Source += ", without " + p.LeftOut.Text() + " that is counted elsewhere"
		}
		out = append(out, in)
	}
	return out
}
