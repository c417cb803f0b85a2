package scorecard

import (
	"strings"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// mayAssume refuses changes whose effect would tell about few people: what the hours of a rate class or of a workflow are
// follows from the difference that another price makes. It works on classes that may be told apart.
func (v *view) mayAssume(n *numbers, records []registry.Record) error {
	if n.window.Scope.Kind == metric.ScopeMe {
		return nil
	}
	var problems []event.Problem
	refuse := func(r registry.Record, of string) {
		problems = append(problems, event.Problem{
			Code: floorReason, Pointer: "/registry/" + string(r.Kind) + "/" + escaped(r.Key),
			Message: "fewer than five people stand behind " + of + ": what another price changes would tell about them",
		})
	}
	for _, r := range records {
		if v.withinMonth(r) {
			problems = append(problems, event.Problem{
				Code: cellsReason, Pointer: "/registry/" + string(r.Kind) + "/" + escaped(r.Key) + "/valid_from",
				Message: "let it hold always, or from the first day of a month: another price within a month would tell about the days of others",
			})
		}
		switch r.Kind {
		case registry.Workflows:
			if !n.mayTell([]string{r.Key}) || !n.savers.crossed(r.Key) || !n.earners.crossed(r.Key) { // the tables by team would tell of each
				refuse(r, "the workflow, or a team's part of it")
			}
		case registry.Rates:
			if !v.mayPrice(n, r.Key) {
				refuse(r, "the rate class")
			}
		case registry.FX:
			for _, class := range v.classesPaidIn(r.Key) {
				if !v.mayPrice(n, class) {
					refuse(r, "a rate class in that currency")
				}
			}
		}
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	return nil
}

// withinMonth tells whether an entry that prices people's work begins to hold within a month that is over. Of the one that is not, and of
// those to come, no work of others is in the numbers ([view.overOnly]): what begins in them tells nothing.
func (v *view) withinMonth(r registry.Record) bool {
	prices := r.Kind == registry.Rates || r.Kind == registry.Workflows || r.Kind == registry.Assumptions || (r.Kind == registry.FX && len(v.classesPaidIn(r.Key)) > 0)
	from := r.ValidFrom.In(v.zone)
	open := v.startOf(event.Day{Time: access.CellOf(v.today.Time)})
	return prices && !r.ValidFrom.IsZero() && from.Before(open) && !from.Equal(time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, v.zone))
}

// mayPrice tells whether the people of a rate class may be told apart in the scope.
func (v *view) mayPrice(n *numbers, class string) bool {
	for _, p := range []*pricing{n.pricing, n.schooling} {
		if p != nil && p.mixes(class) {
			return false
		}
	}
	for _, who := range []*crowd{n.earners, n.learners} {
		if who != nil && !who.allowed() {
			return false
		}
	}
	return true
}

// classesPaidIn are the rate classes whose card is in one of the currencies of a pair.
func (v *view) classesPaidIn(pair string) []string {
	base, quote, _ := strings.Cut(pair, "-")
	var out []string
	for _, key := range v.registry.Keys(registry.Rates) {
		if v.registry.Ever(registry.Rates, key, func(e registry.Entry) bool {
			r, ok := e.(*registry.Rate)
			return ok && (r.Currency == base || r.Currency == quote)
		}) {
			out = append(out, key)
		}
	}
	return out
}
