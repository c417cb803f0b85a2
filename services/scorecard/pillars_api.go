package scorecard

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// answerHead is what every answer about a scope and period begins with.
type answerHead struct {
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
	Period          period  `json:"period"`
	Scope           string  `json:"scope"`
	Definition      string  `json:"definition"`
}

func (v *view) head(p params) answerHead {
	return answerHead{v.asOf(), v.completeThrough(), v.period(p.from, p.to), p.scope.String(), metric.DefinitionVersion}
}

// pillarRequest reads the parameters of an answer about the pillars and computes its measures; done says that the reader
// has the answer already.
func (v *view) pillarRequest(c *gin.Context, keys ...string) (p params, n *numbers, done bool, err error) {
	p, err = parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency")
	if err != nil {
		return p, nil, false, err
	}
	if err := v.admit(c, p.scope); err != nil {
		return p, nil, false, err
	}
	currency := v.currencyOf(p)
	if notModified(c, v, p, currency) {
		return p, nil, true, nil
	}
	n, err = v.compute(c, v.window(p.from, p.to, p.scope), currency, keys...)
	return p, n, false, err
}

// dressed are the measures of the keys, with claims, targets and benchmarks.
func (v *view) dressed(n *numbers, p params, keys ...string) map[string]metric.Measure {
	out := map[string]metric.Measure{}
	for _, key := range keys {
		out[key] = v.dress(n.folds[key].Measure, p, v.currencyOf(p))
	}
	return out
}

// coverageAnswer is the answer of /coverage.
type coverageAnswer struct {
	answerHead
	Measures map[string]metric.Measure `json:"measures"`
	Teams    []teamCoverage            `json:"teams"`
	// Unassigned says which kinds have events that name no team.
	Unassigned map[string]bool    `json:"unassigned"`
	Level      *level             `json:"level"`
	Criteria   []metric.Criterion `json:"criteria"`
	Next       *metric.Criterion  `json:"next"`
	// LinkedSpend is the share of the spend on AI that belongs to workflows with an outcome of grade 2 or better.
	LinkedSpend *metric.Exact `json:"linked_spend"`
}

// level is a level of maturity.
type level struct {
	Level int    `json:"level"`
	Name  string `json:"name"`
}

// teamCoverage is one row of the matrix of teams and kinds.
type teamCoverage struct {
	Team  string          `json:"team"`
	Name  string          `json:"name"`
	Kinds map[string]bool `json:"kinds"`
	// Workflows are those that belong to the team, Owned those of them with a confirmed owner.
	Workflows uint64 `json:"workflows"`
	Owned     uint64 `json:"owned"`
	Maturity  level  `json:"maturity"`
}

// getCoverage answers with what is measured by whom, and what to measure next.
func (a *app) getCoverage(c *gin.Context, v *view) error {
	p, n, done, err := v.pillarRequest(c, measurementKeys()...)
	if err != nil || done {
		return err
	}
	answer := coverageAnswer{
		answerHead: v.head(p), Measures: v.dressed(n, p, measurementKeys()...), Teams: []teamCoverage{}, Unassigned: map[string]bool{},
		Criteria: []metric.Criterion{},
	}
	if p.scope.Kind == metric.ScopeMe {
		writeJSON(c, http.StatusOK, answer)
		return nil
	}
	teams, unassigned := metric.CoverageTable(n.pillar.coverage)
	for _, kind := range metric.CoreKinds() {
		answer.Unassigned[kind] = unassigned[kind] > 0
	}
	for _, t := range teams {
		answer.Teams = append(answer.Teams, v.teamCoverage(n, t))
	}
	if m := n.folds[metric.Maturity].Measure; m.Status == metric.OK {
		at := int(m.Value.IntPart())
		answer.Level, answer.Criteria = &level{at, metric.LevelName(at)}, metric.Criteria(n.pillar.maturity)
		if next, ok := metric.NextStep(answer.Criteria, at); ok {
			answer.Next = &next
		}
	}
	answer.LinkedSpend = n.pillar.maturity.Linked
	writeJSON(c, http.StatusOK, answer)
	return nil
}

func (v *view) teamCoverage(n *numbers, t metric.TeamCoverage) teamCoverage {
	row := teamCoverage{Team: t.Team, Name: v.name(registry.Teams, t.Team), Kinds: map[string]bool{}}
	for _, kind := range metric.CoreKinds() {
		row.Kinds[kind] = t.Covers(kind)
	}
	for _, w := range n.pillar.ownership.Workflows {
		if w.Team != t.Team {
			continue
		}
		row.Workflows++
		if w.Owned() {
			row.Owned++
		}
	}
	row.Maturity = v.teamLevel(n, t.Team)
	return row
}

// teamLevel is the maturity of one team: by its kinds, its workflows, and the grades of its hours, as far as those are
// shown, since a team of few people has no grades of its own.
func (v *view) teamLevel(n *numbers, team string) level {
	own := n.pillar.coverage
	own.Scope = metric.Scope{Kind: metric.ScopeTeam, Key: team}
	in := metric.MaturityInput{Coverage: map[string]metric.Measure{}}
	for key, fold := range metric.FoldCoverage(own) {
		in.Coverage[key] = fold.Measure
	}
	var workflows []metric.OwnedWorkflow
	for _, w := range n.pillar.ownership.Workflows {
		if w.Team == team {
			workflows = append(workflows, w)
		}
	}
	in.Ownership = metric.FoldOwnership(metric.OwnershipInput{Workflows: workflows, Hidden: true}).Measure
	if over, _ := n.split(n.folds[metric.HoursSavedNet].Cells); !n.hidden && n.savers.shows(byTeam(), team) {
		in.Hours = metric.GradesOf(over, func(c metric.Cell) bool { return c.Team == team })
	}
	in.Linked = metric.LinkedShare(metric.SpendOf(n.pillar.spend, team), n.pillar.outcomes, v.fx(n.pillar.ownership.Currency))
	at := metric.LevelOf(metric.Criteria(in))
	return level{at, metric.LevelName(at)}
}

