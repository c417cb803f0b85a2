package metric

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// UnitLevel is a level of maturity: 1 Beginner, 2 Developing, 3 Established, 4 Advanced.
const UnitLevel = "level"

// LevelName is the name of a level of maturity.
func LevelName(level int) string {
	return []string{"", "Beginner", "Developing", "Established", "Advanced"}[level]
}

const (
	beginner = 1
	advanced = 4
)

// SurveySatisfied is the share of people who are satisfied with their work in organisations of a level, as a survey found it
// for the lowest and the highest; nil for the others.
func SurveySatisfied(level int) *Exact {
	switch level {
	case beginner:
		return ExactOf(decimal.New(15, -2))
	case advanced:
		return ExactOf(decimal.New(66, -2))
	}
	return nil
}

// MaturityInput is what maturity is folded from.
type MaturityInput struct {
	// Coverage has the measures of the four kinds by key.
	Coverage  map[string]Measure
	Ownership Measure
	// Hours is the measure of net hours, whose shares say how much of it stands on measured evidence.
	Hours Measure
	// Linked is the share of the spend on AI that belongs to workflows with an outcome of grade 2 or better; nil where
	// nothing was spent.
	Linked *Exact
}

// Criterion is something that a level asks for.
type Criterion struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	// Level asks for it, with all levels below.
	Level int `json:"level"`
	// Value is nil where it is not known, which meets nothing.
	Value  *Exact `json:"value"`
	Needed Exact  `json:"needed"`
	Unit   string `json:"unit"`
	Met    bool   `json:"met"`
	// Next is what to do about it, "" where it is met.
	Next string `json:"next"`
}

// Criteria lists what the levels ask for, from the lowest, and whether it is so. A level is reached when its criteria
// and those below are met; everybody is a Beginner.
//
//	Developing:  two kinds measured by as many teams as in the industry, half of the workflows owned
//	Established: three kinds, 65 % owned (as many as have the role), half of the net hours on measured evidence (grade ≥ 1)
//	Advanced:    four kinds, 73 % owned (as in advanced organisations), half of the AI spend linked to an outcome of grade ≥ 2
func Criteria(in MaturityInput) []Criterion {
	kinds, missing := kindsAtFigure(in.Coverage)
	owned := valueOf(in.Ownership)
	percent := func(p int64) decimal.Decimal { return decimal.New(p, -2) }
	var out []Criterion
	ask := func(level int, key, title string, value *Exact, needed decimal.Decimal, unit, next string) {
		met := value != nil && value.GreaterThanOrEqual(needed)
		if met {
			next = ""
		}
		out = append(out, Criterion{key, title, level, value, Exact{needed}, unit, met, next})
	}
	measure := func(level int, n int64) {
		ask(level, fmt.Sprintf("kinds_%d", n), fmt.Sprintf("%d of the four kinds measured by as many teams as in the industry", n),
			kinds, decimal.NewFromInt(n), "kinds", "record "+missing)
	}
	own := func(level int, p int64) {
		ask(level, fmt.Sprintf("ownership_%d", p), fmt.Sprintf("%d %% of the workflows have an owner who has confirmed it", p),
			owned, percent(p), UnitShare, "name an owner of each workflow in the registry, and have them confirm it every ninety days")
	}
	measure(2, 2)
	own(2, 50)
	measure(3, 3)
	own(3, 65)
	ask(3, "measured", "Half of the net hours stand on measured evidence", measuredShare(in.Hours), percent(50), UnitShare,
		"record unassisted work of the workflows that are priced with declared baselines, eight times each")
	measure(4, 4)
	own(4, 73)
	ask(4, "linked", "Half of the spend on AI is linked to an outcome of grade 2 or better", in.Linked, percent(50), UnitShare,
		"run an experiment or a time trial on the workflows that cost the most")
	return out
}

