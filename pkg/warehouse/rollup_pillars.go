package warehouse

import (
	"strings"

	"plumbline/pkg/event"
)

// onLocalDays makes a rollup of one row per event of a kind, on the local day of the event. Of the columns, those that are
// computed stand in computed; the others are columns of the raw rows.
func onLocalDays(table string, kind event.Kind, columns []string, computed map[string]string) rollup {
	read, selected := []string{"time"}, make([]string, len(columns))
	for i, c := range columns {
		if sql, ok := computed[c]; ok {
			selected[i] = sql
			continue
		}
		read, selected[i] = append(read, c), c
	}
	events := rows{kind: kind, where: rawDays, columns: read}
	return rollup{
		table:   table,
		columns: columns,
		concern: concern{kind, rawDays, true, true},
		query: func(a aspect) string {
			return a.head() + strings.Join(selected, ", ") + `
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays()
		},
	}
}

// reviewsRollup has the rounds as they are. What a review is at the end is folded when it is read, over rounds of many
// days: a review that is decided after its first day was sealed would else never be seen again.
func reviewsRollup() rollup {
	return onLocalDays("rollup_reviews", event.KindReview, []string{
		"identity", "at", "team", "workflow", "person", "asset", "reviewer", "round", "submitted_at", "submitted_day", "decided_at", "decided_day",
		"decision", "touch_minutes",
	}, map[string]string{
		"at": "time", "submitted_day": "toDate32(toTimeZone(submitted_at, {zone:String}))", "decided_day": "toDate32(toTimeZone(decided_at, {zone:String}))",
	})
}

func barriersRollup() rollup {
	return onLocalDays("rollup_barriers", event.KindBarrier, []string{
		"identity", "at", "barrier", "category", "action", "team", "workflow", "person", "owner", "minutes_lost",
	}, map[string]string{"at": "time"})
}

func answersRollup() rollup {
	return onLocalDays("rollup_answers", event.KindPulse, []string{
		"identity", "at", "wave", "role", "person", "team", "workflow", "roi_provable", "satisfaction", "confidence", "time_went_to",
	}, map[string]string{"at": "time"})
}

func trainingRollup() rollup {
	events := rows{kind: event.KindTraining, where: rawDays, columns: []string{
		"time", "team", "workflow", "person", "course", "purpose", "hours", "completed",
	}}
	return rollup{
		table:   "rollup_training",
		columns: []string{"team", "workflow", "person", "course", "purpose", "n", "hours", "hours_n", "completed_n"},
		concern: concern{event.KindTraining, rawDays, true, true},
		query: func(a aspect) string {
			// A group in which no event states hours sums to NULL.
			return a.head() + `team, workflow, person, course, purpose, count(), ifNull(sum(hours), 0), countIf(ifNull(hours, 0) > 0), countIf(completed)
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + `
GROUP BY local_day, segment, team, workflow, person, course, purpose`
		},
	}
}

func changesRollup() rollup {
	events := rows{kind: event.KindPipeline, where: rawDays, columns: []string{"time", "team", "workflow"}}
	return rollup{
		table:   "rollup_changes",
		columns: []string{"team", "workflow", "n"},
		concern: concern{event.KindPipeline, rawDays, true, true},
		query: func(a aspect) string {
			return a.head() + `team, workflow, count()
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + `
GROUP BY local_day, segment, team, workflow`
		},
	}
}
