package metric

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// EnablementInput is what the share of trained people is folded from.
type EnablementInput struct {
	// Work says who worked with AI in the period, and Learners who learned, in the whole workspace.
	Work     []PeopleRow
	Learners []LearnerRow
	// Registered are the people of the registry with their teams.
	Registered map[string]string
	From       event.Day
}

// Member is a person with the one team that they count in.
type Member struct {
	Person, Team string
	// Workflows are those that they worked or learned on in the period, sorted.
	Workflows []string
	Trained   bool
	// Hours are those of the period, by workflow.
	Hours map[string]decimal.Decimal
}

// Members are the people that the workspace knows: registered, seen at work with AI in the period, or seen learning in it.
// Everybody counts in one team, that of the registry or else that of their latest month, so that teams add up to the whole.
func Members(in EnablementInput) []Member {
	byPerson := map[string]*Member{}
	latest := map[string]string{}
	know := func(person string) *Member {
		m := byPerson[person]
		if m == nil {
			m = &Member{Person: person, Hours: map[string]decimal.Decimal{}}
			byPerson[person] = m
		}
		return m
	}
	see := func(person, team, workflow, month string) {
		m := know(person)
		if place := month + "\x00" + team; place >= latest[person] {
			latest[person], m.Team = place, team
		}
		if workflow != "" {
			m.Workflows = append(m.Workflows, workflow)
		}
	}
	for person := range in.Registered {
		know(person)
	}
	for _, r := range in.Work {
		for _, person := range r.People {
			see(person, r.Team, r.Workflow, dayText(r.Month))
		}
	}
	for _, r := range in.Learners {
		if !r.Last.Before(in.From.Time) {
			see(r.Person, r.Team, r.Workflow, dayText(MonthOf(r.Last)))
		}
	}
	for _, r := range in.Learners {
		if m := byPerson[r.Person]; m != nil {
			m.Trained = m.Trained || r.Trained
			m.Hours[r.Workflow] = m.Hours[r.Workflow].Add(r.Hours)
		}
	}
	out := make([]Member, 0, len(byPerson))
	for _, person := range slices.Sorted(maps.Keys(byPerson)) {
		m := byPerson[person]
		m.Team = cmp.Or(in.Registered[person], m.Team)
		slices.Sort(m.Workflows)
		m.Workflows = slices.Compact(m.Workflows)
		out = append(out, *m)
	}
	return out
}

// MembersIn are the members of a scope.
func MembersIn(members []Member, scope Scope) []Member {
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool {
		switch scope.Kind {
		case ScopeTeam:
			return m.Team != scope.Key
		case ScopeWorkflow:
			return !slices.Contains(m.Workflows, scope.Key)
		case ScopeMe:
			return m.Person != scope.Key
		case ScopeOrg:
		}
		return false
	})
}

// MemberPeople are the members as rows of people: one for each of their workflows, or one without.
func MemberPeople(members []Member) []PeopleRow {
	var out []PeopleRow
	for _, m := range members {
		workflows := m.Workflows
		if len(workflows) == 0 {
			workflows = []string{""}
		}
		for _, w := range workflows {
			out = append(out, PeopleRow{Team: m.Team, Workflow: w, People: []string{m.Person}})
		}
	}
	return out
}

// FoldTrained is the share of the members of a scope who were trained in the year before the end of the period, and the
// hours of the period that a member has spent on it. It is a census: the interval is the value itself.
func FoldTrained(members []Member, scope Scope) Fold {
	m := start(TrainedShare, UnitShare)
	n, trained, hours := uint64(len(members)), uint64(0), decimal.Zero
	if n == 0 {
		return Fold{Measure: m}
	}
	for _, who := range members {
		if who.Trained {
			trained++
		}
		hours = hours.Add(who.hours(scope))
	}
	m.ratio(trained, n, "People trained", "People", "people")
	m.People = &n
	point := m.Value.InexactFloat64()
	m.interval(point, point, LevelStatistics)
	m.Parts = append(m.Parts, Part{
		Key: "hours_per_person", Title: "Hours of training a person, in the period", Value: ExactOf(quotient(hours, count(n))), Unit: UnitHours, N: &n,
	})
	return Fold{Measure: m, Counts: []Count{{"people", &n}, {"people trained", &trained}}}
}

// hours are those that count in a scope.
func (m Member) hours(scope Scope) decimal.Decimal {
	if scope.Kind == ScopeWorkflow {
		return m.Hours[scope.Key]
	}
	sum := decimal.Zero
	for _, h := range m.Hours {
		sum = sum.Add(h)
	}
	return sum
}
