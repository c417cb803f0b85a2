package scorecard

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

const (
	floorReason  = "privacy_floor"
	floorMessage = "fewer than five people stand behind it, or it would tell about them by subtraction"
	// cellsReason says that a period holds no month that is over.
	cellsReason  = "privacy_cells"
	cellsMessage = "what others do is shown in whole months that are over: choose a period that holds one, or look at your own"
)

// crowd is who stands behind a measure of people's work in the whole workspace, month by month, and so what of it may be
// shown to a viewer in a scope: everything that is shown is a sum of months of what [access.Protect] allows in each. nil is nobody.
type crowd struct {
	scope  metric.Scope
	viewer string
	labels labels
	// valued says that the measure weighs the work by its labels, and that the work itself is shown, too.
	valued    bool
	everybody []metric.PeopleRow
	months    func() []month
	// teams and workflows are the rows of the two dimensions.
	teams, workflows func() []access.Cell
}

// labels tell what the work of a month is priced by, and the table that it was settled on.
type labels func(first time.Time) (access.Label, *access.Table)

// month is one cell of time; of what belongs to none, such as who is a member in the period as a whole, the first day is zero.
type month struct {
	first time.Time
	rows  []metric.PeopleRow
	table *access.Table
	// parts are those of the labels.
	parts func() *access.Parts
}

// newCrowd makes the crowd of a scope from everybody's rows of a period.
func newCrowd(everybody []metric.PeopleRow, scope metric.Scope, viewer string) *crowd {
	return newLabelled(everybody, nil, scope, viewer)
}

// newLabelled makes a crowd whose work is priced by labels.
func newLabelled(everybody []metric.PeopleRow, of labels, scope metric.Scope, viewer string) *crowd {
	c := &crowd{scope: scope, viewer: viewer, labels: of, everybody: everybody}
	c.months = sync.OnceValue(func() []month {
		byMonth := map[time.Time][]metric.PeopleRow{}
		for _, r := range everybody {
			first := r.Month
			if !first.IsZero() {
				first = access.CellOf(first)
			}
			byMonth[first] = append(byMonth[first], r)
		}
		var out []month
		for first, rows := range byMonth {
			out = append(out, newMonth(first, rows, of, viewer))
		}
		slices.SortFunc(out, func(a, b month) int { return a.first.Compare(b.first) })
		return out
	})
	c.teams = sync.OnceValue(func() []access.Cell { return c.rowsOf(byTeam(), c.months()) })
	c.workflows = sync.OnceValue(func() []access.Cell { return c.rowsOf(byWorkflow(), c.months()) })
	return c
}

// newMonth decides what of a month may be shown. Where the prices, which are the same for everybody, would tell this viewer about few people, what
// was hidden when they were settled is hidden, too: then they tell nothing.
func newMonth(first time.Time, rows []metric.PeopleRow, of labels, viewer string) month {
	m := month{first: first, rows: rows, table: access.Protect(crossings(rows), viewer, access.FloorPersons)}
	if of == nil {
		m.parts = sync.OnceValue(func() *access.Parts { return m.table.Part(nil) })
		return m
	}
	label, settled := of(first)
	parts := m.table.Part(label)
	if parts.Pooled() && !m.table.Few() {
		m.table = access.ProtectAs(settled, crossings(rows), viewer, access.FloorPersons)
		parts = m.table.Part(label)
	}
	m.parts = func() *access.Parts { return parts }
	return m
}

func crossings(rows []metric.PeopleRow) []access.Crossing {
	out := make([]access.Crossing, 0, len(rows))
	for _, r := range rows {
		out = append(out, access.Crossing{Row: r.Team, Column: r.Workflow, People: r.People})
	}
	return out
}

