package access

import (
	"math"
	"slices"
)

// edge joins two nodes of the graph of a table with the persons who are in both.
type edge struct {
	u, v   int
	people []int32
}

// The sides of a cut.
const (
	elsewhere int8 = iota // connected with neither side
	inside
	outside
)

// enumerated is the most nodes of which every cut is looked at: 2^11 of them. Of more, a bound is.
const enumerated = 12

// graph has a node for each row and each column of a table, and an edge where they cross. What a reader can derive from
// the sums of rows and columns by adding and subtracting are sums over the edges between some nodes and the others: cuts.
type graph struct {
	nodes  int
	edges  []edge
	joined *sets
	count  *counter
}

// thinCut looks for a cut with persons across it, but fewer than floor, and returns the side of every node; nil says
// that there is none. It may return a cut of more where there are too many nodes to look at every one. Nodes that are
// joined are on the same side of every cut.
func (g *graph) thinCut(floor int) []int8 {
	together := g.contract(floor)
	for _, c := range g.components(together) {
		if side := c.thin(floor, g.count); side != nil {
			out := make([]int8, g.nodes)
			for i := range out {
				if j, there := c.index[together.find(i)]; there {
					out[i] = outside
					if side[j] {
						out[i] = inside
					}
				}
			}
			return out
		}
	}
	return nil
}

// contract joins nodes with floor or more persons between them, who are across every cut that parts the two, until no
// more can be joined.
func (g *graph) contract(floor int) *sets {
	together := g.joined.clone()
	for changed := true; changed; {
		changed = false
		for pair, edges := range g.between(together) {
			if g.count.distinct(edges) >= floor {
				changed = together.join(pair[0], pair[1]) || changed
			}
		}
	}
	return together
}

// between are the edges between sets of nodes, by their pairs.
func (g *graph) between(together *sets) map[[2]int][]edge {
	out := map[[2]int][]edge{}
	for _, e := range g.edges {
		u, v := together.find(e.u), together.find(e.v)
		if u == v {
			continue
		}
		pair := [2]int{min(u, v), max(u, v)}
		out[pair] = append(out[pair], edge{pair[0], pair[1], e.people})
	}
	return out
}

// component is a connected part of the contracted graph; its nodes are numbered from 0.
type component struct {
	index map[int]int
	edges []edge
}

// components are the connected parts that have an edge, in the order of their first nodes.
func (g *graph) components(together *sets) []component {
	pairs := g.between(together)
	linked := newSets(g.nodes)
	for pair := range pairs {
		linked.join(pair[0], pair[1])
	}
	byRoot := map[int]*component{}
	var roots []int
	for node := range g.nodes {
		if together.find(node) != node {
			continue
		}
		root := linked.find(node)
		c := byRoot[root]
		if c == nil {
			c = &component{index: map[int]int{}}
			byRoot[root], roots = c, append(roots, root)
		}
		c.index[node] = len(c.index)
	}
	for pair, edges := range pairs {
		c := byRoot[linked.find(pair[0])]
		for _, e := range edges {
			c.edges = append(c.edges, edge{c.index[pair[0]], c.index[pair[1]], e.people})
		}
	}
	var out []component
	for _, root := range roots {
		c := byRoot[root]
		if len(c.edges) == 0 {
			continue
		}
		slices.SortStableFunc(c.edges, func(a, b edge) int { return (a.u-b.u)*len(c.index) + a.v - b.v })
		out = append(out, *c)
	}
	return out
}

// thin is one side of a thin cut; nil where there is none.
func (c component) thin(floor int, count *counter) []bool {
	n := len(c.index)
	side := make([]bool, n)
	for node := range n { // those with one node on a side come first: their rows are the small ones
		side[node] = true
		if c.across(side, count) < floor {
			return side
		}
		side[node] = false
	}
	if n > enumerated {
		return c.bounded(floor)
	}
	for mask := 3; mask < 1<<(n-1); mask++ {
		for node := range n {
			side[node] = mask&(1<<node) != 0
		}
		if c.across(side, count) < floor {
			return side
		}
	}
	return nil
}

