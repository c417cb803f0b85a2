package metric

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// LostTime is what one person has lost to one barrier in the period: what they said last counts, once. A report that
// names nobody counts by itself.
type LostTime struct {
	Day                             time.Time
	Barrier, Team, Workflow, Person string
	Minutes                         decimal.Decimal
}

// LostIn are the losses of a period. They are counted once in the whole workspace, before they are cut by team, so that the
// parts of a whole add up to it. rows come in the order of time.
func LostIn(rows []BarrierRow, from, to event.Day) []LostTime {
	var out []LostTime
	place := map[[2]string]int{}
	for _, r := range rows {
		if r.Minutes == nil || !within(&r.Day, from, to) {
			continue
		}
		lost := LostTime{r.Day, r.Barrier, r.Team, r.Workflow, r.Person, *r.Minutes}
		key := [2]string{r.Barrier, r.Person}
		if i, said := place[key]; said && r.Person != "" {
			out[i] = lost
			continue
		}
		place[key], out = len(out), append(out, lost)
	}
	slices.SortStableFunc(out, func(a, b LostTime) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Barrier, b.Barrier))
	})
	return out
}

// Silent are the reports of a period that state no time, of persons who state none about the barrier in it.
func Silent(rows []BarrierRow, from, to event.Day) []BarrierRow {
	stated := map[[2]string]bool{}
	for _, l := range LostIn(rows, from, to) {
		stated[[2]string{l.Barrier, l.Person}] = l.Person != ""
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r BarrierRow) bool {
		return r.Minutes != nil || r.Deed() || !within(&r.Day, from, to) || stated[[2]string{r.Barrier, r.Person}]
	})
}

// Restated are the statements of a period of those who said what they lost to a barrier in several of its months: of these
// only the last counts, so that the period is not the sum of its months.
func Restated(rows []BarrierRow, from, to event.Day) []BarrierRow {
	months := map[[2]string]map[time.Time]bool{}
	stated := slices.DeleteFunc(slices.Clone(rows), func(r BarrierRow) bool {
		return r.Minutes == nil || r.Person == "" || !within(&r.Day, from, to)
	})
	for _, r := range stated {
		key := [2]string{r.Barrier, r.Person}
		if months[key] == nil {
			months[key] = map[time.Time]bool{}
		}
		months[key][MonthOf(r.Day)] = true
	}
	return slices.DeleteFunc(stated, func(r BarrierRow) bool { return len(months[[2]string{r.Barrier, r.Person}]) < 2 })
}

// LostPeople are the people of losses.
func LostPeople(rows []LostTime) []PeopleRow {
	out := make([]PeopleRow, 0, len(rows))
	for _, r := range rows {
		p := PeopleRow{Month: MonthOf(r.Day), Team: r.Team, Workflow: r.Workflow}
		if r.Person != "" {
			p.People = []string{r.Person}
		}
		out = append(out, p)
	}
	return out
}

// FoldBarriers is the time lost to barriers, each person's once per barrier and period. rows are the losses of the scope,
// silent the reports of the period that state no time.
func FoldBarriers(rows []LostTime, silent uint64) Fold {
	m := start(BarrierHours, UnitHours)
	out := Fold{}
	if silent > 0 {
		out.Excluded = []Excluded{{
			Measure: BarrierHours, Reason: "no_minutes", N: &silent, Unit: "events",
			Message: "reports that do not say how much time was lost: send minutes_lost",
		}}
	}
	if len(rows) == 0 {
		if silent > 0 {
			m.withhold("no_minutes", "barriers were reported, and no report says how much time was lost")
		}
		out.Measure = m
		return out
	}
	total, n := decimal.Zero, uint64(len(rows))
	barriers := map[string]bool{}
	for _, r := range rows {
		hours := inHours(r.Minutes)
		total = total.Add(hours)
		barriers[r.Barrier] = true
		out.Cells = append(out.Cells, Cell{Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Value: hours, N: 1, Source: r.Barrier})
	}
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(total), &n, new(0)
	m.People = new(uint64(len(Persons(LostPeople(rows)))))
	m.warn("self_reported", "time lost is what people say: its error is not known, so there is no interval")
	if silent > 0 {
		m.warn("no_minutes", fmt.Sprintf("%d reports do not say how much time was lost and are not in the value", silent))
	}
	kinds := uint64(len(barriers))
	m.Parts = []Part{{Key: "barriers", Title: "Barriers", Value: ExactOf(count(kinds)), Unit: "barriers", N: &kinds}}
	out.Measure, out.Counts = m, []Count{{"persons and barriers", &n}, {"barriers", &kinds}, {"reports without a time", &silent}}
	return out
}