// of are those who work in places; where all work there is priced by what events claim, those who claim it.
func (c *crowd) of(places map[metric.PricedPlace]bool) *crowd {
	var out []metric.PeopleRow
	for _, r := range c.everybody {
		claimed, there := places[metric.PricedPlace{Month: r.Month.Format(time.DateOnly), Team: r.Team, Workflow: r.Workflow}]
		if !there {
			continue
		}
		if claimed {
			r.People = r.Given
		}
		out = append(out, r)
	}
	return newLabelled(out, c.labels, c.scope, c.viewer)
}

// by is the crowd with labels of its work.
func (c *crowd) by(of labels) *crowd { return newLabelled(c.everybody, of, c.scope, c.viewer) }

// valuedBy is that of a measure that weighs the work by them.
func (c *crowd) valuedBy(of labels) *crowd {
	out := c.by(of)
	out.valued = true
	return out
}

// only are those of the crowd for whom a condition holds.
func (c *crowd) only(is func(first time.Time, team, workflow, person string) bool) *crowd {
	var out []metric.PeopleRow
	for _, r := range c.everybody {
		people := slices.DeleteFunc(slices.Clone(r.People), func(p string) bool { return !is(r.Month, r.Team, r.Workflow, p) })
		if len(people) == 0 && len(r.People) > 0 {
			continue
		}
		r.People = people
		out = append(out, r)
	}
	return newLabelled(out, c.labels, c.scope, c.viewer)
}

// people are the rows of the scope.
func (c *crowd) people() []metric.PeopleRow {
	if c == nil {
		return nil
	}
	return inScope(c.everybody, c.scope)
}

// allowed tells whether the sum of the scope may be shown: whether it may in each month.
func (c *crowd) allowed() bool { return len(c.few()) == 0 }

// few are the months in which the sum of the scope may not be shown.
func (c *crowd) few() []string {
	if c == nil {
		return nil
	}
	var out []string
	for _, m := range c.months() {
		switch {
		case c.tellable(m):
		case m.first.IsZero():
			out = append(out, "several months together")
		default:
			out = append(out, m.first.Format("January 2006"))
		}
	}
	return out
}

func (c *crowd) tellable(m month) bool {
	if c.untold(m) {
		return false
	}
	switch c.scope.Kind {
	case metric.ScopeTeam:
		return m.table.Row(c.scope.Key)
	case metric.ScopeWorkflow:
		return c.column(m, c.scope.Key)
	case metric.ScopeOrg:
		return !m.table.Few()
	case metric.ScopeMe:
	}
	return true
}

// untold tells whether nothing of a month may be valued: where its prices would tell this viewer about few people all the same.
func (c *crowd) untold(m month) bool {
	return c.valued && c.scope.Kind != metric.ScopeMe && !m.table.Few() && m.parts().Pooled()
}

// column tells whether the sum of a workflow may be shown.
func (c *crowd) column(m month, workflow string) bool {
	if c.valued {
		return m.parts().Column(workflow)
	}
	return m.table.Column(workflow)
}

// crossed tells whether what every team has done on a workflow may be told.
func (c *crowd) crossed(workflow string) bool {
	if c == nil {
		return true
	}
	for _, m := range c.months() {
		for _, r := range m.rows {
			if r.Workflow == workflow && !m.parts().Crossing(r.Team, r.Workflow) {
				return false
			}
		}
	}
	return true
}

// groups tell what cells of the scope may be told apart from others of their month: those of one row by workflow. What is of a month that is not over
// is one group; open is its first day, if it is in the numbers.
func (c *crowd) groups(open string) func(metric.Cell) string {
	rows := map[[2]string]string{}
	for _, m := range c.months() {
		first := m.first.Format(time.DateOnly)
		for _, row := range c.rowsOf(byWorkflow(), []month{m}) {
			for _, part := range row.Parts {
				rows[[2]string{first, part}] = row.Key
			}
		}
	}
	return func(cell metric.Cell) string {
		if open != "" && cell.Day >= open {
			return open
		}
		first := monthStart(cell.Day)
		row, there := rows[[2]string{first, cell.Workflow}]
		if !there {
			row = cell.Workflow // nobody is named in it
		}
		return first + " " + row
	}
}

