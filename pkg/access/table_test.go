package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/access"
	"plumbline/pkg/access/accesstest"
)

// people are so many persons, from the one numbered from on.
func people(from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("p", from+i))
	}
	return out
}

func TestProtect(t *testing.T) {
	at := func(row, column string, people []string) access.Crossing {
		return access.Crossing{Row: row, Column: column, People: people}
	}
	for _, c := range []struct {
		name  string
		table []access.Crossing
		want  string // the rows and columns that are hidden
	}{
		{"all large", []access.Crossing{at("a", "w", people(0, 5)), at("b", "w", people(5, 9))}, ""},
		{"a small row hides with the smallest of the others", []access.Crossing{at("a", "w", people(0, 6)), at("b", "w", people(6, 4)), at("c", "w", people(20, 8))}, "a b"},
		{"two small ones of 3 + 2 hide together", []access.Crossing{at("a", "w", people(0, 3)), at("b", "w", people(3, 6)), at("c", "w", people(9, 2))}, "a c"},
		{"two small ones with the same persons need another", []access.Crossing{at("a", "w", people(0, 4)), at("b", "w", people(0, 4)), at("c", "w", people(9, 6))}, "a b c"},
		{"too few in all", []access.Crossing{at("a", "w", people(0, 4))}, "a w"},
		{"a repeated person counts once", []access.Crossing{at("a", "w", append(people(0, 4), "p0"))}, "a w"},
		{"nobody hides nobody", []access.Crossing{at("a", "w", people(0, 5)), at("b", "w", nil)}, ""},
		// All of a is on w, and one other person is: w less a would be that person.
		{"two tables at once", []access.Crossing{at("a", "w", people(0, 6)), at("b", "w", people(10, 1)), at("b", "v", people(20, 7))}, "w v"},
		// a less v, of those on w: rows and columns are large, and what they differ by is not.
		{"a cut of many", []access.Crossing{
			at("a", "w", people(0, 6)), at("a", "v", people(10, 2)), at("b", "v", people(20, 6)), at("b", "w", people(30, 2)),
		}, "w v"},
		{"the same cut of five", []access.Crossing{
			at("a", "w", people(0, 6)), at("a", "v", people(10, 3)), at("b", "v", people(20, 6)), at("b", "w", people(30, 2)),
		}, ""},
		{"nothing", nil, ""},
	} {
		table := access.Protect(c.table, "viewer", access.FloorPersons)
		var hidden []string
		for _, x := range c.table {
			for key, shown := range map[string]bool{x.Row: table.Row(x.Row), x.Column: table.Column(x.Column)} {
				if !shown && !slices.Contains(hidden, key) {
					hidden = append(hidden, key)
				}
			}
		}
		want := strings.Fields(c.want)
		slices.Sort(hidden)
		slices.Sort(want)
		if !slices.Equal(hidden, want) {
			t.Errorf("%s: %v are hidden, want %v", c.name, hidden, want)
		}
	}
}

// Who looks does not hide a colleague: four others and the viewer are four.
func TestProtectWithoutTheViewer(t *testing.T) {
	table := []access.Crossing{{Row: "a", Column: "w", People: people(0, 5)}, {Row: "b", Column: "w", People: people(5, 6)}}
	if !access.Protect(table, "", 5).Row("a") || access.Protect(table, "p2", 5).Row("a") {
		t.Error("the viewer is counted, or others are not")
	}
}

