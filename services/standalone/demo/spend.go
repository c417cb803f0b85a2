package demo

import (
	"fmt"
	"math"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// vendor is somebody who sends invoices.
type vendor struct {
	key, name, category, team, workflow string
	// before is the monthly amount, or the price of a unit, that was really paid before AI; 0: no baseline.
	before       float64
	unit         string // empty: a monthly amount
	volume       float64
	displaceable bool
	// monthly is what a month costs, by months since the start of the history (price of a unit where there is one).
	monthly func(month int) float64
}

// vendors are the vendors of the organisation: an agency that shrinks, freelancers that shrink, a translator whose volume
// stays at a lower price, a picture library that got dearer, and the AI tools that are to replace them.
func vendors() []vendor {
	flat := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	return []vendor{
		{key: "northbeam", name: "Northbeam Agency", category: "agency", team: "content", workflow: "blog_article", before: 18_000, displaceable: true, monthly: func(m int) float64 { return 18_000 - 1_100*math.Min(float64(m), 8) }},
		{key: "freelance_pool", name: "Freelance pool", category: "freelance", team: "brand", workflow: "product_image", before: 6_400, displaceable: true, monthly: func(m int) float64 { return 6_400 - 350*math.Min(float64(m), 7) }},
		{key: "linguaworks", name: "LinguaWorks", category: "translation", team: "web", workflow: "page_translation", before: 46, unit: "page", volume: 130, displaceable: true, monthly: flat(29)},
		{key: "pixelvault", name: "PixelVault", category: "stock", team: "brand", before: 1_200, displaceable: true, monthly: func(m int) float64 { return 1_200 + 95*math.Min(float64(m), 6) }},
		{key: "draftsmith", name: "Draftsmith AI", category: "ai_tool", team: "content", monthly: flat(2_940)},
		{key: "imageloom", name: "Imageloom", category: "ai_tool", team: "brand", monthly: flat(1_180)},
		{key: "metricbase", name: "Metricbase", category: "software", team: "performance", monthly: flat(2_250)},
		{key: "brightpath", name: "Brightpath Academy", category: "training", monthly: func(m int) float64 {
			if m%3 != 0 {
				return 0
			}
			return 3_600
		}},
		{key: "setup_partners", name: "Setup Partners", category: "implementation", monthly: func(m int) float64 {
			if m > 1 {
				return 0
			}
			return 7_500
		}},
	}
}

// months calls f for every calendar month that lies whole in the history.
func (o *Organisation) months(f func(index int, start, end time.Time) bool) bool {
	first := time.Date(o.start.Year(), o.start.Month(), 1, 0, 0, 0, 0, time.UTC)
	if first.Before(o.start) {
		first = first.AddDate(0, 1, 0)
	}
	for i := 0; ; i++ {
		start, end := first.AddDate(0, i, 0), first.AddDate(0, i+1, 0)
		if !o.past(end.AddDate(0, 0, 3)) {
			return true
		}
		if !f(i, start, end) {
			return false
		}
	}
}

// spend are the invoices: one a month from each vendor, dated the third of the next month and final.
func (o *Organisation) spend(yield func(Event) bool) bool {
	d := newDraws(o.cfg.Seed, "spend")
	source := o.source("billing")
	return o.months(func(i int, start, end time.Time) bool {
		for _, v := range o.vendors {
			amount := v.monthly(i) * o.cfg.Size
			invoice := fmt.Sprintf("%s-%s", v.key, start.Format("2006-01"))
			s := &event.VendorSpend{
				Common: event.Common{Workflow: v.workflow, Team: v.team, Evidence: "system"},
				Vendor: v.name, Category: v.category, Currency: Currency,
				ChargePeriodStart: at(start), ChargePeriodEnd: at(end),
				ChargeCategory: "Purchase", InvoiceID: invoice, Final: new(true),
			}
			s.InvoiceDate = new(event.DayOf(end.AddDate(0, 0, 2)))
			if v.unit != "" {
				pages := math.Round(v.volume * o.cfg.Size * d.spread(.1))
				amount = v.monthly(i) * pages
				s.Quantity, s.Unit = new(event.Decimal{Decimal: decimal.NewFromFloat(pages)}), v.unit
				s.ChargeCategory = "Usage"
			} else if v.category == "agency" || v.category == "freelance" {
				amount *= d.spread(.04)
			}
			if s.BilledCost = cents(amount); s.BilledCost.IsZero() {
				continue
			}
			if !yield(Event{ID: invoice, Source: source, Time: end.Add(58 * time.Hour), Subject: invoice, Data: s}) {
				return false
			}
		}
		return true
	})
}
