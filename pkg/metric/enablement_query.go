package metric

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// TrainingQuery reads the time spent learning in a window, of the whole workspace: the privacy floor of a scope depends on
// the others. Those who have a rate class of their own get rows of their own.
type TrainingQuery struct {
	Window
	Rated
}

// SQL is the query and its parameters.
func (q TrainingQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope = Scope{Kind: ScopeOrg}
	where, args := w.where("day")
	return `SELECT day, team, workflow, ` + q.column(args) + `,
  sum(hours_n) AS n, sum(t.hours) AS hours, groupUniqArrayIf(toString(person), person != '') AS people
FROM rollup_training AS t
WHERE ` + where + `
  AND t.hours > 0
GROUP BY day, team, workflow, rated_person
ORDER BY day, team, workflow, rated_person`, args
}

// Parts are the hours of learning of whole days.
func (q TrainingQuery) Parts() (Parts, bool) {
	return partsOf("rollup_training", q.From, q.To, TrainingQuery{q.listed(), q.Rated}, func(r *TrainingRow) time.Time { return r.Day }), true
}

// Merge takes all of them.
func (q TrainingQuery) Merge(days []any) []TrainingRow { return pick[TrainingRow](days, nil) }

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
	w.Scope, w.From = Scope{Kind: ScopeOrg}, q.begin()
	where, args := w.where("day")
	args["begin"], args["year"] = q.From, q.year()
	return `SELECT toString(t.person) AS person, team, workflow, max(day) AS last_day, sumIf(t.hours, day >= {begin:Date32}) AS hours,
  toBool(countIf(day >= {year:Date32} AND (completed_n > 0 OR t.hours > 0)) > 0) AS trained
FROM rollup_training AS t
WHERE ` + where + `
  AND purpose = 'training' AND t.person != ''
GROUP BY person, team, workflow
ORDER BY person, team, workflow`, args
}

// year is the first day on which somebody can have learned who counts as trained.
func (q LearnersQuery) year() event.Day { return event.Day{Time: q.To.AddDate(0, 0, -TrainedDays)} }

// begin is the first day that matters: hours of a longer period are still hours of the period.
func (q LearnersQuery) begin() event.Day {
	if year := q.year(); !q.From.Before(year.Time) {
		return year
	}
	return q.From
}

// Parts are what was learned on whole days.
func (q LearnersQuery) Parts() (Parts, bool) {
	where, args := q.listed().where("day")
	sql := `SELECT day AS last_day, toString(t.person) AS person, team, workflow, sum(t.hours) AS hours,
  toBool(countIf(completed_n > 0 OR t.hours > 0) > 0) AS trained
FROM rollup_training AS t
WHERE ` + where + `
  AND purpose = 'training' AND t.person != ''
GROUP BY day, person, team, workflow
ORDER BY day, person, team, workflow`
	return partsOf("rollup_training", q.begin(), q.To, statement{sql, args}, func(r *LearnerRow) time.Time { return r.Last }), true
}

// Merge sums what each person has learned.
func (q LearnersQuery) Merge(days []any) []LearnerRow {
	type who struct{ person, team, workflow string }
	sums := map[who]*LearnerRow{}
	year := q.year()
	for _, d := range days {
		for _, r := range rowsOf[LearnerRow](d) {
			sum := sums[who{r.Person, r.Team, r.Workflow}]
			if sum == nil {
				sum = &LearnerRow{Person: r.Person, Team: r.Team, Workflow: r.Workflow}
				sums[who{r.Person, r.Team, r.Workflow}] = sum
			}
			sum.Last = r.Last
			if !r.Last.Before(q.From.Time) {
				sum.Hours = sum.Hours.Add(r.Hours)
			}
			sum.Trained = sum.Trained || (r.Trained && !r.Last.Before(year.Time))
		}
	}
	out := make([]LearnerRow, 0, len(sums))
	for _, sum := range sums {
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(a, b LearnerRow) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Workflow, b.Workflow))
	})
	return out
}
