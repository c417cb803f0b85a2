package demo

import (
	"fmt"
	"time"

	"plumbline/pkg/event"
)

// The shares of leaders and of ICs who say that the return of AI can be proved, in truth.
const (
	leadersBelieve = .62
	icsBelieve     = .12
)

// reviews are the rounds of review of what was made: slow ones, legal slowest, some still open.
func (o *Organisation) reviews(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "reviews")
	n := 0
	for day := range o.workdays() {
		for range d.poisson(1.6 * o.cfg.Size) {
			n++
			p := o.people[d.IntN(len(o.people))]
			w := o.pick(d, p.team)
			asset := fmt.Sprintf("asset-%05d", n)
			reviewer, meanHours := "brand", 30.
			switch {
			case d.chance(.2):
				reviewer, meanHours = "legal", 78
			case d.chance(.15):
				reviewer, meanHours = "compliance", 60
			}
			submitted := d.officeHours(day)
			for round := uint16(1); round <= 3; round++ {
				decided := submitted.Add(time.Duration(meanHours * d.spread(.7) * float64(time.Hour)))
				r := &event.Review{
					Common: event.Common{Workflow: w.key, Team: p.team, Evidence: "system"},
					Asset:  asset, Reviewer: reviewer, SubmittedAt: *at(submitted), Round: new(round),
				}
				approved := d.chance(.58) || round == 3
				if !o.past(submitted) {
					break
				}
				e := Event{ID: fmt.Sprintf("%s-%d", asset, round), Source: o.source("reviews"), Time: submitted, Subject: asset, Data: r}
				if o.past(decided) {
					r.DecidedAt, r.Decision = at(decided), "changes_requested"
					if approved {
						r.Decision = "approved"
					}
					r.TouchMinutes = minutes(12 * d.spread(.5))
					e.Time = decided
				}
				if !yield(e) {
					return false
				}
				if approved || r.DecidedAt == nil {
					break
				}
				submitted = decided.Add(time.Duration(float64(6*time.Hour) * d.spread(.5)))
			}
		}
	}
	return true
}

// pulses are two waves of the survey. Each person answers once a wave.
func (o *Organisation) pulses(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "pulses")
	waves := []int{o.cfg.Days * 2 / 5, 12}
	if waves[0] < 20 {
		waves = waves[1:] // a short history has room for one
	}
	for _, back := range waves {
		day := event.DayOf(o.cfg.Until).AddDate(0, 0, -back)
		wave := "wave-" + day.Format(time.DateOnly)
		for i, p := range o.people {
			role, believe := "ic", icsBelieve
			if p.leader {
				role, believe = "leader", leadersBelieve
			}
			a := &event.Pulse{
				Common: event.Common{Team: p.team, Person: p.id},
				Wave:   wave, Role: role, ROIProvable: "yes",
				Satisfaction: new(uint8(2 + d.IntN(3))), Confidence: new(uint8(1 + d.IntN(5))),
				TimeWentTo: []string{"more_output", "more_output", "quality", "growth_work", "admin", "nothing"}[d.IntN(6)],
			}
			if !d.chance(believe) {
				a.ROIProvable = []string{"partly", "no"}[d.IntN(2)]
			}
			answered := d.officeHours(day.AddDate(0, 0, d.IntN(5)))
			if d.chance(.12) || !o.past(answered) {
				continue // did not answer
			}
			if !yield(Event{ID: fmt.Sprintf("%s-%04d", wave, i), Source: o.source("survey"), Time: answered, Data: a}) {
				return false
			}
		}
	}
	return true
}

// trainings are courses: most people take one, not all of them finish it.
func (o *Organisation) trainings(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "training")
	for i, p := range o.people {
		for k, course := range []string{"prompting_basics", "brand_and_ai", "review_criteria"} {
			taken, day := d.chance(.6/float64(k+1)), o.start.AddDate(0, 0, d.IntN(o.cfg.Days))
			t := d.officeHours(day)
			e := Event{
				ID: fmt.Sprintf("%s-%04d", course, i), Source: o.source("learning"), Time: t,
				Data: &event.Training{
					Common: event.Common{Team: p.team, Person: p.id, Evidence: "system"}, Course: course,
					Hours: number(float64(2 + d.IntN(5))), Completed: new(d.chance(.85)),
				},
			}
			if taken && o.past(t) && !yield(e) {
				return false
			}
		}
	}
	return true
}

// barriers are what is in the way, as people report it: often enough that each is reported by enough people to be shown.
func (o *Organisation) barriers(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "barriers")
	kinds := []struct {
		key, category, note string
		lost                float64
		owner               string
	}{
		{"legal_review_queue", "review_delay", "two days until legal looks at it", 95, "product_marketing-lead-1@demo.example"},
		{"unclear_policy", "policy", "may customer names go into prompts?", 40, ""},
		{"brand_voice_drift", "quality", "the drafts don't sound like us", 55, "content-lead-1@demo.example"},
		{"no_licence", "access", "waiting for a seat", 70, "web-lead-2@demo.example"},
		{"prompts_not_shared", "prompting", "everybody starts from nothing", 30, ""},
	}
	n := 0
	for day := range o.workdays() {
		for range d.poisson(8 * o.cfg.Size) {
			n++
			k := kinds[d.IntN(len(kinds))]
			p := o.people[d.IntN(len(o.people))]
			w := o.pick(d, p.team)
			b := &event.Barrier{
				Common:  event.Common{Workflow: w.key, Team: p.team, Person: p.id},
				Barrier: k.key, Category: k.category, Note: k.note, Owner: k.owner,
				MinutesLost: minutes(k.lost * d.spread(.5)), Action: "report",
			}
			if d.chance(.2) {
				b.Action = "support"
			}
			t := d.officeHours(day)
			if o.past(t) && !yield(Event{ID: fmt.Sprintf("barrier-%05d", n), Source: o.source("barriers"), Time: t, Data: b}) {
				return false
			}
		}
	}
	return true
}
