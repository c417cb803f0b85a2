package scorecard

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// reviewText is what a review is at the end of a window, as a text.
func reviewText(r metric.ReviewRow) string {
	at := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	slices.Sort(r.People)
	return fmt.Sprint(r.Asset, " ", r.Reviewer, " ", r.Team, " ", r.Workflow, " ", r.People, " ", r.Rounds, " ", at(&r.SubmittedAt), " ", r.Decision, " ",
		at(r.DecidedAt), " ", at(r.DecidedDay), " ", r.FirstDecision, " ", at(r.FirstDay), " ", r.Touch)
}

// modelled folds the rounds of one review in Go: those submitted before the end, with the decisions taken before it.
func modelled(rounds []event.Stored, from, to event.Day) (metric.ReviewRow, bool) {
	dayOf := func(t time.Time) time.Time { return event.DayOf(t).Time }
	type round struct {
		*event.Review
		stored event.Stored
		known  bool
	}
	var list []round
	for _, s := range rounds {
		r := s.Data.(*event.Review)
		if dayOf(r.SubmittedAt.Time).Before(to.Time) {
			list = append(list, round{r, s, r.DecidedAt != nil && dayOf(r.DecidedAt.Time).Before(to.Time)})
		}
	}
	if len(list) == 0 {
		return metric.ReviewRow{}, false
	}
	moment := func(r round) time.Time {
		if r.known {
			return r.DecidedAt.Time
		}
		return r.SubmittedAt.Time
	}
	one := map[bool]int{true: 1}
	slices.SortFunc(list, func(a, b round) int {
		return cmp.Or(cmp.Compare(*a.Round, *b.Round), one[a.known]-one[b.known], moment(a).Compare(moment(b)), a.stored.Time.Compare(b.stored.Time),
			bytes.Compare(a.stored.Identity[:], b.stored.Identity[:]))
	})
	out := metric.ReviewRow{Asset: list[0].Asset, Reviewer: list[0].Reviewer, SubmittedAt: list[0].SubmittedAt.Time}
	people := map[string]bool{}
	for _, r := range list {
		out.Team, out.Workflow = cmp.Or(r.Team, out.Team), cmp.Or(r.Workflow, out.Workflow)
		out.Rounds = max(out.Rounds, *r.Round)
		if r.SubmittedAt.Before(out.SubmittedAt) {
			out.SubmittedAt = r.SubmittedAt.Time
		}
		if r.Person != "" {
			people[r.Person] = true
		}
		out.Decision, out.DecidedAt, out.DecidedDay = "", nil, nil
		if r.known {
			out.Decision, out.DecidedAt, out.DecidedDay = r.Decision, &r.DecidedAt.Time, new(dayOf(r.DecidedAt.Time))
		}
		if *r.Round == 1 {
			out.FirstDecision, out.FirstDay = out.Decision, out.DecidedDay
		}
	}
	for p := range people {
		out.People = append(out.People, p)
	}
	if out.People == nil {
		out.People = []string{}
	}
	wanted := !out.Final() || !out.DecidedDay.Before(from.Time) || (out.FirstDay != nil && !out.FirstDay.Before(from.Time))
	return out, wanted
}

// The query of reviews is a fold of their rounds, in whatever order they were reported, at the end of whatever window.
func TestReviewsAreFoldedFromTheirRounds(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	random := rand.New(rand.NewPCG(11, 3)) //nolint:gosec // the same draws every time
	hour := func() event.Time {
		return event.Time{Time: day("2026-09-20").Add(time.Duration(random.IntN(40*24)) * time.Hour)}
	}
	byReview := map[string][]event.Stored{}
	var events []event.Stored
	for i := range 400 {
		r := &event.Review{
			Asset: fmt.Sprint("a", random.IntN(80)), Reviewer: []string{"brand", "legal"}[random.IntN(2)], SubmittedAt: hour(), Round: new(uint16(1 + random.IntN(3))),
		}
		if decided := hour(); !decided.Before(r.SubmittedAt.Time) {
			r.DecidedAt, r.Decision = &decided, []string{"approved", "changes_requested", "rejected"}[random.IntN(3)]
		}
		r.Team, r.Workflow = []string{"", "x", "y"}[random.IntN(3)], []string{"", "w"}[random.IntN(2)]
		r.Person = []string{"", "ann", "bob"}[random.IntN(3)]
		s := b.maker.Stored(t, workspace, "s", fmt.Sprint(i), hour().Time, r)
		key := r.Asset + "/" + r.Reviewer
		byReview[key], events = append(byReview[key], s), append(events, s)
	}
	b.insert(events...)
	for _, w := range [][2]string{{"2026-10-01", "2026-10-15"}, {"2026-09-01", "2026-12-01"}, {"2026-10-20", "2026-10-21"}} {
		from, to := event.Day{Time: day(w[0])}, event.Day{Time: day(w[1])}
		sql, args := metric.ReviewsQuery{Window: metric.Window{Workspace: workspace, Generation: math.MaxInt64, From: from, To: to}}.SQL()
		var rows []metric.ReviewRow
		if err := b.db.Query(t.Context(), sql, args, &rows); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, r := range rows {
			got = append(got, reviewText(r))
		}
		for _, rounds := range byReview {
			if r, wanted := modelled(rounds, from, to); wanted {
				want = append(want, reviewText(r))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if len(want) < 20 {
			t.Errorf("%v: only %d reviews: the draws try nothing", w, len(want))
		}
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("%v:\n got %s\nwant %s", w, got[i], want[i])
					break
				}
			}
			t.Errorf("%v: %d reviews, want %d", w, len(got), len(want))
		}
	}
}
