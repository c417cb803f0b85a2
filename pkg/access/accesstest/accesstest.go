// Package accesstest attacks the privacy floor, for tests.
package accesstest

import (
	"slices"
	"strings"
	"testing"
)

// Recover attacks what is published about people. atoms are the smallest pieces of work there are, with the persons of each;
// forms are the published sums, as their coefficients over the atoms. It returns fewer than floor persons of whose work alone
// some sum follows by adding and subtracting forms, with any coefficients; nil where there are none. The viewer, who knows
// the own work, counts as nobody.
//
// Some sum is over the work of a set of persons alone if the forms lose rank where the atoms that only these persons are in
// are left out. All sets of fewer than floor persons that fill atoms are tried.
func Recover(atoms [][]string, forms [][]int64, viewer string, floor int) []string {
	// What has nobody but the viewer in it is known, or nobody's.
	var others [][]string
	var columns []int
	for i, people := range atoms {
		who := slices.DeleteFunc(slices.Clone(people), func(p string) bool { return p == viewer })
		slices.Sort(who)
		if who = slices.Compact(who); len(who) > 0 {
			others, columns = append(others, who), append(columns, i)
		}
	}
	matrix := make([][]int64, 0, len(forms))
	for _, f := range forms {
		row := make([]int64, 0, len(columns))
		for _, i := range columns {
			row = append(row, f[i])
		}
		matrix = append(matrix, row)
	}
	matrix = basis(matrix)
	whole := len(matrix)
	for _, few := range smallSets(others, floor) {
		outside := make([]bool, len(columns))
		for i, who := range others {
			outside[i] = slices.ContainsFunc(who, func(p string) bool { return !slices.Contains(few, p) })
		}
		if rank(matrix, outside) < whole {
			return few
		}
	}
	return nil
}

// smallSets are the unions of crossings that have fewer than floor persons.
func smallSets(crossings [][]string, floor int) [][]string {
	known := map[string][]string{}
	queue := [][]string{nil}
	for len(queue) > 0 {
		set := queue[0]
		queue = queue[1:]
		for _, c := range crossings {
			union := slices.Concat(set, c)
			slices.Sort(union)
			union = slices.Compact(union)
			key := strings.Join(union, " ")
			if _, seen := known[key]; !seen && len(union) < floor {
				known[key] = union
				queue = append(queue, union)
			}
		}
	}
	out := make([][]string, 0, len(known))
	for _, set := range known {
		out = append(out, set)
	}
	return out
}

// modulus is a prime: a rank over its field is that over the rationals, but for coefficients that it divides.
const modulus = 1_000_003

// rank is that of a matrix restricted to some of its columns.
func rank(matrix [][]int64, keep []bool) int {
	rows := make([][]int64, 0, len(matrix))
	for _, r := range matrix {
		row := make([]int64, 0, len(r))
		for i, x := range r {
			if keep[i] {
				row = append(row, x)
			}
		}
		rows = append(rows, row)
	}
	return len(basis(rows))
}

// basis are independent rows that span the same as the given ones, which are used up.
func basis(rows [][]int64) [][]int64 {
	found := 0
	for column := 0; len(rows) > 0 && column < len(rows[0]) && found < len(rows); column++ {
		pivot := slices.IndexFunc(rows[found:], func(r []int64) bool { return r[column] != 0 })
		if pivot < 0 {
			continue
		}
		rows[found], rows[found+pivot] = rows[found+pivot], rows[found]
		inverse := power(rows[found][column], modulus-2)
		for i := found + 1; i < len(rows); i++ {
			if factor := rows[i][column] * inverse % modulus; factor != 0 {
				for j := column; j < len(rows[i]); j++ {
					rows[i][j] = ((rows[i][j]-factor*rows[found][j])%modulus + modulus) % modulus
				}
			}
		}
		found++
	}
	return rows[:found]
}

func power(base, exponent int64) int64 {
	out := int64(1)
	for ; exponent > 0; exponent >>= 1 {
		if exponent&1 == 1 {
			out = out * base % modulus
		}
		base = base * base % modulus
	}
	return out
}

// Attacks is how many attacks a test makes that makes so many where it is run by itself. They run in one goroutine, in which the race
// detector finds nothing and takes ten times as long: with it, and in a short run, it is a tenth. scripts/test runs all of them without it.
func Attacks(all int) int {
	if raceDetector || testing.Short() {
		return all / 10
	}
	return all
}
