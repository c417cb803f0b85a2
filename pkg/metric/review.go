package metric

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// ReviewTarget finds how many hours the policy of a workflow gives a review that is decided on a day.
type ReviewTarget func(workflow string, day event.Day) (hours decimal.Decimal, version string, ok bool)

// Final tells whether the review is decided for good. A request for changes is not: the next round is awaited.
func (r ReviewRow) Final() bool { return r.Decision == "approved" || r.Decision == "rejected" }

// Hours is the time from the first submission to the final decision, exact to [quotientDigits].
func (r ReviewRow) Hours() decimal.Decimal {
	return quotient(decimal.NewFromInt(r.DecidedAt.Sub(r.SubmittedAt).Milliseconds()), decimal.NewFromInt(int64(time.Hour/time.Millisecond)))
}

// DecidedIn are the reviews with their final decision in [from, to).
func DecidedIn(rows []ReviewRow, from, to event.Day) []ReviewRow {
	return slices.DeleteFunc(slices.Clone(rows), func(r ReviewRow) bool {
		return !r.Final() || !within(r.DecidedDay, from, to)
	})
}

// FirstPassIn are the reviews whose first round was decided in [from, to).
func FirstPassIn(rows []ReviewRow, from, to event.Day) []ReviewRow {
	return slices.DeleteFunc(slices.Clone(rows), func(r ReviewRow) bool { return r.FirstDecision == "" || !within(r.FirstDay, from, to) })
}

func within(day *time.Time, from, to event.Day) bool {
	return Window{From: from, To: to}.holds(day)
}

// ReviewPeople are the people of reviews, in the month of the day on which a review counts; nil is that of its submission.
func ReviewPeople(rows []ReviewRow, counts func(*ReviewRow) *time.Time) []PeopleRow {
	out := make([]PeopleRow, 0, len(rows))
	for _, r := range rows {
		day := r.SubmittedAt
		if counts != nil && counts(&r) != nil {
			day = *counts(&r)
		}
		out = append(out, PeopleRow{Month: MonthOf(day), Team: r.Team, Workflow: r.Workflow, People: r.People})
	}
	return out
}

// named counts the people of rows; nil where none names anybody, which does not say that nobody was there.
func named(rows []PeopleRow) *uint64 {
	n := uint64(len(Persons(rows)))
	if n == 0 {
		return nil
	}
	return &n
}

// FoldReviewCycle is the median of the hours from submission to final decision over the reviews that were finally decided
// in the period, with the ninth decile, the share within target, and the number that is open beside it. rows are those
// of the scope.
func FoldReviewCycle(rows []ReviewRow, from, to event.Day, target ReviewTarget) Fold {
	m := start(ReviewCycleHours, UnitHours)
	decided, open := DecidedIn(rows, from, to), uint64(0)
	for _, r := range rows {
		if !r.Final() {
			open++
		}
	}
	n := uint64(len(decided))
	out := Fold{Counts: []Count{{"reviews decided", &n}, {openCount, &open}}}
	if n == 0 {
		if open > 0 {
			m.N = &n
			m.Parts = []Part{openPart(open)}
			m.withhold("none_decided", "reviews are open, and none was finally decided in the period")
		}
		out.Measure = m
		return out
	}
	m.Status, m.N, m.Grade, m.People = OK, &n, new(1), named(ReviewPeople(decided, nil))
	hours := make([]decimal.Decimal, 0, n)
	for _, r := range decided {
		hours = append(hours, r.Hours())
	}
	slices.SortFunc(hours, decimal.Decimal.Cmp)
	m.Value = ExactOf(quantileOf(hours, 5))
	median, ninth := stat.Quantile(floats(hours), 0.5, LevelStatistics), stat.Quantile(floats(hours), 0.9, LevelStatistics)
	m.interval(median.Low, median.High, LevelStatistics)
	if m.Low == nil {
		m.warn("too_few", "fewer than six reviews: no interval")
	}
	p90 := Part{Key: "p90", Title: "Nine of ten are decided within", Value: ExactOf(quantileOf(hours, 9)), Unit: UnitHours, N: &n}
	if p90.Low, p90.High = finite(ninth.Low), finite(ninth.High); p90.Low != nil && p90.High != nil {
		p90.Level = new(LevelStatistics)
	}
	m.Parts = append(m.Parts, p90, openPart(open))
	out.targets(&m, decided, target)
	out.Measure = m
	return out
}