// The states of a barrier.
const (
	BarrierOpen     = "open"
	BarrierResolved = "resolved"
)

// Barrier is one barrier as it stands at the end of a period.
type Barrier struct {
	Barrier, Category string
	// State is open or resolved: what was said last counts, and whoever reports or supports it after a resolution opens it again.
	State string
	// Owner is the one who was named last, "" where none was.
	Owner string
	// First is the local day of the first report, Resolved that of the resolution.
	First    time.Time
	Resolved *time.Time
	// Hours are those lost in the period, nil where nobody states any; People those who reported or supported it in the period.
	Hours   *decimal.Decimal
	People  []string
	Reports uint64
	Support uint64
}

// AgeDays is how long the barrier has stood at the end of a period, or stood until it was resolved.
func (b Barrier) AgeDays(to event.Day) int {
	end := to.Time
	if b.Resolved != nil {
		end = *b.Resolved
	}
	return int(end.Sub(b.First) / (24 * time.Hour))
}

// Barriers folds what was said into one row per barrier that was open in the period or has lost time in it: those with the
// most time lost first. rows are all of the scope before the end of the period, in the order of time, lost its losses.
func Barriers(rows []BarrierRow, lost []LostTime, from, to event.Day) []Barrier {
	byKey := map[string]*Barrier{}
	var order []string
	for _, r := range rows {
		b := byKey[r.Barrier]
		if b == nil && r.Takes() {
			continue // there is nothing yet to clear
		}
		if b == nil {
			b = &Barrier{Barrier: r.Barrier, First: r.Day}
			byKey[r.Barrier], order = b, append(order, r.Barrier)
		}
		b.say(r, within(&r.Day, from, to))
	}
	for _, l := range lost {
		if b := byKey[l.Barrier]; b != nil {
			if l.Person != "" {
				b.People = append(b.People, l.Person)
			}
			hours := inHours(l.Minutes)
			if b.Hours != nil {
				hours = hours.Add(*b.Hours)
			}
			b.Hours = &hours
		}
	}
	var out []Barrier
	for _, key := range order {
		b := byKey[key]
		if b.State == BarrierResolved && b.Resolved.Before(from.Time) && b.Reports+b.Support == 0 {
			continue
		}
		slices.Sort(b.People)
		b.People = slices.Compact(b.People)
		out = append(out, *b)
	}
	slices.SortStableFunc(out, func(a, b Barrier) int {
		return cmp.Or(b.hours().Cmp(a.hours()), a.First.Compare(b.First), cmp.Compare(a.Barrier, b.Barrier))
	})
	return out
}

// say adds what one event says.
func (b *Barrier) say(r BarrierRow, inPeriod bool) {
	b.Owner = cmp.Or(r.Owner, b.Owner)
	if b.Category == "" || (!r.Deed() && r.Category != "") {
		b.Category = r.Category
	}
	if r.Takes() {
		return
	}
	b.State, b.Resolved = BarrierOpen, nil
	if r.Action == "resolve" {
		b.State, b.Resolved = BarrierResolved, &r.Day
		return
	}
	if !inPeriod {
		return
	}
	if r.Action == "support" {
		b.Support++
	} else {
		b.Reports++
	}
	if r.Person != "" {
		b.People = append(b.People, r.Person)
	}
}

func (b Barrier) hours() decimal.Decimal {
	if b.Hours == nil {
		return decimal.Zero
	}
	return *b.Hours
}
