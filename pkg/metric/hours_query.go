package metric

import (
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
	// Person is set for those alone whose own rate class was asked for ([RatedQuery]).
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

// PeopleQuery reads who stands behind the assisted work of a window, by ISO week.
type PeopleQuery struct{ Window }

// PeopleRow names the distinct persons of one week, team and workflow; events without a person name none.
type PeopleRow struct {
	Week     time.Time `ch:"week"`
	Team     string    `ch:"team"`
	Workflow string    `ch:"workflow"`
	People   []string  `ch:"people"`
	// Given are those of them whose events claim a baseline of their own: that is the saving that people report.
	Given []string `ch:"given_people"`
}

// SQL is the query and its parameters.
func (q PeopleQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT toMonday(day) AS week, team, workflow, groupUniqArrayIf(toString(person), person != '') AS people,
  groupUniqArrayIf(toString(person), person != '' AND given_n > 0) AS given_people
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY week, team, workflow
ORDER BY week, team, workflow`, args
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
	w.Scope = Scope{Kind: ScopeOrg}
	if !w.From.IsZero() {
		w.From = event.Day{Time: w.From.AddDate(0, 0, -BaselineDays)}
	}
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

// RatedQuery reads the assisted work of a window like [HoursQuery], with a row of its own for each person who has a rate
// class of their own.
type RatedQuery struct {
	Window
	Persons []string
}

// SQL is the query and its parameters.
func (q RatedQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	args["persons"] = q.Persons
	return `SELECT day, team, workflow, trial, if(has({persons:Array(String)}, person), toString(person), '') AS rated_person,
  sum(n) AS n, sum(units) AS units, sum(rework_minutes) AS rework_minutes, sum(minutes) AS minutes,
  sum(given_n) AS given_n, sum(given_units) AS given_units, sum(given_baseline) AS given_baseline, sum(given_minutes) AS given_minutes,
  sum(minutes_sq) AS minutes_sq
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY day, team, workflow, trial, rated_person
ORDER BY day, team, workflow, trial, rated_person`, args
}