// FoldMaturity is the level that the criteria give, with the next step.
func FoldMaturity(in MaturityInput) Fold {
	m := start(Maturity, UnitLevel)
	known := false
	for _, kind := range CoreKinds() {
		known = known || in.Coverage[CoverageKey(kind)].Status == OK
	}
	if !known {
		return Fold{Measure: m}
	}
	criteria := Criteria(in)
	level := LevelOf(criteria)
	n := uint64(len(criteria))
	m.Status, m.N, m.Grade = OK, &n, new(0)
	m.Value = ExactOf(decimal.NewFromInt(int64(level)))
	m.interval(float64(level), float64(level), LevelStatistics)
	m.Parts = []Part{{Key: "name", Title: LevelName(level), Value: m.Value, Unit: UnitLevel}}
	out := Fold{Counts: []Count{{"criteria", &n}}}
	for _, c := range criteria {
		m.Parts = append(m.Parts, Part{Key: c.Key, Title: LevelName(c.Level) + ": " + c.Title, Value: c.Value, Unit: c.Unit})
		out.Inputs = append(out.Inputs, Input{
			Name: LevelName(c.Level) + ": " + c.Title, Value: textOf(c.Value), Unit: c.Unit, Low: new(c.Needed.Text()),
			Source: "at least " + c.Needed.Text(), Grade: new(0), Version: new(DefinitionVersion),
		})
	}
	if next, ok := NextStep(criteria, level); ok {
		m.Parts = append(m.Parts, Part{
			Key: "next_step", Title: "Next, for " + LevelName(next.Level) + ": " + next.Next, Value: &next.Needed, Unit: next.Unit,
		})
	}
	out.Measure = m
	return out
}

// LevelOf is the highest level whose criteria, and those below, are met.
func LevelOf(criteria []Criterion) int {
	level := beginner
	for level < advanced && allMet(criteria, level+1) {
		level++
	}
	return level
}

// GradesOf is a measure that has nothing but the share of each evidence grade in some cells, by their absolute values.
func GradesOf(cells []Cell, is func(Cell) bool) Measure {
	m := Measure{Status: NoData}
	sums, n := map[int]*gradeSum{}, uint64(0)
	for _, c := range cells {
		if !is(c) {
			continue
		}
		s := sums[c.Grade]
		if s == nil {
			s = &gradeSum{}
			sums[c.Grade] = s
		}
		s.value, s.weight, s.n, n = s.value.Add(c.Value), s.weight.Add(c.Value.Abs()), s.n+c.N, n+c.N
	}
	if n > 0 {
		m.Status = OK
		gradeShares(&m, sums, n)
	}
	return m
}

// NextStep is the first thing that the level above asks for and that is not so; ok is false at the top.
func NextStep(criteria []Criterion, level int) (Criterion, bool) {
	for _, c := range criteria {
		if c.Level == level+1 && !c.Met {
			return c, true
		}
	}
	return Criterion{}, false
}

func allMet(criteria []Criterion, level int) bool {
	for _, c := range criteria {
		if c.Level == level && !c.Met {
			return false
		}
	}
	return true
}

// kindsAtFigure counts the kinds that as many teams measure as in the industry, and names those that fewer do.
func kindsAtFigure(coverage map[string]Measure) (kinds *Exact, missing string) {
	figures := industryCoverage()
	n, known := uint64(0), false
	for _, kind := range CoreKinds() {
		m := coverage[CoverageKey(kind)]
		known = known || m.Status == OK
		if m.Status == OK && m.Value.GreaterThanOrEqual(figures[m.Key].Value.Decimal) {
			n++
			continue
		}
		if missing != "" {
			missing += ", or "
		}
		missing += kindTitle(kind) + " in " + figures[CoverageKey(kind)].Value.Shift(2).String() + " % of the teams"
	}
	if !known {
		return nil, missing
	}
	return ExactOf(count(n)), missing
}

// measuredShare is the share of a measure that stands on evidence of grade 1 or better.
func measuredShare(m Measure) *Exact {
	if m.Status != OK {
		return nil
	}
	share := 0.0
	for _, s := range m.Shares {
		if s.Grade >= 1 {
			share += s.Share
		}
	}
	return ExactOf(decimal.NewFromFloat(share).RoundBank(quotientDigits))
}

func valueOf(m Measure) *Exact {
	if m.Status != OK {
		return nil
	}
	return m.Value
}

func textOf(e *Exact) *string {
	if e == nil {
		return nil
	}
	return new(e.Text())
}
