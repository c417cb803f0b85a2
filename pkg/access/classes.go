package access

import "strings"

// fine is a table with its rows parted into the classes of their persons, where these may be told apart.
type fine struct {
	*Table
	// few says that nothing may be told apart, not even by class.
	few   bool
	mixed map[string]bool
	inner map[[2]string]bool
}

// Apart tells whether a class of persons may be told apart: what it has in any row then has nobody behind it or floor
// persons or more, whatever else of the table is added and subtracted. A class in which nobody is may be.
func (t *Table) Apart(class string) bool {
	f := t.fine()
	return !f.few && !f.mixed[class]
}

// Crossing tells whether what a row and a column have in common may be published besides all rows, columns and classes.
func (t *Table) Crossing(row, column string) bool {
	u, known := t.at[place{false, row}]
	v, knows := t.at[place{true, column}]
	if !known || !knows {
		return true
	}
	_, there := t.crossed[[2]int{u, v}]
	return !there || t.fine().inner[[2]string{row, column}]
}

// refine parts the rows into classes and joins those again that tell about too few.
func (t *Table) refine() *fine {
	out := &fine{few: t.few, mixed: map[string]bool{}, inner: map[[2]string]bool{}}
	if t.few {
		return out
	}
	out.Table = newTable(byClass(t.crossings, t.class), t.viewer, t.floor)
	out.joinHidden(t)
	for {
		side := out.graph.thinCut(t.floor)
		if side == nil {
			break
		}
		if !out.unsplit(side) {
			out.few = true
			return out
		}
	}
	out.mix()
	out.publish(t)
	return out
}

// classMark stands between the key of a row and the class; no key has it.
const classMark = "\x00"

// byClass parts each row into the classes of its persons.
func byClass(crossings []Crossing, class func(row, person string) string) []Crossing {
	if class == nil {
		class = func(_, _ string) string { return "" }
	}
	var out []Crossing
	for _, c := range crossings {
		parts := map[string][]string{}
		for _, p := range c.People {
			k := class(c.Row, p)
			parts[k] = append(parts[k], p)
		}
		for k, people := range parts {
			out = append(out, Crossing{Row: c.Row + classMark + k, Column: c.Column, People: people})
		}
	}
	return out
}

// row is the key of the row that a node is of, or of the column that it is.
func (n node) whole() string {
	key, _, _ := strings.Cut(n.key, classMark)
	return key
}

// joinHidden joins what the whole table hides.
func (f *fine) joinHidden(whole *Table) {
	first := map[bool]int{}
	for i, n := range f.nodes {
		if !whole.hidden[place{n.column, n.whole()}] {
			continue
		}
		if at, there := first[n.column]; there {
			f.graph.joined.join(at, i)
			continue
		}
		first[n.column] = i
	}
}

// unsplit joins the smallest classes of a row on the two sides of a cut. There is such a row where the rows as wholes have
// no such cut.
func (f *fine) unsplit(side []int8) bool {
	smallest := map[string][2]int{}
	best := [2]int{-1, -1}
	for i, n := range f.nodes {
		if n.column {
			continue
		}
		pair, there := smallest[n.whole()]
		if !there {
			pair = [2]int{-1, -1}
		}
		at := 0
		if side[i] != inside {
			at = 1
		}
		if pair[at] < 0 || n.people < f.nodes[pair[at]].people {
			pair[at] = i
		}
		smallest[n.whole()] = pair
	}
	for _, n := range f.nodes { // in their order, so that equals are decided the same every time
		pair := smallest[n.whole()]
		if n.column || pair[0] < 0 || pair[1] < 0 {
			continue
		}
		if best[0] < 0 || f.nodes[pair[0]].people+f.nodes[pair[1]].people < f.nodes[best[0]].people+f.nodes[best[1]].people {
			best = pair
		}
	}
	return best[0] >= 0 && f.graph.joined.join(best[0], best[1])
}

// mix finds the classes that are joined with another somewhere.
func (f *fine) mix() {
	of := map[int]string{}
	for i, n := range f.nodes {
		if n.column {
			continue
		}
		_, class, _ := strings.Cut(n.key, classMark)
		root := f.graph.joined.find(i)
		switch before, there := of[root]; {
		case !there:
			of[root] = class
		case before != class:
			f.mixed[before], f.mixed[class] = true, true
		}
	}
}

// publish finds the crossings that may be published: of floor persons or more, of rows that are not parted into classes,
// and so that what is left of each cut without them has nobody behind it or floor persons again.
func (f *fine) publish(whole *Table) {
	candidates := map[[2]string][]int{}
	parted := f.parted()
	for i, e := range f.graph.edges {
		row, column := f.nodes[e.u].whole(), f.nodes[e.v].key
		if !whole.hidden[place{false, row}] && !whole.hidden[place{true, column}] && !parted[row] {
			candidates[[2]string{row, column}] = append(candidates[[2]string{row, column}], i)
		}
	}
	out := map[int]bool{}
	for _, edges := range candidates {
		f.graph.count.reset()
		for _, i := range edges {
			f.graph.count.add(f.graph.edges[i].people)
		}
		for _, i := range edges {
			if f.graph.count.n >= f.floor {
				out[i] = true
			}
		}
	}
	f.withoutThin(out)
	for key, edges := range candidates {
		f.inner[key] = out[edges[0]]
	}
}

// parted are the rows whose classes are not all joined.
func (f *fine) parted() map[string]bool {
	root, out := map[string]int{}, map[string]bool{}
	for i, n := range f.nodes {
		if n.column {
			continue
		}
		at := f.graph.joined.find(i)
		if before, there := root[n.whole()]; there && before != at {
			out[n.whole()] = true
		}
		root[n.whole()] = at
	}
	return out
}

// withoutThin takes edges out of those that are published until no cut of the others is thin.
func (f *fine) withoutThin(out map[int]bool) {
	rest := *f.graph
	for {
		rest.edges = nil
		for i, e := range f.graph.edges {
			if !out[i] {
				rest.edges = append(rest.edges, e)
			}
		}
		side := rest.thinCut(f.floor)
		if side == nil {
			return
		}
		before := len(out)
		for i, e := range f.graph.edges {
			if (side[e.u] == inside) != (side[e.v] == inside) {
				delete(out, i)
			}
		}
		if len(out) == before { // a bound, and no cut, stands against it
			clear(out)
		}
	}
}
