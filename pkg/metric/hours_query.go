package metric

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// BaselineDays is how far back unassisted work prices an event: [day − BaselineDays, day).
const BaselineDays = 180

// HoursQuery reads the assisted work of a window.
type HoursQuery struct{ Window }

// HoursRow is the assisted work of one day, team, workflow and trial.
type HoursRow struct {
	Day            time.Time       `ch:"day"`
	Team           string          `ch:"team"`
	Workflow       string          `ch:"workflow"`
	Trial          string          `ch:"trial"`
	N              uint64          `ch:"n"`
	Units          decimal.Decimal `ch:"units"`
	Rework         decimal.Decimal `ch:"rework_minutes"`
	Minutes        decimal.Decimal `ch:"minutes"`
	GivenN         uint64          `ch:"given_n"`
	GivenUnits     decimal.Decimal `ch:"given_units"`
	GivenBaseline  decimal.Decimal `ch:"given_baseline"`
	GivenMinutes   decimal.Decimal `ch:"given_minutes"`
	MinutesSquared decimal.Decimal `ch:"minutes_sq"`
	// Person stands for those who have a rate class of their own, and the same at all times ([RatedQuery]).
	Person string `ch:"rated_person"`
}

// SQL is the query and its parameters.
func (q HoursQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT day, team, workflow, trial,
  sum(n) AS n, sum(units) AS units, sum(rework_minutes) AS rework_minutes, sum(minutes) AS minutes,
  sum(given_n) AS given_n, sum(given_units) AS given_units, sum(given_baseline) AS given_baseline, sum(given_minutes) AS given_minutes,
  sum(minutes_sq) AS minutes_sq
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY day, team, workflow, trial
ORDER BY day, team, workflow, trial`, args
}

// Parts are the hours of whole days.
func (q HoursQuery) Parts() (Parts, bool) {
	return partsOf("rollup_hours", q.From, q.To, HoursQuery{q.listed()}, hoursDay), q.Scope.Kind != ScopeMe
}

// Merge takes the hours of the scope.
func (q HoursQuery) Merge(days []any) []HoursRow { return pick(days, inScope(q.Scope, hoursPlace)) }

func hoursDay(r *HoursRow) time.Time          { return r.Day }
func hoursPlace(r *HoursRow) (string, string) { return r.Team, r.Workflow }

// PeopleQuery reads who stands behind the assisted work of a window, by month.
type PeopleQuery struct{ Window }

// PeopleRow names the distinct persons of one month, team and workflow; events without a person name none.
type PeopleRow struct {
	// Month is its first day. Where days are read one by one it is the day.
	Month    time.Time `ch:"month"`
	Team     string    `ch:"team"`
	Workflow string    `ch:"workflow"`
	People   []string  `ch:"people"`
	// Given are those of them whose events claim a baseline of their own: that is the saving that people report.
	Given []string `ch:"given_people"`
}

// SQL is the query and its parameters.
func (q PeopleQuery) SQL() (string, map[string]any) { return q.by("toStartOfMonth(day)") }

// by reads the people by a span of days.
func (q PeopleQuery) by(span string) (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT ` + span + ` AS month, team, workflow, groupUniqArrayIf(toString(person), person != '') AS people,
  groupUniqArrayIf(toString(person), person != '' AND given_n > 0) AS given_people
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY month, team, workflow
ORDER BY month, team, workflow`, args
}

// Parts are the people of each day.
func (q PeopleQuery) Parts() (Parts, bool) {
	sql, args := PeopleQuery{q.listed()}.by("day")
	return partsOf("rollup_hours", q.From, q.To, statement{sql, args}, func(r *PeopleRow) time.Time { return r.Month }), q.Scope.Kind != ScopeMe
}

// Merge unites the people of the days of a month.
func (q PeopleQuery) Merge(days []any) []PeopleRow {
	type place struct {
		month          time.Time
		team, workflow string
	}
	type crowd struct{ people, given map[string]bool }
	crowds := map[place]crowd{}
	for _, d := range days {
		for _, r := range rowsOf[PeopleRow](d) {
			if !q.Scope.Holds(r.Team, r.Workflow) {
				continue
			}
			at := place{MonthOf(r.Month), r.Team, r.Workflow}
			c, ok := crowds[at]
			if !ok {
				c = crowd{map[string]bool{}, map[string]bool{}}
				crowds[at] = c
			}
			for _, p := range r.People {
				c.people[p] = true
			}
			for _, p := range r.Given {
				c.given[p] = true
			}
		}
	}
	out := make([]PeopleRow, 0, len(crowds))
	for at, c := range crowds {
		out = append(out, PeopleRow{at.month, at.team, at.workflow, slices.Sorted(maps.Keys(c.people)), slices.Sorted(maps.Keys(c.given))})
	}
	slices.SortFunc(out, func(a, b PeopleRow) int {
		return cmp.Or(a.Month.Compare(b.Month), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow))
	})
	return out
}

