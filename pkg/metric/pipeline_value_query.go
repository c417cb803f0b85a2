package metric

import (
	"cmp"
	"slices"
	"time"

	"plumbline/pkg/event"
)

// LinksQuery reads which deals that were won in a window were named by conversions of experiments, ever.
type LinksQuery struct {
	Window
	// Decided are the deals that were decided in the window, of which the won ones are looked for. The statement finds them itself.
	Decided []DealRow
}

// LinkRow says that conversions of a variant name a deal.
type LinkRow struct {
	Experiment string `ch:"experiment"`
	Variant    string `ch:"variant"`
	Metric     string `ch:"metric"`
	Deal       string `ch:"deal"`
}

// SQL is the query and its parameters.
func (q LinksQuery) SQL() (string, map[string]any) {
	won := q.Window
	won.Scope = Scope{Kind: ScopeOrg}
	decided, args := won.where("decided_day")
	all, _ := Window{Workspace: q.Workspace, Generation: q.Generation}.where("day")
	return `SELECT DISTINCT experiment, variant, metric, deal
FROM rollup_links
WHERE ` + all + `
  AND deal IN (
    SELECT deal FROM rollup_deals
    WHERE ` + decided + `
      AND status = 'won'
  )
ORDER BY deal, experiment, metric, variant`, args
}

// linkPart is what conversions of one day name.
type linkPart struct {
	Day time.Time `ch:"day"`
	LinkRow
}

// Parts are the links of all days.
func (q LinksQuery) Parts() (Parts, bool) {
	where, args := q.listed().where("day")
	sql := `SELECT DISTINCT day, experiment, variant, metric, deal
FROM rollup_links
WHERE ` + where + `
ORDER BY day, deal, experiment, metric, variant`
	return partsOf("rollup_links", event.Day{}, event.Day{}, statement{sql, args}, func(p *linkPart) time.Time { return p.Day }), true
}

// Merge takes the links of the won deals, each once.
func (q LinksQuery) Merge(days []any) []LinkRow {
	won := map[string]bool{}
	for i := range q.Decided {
		if d := &q.Decided[i]; d.Won() {
			won[d.Deal] = true
		}
	}
	var out []LinkRow
	for _, d := range days {
		for _, p := range rowsOf[linkPart](d) {
			if won[p.Deal] {
				out = append(out, p.LinkRow)
			}
		}
	}
	slices.SortFunc(out, func(a, b LinkRow) int {
		return cmp.Or(cmp.Compare(a.Deal, b.Deal), cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Variant, b.Variant))
	})
	return slices.Compact(out)
}
