package scorecard

import (
	"cmp"
	"maps"
	"slices"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

// floorRow is a sum that may be shown: of one member, or of several that are merged.
type floorRow struct {
	// key is the member, empty for what is assigned to none and for merged rows.
	key    string
	merged bool
	sum    sum
	people *uint64
}

// merge sums members into the rows that may be shown; what no row has is merged.
func merge(sums map[string]sum, visible []access.Cell) []floorRow {
	var out []floorRow
	visible = withRest(sums, visible)
	for _, c := range visible {
		r := floorRow{key: c.Key, people: new(uint64(len(c.People)))}
		found := false
		for _, part := range c.Parts {
			s, ok := sums[part]
			r.sum, found = r.sum.plus(s), found || ok
		}
		if isOther(c) {
			r.key, r.merged = "", true
		}
		if found {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b floorRow) int { return cmp.Compare(a.key, b.key) })
	return out
}

// withRest adds the members that are in none of the rows to the one that is merged.
func withRest(sums map[string]sum, visible []access.Cell) []access.Cell {
	in := map[string]bool{}
	other := access.Cell{Key: access.OtherKey}
	rows := make([]access.Cell, 0, len(visible))
	for _, c := range visible {
		for _, part := range c.Parts {
			in[part] = true
		}
		if isOther(c) {
			other = c
			continue
		}
		rows = append(rows, c)
	}
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		if !in[key] {
			other.Parts = append(slices.Clone(other.Parts), key)
		}
	}
	if len(other.Parts) > 0 {
		rows = append(rows, other)
	}
	return rows
}

func (s sum) plus(o sum) sum { return sum{s.value.Add(o.value), s.n + o.n} }

// column adds the column of a measure of people's work, of which the visible rows may be shown. Members that are not shown by
// themselves get a cell that says so. What is of a month that is not over belongs to no member yet.
func (n *numbers) column(fold metric.Fold, key string, visible []access.Cell, by dimension, row func(kind, key string) *contribution) {
	if fold.Measure.Status != metric.OK {
		return
	}
	unit := fold.Measure.Unit
	set := func(kind, member string, r floorRow) {
		measures := row(kind, member).Measures
		if before, there := measures[key]; there && before.Value != nil {
			r.sum = r.sum.plus(sum{before.Value.Decimal, *before.N})
		}
		measures[key] = okCell(r.sum, unit, r.people)
	}
	over, open := n.split(fold.Cells)
	sums := sumBy(over, by.ofCell)
	if n.window.Scope.Kind == metric.ScopeMe {
		for member, s := range sums {
			set(kindOf(member), member, floorRow{sum: s})
		}
		return
	}
	shown := map[string]bool{}
	for _, r := range merge(sums, visible) {
		if r.merged {
			set(rowOther, "", r)
			continue
		}
		shown[r.key] = true
		set(kindOf(r.key), r.key, r)
	}
	for _, s := range sumBy(open, func(metric.Cell) string { return "" }) {
		set(rowOther, "", floorRow{sum: s})
	}
	for member := range sums {
		measures := row(kindOf(member), member).Measures
		if _, there := measures[key]; !there && !shown[member] {
			measures[key] = cell{Unit: unit, Status: metric.Withheld, Reason: new(floorReason)}
		}
	}
}
