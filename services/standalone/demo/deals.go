package demo

import (
	"fmt"
	"math"
	"time"

	"plumbline/pkg/event"
)

const (
	// dealsADay is the mean number of deals that are opened on a working day at size 1.
	dealsADay = 3.2
	// assistedShare is the share of deals in which AI had a part.
	assistedShare = .45
	// The true win rates. Assisted deals are chosen by people, not by a coin: the difference is no effect of AI alone.
	winAssisted, winUnassisted = .34, .27
	// cycleDays is the mean time to a decision, assisted 10 % faster; cycleSpread its lognormal spread.
	cycleDays   = 36
	cycleSpread = .55
	// dealMargin is the share of the amount that stays.
	dealMargin = .32
)

// deals are the deals as the CRM reports them: one change when a deal is opened, one on the way, one when it is decided.
func (o *Organisation) deals(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "deals")
	n := 0
	for day := range o.workdays() {
		for range d.poisson(dealsADay * o.cfg.Size) {
			n++
			for _, e := range o.deal(d, n, d.officeHours(day)) {
				if o.past(e.Time) && !yield(e) {
					return false
				}
			}
		}
	}
	return true
}

// deal draws the changes of one deal.
func (o *Organisation) deal(d draws, n int, created time.Time) []Event {
	key := fmt.Sprintf("deal-%05d", n)
	assisted := d.chance(assistedShare)
	win, cycle := winUnassisted, float64(cycleDays)
	if assisted {
		win, cycle = winAssisted, .9*cycleDays
	}
	days := cycle * d.spread(cycleSpread)
	decided := created.Add(time.Duration(days * 24 * float64(time.Hour)))
	amount := math.Round(9_000*d.spread(.6)/50) * 50
	status := "lost"
	if d.chance(win) {
		status = "won"
	}
	change := func(stage, status string, t time.Time, sequence uint64) Event {
		p := &event.Pipeline{
			Common: event.Common{Team: "product_marketing", Workflow: slowerTrial, Evidence: "system"},
			Deal:   key, Stage: stage, Status: status,
			Amount: money(amount), Currency: Currency, CreatedAt: at(created),
			Assisted: new(assisted), Margin: number(dealMargin), Sequence: new(sequence),
		}
		if status != "open" {
			p.ClosedAt = at(t)
		}
		if assisted {
			p.Touches = o.touches(created, days, t)
		}
		return Event{ID: fmt.Sprintf("%s-%d", key, sequence), Source: o.source("crm"), Time: t, Subject: key, Data: p}
	}
	return []Event{
		change("Qualified", "open", created, 0),
		change("Proposal", "open", created.Add(decided.Sub(created)/3), 1),
		change(map[string]string{"won": "Won", "lost": "Lost"}[status], status, decided, 2),
	}
}

// touches are the contacts of AI workflows with a deal until t: the first, the lead, the opportunity, a late one.
func (o *Organisation) touches(created time.Time, days float64, t time.Time) event.Touches {
	var out event.Touches
	for _, c := range []struct {
		workflow, role string
		share          float64
	}{{"blog_article", "first", 0}, {"webinar_summary", "lead", .2}, {slowerTrial, "opportunity", .33}, {"battlecard", "other", .6}} {
		when := created.Add(time.Duration(c.share * days * 24 * float64(time.Hour)))
		if !when.After(t) {
			out = append(out, event.Touch{Workflow: c.workflow, At: *at(when), Role: c.role})
		}
	}
	return out
}
