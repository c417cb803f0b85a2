package metric

import (
	"slices"

	"github.com/shopspring/decimal"
)

// OwnershipDays is how long the confirmation of an owner holds.
const OwnershipDays = 90

// OwnedWorkflow is a workflow with what the registry says about its owner.
type OwnedWorkflow struct {
	Workflow, Team string
	// Registered says that the registry knows the workflow; one that only events name has no owner.
	Registered bool
	// Named says that it has an owner, Confirmed that they said so within [OwnershipDays] before the end of the period.
	Named, Confirmed bool
	// ConfirmedAt is the day, "" where the registry has none. Role is the designated role, whoever holds it.
	ConfirmedAt, Role string
	Version           string
}

// Owned tells whether the workflow counts.
func (w OwnedWorkflow) Owned() bool { return w.Named && w.Confirmed }

// OwnershipInput is what ownership is folded from.
type OwnershipInput struct {
	Workflows []OwnedWorkflow
	// Minutes are those of assisted work, by workflow; Hidden says that a share of them would tell about few people.
	Minutes map[string]decimal.Decimal
	Hidden  bool
	// Spend is what AI cost, by workflow, in the currency asked for.
	Spend    map[string]decimal.Decimal
	Currency string
}

// FoldOwnership is the share of the workflows with a named owner who has confirmed it, and beside it the share of the time
// and of the spend on AI that these workflows have. It is a census of what is declared.
func FoldOwnership(in OwnershipInput) Fold {
	m := start(Ownership, UnitShare)
	n := uint64(len(in.Workflows))
	if n == 0 {
		return Fold{Measure: m}
	}
	owned, named, unregistered := uint64(0), uint64(0), uint64(0)
	is := map[string]bool{}
	out := Fold{}
	for _, w := range in.Workflows {
		if w.Owned() {
			owned, is[w.Workflow] = owned+1, true
			out.Inputs = append(out.Inputs, Input{
				Name: "owner of " + w.Workflow, Value: new("confirmed " + w.ConfirmedAt), Source: "registry workflows/" + w.Workflow,
				Grade: new(0), Version: &w.Version,
			})
		}
		if w.Named {
			named++
		}
		if !w.Registered {
			unregistered++
		}
	}
	m.Status, m.N, m.Grade = OK, &n, new(0)
	m.Value = ExactOf(quotient(count(owned), count(n)))
	point := m.Value.InexactFloat64()
	m.interval(point, point, LevelStatistics)
	m.Parts = []Part{
		{Key: "numerator", Title: "Workflows with a confirmed owner", Value: ExactOf(count(owned)), Unit: "workflows", N: &n},
		{Key: "denominator", Title: "Workflows", Value: ExactOf(count(n)), Unit: "workflows", N: &n},
		{Key: "named", Title: "With a named owner, confirmed or not", Value: ExactOf(quotient(count(named), count(n))), Unit: UnitShare, N: &named},
	}
	minutes := shareOf(in.Minutes, is)
	if in.Hidden {
		minutes = nil
		m.warn("privacy_floor", "the share of the hours would tell about fewer than five people and is not shown")
	}
	m.Parts = append(m.Parts,
		Part{Key: "hours", Title: "Share of the hours of assisted work", Value: minutes, Unit: UnitShare},
		Part{Key: "spend", Title: "Share of the spend on AI", Value: shareOf(in.Spend, is), Unit: UnitShare},
	)
	if unregistered > 0 {
		m.warn("not_registered", "some workflows have events and are not in the registry, so that nobody owns them")
	}
	out.Measure = m
	out.Counts = []Count{{"workflows", &n}, {"with a named owner", &named}, {"with a confirmed owner", &owned}, {"not registered", &unregistered}}
	return out
}

// shareOf is the share of the amounts that belong to the chosen workflows; nil where there is nothing to take a share of.
// What belongs to no workflow is in the whole and not in the share.
func shareOf(amounts map[string]decimal.Decimal, chosen map[string]bool) *Exact {
	part, whole := decimal.Zero, decimal.Zero
	for workflow, amount := range amounts {
		whole = whole.Add(amount)
		if chosen[workflow] {
			part = part.Add(amount)
		}
	}
	if !whole.IsPositive() {
		return nil
	}
	return ExactOf(quotient(part, whole))
}

// Outcomes are the workflows and the teams with an outcome of evidence grade 2 or better.
type Outcomes struct{ Workflows, Teams map[string]bool }

// Add notes that a workflow and a team have an outcome; "" is none.
func (o Outcomes) Add(workflow, team string) {
	if workflow != "" {
		o.Workflows[workflow] = true
	}
	if team != "" {
		o.Teams[team] = true
	}
}

// LinkedShare is the share of the spend on AI that is linked to an outcome of evidence grade 2 or better: by its workflow,
// or, where it names none, by its team. It is nil where nothing was spent; charges that cannot be converted are left out.
func LinkedShare(spend []SpendRow, outcomes Outcomes, fx FX) *Exact {
	linked := map[string]decimal.Decimal{}
	for _, r := range AISpend(spend) {
		rate, ok := fx(r.Currency, dayAt(r.Day))
		if !ok {
			continue
		}
		is := outcomes.Workflows[r.Workflow]
		if r.Workflow == "" {
			is = outcomes.Teams[r.Team]
		}
		key := map[bool]string{true: "linked"}[is]
		linked[key] = linked[key].Add(r.Billed.Mul(rate.Rate))
	}
	return shareOf(linked, map[string]bool{"linked": true})
}

// SortWorkflows puts workflows in the order of their keys.
func SortWorkflows(list []OwnedWorkflow) []OwnedWorkflow {
	slices.SortFunc(list, func(a, b OwnedWorkflow) int {
		switch {
		case a.Workflow < b.Workflow:
			return -1
		case a.Workflow > b.Workflow:
			return 1
		}
		return 0
	})
	return list
}