func openPart(open uint64) Part {
	return Part{Key: "open", Title: "Open at the end of the period", Value: ExactOf(count(open)), Unit: "reviews", N: &open}
}

// targets adds the share of the decided reviews that were within the target of their workflow, and the targets.
func (f *Fold) targets(m *Measure, decided []ReviewRow, target ReviewTarget) {
	hit, n := uint64(0), uint64(0)
	used := map[string]bool{}
	for _, r := range decided {
		hours, version, ok := target(r.Workflow, dayAt(*r.DecidedDay))
		if !ok {
			continue
		}
		n++
		if r.Hours().LessThanOrEqual(hours) {
			hit++
		}
		if key := r.Workflow + "\x00" + version; !used[key] {
			used[key] = true
			f.Inputs = append(f.Inputs, Input{
				Name: "target of " + r.Workflow, Value: new(ExactOf(hours).Text()), Unit: UnitHours,
				Source: "registry workflows/" + r.Workflow, Version: &version,
			})
		}
	}
	if n == 0 {
		m.warn("no_target", "no workflow of these reviews has a review policy with target hours: the share within target is not known")
		return
	}
	if without := uint64(len(decided)) - n; without > 0 {
		m.warn("no_target", fmt.Sprintf("%d reviews belong to workflows without target hours and are not in the share within target", without))
	}
	m.Parts = append(m.Parts, sharePart("within_target", "Decided within target", hit, n))
	f.Counts = append(f.Counts, Count{"reviews with a target", &n}, Count{"within target", &hit})
}

// FoldFirstPass is the share of the reviews whose first round was approved, of those whose first round was decided in the
// period.
func FoldFirstPass(rows []ReviewRow, from, to event.Day) Fold {
	m := start(FirstPassYield, UnitShare)
	first := FirstPassIn(rows, from, to)
	n, approved := uint64(len(first)), uint64(0)
	for _, r := range first {
		if r.FirstDecision == "approved" {
			approved++
		}
	}
	out := Fold{Counts: []Count{{"first rounds decided", &n}, {"first rounds approved", &approved}}}
	if n > 0 {
		m.ratio(approved, n, "First rounds approved", "First rounds decided", "reviews")
		m.People = named(ReviewPeople(first, nil))
	}
	out.Measure = m
	return out
}

// ratio fills in a share of counts with Wilson's interval, of grade 1.
func (m *Measure) ratio(part, whole uint64, partTitle, wholeTitle, unit string) {
	e := stat.Wilson(stat.Proportion{Successes: int64(part), Trials: int64(whole)}, LevelStatistics)
	m.Status, m.N, m.Grade = OK, &whole, new(1)
	m.Value = ExactOf(quotient(count(part), count(whole)))
	m.interval(e.Low, e.High, LevelStatistics)
	m.Parts = append(m.Parts,
		Part{Key: "numerator", Title: partTitle, Value: ExactOf(count(part)), Unit: unit, N: &whole},
		Part{Key: "denominator", Title: wholeTitle, Value: ExactOf(count(whole)), Unit: unit, N: &whole},
	)
}

// quantileOf is the quantile at so many tenths of ascending values, interpolated between the two around it, exactly.
func quantileOf(sorted []decimal.Decimal, tenths int) decimal.Decimal {
	place := (len(sorted) - 1) * tenths
	below := place / 10
	above := min(below+1, len(sorted)-1)
	return sorted[below].Add(sorted[above].Sub(sorted[below]).Mul(decimal.New(int64(place%10), -1)))
}

func floats(list []decimal.Decimal) []float64 {
	out := make([]float64, len(list))
	for i, d := range list {
		out[i] = d.InexactFloat64()
	}
	return out
}

// OpenReviews are those that are not finally decided.
func OpenReviews(rows []ReviewRow) []ReviewRow {
	return slices.DeleteFunc(slices.Clone(rows), ReviewRow.Final)
}

// HideOpen takes the number of open reviews away, where it would tell about few people.
func HideOpen(f Fold) Fold {
	f.Measure.Parts = slices.DeleteFunc(f.Measure.Parts, func(p Part) bool { return p.Key == "open" })
	f.Counts = slices.DeleteFunc(f.Counts, func(c Count) bool { return c.Name == openCount })
	return f
}

const openCount = "reviews open at the end"
