package access

import "time"

// The privacy floor: how many persons besides the viewer must stand behind a published number.
const (
	FloorPersons = 5
	FloorPulse   = 10
	// LiveFrom is how many persons must stand behind the total of an organisation that is shown before its cell has closed.
	LiveFrom = 50
)

// OtherKey is the key of the row into which small cells are merged.
const OtherKey = "other"

// Cell is one row of a breakdown, such as a team. The rows of a breakdown are disjoint in what they count, though not in
// who contributed: a person may be in several.
type Cell struct {
	Key string
	// People are the persons who contributed, besides the viewer, in any order; a repeated one counts once.
	People []string
	// Parts are the keys of the cells that this one consists of.
	Parts []string
}

// CellOf is the first day of the cell of time that a day lies in: its month. What others do is published in whole cells
// only, since two periods that differ by a day tell of that day. Months, and not ISO weeks beside them: a month less its
// weeks would tell of the days at its ends.
func CellOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// NextCell is the first day after the cell of a day.
func NextCell(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// Closed are the cells of a period of days [from, to) that lie in it wholly and are over today; ok is false where there is
// none.
func Closed(from, to, today time.Time) (first, end time.Time, ok bool) {
	first = CellOf(from)
	if first.Before(from) {
		first = NextCell(from)
	}
	end = CellOf(to)
	if now := CellOf(today); end.After(now) {
		end = now
	}
	return first, end, first.Before(end)
}
