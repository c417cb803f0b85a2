package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// aiCategories are the categories of spend that are what AI costs.
func aiCategories() []string { return []string{"ai_tool", "implementation", "training"} }

// AISpend are the charges that are what AI costs.
func AISpend(spend []SpendRow) []SpendRow {
	return slices.DeleteFunc(slices.Clone(spend), func(r SpendRow) bool { return !slices.Contains(aiCategories(), r.Category) })
}

// SpendOf are the charges of a team.
func SpendOf(spend []SpendRow, team string) []SpendRow {
	return slices.DeleteFunc(slices.Clone(spend), func(r SpendRow) bool { return r.Team != team })
}

// TrainingCategory is the category of the cells of training hours, which are no spend.
const TrainingCategory = "training hours"

// TrainingRow is the time spent learning on one day, by team and workflow, and by person for those with a rate class of
// their own.
type TrainingRow struct {
	Day      time.Time       `ch:"day"`
	Team     string          `ch:"team"`
	Workflow string          `ch:"workflow"`
	Person   string          `ch:"rated_person"`
	N        uint64          `ch:"n"`
	Hours    decimal.Decimal `ch:"hours"`
	// People are the distinct persons of the row.
	People []string `ch:"people"`
}

// FoldAICost is the spend on AI tools, implementation and training, and the hours of training at their loaded rate.
// Review is not in it: its time is netted in the hours already.
func FoldAICost(spend []SpendRow, training []TrainingRow, currency string, fx FX, rates Rates) Fold {
	f := FoldSpend(AISpend(spend), currency, fx)
	invoiced := f.Measure
	m := start(AICost, currency)
	m.Parts, m.Warnings = invoiced.Parts, append(m.Warnings, invoiced.Warnings...)
	for i := range f.Excluded {
		f.Excluded[i].Measure = AICost
	}
	total, n := decimal.Zero, uint64(0)
	if invoiced.Status == OK {
		total, n = invoiced.Value.Decimal, *invoiced.N
		m.Parts = append(m.Parts, Part{Key: "invoiced", Title: "Invoiced", Value: invoiced.Value, Unit: currency, N: invoiced.N})
	}
	hours, trained := f.train(training, rates, currency)
	if trained > 0 {
		m.Parts = append(m.Parts, Part{Key: "training_hours", Title: "Hours of training", Value: ExactOf(hours), Unit: currency, N: &trained})
	}
	total, n = total.Add(hours), n+trained
	f.Counts = append(f.Counts, Count{"training events", &trained})
	if n == 0 {
		if len(f.Excluded) > 0 {
			m.withhold(f.Excluded[0].Reason, f.Excluded[0].Message)
		}
		f.Measure = m
		return f
	}
	point := total.InexactFloat64()
	m.Status, m.Reason, m.Value, m.N, m.Grade = OK, nil, ExactOf(total), &n, new(1)
	m.interval(point, point, LevelMoney)
	if trained > 0 {
		m.Grade = new(0) // hours as people report them
		m.warn("hours_error_unknown", "hours of training are taken as reported: their error is not known and not in the range")
	}
	f.Measure = m
	return f
}

// train prices the hours of training and adds their cells.
func (f *Fold) train(rows []TrainingRow, rates Rates, currency string) (total decimal.Decimal, n uint64) {
	type missing struct {
		n     uint64
		hours decimal.Decimal
	}
	without := map[[2]string]missing{}
	used := map[string]LoadedRate{}
	for _, r := range rows {
		rate, reason := rates(r.Team, r.Person, dayAt(r.Day))
		if reason != "" {
			w := without[[2]string{reason, r.Team}]
			without[[2]string{reason, r.Team}] = missing{w.n + r.N, w.hours.Add(r.Hours)}
			continue
		}
		used[rate.Class+" "+rate.Version] = rate
		value := r.Hours.Mul(rate.PerHour)
		total, n = total.Add(value), n+r.N
		f.Cells = append(f.Cells, Cell{
			Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Category: TrainingCategory, Value: value, N: r.N, Source: rate.Source,
		})
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		rate := used[key]
		f.Inputs = append(f.Inputs, Input{
			Name: "loaded rate of " + rate.Class, Value: new(ExactOf(rate.PerHour).Text()), Unit: currency + "/h", Source: rate.Source, Version: &rate.Version,
		})
	}
	for key, w := range without {
		f.Excluded = append(f.Excluded, Excluded{
			Measure: AICost, Reason: key[0], Team: key[1], N: &w.n, Amount: ExactOf(w.hours), Unit: UnitHours,
			Message: fmt.Sprintf("no loaded rate in %s for the training of team %q: give it a default_rate_class and the class a rate card", currency, key[1]),
		})
	}
	slices.SortStableFunc(f.Excluded, func(a, b Excluded) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Unit, b.Unit))
	})
	return total, n
}
