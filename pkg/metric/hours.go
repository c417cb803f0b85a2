package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// HoursInput is what the fold of net hours needs.
type HoursInput struct {
	Rows       []HoursRow
	People     []PeopleRow
	Unassisted []UnassistedRow
	Tasks      []TrialRow
	Declared   Declared

	// built are the baselines, once [HoursInput.Prepare] has made them.
	built *baselines
}

// Prepare makes the baselines once for several folds; they may then not run at the same time.
func (in HoursInput) Prepare() HoursInput {
	in.built = in.prices()
	return in
}

// With returns the input with other rows and the same baselines.
func (in HoursInput) With(rows []HoursRow) HoursInput {
	in.Rows = rows
	return in
}

func (in HoursInput) prices() *baselines {
	if in.built != nil {
		return in.built
	}
	return newBaselines(in.Unassisted, FoldTrials(in.Tasks), workflowsOfTrials(in.Tasks), in.Declared)
}

// hourDigits is how many decimals the hours of a cell keep. A cell is rounded once, half to even, and everything above
// it is an exact sum of cells.
const hourDigits = 18

// sharedError is an error that everything priced with one baseline shares: its parts add up, they do not cancel.
type sharedError struct {
	sd, dof float64
	// triangle is the form of a declared one, in units of sd around its mode; nil is Student's t.
	triangle *stat.ThreePoint
}

func (e sharedError) law() law { return law{e.dof, e.triangle} }

// hoursFold collects while rows are priced.
type hoursFold struct {
	Fold
	total    decimal.Decimal
	n        uint64
	errors   map[string]sharedError
	inputs   map[string]func() Input
	withheld map[string]*excludedHours
	shares   map[int]*gradeSum
	given    uint64
}

type excludedHours struct {
	n       uint64
	minutes decimal.Decimal
}

type gradeSum struct {
	value, weight decimal.Decimal
	n             uint64
}

// FoldHours is the net hours saved: each day, team and workflow is priced with the best baseline there is, in minutes
// kept exactly, then turned into hours.
func FoldHours(in HoursInput) Fold {
	m := start(HoursSavedNet, UnitHours)
	if len(in.Rows) == 0 {
		return Fold{Measure: m}
	}
	prices := in.prices()
	f := &hoursFold{
		errors: map[string]sharedError{}, inputs: map[string]func() Input{}, withheld: map[string]*excludedHours{}, shares: map[int]*gradeSum{},
	}
	for _, r := range in.Rows {
		f.price(r, prices)
	}
	m.People = new(uint64(len(Persons(in.People))))
	f.finish(&m)
	f.Measure = m
	return f.Fold
}

// piece is a part of a row that one baseline prices.
type piece struct {
	// minutes is the net saving, sd the deviation that the error of the baseline puts on it.
	minutes decimal.Decimal
	sd      float64
	n       uint64
	b       baseline
}

// pieces prices a row with the best baseline there is; rest is what has none.
func (b *baselines) pieces(r HoursRow) (out []piece, rest excludedHours) {
	if best, ok := b.at(r.Workflow, r.Trial, dayAt(r.Day)); ok {
		net, sd := best.net(r.Units, r.Minutes)
		return []piece{{net, sd, r.N, best}}, excludedHours{}
	}
	if r.GivenN > 0 {
		out = append(out, piece{minutes: r.GivenBaseline.Sub(r.GivenMinutes), n: r.GivenN, b: baseline{source: FromGiven, grade: 0}})
	}
	return out, excludedHours{n: r.N - r.GivenN, minutes: r.Minutes.Sub(r.GivenMinutes)}
}

// Net are the net minutes that a row saved, as far as they have a baseline.
func (in HoursInput) Net(r HoursRow) decimal.Decimal {
	pieces, _ := in.prices().pieces(r)
	total := decimal.Zero
	for _, p := range pieces {
		total = total.Add(p.minutes)
	}
	return total
}

// PricedPlace is where work has a baseline: its month, such as "2026-10-01", team and workflow.
type PricedPlace struct{ Month, Team, Workflow string }