// withhold takes a measure away where the floor does, and names the months to leave out.
func (c *crowd) withhold(fold metric.Fold) metric.Fold {
	few := c.few()
	if len(few) == 0 {
		return fold
	}
	message := floorMessage
	if all := len(c.months()); len(few) < all {
		message += ": in " + strings.Join(few, ", ") + "; choose a period without"
	}
	return metric.Fold{Measure: fold.Measure.Withhold(floorReason, message)}
}

// rows split the sum of the scope into those members of a dimension that may be shown beside it, in the order of their
// keys, and one row "other" of those that may not be in every month in which somebody else is in them.
func (c *crowd) rows(by dimension) []access.Cell {
	switch {
	case c == nil:
		return nil
	case by.scope == metric.ScopeTeam:
		return c.teams()
	}
	return c.workflows()
}

func (c *crowd) rowsOf(by dimension, months []month) []access.Cell {
	people, hidden := map[string]map[string]bool{}, map[string]bool{}
	for _, m := range months {
		for _, r := range inScope(m.rows, c.scope) {
			key := by.people(r)
			if people[key] == nil {
				people[key] = map[string]bool{}
			}
			for _, p := range r.People {
				if p != c.viewer {
					people[key][p] = true
					hidden[key] = hidden[key] || !c.shownIn(m, by, r)
				}
			}
		}
	}
	other := access.Cell{Key: access.OtherKey}
	var out []access.Cell
	var merged []string
	for _, key := range slices.Sorted(maps.Keys(people)) {
		who := slices.Sorted(maps.Keys(people[key]))
		if hidden[key] {
			other.Parts, merged = append(other.Parts, key), append(merged, who...)
			continue
		}
		out = append(out, access.Cell{Key: key, People: who, Parts: []string{key}})
	}
	if len(other.Parts) > 0 {
		slices.Sort(merged)
		other.People = slices.Compact(merged)
		out = append(out, other)
	}
	return out
}

// shownIn tells whether a member of a dimension is shown in one month of the scope.
func (c *crowd) shownIn(m month, by dimension, r metric.PeopleRow) bool {
	switch {
	case c.scope.Kind != metric.ScopeOrg && c.scope.Kind != by.scope:
		return m.parts().Crossing(r.Team, r.Workflow)
	case by.scope == metric.ScopeTeam:
		return m.table.Row(r.Team)
	default:
		return c.column(m, r.Workflow)
	}
}

// shows tells whether a member of a dimension is a row of its own, or nobody else is in it.
func (c *crowd) shows(by dimension, key string) bool { return !isMerged(c.rows(by), key) }

// separates tells whether the sum of those members that are chosen may be told apart from the rest: if the merged ones are
// chosen all or none.
func (c *crowd) separates(by dimension, chosen func(key string) bool) bool {
	for _, row := range c.rows(by) {
		for _, part := range row.Parts {
			if chosen(part) != chosen(row.Parts[0]) {
				return false
			}
		}
	}
	return true
}

// isOther tells the row of what is merged from a member that has its name.
func isOther(c access.Cell) bool {
	return c.Key == access.OtherKey && !slices.Equal(c.Parts, []string{access.OtherKey})
}

// isMerged tells whether a key is in the row "other".
func isMerged(rows []access.Cell, key string) bool {
	return slices.ContainsFunc(rows, func(c access.Cell) bool { return isOther(c) && slices.Contains(c.Parts, key) })
}

func teamOf(r metric.PeopleRow) string     { return r.Team }
func workflowOf(r metric.PeopleRow) string { return r.Workflow }

// inScope are the rows of a scope.
func inScope(rows []metric.PeopleRow, scope metric.Scope) []metric.PeopleRow {
	if scope.Kind == metric.ScopeOrg {
		return rows
	}
	var out []metric.PeopleRow
	for _, r := range rows {
		if scope.Holds(r.Team, r.Workflow) {
			out = append(out, r)
		}
	}
	return out
}
