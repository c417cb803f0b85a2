package access

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Label tells the parts of a row from each other: what a person does in a row and a column is of one part, such as of one
// price.
type Label func(row, column, person string) string

// Parts are the rows of a [Table] parted by a label, and what of that may be published besides the rows and columns: the sum of
// a part by itself, and, since parts may weigh differently in another measure of the same work, what that measure shows of a
// column.
//
// Where a part of a row would tell about fewer than floor persons it is pooled with others of the row: only their sum may be
// published, with one weight for all of them. Rows that the table hides are one row here.
//
// It is safe for concurrent use.
type Parts struct {
	of, fine *Table
	few      bool
	// labels are those of each set of joined nodes.
	labels map[int]map[string]bool
	shown  func() *shownParts
}

// shownParts are what is published besides the parts.
type shownParts struct {
	columns map[string]bool
	inner   map[[2]string]bool
}

// mark stands between the key of a row or column and the label of a part, hiddenKey for all that the table hides; no key has them.
const (
	mark      = "\x00"
	hiddenKey = "\x01"
)

// Part parts the rows by a label. nil is one part for each row.
func (t *Table) Part(label Label) *Parts {
	if label == nil {
		label = func(_, _, _ string) string { return "" }
	}
	p := &Parts{of: t, few: t.few, labels: map[int]map[string]bool{}}
	p.shown = sync.OnceValue(p.publish)
	if t.few {
		return p
	}
	p.fine = newTable(t.parted(label), t.viewer, t.floor)
	for {
		side := p.fine.graph.thinCut(t.floor)
		if side == nil {
			break
		}
		if !p.fine.pool(side) {
			p.few = true
			return p
		}
	}
	for i, n := range p.fine.nodes {
		if n.column {
			continue
		}
		root := p.fine.graph.joined.find(i)
		if p.labels[root] == nil {
			p.labels[root] = map[string]bool{}
		}
		p.labels[root][n.label()] = true
	}
	return p
}

// row is the key of a row among the parts, column that of a column.
func (t *Table) row(key string) string {
	if !t.Row(key) {
		return hiddenKey
	}
	return key
}

func (t *Table) column(key string) string {
	if !t.Column(key) {
		return hiddenKey
	}
	return key
}

// parted are the crossings of the table with their rows parted by a label.
func (t *Table) parted(label Label) []Crossing {
	var out []Crossing
	for _, c := range t.crossings {
		parts := map[string][]string{}
		for _, p := range c.People {
			k := label(c.Row, c.Column, p)
			parts[k] = append(parts[k], p)
		}
		for _, k := range slices.Sorted(maps.Keys(parts)) {
			out = append(out, Crossing{Row: t.row(c.Row) + mark + k, Column: t.column(c.Column), People: parts[k]})
		}
	}
	return out
}

// whole is the key of the row that a node is of, or of the column that it is; label that of the part.
func (n node) whole() string {
	key, _, _ := strings.Cut(n.key, mark)
	return key
}

func (n node) label() string {
	_, label, _ := strings.Cut(n.key, mark)
	return label
}

// pool joins the smallest parts of a row on the two sides of a cut. There is such a row where the rows as wholes have no such
// cut.
func (t *Table) pool(side []int8) bool {
	smallest := map[string][2]int{}
	for i, n := range t.nodes {
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
		if pair[at] < 0 || n.people < t.nodes[pair[at]].people {
			pair[at] = i
		}
		smallest[n.whole()] = pair
	}
	best := [2]int{-1, -1}
	for _, n := range t.nodes { // in their order, so that equals are decided the same every time
		pair := smallest[n.whole()]
		if n.column || pair[0] < 0 || pair[1] < 0 {
			continue
		}
		if best[0] < 0 || t.nodes[pair[0]].people+t.nodes[pair[1]].people < t.nodes[best[0]].people+t.nodes[best[1]].people {
			best = pair
		}
	}
	return best[0] >= 0 && t.graph.joined.join(best[0], best[1])
}

// everything is the pool of all labels, where not even the total may be parted.
const everything = "all"

// Pool names what a part of a row is pooled with; "" is by itself.
func (p *Parts) Pool(row, label string) string {
	if p.few {
		return everything
	}
	i, there := p.fine.at[place{false, p.of.row(row) + mark + label}]
	if !there {
		return ""
	}
	root := p.fine.graph.joined.find(i)
	if len(p.labels[root]) < 2 {
		return ""
	}
	return strconv.Itoa(root)
}

// Pooled tells whether any part is pooled with another.
func (p *Parts) Pooled() bool {
	for _, labels := range p.labels {
		if len(labels) > 1 {
			return true
		}
	}
	return p.few
}

// Column tells whether a sum of a column in which the parts have weights of their own may be published: where all of it is of one
// weight, or where its parts, too, tell about floor persons or more.
func (p *Parts) Column(key string) bool { return !p.few && p.of.Column(key) && p.shown().columns[key] }