// UnassistedQuery reads the work without AI that can price a window: of the whole workspace, from 180 days before.
type UnassistedQuery struct{ Window }

// UnassistedRow is the unassisted work of one workflow and day; the squares and the product are sums over events.
type UnassistedRow struct {
	Day          time.Time       `ch:"day"`
	Workflow     string          `ch:"workflow"`
	N            uint64          `ch:"n"`
	Units        decimal.Decimal `ch:"units"`
	Minutes      decimal.Decimal `ch:"minutes"`
	UnitsSquared decimal.Decimal `ch:"units_sq"`
	MinutesSq    decimal.Decimal `ch:"minutes_sq"`
	MinutesUnits decimal.Decimal `ch:"minutes_units"`
	People       []string        `ch:"people"`
}

// SQL is the query and its parameters.
func (q UnassistedQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope, w.From = Scope{Kind: ScopeOrg}, q.begin()
	where, args := w.where("day")
	return `SELECT day, workflow,
  sum(n) AS n, sum(units) AS units, sum(minutes) AS minutes,
  sum(units_sq) AS units_sq, sum(minutes_sq) AS minutes_sq, sum(minutes_units) AS minutes_units,
  groupUniqArrayIf(toString(person), person != '') AS people
FROM rollup_hours
WHERE ` + where + `
  AND NOT assisted AND workflow != ''
GROUP BY day, workflow
ORDER BY workflow, day`, args
}

// begin is the first day that can price the window.
func (q UnassistedQuery) begin() event.Day {
	if q.From.IsZero() {
		return q.From
	}
	return event.Day{Time: q.From.AddDate(0, 0, -BaselineDays)}
}

// Parts are the unassisted work of whole days.
func (q UnassistedQuery) Parts() (Parts, bool) {
	return partsOf("rollup_hours", q.begin(), q.To, UnassistedQuery{q.listed()}, func(r *UnassistedRow) time.Time { return r.Day }), true
}

// Merge puts the work in the order of workflows.
func (q UnassistedQuery) Merge(days []any) []UnassistedRow {
	return regroup(days, nil, func(r *UnassistedRow) string { return r.Workflow })
}

// Rated are the people with a rate class of their own. Those who have the same class at all times stand together, so that there
// are as many rows as there are classes, and not as there are people.
type Rated struct {
	// Persons are all of them, and As the one of each who stands for it; both go together.
	Persons, As []string
}

// column is the person who stands for the one of a row; "" for those who have no rate class of their own.
func (r Rated) column(args map[string]any) string {
	args["persons"], args["stand_for"] = r.Persons, r.As
	return "transform(toString(person), {persons:Array(String)}, {stand_for:Array(String)}, '') AS rated_person"
}

// RatedQuery reads the assisted work of a window like [HoursQuery], with rows of their own for people who have a rate class
// of their own.
type RatedQuery struct {
	Window
	Rated
}

// SQL is the query and its parameters.
func (q RatedQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT day, team, workflow, trial, ` + q.column(args) + `,
  sum(n) AS n, sum(units) AS units, sum(rework_minutes) AS rework_minutes, sum(minutes) AS minutes,
  sum(given_n) AS given_n, sum(given_units) AS given_units, sum(given_baseline) AS given_baseline, sum(given_minutes) AS given_minutes,
  sum(minutes_sq) AS minutes_sq
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY day, team, workflow, trial, rated_person
ORDER BY day, team, workflow, trial, rated_person`, args
}

// Parts are the hours of whole days, with those apart who have a rate of their own.
func (q RatedQuery) Parts() (Parts, bool) {
	return partsOf("rollup_hours", q.From, q.To, RatedQuery{q.listed(), q.Rated}, hoursDay), q.Scope.Kind != ScopeMe
}

// Merge takes the hours of the scope.
func (q RatedQuery) Merge(days []any) []HoursRow { return pick(days, inScope(q.Scope, hoursPlace)) }