// Priced are the places of rows in which work has a baseline; true says that all of it there is what events claim, so that
// only those who claim it are counted.
func (in HoursInput) Priced(rows []HoursRow) map[PricedPlace]bool {
	out, prices := map[PricedPlace]bool{}, in.prices()
	for i := range rows {
		r := &rows[i]
		_, priced := prices.at(r.Workflow, r.Trial, dayAt(r.Day))
		if !priced && r.GivenN == 0 {
			continue
		}
		at := PricedPlace{dayText(MonthOf(r.Day)), r.Team, r.Workflow}
		claimed, seen := out[at]
		out[at] = !priced && (claimed || !seen)
	}
	return out
}

// price adds one row.
func (f *hoursFold) price(r HoursRow, prices *baselines) {
	pieces, rest := prices.pieces(r)
	for _, p := range pieces {
		f.cell(r, p.minutes, p.n, p.b.grade, p.b.source)
		if p.b.source == FromGiven {
			f.given += p.n
			continue
		}
		share(f.errors, p.b, p.sd)
		f.inputs[p.b.key] = p.b.input // rows come by day: the last one stays
	}
	if rest.n > 0 {
		w := f.withheld[r.Workflow]
		if w == nil {
			w = &excludedHours{}
			f.withheld[r.Workflow] = w
		}
		w.n, w.minutes = w.n+rest.n, w.minutes.Add(rest.minutes)
	}
}

// share adds a deviation to those of the same baseline.
func share(errors map[string]sharedError, b baseline, sd float64) {
	e, seen := errors[b.key]
	if !seen {
		e.dof = b.dof
	}
	errors[b.key] = sharedError{sd: e.sd + sd, dof: min(e.dof, b.dof), triangle: cmp.Or(e.triangle, b.triangle)}
}

func (f *hoursFold) cell(r HoursRow, minutes decimal.Decimal, n uint64, grade int, source string) {
	hours := inHours(minutes)
	f.Cells = append(f.Cells, Cell{
		Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Value: hours, N: n, Grade: grade, Source: source,
	})
	f.total, f.n = f.total.Add(hours), f.n+n
	s := f.shares[grade]
	if s == nil {
		s = &gradeSum{}
		f.shares[grade] = s
	}
	s.value, s.weight, s.n = s.value.Add(hours), s.weight.Add(hours.Abs()), s.n+n
}

// finish turns what was collected into the measure.
func (f *hoursFold) finish(m *Measure) {
	excluded := uint64(0)
	for _, workflow := range slices.Sorted(maps.Keys(f.withheld)) {
		w := f.withheld[workflow]
		excluded += w.n
		name := workflow
		if name == "" {
			name = "work without a workflow"
		}
		f.Excluded = append(f.Excluded, Excluded{
			Measure: HoursSavedNet, Reason: "no_baseline", Workflow: workflow, N: &w.n, Amount: ExactOf(w.minutes), Unit: UnitMinutes,
			Message: fmt.Sprintf("%s has no baseline: record unassisted work, declare one in the registry, or send baseline_minutes", name),
		})
	}
	f.Counts = []Count{{"events priced", new(f.n)}, {"events without a baseline", &excluded}}
	if len(f.Cells) == 0 {
		m.N = &excluded
		m.withhold("no_baseline", "no event of the period has a baseline: the work is counted, its saving is not known")
		return
	}
	if excluded > 0 {
		m.warn("no_baseline", fmt.Sprintf("%d events have no baseline and are not in the value", excluded))
	}
	m.Status, m.Value, m.N = OK, ExactOf(f.total), new(f.n)
	gradeShares(m, f.shares, f.n)
	low, high, known := combine(inOrder(f.errors), f.total.InexactFloat64(), 60)
	if known {
		m.interval(low, high, LevelMoney)
	}
	if f.given > 0 {
		m.warn("baseline_error_unknown", fmt.Sprintf("%d events were priced with the baseline that they gave, whose error is not known and not in the range", f.given))
	}
	for _, key := range slices.Sorted(maps.Keys(f.inputs)) {
		f.Inputs = append(f.Inputs, f.inputs[key]())
	}
}

// inHours turns minutes into the hours of a cell.
func inHours(minutes decimal.Decimal) decimal.Decimal {
	return minutes.DivRound(decimal.NewFromInt(60), hourDigits+12).RoundBank(hourDigits)
}

