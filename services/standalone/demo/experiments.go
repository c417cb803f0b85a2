package demo

import (
	"fmt"
	"time"

	"plumbline/pkg/event"
)

// experiment is a test of AI-made against usual material, with its truth.
type experiment struct {
	key, name, team, workflow string
	start                     time.Time
	days                      int
	perDay                    float64 // exposures a day, all arms
	plannedN                  uint64
	margin                    float64
	share                     map[string]float64 // how exposures are really split
	rate                      map[string]float64 // true conversion rates
	sequential                bool
}

// Variants of every experiment.
const (
	control   = "usual"
	treatment = "ai"
)

// planExperiments are four: a clear winner, one without any effect, one that is still running, and one whose split is
// broken, so that no lift may be read from it.
func (o *Organisation) planExperiments() []experiment {
	even := map[string]float64{control: .5, treatment: .5}
	end := event.DayOf(o.cfg.Until)
	day := func(back int) time.Time { return end.AddDate(0, 0, -back) }
	s := o.cfg.Size
	return []experiment{
		{key: "landing_hero", name: "Landing page hero", team: "performance", workflow: "landing_page", start: day(75), days: 50, perDay: 420 * s, plannedN: uint64(20_000 * s), margin: 38, share: even, rate: map[string]float64{control: .040, treatment: .052}},
		{key: "subject_lines", name: "Subject lines", team: "lifecycle", workflow: "email_campaign", start: day(85), days: 40, perDay: 500 * s, plannedN: uint64(18_000 * s), margin: 12, share: even, rate: map[string]float64{control: .061, treatment: .061}},
		{key: "ad_variants", name: "Ad variants", team: "performance", workflow: "ad_copy", start: day(21), days: 60, perDay: 300 * s, plannedN: uint64(18_000 * s), margin: 21, share: even, rate: map[string]float64{control: .030, treatment: .033}},
		{key: "onboarding_tour", name: "Onboarding tour", team: "product_marketing", workflow: "battlecard", start: day(60), days: 35, perDay: 350 * s, plannedN: uint64(12_000 * s), margin: 25, share: map[string]float64{control: .53, treatment: .47}, rate: map[string]float64{control: .080, treatment: .084}},
	}
}

// conversions are the daily counts of every arm, as an experiment tool reports them.
func (o *Organisation) conversions(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "conversions")
	source := o.source("experiments")
	for _, x := range o.trials {
		for i := range x.days {
			t := x.start.AddDate(0, 0, i).Add(23 * time.Hour)
			for _, variant := range []string{control, treatment} {
				exposures := d.poisson(x.perDay * x.share[variant])
				conversions := d.successes(exposures, x.rate[variant])
				if exposures == 0 || !o.past(t) {
					continue
				}
				e := Event{
					ID: fmt.Sprintf("%s-%s-%s", x.key, variant, t.Format(time.DateOnly)), Source: source, Time: t, Subject: x.key,
					Data: &event.Conversion{
						Common:     event.Common{Workflow: x.workflow, Team: x.team, Evidence: "system"},
						Experiment: x.key, Variant: variant,
						Exposures: new(uint64(exposures)), Conversions: new(uint64(conversions)),
					},
				}
				if !yield(e) {
					return false
				}
			}
		}
	}
	return true
}
