package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// RecognitionKind says what kind of fact claims money.
type RecognitionKind string

// The kinds of recognition keys.
const (
	// ByInvoice is an invoice line: vendor, invoice and event.
	ByInvoice RecognitionKind = "invoice"
	// ByTask is a task. Rollups hold the tasks of a day, team and workflow as one, and so does the ledger.
	ByTask RecognitionKind = "task"
	// ByExperiment is an experiment and its primary metric.
	ByExperiment RecognitionKind = "experiment"
	// ByDeal is a deal, at its close.
	ByDeal RecognitionKind = "deal"
)

// Rung is a step of the ladder.
type Rung string

// The rungs, from the hardest money to the softest; each holds the ones before it.
const (
	RungCash     Rung = "cash"
	RungCapacity Rung = "capacity"
	RungGrowth   Rung = "growth"
)

// Recognition is one benefit in money as one kind of fact claims it, in the currency asked for.
type Recognition struct {
	// Key names the fact within its kind: see [InvoiceKey], [TaskKey], [ExperimentKey] and [DealKey]. Entries of one
	// measure with one key are parts of one recognition (an invoice line spread over days) and stand or fall together.
	Key     string
	Kind    RecognitionKind
	Measure string
	// Team and Workflow are where the entry belongs; Vendor and Experiment name what it is about where there is one.
	Team, Workflow, Vendor, Experiment string
	// OverlapGroup is that of the workflow in the registry; empty means that nothing else claims this money.
	OverlapGroup string
	// Month is the fiscal month, "2026-11"; Day the local day of recognition, "2026-11-30".
	Month, Day string
	// Amount may be negative: losses count.
	Amount decimal.Decimal
	// Grade is the evidence grade, 0 to 5.
	Grade int
	Rung  Rung
	// N counts the events behind the entry.
	N uint64
	// Group is what the entry is told of with, as [Cell.Group].
	Group string

	// term is what is known about the error of the entry; nil means that only that of the whole measure is.
	term *term
}

// InvoiceKey is the recognition key of an invoice line.
func InvoiceKey(vendor, invoice, event string) string {
	return "invoice/" + vendor + "/" + invoice + "/" + event
}

// TaskKey is the recognition key of the tasks of one day, team and workflow.
func TaskKey(day, team, workflow string) string { return "task/" + day + "/" + team + "/" + workflow }

// ExperimentKey is the recognition key of an experiment's primary metric.
func ExperimentKey(experiment, metric string) string {
	return "experiment/" + experiment + "/" + metric
}

// DealKey is the recognition key of a deal.
func DealKey(deal string) string { return "deal/" + deal }

// claim is what competes within an overlap group: the money that one measure sees in one workflow, or in one
// experiment. Tasks, invoice lines and deals of one measure and workflow are different money and stand together.
func (r Recognition) claim() string {
	if r.Kind == ByExperiment {
		return r.Measure + "/" + r.Key
	}
	return r.Measure + "/" + r.Workflow
}

// contest is what counts once: an overlap group in a month.
type contest struct{ group, month string }

// claimSum is what one claim adds up to in a contest.
type claimSum struct {
	measure, workflow string
	value             decimal.Decimal
	grade             int
}

// Ledger says what counts where several facts claim the same money. It is decided once, over the whole workspace and whole
// months, so that the parts of every scope and period still add up.
type Ledger struct {
	// keys is the measure that counts for a key that several measures claim.
	keys map[string]string
	// groups is the claim that counts in a contest.
	groups map[contest]string
	// won describes the winner of each contest.
	won map[contest]claimSum
}

// Decide settles who counts: a key counts under one measure, and of an overlap group and month one claim counts: the
// highest grade, then the larger value, then the key. The grade of a claim is the lowest of its entries.
func Decide(entries []Recognition) Ledger {
	l := Ledger{keys: map[string]string{}, groups: map[contest]string{}, won: map[contest]claimSum{}}
	l.decideKeys(entries)
	sums := map[contest]map[string]claimSum{}
	for _, r := range entries {
		if r.OverlapGroup == "" || !l.ownsKey(r) {
			continue
		}
		c := contest{r.OverlapGroup, r.Month}
		if sums[c] == nil {
			sums[c] = map[string]claimSum{}
		}
		sums[c][r.claim()] = sums[c][r.claim()].with(r)
	}
	for c, claims := range sums {
		l.groups[c] = best(claims)
		l.won[c] = claims[l.groups[c]]
	}
	return l
}

// decideKeys finds the measure of each key: by the same rule as for groups.
func (l Ledger) decideKeys(entries []Recognition) {
	sums := map[string]map[string]claimSum{}
	for _, r := range entries {
		if sums[r.Key] == nil {
			sums[r.Key] = map[string]claimSum{}
		}
		sums[r.Key][r.Measure] = sums[r.Key][r.Measure].with(r)
	}
	for key, measures := range sums {
		if len(measures) > 1 {
			l.keys[key] = best(measures)
		}
	}
}

func (s claimSum) with(r Recognition) claimSum {
	if s.measure == "" {
		return claimSum{r.Measure, r.Workflow, r.Amount, r.Grade}
	}
	s.value, s.grade = s.value.Add(r.Amount), min(s.grade, r.Grade)
	return s
}