// netted are cells, or entries, with those of a group summed: what is in a group is not told apart. Those of no group are by themselves.
func netted[T any](list []T, group func(*T) string, add func(into, more *T)) []T {
	at := map[string]int{}
	out := make([]T, 0, len(list))
	for i := range list {
		g := group(&list[i])
		first, there := at[g]
		if g == "" || !there {
			at[g] = len(out)
			out = append(out, list[i])
			continue
		}
		add(&out[first], &list[i])
	}
	return out
}

// nettedCells are the cells with those of a group summed.
func nettedCells(cells []Cell) []Cell {
	return netted(cells, func(c *Cell) string { return c.Group }, func(into, more *Cell) {
		into.Value, into.N = into.Value.Add(more.Value), into.N+more.N
	})
}

// Grouped is the fold of cells that may not be told apart within groups: each has the lowest grade of its group, and the shares by grade, and what
// the haircut leaves, are of groups as wholes, so that they tell no more than the sums of these. A group of no name is each cell by itself.
func (f Fold) Grouped(group func(Cell) string, haircut func(grade int) decimal.Decimal) Fold {
	if f.Measure.Status != OK {
		return f
	}
	lowest := map[string]int{}
	f.Cells = slices.Clone(f.Cells)
	for i := range f.Cells {
		c := &f.Cells[i]
		c.Group = group(*c)
		if before, there := lowest[c.Group]; c.Group != "" && (!there || c.Grade < before) {
			lowest[c.Group] = c.Grade
		}
	}
	for i := range f.Cells {
		if c := &f.Cells[i]; c.Group != "" {
			c.Grade = lowest[c.Group]
		}
	}
	m := GradesOf(nettedCells(f.Cells), func(Cell) bool { return true })
	f.Measure.Grade, f.Measure.Shares = m.Grade, m.Shares
	if f.Measure.RiskAdjusted != nil {
		f.Measure.RiskAdjusted = ExactOf(riskAdjusted(f.Cells, haircut))
	}
	return f
}

// gradeShares writes the lowest grade and the share of each.
func gradeShares(m *Measure, shares map[int]*gradeSum, n uint64) {
	all := decimal.Zero
	for _, s := range shares {
		all = all.Add(s.weight)
	}
	grades := slices.Sorted(maps.Keys(shares))
	m.Grade = &grades[0]
	for _, g := range grades {
		s := shares[g]
		share := float64(s.n) / float64(n)
		if all.IsPositive() {
			share = s.weight.Div(all).InexactFloat64()
		}
		m.Shares = append(m.Shares, GradeShare{Grade: g, Share: share, Value: Exact{s.value}, N: s.n})
	}
}

// Persons are the distinct persons of the rows.
func Persons(rows []PeopleRow) map[string]bool {
	out := map[string]bool{}
	for _, r := range rows {
		for _, p := range r.People {
			out[p] = true
		}
	}
	return out
}

// FoldRework is the share of rework in all minutes of assisted work. The days of each team and workflow are the
// clusters that the interval comes from.
func FoldRework(rows []HoursRow, people []PeopleRow) Fold {
	m := start(ReworkRate, UnitShare)
	if len(rows) == 0 {
		return Fold{Measure: m}
	}
	rework, minutes, n := decimal.Zero, decimal.Zero, uint64(0)
	for _, r := range rows {
		rework, minutes, n = rework.Add(r.Rework), minutes.Add(r.Minutes), n+r.N
	}
	m.N, m.People = &n, new(uint64(len(Persons(people))))
	m.Parts = []Part{
		{Key: "numerator", Title: "Rework minutes", Value: ExactOf(rework), Unit: UnitMinutes, N: &n},
		{Key: "denominator", Title: "All minutes", Value: ExactOf(minutes), Unit: UnitMinutes, N: &n},
	}
	out := Fold{Counts: []Count{{"events", &n}}}
	if !minutes.IsPositive() {
		m.withhold("no_minutes", "the assisted work of the period took no time: there is nothing to take a share of")
		out.Measure = m
		return out
	}
	m.Status, m.Value, m.Grade = OK, ExactOf(quotient(rework, minutes)), new(1)
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b HoursRow) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Trial, b.Trial))
	})
	reworkInterval(&m, rows)
	out.Measure = m
	return out
}
