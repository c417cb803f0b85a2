package scorecard

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/access/accesstest"
	"plumbline/pkg/metric"
)

// piece is what the persons of one rate class did in one month for a team on a workflow: the smallest thing of which a sum
// can be shown.
type piece struct {
	month          time.Time
	team, workflow string
	class          string
	people         []string
}

// target is an organisation under attack. Its workflows of which losing is true lost time.
type target struct {
	losing           map[string]bool
	pieces           []piece
	teams, workflows []string
	classes          []string
	classOf          map[string]string
	viewer           string
}

// randomTarget draws an organisation of few people, many of whom work for several teams and on several workflows.
func randomTarget(r *rand.Rand, months int) *target {
	o := &target{losing: map[string]bool{}, classOf: map[string]string{}, viewer: []string{"", "p0", "p1"}[r.IntN(3)]}
	o.teams, o.workflows, o.classes = numbered("t", 1+r.IntN(3)), numbered("w", 1+r.IntN(3)), numbered("k", 1+r.IntN(2))
	for _, w := range o.workflows {
		o.losing[w] = r.IntN(4) == 0
	}
	population := 5 + r.IntN(40)
	for i := range population {
		o.classOf[fmt.Sprint("p", i)] = o.classes[r.IntN(len(o.classes))]
	}
	for m := range months {
		for _, team := range o.teams {
			for _, workflow := range o.workflows {
				byClass := map[string][]string{}
				for range r.IntN([]int{1, 3, 8, 16}[r.IntN(4)] + 1) {
					p := fmt.Sprint("p", r.IntN(population))
					byClass[o.classOf[p]] = append(byClass[o.classOf[p]], p)
				}
				for class, people := range byClass {
					o.pieces = append(o.pieces, piece{time.Date(2026, time.Month(1+m), 1, 0, 0, 0, 0, time.UTC), team, workflow, class, people})
				}
			}
		}
	}
	return o
}

func numbered(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(prefix, i))
	}
	return out
}

// form is the sum of some pieces.
func (o *target) form(in func(piece) bool) []int64 {
	out := make([]int64, len(o.pieces))
	for i, p := range o.pieces {
		if in(p) {
			out[i] = 1
		}
	}
	return out
}

func (o *target) people() [][]string {
	out := make([][]string, 0, len(o.pieces))
	for _, p := range o.pieces {
		out = append(out, p.people)
	}
	return out
}

// scopes are all that can be asked for.
func (o *target) scopes() []metric.Scope {
	out := []metric.Scope{{Kind: metric.ScopeOrg}}
	for _, t := range o.teams {
		out = append(out, metric.Scope{Kind: metric.ScopeTeam, Key: t})
	}
	for _, w := range o.workflows {
		out = append(out, metric.Scope{Kind: metric.ScopeWorkflow, Key: w})
	}
	return out
}

// crowds are who stands behind the pieces of a period, for the hours and for their value, and how these are priced.
func (o *target) crowds(scope metric.Scope, from, to time.Time) (hours, value *crowd, by *pricing) {
	var rows []metric.PeopleRow
	for _, p := range o.pieces {
		if !p.month.Before(from) && p.month.Before(to) {
			rows = append(rows, metric.PeopleRow{Month: p.month, Team: p.team, Workflow: p.workflow, People: p.people})
		}
	}
	by = newPricing(prices{
		classIn: func(_, person string, _ time.Time) string { return o.classOf[person] },
		gains:   func(workflow string, _ time.Time) bool { return !o.losing[workflow] },
	}, rows)
	hours = newCrowd(rows, scope, o.viewer).by(by.label)
	return hours, hours.valuedBy(by.label), by
}

// published are all sums that the numbers of a scope and period show: the total, its parts by team and by workflow, and those of
// each month; of the value each price by itself, as if it could be asked for under any prices.
func (o *target) published(scope metric.Scope, from, to time.Time) (forms [][]int64) {
	hours, value, by := o.crowds(scope, from, to)
	within := func(p piece) bool {
		return !p.month.Before(from) && p.month.Before(to) && scope.Holds(p.team, p.workflow)
	}
	for _, who := range []*crowd{hours, value} {
		show := func(in func(piece) bool) { forms = append(forms, o.form(in)) }
		if who == value {
			show = func(in func(piece) bool) { forms = append(forms, o.byPrice(by, in)...) }
		}
		if who.allowed() {
			o.show(who, within, show)
		}
	}
	return forms
}

// show tells of the sums that are shown of a crowd.
func (o *target) show(who *crowd, within func(piece) bool, show func(in func(piece) bool)) {
	show(within)
	for _, by := range []dimension{byTeam(), byWorkflow()} {
		spans := [][]month{who.months()}
		for _, m := range who.months() {
			spans = append(spans, []month{m})
		}
		for _, span := range spans {
			for _, row := range who.rowsOf(by, span) {
				show(func(p piece) bool {
					return within(p) && inMonths(span, p.month) &&
						slices.Contains(row.Parts, by.people(metric.PeopleRow{Team: p.team, Workflow: p.workflow}))
				})
			}
		}
	}
}

// priceOf is what a piece is priced by.
func (o *target) priceOf(by *pricing, p piece) string {
	label, _ := by.label(p.month)
	return label(p.team, p.workflow, p.people[0])
}

// byPrice parts a sum into what has the same price.
func (o *target) byPrice(by *pricing, in func(piece) bool) (forms [][]int64) {
	of := map[string][]int64{}
	for i, p := range o.pieces {
		if !in(p) {
			continue
		}
		price := o.priceOf(by, p)
		if strings.HasPrefix(price, poolLabel) {
			price += p.month.String()
		}
		if of[price] == nil {
			of[price] = make([]int64, len(o.pieces))
		}
		of[price][i] = 1
	}
	return slices.Collect(maps.Values(of))
}

func inMonths(span []month, first time.Time) bool {
	return slices.ContainsFunc(span, func(m month) bool { return m.first.Equal(first) })
}

// The attack on the numbers: of 10,000 random organisations everything is asked that can be, in every scope and for every
// run of months, hours and value, with all tables and under any prices, and nobody's work follows from all of it together.
func TestNobodyFollowsFromAllNumbers(t *testing.T) {
	organisations := accesstest.Attacks(10_000)
	r := rand.New(rand.NewPCG(10_000, 5)) //nolint:gosec // the same draws every time
	shown, withheld := 0, 0
	for i := range organisations {
		o := randomTarget(r, 2)
		var forms [][]int64
		for _, scope := range o.scopes() {
			for from := 1; from <= 2; from++ {
				for to := from + 1; to <= 3; to++ {
					got := o.published(scope, time.Date(2026, time.Month(from), 1, 0, 0, 0, 0, time.UTC), time.Date(2026, time.Month(to), 1, 0, 0, 0, 0, time.UTC))
					forms = append(forms, got...)
					if got == nil {
						withheld++
					}
				}
			}
		}
		shown += len(forms)
		if who := accesstest.Recover(o.people(), forms, o.viewer, access.FloorPersons); who != nil {
			t.Fatalf("organisation %d: the work of %v follows from what is shown of %+v", i, who, o.pieces)
		}
	}
	t.Logf("%d organisations, %d sums shown, %d scopes and periods withheld, nobody recovered", organisations, shown, withheld)
	if shown < organisations || withheld < organisations {
		t.Error("nothing was attacked, or nothing was there to protect")
	}
}
