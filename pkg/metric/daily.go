package metric

import (
	"cmp"
	"slices"
	"time"

	"plumbline/pkg/event"
)

// Query is what a measure asks of the warehouse: a statement and its parameters.
type Query interface {
	SQL() (sql string, args map[string]any)
}

// Daily is a query that can be put together from the rollups of single days. Those do not change while the generation of
// the day does not, so that they can be kept from one request to the next.
type Daily[Row any] interface {
	Query
	// Parts are what the query is made of; false where it must be asked as it is: rows of one person are not in the parts.
	Parts() (Parts, bool)
	// Merge makes the rows of the parts of each day, in the order of days: the same rows that the statement reads, in the same
	// order. It changes no part.
	Merge(days []any) []Row
}

// Parts reads rows of whole days, of the whole workspace.
type Parts struct {
	// SQL wants {days:Array(Date32)} with their {generations:Array(UInt64)}, {first:Date32} and {last:Date32} beside Args.
	SQL  string
	Args map[string]any
	// Table is the rollup that is read; "" where there are several.
	Table string
	// Apart says that rows are of single events, which [Daily.Merge] takes in any order: the rows of a day under different
	// generations may come in lists of their own. Others come in one list, added up.
	Apart bool
	// From and To bound the local days that are needed, half-open; zero is open.
	From, To event.Day
	// New is a pointer to an empty list of rows.
	New func() any
	// ByDay cuts a list that was read, by days; the lists of days are what [Daily.Merge] takes.
	ByDay func(list any) map[event.Day]any
	// Count is how many rows a list of a day has.
	Count func(list any) int
}

// partsOf are the parts of the days [from, to) that a query of a rollup reads, which stands over [Window.listed] days.
func partsOf[Part any](table string, from, to event.Day, q Query, day func(*Part) time.Time) Parts {
	sql, args := q.SQL()
	return Parts{
		SQL: sql, Args: args, Table: table, From: from, To: to,
		New: func() any { return new([]Part) },
		ByDay: func(list any) map[event.Day]any {
			all, _ := list.(*[]Part)
			byDay := map[event.Day][]Part{}
			for i := range *all {
				d := event.DayOf(day(&(*all)[i]))
				byDay[d] = append(byDay[d], (*all)[i])
			}
			out := make(map[event.Day]any, len(byDay))
			for d, rows := range byDay {
				out[d] = slices.Clip(rows)
			}
			return out
		},
		Count: func(list any) int { return len(rowsOf[Part](list)) },
	}
}

// rowsOf are the rows of a day; none where it is nil.
func rowsOf[Part any](list any) []Part {
	rows, _ := list.([]Part)
	return rows
}

// listed is a window of the days that the reader of parts lists.
func (w Window) listed() Window {
	return Window{Workspace: w.Workspace, Scope: Scope{Kind: ScopeOrg}, byList: true}
}

// inList is the condition of listed days. The first and the last of them let the engine leave out partitions.
const inList = `day >= {first:Date32} AND day <= {last:Date32}
  AND (day, generation) IN (SELECT at.1, at.2 FROM (SELECT arrayJoin(arrayZip({days:Array(Date32)}, {generations:Array(UInt64)})) AS at))`

// statement is a query that is given as it is.
type statement struct {
	sql  string
	args map[string]any
}

// SQL is the query and its parameters.
func (s statement) SQL() (string, map[string]any) { return s.sql, s.args }

// pick takes the rows of some days that are to be kept, in their order; all where keep is nil.
func pick[Row any](days []any, keep func(*Row) bool) []Row {
	if keep == nil {
		lists := make([][]Row, len(days))
		for i, d := range days {
			lists[i] = rowsOf[Row](d)
		}
		return slices.Concat(lists...)
	}
	var out []Row
	for _, d := range days {
		rows := rowsOf[Row](d)
		for i := range rows {
			if keep(&rows[i]) {
				out = append(out, rows[i])
			}
		}
	}
	return out
}

// inScope keeps the rows of a scope; nil keeps all.
func inScope[Row any](scope Scope, place func(*Row) (team, workflow string)) func(*Row) bool {
	if scope.Kind == ScopeOrg {
		return nil
	}
	return func(r *Row) bool { return scope.Holds(place(r)) }
}

// regroup puts rows in the order of a key, those of one key in the order in which they come. There are few keys and many
// rows: to sort the rows themselves would take many times as long.
func regroup[Row any, Key cmp.Ordered](days []any, keep func(*Row) bool, key func(*Row) Key) []Row {
	groups := map[Key][]*Row{}
	var keys []Key
	n := 0
	for _, d := range days {
		rows := rowsOf[Row](d)
		for i := range rows {
			r := &rows[i]
			if keep != nil && !keep(r) {
				continue
			}
			k := key(r)
			if groups[k] == nil {
				keys = append(keys, k)
			}
			groups[k] = append(groups[k], r)
			n++
		}
	}
	slices.Sort(keys)
	out := make([]Row, 0, n)
	for _, k := range keys {
		for _, r := range groups[k] {
			out = append(out, *r)
		}
	}
	return out
}

// inTime puts rows in the order of an instant; of one instant they stay as they come.
func inTime[Row any](rows []Row, at func(*Row) time.Time) []Row {
	slices.SortStableFunc(rows, func(a, b Row) int { return at(&a).Compare(at(&b)) })
	return rows
}
