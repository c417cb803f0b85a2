package metric_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

func date(s string) event.Day {
	d, err := event.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

func window(scope metric.Scope) metric.Window {
	return metric.Window{Workspace: "w", Generation: 7, From: date("2026-10-01"), To: date("2026-11-01"), Scope: scope}
}

const (
	inWorkspace = "workspace = {workspace:String}"
	inCurrent   = `(day, generation) IN (
    SELECT day, arrayJoin(argMax(generations, generation)) FROM rollup_pointer
    WHERE workspace = {workspace:String} AND generation <= {generation:UInt64}
    GROUP BY day)`
	inPeriod  = "day >= {from:Date32}\n  AND day < {to:Date32}"
	inDecided = "decided_day >= {from:Date32}\n  AND decided_day < {to:Date32}"
)

func and(parts ...string) string { return strings.Join(parts, "\n  AND ") }

// The exact text of every query: what the warehouse is asked is part of a claim.
func TestSQL(t *testing.T) {
	org := metric.Scope{Kind: metric.ScopeOrg}
	basic := map[string]any{"workspace": "w", "generation": uint64(7)}
	period := map[string]any{"workspace": "w", "generation": uint64(7), "from": date("2026-10-01"), "to": date("2026-11-01")}
	with := func(args map[string]any, more ...any) map[string]any {
		out := maps.Clone(args)
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	for name, c := range map[string]struct {
		query interface {
			SQL() (string, map[string]any)
		}
		sql  string
		args map[string]any
	}{
		"hours": {
			metric.HoursQuery{Window: window(org)},
			`SELECT day, team, workflow, trial,
  sum(n) AS n, sum(units) AS units, sum(rework_minutes) AS rework_minutes, sum(minutes) AS minutes,
  sum(given_n) AS given_n, sum(given_units) AS given_units, sum(given_baseline) AS given_baseline, sum(given_minutes) AS given_minutes,
  sum(minutes_sq) AS minutes_sq
FROM rollup_hours
WHERE ` + and(inWorkspace, inPeriod, inCurrent, "assisted") + `
GROUP BY day, team, workflow, trial
ORDER BY day, team, workflow, trial`,
			period,
		},
		"hours, with those apart who have a rate of their own": {
			metric.RatedQuery{Window: window(org), Rated: metric.Rated{Persons: []string{"p1"}, As: []string{"p1"}}},
			`SELECT day, team, workflow, trial, transform(toString(person), {persons:Array(String)}, {stand_for:Array(String)}, '') AS rated_person,
  sum(n) AS n, sum(units) AS units, sum(rework_minutes) AS rework_minutes, sum(minutes) AS minutes,
  sum(given_n) AS given_n, sum(given_units) AS given_units, sum(given_baseline) AS given_baseline, sum(given_minutes) AS given_minutes,
  sum(minutes_sq) AS minutes_sq
FROM rollup_hours
WHERE ` + and(inWorkspace, inPeriod, inCurrent, "assisted") + `
GROUP BY day, team, workflow, trial, rated_person
ORDER BY day, team, workflow, trial, rated_person`,
			with(period, "persons", []string{"p1"}, "stand_for", []string{"p1"}),
		},
		"exposures of a period": {
			metric.ExposuresQuery{Window: window(org)},
			`SELECT day, team, workflow, experiment, variant, metric, sum(exposures) AS exposures
FROM rollup_conversions
WHERE ` + and(inWorkspace, inPeriod, inCurrent) + `
GROUP BY day, team, workflow, experiment, variant, metric
HAVING exposures > 0
ORDER BY day, team, workflow, experiment, variant, metric`,
			period,
		},
		"people of a team": {
			metric.PeopleQuery{Window: window(metric.Scope{Kind: metric.ScopeTeam, Key: "content"})},
			`SELECT toStartOfMonth(day) AS month, team, workflow, groupUniqArrayIf(toString(person), person != '') AS people,
  groupUniqArrayIf(toString(person), person != '' AND given_n > 0) AS given_people
FROM rollup_hours
WHERE ` + and(inWorkspace, inPeriod, "team = {key:String}", inCurrent, "assisted") + `
GROUP BY month, team, workflow
ORDER BY month, team, workflow`,
			with(period, "key", "content"),
		},
		"unassisted work, of everybody and from 180 days before": {
			metric.UnassistedQuery{Window: window(metric.Scope{Kind: metric.ScopeMe, Key: "p1"})},
			`SELECT day, workflow,
  sum(n) AS n, sum(units) AS units, sum(minutes) AS minutes,
  sum(units_sq) AS units_sq, sum(minutes_sq) AS minutes_sq, sum(minutes_units) AS minutes_units,
  groupUniqArrayIf(toString(person), person != '') AS people
FROM rollup_hours
WHERE ` + and(inWorkspace, inPeriod, inCurrent, "NOT assisted AND workflow != ''") + `
GROUP BY day, workflow
ORDER BY workflow, day`,
			with(period, "from", date("2026-04-04")),
		},
		"accruals of vendors, of every team": {
			metric.AccrualQuery{Window: window(metric.Scope{Kind: metric.ScopeTeam, Key: "content"}), Vendors: []string{"Agency"}},
			`SELECT day, team, workflow, vendor, category, currency, charge_category, unit, measured,
  sum(n) AS n, sum(month_n) AS month_n, sum(final_n) AS final_n, sum(billed) AS billed, sum(quantity) AS quantity
FROM rollup_accrual
WHERE ` + and(inWorkspace, inPeriod, inCurrent) + `
  AND vendor IN {vendors:Array(String)}
GROUP BY day, team, workflow, vendor, category, currency, charge_category, unit, measured
ORDER BY day, team, workflow, vendor, category, currency, charge_category, unit, measured`,
			with(period, "vendors", []string{"Agency"}),
		},
		"deals that experiments name": {
			metric.LinksQuery{Window: window(org)},
			`SELECT DISTINCT experiment, variant, metric, deal
FROM rollup_links
WHERE ` + and(inWorkspace, inCurrent) + `
  AND deal IN (
    SELECT deal FROM rollup_deals
    WHERE ` + and(inWorkspace, inDecided, inCurrent) + `
      AND status = 'won'
  )
ORDER BY deal, experiment, metric, variant`,
			period,
		},
		"spend of a workflow": {
			metric.SpendQuery{Window: window(metric.Scope{Kind: metric.ScopeWorkflow, Key: "post"})},
			`SELECT day, team, workflow, vendor, category, currency, sum(n) AS n, sum(billed) AS billed
FROM rollup_spend
WHERE ` + and(inWorkspace, inPeriod, "workflow = {key:String}", inCurrent) + `
GROUP BY day, team, workflow, vendor, category, currency
ORDER BY day, team, workflow, vendor, category, currency`,
			with(period, "key", "post"),
		},
		"deals decided": {
			metric.DealsQuery{Window: window(org), Basis: metric.Decided},
			`SELECT deal, day, team, workflow, stage, status, amount, currency, created_at, decided_at, decided_day, assisted, margin, experiment
FROM rollup_deals
WHERE ` + and(inWorkspace, inDecided, inCurrent) + `
ORDER BY day, deal`,
			period,
		},
		"deals created": {
			metric.DealsQuery{Window: window(org), Basis: metric.Created},
			`SELECT deal, day, team, workflow, stage, status, amount, currency, created_at, decided_at, decided_day, assisted, margin, experiment
FROM rollup_deals
WHERE ` + and(inWorkspace, inPeriod, inCurrent) + `
ORDER BY day, deal`,
			period,
		},
		"one trial, to as-of": {
			metric.TrialQuery{Window: window(org), Trial: "metr"},
			`SELECT trial, day, team, workflow, person, assisted, units, doing_minutes, prompting_minutes, review_minutes, rework_minutes,
  correction_minutes, estimate_unassisted_minutes, estimate_assisted_minutes
FROM rollup_trials
WHERE ` + and(inWorkspace, inCurrent, "trial = {trial:String}") + `
ORDER BY trial, day, identity`,
			with(basic, "trial", "metr"),
		},
		"all experiments, to as-of": {
			metric.ConversionsQuery{Window: window(org)},
			`SELECT experiment, variant, metric, sum(cell_n) AS n, sum(cell_exposures) AS exposures, sum(cell_conversions) AS conversions,
  sum(cell_deal_n) AS deal_n, groupArray(toString(currency)) AS currencies, groupArray(cell_value) AS values, groupArray(cell_squares) AS squares,
  min(cell_first) AS first_day, max(cell_last) AS last_day
FROM (
  SELECT experiment, variant, metric, currency, sum(n) AS cell_n, sum(exposures) AS cell_exposures, sum(conversions) AS cell_conversions,
    sum(deal_n) AS cell_deal_n, sum(value) AS cell_value, sum(value_squares) AS cell_squares, min(day) AS cell_first, max(day) AS cell_last
  FROM rollup_conversions
  WHERE ` + and(inWorkspace, inCurrent) + `
  GROUP BY experiment, variant, metric, currency
  ORDER BY experiment, metric, variant, currency
)
GROUP BY experiment, variant, metric
ORDER BY experiment, metric, variant`,
			basic,
		},
	} {
		sql, args := c.query.SQL()
		if sql != c.sql {
			t.Errorf("%s: got\n%s\nwant\n%s", name, sql, c.sql)
		}
		if !reflect.DeepEqual(args, c.args) {
			t.Errorf("%s: got %v, want %v", name, args, c.args)
		}
	}
}

func TestWeekOf(t *testing.T) {
	for day, monday := range map[string]string{
		"2026-11-01": "2026-10-26", // a Sunday
		"2026-11-02": "2026-11-02", // a Monday
		"2027-01-01": "2026-12-28", // week 53
	} {
		if got := metric.WeekOf(day); got != monday {
			t.Errorf("%s is in the week of %s, want %s", day, got, monday)
		}
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range metric.Catalogue() {
		if seen[d.Key] || d.Title == "" || d.Formula == "" || d.About == "" || d.Unit == "" || d.Pillar == "" || d.Version == "" || d.Adds == "" || d.Direction == "" {
			t.Errorf("%s stands twice or lacks a text: %+v", d.Key, d)
		}
		seen[d.Key] = true
	}
}

func at(day string) time.Time { return date(day).Time }

func ExampleExact() {
	fmt.Println(metric.ExactOf(decimalOf("20.52022672899")).Text())
	// Output: 20.52022672899
}
