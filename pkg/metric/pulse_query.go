package metric

import (
	"time"

	"plumbline/pkg/event"
)

// AnswerDays is how long the answers of a wave say where the time goes.
const AnswerDays = 365

// AnswersQuery reads the answers to the survey in a window and in the [AnswerDays] before it, of the whole workspace. Rows
// come in the order of time.
type AnswersQuery struct{ Window }

// SQL is the query and its parameters.
func (q AnswersQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope, w.From = Scope{Kind: ScopeOrg}, event.Day{Time: w.From.AddDate(0, 0, -AnswerDays)}
	where, args := w.where("day")
	return `SELECT wave, role, person, roi_provable, time_went_to, satisfaction, confidence, at, day, team, workflow
FROM rollup_answers
WHERE ` + where + `
ORDER BY at, identity`, args
}

// Parts are the answers of whole days.
func (q AnswersQuery) Parts() (Parts, bool) {
	return partsOf("rollup_answers", event.Day{Time: q.From.AddDate(0, 0, -AnswerDays)}, q.To, AnswersQuery{q.listed()}, func(r *PulseRow) time.Time { return r.Day }), true
}

// Merge puts the answers in the order of time.
func (q AnswersQuery) Merge(days []any) []PulseRow {
	return inTime(pick[PulseRow](days, nil), func(r *PulseRow) time.Time { return r.Time })
}

// In are the answers of a period and scope.
func (s Scope) In(rows []PulseRow, from, to event.Day) []PulseRow {
	var out []PulseRow
	for _, r := range rows {
		if within(&r.Day, from, to) && s.Holds(r.Team, r.Workflow) {
			out = append(out, r)
		}
	}
	return out
}

// Waves are the waves of answers, in the order in which they were last answered, each with one answer of each person.
func Waves(rows []PulseRow) []Wave {
	var out []Wave
	for rest := rows; len(rest) > 0; {
		w := LatestWave(rest)
		out = append([]Wave{w}, out...)
		var others []PulseRow
		for _, r := range rest {
			if r.Wave != w.Key {
				others = append(others, r)
			}
		}
		rest = others
	}
	return out
}

// Of is the wave with the answers for which a condition holds.
func (w Wave) Of(is func(PulseRow) bool) Wave {
	out := Wave{Key: w.Key}
	for _, a := range w.Answers {
		if is(a) {
			out.Answers = append(out.Answers, a)
		}
	}
	return out
}
