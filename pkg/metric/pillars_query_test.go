package metric_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"plumbline/pkg/metric"
)

// The texts of the queries of the pillars.
func TestPillarSQL(t *testing.T) {
	team := window(metric.Scope{Kind: metric.ScopeTeam, Key: "content"})
	basic := map[string]any{"workspace": "w", "generation": uint64(7), "to": date("2026-11-01")}
	with := func(more map[string]any) map[string]any {
		out := maps.Clone(basic)
		maps.Copy(out, more)
		return out
	}
	const inTo = "day < {to:Date32}"
	for name, c := range map[string]struct {
		query interface {
			SQL() (string, map[string]any)
		}
		sql  string
		args map[string]any
	}{
		"coverage, of all teams and the ninety days": {
			metric.CoverageQuery{Window: team},
			"SELECT kind, team, workflow, n FROM (\n" + strings.Join([]string{
				coverageArm("hours", "rollup_hours"), coverageArm("vendor", "rollup_spend"), coverageArm("conversion", "rollup_conversions"), coverageArm("pipeline", "rollup_changes"),
			}, "\nUNION ALL\n") + "\n)\nORDER BY kind, team, workflow",
			with(map[string]any{"from": date("2026-08-03")}),
		},
		"barriers, from the first day on": {
			metric.BarriersQuery{Window: team},
			`SELECT day, at, barrier, category, action, team, workflow, person, owner, minutes_lost
FROM rollup_barriers
WHERE ` + and(inWorkspace, inTo, inCurrent) + `
ORDER BY at, identity`,
			basic,
		},
		"answers, with those of the year before": {
			metric.AnswersQuery{Window: team},
			`SELECT wave, role, person, roi_provable, time_went_to, satisfaction, confidence, at, day, team, workflow
FROM rollup_answers
WHERE ` + and(inWorkspace, inPeriod, inCurrent) + `
ORDER BY at, identity`,
			with(map[string]any{"from": date("2025-10-01")}),
		},
		"training, of everybody": {
			metric.TrainingQuery{Window: team, Rated: metric.Rated{Persons: []string{"p"}, As: []string{"p"}}},
			`SELECT day, team, workflow, transform(toString(person), {persons:Array(String)}, {stand_for:Array(String)}, '') AS rated_person,
  sum(hours_n) AS n, sum(t.hours) AS hours, groupUniqArrayIf(toString(person), person != '') AS people
FROM rollup_training AS t
WHERE ` + and(inWorkspace, inPeriod, inCurrent, "t.hours > 0") + `
GROUP BY day, team, workflow, rated_person
ORDER BY day, team, workflow, rated_person`,
			with(map[string]any{"from": date("2026-10-01"), "persons": []string{"p"}, "stand_for": []string{"p"}}),
		},
		"learners of the year": {
			metric.LearnersQuery{Window: team},
			`SELECT toString(t.person) AS person, team, workflow, max(day) AS last_day, sumIf(t.hours, day >= {begin:Date32}) AS hours,
  toBool(countIf(day >= {year:Date32} AND (completed_n > 0 OR t.hours > 0)) > 0) AS trained
FROM rollup_training AS t
WHERE ` + and(inWorkspace, inPeriod, inCurrent, "purpose = 'training' AND t.person != ''") + `
GROUP BY person, team, workflow
ORDER BY person, team, workflow`,
			with(map[string]any{"from": date("2025-11-01"), "year": date("2025-11-01"), "begin": date("2026-10-01")}),
		},
	} {
		sql, args := c.query.SQL()
		if sql != c.sql {
			t.Errorf("%s: got\n%s\nwant\n%s", name, sql, c.sql)
		}
		if fmt.Sprint(args) != fmt.Sprint(c.args) {
			t.Errorf("%s: got %v, want %v", name, args, c.args)
		}
	}
	// Rounds of the 400 days before count, and no later day is too late to tell of a decision in the period.
	sql, args := metric.ReviewsQuery{Window: team}.SQL()
	if want := and(inWorkspace, "day >= {from:Date32}", inCurrent); !strings.Contains(sql, "FROM rollup_reviews\n    WHERE "+want+"\n      AND submitted_day < {end:Date32}") {
		t.Errorf("reviews: %s", sql)
	}
	if args["from"] != date("2025-08-27") || args["begin"] != date("2026-10-01") || args["end"] != date("2026-11-01") {
		t.Errorf("reviews: %v", args)
	}
}

func coverageArm(kind, table string) string {
	return "SELECT '" + kind + "' AS kind, toString(team) AS team, toString(workflow) AS workflow, sum(n) AS n\nFROM " + table +
		"\nWHERE " + and(inWorkspace, inPeriod, inCurrent) + "\nGROUP BY team, workflow"
}
