package stat

import "math"

// OptionalFloat is a number that may be absent. Absent is not 0.
type OptionalFloat struct {
	Value float64
	Valid bool
}

// Some is a number that is there.
func Some(v float64) OptionalFloat { return OptionalFloat{Value: v, Valid: true} }

// positive reports a number that has a logarithm.
func (o OptionalFloat) positive() bool { return o.Valid && finite(o.Value) && o.Value > 0 }

// TrialTask is one task of a randomised time trial.
//
// Parts are minutes by kind of work, each task's in the same order. The
// estimates are minutes forecast before the arm was drawn.
type TrialTask struct {
	Assisted           bool
	Person             string
	Parts              []OptionalFloat
	EstimateUnassisted OptionalFloat
	EstimateAssisted   OptionalFloat
}

// TrialResult is what a time trial says.
//
// Ratio, RatioHC3 and RatioClustered share the value exp(coefficient) − 1 (0.2:
// assisted tasks take 20 % longer; −0.2: 20 % shorter) and differ in the errors
// behind the interval, which is exp of the log interval: normal quantiles for the
// first two, t on people − 1 degrees of freedom for the clustered one. Their SE is
// carried to the ratio by the delta method. LogRatio is the coefficient
// itself with clustered errors. CompleteCase is Ratio over tasks without any
// imputed part.
//
// Naive is mean assisted ÷ mean unassisted minutes, minus 1. Forecast is the
// mean of 1 − assisted ÷ unassisted estimates with its t interval.
//
// Assisted and Unassisted count the tasks used for Naive; Ratio.N those in the
// regression. ImputedParts and ImputedTasks count what took an arm's mean,
// MissingCovariate tasks used but without a positive EstimateUnassisted, and
// Unusable tasks left out: no part recorded, a negative one, or a total of 0.
type TrialResult struct {
	Ratio, RatioHC3, RatioClustered Estimate
	LogRatio                        Estimate
	CompleteCase                    Estimate
	Naive                           float64
	Forecast                        Estimate
	Assisted, Unassisted, People    int64
	ImputedParts, ImputedTasks      int64
	MissingCovariate, Unusable      int64
	Adjusted                        bool
	Warnings                        []Warning
}

// outcome is a usable task with its total minutes.
type outcome struct {
	task    TrialTask
	minutes float64
	imputed int64
}

// TimeTrial estimates how AI changes the time of a task: ordinary least squares
// of log(minutes) on treatment with log(EstimateUnassisted) as covariate, the
// estimator of METR (arXiv 2507.09089).
//
// A part missing on a task takes its arm's mean over the tasks that recorded it.
// A part never recorded in the trial is ignored; one recorded only in the other
// arm adds nothing (unassisted tasks have no prompting) and is warned about.
// Tasks without the covariate leave the regression. If either arm would lose
// more than half of its tasks by that, or the covariate does not vary, the
// regression is on treatment alone (Adjusted false, WarnNoCovariate).
func TimeTrial(tasks []TrialTask, level float64) TrialResult {
	outcomes, result := totals(tasks)
	people := map[string]struct{}{}
	var sums [2]Sample
	for _, o := range outcomes {
		people[o.task.Person] = struct{}{}
		arm := &sums[armOf(o.task)]
		arm.N++
		arm.Sum += o.minutes
		if !o.task.EstimateUnassisted.positive() {
			result.MissingCovariate++
		}
	}
	result.People = int64(len(people))
	result.Unassisted, result.Assisted = sums[0].N, sums[1].N
	result.Naive = sums[1].Sum/float64(sums[1].N)/(sums[0].Sum/float64(sums[0].N)) - 1
	result.Forecast = forecastSaving(tasks, level)

	fit, adjusted := fitTrial(outcomes)
	result.Adjusted = adjusted
	result.LogRatio = fit.Estimate(1, Clustered, level)
	result.Ratio = fit.ratio(Ordinary, level)
	result.RatioHC3 = fit.ratio(HC3, level)
	result.RatioClustered = fit.ratio(Clustered, level)
	result.warn(len(outcomes))

	complete := make([]outcome, 0, len(outcomes))
	for _, o := range outcomes {
		if o.imputed == 0 {
			complete = append(complete, o)
		}
	}
	completeFit, _ := fitTrial(complete)
	result.CompleteCase = completeFit.ratio(Ordinary, level)
	return result
}

// warn names what limits the result as a whole.
func (r *TrialResult) warn(used int) {
	add := func(on bool, w Warning) {
		if on && !hasWarning(r.Warnings, w) {
			r.Warnings = append(r.Warnings, w)
		}
	}
	add(used == 0, WarnNoData)
	add(r.ImputedParts > 0, WarnImputed)
	add(r.Unusable > 0, WarnUnusable)
	add(r.Adjusted && r.MissingCovariate > 0, WarnMissingCovariate)
	add(used > 0 && !r.Adjusted, WarnNoCovariate)
	for _, w := range r.Ratio.Warnings {
		add(true, w)
	}
}

func armOf(t TrialTask) int {
	if t.Assisted {
		return 1
	}
	return 0
}

