package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/pkg/access"
)

// people are so many persons, from the one numbered from on.
func people(from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("p", from+i))
	}
	return out
}

func TestSuppress(t *testing.T) {
	cell := func(key string, people []string) access.Cell { return access.Cell{Key: key, People: people} }
	for _, c := range []struct {
		name  string
		cells []access.Cell
		want  string // key[parts] of each row
	}{
		{"all large", []access.Cell{cell("a", people(0, 5)), cell("b", people(5, 9))}, "a[a] b[b]"},
		{"two small make other: 3 + 2 = 5 persons", []access.Cell{cell("a", people(0, 3)), cell("b", people(3, 6)), cell("c", people(9, 2))}, "b[b] other[a c]"},
		{"one small alone would be total minus the rest", []access.Cell{cell("a", people(0, 6)), cell("b", people(6, 4))}, ""},
		{"two small of 4 persons together", []access.Cell{cell("a", people(0, 6)), cell("b", people(6, 2)), cell("c", people(8, 2))}, ""},
		{"two small with the same persons", []access.Cell{cell("a", people(0, 4)), cell("b", people(0, 4))}, ""},
		{"a repeated person counts once", []access.Cell{cell("a", append(people(0, 4), "p0"))}, ""},
		{"an empty cell hides nobody", []access.Cell{cell("a", people(0, 5)), cell("b", nil)}, "a[a] other[b]"},
		{"an empty cell is no second cell", []access.Cell{cell("a", people(0, 6)), cell("b", people(6, 4)), cell("c", nil)}, ""},
		{"nothing", nil, ""},
	} {
		var b strings.Builder
		for _, row := range access.Suppress(c.cells, access.FloorPersons) {
			fmt.Fprintf(&b, "%s%v ", row.Key, row.Parts)
		}
		if got := strings.TrimSuffix(b.String(), " "); got != c.want {
			t.Errorf("%s: got %q; want %q", c.name, got, c.want)
		}
	}
}

func TestExcept(t *testing.T) {
	cells := []access.Cell{{Key: "a", People: people(0, 5)}}
	without := access.Except(cells, "p2")
	if len(cells[0].People) != 5 || len(without[0].People) != 4 || access.Suppress(without, 5) != nil {
		t.Errorf("got %v from %v", without, cells)
	}
}

// breakdown draws cells over few persons, so that they overlap, with what each cell counts.
func breakdown(t *rapid.T) (cells []access.Cell, values map[string]int64) {
	values = make(map[string]int64)
	for i := range rapid.IntRange(0, 9).Draw(t, "cells") {
		key := fmt.Sprint("c", i)
		who := rapid.SliceOfN(rapid.IntRange(0, 15), 0, 9).Draw(t, "people")
		c := access.Cell{Key: key}
		for _, p := range who {
			c.People = append(c.People, fmt.Sprint("p", p))
		}
		cells = append(cells, c)
		values[key] = rapid.Int64Range(-1000, 1000).Draw(t, "value")
	}
	return cells, values
}

// The rows sum to the total exactly, each cell being in one row.
func TestSuppressIsAPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells, values := breakdown(t)
		rows := access.Suppress(cells, rapid.IntRange(1, 8).Draw(t, "floor"))
		if rows == nil {
			return
		}
		var total, sum int64
		for _, v := range values {
			total += v
		}
		seen := map[string]bool{}
		for _, r := range rows {
			for _, part := range r.Parts {
				if seen[part] {
					t.Fatalf("%s is in two rows", part)
				}
				seen[part] = true
				sum += values[part]
			}
		}
		if len(seen) != len(cells) || sum != total {
			t.Fatalf("rows have %d of %d cells and sum to %d of %d", len(seen), len(cells), sum, total)
		}
	})
}

// Every sum of cells that follows from the published rows and the total, by adding and subtracting, has nobody or at
// least floor persons behind it. What follows is spanned by the rows and the total; a sum of cells with coefficients 0
// and 1 in that span is a union of rows, with or without what no row shows.
func TestNothingFollowsBelowTheFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells, _ := breakdown(t)
		floor := rapid.IntRange(1, 8).Draw(t, "floor")
		rows := access.Suppress(cells, floor)
		shown := map[string]bool{}
		groups := make([][]string, 0, len(rows)+1)
		for _, r := range rows {
			groups = append(groups, r.Parts)
			for _, p := range r.Parts {
				shown[p] = true
			}
		}
		// What the total has beyond the rows follows by subtraction, if the total is published at all.
		var rest, everybody []string
		for _, c := range cells {
			everybody = append(everybody, c.People...)
			if !shown[c.Key] {
				rest = append(rest, c.Key)
			}
		}
		if access.Clears(everybody, floor) && rest != nil {
			groups = append(groups, rest)
		}
		for mask := 1; mask < 1<<len(groups); mask++ {
			behind := map[string]bool{}
			for i, parts := range groups {
				if mask&(1<<i) == 0 {
					continue
				}
				for _, c := range cells {
					if slices.Contains(parts, c.Key) {
						for _, p := range c.People {
							behind[p] = true
						}
					}
				}
			}
			if len(behind) > 0 && len(behind) < floor {
				t.Fatalf("%d persons, fewer than %d, behind %v of %v", len(behind), floor, groups, rows)
			}
		}
	})
}

// The floor takes no more than it must: what is large enough is shown wherever anything is.
func TestLargeCellsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells, _ := breakdown(t)
		rows := access.Suppress(cells, 3)
		for _, c := range cells {
			large := access.Clears(c.People, 3)
			alone := slices.ContainsFunc(rows, func(r access.Cell) bool { return r.Key == c.Key && len(r.Parts) == 1 })
			if rows != nil && large != alone {
				t.Fatalf("%s of %d persons: shown alone %v", c.Key, len(c.People), alone)
			}
		}
	})
}
