package metric

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// The sources of a baseline, best first.
const (
	FromTrial    = "trial"
	FromMeasured = "measured"
	FromDeclared = "declared"
	FromGiven    = "given"
)

const (
	// leastTasks is how many tasks a trial needs in each arm, and how many unassisted events a measured baseline needs.
	leastTasks = 8
	// baselineDigits is how many decimals a baseline keeps: it is rounded once, half to even, before it prices, so that
	// everything priced with it adds up exactly.
	baselineDigits = 12
)

// DeclaredBaseline is what the registry declares for a workflow on a day, in minutes per unit.
type DeclaredBaseline struct {
	Low, Mode, High decimal.Decimal
	Source, Version string
}

// Declared finds the declared baseline of a workflow that holds on a day.
type Declared func(workflow string, day event.Day) (DeclaredBaseline, bool)

// baseline prices the assisted work of one workflow on one day.
type baseline struct {
	source string
	// key names what the error is shared by: everything that is priced with it.
	key string
	// perUnit is minutes per unit (measured, declared).
	perUnit decimal.Decimal
	// factor multiplies the minutes spent (trial).
	factor decimal.Decimal
	grade  int
	// sd is the standard error of perUnit, or of factor; dof its degrees of freedom, infinite where it is declared, as triangle.
	sd, dof  float64
	triangle *stat.ThreePoint
	// input says what it is, for a claim: of the baselines of many days one is told, and its texts take longer than its numbers.
	input func() Input
}

// net is the saving in minutes of work with these units and minutes, and the standard deviation that the error of the
// baseline puts on it.
func (b baseline) net(units, minutes decimal.Decimal) (decimal.Decimal, float64) {
	if b.source == FromTrial {
		return minutes.Mul(b.factor), minutes.InexactFloat64() * b.sd
	}
	return units.Mul(b.perUnit).Sub(minutes), units.InexactFloat64() * b.sd
}

// baselines finds the best baseline of a workflow on a day.
type baselines struct {
	measured map[string]*history
	// trials are by key, best the trial of each workflow.
	trials   map[string]Trial
	best     map[string]string
	declared Declared
	// found remembers the answers: rows of one workflow and day are many, and several measures are priced at a time.
	mu    sync.Mutex
	found map[question]answer
}

// question is what was asked for; day in seconds since 1970.
type question struct {
	workflow, trial string
	day             int64
}

type answer struct {
	b  baseline
	ok bool
}

func newBaselines(unassisted []UnassistedRow, trials []Trial, workflowsOf map[string][]string, declared Declared) *baselines {
	b := &baselines{measured: map[string]*history{}, trials: map[string]Trial{}, best: map[string]string{}, declared: declared, found: map[question]answer{}}
	for _, r := range unassisted {
		h := b.measured[r.Workflow]
		if h == nil {
			h = &history{}
			b.measured[r.Workflow] = h
		}
		h.add(r)
	}
	for _, t := range trials {
		if t.prices() {
			b.trials[t.Trial] = t
		}
	}
	for workflow, keys := range workflowsOf {
		for _, key := range keys {
			t, ok := b.trials[key]
			if !ok {
				continue
			}
			// The latest trial of a workflow prices it; of two that end on one day, the one with the later key.
			if before, has := b.trials[b.best[workflow]]; !has || *t.LastDay > *before.LastDay || (*t.LastDay == *before.LastDay && t.Trial > before.Trial) {
				b.best[workflow] = key
			}
		}
	}
	return b
}

// at is the best baseline that does not come from the event itself.
func (b *baselines) at(workflow, trial string, day event.Day) (baseline, bool) {
	q := question{workflow, trial, day.Unix()}
	b.mu.Lock()
	defer b.mu.Unlock()
	a, known := b.found[q]
	if !known {
		a.b, a.ok = b.find(workflow, trial, day)
		b.found[q] = a
	}
	return a.b, a.ok
}

func (b *baselines) find(workflow, trial string, day event.Day) (baseline, bool) {
	if t, ok := b.trials[trial]; ok {
		return trialBaseline(t), true
	}
	if workflow == "" {
		return baseline{}, false
	}
	if t, ok := b.trials[b.best[workflow]]; ok {
		return trialBaseline(t), true
	}
	if h := b.measured[workflow]; h != nil {
		if m, ok := h.before(workflow, day); ok {
			return m, true
		}
	}
	if b.declared == nil {
		return baseline{}, false
	}
	d, ok := b.declared(workflow, day)
	if !ok {
		return baseline{}, false
	}
	low, mode, high := d.Low.InexactFloat64(), d.Mode.InexactFloat64(), d.High.InexactFloat64()
	return baseline{
		source: FromDeclared, key: FromDeclared + ":" + workflow, perUnit: d.Mode, grade: 0,
		sd: triangleDeviation(low, mode, high), dof: unbounded, triangle: standardised(low, mode, high),
		input: func() Input {
			return Input{
				Name: BaselineName(workflow), Value: new(ExactOf(d.Mode).Text()), Unit: "min/unit",
				Low: new(ExactOf(d.Low).Text()), High: new(ExactOf(d.High).Text()),
				Source: "declared: " + d.Source, Grade: new(0), Version: &d.Version,
			}
		},
	}, true
}

