package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// TrialQuery reads the tasks of randomised time trials to as-of: the days and the scope of the window do not matter.
// Trial "" is all of them.
type TrialQuery struct {
	Window
	Trial string
}

// TrialRow is one task; a part that was not recorded is nil.
type TrialRow struct {
	Trial              string           `ch:"trial"`
	Day                time.Time        `ch:"day"`
	Team               string           `ch:"team"`
	Workflow           string           `ch:"workflow"`
	Person             string           `ch:"person"`
	Assisted           bool             `ch:"assisted"`
	Units              decimal.Decimal  `ch:"units"`
	Doing              *decimal.Decimal `ch:"doing_minutes"`
	Prompting          *decimal.Decimal `ch:"prompting_minutes"`
	Review             *decimal.Decimal `ch:"review_minutes"`
	Rework             *decimal.Decimal `ch:"rework_minutes"`
	Correction         *decimal.Decimal `ch:"correction_minutes"`
	EstimateUnassisted *decimal.Decimal `ch:"estimate_unassisted_minutes"`
	EstimateAssisted   *decimal.Decimal `ch:"estimate_assisted_minutes"`
}

// SQL is the query and its parameters. The order is fixed, so that sums of floats repeat to the last bit.
func (q TrialQuery) SQL() (string, map[string]any) {
	w := Window{Workspace: q.Workspace, Generation: q.Generation, byList: q.byList}
	where, args := w.where("day")
	if q.Trial != "" {
		where += "\n  AND trial = {trial:String}"
		args["trial"] = q.Trial
	}
	return `SELECT trial, day, team, workflow, person, assisted, units, doing_minutes, prompting_minutes, review_minutes, rework_minutes,
  correction_minutes, estimate_unassisted_minutes, estimate_assisted_minutes
FROM rollup_trials
WHERE ` + where + `
ORDER BY trial, day, identity`, args
}

// Parts are the tasks of whole days.
func (q TrialQuery) Parts() (Parts, bool) {
	return partsOf("rollup_trials", event.Day{}, event.Day{}, TrialQuery{Window: q.listed()}, func(r *TrialRow) time.Time { return r.Day }), true
}

// Merge puts the tasks in the order of trials.
func (q TrialQuery) Merge(days []any) []TrialRow {
	var keep func(*TrialRow) bool
	if q.Trial != "" {
		keep = func(r *TrialRow) bool { return r.Trial == q.Trial }
	}
	return regroup(days, keep, func(r *TrialRow) string { return r.Trial })
}
