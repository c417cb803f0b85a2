package scorecard

import (
	"context"
	"slices"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// cover settles which days of a period others' work is shown of: its whole months that are over, and for the total of an
// organisation of fifty people or more those of the month that is not. One's own is shown as it is, and so is the work of months
// in which nobody else is named in the scope.
func (v *view) cover(ctx context.Context, n *numbers) error {
	n.closed, n.worked = n.window, n.window
	if n.window.Scope.Kind == metric.ScopeMe {
		return nil
	}
	first, end, ok := access.Closed(n.window.From.Time, n.window.To.Time, v.today.Time)
	n.closed.From, n.closed.To = event.Day{Time: first}, event.Day{Time: end}
	if !ok {
		n.closed.From = n.closed.To // no day, wherever the period is
	}
	// Of whole months: else the days on which nobody of a scope works could be told from the others.
	rows, err := read[metric.PeopleRow](ctx, v, metric.PeopleQuery{Window: wholeMonths(n.window)})
	if err != nil {
		return err
	}
	n.named = rows
	if n.exempt = v.alone(inScope(rows, n.window.Scope)); n.exempt {
		return nil
	}
	n.worked = n.closed
	if first.Before(n.window.To.Time) && v.lively(n.window, first, rows) {
		n.worked.From, n.worked.To = event.Day{Time: first}, n.window.To
		if !ok {
			n.closed.From, n.closed.To = n.worked.From, n.worked.From
		}
	}
	return nil
}

// alone tells whether nobody but the viewer is named.
func (v *view) alone(rows []metric.PeopleRow) bool {
	return !slices.ContainsFunc(rows, func(r metric.PeopleRow) bool {
		return slices.ContainsFunc(r.People, func(p string) bool { return p != v.viewer.Person })
	})
}

// lively tells whether so many others stand behind the total of an organisation that it is shown before its month is over:
// fifty from its first whole month on, and five or more, or nobody, in the month that is not over, whose part follows by
// subtraction.
func (v *view) lively(w metric.Window, first time.Time, rows []metric.PeopleRow) bool {
	if w.Scope.Kind != metric.ScopeOrg || v.overOnly || !w.To.After(v.today.Time) {
		return false
	}
	everybody, present := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		for _, p := range r.People {
			if p != v.viewer.Person && !r.Month.Before(first) {
				everybody[p] = true
				present[p] = present[p] || !r.Month.Before(access.CellOf(v.today.Time))
			}
		}
	}
	now := 0
	for _, is := range present {
		if is {
			now++
		}
	}
	return len(everybody) >= access.LiveFrom && (now == 0 || now >= access.FloorPersons)
}

// live tells whether days of a month that is not over are in the numbers.
func (n *numbers) live() bool { return !n.exempt && n.worked.To.After(n.closed.To.Time) }

// openFrom is the first day that belongs to a month that is not over.
func (n *numbers) openFrom() string { return n.closed.To.String() }

// openDay is that day where such days are in the numbers, else "".
func (n *numbers) openDay() string {
	if !n.live() {
		return ""
	}
	return n.openFrom()
}

// split parts cells into those of months that are over and those of the one that is not.
func (n *numbers) split(cells []metric.Cell) (over, open []metric.Cell) {
	from := n.openDay()
	if from == "" {
		return cells, nil
	}
	isOpen := func(c metric.Cell) bool { return c.Day >= from }
	over = slices.DeleteFunc(slices.Clone(cells), isOpen)
	return over, slices.DeleteFunc(slices.Clone(cells), func(c metric.Cell) bool { return !isOpen(c) })
}

// over are the rows of months that are over, where others are shown besides.
func (n *numbers) over(rows []metric.PeopleRow) []metric.PeopleRow {
	if !n.live() {
		return rows
	}
	return n.peopleOf(n.closed)
}

// workersOf are who worked with AI in a window, in the whole workspace.
func (v *view) workersOf(ctx context.Context, n *numbers, w metric.Window) ([]metric.PeopleRow, error) {
	if w.Scope.Kind != metric.ScopeMe && !n.exempt {
		return n.peopleOf(w), nil
	}
	if w.Scope.Kind != metric.ScopeMe { // of days, since nobody is told of
		w.Scope = metric.Scope{Kind: metric.ScopeOrg}
	}
	return read[metric.PeopleRow](ctx, v, metric.PeopleQuery{Window: w})
}

// peopleOf are everybody's rows of the months of a window, which is made of months or ends with that which is not over.
func (n *numbers) peopleOf(w metric.Window) []metric.PeopleRow {
	return slices.DeleteFunc(slices.Clone(n.named), func(r metric.PeopleRow) bool {
		return r.Month.Before(access.CellOf(w.From.Time)) || !r.Month.Before(w.To.Time)
	})
}

// of says which days of the period a measure is of, where these are not all of it, and takes it away where there are none.
func (n *numbers) of(w metric.Window, fold metric.Fold) metric.Fold {
	switch {
	case w == n.window:
		return fold
	case isEmpty(w):
		return metric.Fold{Measure: fold.Measure.Withhold(cellsReason, cellsMessage)}
	}
	fold.Measure.Covers = &metric.Covers{From: w.From.String(), To: w.To.String()}
	return fold
}

// isEmpty tells whether a window has no day.
func isEmpty(w metric.Window) bool { return !w.From.Before(w.To.Time) }

// monthStart is the first day of the month of a day, monthEnd the last.
func monthStart(day string) string { return day[:len("2006-01-")] + "01" }

func monthEnd(day string) string {
	return access.NextCell(dayOf(day).Time).AddDate(0, 0, -1).Format(time.DateOnly)
}

// dayOf reads a day that this program wrote.
func dayOf(text string) event.Day {
	d, err := event.ParseDay(text)
	if err != nil {
		panic("scorecard: " + err.Error())
	}
	return d
}