// readable reports whether a task recorded at least one part and none is
// negative or not finite.
func readable(t TrialTask) bool {
	recorded := false
	for _, p := range t.Parts {
		if !p.Valid {
			continue
		}
		if !(p.Value >= 0) || math.IsInf(p.Value, 0) {
			return false
		}
		recorded = true
	}
	return recorded
}

// totals sums the parts of each usable task, filling gaps with the arm's mean.
func totals(tasks []TrialTask) ([]outcome, TrialResult) {
	var result TrialResult
	var parts [2][]Sample
	width := 0
	for _, t := range tasks {
		width = max(width, len(t.Parts))
	}
	parts[0], parts[1] = make([]Sample, width), make([]Sample, width)
	for _, t := range tasks {
		if !readable(t) {
			continue
		}
		for j, p := range t.Parts {
			if p.Valid {
				parts[armOf(t)][j].N++
				parts[armOf(t)][j].Sum += p.Value
			}
		}
	}
	for j := range width {
		if (parts[0][j].N == 0) != (parts[1][j].N == 0) && !hasWarning(result.Warnings, WarnPartUnrecorded) {
			result.Warnings = append(result.Warnings, WarnPartUnrecorded)
		}
	}
	outcomes := make([]outcome, 0, len(tasks))
	for _, t := range tasks {
		o := outcome{task: t}
		if readable(t) {
			o.fill(parts[armOf(t)])
		}
		if !(o.minutes > 0) {
			result.Unusable++
			continue
		}
		result.ImputedParts += o.imputed
		if o.imputed > 0 {
			result.ImputedTasks++
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, result
}

// fill adds up a task's parts, given what its arm recorded of each.
func (o *outcome) fill(arm []Sample) {
	for j, recorded := range arm {
		switch {
		case j < len(o.task.Parts) && o.task.Parts[j].Valid:
			o.minutes += o.task.Parts[j].Value
		case recorded.N > 0:
			o.minutes += recorded.Sum / float64(recorded.N)
			o.imputed++
		}
	}
}

// fitTrial regresses log minutes on treatment, adjusted where that is possible.
func fitTrial(outcomes []outcome) (fit Fit, adjusted bool) {
	covered := make([]outcome, 0, len(outcomes))
	var all, kept [2]int
	varies := false
	for _, o := range outcomes {
		all[armOf(o.task)]++
		if o.task.EstimateUnassisted.positive() {
			kept[armOf(o.task)]++
			covered = append(covered, o)
			varies = varies || o.task.EstimateUnassisted.Value != covered[0].task.EstimateUnassisted.Value
		}
	}
	adjusted = varies && 2*kept[0] >= all[0] && 2*kept[1] >= all[1]
	if adjusted {
		outcomes = covered
	}
	y := make([]float64, len(outcomes))
	x := make([][]float64, len(outcomes))
	person := make([]string, len(outcomes))
	for i, o := range outcomes {
		y[i] = math.Log(o.minutes)
		x[i] = []float64{float64(armOf(o.task))}
		if adjusted {
			x[i] = append(x[i], math.Log(o.task.EstimateUnassisted.Value))
		}
		person[i] = o.task.Person
	}
	return Regress(y, x, person), adjusted
}

// ratio is exp(treatment coefficient) − 1 with the interval carried along.
// A warning about clusters concerns clustered errors only.
func (f Fit) ratio(kind ErrorKind, level float64) Estimate {
	e := f.Estimate(1, kind, level)
	e.SE *= math.Exp(e.Value)
	e.Value, e.Low, e.High = math.Expm1(e.Value), math.Expm1(e.Low), math.Expm1(e.High)
	if kind != Clustered {
		ws := e.Warnings
		e.Warnings = nil
		for _, w := range ws {
			if w != WarnFewClusters {
				e.Warnings = append(e.Warnings, w)
			}
		}
	}
	return e
}

// SavingShare turns a time ratio r (minutes assisted ÷ unassisted − 1) into
// minutes saved per minute spent assisted, 1/(1+r) − 1: what assisted minutes
// are multiplied by. Falling in r, so the ends of the interval swap.
func SavingShare(ratio Estimate) Estimate {
	of := func(r float64) float64 {
		if r <= -1 {
			return math.NaN()
		}
		return 1/(1+r) - 1
	}
	out := ratio.warn()
	out.Value, out.Low, out.High = of(ratio.Value), of(ratio.High), of(ratio.Low)
	out.SE = ratio.SE / ((1 + ratio.Value) * (1 + ratio.Value))
	return out
}

// forecastSaving is over all tasks with both estimates, used in the fit or not:
// it says what people believed, not what happened.
func forecastSaving(tasks []TrialTask, level float64) Estimate {
	savings := make([]float64, 0, len(tasks))
	for _, t := range tasks {
		a := t.EstimateAssisted
		if t.EstimateUnassisted.positive() && a.Valid && finite(a.Value) && a.Value >= 0 {
			savings = append(savings, 1-a.Value/t.EstimateUnassisted.Value)
		}
	}
	return Mean(SampleOf(savings), level)
}
