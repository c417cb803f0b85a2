package scorecard

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// isPillar tells whether a measure is one of the pillars'.
func isPillar(key string) bool {
	return slices.Contains(append(coverageKeys(), metric.Maturity, metric.Ownership, metric.ReviewCycleHours, metric.FirstPassYield,
		metric.BarrierHours, metric.TrainedShare, metric.CalibrationGap), key)
}

// pillarEvidence are the rows that give a measure of the pillars. Where people stand behind it, they are sums of five or
// more of them, or numbers that name nothing.
func (v *view) pillarEvidence(n *numbers, p params) *evidence {
	m := n.folds[p.measure].Measure
	e := &evidence{rowsAre: "cells"}
	switch p.measure {
	case metric.Maturity:
		e.criteria(n)
	case metric.Ownership:
		e.ownership(n)
	case metric.ReviewCycleHours:
		v.reviewRows(e, n, p)
	case metric.FirstPassYield:
		v.firstPassCells(e, n, p)
	case metric.BarrierHours:
		v.barrierCells(e, n, p)
	case metric.TrainedShare:
		v.trainedCells(e, n, p)
	case metric.CalibrationGap:
		e.calibration(n)
	default:
		e.coverage(n, p.measure)
	}
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}

// add appends a row at its place in the order.
func (e *evidence) add(values ...*string) {
	e.rows = append(e.rows, evidenceRow{place: fmt.Sprintf("%06d", len(e.rows)), values: values})
}

// share adds the columns of a ratio.
func shareColumns(part, whole, unit string) []column {
	return []column{number("numerator", part, unit), number("denominator", whole, unit)}
}

func yesNo(is bool) *string {
	if is {
		return new("yes")
	}
	return new("no")
}

func oneIf(is bool) *string {
	if is {
		return new("1")
	}
	return new("0")
}

// coverage are the teams. How many pieces of work a team has recorded is its people's, and not told.
func (e *evidence) coverage(n *numbers, measure string) {
	e.columns = append([]column{text("team", "Team"), number("n", "Events", "events")}, shareColumns("Teams with an event", "Teams", "teams")...)
	teams, _ := metric.CoverageTable(n.pillar.coverage)
	for _, t := range teams {
		for _, kind := range metric.CoreKinds() {
			if metric.CoverageKey(kind) != measure {
				continue
			}
			events := whole(t.N[kind])
			if kind == metric.KindHours {
				events = nil
			}
			e.add(&t.Team, events, oneIf(t.Covers(kind)), new("1"))
		}
	}
}

func (e *evidence) criteria(n *numbers) {
	e.columns = []column{
		number("level", "Level", metric.UnitLevel), text("name", "Name"), text("condition", "Condition"),
		{Key: "value", Title: "Value", Type: "number"},
		{Key: "needed", Title: "At least", Type: "number"},
		text("unit", "Unit"), text("met", "Met"),
	}
	if n.folds[metric.Maturity].Measure.Status != metric.OK {
		return
	}
	for _, c := range metric.Criteria(n.pillar.maturity) {
		var value *string
		if c.Value != nil {
			value = exact(c.Value.Decimal)
		}
		e.add(whole(uint64(c.Level)), new(metric.LevelName(c.Level)), &c.Title, value, exact(c.Needed.Decimal), &c.Unit, yesNo(c.Met))
	}
}

func (e *evidence) ownership(n *numbers) {
	e.columns = append([]column{
		text("workflow", "Workflow"), text("team", "Team"), text("role", "Role responsible"), text("registered", "Registered"),
		text("named", "Owner named"),
		{Key: "confirmed_at", Title: "Confirmed", Type: "day"},
	}, shareColumns("Confirmed owner", "Workflows", "workflows")...)
	for _, w := range n.pillar.ownership.Workflows {
		e.add(&w.Workflow, optionalText(w.Team), optionalText(w.Role), yesNo(w.Registered), yesNo(w.Named), optionalText(w.ConfirmedAt),
			oneIf(w.Owned()), new("1"))
	}
}