func trialBaseline(t Trial) baseline {
	factor := decimal.NewFromFloat(t.saving.Value).RoundBank(baselineDigits)
	return baseline{
		source: FromTrial, key: FromTrial + ":" + t.Trial, factor: factor, grade: 5, sd: t.saving.SE, dof: t.dof,
		input: func() Input {
			input := Input{
				Name: "saving share of trial " + t.Trial, Value: new(ExactOf(factor).Text()), Unit: UnitShare,
				Low: floatText(t.saving.Low), High: floatText(t.saving.High),
				Source: "randomised trial " + t.Trial, Grade: new(5), Version: t.LastDay, N: new(t.tasks()),
			}
			if *t.People > 0 && *t.People < FloorPeople {
				return input.hidden("randomised trial " + t.Trial + " of fewer than five people")
			}
			return input
		},
	}
}

// hidden takes away what would tell about few people.
func (in Input) hidden(source string) Input {
	in.Value, in.Low, in.High, in.N, in.Source = nil, nil, nil, nil, source
	return in
}

func floatText(x float64) *string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return new(decimal.NewFromFloat(x).RoundBank(6).String())
}

// history is the unassisted work of one workflow by day, with running sums, so that any window is two look-ups.
type history struct {
	days []int64         // in seconds since 1970
	sums []unassistedSum // sums[i] is of days[:i+1]
	// people of each day.
	people [][]string
}

type unassistedSum struct {
	n                          uint64
	units, minutes, uu, mm, mu decimal.Decimal
}

func (s unassistedSum) plus(r UnassistedRow) unassistedSum {
	return unassistedSum{
		n: s.n + r.N, units: s.units.Add(r.Units), minutes: s.minutes.Add(r.Minutes),
		uu: s.uu.Add(r.UnitsSquared), mm: s.mm.Add(r.MinutesSq), mu: s.mu.Add(r.MinutesUnits),
	}
}

func (s unassistedSum) minus(o unassistedSum) unassistedSum {
	return unassistedSum{
		n: s.n - o.n, units: s.units.Sub(o.units), minutes: s.minutes.Sub(o.minutes),
		uu: s.uu.Sub(o.uu), mm: s.mm.Sub(o.mm), mu: s.mu.Sub(o.mu),
	}
}

// add appends a day; rows come in the order of days.
func (h *history) add(r UnassistedRow) {
	before := unassistedSum{}
	if n := len(h.sums); n > 0 {
		before = h.sums[n-1]
	}
	h.days, h.sums = append(h.days, r.Day.Unix()), append(h.sums, before.plus(r))
	h.people = append(h.people, r.People)
}

// upTo is the sum over the days before a day, and how many they are.
func (h *history) upTo(day event.Day) (unassistedSum, int) {
	i, _ := slices.BinarySearch(h.days, day.Unix())
	if i == 0 {
		return unassistedSum{}, 0
	}
	return h.sums[i-1], i
}

// before is the measured baseline of a day: Σ minutes ÷ Σ units over at least eight unassisted events in the 180 days
// before it. A mean, since it prices sums.
func (h *history) before(workflow string, day event.Day) (baseline, bool) {
	first := event.Day{Time: day.AddDate(0, 0, -BaselineDays)}
	until, last := h.upTo(day)
	since, begin := h.upTo(first)
	s := until.minus(since)
	if s.n < leastTasks || !s.units.IsPositive() {
		return baseline{}, false
	}
	mean := s.minutes.DivRound(s.units, 2*baselineDigits).RoundBank(baselineDigits)
	ratio := measuredRatio(s)
	return baseline{
		source: FromMeasured, key: FromMeasured + ":" + workflow, perUnit: mean, grade: 1, sd: ratio.SE, dof: ratio.DF,
		input: func() Input {
			input := Input{
				Name: BaselineName(workflow), Value: new(ExactOf(mean).Text()), Unit: "min/unit",
				Low: floatText(ratio.Low), High: floatText(ratio.High),
				Source: fmt.Sprintf("measured: %d unassisted events", s.n), Grade: new(1),
				Version: new(fmt.Sprintf("%s to %s", first, day)), N: &s.n,
			}
			// A baseline of a few people must not tell what they did: the number it prices stays, the input is withheld.
			if few(h.people[begin:last]) {
				return input.hidden("measured: unassisted events of fewer than five people")
			}
			return input
		},
	}, true
}

// few tells whether somebody is named on the days, and fewer than five. It looks no further than it has to: a baseline is asked
// for each day, and stands on half a year.
func few(days [][]string) bool {
	var persons []string
	for _, names := range days {
		for _, name := range names {
			if slices.Contains(persons, name) {
				continue
			}
			if persons = append(persons, name); len(persons) == FloorPeople {
				return false
			}
		}
	}
	return len(persons) > 0
}

// FloorPeople is the least number of persons whose inputs are shown.
const FloorPeople = 5

// workflowsOfTrials lists the trials that each workflow has tasks in.
func workflowsOfTrials(rows []TrialRow) map[string][]string {
	out := map[string][]string{}
	for _, r := range rows {
		if r.Workflow != "" && !slices.Contains(out[r.Workflow], r.Trial) {
			out[r.Workflow] = append(out[r.Workflow], r.Trial)
		}
	}
	return out
}

// BaselineName is the name of the input that prices a workflow.
func BaselineName(workflow string) string { return "baseline of " + workflow }

// dayAt is the day of a row.
func dayAt(t time.Time) event.Day { return event.Day{Time: t} }
