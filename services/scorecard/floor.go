package scorecard

import (
	"cmp"
	"maps"
	"slices"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

const (
	floorReason  = "privacy_floor"
	floorMessage = "fewer than five people stand behind it, or it would tell about them by subtraction"
)

// others are the distinct persons of the rows besides the viewer.
func others(rows []metric.PeopleRow, viewer string) []string {
	var out []string
	for person := range metric.Persons(rows) {
		if person != viewer {
			out = append(out, person)
		}
	}
	slices.Sort(out)
	return out
}

// clears tells whether a number of these persons may be shown. Rows in which no other person is named tell about
// nobody else and clear.
func clears(people []string) bool {
	return len(people) == 0 || access.Clears(people, access.FloorPersons)
}

// breakdown splits a total into rows that may be shown beside it: cells of five or more others, or of none, as they are;
// the smaller ones merged into one row "other". Where these alone do not clear the floor the smallest cell that does
// joins them. nil means that only the total may be shown.
func breakdown(cells []access.Cell, viewer string) []access.Cell {
	cells = access.Except(cells, viewer)
	var nobody, some []access.Cell
	for _, c := range cells {
		if len(c.People) == 0 {
			nobody = append(nobody, access.Cell{Key: c.Key, Parts: []string{c.Key}})
		} else {
			some = append(some, c)
		}
	}
	rows := access.Suppress(some, access.FloorPersons)
	if rows == nil && len(some) > 0 {
		rows = joinSmallest(some)
		if rows == nil {
			return nil
		}
	}
	return append(rows, nobody...)
}

// joinSmallest merges the cells below the floor with the smallest cell that clears it. Behind what a reader can derive
// then still stand at least the persons of that cell.
func joinSmallest(cells []access.Cell) []access.Cell {
	var large []access.Cell
	other := access.Cell{Key: access.OtherKey}
	for _, c := range cells {
		if access.Clears(c.People, access.FloorPersons) {
			large = append(large, access.Cell{Key: c.Key, People: c.People, Parts: []string{c.Key}})
			continue
		}
		other.People, other.Parts = append(other.People, c.People...), append(other.Parts, c.Key)
	}
	if len(large) == 0 {
		return nil
	}
	smallest := slices.MinFunc(large, func(a, b access.Cell) int {
		return cmp.Or(cmp.Compare(len(a.People), len(b.People)), cmp.Compare(a.Key, b.Key))
	})
	large = slices.DeleteFunc(large, func(c access.Cell) bool { return c.Key == smallest.Key })
	other.People, other.Parts = append(other.People, smallest.People...), append(other.Parts, smallest.Key)
	slices.Sort(other.People)
	other.People = slices.Compact(other.People)
	return append(large, other)
}

// cellsBy groups people by a key of their rows, sorted by it.
func cellsBy(rows []metric.PeopleRow, key func(metric.PeopleRow) string) []access.Cell {
	// Everybody is named week after week: whom there are is found before they are sorted.
	people := map[string]map[string]bool{}
	for _, r := range rows {
		k := key(r)
		named := people[k]
		if named == nil {
			named = map[string]bool{}
			people[k] = named
		}
		for _, p := range r.People {
			named[p] = true
		}
	}
	out := make([]access.Cell, 0, len(people))
	for k, named := range people {
		out = append(out, access.Cell{Key: k, People: slices.Sorted(maps.Keys(named))})
	}
	slices.SortFunc(out, func(a, b access.Cell) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

func teamOf(r metric.PeopleRow) string     { return r.Team }
func workflowOf(r metric.PeopleRow) string { return r.Workflow }
func weekOf(r metric.PeopleRow) string     { return r.Week.Format("2006-01-02") }

// shownAlone tells whether a key is a row of its own in the breakdown of the whole: only then may it be asked for by
// itself, since else the whole minus the rest would tell about the few.
func shownAlone(rows []access.Cell, key string) bool {
	return slices.ContainsFunc(rows, func(c access.Cell) bool { return len(c.Parts) == 1 && c.Parts[0] == key })
}

// allowed tells whether personal numbers of a scope may be shown, given everybody's rows of the period.
func allowed(scope metric.Scope, everybody []metric.PeopleRow, viewer string) bool {
	key := teamOf
	switch scope.Kind {
	case metric.ScopeMe:
		return true
	case metric.ScopeOrg:
		return clears(others(everybody, viewer))
	case metric.ScopeWorkflow:
		key = workflowOf
	case metric.ScopeTeam:
	}
	cells := cellsBy(everybody, key)
	if !slices.ContainsFunc(cells, func(c access.Cell) bool { return c.Key == scope.Key }) {
		return true // nobody did anything there: there is nothing to tell
	}
	return shownAlone(breakdown(cells, viewer), scope.Key)
}

// inScope are the rows of a scope.
func inScope(rows []metric.PeopleRow, scope metric.Scope) []metric.PeopleRow {
	var out []metric.PeopleRow
	for _, r := range rows {
		if scope.Holds(r.Team, r.Workflow) {
			out = append(out, r)
		}
	}
	return out
}