// across counts the persons between a side and the rest.
func (c component) across(side []bool, count *counter) int {
	count.reset()
	for _, e := range c.edges {
		if side[e.u] != side[e.v] {
			count.add(e.people)
		}
	}
	return count.n
}

// bounded is the cut of the least weight, where it is below floor. Persons weigh one, shared between the pairs of nodes
// that they are in, so that no cut weighs more than the persons across it.
func (c component) bounded(floor int) []bool {
	n := len(c.index)
	behind := map[[2]int]map[int32]bool{}
	pairs := map[int32]int{}
	for _, e := range c.edges {
		pair := [2]int{e.u, e.v}
		if behind[pair] == nil {
			behind[pair] = map[int32]bool{}
		}
		for _, p := range e.people {
			if !behind[pair][p] {
				behind[pair][p] = true
				pairs[p]++
			}
		}
	}
	weights := make([][]float64, n)
	for i := range weights {
		weights[i] = make([]float64, n)
	}
	for pair, people := range behind {
		w := 0.0
		for _, p := range sortedKeys(people) { // in one order, so that the sum is the same every time
			w += 1 / float64(pairs[p])
		}
		weights[pair[0]][pair[1]], weights[pair[1]][pair[0]] = w, w
	}
	weight, side := minimumCut(weights)
	if weight >= float64(floor)-1e-9 {
		return nil
	}
	return side
}

func sortedKeys(set map[int32]bool) []int32 {
	out := make([]int32, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// minimumCut is the cut of the least weight of a graph of two nodes or more, after Stoer and Wagner, "A simple min-cut
// algorithm", Journal of the ACM 44 (1997). The weights are used up.
func minimumCut(w [][]float64) (weight float64, side []bool) {
	n := len(w)
	members := make([][]int, n)
	alive := make([]int, n)
	for i := range n {
		members[i], alive[i] = []int{i}, i
	}
	weight = math.Inf(1)
	var best []int
	for len(alive) > 1 {
		s, t, cut := lastTwo(w, alive)
		if cut < weight {
			weight, best = cut, slices.Clone(members[t])
		}
		members[s] = append(members[s], members[t]...)
		for _, i := range alive {
			w[s][i] += w[t][i]
			w[i][s] = w[s][i]
		}
		alive = slices.DeleteFunc(alive, func(i int) bool { return i == t })
	}
	side = make([]bool, n)
	for _, i := range best {
		side[i] = true
	}
	return weight, side
}

// lastTwo adds the nodes one by one, each time the one most tightly tied to those before: the last two, and what ties the
// very last to the others.
func lastTwo(w [][]float64, alive []int) (s, t int, cut float64) {
	tied := make([]float64, len(w))
	left := slices.Clone(alive)
	s, t = -1, -1
	for len(left) > 0 {
		next := 0
		for i := range left {
			if tied[left[i]] > tied[left[next]] {
				next = i
			}
		}
		s, t = t, left[next]
		cut = tied[t]
		left = slices.Delete(left, next, next+1)
		for _, i := range left {
			tied[i] += w[t][i]
		}
	}
	return s, t, cut
}

// sets are disjoint sets of nodes.
type sets struct{ parent []int }

func newSets(n int) *sets {
	s := &sets{make([]int, n)}
	for i := range s.parent {
		s.parent[i] = i
	}
	return s
}

func (s *sets) clone() *sets { return &sets{slices.Clone(s.parent)} }

// find is the least node of a set.
func (s *sets) find(i int) int {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
}

// join makes one set of two and tells whether they were two.
func (s *sets) join(i, j int) bool {
	i, j = s.find(i), s.find(j)
	s.parent[max(i, j)] = min(i, j)
	return i != j
}

// counter counts distinct persons.
type counter struct {
	seen []int
	turn int
	n    int
}

func newCounter(persons int) *counter { return &counter{seen: make([]int, persons)} }

func (c *counter) reset() { c.turn, c.n = c.turn+1, 0 }

func (c *counter) add(people []int32) {
	for _, p := range people {
		if c.seen[p] != c.turn {
			c.seen[p] = c.turn
			c.n++
		}
	}
}

// distinct counts the persons of edges.
func (c *counter) distinct(edges []edge) int {
	c.reset()
	for _, e := range edges {
		c.add(e.people)
	}
	return c.n
}
