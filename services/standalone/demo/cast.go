package demo

import (
	"fmt"
	"math"
)

// team is a group of people; all have enough members for the privacy floor to show what it shows.
type team struct {
	key, name string
	ics       int // at size 1
}

func teams() []team {
	return []team{
		{"content", "Content", 9},
		{"performance", "Performance", 8},
		{"lifecycle", "Lifecycle", 7},
		{"brand", "Brand", 7},
		{"product_marketing", "Product marketing", 8},
		{"web", "Web", 7},
		{"events", "Events", 6},
	}
}

// Rate classes and what an hour of theirs costs with everything in it.
const (
	rateIC     = "marketer"
	rateSenior = "senior"
	rateLeader = "leader"
)

// person works in a team.
type person struct {
	id, team, rateClass string
	leader              bool
}

// Contributor is the id of an individual contributor of every organisation, whose part a visitor may take.
const Contributor = "content-1@demo.example"

// hire fills the teams: two leaders each, and ICs in proportion to the size.
func hire(size float64) []person {
	var out []person
	for _, t := range teams() {
		for i := range 2 {
			out = append(out, person{fmt.Sprintf("%s-lead-%d@demo.example", t.key, i+1), t.key, rateLeader, true})
		}
		for i := range max(6, int(math.Round(float64(t.ics)*size))) {
			class := rateIC
			if i%4 == 3 {
				class = rateSenior
			}
			out = append(out, person{fmt.Sprintf("%s-%d@demo.example", t.key, i+1), t.key, class, false})
		}
	}
	return out
}

// baselineSource is where the baseline of a workflow comes from.
type baselineSource int

const (
	measured baselineSource = iota // unassisted work was recorded
	declared                       // somebody declared a range
	tried                          // a randomised time trial
	unknown                        // nothing: what it saves is withheld
)

// workflow is a kind of work, with its truth.
type workflow struct {
	key, name, unit, team string
	owned                 bool
	targetHours           float64 // of its review policy; 0: none
	baseline              baselineSource
	low, mode, high       float64 // declared minutes per unit
	// unassisted is the true mean of minutes per unit without AI.
	unassisted float64
	// The parts of assisted work as shares of the unassisted minutes.
	doing, prompting, review, rework, correction float64
	weight                                       float64 // how often it is done, beside the others of the team
	most                                         int     // units at most in one event
}

// assisted is the true mean of minutes per unit with AI.
func (w *workflow) assisted() float64 {
	return w.unassisted * (w.doing + w.prompting + w.review + w.rework + w.correction)
}

// slowerTrial is the workflow of the time trial: people expect to be faster with AI and are slower.
const slowerTrial = "sales_deck"

// plannedWorkflows are the workflows before anything is drawn. Means are minutes per unit.
func plannedWorkflows() []workflow {
	return []workflow{
		{key: "blog_article", name: "Blog article", unit: "article", team: "content", owned: true, targetHours: 24, baseline: measured, unassisted: 240, doing: .22, prompting: .08, review: .10, rework: .05, weight: 3, most: 2},
		{key: "case_study", name: "Case study", unit: "study", team: "content", owned: true, targetHours: 48, baseline: declared, low: 290, mode: 390, high: 490, doing: .35, prompting: .07, review: .14, rework: .06, weight: 1, most: 1},
		{key: "ad_copy", name: "Ad copy", unit: "variant", team: "performance", owned: true, targetHours: 8, baseline: measured, unassisted: 28, doing: .15, prompting: .10, review: .12, weight: 4, most: 6},
		{key: "landing_page", name: "Landing page", unit: "page", team: "performance", baseline: measured, unassisted: 210, doing: .42, prompting: .09, review: .15, rework: .09, weight: 1, most: 1},
		{key: "email_campaign", name: "E-mail campaign", unit: "campaign", team: "lifecycle", owned: true, targetHours: 24, baseline: measured, unassisted: 180, doing: .33, prompting: .08, review: .17, rework: .04, weight: 2, most: 2},
		// Saves little: what the model drafts is written again.
		{key: "newsletter", name: "Newsletter", unit: "issue", team: "lifecycle", owned: true, targetHours: 24, baseline: measured, unassisted: 150, doing: .30, prompting: .10, review: .14, rework: .33, correction: .06, weight: 1, most: 1},
		{key: "product_image", name: "Product image", unit: "image", team: "brand", owned: true, targetHours: 48, baseline: declared, low: 45, mode: 75, high: 105, doing: .30, prompting: .15, review: .18, rework: .07, weight: 2, most: 4},
		{key: "social_post", name: "Social post", unit: "post", team: "brand", baseline: measured, unassisted: 24, doing: .25, prompting: .12, review: .15, weight: 3, most: 5},
		{key: slowerTrial, name: "Sales deck", unit: "deck", team: "product_marketing", owned: true, targetHours: 48, baseline: tried, unassisted: 160, doing: .58, prompting: .14, review: .18, rework: .29, weight: 1, most: 1},
		{key: "battlecard", name: "Battlecard", unit: "card", team: "product_marketing", owned: true, targetHours: 24, baseline: measured, unassisted: 95, doing: .35, prompting: .09, review: .12, rework: .04, weight: 2, most: 2},
		{key: "seo_brief", name: "SEO brief", unit: "brief", team: "web", owned: true, targetHours: 16, baseline: measured, unassisted: 75, doing: .24, prompting: .08, review: .10, weight: 3, most: 3},
		{key: "page_translation", name: "Page translation", unit: "page", team: "web", owned: true, targetHours: 24, baseline: declared, low: 60, mode: 85, high: 110, doing: .20, prompting: .05, review: .25, rework: .04, weight: 2, most: 4},
		{key: "webinar_summary", name: "Webinar summary", unit: "summary", team: "events", owned: true, targetHours: 24, baseline: measured, unassisted: 110, doing: .18, prompting: .07, review: .12, weight: 2, most: 1},
		{key: "research_digest", name: "Research digest", unit: "digest", team: "events", baseline: unknown, unassisted: 130, doing: .30, prompting: .10, review: .10, weight: 1, most: 1},
	}
}

// drawWorkflows draws the truth: a measured mean within 15 % of the plan, a declared one from its own range, as if
// whoever declared it were right about how unsure they are.
func drawWorkflows(seed uint64) []workflow {
	out := plannedWorkflows()
	d := newDraws(seed, "workflows")
	for i := range out {
		w := &out[i]
		if w.baseline == declared {
			w.unassisted = d.triangle(w.low, w.mode, w.high)
			continue
		}
		w.unassisted *= .85 + .3*d.Float64()
	}
	return out
}

func (o *Organisation) workflow(key string) *workflow {
	for i := range o.workflows {
		if o.workflows[i].key == key {
			return &o.workflows[i]
		}
	}
	return nil
}