// best is the claim of the highest grade, then the larger value, then the first key.
func best(claims map[string]claimSum) string {
	return slices.MinFunc(slices.Collect(maps.Keys(claims)), func(a, b string) int {
		return cmp.Or(cmp.Compare(claims[b].grade, claims[a].grade), claims[b].value.Cmp(claims[a].value), cmp.Compare(a, b))
	})
}

func (l Ledger) ownsKey(r Recognition) bool {
	measure, contested := l.keys[r.Key]
	return !contested || measure == r.Measure
}

// counts tells whether an entry counts, and what counts in its place where it does not.
func (l Ledger) counts(r Recognition) (instead claimSum, ok bool) {
	if !l.ownsKey(r) {
		return claimSum{measure: l.keys[r.Key]}, false
	}
	c := contest{r.OverlapGroup, r.Month}
	winner, contested := l.groups[c]
	if r.OverlapGroup == "" || !contested || winner == r.claim() {
		return claimSum{}, true
	}
	return l.won[c], false
}

// Split separates the entries of a scope and period into those that count and those that do not, the latter summed by
// measure, workflow, group and month with their amount in the currency. Entries keep their order.
func (l Ledger) Split(entries []Recognition, currency string) (counted []Recognition, leftOut []Excluded) {
	type place struct{ measure, workflow, group, month, instead string }
	type lost struct {
		amount decimal.Decimal
		n      uint64
		by     claimSum
	}
	sums := map[place]lost{}
	for _, r := range entries {
		instead, ok := l.counts(r)
		if ok {
			counted = append(counted, r)
			continue
		}
		at := place{r.Measure, r.Workflow, r.OverlapGroup, r.Month, instead.measure}
		s := sums[at]
		sums[at] = lost{s.amount.Add(r.Amount), s.n + r.N, instead}
	}
	order := slices.SortedFunc(maps.Keys(sums), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.measure, b.measure), cmp.Compare(a.workflow, b.workflow), cmp.Compare(a.month, b.month),
			cmp.Compare(a.group, b.group), cmp.Compare(a.instead, b.instead))
	})
	for _, at := range order {
		s := sums[at]
		leftOut = append(leftOut, Excluded{
			Measure: at.measure, Reason: ReasonOverlap, Workflow: at.workflow, N: &s.n, Amount: ExactOf(s.amount), Unit: currency,
			Message: overlapMessage(at.measure, at.group, at.month, s.by),
		})
	}
	return counted, leftOut
}

// ReasonOverlap is the reason of what is left out because the same money is counted elsewhere.
const ReasonOverlap = "overlap"

func overlapMessage(measure, group, month string, by claimSum) string {
	if by.workflow == "" && by.value.IsZero() {
		return fmt.Sprintf("the same money is counted once, as %s", by.measure)
	}
	where := ""
	if by.workflow != "" && by.measure != "" {
		where = " of " + by.workflow
	}
	return fmt.Sprintf("overlap group %s counts once in %s, as %s%s (grade %d): %s is left out of the ladder", group, month, by.measure, where, by.grade, measure)
}

// Recognise is [Decide] and [Ledger.Split] over the same entries.
func Recognise(entries []Recognition, currency string) (counted []Recognition, leftOut []Excluded) {
	return Decide(entries).Split(entries, currency)
}

// Entries are the recognition entries of a benefit: its own where it lists them, else its cells. The overlap group is
// looked up for those that name none.
func (f Fold) Entries(rung Rung, kind RecognitionKind, group func(r Recognition) string) []Recognition {
	if f.Measure.Status != OK {
		return nil
	}
	out := slices.Clone(f.Recognitions)
	if f.Recognitions == nil {
		out = make([]Recognition, 0, len(f.Cells))
		for i, c := range f.Cells {
			out = append(out, f.entry(i, c, rung, kind))
		}
	}
	for i := range out {
		if out[i].OverlapGroup == "" {
			out[i].OverlapGroup = group(out[i])
		}
	}
	return out
}

func (f Fold) entry(i int, c Cell, rung Rung, kind RecognitionKind) Recognition {
	r := Recognition{
		Kind: kind, Measure: f.Measure.Key, Team: c.Team, Workflow: c.Workflow, Vendor: c.Vendor, Experiment: c.Experiment,
		Month: monthText(c.Day), Day: c.Day, Amount: c.Value, Grade: c.Grade, Rung: rung, N: c.N, Group: c.Group,
	}
	switch kind {
	case ByInvoice:
		r.Key = InvoiceKey(c.Vendor, c.Day, c.Category)
	case ByTask:
		r.Key = TaskKey(c.Day, c.Team, c.Workflow)
	case ByExperiment:
		r.Key = ExperimentKey(c.Experiment, c.Metric)
	case ByDeal:
		r.Key = DealKey(c.Source)
	}
	if i < len(f.terms) {
		r.term = &f.terms[i]
	}
	return r
}

// monthText is the fiscal month of a day; fiscal years start with a month, so that fiscal months are calendar months.
func monthText(day string) string { return day[:min(len(day), len("2026-11"))] }
