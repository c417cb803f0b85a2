package scorecard

import (
	"cmp"
	"slices"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

// crowd are the people behind the numbers of a scope, and everybody of the workspace in the same period.
type crowd struct {
	people, everybody []metric.PeopleRow
}

// crowdOf are those who learned.
func crowdOf(n *numbers) crowd { return crowd{n.learners, n.everyLearner} }

// floorRow is a sum that may be shown: of one member, or of several that are merged.
type floorRow struct {
	// key is the member, empty for what is assigned to none and for merged rows.
	key    string
	merged bool
	sum    sum
	people *uint64
}

// merge sums members into the rows that may be shown; visible nil merges all into one.
func merge(sums map[string]sum, visible []access.Cell) []floorRow {
	if len(sums) == 0 {
		return nil
	}
	if visible == nil {
		total := floorRow{merged: true}
		for _, s := range sums {
			total.sum = total.sum.plus(s)
		}
		return []floorRow{total}
	}
	var out []floorRow
	for _, c := range visible {
		r := floorRow{key: c.Key, people: new(uint64(len(c.People)))}
		found := false
		for _, part := range c.Parts {
			s, ok := sums[part]
			r.sum, found = r.sum.plus(s), found || ok
		}
		if len(c.Parts) > 1 {
			r.key, r.merged = "", true
		}
		if found {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b floorRow) int { return cmp.Compare(a.key, b.key) })
	return out
}

func (s sum) plus(o sum) sum { return sum{s.value.Add(o.value), s.n + o.n} }

// column adds the column of a measure of people's work, under the privacy floor. Members that are not shown by
// themselves get a cell that says so.
func (v *view) column(fold metric.Fold, key string, scope metric.Scope, who crowd, by dimension, row func(kind, key string) *contribution) {
	if fold.Measure.Status != metric.OK {
		return
	}
	unit, sums := fold.Measure.Unit, sumBy(fold.Cells, by.ofCell)
	set := func(kind, member string, r floorRow) {
		measures := row(kind, member).Measures
		if before, there := measures[key]; there && before.Value != nil {
			r.sum = r.sum.plus(sum{before.Value.Decimal, *before.N})
		}
		measures[key] = okCell(r.sum, unit, r.people)
	}
	if scope.Kind == metric.ScopeMe {
		for member, s := range sums {
			set(kindOf(member), member, floorRow{sum: s})
		}
		return
	}
	shown := map[string]bool{}
	for _, r := range merge(sums, v.visible(scope, who, by)) {
		if r.merged {
			set(rowOther, "", r)
			continue
		}
		shown[r.key] = true
		set(kindOf(r.key), r.key, r)
	}
	for member := range sums {
		measures := row(kindOf(member), member).Measures
		if _, there := measures[key]; !there && !shown[member] {
			measures[key] = cell{Unit: unit, Status: metric.Withheld, Reason: new(floorReason)}
		}
	}
}

// visible are the rows of a dimension that may be shown; nil where only the total may. A breakdown of a team by workflow,
// or the other way round, is shown only where nobody could be found by subtracting it from another breakdown.
func (v *view) visible(scope metric.Scope, who crowd, by dimension) []access.Cell {
	cells := cellsBy(who.people, by.people)
	if scope.Kind == by.scope || scope.Kind == metric.ScopeOrg {
		return breakdown(cells, v.viewer.Person)
	}
	for _, c := range cells {
		outside := slices.DeleteFunc(slices.Clone(who.everybody), func(r metric.PeopleRow) bool {
			return by.people(r) != c.Key || len(inScope([]metric.PeopleRow{r}, scope)) > 0
		})
		if !clears(others(outside, v.viewer.Person)) {
			return nil
		}
	}
	return breakdown(cells, v.viewer.Person)
}
