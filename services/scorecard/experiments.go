package scorecard

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// experimentAnswer is an experiment as of the view.
type experimentAnswer struct {
	metric.Experiment
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
}

// trialAnswer is a time trial as of the view.
type trialAnswer struct {
	metric.Trial
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
}

// keyParam is the rest of the path: keys may have slashes.
func keyParam(c *gin.Context) string { return strings.TrimPrefix(c.Param("key"), "/") }

// getExperiments lists the experiments that have events, each on its primary metric.
func (a *app) getExperiments(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "currency", "limit", "cursor")
	if err != nil {
		return err
	}
	rows, err := read[metric.ConversionRow](c, v, metric.ConversionsQuery{Window: v.window(p.from, p.to, p.scope)})
	if err != nil {
		return err
	}
	var keys []string
	byKey := map[string][]metric.ConversionRow{}
	for _, own := range byExperiment(rows) {
		keys, byKey[own[0].Experiment] = append(keys, own[0].Experiment), own
	}
	keys, next, err := page(keys, p)
	if err != nil {
		return err
	}
	out := []experimentAnswer{}
	for _, key := range keys {
		out = append(out, v.experiment(byKey[key], "", v.currencyOf(p)))
	}
	writeJSON(c, http.StatusOK, gin.H{"experiments": out, "next": next})
	return nil
}

// getExperiment answers with the lifts of one experiment.
func (a *app) getExperiment(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "currency", "metric")
	if err != nil {
		return err
	}
	key := keyParam(c)
	rows, err := read[metric.ConversionRow](c, v, metric.ConversionsQuery{Window: v.window(p.from, p.to, p.scope), Experiment: key})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errNotFound("there is no experiment " + key + " with events")
	}
	if p.metric != "" && !slices.ContainsFunc(rows, func(r metric.ConversionRow) bool { return r.Metric == p.metric }) {
		return errNotFound("the experiment " + key + " has no events of the metric " + p.metric)
	}
	writeJSON(c, http.StatusOK, v.experiment(rows, p.metric, v.currencyOf(p)))
	return nil
}

func (v *view) experiment(rows []metric.ConversionRow, name, currency string) experimentAnswer {
	last := slices.MaxFunc(rows, func(a, b metric.ConversionRow) int { return a.Last.Compare(b.Last) }).Last
	plan := v.plan(rows[0].Experiment, currency, event.Day{Time: last})
	x := metric.FoldExperiment(rows, plan, name, currency, v.fx(currency))
	return experimentAnswer{x, v.asOf(), v.completeThrough()}
}

// getTrials lists the time trials that have events.
func (a *app) getTrials(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "limit", "cursor")
	if err != nil {
		return err
	}
	trials, err := v.trials(c, "")
	if err != nil {
		return err
	}
	byKey := map[string]trialAnswer{}
	var keys []string
	for _, t := range trials {
		keys, byKey[t.Trial.Trial] = append(keys, t.Trial.Trial), t
	}
	keys, next, err := page(keys, p)
	if err != nil {
		return err
	}
	out := []trialAnswer{}
	for _, key := range keys {
		out = append(out, byKey[key])
	}
	writeJSON(c, http.StatusOK, gin.H{"trials": out, "next": next})
	return nil
}

// getTrial answers with one time trial.
func (a *app) getTrial(c *gin.Context, v *view) error {
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	trials, err := v.trials(c, keyParam(c))
	if err != nil {
		return err
	}
	if len(trials) == 0 {
		return errNotFound("there is no trial " + keyParam(c) + " with events")
	}
	writeJSON(c, http.StatusOK, trials[0])
	return nil
}

// trials folds the trials, those of few people withheld: a task is a person's own time.
func (v *view) trials(c *gin.Context, key string) ([]trialAnswer, error) {
	rows, err := read[metric.TrialRow](c, v, metric.TrialQuery{Window: metric.Window{Workspace: v.viewer.Workspace, Generation: v.snapshot.Generation}, Trial: key})
	if err != nil {
		return nil, err
	}
	people := map[string]map[string]bool{}
	for _, r := range rows {
		if people[r.Trial] == nil {
			people[r.Trial] = map[string]bool{}
		}
		if r.Person != "" && r.Person != v.viewer.Person {
			people[r.Trial][r.Person] = true
		}
	}
	var out []trialAnswer
	for _, t := range metric.FoldTrials(rows) {
		if n := len(people[t.Trial]); n > 0 && n < metric.FloorPeople {
			t = t.Withhold(floorReason, floorMessage)
		}
		out = append(out, trialAnswer{t, v.asOf(), v.completeThrough()})
	}
	slices.SortFunc(out, func(a, b trialAnswer) int { return cmp.Compare(a.Trial.Trial, b.Trial.Trial) })
	return out, nil
}
