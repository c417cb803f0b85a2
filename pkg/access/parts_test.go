package access_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/access/accesstest"
)

// parted is a table whose rows are parted: its atoms are what the persons of one label have in a crossing.
type parted struct {
	table  []access.Crossing
	atoms  []access.Crossing
	labels []string
	label  access.Label
}

// randomParted draws a table, classes of its persons, and columns that weigh otherwise: a label is of both.
func randomParted(r *rand.Rand) parted {
	p := parted{table: randomTable(r)}
	classes, others := 1+r.IntN(3), r.IntN(3)
	class := map[string]int{}
	for _, c := range p.table {
		for _, person := range c.People {
			if _, known := class[person]; !known {
				class[person] = max(0, r.IntN(3*classes)-2*classes+1) // most are of the first
			}
		}
	}
	p.label = func(_, column, person string) string {
		return fmt.Sprint(class[person], " ", column < fmt.Sprint("c", others))
	}
	for _, c := range p.table {
		of := map[string][]string{}
		for _, person := range c.People {
			of[p.label(c.Row, c.Column, person)] = append(of[p.label(c.Row, c.Column, person)], person)
		}
		for _, l := range slices.Sorted(maps.Keys(of)) {
			p.atoms, p.labels = append(p.atoms, access.Crossing{Row: c.Row, Column: c.Column, People: of[l]}), append(p.labels, l)
		}
	}
	return p
}

// forms are all sums that are published of the table and its parts: each weight of each sum by itself, as if it could be asked for under
// any prices.
func (p parted) forms(t *access.Table, parts *access.Parts) (forms [][]int64, weighed int) {
	weight := func(i int) string {
		if pool := parts.Pool(p.atoms[i].Row, p.labels[i]); pool != "" {
			return "pool " + pool
		}
		return p.labels[i]
	}
	sum := func(valued bool, in func(access.Crossing) bool) {
		of := map[string][]int64{}
		for i, a := range p.atoms {
			if !in(a) {
				continue
			}
			keys := []string{""}
			if valued {
				keys = append(keys, weight(i))
			}
			for _, key := range keys {
				if of[key] == nil {
					of[key] = make([]int64, len(p.atoms))
				}
				of[key][i] = 1
			}
		}
		for key, form := range of {
			if forms = append(forms, form); key != "" {
				weighed++
			}
		}
	}
	if !t.Few() {
		sum(true, func(access.Crossing) bool { return true })
	}
	for _, x := range p.table {
		if t.Row(x.Row) {
			sum(true, func(a access.Crossing) bool { return a.Row == x.Row })
		}
		if t.Column(x.Column) {
			sum(parts.Column(x.Column), func(a access.Crossing) bool { return a.Column == x.Column })
		}
		if len(x.People) > 0 && parts.Crossing(x.Row, x.Column) {
			sum(true, func(a access.Crossing) bool { return a.Row == x.Row && a.Column == x.Column })
		}
	}
	return forms, weighed
}

// The attack on two measures of the same work that weigh it differently, such as hours and their value: whatever is added and
// subtracted, with any weights, tells of nobody or of floor persons or more.
func TestNothingFollowsFromTwoMeasures(t *testing.T) {
	tables := accesstest.Attacks(2000)
	r := rand.New(rand.NewPCG(7, 2026)) //nolint:gosec // the same draws every time
	weighed := 0
	for i := range tables {
		p := randomParted(r)
		viewer := []string{"", "p0", "p3"}[r.IntN(3)]
		table := access.Protect(p.table, viewer, access.FloorPersons)
		forms, n := p.forms(table, table.Part(p.label))
		weighed += n
		if who := accesstest.Recover(persons(p.atoms), forms, viewer, access.FloorPersons); who != nil {
			t.Fatalf("table %d: the work of %v follows from what is published of %v, labels %v", i, who, p.atoms, p.labels)
		}
	}
	t.Logf("%d sums with weights of their own", weighed)
	if weighed < tables {
		t.Errorf("%d sums of %d tables have weights of their own: nothing was attacked", weighed, tables)
	}
}

