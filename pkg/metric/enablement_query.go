package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// TrainingQuery reads the time spent learning in a window, of the whole workspace: the privacy floor of a scope depends on
// the others. Those who have a rate class of their own get rows of their own.
type TrainingQuery struct {
	Window
	Persons []string
}

// SQL is the query and its parameters.
func (q TrainingQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	where, args := w.where("day")
	args["persons"] = q.Persons
	return `SELECT day, team, workflow, if(has({persons:Array(String)}, person), toString(person), '') AS rated_person,
  sum(hours_n) AS n, sum(t.hours) AS hours, groupUniqArrayIf(toString(person), person != '') AS people
FROM rollup_training AS t
WHERE ` + where + `
  AND t.hours > 0
GROUP BY day, team, workflow, rated_person
ORDER BY day, team, workflow, rated_person`, args
}

// TrainedDays is how long somebody counts as trained.
const TrainedDays = 365

// LearnersQuery reads who has learned in the [TrainedDays] before the end of a window, in the whole workspace.
type LearnersQuery struct{ Window }

// LearnerRow is what one person has learned, for one team and workflow.
type LearnerRow struct {
	Person   string `ch:"person"`
	Team     string `ch:"team"`
	Workflow string `ch:"workflow"`
	// Last is the latest day.
	Last time.Time `ch:"last_day"`
	// Hours are those of the window itself.
	Hours decimal.Decimal `ch:"hours"`
	// Trained says that a course was finished, or hours were spent on one, in the year.
	Trained bool `ch:"trained"`
}

// SQL is the query and its parameters. Time spent on introducing a tool is no training.
func (q LearnersQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope, w.From = Scope{Kind: ScopeOrg}, event.Day{Time: w.To.AddDate(0, 0, -TrainedDays)}
	if q.From.Before(w.From.Time) {
		w.From = q.From // hours of a longer period are still hours of the period
	}
	where, args := w.where("day")
	args["begin"], args["year"] = q.From, event.Day{Time: w.To.AddDate(0, 0, -TrainedDays)}
	return `SELECT toString(t.person) AS person, team, workflow, max(day) AS last_day, sumIf(t.hours, day >= {begin:Date32}) AS hours,
  toBool(countIf(day >= {year:Date32} AND (completed_n > 0 OR t.hours > 0)) > 0) AS trained
FROM rollup_training AS t
WHERE ` + where + `
  AND purpose = 'training' AND t.person != ''
GROUP BY person, team, workflow
ORDER BY person, team, workflow`, args
}
