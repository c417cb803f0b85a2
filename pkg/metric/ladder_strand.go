package metric

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// strand is one benefit, or one part of the costs, summed once for all rungs that hold it.
type strand struct {
	part, measure string
	rung          Rung
	cost          bool
	// sum is positive for costs too; risk is what it adds to risk_adjusted, negative for costs.
	sum, risk decimal.Decimal
	n         uint64
	// grades are of what it adds to the net.
	grades map[int]*gradeSum
	flows  []Flow
	cells  []Cell
	// errors are nil for costs, which have none that is known.
	errors *rungErrors
}

// entry is money of a strand on a day.
type entry struct {
	day    string
	amount decimal.Decimal
	grade  int
	n      uint64
	group  string
}

// signed are the gains and the losses of one flow day and grade: the haircut takes from gains only.
type signed struct {
	gains, losses decimal.Decimal
	n             uint64
}

// dating finds the flow day and the discount of days, each looked up once.
type dating struct {
	in    *LadderInput
	known map[string]datedDay
}

type datedDay struct {
	flow     string
	discount float64
}

func (d *dating) at(part, day string) datedDay {
	out, known := d.known[part+day]
	if !known {
		out.flow = d.in.FlowDay(part, day)
		unit := []stat.Flow{{At: mustDay(out.flow).Time, Benefit: 1}}
		out.discount = stat.Appraise(d.in.Discount.Mode.InexactFloat64(), d.in.From.Time, unit).PVBenefits
		d.known[part+day] = out
	}
	return out
}

// strandOf sums a benefit.
func (in *LadderInput) strandOf(b Benefit, days *dating) *strand {
	key := b.Measure.Key
	s := &strand{part: key, measure: key, rung: b.Rung, cells: make([]Cell, 0, len(b.Counted))}
	entries := make([]entry, 0, len(b.Counted))
	for _, r := range b.Counted {
		entries = append(entries, entry{r.Day, r.Amount, r.Grade, r.N, r.Group})
		s.cells = append(s.cells, Cell{
			Day: r.Day, Team: r.Team, Workflow: r.Workflow, Vendor: r.Vendor, Experiment: r.Experiment, Category: key,
			Value: r.Amount, N: r.N, Grade: r.Grade, Source: r.Key,
		})
	}
	s.total(entries, days, func(grade int, gains decimal.Decimal) decimal.Decimal {
		return gains.Mul(decimal.NewFromInt(1).Sub(in.Haircut(grade)))
	})
	s.errors = newRungErrors()
	s.errors.take(b, days)
	return s
}

// costStrand sums a part of the costs.
func (in *LadderInput) costStrand(part string, days *dating) *strand {
	s := &strand{part: part, measure: AICost, cost: true}
	var entries []entry
	raise := decimal.NewFromInt(1)
	for _, x := range in.Costs {
		if x.Part != part {
			continue
		}
		s.rung = x.Rung
		if x.Estimated {
			raise = estimatedRaise()
		}
		entries = append(entries, entry{x.Day, x.Amount.Neg(), x.Grade, x.N, ""})
		cell := Cell{Day: x.Day, Team: x.Team, Workflow: x.Workflow, Category: part, Value: x.Amount.Neg(), N: x.N, Grade: x.Grade, Source: AICost}
		if part == PartTraining {
			cell.Category = TrainingCategory
		}
		s.cells = append(s.cells, cell)
	}
	if len(entries) == 0 {
		return nil
	}
	s.total(entries, days, func(_ int, gains decimal.Decimal) decimal.Decimal { return gains })
	s.sum, s.risk = s.sum.Neg(), s.risk.Mul(raise)
	return s
}

// total sums entries by flow day and grade, and everything else from these: they are few.
func (s *strand) total(entries []entry, days *dating, adjusted func(grade int, gains decimal.Decimal) decimal.Decimal) {
	type place struct {
		day   string
		grade int
	}
	sums := map[place]*signed{}
	// Groups are of one month, and what is of people flows at the end of one.
	entries = netted(entries, func(e *entry) string { return e.group }, func(into, more *entry) {
		into.amount, into.n = into.amount.Add(more.amount), into.n+more.n
	})
	for _, e := range entries {
		at := place{days.at(s.part, e.day).flow, e.grade}
		x := sums[at]
		if x == nil {
			x = &signed{}
			sums[at] = x
		}
		if e.amount.IsNegative() {
			x.losses = x.losses.Add(e.amount)
		} else {
			x.gains = x.gains.Add(e.amount)
		}
		x.n += e.n
	}
	s.grades = map[int]*gradeSum{}
	flows := map[string]Flow{}
	for at, x := range sums {
		net := x.gains.Add(x.losses)
		s.sum, s.n = s.sum.Add(net), s.n+x.n
		s.risk = s.risk.Add(adjusted(at.grade, x.gains)).Add(x.losses)
		addGrade(s.grades, at.grade, gradeSum{net, x.gains.Sub(x.losses), x.n})
		f := flows[at.day]
		f.Day, f.Part, f.Measure, f.N = at.day, s.part, s.measure, f.N+x.n
		if s.cost {
			f.Cost = f.Cost.Sub(net)
		} else {
			f.Benefit = f.Benefit.Add(net)
		}
		flows[at.day] = f
	}
	s.flows = slices.SortedFunc(maps.Values(flows), func(a, b Flow) int { return cmp.Compare(a.Day, b.Day) })
}

// addGrade adds to the sums of a grade.
func addGrade(sums map[int]*gradeSum, grade int, x gradeSum) {
	s := sums[grade]
	if s == nil {
		s = &gradeSum{}
		sums[grade] = s
	}
	s.value, s.weight, s.n = s.value.Add(x.value), s.weight.Add(x.weight), s.n+x.n
}
