package metric

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// WorkOf is the row that one piece of assisted work makes by itself, to ask what it would change. person stands for somebody who
// has a rate class of their own, as in [RatedQuery].
func WorkOf(e HoursEvent, person string) HoursRow {
	r := HoursRow{
		Day: mustDay(e.Day).Time, Team: e.Team, Workflow: e.Workflow, Trial: e.Trial, Person: person,
		N: 1, Units: e.Units, Minutes: e.Minutes, MinutesSquared: e.Minutes.Mul(e.Minutes),
	}
	if e.Given != nil {
		r.GivenN, r.GivenUnits, r.GivenBaseline, r.GivenMinutes = 1, e.Units, e.Units.Mul(*e.Given), e.Minutes
	}
	return r
}

// PlusWork are the rows with a piece of work added to the row of its day, team, workflow, trial and person, as a rollup has it:
// each such row is rounded once. The rows that it is given stay as they are.
func PlusWork(rows []HoursRow, work HoursRow) []HoursRow {
	out := slices.Clone(rows)
	i := slices.IndexFunc(out, work.sameGroup)
	if i < 0 {
		out = append(out, work)
		slices.SortStableFunc(out, func(a, b HoursRow) int {
			return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Trial, b.Trial), cmp.Compare(a.Person, b.Person))
		})
		return out
	}
	r := &out[i]
	r.N, r.GivenN = r.N+work.N, r.GivenN+work.GivenN
	r.each(&work, decimal.Decimal.Add)
	return out
}

// MinusWork are the rows with a piece of work taken out; a row that nothing is left of goes. Work that is in no row takes nothing
// out.
func MinusWork(rows []HoursRow, work HoursRow) []HoursRow {
	out := slices.Clone(rows)
	i := slices.IndexFunc(out, work.sameGroup)
	if i < 0 || out[i].N < work.N || out[i].GivenN < work.GivenN {
		return out
	}
	r := &out[i]
	if r.N, r.GivenN = r.N-work.N, r.GivenN-work.GivenN; r.N == 0 {
		return slices.Delete(out, i, i+1)
	}
	r.each(&work, decimal.Decimal.Sub)
	return out
}

// SameMonth tells whether two rows are of one workflow and month, where one factor of the capacity value is decided.
func (r HoursRow) SameMonth(o HoursRow) bool { return factorOf(&r) == factorOf(&o) }

// sameGroup tells whether two rows are of one group of a rollup.
func (r HoursRow) sameGroup(o HoursRow) bool {
	return r.Day.Truncate(24*time.Hour).Equal(o.Day.Truncate(24*time.Hour)) && r.Team == o.Team && r.Workflow == o.Workflow && r.Trial == o.Trial && r.Person == o.Person
}

// each changes every sum of the row by that of another.
func (r *HoursRow) each(o *HoursRow, change func(a, b decimal.Decimal) decimal.Decimal) {
	for _, pair := range []struct{ into, by *decimal.Decimal }{
		{&r.Units, &o.Units},
		{&r.Rework, &o.Rework},
		{&r.Minutes, &o.Minutes},
		{&r.GivenUnits, &o.GivenUnits},
		{&r.GivenBaseline, &o.GivenBaseline},
		{&r.GivenMinutes, &o.GivenMinutes},
		{&r.MinutesSquared, &o.MinutesSquared},
	} {
		*pair.into = change(*pair.into, *pair.by)
	}
}
