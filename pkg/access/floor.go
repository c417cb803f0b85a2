package access

import "slices"

// The privacy floor: how many persons besides the viewer must stand behind a published number.
const (
	FloorPersons = 5
	FloorPulse   = 10
)

// OtherKey is the key of the row into which small cells are merged.
const OtherKey = "other"

// Cell is one row of a breakdown, such as a team or a week. The rows of a breakdown are disjoint in what they count,
// though not in who contributed: a person may be in several.
type Cell struct {
	Key string
	// People are the persons who contributed, besides the viewer, in any order; a repeated one counts once.
	People []string
	// Parts are the keys of the cells that this one consists of; one that was given, if it is not merged.
	Parts []string
}

// Except takes the viewer out of the cells, who knows the own numbers and could subtract them.
func Except(cells []Cell, person string) []Cell {
	out := slices.Clone(cells)
	for i := range out {
		out[i].People = slices.DeleteFunc(slices.Clone(out[i].People), func(p string) bool { return p == person })
	}
	return out
}

// Clears tells whether a number to which these persons contributed may be published.
func Clears(people []string, floor int) bool { return distinct(people) >= floor }

// Suppress says which rows of a breakdown may be published beside its total: cells of floor or more persons as they are,
// in order, and after them all smaller ones as one row [OtherKey], if that again has floor persons, from two cells or
// more. Else nothing but the total may be published, and Suppress returns nil. Cells without persons hide nobody: they
// join the row of the small ones, or make it up where there are no others.
//
// The rows returned are a partition of the cells given: every key is in the Parts of exactly one. Hence they sum to the
// total, and whatever a reader derives by adding and subtracting rows and total is a union of rows, behind which stand
// at least floor persons. Whether the total clears the floor is the caller's to ask.
func Suppress(cells []Cell, floor int) []Cell {
	var out []Cell
	other := Cell{Key: OtherKey}
	small := 0 // with somebody in it: an empty cell hides nobody
	for _, c := range cells {
		if Clears(c.People, floor) {
			out = append(out, Cell{c.Key, c.People, []string{c.Key}})
			continue
		}
		if len(c.People) > 0 {
			small++
		}
		other.People = append(other.People, c.People...)
		other.Parts = append(other.Parts, c.Key)
	}
	if len(other.Parts) == 0 {
		return out
	}
	if small > 0 && (small < 2 || !Clears(other.People, floor)) {
		return nil
	}
	slices.Sort(other.People)
	other.People = slices.Compact(other.People)
	return append(out, other)
}

func distinct(people []string) int {
	seen := make(map[string]struct{}, len(people))
	for _, p := range people {
		seen[p] = struct{}{}
	}
	return len(seen)
}
