package warehousetest

import (
	"encoding/hex"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// pillarKeys are the columns of the rollups of the pillars, as in [rollupKeys].
func pillarKeys() map[string]string {
	return map[string]string{
		"rollup_reviews": "lower(hex(identity)),at,team,workflow,person,asset,reviewer,round,submitted_at,submitted_day,decided_at,decided_day," +
			"decision,touch_minutes",
		"rollup_training": "team,workflow,person,course,purpose,n,hours,hours_n,completed_n",
		"rollup_barriers": "lower(hex(identity)),at,barrier,category,action,team,workflow,person,owner,minutes_lost",
		"rollup_answers": "lower(hex(identity)),at,wave,role,person,team,workflow,roi_provable,satisfaction,confidence," +
			"time_went_to",
		"rollup_changes": "team,workflow,n",
	}
}

// pillar adds what an event of one of the supporting kinds is in the rollups.
func (g groups) pillar(local string, r event.Stored, zone *time.Location) {
	id := hex.EncodeToString(r.Identity[:])
	switch d := r.Data.(type) {
	case *event.Review:
		decided, decidedDay := any(nil), any(nil)
		if d.DecidedAt != nil {
			decided, decidedDay = d.DecidedAt.Time, d.DecidedAt.In(zone).Format(time.DateOnly)
		}
		g.add(row("rollup_reviews", local, id, r.Time, d.Team, d.Workflow, d.Person, d.Asset, d.Reviewer, int(*d.Round), d.SubmittedAt.Time,
			d.SubmittedAt.In(zone).Format(time.DateOnly), decided, decidedDay, d.Decision, d.TouchMinutes))
	case *event.Training:
		key := row("rollup_training", local, d.Team, d.Workflow, d.Person, d.Course, d.Purpose)
		g.add(key, one(true), quantity(d.Hours), one(d.Hours != nil && *d.Hours > 0), one(*d.Completed))
	case *event.Barrier:
		g.add(row("rollup_barriers", local, id, r.Time, d.Barrier, d.Category, d.Action, d.Team, d.Workflow, d.Person, d.Owner, d.MinutesLost))
	case *event.Pulse:
		g.add(row("rollup_answers", local, id, r.Time, d.Wave, d.Role, d.Person, d.Team, d.Workflow, d.ROIProvable, d.Satisfaction, d.Confidence,
			d.TimeWentTo))
	case *event.Pipeline:
		g.add(row("rollup_changes", local, d.Team, d.Workflow), one(true))
	}
}

// drawPillar draws a review, a training, a barrier or an answer.
func drawPillar(t *rapid.T) event.Data {
	switch rapid.SampledFrom([]event.Kind{event.KindReview, event.KindTraining, event.KindBarrier, event.KindPulse}).Draw(t, "pillar") {
	case event.KindReview:
		r := &event.Review{
			Asset: text(t, "asset", "x", "y"), Reviewer: text(t, "reviewer", "brand", "legal"), SubmittedAt: drawInstant(t, "submitted"),
			Round: maybe(t, "round", func(t *rapid.T, label string) uint16 { return rapid.Uint16Range(1, 3).Draw(t, label) }), TouchMinutes: maybe(t, "touch", drawNumber),
		}
		if decided := drawInstant(t, "decided"); !decided.Before(r.SubmittedAt.Time) {
			r.DecidedAt, r.Decision = &decided, text(t, "decision", "approved", "changes_requested", "rejected")
		}
		return r
	case event.KindBarrier:
		return &event.Barrier{
			Barrier: text(t, "barrier", "b", "c/d"), Category: "policy", MinutesLost: maybe(t, "lost", drawNumber),
			Action: text(t, "action", "", "support", "resolve"), Owner: text(t, "owner", "", "o"),
		}
	case event.KindPulse:
		return &event.Pulse{
			Wave: text(t, "wave", "w1", "w2"), Role: text(t, "role", "leader", "ic"), ROIProvable: text(t, "provable", "yes", "no"),
			Satisfaction: maybe(t, "satisfaction", drawGrade), Confidence: maybe(t, "confidence", drawGrade),
			TimeWentTo: text(t, "time went to", "", "quality", "admin"),
		}
	default:
		return &event.Training{Course: text(t, "course", "c", "d"), Hours: maybe(t, "hours", drawNumber), Completed: maybe(t, "completed", drawBool)}
	}
}

func drawGrade(t *rapid.T, label string) uint8 { return rapid.Uint8Range(1, 5).Draw(t, label) }
