package access

import (
	"cmp"
	"slices"
)

// Crossing is what a row and a column of a table have in common, such as the work of a team on a workflow, with the
// persons who did it, in any order; a repeated one counts once. What names nobody has none.
type Crossing struct {
	Row, Column string
	People      []string
}

// Table says what of a table of people's work may be published, given that its rows, its columns and its total may all be
// asked for and be added and subtracted: whatever follows has nobody behind it besides the viewer, or floor persons or more.
//
// Rows and columns are sums over what crosses them, so that what follows from them are sums over the cuts of the graph that
// has them for nodes and the crossings for edges. Where fewer than floor persons are across a cut, two rows or two columns
// of its two sides are hidden: only their sum is published. All that is hidden of a dimension is one sum.
//
// It is safe for concurrent use.
type Table struct {
	floor   int
	graph   *graph
	nodes   []node
	at      map[place]int
	hidden  map[place]bool
	crossed map[[2]int]int
	few     bool
	// crossings and viewer are what it was made of.
	crossings []Crossing
	viewer    string
}

// place names a row or a column.
type place struct {
	column bool
	key    string
}

// node is a row or a column with how many persons are in it.
type node struct {
	place
	people int
}

// Protect decides what of a table may be published to a viewer, who knows the own numbers; "" is somebody who has none.
func Protect(crossings []Crossing, viewer string, floor int) *Table {
	return ProtectAs(nil, crossings, viewer, floor)
}

// ProtectAs is [Protect] that hides whatever another table of the same crossings hides, and more where it has to. nil hides nothing.
func ProtectAs(other *Table, crossings []Crossing, viewer string, floor int) *Table {
	t := newTable(crossings, viewer, floor)
	t.crossings, t.viewer = crossings, viewer
	t.hideAs(other)
	if everybody := t.graph.count.distinct(t.graph.edges); everybody > 0 && everybody < floor {
		t.few = true
		for _, n := range t.nodes {
			t.hidden[n.place] = true
		}
		return t
	}
	for {
		side := t.graph.thinCut(floor)
		if side == nil {
			return t
		}
		t.hide(side)
	}
}

// hideAs hides what another table hides.
func (t *Table) hideAs(other *Table) {
	if other == nil {
		return
	}
	first := map[bool]int{}
	for i, n := range t.nodes {
		if !other.hidden[n.place] {
			continue
		}
		t.hidden[n.place] = true
		if at, there := first[n.column]; there {
			t.graph.joined.join(at, i)
			continue
		}
		first[n.column] = i
	}
}

// newTable makes the graph of the persons besides the viewer, in an order that depends on nothing but the keys.
func newTable(crossings []Crossing, viewer string, floor int) *Table {
	t := &Table{floor: floor, at: map[place]int{}, hidden: map[place]bool{}, crossed: map[[2]int]int{}}
	sorted := slices.SortedFunc(slices.Values(crossings), func(a, b Crossing) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
	ids := map[string]int32{}
	g := &graph{}
	for _, c := range sorted {
		var people []int32
		for _, p := range c.People {
			if p == viewer {
				continue
			}
			id, known := ids[p]
			if !known {
				id = int32(len(ids)) //nolint:gosec // fewer persons than 2^31
				ids[p] = id
			}
			people = append(people, id)
		}
		if len(people) == 0 {
			continue
		}
		pair := [2]int{t.node(place{false, c.Row}), t.node(place{true, c.Column})}
		i, there := t.crossed[pair]
		if !there {
			i = len(g.edges)
			t.crossed[pair], g.edges = i, append(g.edges, edge{u: pair[0], v: pair[1]})
		}
		g.edges[i].people = append(g.edges[i].people, people...)
	}
	g.nodes, g.joined, g.count = len(t.nodes), newSets(len(t.nodes)), newCounter(len(ids))
	t.graph = g
	t.weigh()
	return t
}

func (t *Table) node(p place) int {
	i, there := t.at[p]
	if !there {
		i = len(t.nodes)
		t.at[p], t.nodes = i, append(t.nodes, node{place: p})
	}
	return i
}

// weigh counts the persons of each node.
func (t *Table) weigh() {
	of := make([][]edge, len(t.nodes))
	for _, e := range t.graph.edges {
		of[e.u], of[e.v] = append(of[e.u], e), append(of[e.v], e)
	}
	for i := range t.nodes {
		t.nodes[i].people = t.graph.count.distinct(of[i])
	}
}

// hide hides two rows or two columns that a cut parts: those that cost the fewest persons, and columns before rows where
// both cost the same.
func (t *Table) hide(side []int8) {
	var best []int
	least := 0
	for _, column := range []bool{true, false} {
		a, b := t.smallest(side, inside, column), t.smallest(side, outside, column)
		if b < 0 {
			b = t.smallest(side, elsewhere, column)
		}
		if a < 0 || b < 0 {
			continue
		}
		if cost := t.cost(a) + t.cost(b); best == nil || cost < least {
			best, least = []int{a, b}, cost
		}
	}
	column := t.nodes[best[0]].column
	for i, n := range t.nodes { // one sum of all that is hidden
		if n.column == column && t.hidden[n.place] {
			best = append(best, i)
		}
	}
	for _, i := range best {
		t.hidden[t.nodes[i].place] = true
		t.graph.joined.join(best[0], i)
	}
}

// smallest is the row or column on a side that costs the fewest persons; -1 where there is none.
func (t *Table) smallest(side []int8, on int8, column bool) int {
	best := -1
	for i, n := range t.nodes {
		if side[i] != on || n.column != column {
			continue
		}
		if best < 0 || t.cost(i) < t.cost(best) {
			best = i
		}
	}
	return best
}

// cost is how many persons are hidden with a node: none where it is hidden already.
func (t *Table) cost(i int) int {
	if t.hidden[t.nodes[i].place] {
		return 0
	}
	return t.nodes[i].people
}

// Few tells whether even the total has too few persons behind it.
func (t *Table) Few() bool { return t.few }

// Row tells whether a row may be published by itself. One with nobody in it besides the viewer may.
func (t *Table) Row(key string) bool { return !t.hidden[place{false, key}] }

// Column tells whether a column may be published by itself.
func (t *Table) Column(key string) bool { return !t.hidden[place{true, key}] }
