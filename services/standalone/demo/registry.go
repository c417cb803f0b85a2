package demo

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// Entry is one entry of the registry.
type Entry struct {
	Kind      registry.Kind
	Key       string
	ValidFrom time.Time
	Value     registry.Entry
}

// Registry is what the organisation declares about itself, valid from before its history on.
func (o *Organisation) Registry() []Entry {
	from := o.start.AddDate(0, 0, -30)
	var out []Entry
	add := func(kind registry.Kind, key string, value registry.Entry) {
		out = append(out, Entry{kind, key, from, value})
	}
	add(registry.Calendar, registry.CalendarKey, &registry.WorkspaceCalendar{Zone: Zone, FiscalYearStart: 1, Currency: Currency})
	for _, t := range teams() {
		add(registry.Teams, t.key, &registry.Team{Name: t.name, DefaultRateClass: rateIC})
	}
	for _, r := range []struct {
		class, name string
		rate        float64
	}{{rateIC, "Marketer", 58}, {rateSenior, "Senior marketer", 82}, {rateLeader, "Marketing leader", 115}} {
		add(registry.Rates, r.class, &registry.Rate{Name: r.name, LoadedHourlyRate: money(r.rate), Currency: Currency})
	}
	for _, p := range o.people {
		role := "ic"
		if p.leader {
			role = "leader"
		}
		add(registry.People, p.id, &registry.Person{Role: role, Team: p.team, RateClass: p.rateClass})
	}
	for i, w := range o.workflows {
		add(registry.Workflows, w.key, o.declare(i, w))
	}
	for _, v := range o.vendors {
		if v.before == 0 {
			continue
		}
		b := &registry.VendorBaseline{
			Vendor: v.name, Category: v.category, Workflow: v.workflow, Team: v.team, Currency: Currency,
			Price: money(v.before), Period: "month", Displaceable: v.displaceable, Evidence: "mean of the twelve invoices before",
		}
		if v.unit != "" {
			b.Period, b.Unit = "unit", v.unit
		} else {
			b.Price = money(v.before * o.cfg.Size)
		}
		add(registry.VendorBaselines, v.key, b)
	}
	for _, x := range o.trials {
		add(registry.Experiments, x.key, &registry.Experiment{
			Name: x.name, Design: "randomised", Control: control, PlannedN: new(x.plannedN), Sequential: x.sequential,
			MarginPerConversion: money(x.margin), Currency: Currency, Team: x.team, Workflow: x.workflow,
			ExpectedAllocation: map[string]event.Number{control: event.NumberOf(1), treatment: event.NumberOf(1)},
		})
	}
	add(registry.Targets, "hours_saved_net", &registry.Target{Measure: "hours_saved_net", Value: number(650 * o.cfg.Size), Per: "quarter", Unit: "h"})
	add(registry.Targets, "win_rate", &registry.Target{Measure: "win_rate", Value: number(.33)})
	return out
}

// declare is the registry's entry of a workflow. Every third owner has not confirmed it for long.
func (o *Organisation) declare(i int, w workflow) *registry.Workflow {
	out := &registry.Workflow{Name: w.name, Team: w.team, Unit: w.unit, RoleResponsible: "AI workflow lead"}
	if w.owned {
		confirmed := event.DayOf(o.cfg.Until.AddDate(0, 0, -14))
		if i%3 == 2 {
			confirmed = event.DayOf(o.cfg.Until.AddDate(0, 0, -130))
		}
		out.Owner, out.OwnerConfirmedAt = fmt.Sprintf("%s-lead-1@demo.example", w.team), &confirmed
	}
	if w.targetHours > 0 {
		out.ReviewPolicy = &registry.ReviewPolicy{TargetHours: number(w.targetHours), Text: "one reviewer, written criteria"}
	}
	if w.baseline == declared {
		out.Baseline = &registry.DeclaredBaseline{
			Range:    registry.Range{Low: number(w.low), Mode: number(w.mode), High: number(w.high)},
			Evidence: "estimate of the team's lead",
		}
	}
	return out
}

// JSON is the entry's value as the registry takes it, without valid_from.
func (e Entry) JSON() (jsontext.Value, error) { return json.Marshal(e.Value) }
