package metric

// LinksQuery reads which deals that were won in a window were named by conversions of experiments, ever.
type LinksQuery struct{ Window }

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
