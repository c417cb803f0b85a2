package scorecard

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// contribution is one row of a table that sums to the measures: a team or a workflow, what is not assigned to any, or the
// rows merged under the privacy floor.
type contribution struct {
	Row      string          `json:"row"`
	Team     string          `json:"team,omitempty"`
	Workflow string          `json:"workflow,omitempty"`
	Vendor   string          `json:"vendor,omitempty"`
	Category string          `json:"category,omitempty"`
	Name     string          `json:"name"`
	Measures map[string]cell `json:"measures"`
}

// cell is the part of one measure in one row.
type cell struct {
	Value  *metric.Exact `json:"value"`
	Unit   string        `json:"unit"`
	N      *uint64       `json:"n"`
	People *uint64       `json:"people"`
	Status metric.Status `json:"status"`
	Reason *string       `json:"reason"`
}

// The kinds of rows.
const (
	rowMember     = "member"
	rowUnassigned = "unassigned"
	rowOther      = "other"
)

// dimension is what a table of contributions is by.
type dimension struct {
	kind   registry.Kind
	scope  metric.ScopeKind
	ofCell func(metric.Cell) string
	people func(metric.PeopleRow) string
}

func byTeam() dimension {
	return dimension{registry.Teams, metric.ScopeTeam, func(c metric.Cell) string { return c.Team }, teamOf}
}

func byWorkflow() dimension {
	return dimension{registry.Workflows, metric.ScopeWorkflow, func(c metric.Cell) string { return c.Workflow }, workflowOf}
}

// sum is what the cells of one row add up to.
type sum struct {
	value decimal.Decimal
	n     uint64
}

func sumBy(cells []metric.Cell, key func(metric.Cell) string) map[string]sum {
	out := map[string]sum{}
	for i := range cells {
		c := &cells[i]
		k := key(*c)
		s := out[k]
		out[k] = sum{s.value.Add(c.Value), s.n + c.N}
	}
	return out
}

// condensed is the numbers with the cells of each fold summed over days, those of months that are over apart from the others: what the tables of contributions are made of, of which
// each goes through all cells of all measures.
func (n *numbers) condensed() *numbers {
	out := *n
	out.folds = make(map[string]metric.Fold, len(n.folds))
	for key, fold := range n.folds {
		open := ""
		if key == metric.HoursSavedNet || key == metric.CapacityValue {
			open = n.openDay()
		}
		fold.Cells = condense(fold.Cells, open)
		out.folds[key] = fold
	}
	return &out
}

// condense sums the cells of each team, workflow, vendor and category; those from a day on apart from the others, where one is
// given.
func condense(cells []metric.Cell, from string) []metric.Cell {
	type place struct{ team, workflow, vendor, category, day string }
	at := map[place]int{}
	var out []metric.Cell
	for i := range cells {
		c := &cells[i]
		p := place{c.Team, c.Workflow, c.Vendor, c.Category, ""}
		if from != "" && c.Day >= from {
			p.day = from
		}
		j, ok := at[p]
		if !ok {
			j = len(out)
			at[p] = j
			out = append(out, metric.Cell{Day: p.day, Team: c.Team, Workflow: c.Workflow, Vendor: c.Vendor, Category: c.Category})
		}
		out[j].Value, out[j].N = out[j].Value.Add(c.Value), out[j].N+c.N
	}
	return out
}

// contributions is the table of the measures that add up, by one dimension. Each column sums exactly to its measure.
func (v *view) contributions(n *numbers, by dimension) []contribution {
	rows := map[string]*contribution{}
	row := func(kind, key string) *contribution {
		id := kind + ":" + key
		if rows[id] == nil {
			c := &contribution{Row: kind, Measures: map[string]cell{}}
			switch {
			case kind == rowOther:
				c.Name = n.otherName()
			case kind == rowUnassigned:
				c.Name = "Unassigned"
			case by.kind == registry.Teams:
				c.Team, c.Name = key, v.name(by.kind, key)
			default:
				c.Workflow, c.Name = key, v.name(by.kind, key)
			}
			rows[id] = c
		}
		return rows[id]
	}
	for _, measure := range []string{
		metric.VendorSpend, metric.ConversionValue, metric.VendorSavings, metric.PipelineValue, metric.PipelineInfluenced,
	} {
		fold := n.folds[measure]
		if fold.Measure.Status != metric.OK {
			continue
		}
		for key, s := range sumBy(fold.Cells, by.ofCell) {
			row(kindOf(key), key).Measures[measure] = okCell(s, fold.Measure.Unit, nil)
		}
	}
	for _, key := range []string{metric.HoursSavedNet, metric.CapacityValue} {
		n.column(n.folds[key], key, n.crowdOf(key).rows(by), by, row)
	}
	if cost := n.folds[metric.AICost]; cost.Measure.Status == metric.OK {
		// The hours of training are people's; the spend is not.
		for key, s := range sumBy(cellsWhere(cost.Cells, false), by.ofCell) {
			row(kindOf(key), key).Measures[metric.AICost] = okCell(s, cost.Measure.Unit, nil)
		}
		cost.Cells = cellsWhere(cost.Cells, true)
		n.column(cost, metric.AICost, n.learners.rows(by), by, row)
	}
	n.column(n.folds[metric.BarrierHours], metric.BarrierHours, n.pillar.lostBy(by), by, row)
	n.ladderColumns(by, row)
	out := make([]contribution, 0, len(rows))
	for _, c := range rows {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b contribution) int {
		return cmp.Or(cmp.Compare(rank(a.Row), rank(b.Row)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Team+a.Workflow, b.Team+b.Workflow))
	})
	return out
}

// otherName is what the merged row is called: what belongs to no member yet is in it.
func (n *numbers) otherName() string {
	if !n.live() {
		return "Other"
	}
	return "Other, and everybody since " + n.closed.To.Format("2 January")
}

// spendBy is the table of the spend and of what was saved by vendor or by category, the largest spend first.
func spendBy(n *numbers, label func(*contribution, string), of func(metric.Cell) string) []contribution {
	rows, spent := map[string]*contribution{}, map[string]decimal.Decimal{}
	for _, measure := range []string{metric.VendorSpend, metric.VendorSavings} {
		fold := n.folds[measure]
		if fold.Measure.Status != metric.OK {
			continue
		}
		for key, s := range sumBy(fold.Cells, of) {
			if rows[key] == nil {
				rows[key] = &contribution{Row: rowMember, Name: key, Measures: map[string]cell{}}
				label(rows[key], key)
			}
			rows[key].Measures[measure] = okCell(s, fold.Measure.Unit, nil)
			if measure == metric.VendorSpend {
				spent[key] = s.value
			}
		}
	}
	out := make([]contribution, 0, len(rows))
	for _, c := range rows {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b contribution) int {
		return cmp.Or(spent[b.Name].Cmp(spent[a.Name]), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func byVendor(n *numbers) []contribution {
	return spendBy(n, func(c *contribution, key string) { c.Vendor = key }, func(c metric.Cell) string { return c.Vendor })
}

func byCategory(n *numbers) []contribution {
	return spendBy(n, func(c *contribution, key string) { c.Category = key }, func(c metric.Cell) string { return c.Category })
}

func okCell(s sum, unit string, people *uint64) cell {
	return cell{Value: metric.ExactOf(s.value), Unit: unit, N: &s.n, People: people, Status: metric.OK}
}

func kindOf(key string) string {
	if key == "" {
		return rowUnassigned
	}
	return rowMember
}

func rank(row string) int {
	switch row {
	case rowMember:
		return 0
	case rowUnassigned:
		return 1
	default:
		return 2
	}
}
