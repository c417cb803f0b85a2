package metric

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// Rungs are the rungs of the ladder from below. Each holds the ones before it.
func Rungs() []Rung { return []Rung{RungCash, RungCapacity, RungGrowth} }

// holds tells whether a rung holds what is recognised on another.
func (r Rung) holds(other Rung) bool {
	return slices.Index(Rungs(), other) <= slices.Index(Rungs(), r)
}

// The parts of the ladder that are no measures of their own.
const (
	PartSpend    = "ai_spend"
	PartTraining = "training_hours"
)

// The kinds of parts.
const (
	KindBenefit = "benefit"
	KindCost    = "cost"
)

// ReasonNoCosts is why there is no return on an investment of nothing.
const ReasonNoCosts = "no_costs"

// Benefit is a measure in money as the ladder takes it.
type Benefit struct {
	// Measure says whether there is anything to count, and why not.
	Measure Measure
	Rung    Rung
	// Counted are the entries that count, in the currency of the measure; LeftOut is what of it is counted elsewhere.
	Counted []Recognition
	LeftOut decimal.Decimal
	// Beside is not empty where the value is shown and not added, and says why.
	Beside string
	// assumed are the shares that the errors of the entries name.
	assumed map[string]Assumed
}

// BenefitOf takes the benefit of a fold: its entries that count, out of the ledger's split.
func BenefitOf(f Fold, rung Rung, counted []Recognition, leftOut []Excluded) Benefit {
	b := Benefit{Measure: f.Measure, Rung: rung, Counted: counted, assumed: f.assumed}
	for _, x := range leftOut {
		b.LeftOut = b.LeftOut.Add(x.Amount.Decimal)
	}
	return b
}

// Cost is what was paid, or worked, on a day.
type Cost struct {
	// Part is [PartSpend] or [PartTraining].
	Part           string
	Day            string
	Team, Workflow string
	Amount         decimal.Decimal
	N              uint64
	Rung           Rung
	Grade          int
	// Estimated costs are raised in risk_adjusted; invoiced ones are not.
	Estimated bool
}

// CostsOf are the costs of the ladder: the spend on AI at its day of cash, and from the capacity rung up the hours of
// training.
func CostsOf(cost Fold) []Cost {
	if cost.Measure.Status != OK {
		return nil
	}
	out := make([]Cost, 0, len(cost.Cells))
	for _, c := range cost.Cells {
		x := Cost{Part: PartSpend, Day: c.Day, Team: c.Team, Workflow: c.Workflow, Amount: c.Value, N: c.N, Rung: RungCash, Grade: c.Grade}
		if c.Category == TrainingCategory {
			x.Part, x.Rung, x.Grade, x.Estimated = PartTraining, RungCapacity, 0, true
		}
		out = append(out, x)
	}
	return out
}

// LadderInput is what the fold of the ladder needs.
type LadderInput struct {
	// From is the day of present values; the period ends before To.
	From, To event.Day
	Currency string
	Benefits []Benefit
	Costs    []Cost
	// CostMeasure says whether costs are withheld, and why.
	CostMeasure Measure
	// FlowDay dates the money of a part that came on a day. Personal parts are dated at the close of a month, since
	// their days would tell about few people.
	FlowDay func(part, day string) string
	// Discount is the discount rate of a year; its mode is used.
	Discount Assumed
	// Haircut is what a gain of a grade loses in risk_adjusted.
	Haircut func(grade int) decimal.Decimal
}

// estimatedRaise is what estimated costs are raised by in risk_adjusted: 5 %.
func estimatedRaise() decimal.Decimal { return decimal.New(105, -2) }

// RungPart is one benefit or cost of a rung.
type RungPart struct {
	Part    string `json:"part"`
	Measure string `json:"measure"`
	Title   string `json:"title"`
	// Kind is benefit or cost.
	Kind string `json:"kind"`
	// Value is what counts, nil where nothing does; LeftOut what is counted elsewhere.
	Value   *Exact `json:"value"`
	LeftOut *Exact `json:"left_out"`
	// Counted is false for what stands beside the rung and is not added; Reason then says why.
	Counted bool    `json:"counted"`
	Status  Status  `json:"status"`
	Reason  *string `json:"reason"`
	Grade   *int    `json:"grade"`
}

// Missing names a part that is withheld.
type Missing struct {
	Measure string `json:"measure"`
	Reason  string `json:"reason"`
}

// RungPayback is the payback of a rung. Status is no_investment, reached, not_reached or withheld.
type RungPayback struct {
	Status string `json:"status"`
	// Days count from the first cost to the first point where the cumulative net is at least 0.
	Days      *Exact  `json:"days"`
	FirstCost *string `json:"first_cost"`
	// FellBack says that the cumulative net went below 0 again.
	FellBack bool `json:"fell_back"`
}

