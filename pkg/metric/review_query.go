package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// ReviewDays is how long a review may rest: its rounds are looked for from so many days before the period on. One that
// was not touched for longer counts as given up, and not as open.
const ReviewDays = 400

// ReviewsQuery reads the reviews that matter to a window, of the whole workspace: those with a decision in it, and those
// that are open at its end. Rounds submitted after the window do not count yet, nor do decisions taken after it.
type ReviewsQuery struct{ Window }

// ReviewRow is one review: all rounds of one asset by one kind of reviewer. Its state is that of its last round.
type ReviewRow struct {
	Asset    string `ch:"asset"`
	Reviewer string `ch:"reviewer"`
	// Team and Workflow are those of the last round that names one.
	Team     string   `ch:"team"`
	Workflow string   `ch:"workflow"`
	People   []string `ch:"people"`
	Rounds   uint16   `ch:"rounds"`
	// SubmittedAt is when the first round was submitted.
	SubmittedAt time.Time `ch:"submitted_at"`
	// Decision, DecidedAt and DecidedDay are those of the last round: "", nil and nil where it is not decided.
	Decision   string     `ch:"decision"`
	DecidedAt  *time.Time `ch:"decided_at"`
	DecidedDay *time.Time `ch:"decided_day"`
	// FirstDecision and FirstDay are those of round 1.
	FirstDecision string          `ch:"first_decision"`
	FirstDay      *time.Time      `ch:"first_day"`
	Touch         decimal.Decimal `ch:"touch_minutes"`
}

// SQL is the query and its parameters. Of two events about one round the decided one counts, then the later.
func (q ReviewsQuery) SQL() (string, map[string]any) {
	w := q.Window
	w.Scope, w.From, w.To = Scope{Kind: ScopeOrg}, q.begin(), event.Day{}
	where, args := w.where("day")
	args["begin"], args["end"] = q.From, q.To
	return `SELECT asset, reviewer, team, workflow, people, rounds, submitted_at, decision, decided_at, decided_day, first_decision, first_day, touch_minutes
FROM (
  SELECT asset, reviewer,
    argMax(toString(r.team), (r.team != '', place)) AS team,
    argMax(toString(r.workflow), (r.workflow != '', place)) AS workflow,
    groupUniqArrayIf(toString(r.person), r.person != '') AS people,
    max(r.round) AS rounds,
    min(r.submitted_at) AS submitted_at,
    argMax(r.said, place) AS decision,
    argMax(tuple(r.at_last), place).1 AS decided_at,
    argMax(tuple(r.day_last), place).1 AS decided_day,
    argMaxIf(r.said, place, r.round = 1) AS first_decision,
    argMaxIf(tuple(r.day_last), place, r.round = 1).1 AS first_day,
    sum(ifNull(r.touch_minutes, 0)) AS touch_minutes
  FROM (
    SELECT *, ifNull(decided_day < {end:Date32}, false) AS known,
      if(known, toString(decision), '') AS said, if(known, decided_at, NULL) AS at_last, if(known, decided_day, NULL) AS day_last,
      (round, known, ifNull(at_last, submitted_at), at, identity) AS place
    FROM rollup_reviews
    WHERE ` + where + `
      AND submitted_day < {end:Date32}
  ) AS r
  GROUP BY asset, reviewer
)
WHERE decision NOT IN ('approved', 'rejected') OR decided_day >= {begin:Date32} OR first_day >= {begin:Date32}
ORDER BY submitted_at, asset, reviewer`, args
}
