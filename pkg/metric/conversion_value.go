package metric

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// ExposuresQuery reads the exposures of a window, by experiment and variant.
type ExposuresQuery struct{ Window }

// ExposureRow is the exposures of one day, team, workflow, experiment, variant and metric.
type ExposureRow struct {
	Day        time.Time `ch:"day"`
	Team       string    `ch:"team"`
	Workflow   string    `ch:"workflow"`
	Experiment string    `ch:"experiment"`
	Variant    string    `ch:"variant"`
	Metric     string    `ch:"metric"`
	Exposures  uint64    `ch:"exposures"`
}

// SQL is the query and its parameters.
func (q ExposuresQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT day, team, workflow, experiment, variant, metric, sum(exposures) AS exposures
FROM rollup_conversions
WHERE ` + where + `
GROUP BY day, team, workflow, experiment, variant, metric
HAVING exposures > 0
ORDER BY day, team, workflow, experiment, variant, metric`, args
}

// Parts are the increments of the days.
func (q ExposuresQuery) Parts() (Parts, bool) {
	return increments(q.Window, q.From, q.To), q.Scope.Kind != ScopeMe
}

// Merge sums the exposures of the scope over currencies.
func (q ExposuresQuery) Merge(days []any) []ExposureRow {
	var out []ExposureRow
	for _, d := range days {
		rows := rowsOf[incrementPart](d)
		for i := range rows {
			p := &rows[i]
			if p.Exposures == 0 || !q.Scope.Holds(p.Team, p.Workflow) {
				continue
			}
			r := ExposureRow{Day: p.Day, Team: p.Team, Workflow: p.Workflow, Experiment: p.Experiment, Variant: p.Variant, Metric: p.Metric}
			// Currencies of one variant stand next to each other.
			if last := len(out) - 1; last >= 0 && out[last].same(&r) {
				out[last].Exposures += p.Exposures
				continue
			}
			r.Exposures = p.Exposures
			out = append(out, r)
		}
	}
	return out
}

// same tells whether two rows count the same.
func (e *ExposureRow) same(o *ExposureRow) bool {
	return e.Day.Equal(o.Day) && e.Team == o.Team && e.Workflow == o.Workflow &&
		e.Experiment == o.Experiment && e.Variant == o.Variant && e.Metric == o.Metric
}

// FoldConversionValue sums the treated exposures of a scope and period × the lift of their experiment × its margin. The
// lift is estimated once per experiment from everything to as-of, so that the parts of scopes and periods sum.
func FoldConversionValue(rows []ExposureRow, experiments []Experiment, currency string, haircut func(grade int) decimal.Decimal) Fold {
	m := start(ConversionValue, currency)
	out := Fold{}
	total, treated := decimal.Zero, uint64(0)
	var errors []sharedError
	shares := map[int]*gradeSum{}
	for i := range experiments {
		x := &experiments[i]
		own := slices.DeleteFunc(slices.Clone(rows), func(r ExposureRow) bool {
			return r.Experiment != x.Experiment || r.Metric != x.exposedBy || r.Variant == x.plan.Control
		})
		if len(own) == 0 {
			continue
		}
		if x.Value.Status != OK {
			out.Excluded = append(out.Excluded, x.exclusion(own))
			continue
		}
		exposures := map[string]uint64{}
		for _, r := range own {
			if _, ok := x.lifts[r.Variant]; !ok {
				continue // its own status says why it has no lift
			}
			value := x.gain(r.Variant, r.Exposures)
			exposures[r.Variant] += r.Exposures
			total, treated = total.Add(value), treated+r.Exposures
			out.Cells = append(out.Cells, Cell{
				Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Experiment: r.Experiment, Variant: r.Variant, Metric: x.Metric,
				Value: value, N: r.Exposures, Grade: x.plan.Grade, Source: "experiment " + r.Experiment,
			})
			s := shares[x.plan.Grade]
			if s == nil {
				s = &gradeSum{}
				shares[x.plan.Grade] = s
			}
			s.value, s.weight, s.n = s.value.Add(value), s.weight.Add(value.Abs()), s.n+r.Exposures
		}
		errors = append(errors, x.deviation(exposures))
		out.Inputs = append(out.Inputs, x.priceInputs(exposures, currency)...)
	}
	out.Counts = []Count{{"treated exposures", &treated}}
	switch {
	case treated == 0 && len(out.Excluded) > 0:
		m.withhold(out.Excluded[0].Reason, out.Excluded[0].Message)
	case treated > 0:
		m.Status, m.Value, m.N = OK, ExactOf(total), &treated
		gradeShares(&m, shares, treated)
		m.RiskAdjusted = ExactOf(riskAdjusted(out.Cells, haircut))
		if low, high, ok := combine(errors, total.InexactFloat64(), 1); ok {
			m.interval(low, high, LevelMoney)
		}
		if len(out.Excluded) > 0 {
			m.warn(out.Excluded[0].Reason, "some experiments are not in the value: see what is excluded")
		}
	}
	out.Measure = m
	return out
}

// exclusion says why an experiment is not priced, with its treated exposures.
func (x *Experiment) exclusion(rows []ExposureRow) Excluded {
	n := uint64(0)
	for _, r := range rows {
		n += r.Exposures
	}
	reasons := make([]string, 0, len(x.Value.Warnings))
	for _, w := range x.Value.Warnings {
		reasons = append(reasons, w.Message)
	}
	return Excluded{
		Measure: ConversionValue, Reason: *x.Value.Reason, N: &n, Unit: "exposures",
		Message: fmt.Sprintf("experiment %s: %s", x.Experiment, strings.Join(reasons, "; ")),
	}
}

// priceInputs lists the lifts and the margin that priced the exposures.
func (x *Experiment) priceInputs(exposures map[string]uint64, currency string) []Input {
	out := []Input{{
		Name: "margin per conversion of " + x.Experiment, Value: new(ExactOf(*x.plan.Margin).Text()), Unit: currency,
		Source: "registry experiments/" + x.Experiment, Version: optionalString(x.plan.Version),
	}}
	for _, v := range x.Variants {
		n, ok := exposures[v.Variant]
		if !ok {
			continue
		}
		low, high := floatText(*v.LiftAbs.Value), floatText(*v.LiftAbs.Value)
		if v.LiftAbs.Low != nil && v.LiftAbs.High != nil {
			low, high = floatText(*v.LiftAbs.Low), floatText(*v.LiftAbs.High)
		}
		out = append(out, Input{
			Name: "absolute lift of " + x.Experiment + "/" + v.Variant, Value: new(ExactOf(x.lifts[v.Variant]).Text()), Unit: UnitShare,
			Low: low, High: high, Source: "experiment " + x.Experiment, Grade: &x.plan.Grade, Version: x.LastDay, N: &n,
		})
	}
	return out
}

func optionalString(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
