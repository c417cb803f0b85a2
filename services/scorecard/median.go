package scorecard

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// mediansQuery reads the median minutes per unit of the unassisted work of every workflow in the 180 days before the end
// of a period.
type mediansQuery struct {
	window metric.Window
	zone   string
}

// medianRow is the median of one workflow.
type medianRow struct {
	Workflow string  `ch:"workflow"`
	N        uint64  `ch:"n"`
	People   uint64  `ch:"people"`
	Named    uint64  `ch:"named"`
	Median   float64 `ch:"median"`
}

// SQL is the query and its parameters.
func (q mediansQuery) SQL() (string, map[string]any) {
	return `SELECT workflow, count() AS n, uniqExactIf(person, person != '') AS people, countIf(person != '') AS named,
  quantileExactInclusive(0.5)(toFloat64(ifNull(doing_minutes, 0) + ifNull(prompting_minutes, 0) + ifNull(review_minutes, 0)
    + ifNull(rework_minutes, 0) + ifNull(correction_minutes, 0)) / toFloat64(units)) AS median
FROM (SELECT *, toDate32(toTimeZone(time, {zone:String})) AS local_day FROM ` + warehouse.Effective(event.KindHoursSaved) + `)
WHERE NOT assisted AND workflow != '' AND local_day >= {from:Date32} AND local_day < {to:Date32}
GROUP BY workflow
ORDER BY workflow`, map[string]any{
			"workspace": q.window.Workspace, "zone": q.zone, "from": addDays(q.window.To, -metric.BaselineDays), "to": q.window.To,
		}
}

// medians are shown beside the measured baselines of a claim, which are means, since those price sums.
func (v *view) medians(ctx context.Context, n *numbers, inputs []metric.Input) ([]metric.Input, error) {
	shown := func(workflow string) bool {
		return slices.ContainsFunc(inputs, func(in metric.Input) bool {
			return in.Name == metric.BaselineName(workflow) && in.Value != nil && *in.Grade == 1
		})
	}
	// A median of what the retention has left over would be another number.
	seal, err := v.db.Seal(ctx)
	if err != nil || addDays(n.worked.To, -metric.BaselineDays).Before(seal.DroppedBefore.Time) {
		return inputs, err
	}
	rows, err := read[medianRow](ctx, v, mediansQuery{n.worked, v.zone.String()})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if !shown(r.Workflow) || (r.Named > 0 && r.People < metric.FloorPeople) {
			continue
		}
		inputs = append(inputs, metric.Input{
			Name: "median of unassisted work of " + r.Workflow, Value: new(decimal.NewFromFloat(r.Median).RoundBank(6).String()), Unit: "min/unit",
			Source: fmt.Sprintf("beside the baseline: %d unassisted events in the %d days before the end of the period", r.N, metric.BaselineDays),
			N:      &r.N,
		})
	}
	return inputs, nil
}
