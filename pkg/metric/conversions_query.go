package metric

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
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

// incrementPart is the increments of one day, team, workflow, variant, metric and currency.
type incrementPart struct {
	Day         time.Time       `ch:"day"`
	Team        string          `ch:"team"`
	Workflow    string          `ch:"workflow"`
	Experiment  string          `ch:"experiment"`
	Variant     string          `ch:"variant"`
	Metric      string          `ch:"metric"`
	Currency    string          `ch:"currency"`
	N           uint64          `ch:"n"`
	Exposures   uint64          `ch:"exposures"`
	Conversions uint64          `ch:"conversions"`
	DealN       uint64          `ch:"deal_n"`
	Value       decimal.Decimal `ch:"value"`
	Squares     decimal.Decimal `ch:"value_squares"`
}

// increments are the parts of what is made of conversions.
func increments(w Window, from, to event.Day) Parts {
	where, args := w.listed().where("day")
	sql := `SELECT day, team, workflow, experiment, variant, metric, currency, sum(n) AS n, sum(exposures) AS exposures,
  sum(conversions) AS conversions, sum(deal_n) AS deal_n, sum(value) AS value, sum(value_squares) AS value_squares
FROM rollup_conversions
WHERE ` + where + `
GROUP BY day, team, workflow, experiment, variant, metric, currency
ORDER BY day, team, workflow, experiment, variant, metric, currency`
	return partsOf("rollup_conversions", from, to, statement{sql, args}, func(p *incrementPart) time.Time { return p.Day })
}

// Parts are the increments of all days.
func (q ConversionsQuery) Parts() (Parts, bool) {
	return increments(q.Window, event.Day{}, event.Day{}), true
}

// Merge sums the increments of each variant and metric.
func (q ConversionsQuery) Merge(days []any) []ConversionRow {
	type arm struct{ experiment, metric, variant string }
	sums := map[arm]*conversionSum{}
	for _, d := range days {
		rows := rowsOf[incrementPart](d)
		for i := range rows {
			p := &rows[i]
			if q.Experiment != "" && p.Experiment != q.Experiment {
				continue
			}
			key := arm{p.Experiment, p.Metric, p.Variant}
			sum := sums[key]
			if sum == nil {
				sum = &conversionSum{money: map[string]*incrementPart{}}
				sum.row.Experiment, sum.row.Variant, sum.row.Metric, sum.row.First = p.Experiment, p.Variant, p.Metric, p.Day
				sums[key] = sum
			}
			sum.add(p)
		}
	}
	out := make([]ConversionRow, 0, len(sums))
	for _, sum := range sums {
		out = append(out, sum.whole())
	}
	slices.SortFunc(out, func(a, b ConversionRow) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Variant, b.Variant))
	})
	return out
}

// conversionSum adds up one variant and metric.
type conversionSum struct {
	row   ConversionRow
	money map[string]*incrementPart
}

func (s *conversionSum) add(p *incrementPart) {
	s.row.N, s.row.Exposures = s.row.N+p.N, s.row.Exposures+p.Exposures
	s.row.Conversions, s.row.DealN = s.row.Conversions+p.Conversions, s.row.DealN+p.DealN
	s.row.Last = p.Day
	m := s.money[p.Currency]
	if m == nil {
		m = &incrementPart{}
		s.money[p.Currency] = m
	}
	// Most metrics count and have no value: to add nothing would cost as much as to add something.
	if !p.Value.IsZero() {
		m.Value = m.Value.Add(p.Value)
	}
	if !p.Squares.IsZero() {
		m.Squares = m.Squares.Add(p.Squares)
	}
}

func (s *conversionSum) whole() ConversionRow {
	for _, currency := range slices.Sorted(maps.Keys(s.money)) {
		m := s.money[currency]
		s.row.Currencies = append(s.row.Currencies, currency)
		s.row.Values, s.row.Squares = append(s.row.Values, m.Value), append(s.row.Squares, m.Squares)
	}
	return s.row
}
