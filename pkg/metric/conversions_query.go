package metric

import (
	"time"

	"github.com/shopspring/decimal"
)

// ConversionsQuery reads the counts of experiments to as-of: the workspace and the generation of the window matter,
// its days and scope do not. Experiment "" is all of them.
type ConversionsQuery struct {
	Window
	Experiment string
}

// ConversionRow is what one variant of an experiment counts for one metric.
type ConversionRow struct {
	Experiment  string `ch:"experiment"`
	Variant     string `ch:"variant"`
	Metric      string `ch:"metric"`
	N           uint64 `ch:"n"`
	Exposures   uint64 `ch:"exposures"`
	Conversions uint64 `ch:"conversions"`
	DealN       uint64 `ch:"deal_n"`
	// Currencies, Values and Squares go together: the sum of values and of their squares by currency.
	Currencies []string          `ch:"currencies"`
	Values     []decimal.Decimal `ch:"values"`
	Squares    []decimal.Decimal `ch:"squares"`
	First      time.Time         `ch:"first_day"`
	Last       time.Time         `ch:"last_day"`
}

// SQL is the query and its parameters.
func (q ConversionsQuery) SQL() (string, map[string]any) {
	w := Window{Workspace: q.Workspace, Generation: q.Generation}
	where, args := w.where("day")
	if q.Experiment != "" {
		where += "\n  AND experiment = {experiment:String}"
		args["experiment"] = q.Experiment
	}
	return `SELECT experiment, variant, metric, sum(cell_n) AS n, sum(cell_exposures) AS exposures, sum(cell_conversions) AS conversions,
  sum(cell_deal_n) AS deal_n, groupArray(toString(currency)) AS currencies, groupArray(cell_value) AS values, groupArray(cell_squares) AS squares,
  min(cell_first) AS first_day, max(cell_last) AS last_day
FROM (
  SELECT experiment, variant, metric, currency, sum(n) AS cell_n, sum(exposures) AS cell_exposures, sum(conversions) AS cell_conversions,
    sum(deal_n) AS cell_deal_n, sum(value) AS cell_value, sum(value_squares) AS cell_squares, min(day) AS cell_first, max(day) AS cell_last
  FROM rollup_conversions
  WHERE ` + where + `
  GROUP BY experiment, variant, metric, currency
  ORDER BY experiment, metric, variant, currency
)
GROUP BY experiment, variant, metric
ORDER BY experiment, metric, variant`, args
}
