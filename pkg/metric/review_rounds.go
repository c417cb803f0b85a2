package metric

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// begin is the first day on which a round can stand that matters.
func (q ReviewsQuery) begin() event.Day { return event.Day{Time: q.From.AddDate(0, 0, -ReviewDays)} }

// roundPart is one round of a review.
type roundPart struct {
	Day         time.Time        `ch:"day"`
	At          time.Time        `ch:"at"`
	Identity    [16]byte         `ch:"identity"`
	Team        string           `ch:"team"`
	Workflow    string           `ch:"workflow"`
	Person      string           `ch:"person"`
	Asset       string           `ch:"asset"`
	Reviewer    string           `ch:"reviewer"`
	Round       uint16           `ch:"round"`
	SubmittedAt time.Time        `ch:"submitted_at"`
	Submitted   time.Time        `ch:"submitted_day"`
	DecidedAt   *time.Time       `ch:"decided_at"`
	DecidedDay  *time.Time       `ch:"decided_day"`
	Decision    string           `ch:"decision"`
	Touch       *decimal.Decimal `ch:"touch_minutes"`
}

// Parts are the rounds of whole days.
func (q ReviewsQuery) Parts() (Parts, bool) {
	where, args := q.listed().where("day")
	sql := `SELECT day, at, identity, team, workflow, person, asset, reviewer, round, submitted_at, submitted_day, decided_at, decided_day, decision, touch_minutes
FROM rollup_reviews
WHERE ` + where + `
ORDER BY day, asset, reviewer, identity`
	parts := partsOf("rollup_reviews", q.begin(), event.Day{}, statement{sql, args}, func(p *roundPart) time.Time { return p.Day })
	parts.Apart = true
	return parts, true
}

// Merge groups the rounds into reviews as they stood at the end of the window: of two events about one round the decided
// one counts, then the later.
func (q ReviewsQuery) Merge(days []any) []ReviewRow {
	type review struct{ asset, reviewer string }
	n := 0
	for _, d := range days {
		n += len(rowsOf[roundPart](d))
	}
	// There are many, and nearly all of one round: those lists are pieces of one.
	single := make([]*roundPart, 0, n)
	places, rounds := make(map[review]int, n), make([][]*roundPart, 0, n)
	for _, d := range days {
		parts := rowsOf[roundPart](d)
		for i := range parts {
			p := &parts[i]
			if !p.Submitted.Before(q.To.Time) {
				continue
			}
			of := review{p.Asset, p.Reviewer}
			if at, ok := places[of]; ok {
				rounds[at] = append(rounds[at], p)
				continue
			}
			single = append(single, p)
			places[of], rounds = len(rounds), append(rounds, single[len(single)-1:len(single):len(single)])
		}
	}
	found, order := make([]ReviewRow, 0, len(rounds)), make([]int, 0, len(rounds))
	for _, list := range rounds {
		r := q.review(list)
		if r.Decision == "approved" || r.Decision == "rejected" {
			if !since(r.DecidedDay, q.From) && !since(r.FirstDay, q.From) {
				continue
			}
		}
		r.Asset, r.Reviewer = list[0].Asset, list[0].Reviewer
		found, order = append(found, r), append(order, len(found))
	}
	// Rows are large: their places are sorted, and each is moved once.
	slices.SortFunc(order, func(i, j int) int {
		a, b := &found[i], &found[j]
		return cmp.Or(a.SubmittedAt.Compare(b.SubmittedAt), cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Reviewer, b.Reviewer))
	})
	out := slices.Grow([]ReviewRow(nil), len(order))
	for _, i := range order {
		out = append(out, found[i])
	}
	return out
}

// since tells whether a day is known and not before another.
func since(day *time.Time, begin event.Day) bool { return day != nil && !day.Before(begin.Time) }

// known tells whether a round was decided before the end of the window.
func (q ReviewsQuery) known(p *roundPart) bool {
	return p.DecidedDay != nil && p.DecidedDay.Before(q.To.Time)
}

// review is what the rounds of one asset by one kind of reviewer say.
func (q ReviewsQuery) review(rounds []*roundPart) ReviewRow {
	slices.SortFunc(rounds, q.compare)
	var out ReviewRow
	for i, p := range rounds {
		if i == 0 || p.SubmittedAt.Before(out.SubmittedAt) {
			out.SubmittedAt = p.SubmittedAt
		}
		out.Team, out.Workflow = cmp.Or(p.Team, out.Team), cmp.Or(p.Workflow, out.Workflow)
		if p.Person != "" && !slices.Contains(out.People, p.Person) {
			out.People = append(out.People, p.Person)
		}
		if p.Touch != nil {
			out.Touch = out.Touch.Add(*p.Touch)
		}
		out.Rounds = p.Round
		out.Decision, out.DecidedAt, out.DecidedDay = "", nil, nil
		if q.known(p) {
			out.Decision, out.DecidedAt, out.DecidedDay = p.Decision, p.DecidedAt, p.DecidedDay
		}
		if p.Round == 1 {
			out.FirstDecision, out.FirstDay = out.Decision, out.DecidedDay
		}
	}
	return out
}

// compare is the order in which what is said about a review counts: the last says how it stands.
func (q ReviewsQuery) compare(a, b *roundPart) int {
	known := 0
	if k := q.known(a); k != q.known(b) {
		known = -1
		if k {
			known = 1
		}
	}
	return cmp.Or(
		cmp.Compare(a.Round, b.Round), known, q.said(a).Compare(q.said(b)), a.At.Compare(b.At), bytes.Compare(a.Identity[:], b.Identity[:]),
	)
}

// said is when the state of a round came about.
func (q ReviewsQuery) said(p *roundPart) time.Time {
	if q.known(p) && p.DecidedAt != nil {
		return *p.DecidedAt
	}
	return p.SubmittedAt
}
