package metric

import (
	"slices"

	"plumbline/pkg/stat"
)

// Trial is a randomised time trial, measured against the forecast. It is the answer of the API, and what prices work.
type Trial struct {
	Trial           string  `json:"trial"`
	TasksAssisted   *uint64 `json:"tasks_assisted"`
	TasksUnassisted *uint64 `json:"tasks_unassisted"`
	// RatioMinusOne is exp(coefficient) − 1: above 0 is slower with AI.
	RatioMinusOne TrialRatio `json:"ratio_minus_one"`
	// NaiveRatioMinusOne is that of the arms' mean minutes.
	NaiveRatioMinusOne *float64 `json:"naive_ratio_minus_one"`
	// ForecastSaving is the mean of 1 − estimate assisted ÷ estimate unassisted.
	ForecastSaving *float64 `json:"forecast_saving"`
	// CalibrationGap is forecast − measured saving in percentage points; the measured saving is −RatioMinusOne.
	CalibrationGap *float64 `json:"calibration_gap"`
	Status         Status   `json:"status"`
	Reason         *string  `json:"reason"`
	People         *uint64  `json:"people"`
	Level          float64  `json:"level"`
	Grade          int      `json:"grade"`
	// Covariate says whether the estimate without AI enters the regression: it does where every task has one.
	Covariate bool `json:"covariate"`
	// Imputed counts the tasks with a missing part that took its arm's mean.
	Imputed      *uint64       `json:"imputed"`
	CompleteCase *CompleteCase `json:"complete_case"`
	FirstDay     *string       `json:"first_day"`
	LastDay      *string       `json:"last_day"`
	Warnings     []Warning     `json:"warnings"`

	// saving is the share of the assisted minutes that they saved: 1/(1+r) − 1. dof are the degrees of freedom of the residuals.
	saving stat.Estimate
	dof    float64
	// gap is CalibrationGap with the errors of the forecast and of the result, which come from different answers.
	gap stat.Estimate
}

// TrialRatio is the ratio of times less one with its three intervals: ordinary, HC3 and clustered by person.
type TrialRatio struct {
	Value         *float64 `json:"value"`
	Low           *float64 `json:"low"`
	High          *float64 `json:"high"`
	LowHC3        *float64 `json:"low_hc3"`
	HighHC3       *float64 `json:"high_hc3"`
	LowClustered  *float64 `json:"low_clustered"`
	HighClustered *float64 `json:"high_clustered"`
}

// CompleteCase is the same over the tasks with nothing missing.
type CompleteCase struct {
	N     uint64   `json:"n"`
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// prices reports whether the trial may price work: at least eight tasks in each arm, and a result.
func (t Trial) prices() bool {
	return t.Status == OK && *t.TasksAssisted >= leastTasks && *t.TasksUnassisted >= leastTasks
}

func (t Trial) tasks() uint64 { return *t.TasksAssisted + *t.TasksUnassisted }

// Withhold returns the trial without its numbers.
func (t Trial) Withhold(reason, message string) Trial {
	return Trial{
		Trial: t.Trial, Status: Withheld, Reason: &reason, Level: t.Level, Grade: t.Grade, FirstDay: t.FirstDay, LastDay: t.LastDay,
		Warnings: []Warning{{reason, message}},
	}
}

// PricedByTrial are the workflows and the teams that a randomised trial with a result has tasks of: the best evidence there
// is.
func PricedByTrial(rows []TrialRow) Outcomes {
	is, out := map[string]bool{}, Outcomes{map[string]bool{}, map[string]bool{}}
	for _, t := range FoldTrials(rows) {
		is[t.Trial] = t.prices()
	}
	for _, r := range rows {
		if is[r.Trial] {
			out.Add(r.Workflow, r.Team)
		}
	}
	return out
}

// FoldTrials folds the tasks of every trial, in the order of their keys.
func FoldTrials(rows []TrialRow) []Trial {
	byTrial := map[string][]TrialRow{}
	var keys []string
	for _, r := range rows {
		if byTrial[r.Trial] == nil {
			keys = append(keys, r.Trial)
		}
		byTrial[r.Trial] = append(byTrial[r.Trial], r)
	}
	slices.Sort(keys)
	var out []Trial
	for _, key := range keys {
		out = append(out, foldTrial(key, byTrial[key]))
	}
	return out
}

// foldTrial is one trial. A part that nobody recorded is left out; one that some tasks lack takes the mean of its arm
// there, since absent is not 0.
func foldTrial(key string, rows []TrialRow) Trial {
	t := Trial{Trial: key, Status: OK, Level: LevelStatistics, Grade: 5, Warnings: []Warning{}}
	first := slices.MinFunc(rows, func(a, b TrialRow) int { return a.Day.Compare(b.Day) })
	last := slices.MaxFunc(rows, func(a, b TrialRow) int { return a.Day.Compare(b.Day) })
	t.FirstDay, t.LastDay = new(dayText(first.Day)), new(dayText(last.Day))
	people := map[string]bool{}
	assisted, unassisted := uint64(0), uint64(0)
	for _, r := range rows {
		if r.Person != "" {
			people[r.Person] = true
		}
		if r.Assisted {
			assisted++
		} else {
			unassisted++
		}
	}
	t.TasksAssisted, t.TasksUnassisted, t.People = &assisted, &unassisted, new(uint64(len(people)))
	t.measure(rows)
	return t
}

// withhold keeps the counts and says why there is no result.
func (t *Trial) withhold(reason, message string) {
	t.Status, t.Reason = Withheld, &reason
	t.Warnings = append(t.Warnings, Warning{reason, message})
}