// Prices that were settled for a stricter floor, before it was known who looks, are safe for whoever does: at once, or where what was hidden
// then is hidden, too.
func TestPoolsHoldForEveryViewer(t *testing.T) {
	tables := accesstest.Attacks(1000)
	r := rand.New(rand.NewPCG(8, 2026)) //nolint:gosec // the same draws every time
	again := 0
	for i := range tables {
		p := randomParted(r)
		base := access.Protect(p.table, "", access.FloorPersons+1)
		settled := base.Part(p.label)
		pooled := p
		pooled.label = func(row, column, person string) string {
			own := p.label(row, column, person)
			if pool := settled.Pool(row, own); pool != "" {
				return "pool " + pool
			}
			return own
		}
		pooled.labels = nil
		for _, a := range p.atoms {
			pooled.labels = append(pooled.labels, pooled.label(a.Row, a.Column, a.People[0]))
		}
		viewer := []string{"", "p0", "p3"}[r.IntN(3)]
		table := access.Protect(p.table, viewer, access.FloorPersons)
		parts := table.Part(pooled.label)
		if parts.Pooled() && !table.Few() {
			again++
			table = access.ProtectAs(base, p.table, viewer, access.FloorPersons)
			if parts = table.Part(pooled.label); parts.Pooled() && !table.Few() {
				t.Fatalf("table %d is pooled again for %q, though it hides what was hidden when it was settled: %v", i, viewer, p.atoms)
			}
		}
		forms, _ := pooled.forms(table, parts)
		if who := accesstest.Recover(persons(p.atoms), forms, viewer, access.FloorPersons); who != nil {
			t.Fatalf("table %d: the work of %v follows from what is published of %v", i, who, p.atoms)
		}
	}
	t.Logf("%d of %d tables hide more from the viewer than the floor alone asks", again, tables)
	if again == 0 || again > tables/10 {
		t.Errorf("%d of %d tables hide more than the floor alone asks", again, tables)
	}
}

func TestParts(t *testing.T) {
	lead := func(_, _, person string) string {
		if person == "p0" {
			return "lead"
		}
		return "writer"
	}
	one := []access.Crossing{{Row: "a", Column: "w", People: people(0, 8)}}
	for _, c := range []struct {
		name   string
		table  []access.Crossing
		label  access.Label
		pooled bool // that p0's part of row a is pooled
		column bool // that w may be valued
	}{
		// Hours h of eight, of whom one is paid otherwise: value less 36 h is theirs.
		{"one of eight", one, lead, true, true},
		{"all of one label", one, nil, false, true},
		{"five and five", []access.Crossing{{Row: "a", Column: "w", People: people(0, 10)}}, func(_, _, p string) string { return fmt.Sprint(p < "p5") }, false, true},
		// Each team has a price of its own. Hours alone tell of 2 + 3 persons at once; hours and value of w would tell of b's two.
		{"two of another team", []access.Crossing{
			{Row: "a", Column: "w", People: people(0, 6)},
			{Row: "a", Column: "v", People: people(10, 3)},
			{Row: "b", Column: "v", People: people(20, 6)},
			{Row: "b", Column: "w", People: people(30, 2)},
		}, func(row, _, _ string) string { return row }, false, false},
		{"five of another team", []access.Crossing{
			{Row: "a", Column: "w", People: people(0, 6)},
			{Row: "a", Column: "v", People: people(10, 5)},
			{Row: "b", Column: "v", People: people(20, 6)},
			{Row: "b", Column: "w", People: people(30, 5)},
		}, func(row, _, _ string) string { return row }, false, true},
	} {
		parts := access.Protect(c.table, "", 5).Part(c.label)
		label := ""
		if c.label != nil {
			label = c.label("a", "w", "p0")
		}
		if got := parts.Pool("a", label) != ""; got != c.pooled {
			t.Errorf("%s: pooled %v", c.name, got)
		}
		if got := parts.Column("w"); got != c.column {
			t.Errorf("%s: the column may be valued: %v", c.name, got)
		}
	}
}
