package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// CoverageInput is what coverage is folded from.
type CoverageInput struct {
	// Rows are those of the whole workspace.
	Rows []CoverageRow
	// Teams are the registered ones, Workflows the team that each registered workflow belongs to.
	Teams     []string
	Workflows map[string]string
	Scope     Scope
}

// TeamCoverage says which kinds a team has recorded.
type TeamCoverage struct {
	Team string
	// N counts the events of each core kind; a kind without any is not in it.
	N map[string]uint64
}

// Covers tells whether the team has an event of a kind.
func (t TeamCoverage) Covers(kind string) bool { return t.N[kind] > 0 }

// CoverageTable has a row for every team of the scope, registered or seen, sorted by key, and counts apart the events
// that name no team.
func CoverageTable(in CoverageInput) (teams []TeamCoverage, unassigned map[string]uint64) {
	byTeam := map[string]map[string]uint64{}
	know := func(team string) {
		if team != "" && byTeam[team] == nil && (in.Scope.Kind != ScopeTeam || team == in.Scope.Key) {
			byTeam[team] = map[string]uint64{}
		}
	}
	if in.Scope.Kind == ScopeWorkflow {
		know(in.Workflows[in.Scope.Key])
	} else {
		for _, team := range in.Teams {
			know(team)
		}
	}
	unassigned = map[string]uint64{}
	for _, r := range in.Rows {
		if in.Scope.Kind == ScopeWorkflow && r.Workflow != in.Scope.Key {
			continue
		}
		know(r.Team)
		switch counts := byTeam[r.Team]; {
		case counts != nil:
			counts[r.Kind] += r.N
		case r.Team == "" && in.Scope.Kind != ScopeTeam:
			unassigned[r.Kind] += r.N
		}
	}
	for _, team := range slices.Sorted(maps.Keys(byTeam)) {
		teams = append(teams, TeamCoverage{team, byTeam[team]})
	}
	return teams, unassigned
}

// CoverageKey is the measure of a core kind.
func CoverageKey(kind string) string { return "coverage_" + kind }

// FoldCoverage is, for each core kind, the share of the teams that have an event of it in the ninety days before the end
// of the period. It is a census of the teams, so that the interval is the value itself.
func FoldCoverage(in CoverageInput) map[string]Fold {
	teams, unassigned := CoverageTable(in)
	out := map[string]Fold{}
	for _, kind := range CoreKinds() {
		out[CoverageKey(kind)] = foldCoverage(kind, teams, unassigned[kind])
	}
	return out
}

func foldCoverage(kind string, teams []TeamCoverage, unassigned uint64) Fold {
	m := start(CoverageKey(kind), UnitShare)
	out := Fold{}
	if unassigned > 0 {
		x := Excluded{
			Measure: m.Key, Reason: "no_team", Unit: "events",
			Message: "events that name no team say of no team that it measures: send the field team",
		}
		if kind != KindHours { // how many pieces of work few people have recorded is not told
			x.N = &unassigned
		}
		out.Excluded = []Excluded{x}
	}
	n := uint64(len(teams))
	if n == 0 {
		if unassigned > 0 {
			m.withhold("no_team", "there are events, and no team is known: send the field team, or register the teams")
		}
		out.Measure = m
		return out
	}
	covered := uint64(0)
	for _, t := range teams {
		if t.Covers(kind) {
			covered++
		}
	}
	m.Status, m.N, m.Grade = OK, &n, new(1)
	m.Value = ExactOf(quotient(count(covered), count(n)))
	point := m.Value.InexactFloat64()
	m.interval(point, point, LevelStatistics)
	m.Parts = []Part{
		{Key: "numerator", Title: "Teams with an event of it", Value: ExactOf(count(covered)), Unit: "teams", N: &n},
		{Key: "denominator", Title: "Teams", Value: ExactOf(count(n)), Unit: "teams", N: &n},
	}
	out.Measure, out.Counts = m, []Count{{"teams", &n}, {"teams with an event of it", &covered}}
	return out
}

// industryCoverage are the shares of teams that measure each kind, and what was asked.
func industryCoverage() map[string]Benchmark {
	const source = "survey of 1,400 marketers, 2026"
	figure := func(percent int64, label string) Benchmark {
		return Benchmark{Value: Exact{count(uint64(percent)).Shift(-2)}, Label: label, Source: new(source)}
	}
	return map[string]Benchmark{
		CoverageHours:      figure(57, "57 % of teams track hours saved"),
		CoverageVendor:     figure(43, "43 % of teams reduced agency or vendor spend and track it"),
		CoverageConversion: figure(33, "fewer than a third of teams track conversion or engagement lift"),
		CoveragePipeline:   figure(8, "8 % of teams track pipeline or deal velocity"),
	}
}

// kindTitle is what a kind is called in a sentence.
func kindTitle(kind string) string {
	return cmp.Or(map[string]string{
		KindHours: "hours saved", KindVendor: "vendor spend", KindConversion: "conversions", KindPipeline: "pipeline changes",
	}[kind], fmt.Sprintf("events of kind %s", kind))
}
