package demo

import (
	"fmt"
	"time"

	"plumbline/pkg/event"
)

const (
	// busy is the chance that a person records work on a day.
	busy = .2
	// withoutAI is the share of recorded work in measured workflows that is done without AI.
	withoutAI = .2
	// taskSpread is the spread of the minutes of equal tasks.
	taskSpread = .35
	// trialTasks is the number of tasks of the time trial at size 1, half of them with AI.
	trialTasks = 48
	// expectedFaster is by how much people forecast to be faster with AI.
	expectedFaster = .24
)

// TrialKey is the randomised time trial of the organisation.
const TrialKey = "sales_deck_trial"

// hours are the pieces of work: what tracks time in the organisation's tools.
func (o *Organisation) hours(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "hours")
	source := o.source("time-tracker")
	n := 0
	for day := range o.workdays() {
		for _, p := range o.people {
			if p.leader || !d.chance(busy) {
				continue
			}
			w := o.pick(d, p.team)
			e := o.work(d, w, p, d.officeHours(day))
			if n++; !o.past(e.Time) {
				continue
			}
			e.ID, e.Source = fmt.Sprintf("work-%06d", n), source
			if !yield(e) {
				return false
			}
		}
	}
	return true
}

// The baseline study: how many pieces of work of each measured workflow are timed, from how many days before the end of
// the history, over how many days. A measured baseline looks back 180 days, so all of the study counts for each of the
// last 90 days.
const (
	studyTasks = 14
	studyBack  = 155
	studyDays  = 56
)

// study is unassisted work that was timed on purpose, so that every workflow that claims a measured baseline has one
// for the last 90 days.
func (o *Organisation) study(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "study")
	first := event.DayOf(o.cfg.Until).AddDate(0, 0, -studyBack)
	for i := range o.workflows {
		w := &o.workflows[i]
		if w.baseline != measured {
			continue
		}
		var team []person
		for _, p := range o.people {
			if p.team == w.team && !p.leader {
				team = append(team, p)
			}
		}
		for k := range studyTasks {
			units := 1 + d.IntN(w.most)
			p := team[d.IntN(len(team))]
			t := d.officeHours(first.AddDate(0, 0, k*studyDays/studyTasks))
			e := Event{
				ID: fmt.Sprintf("%s-%02d", w.key, k+1), Source: o.source("baseline-study"), Time: t,
				Data: &event.HoursSaved{
					Common: event.Common{Workflow: w.key, Team: w.team, Person: p.id, Evidence: "measured"},
					Units:  new(event.NumberOf(int64(units))), Assisted: new(false),
					DoingMinutes: minutes(float64(units) * w.unassisted * d.spread(taskSpread)),
				},
			}
			if !t.Before(o.start) && o.past(t) && !yield(e) {
				return false
			}
		}
	}
	return true
}

// pick draws one of the team's workflows by weight.
func (o *Organisation) pick(d draws, team string) *workflow {
	total := 0.
	for _, w := range o.workflows {
		if w.team == team {
			total += w.weight
		}
	}
	x := d.Float64() * total
	var last *workflow
	for i := range o.workflows {
		w := &o.workflows[i]
		if w.team != team {
			continue
		}
		if last = w; x < w.weight {
			break
		}
		x -= w.weight
	}
	return last
}

// work draws one piece of work. In the trial's workflow all work outside the trial is done with AI.
func (o *Organisation) work(d draws, w *workflow, p person, t time.Time) Event {
	units := 1 + d.IntN(w.most)
	h := &event.HoursSaved{
		Common:   event.Common{Workflow: w.key, Team: p.team, Person: p.id, Tool: "writer", Evidence: "self_reported"},
		Units:    new(event.NumberOf(int64(units))),
		Assisted: new(true),
	}
	if w.baseline == measured && d.chance(withoutAI) {
		h.Assisted = new(false)
		h.Tool, h.Evidence = "", "measured"
		h.DoingMinutes = minutes(float64(units) * w.unassisted * d.spread(taskSpread))
		return Event{Time: t, Data: h}
	}
	total := float64(units) * w.unassisted * d.spread(taskSpread)
	h.DoingMinutes = minutes(total * w.doing)
	h.PromptingMinutes = minutes(total * w.prompting)
	h.ReviewMinutes = minutes(total * w.review)
	if w.rework > 0 {
		h.ReworkMinutes = minutes(total * w.rework)
	}
	if w.correction > 0 {
		h.CorrectionMinutes = minutes(total * w.correction)
	}
	h.Quality = new(uint8(3 + d.IntN(3)))
	return Event{Time: t, Data: h}
}

// timeTrial are the tasks of the randomised trial: forecast before, assigned by a coin, measured after.
func (o *Organisation) timeTrial(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "trial")
	w := o.workflow(slowerTrial)
	var team []person
	for _, p := range o.people {
		if p.team == w.team && !p.leader {
			team = append(team, p)
		}
	}
	tasks := int(trialTasks * max(1, o.cfg.Size))
	// In the middle of the history, three tasks a day.
	first := o.start.AddDate(0, 0, o.cfg.Days/3)
	ratio := w.assisted() / w.unassisted
	for i := range tasks {
		p := team[i%len(team)]
		// How big the task is shows in the forecast; the forecast knows it up to some noise.
		size := w.unassisted * d.spread(.5)
		forecast := size * d.spread(.15)
		assisted := d.Perm(2)[0] == 0
		took := size * d.spread(.2)
		h := &event.HoursSaved{
			Common:                    event.Common{Workflow: w.key, Team: w.team, Person: p.id, Evidence: "measured"},
			Assisted:                  new(assisted),
			Task:                      fmt.Sprintf("deck-%03d", i+1),
			Trial:                     TrialKey,
			EstimateUnassistedMinutes: minutes(forecast),
			EstimateAssistedMinutes:   minutes(forecast * (1 - expectedFaster) * d.spread(.1)),
		}
		if assisted {
			h.Tool = "writer"
			took *= ratio
			h.PromptingMinutes = minutes(took * .12)
			took *= .88
		}
		h.DoingMinutes = minutes(took * .85)
		h.ReviewMinutes = minutes(took * .15)
		t := d.officeHours(first.AddDate(0, 0, i/3))
		if !o.past(t) {
			continue
		}
		if !yield(Event{ID: h.Task, Source: o.source("trial"), Time: t, Subject: h.Task, Data: h}) {
			return false
		}
	}
	return true
}