// reviewRows are the hours of the decided reviews in the order of the hours, which name nothing and nobody; one's own with
// all that is known of them. Whether a review was within its target would tell which workflow it was of.
func (v *view) reviewRows(e *evidence, n *numbers, p params) {
	e.columns = []column{number("contribution", "Hours to the final decision", metric.UnitHours)}
	decided := metric.DecidedIn(n.pillar.reviews, n.pillar.reviewed.From, n.pillar.reviewed.To)
	slices.SortStableFunc(decided, func(a, b metric.ReviewRow) int { return a.Hours().Cmp(b.Hours()) })
	if p.scope.Kind != metric.ScopeMe {
		for _, r := range decided {
			e.add(exact(r.Hours()))
		}
		return
	}
	e.columns = append(e.columns, text("within_target", "Within target"), text("asset", "Asset"), text("reviewer", "Reviewer"), text("workflow", "Workflow"),
		number("rounds", "Rounds", "rounds"), column{Key: "submitted_at", Title: "Submitted", Type: "time"},
		column{Key: "decided_at", Title: "Decided", Type: "time"}, text("decision", "Decision"))
	for _, r := range decided {
		var inTarget *string
		if hours, _, ok := v.reviewTarget(r.Workflow, event.Day{Time: *r.DecidedDay}); ok {
			inTarget = yesNo(r.Hours().LessThanOrEqual(hours))
		}
		e.add(exact(r.Hours()), inTarget, &r.Asset, &r.Reviewer, optionalText(r.Workflow), whole(uint64(r.Rounds)),
			new(r.SubmittedAt.UTC().Format(event.TimeForm)), new(r.DecidedAt.UTC().Format(event.TimeForm)), &r.Decision)
	}
}

// teamRows are sums by team as the privacy floor allows; those of the viewer as they are.
func teamRows(scope metric.Scope, who *crowd, sums map[string]sum) []floorRow {
	if scope.Kind == metric.ScopeMe {
		var out []floorRow
		for team, s := range sums {
			out = append(out, floorRow{key: team, sum: s})
		}
		slices.SortFunc(out, func(a, b floorRow) int { return compareText(a.key, b.key) })
		return out
	}
	return merge(sums, who.rows(byTeam()))
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// label is what a row of teams is called.
func (r floorRow) label() *string { return new(teamLabel(r.key, r.merged)) }

// teamLabel is what a team, or what is merged, is called in evidence.
func teamLabel(key string, merged bool) string {
	switch {
	case merged:
		return "several teams"
	case key == "":
		return "(unassigned)"
	}
	return key
}

func (v *view) firstPassCells(e *evidence, n *numbers, p params) {
	e.columns = append([]column{text("team", "Team")}, shareColumns("First rounds approved", "First rounds decided", "reviews")...)
	sums := map[string]sum{}
	for _, r := range metric.FirstPassIn(n.pillar.reviews, n.pillar.reviewed.From, n.pillar.reviewed.To) {
		approved := decimal.Zero
		if r.FirstDecision == "approved" {
			approved = decimal.NewFromInt(1)
		}
		sums[r.Team] = sums[r.Team].plus(sum{approved, 1})
	}
	for _, r := range teamRows(p.scope, n.pillar.firstPass, sums) {
		e.add(r.label(), exact(r.sum.value), whole(r.sum.n))
	}
}

func (v *view) trainedCells(e *evidence, n *numbers, p params) {
	e.columns = append([]column{text("team", "Team")}, shareColumns("People trained", "People", "people")...)
	sums := map[string]sum{}
	for _, m := range n.pillar.members {
		trained := decimal.Zero
		if m.Trained {
			trained = decimal.NewFromInt(1)
		}
		sums[m.Team] = sums[m.Team].plus(sum{trained, 1})
	}
	for _, r := range teamRows(p.scope, n.pillar.learners, sums) {
		e.add(r.label(), exact(r.sum.value), whole(r.sum.n))
	}
}

func (v *view) barrierCells(e *evidence, n *numbers, p params) {
	fold := n.folds[metric.BarrierHours]
	e.columns = []column{text("team", "Team"), number("n", "Persons and barriers", "reports"), number("contribution", "Hours lost", metric.UnitHours)}
	if p.scope.Kind == metric.ScopeMe {
		e.columns = append([]column{{Key: "day", Title: "Day", Type: "day"}, text("barrier", "Barrier")}, e.columns...)
		for _, c := range fold.Cells {
			e.add(&c.Day, &c.Source, optionalText(c.Team), whole(c.N), exact(c.Value))
		}
		return
	}
	for _, r := range teamRows(p.scope, n.pillar.losers, sumBy(fold.Cells, byTeam().ofCell)) {
		e.add(r.label(), whole(r.sum.n), exact(r.sum.value))
	}
}

// calibration are the trials, or the reports by workflow: the mean of their gaps, weighted by n, is the value.
func (e *evidence) calibration(n *numbers) {
	e.columns = []column{
		text("trial", "Trial"), text("workflow", "Workflow"), number("n", "Tasks or reports", "events"),
		number("expected", "Expected saving", metric.UnitShare), number("measured", "Measured saving", metric.UnitShare),
		number("gap", "Gap", metric.UnitPercentagePoints),
	}
	if n.folds[metric.CalibrationGap].Measure.Status != metric.OK {
		return
	}
	for _, c := range n.pillar.expected.Listed() {
		e.add(optionalText(c.Trial), optionalText(c.Workflow), whole(c.N), exact(c.Expected), exact(c.Measured), exact(c.Gap()))
	}
}