// Crossing tells whether what a row and a column have in common may be published besides all rows, parts and columns, with the
// weights of the parts or without. Where nobody is, it may.
func (p *Parts) Crossing(row, column string) bool {
	u, known := p.of.at[place{false, row}]
	v, knows := p.of.at[place{true, column}]
	if !known || !knows {
		return true
	}
	_, there := p.of.crossed[[2]int{u, v}]
	return !there || (!p.few && p.shown().inner[[2]string{row, column}])
}

// publish settles the columns, then the crossings.
func (p *Parts) publish() *shownParts {
	out := &shownParts{columns: map[string]bool{}, inner: map[[2]string]bool{}}
	if p.few {
		return out
	}
	split := map[string]bool{}
	weights := p.weightsOf()
	for _, key := range p.byPeople() {
		if len(weights[key]) < 2 {
			out.columns[key] = true
			continue
		}
		split[key] = true
		out.columns[key] = p.split(split).graph.thinCut(p.of.floor) == nil
		split[key] = out.columns[key]
	}
	p.split(split).innerOf(out.inner, p.of)
	return out
}

// weightOf is the weight of a node that is a row: the label where the part is by itself, else its pool.
func (p *Parts) weightOf(i int) string {
	if root := p.fine.graph.joined.find(i); len(p.labels[root]) > 1 {
		return mark + strconv.Itoa(root)
	}
	return p.fine.nodes[i].label()
}

// weightsOf are the weights in each column.
func (p *Parts) weightsOf() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, e := range p.fine.graph.edges {
		key := p.fine.nodes[e.v].key
		if out[key] == nil {
			out[key] = map[string]bool{}
		}
		out[key][p.weightOf(e.u)] = true
	}
	return out
}

// byPeople are the columns that are shown, those with the most people first.
func (p *Parts) byPeople() []string {
	var columns []node
	for _, n := range p.fine.nodes {
		if n.column && n.key != hiddenKey {
			columns = append(columns, n)
		}
	}
	slices.SortFunc(columns, func(a, b node) int { return cmp.Or(cmp.Compare(b.people, a.people), cmp.Compare(a.key, b.key)) })
	out := make([]string, 0, len(columns))
	for _, n := range columns {
		out = append(out, n.key)
	}
	return out
}

// split is the table of the pools and parts of the rows in which some columns are parted by weight, too.
func (p *Parts) split(columns map[string]bool) *Table {
	out := &Table{floor: p.of.floor, at: map[place]int{}, crossed: map[[2]int]int{}}
	g := &graph{count: p.fine.graph.count}
	for _, e := range p.fine.graph.edges {
		row, weight, column := p.fine.nodes[e.u].whole(), p.weightOf(e.u), p.fine.nodes[e.v].key
		if columns[column] {
			column += mark + weight
		}
		pair := [2]int{out.node(place{false, row + mark + weight}), out.node(place{true, column})}
		i, there := out.crossed[pair]
		if !there {
			i = len(g.edges)
			out.crossed[pair], g.edges = i, append(g.edges, edge{u: pair[0], v: pair[1]})
		}
		g.edges[i].people = append(g.edges[i].people, e.people...)
	}
	g.nodes, g.joined = len(out.nodes), newSets(len(out.nodes))
	out.graph = g
	return out
}

// innerOf finds the crossings that may be published: of floor persons or more and one weight, and so that what is left of each
// cut without them has nobody behind it or floor persons again.
func (t *Table) innerOf(inner map[[2]string]bool, whole *Table) {
	at := map[[2]string][]int{}
	for i, e := range t.graph.edges {
		pair := [2]string{t.nodes[e.u].whole(), t.nodes[e.v].whole()}
		at[pair] = append(at[pair], i)
	}
	out := map[int]bool{}
	for pair, edges := range at {
		if pair[0] != hiddenKey && pair[1] != hiddenKey && len(edges) == 1 && t.graph.count.distinct([]edge{t.graph.edges[edges[0]]}) >= whole.floor {
			out[edges[0]] = true
		}
	}
	t.withoutThin(out)
	for pair, edges := range at {
		inner[pair] = len(edges) == 1 && out[edges[0]]
	}
}

// withoutThin takes edges out of those that are published until no cut of the others is thin.
func (t *Table) withoutThin(out map[int]bool) {
	rest := *t.graph
	for {
		rest.edges = nil
		for i, e := range t.graph.edges {
			if !out[i] {
				rest.edges = append(rest.edges, e)
			}
		}
		side := rest.thinCut(t.floor)
		if side == nil {
			return
		}
		before := len(out)
		for i, e := range t.graph.edges {
			if (side[e.u] == inside) != (side[e.v] == inside) {
				delete(out, i)
			}
		}
		if len(out) == before { // a bound, and no cut, stands against it
			clear(out)
		}
	}
}
