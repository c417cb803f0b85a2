package demo

import (
	"time"

	"plumbline/pkg/event"
)

// Truth is what really holds in the organisation, which no event says.
type Truth struct {
	// NetHours is the time that assisted work really saved in the period, in workflows whose baseline can be known;
	// negative parts count.
	NetHours float64
	// Lift is the true absolute lift of each experiment's treatment.
	Lift map[string]float64
	// WinRate is the true share of decided deals that are won, over assisted and other deals in their true proportion.
	WinRate float64
	// TrialRatio is the true ratio of minutes with AI to minutes without, minus 1, in the time trial.
	TrialRatio float64
	// VendorSavings is price really paid minus billed, for the displaceable vendors with a baseline, of the charge
	// periods that lie whole in the period.
	VendorSavings float64
	// LeadersBelieve and ICsBelieve are the true shares who say that the return can be proved.
	LeadersBelieve, ICsBelieve float64
}

// Truth computes the truth of the half-open period [from, to).
func (o *Organisation) Truth(from, to time.Time) Truth {
	t := Truth{
		Lift:           map[string]float64{},
		WinRate:        assistedShare*winAssisted + (1-assistedShare)*winUnassisted,
		LeadersBelieve: leadersBelieve, ICsBelieve: icsBelieve,
	}
	for _, x := range o.trials {
		t.Lift[x.key] = x.rate[treatment] - x.rate[control]
	}
	slow := o.workflow(slowerTrial)
	t.TrialRatio = slow.assisted()/slow.unassisted - 1
	o.netHours(from, to, &t)
	o.spend(func(e Event) bool {
		s := e.Data.(*event.VendorSpend)
		if s.ChargePeriodStart.Before(from) || s.ChargePeriodEnd.After(to) {
			return true
		}
		for _, v := range o.vendors {
			if v.name != s.Vendor || !v.displaceable {
				continue
			}
			billed := s.BilledCost.InexactFloat64()
			if v.unit != "" {
				t.VendorSavings += v.before*s.Quantity.InexactFloat64() - billed
			} else {
				t.VendorSavings += v.before*o.cfg.Size - billed
			}
		}
		return true
	})
	return t
}

// netHours adds the net hours: what each piece of assisted work would have taken without AI, less what it took. In the
// workflow of the time trial, what it would have taken is what it took divided by the true ratio.
func (o *Organisation) netHours(from, to time.Time, t *Truth) {
	add := func(e Event) bool {
		h := e.Data.(*event.HoursSaved)
		if !*h.Assisted || e.Time.Before(from) || !e.Time.Before(to) {
			return true
		}
		took := 0.
		for _, m := range []*event.Number{h.DoingMinutes, h.PromptingMinutes, h.ReviewMinutes, h.ReworkMinutes, h.CorrectionMinutes} {
			if m != nil {
				took += m.Float()
			}
		}
		switch w := o.workflow(h.Workflow); w.baseline {
		case unknown:
		case tried:
			t.NetHours += took * (1/(1+t.TrialRatio) - 1) / 60
		default:
			t.NetHours += (h.Units.Float()*w.unassisted - took) / 60
		}
		return true
	}
	o.hours(add)
	o.timeTrial(add)
}