func TestCrossing(t *testing.T) {
	large := []access.Crossing{
		{Row: "a", Column: "w", People: people(0, 7)},
		{Row: "a", Column: "v", People: people(10, 6)},
		{Row: "b", Column: "w", People: people(20, 5)},
		{Row: "b", Column: "v", People: people(30, 6)},
		{Row: "b", Column: "u", People: nil},
	}
	table := access.Protect(large, "", 5)
	got := table.Part(nil)
	for _, c := range append(large, access.Crossing{Row: "c", Column: "w"}) { // nobody is in the last two
		if !got.Crossing(c.Row, c.Column) {
			t.Errorf("%s on %s is not shown", c.Row, c.Column)
		}
	}
	// Of b's six on v are two now: v less (a, v) would be them, and (a, v) is a less (a, w).
	large[3].People = people(30, 2)
	table = access.Protect(large, "", 5)
	got = table.Part(nil)
	for _, c := range large[:4] {
		if !table.Row(c.Row) || !table.Column(c.Column) || got.Crossing(c.Row, c.Column) {
			t.Errorf("%s on %s: shown %v", c.Row, c.Column, got.Crossing(c.Row, c.Column))
		}
	}
}

func TestApart(t *testing.T) {
	class := func(_, _, person string) string {
		if person < "p3" { // p0 to p2 and p10 to p29
			return "senior"
		}
		return "junior"
	}
	for _, c := range []struct {
		name  string
		table []access.Crossing
		want  bool
	}{
		{"a class of whole teams", []access.Crossing{{Row: "a", Column: "w", People: people(10, 6)}, {Row: "b", Column: "w", People: people(40, 6)}}, true},
		{"five of each in one team", []access.Crossing{{Row: "a", Column: "w", People: append(people(10, 5), people(40, 5)...)}}, true},
		{"three of one team", []access.Crossing{{Row: "a", Column: "w", People: append(people(10, 3), people(40, 5)...)}, {Row: "b", Column: "w", People: people(20, 9)}}, false},
		{"few in all, of one class", []access.Crossing{{Row: "a", Column: "w", People: people(10, 3)}}, false},
	} {
		parts := access.Protect(c.table, "", 5).Part(class)
		apart := func(label string) bool {
			return !slices.ContainsFunc(c.table, func(x access.Crossing) bool { return parts.Pool(x.Row, label) != "" })
		}
		if got := apart("senior"); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if len(c.table) > 1 && c.want && !apart("nobody") {
			t.Errorf("%s: a class in which nobody is tells of nobody", c.name)
		}
	}
}

// randomTable draws a table over few persons, many of whom are in several crossings.
func randomTable(r *rand.Rand) []access.Crossing {
	rows, columns := 1+r.IntN(6), 1+r.IntN(6)
	if r.IntN(40) == 0 {
		rows, columns = 7+r.IntN(4), 6+r.IntN(4) // more nodes than of which every cut is looked at
	}
	population := 6 + r.IntN(60)
	var out []access.Crossing
	for row := range rows {
		for column := range columns {
			if r.IntN(3) == 0 {
				continue
			}
			most := []int{1, 3, 7, 14}[r.IntN(4)]
			var who []string
			for range r.IntN(most + 1) {
				who = append(who, fmt.Sprint("p", r.IntN(population)))
			}
			out = append(out, access.Crossing{Row: fmt.Sprint("r", row), Column: fmt.Sprint("c", column), People: who})
		}
	}
	return out
}

// persons are those of each crossing.
func persons(table []access.Crossing) [][]string {
	out := make([][]string, 0, len(table))
	for _, c := range table {
		out = append(out, c.People)
	}
	return out
}

// published are the sums that a table publishes, as their coefficients over the crossings.
func published(table []access.Crossing, p *access.Table) [][]int64 {
	var out [][]int64
	sum := func(in func(access.Crossing) bool) {
		form := make([]int64, len(table))
		for i, c := range table {
			if in(c) {
				form[i] = 1
			}
		}
		out = append(out, form)
	}
	parts := p.Part(nil)
	if !p.Few() {
		sum(func(access.Crossing) bool { return true })
	}
	for _, x := range table {
		if p.Row(x.Row) {
			sum(func(c access.Crossing) bool { return c.Row == x.Row })
		}
		if p.Column(x.Column) {
			sum(func(c access.Crossing) bool { return c.Column == x.Column })
		}
		if len(x.People) > 0 && parts.Crossing(x.Row, x.Column) {
			sum(func(c access.Crossing) bool { return c.Row == x.Row && c.Column == x.Column })
		}
	}
	return out
}