// perceptionAnswer is the answer of /perception.
type perceptionAnswer struct {
	answerHead
	Gap          metric.Measure `json:"gap"`
	Satisfaction metric.Measure `json:"satisfaction"`
	Calibration  metric.Measure `json:"calibration"`
	// Waves are those of the period, the latest first.
	Waves      []waveAnswer           `json:"waves"`
	ByMaturity []maturitySatisfaction `json:"satisfaction_by_maturity"`
	// Survey is what a survey of marketers found: the share of leaders and of individual contributors who answered yes.
	Survey surveyFigures `json:"survey"`
}

type surveyFigures struct {
	Leaders metric.Exact `json:"leaders"`
	ICs     metric.Exact `json:"ics"`
	Source  string       `json:"source"`
}

// waveAnswer is one wave: the parts of its gap are the two sides of the dumbbell.
type waveAnswer struct {
	Wave         string         `json:"wave"`
	FirstDay     *string        `json:"first_day"`
	LastDay      *string        `json:"last_day"`
	Gap          metric.Measure `json:"gap"`
	Satisfaction metric.Measure `json:"satisfaction"`
}

// maturitySatisfaction is the satisfaction of the people in teams of one level of maturity.
type maturitySatisfaction struct {
	level
	Teams        uint64         `json:"teams"`
	Satisfaction metric.Measure `json:"satisfaction"`
	// Survey is the share who are satisfied in organisations of the level, where a survey says.
	Survey *metric.Exact `json:"survey_satisfied"`
}

// getPerception answers with what leaders and individual contributors believe, and what was measured.
func (a *app) getPerception(c *gin.Context, v *view) error {
	keys := append(measurementKeys(), metric.PerceptionGap, metric.Satisfaction, metric.CalibrationGap)
	p, n, done, err := v.pillarRequest(c, keys...)
	if err != nil || done {
		return err
	}
	m := v.dressed(n, p, metric.PerceptionGap, metric.Satisfaction, metric.CalibrationGap)
	leaders, ics, source := metric.SurveyFigures()
	answer := perceptionAnswer{
		answerHead: v.head(p), Gap: m[metric.PerceptionGap], Satisfaction: m[metric.Satisfaction], Calibration: m[metric.CalibrationGap],
		Waves: []waveAnswer{}, ByMaturity: []maturitySatisfaction{}, Survey: surveyFigures{leaders, ics, source},
	}
	if p.scope.Kind == metric.ScopeMe {
		writeJSON(c, http.StatusOK, answer)
		return nil
	}
	waves, err := v.waves(c, n)
	if err != nil {
		return err
	}
	for _, w := range slices.Backward(waves) {
		own := w.in(p.scope)
		if len(own.Answers) == 0 {
			continue
		}
		row := waveAnswer{Wave: w.Key, Gap: w.gap(p.scope).Measure, Satisfaction: w.satisfaction(p.scope).Measure}
		if row.Gap.Status == metric.OK || row.Satisfaction.Status == metric.OK {
			row.FirstDay, row.LastDay = spanOf(own)
		}
		answer.Waves = append(answer.Waves, row)
	}
	if p.scope.Kind == metric.ScopeOrg {
		answer.ByMaturity = append(answer.ByMaturity, v.byMaturity(n)...)
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

func spanOf(w metric.Wave) (first, last *string) {
	byDay := func(a, b metric.PulseRow) int { return a.Day.Compare(b.Day) }
	return new(slices.MinFunc(w.Answers, byDay).Day.Format(time.DateOnly)), new(slices.MaxFunc(w.Answers, byDay).Day.Format(time.DateOnly))
}

// byMaturity is the satisfaction of the latest wave by the maturity of the team that an answer names. Levels with fewer
// than ten answers, or beside which fewer than ten are left, are withheld.
func (v *view) byMaturity(n *numbers) []maturitySatisfaction {
	levels, teams := map[string]level{}, map[int]uint64{}
	known, _ := metric.CoverageTable(n.pillar.coverage)
	for _, t := range known {
		levels[t.Team] = v.teamLevel(n, t.Team)
		teams[levels[t.Team].Level]++
	}
	name := func(team string) string { return levels[team].Name } // "" where the answer names no known team
	var out []maturitySatisfaction
	asked := n.wave.Of(satisfied)
	table := n.answered.table(satisfied)
	merged := map[string]bool{} // the levels of teams that are shown only together
	for _, a := range asked.Answers {
		if !table.Row(a.Team) {
			merged[name(a.Team)] = true
		}
	}
	for at, count := range teams {
		row := maturitySatisfaction{level: level{at, metric.LevelName(at)}, Teams: count, Survey: metric.SurveySatisfied(at)}
		fold := metric.FoldSatisfaction(asked.Of(func(r metric.PulseRow) bool { return name(r.Team) == row.Name }))
		if merged[row.Name] && len(merged) > 1 {
			fold = pulseFloored(fold)
		}
		row.Satisfaction = fold.Measure
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b maturitySatisfaction) int { return cmp.Compare(a.Level, b.Level) })
	return out
}