// LadderRung is one rung: what stands, and what is missing from it.
type LadderRung struct {
	Rung     Rung    `json:"rung"`
	Status   Status  `json:"status"`
	Reason   *string `json:"reason"`
	Currency string  `json:"currency"`
	// Benefits is nil where no benefit stands: what was not measured is not 0.
	Benefits *Exact `json:"benefits"`
	Costs    *Exact `json:"costs"`
	Net      *Exact `json:"net"`
	// Low and High are of the net, at Level.
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	Level *float64 `json:"level"`
	// Positive is the probability that the net is above 0.
	Positive *float64 `json:"probability_positive"`
	// RiskAdjusted is the net after the haircut on gains and the raise of estimated costs.
	RiskAdjusted *Exact `json:"risk_adjusted"`
	ROI          *Exact `json:"roi"`
	NPV          *Exact `json:"npv"`
	// NPVYearEnd and ROIYearEnd are the form of published studies: money at the ends of years.
	NPVYearEnd *Exact       `json:"npv_year_end"`
	ROIYearEnd *Exact       `json:"roi_year_end"`
	PVBenefits *Exact       `json:"pv_benefits"`
	PVCosts    *Exact       `json:"pv_costs"`
	Discount   Exact        `json:"discount_rate"`
	Payback    RungPayback  `json:"payback"`
	Grade      *int         `json:"grade"`
	Shares     []GradeShare `json:"shares"`
	Parts      []RungPart   `json:"parts"`
	Missing    []Missing    `json:"missing"`
	Warnings   []Warning    `json:"warnings"`
}

// Flow is the money of one part on one day: the rows that every number of a rung is folded from.
type Flow struct {
	Day, Part, Measure string
	Benefit, Cost      decimal.Decimal
	N                  uint64
}

// Ladder is all rungs, their measures, and the flows behind each.
type Ladder struct {
	Rungs []LadderRung
	Folds map[string]Fold
	Flows map[Rung][]Flow
}

// NetValue is the key of the net value of a rung.
func NetValue(r Rung) string { return "net_value_" + string(r) }

// ROIOf is the key of the return on investment of a rung.
func ROIOf(r Rung) string { return "roi_" + string(r) }

// NPVOf is the key of the net present value of a rung.
func NPVOf(r Rung) string { return "npv_" + string(r) }

// PaybackOf is the key of the payback of a rung.
func PaybackOf(r Rung) string { return "payback_" + string(r) }

// RungOf is the rung that a measure belongs to; ok is false for measures that are not of the ladder.
func RungOf(key string) (Rung, bool) {
	for _, r := range Rungs() {
		if slices.Contains([]string{NetValue(r), ROIOf(r), NPVOf(r), PaybackOf(r)}, key) {
			return r, true
		}
	}
	return "", false
}

// FoldLadder climbs the ladder: cash, + realised capacity, + growth.
func FoldLadder(in LadderInput) Ladder {
	out := Ladder{Folds: map[string]Fold{}, Flows: map[Rung][]Flow{}}
	days := &dating{&in, map[string]datedDay{}}
	strands := map[string]*strand{}
	for _, b := range in.Benefits {
		if b.counts() {
			strands[b.Measure.Key] = in.strandOf(b, days)
		}
	}
	for _, part := range []string{PartSpend, PartTraining} {
		if s := in.costStrand(part, days); s != nil {
			strands[part] = s
		}
	}
	var rungs []*climber
	for _, r := range Rungs() {
		rungs = append(rungs, climb(in, r, strands))
	}
	simulate(rungs)
	for _, c := range rungs {
		r := c.rung.Rung
		out.Rungs = append(out.Rungs, c.rung)
		out.Flows[r] = c.flows
		maps.Copy(out.Folds, c.folds())
	}
	return out
}

// counts tells whether a benefit is added.
func (b Benefit) counts() bool { return b.Measure.Status == OK && b.Beside == "" }

// climber collects one rung.
type climber struct {
	in   LadderInput
	rung LadderRung
	// strands are what counts: benefits, then costs.
	strands []*strand
	flows   []Flow
	cells   []Cell
	n       uint64
	// gains and paid are the exact sums.
	gains, paid decimal.Decimal
	appraisal   stat.Appraisal
	errors      *rungErrors
	outcome     outcome
	payback     stat.PaybackResult
}