// The attack: whatever is added and subtracted, with any coefficients, tells of nobody or of floor persons or more.
func TestNothingFollowsBelowTheFloor(t *testing.T) {
	tables := accesstest.Attacks(10_000)
	r := rand.New(rand.NewPCG(5, 2026)) //nolint:gosec // the same draws every time
	shown := 0
	for i := range tables {
		table := randomTable(r)
		viewer := []string{"", "p0", "p3"}[r.IntN(3)]
		p := access.Protect(table, viewer, access.FloorPersons)
		forms := published(table, p)
		shown += len(forms)
		if who := accesstest.Recover(persons(table), forms, viewer, access.FloorPersons); who != nil {
			t.Fatalf("table %d: the work of %v follows from what is published of %v", i, who, table)
		}
	}
	if shown < tables {
		t.Errorf("%d sums of %d tables are published: nothing was attacked", shown, tables)
	}
}

// The attack finds what it should: of tables that are published as they are, it recovers persons from most.
func TestTheAttackWorks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2026)) //nolint:gosec // the same draws every time
	found := 0
	for range 200 {
		table := randomTable(r)
		open := access.Protect(table, "", 1)
		if accesstest.Recover(persons(table), published(table, open), "", access.FloorPersons) != nil {
			found++
		}
	}
	if found < 150 {
		t.Errorf("the attack recovers somebody from %d of 200 unprotected tables", found)
	}
}

// What is published does not depend on the order of the table, and protecting more persons than there are hides everything.
func TestProtectIsTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a drawn seed
		table := randomTable(r)
		one := published(table, access.Protect(table, "", 5))
		shuffled := slices.Clone(table)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other := access.Protect(shuffled, "", 5)
		if got := published(table, other); fmt.Sprint(got) != fmt.Sprint(one) {
			t.Fatalf("in another order %v is published, not %v", got, one)
		}
		if all := access.Protect(table, "", 1000); len(published(table, all)) > 0 && !all.Few() {
			for _, c := range table {
				if len(c.People) > 0 {
					t.Fatalf("fewer than 1,000 persons are shown")
				}
			}
		}
	})
}

// Many teams and workflows, of which not every cut can be looked at: a bound is, and the work is done in good time.
func TestProtectOfManyRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same draws every time
	var table []access.Crossing
	for team := range 60 {
		for range 8 {
			var who []string
			for range 1 + r.IntN(4) {
				who = append(who, fmt.Sprint("p", team, "-", r.IntN(9)))
			}
			table = append(table, access.Crossing{Row: fmt.Sprint("t", team), Column: fmt.Sprint("w", r.IntN(30)), People: who})
		}
	}
	start := time.Now()
	p := access.Protect(table, "", access.FloorPersons)
	shown := 0
	for team := range 60 {
		if p.Row(fmt.Sprint("t", team)) {
			shown++
		}
	}
	t.Logf("%d of 60 teams are shown, after %v", shown, time.Since(start))
	if shown < 30 {
		t.Errorf("%d of 60 teams are shown", shown)
	}
}

func TestClosed(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ from, to, today, want string }{
		{"2026-10-01", "2026-11-01", "2026-11-01", "2026-10-01 2026-11-01"},
		{"2026-10-01", "2026-11-01", "2026-10-31", ""},                      // not over
		{"2026-09-30", "2026-12-15", "2026-12-20", "2026-10-01 2026-12-01"}, // whole months only
		{"2026-10-02", "2026-11-01", "2026-12-20", ""},
		{"2026-01-01", "2027-01-01", "2026-03-05", "2026-01-01 2026-03-01"},
	} {
		first, end, ok := access.Closed(day(c.from), day(c.to), day(c.today))
		got := ""
		if ok {
			got = first.Format(time.DateOnly) + " " + end.Format(time.DateOnly)
		}
		if got != c.want {
			t.Errorf("%s to %s on %s: %q, want %q", c.from, c.to, c.today, got, c.want)
		}
	}
}