func climb(in LadderInput, rung Rung, strands map[string]*strand) *climber {
	c := &climber{in: in, rung: LadderRung{
		Rung: rung, Status: NoData, Currency: in.Currency, Discount: Exact{in.Discount.Mode},
		Payback: RungPayback{Status: string(Withheld)}, Shares: []GradeShare{}, Parts: []RungPart{}, Missing: []Missing{}, Warnings: []Warning{},
	}}
	for _, b := range in.Benefits {
		if rung.holds(b.Rung) {
			c.benefit(b, strands[b.Measure.Key])
		}
	}
	c.cost(strands)
	if len(c.strands) == 0 {
		c.nothing()
		return c
	}
	c.total()
	c.appraise()
	return c
}

// benefit takes one benefit, or says why it is not in the rung.
func (c *climber) benefit(b Benefit, s *strand) {
	m := b.Measure
	d, _ := Lookup(m.Key)
	p := RungPart{
		Part: m.Key, Measure: m.Key, Title: cmp.Or(d.Title, m.Key), Kind: KindBenefit, Status: m.Status, Reason: m.Reason, Grade: m.Grade,
	}
	switch {
	case m.Status == Withheld:
		c.rung.Missing = append(c.rung.Missing, Missing{m.Key, *m.Reason})
		c.warn("missing_"+m.Key, "the rung stands without "+cmp.Or(d.Title, m.Key)+", which is withheld: "+*m.Reason)
	case m.Status == OK && b.Beside != "":
		p.Value, p.Reason = m.Value, &b.Beside
	case m.Status == OK:
		p.Value, p.Counted = ExactOf(s.sum), true
		if !b.LeftOut.IsZero() {
			p.LeftOut = ExactOf(b.LeftOut)
		}
		c.strands = append(c.strands, s)
	}
	c.rung.Parts = append(c.rung.Parts, p)
}

// cost lists the costs, and says where they are withheld.
func (c *climber) cost(strands map[string]*strand) {
	m := c.in.CostMeasure
	if m.Status == Withheld {
		c.rung.Missing = append(c.rung.Missing, Missing{m.Key, *m.Reason})
		c.warn("missing_"+m.Key, "the rung stands without costs, which are withheld: "+*m.Reason)
	}
	for _, x := range []struct {
		part, title string
		rung        Rung
	}{{PartSpend, "AI spend", RungCash}, {PartTraining, "Training hours", RungCapacity}} {
		if !c.rung.Rung.holds(x.rung) {
			continue
		}
		p := RungPart{Part: x.part, Measure: AICost, Title: x.title, Kind: KindCost, Status: NoData}
		switch s := strands[x.part]; {
		case s != nil:
			p.Value, p.Status, p.Counted, p.Grade = ExactOf(s.sum), OK, true, new(slices.Min(slices.Collect(maps.Keys(s.grades))))
			c.strands = append(c.strands, s)
		case m.Status == Withheld:
			p.Status, p.Reason = Withheld, m.Reason
		}
		c.rung.Parts = append(c.rung.Parts, p)
	}
}

// nothing says why a rung has no number at all.
func (c *climber) nothing() {
	if len(c.rung.Missing) > 0 {
		c.rung.Status, c.rung.Reason = Withheld, &c.rung.Missing[0].Reason
	}
}

func (c *climber) warn(code, message string) {
	c.rung.Warnings = append(c.rung.Warnings, Warning{code, message})
}

// total sums the strands exactly: the net with the haircut beside it, the cells that sum to it, and the flows.
func (c *climber) total() {
	shares, risk, measured := map[int]*gradeSum{}, decimal.Zero, false
	for _, s := range c.strands {
		if s.cost {
			c.paid = c.paid.Add(s.sum)
		} else {
			c.gains, measured = c.gains.Add(s.sum), true
		}
		risk, c.n = risk.Add(s.risk), c.n+s.n
		c.cells, c.flows = append(c.cells, s.cells...), append(c.flows, s.flows...)
		for grade, x := range s.grades {
			addGrade(shares, grade, *x)
		}
	}
	slices.SortFunc(c.flows, func(a, b Flow) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Part, b.Part)) })
	if measured {
		c.rung.Benefits = ExactOf(c.gains)
	} else {
		c.warn("no_benefits", "no benefit of this rung is measured in the period: the net is its costs")
	}
	c.rung.Status, c.rung.Costs, c.rung.Net, c.rung.RiskAdjusted = OK, ExactOf(c.paid), ExactOf(c.gains.Sub(c.paid)), ExactOf(risk)
	if c.n > 0 {
		m := Measure{}
		gradeShares(&m, shares, c.n)
		c.rung.Grade, c.rung.Shares = m.Grade, m.Shares
	}
}
