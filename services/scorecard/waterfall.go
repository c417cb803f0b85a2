package scorecard

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
)

// mostSteps is how many steps a waterfall has at most; the smallest of more are one.
const mostSteps = 12

// waterfall are the steps that lead to a number, and sum to it exactly. Only sums have some, and only numbers that are shown: for
// hours what one's own time was spent on, for all others the rows of their evidence by what they are, so that the steps tell nothing
// that the evidence does not.
func (v *view) waterfall(ctx context.Context, n *numbers, p params, currency string) ([]metric.Step, error) {
	none := []metric.Step{}
	fold := n.folds[p.measure]
	if fold.Measure.Status != metric.OK || fold.Measure.Value == nil {
		return none, nil
	}
	rung, isOfLadder := metric.RungOf(p.measure)
	switch {
	case p.measure == metric.HoursSavedNet:
		return v.hoursSteps(ctx, n, fold.Measure.Value.Decimal)
	case p.measure == metric.VendorSpend:
		return stepsOfCells(fold.Cells), nil
	case p.measure == metric.VendorSavings:
		e, err := v.savingsEvidence(ctx, n, currency)
		if err != nil {
			return nil, err
		}
		return e.steps("row"), nil
	case p.measure == metric.AICost:
		return v.costEvidence(n, p).steps("category"), nil
	case p.measure == metric.ConversionValue:
		return conversionEvidence(n, p).steps("experiment"), nil
	case p.measure == metric.PipelineValue:
		return pipelineValueEvidence(n, p).steps("workflow"), nil
	case p.measure == metric.CapacityValue && p.scope.Kind == metric.ScopeMe:
		return ownCells(n, p).steps("workflow"), nil
	case p.measure == metric.CapacityValue:
		return v.hoursCells(n, p).steps("team"), nil
	case isOfLadder && p.measure == metric.NetValue(rung):
		return gainsFirst(ladderEvidence(n, p).steps("part")), nil
	}
	return none, nil
}

// hoursSteps are those of the net hours. What one's own time was spent on is told one by one; of others' only all of it, since a single
// activity may be that of few people.
func (v *view) hoursSteps(ctx context.Context, n *numbers, net decimal.Decimal) (steps []metric.Step, err error) {
	var parts []metric.HoursPartsRow
	if n.window.Scope.Kind == metric.ScopeMe || n.exempt {
		if parts, err = read[metric.HoursPartsRow](ctx, v, metric.HoursPartsQuery{Window: n.worked}); err != nil {
			return nil, err
		}
	}
	return metric.HoursSteps(n.input, parts, net, n.openDay()), nil
}

// gainsFirst puts what adds before what takes away: from all benefits down to what is left of them.
func gainsFirst(steps []metric.Step) []metric.Step {
	slices.SortStableFunc(steps, func(a, b metric.Step) int { return cmp.Compare(sign(b), sign(a)) })
	return steps
}

// sign is 0 where a step takes away, else 1.
func sign(s metric.Step) int {
	if s.Value.IsNegative() {
		return 0
	}
	return 1
}

// tally sums by key in the order in which keys come.
type tally struct {
	keys []string
	sums map[string]decimal.Decimal
}

func (t *tally) add(key string, value decimal.Decimal) {
	if t.sums == nil {
		t.sums = map[string]decimal.Decimal{}
	}
	if _, seen := t.sums[key]; !seen {
		t.keys = append(t.keys, key)
	}
	t.sums[key] = t.sums[key].Add(value)
}

// steps of a tally; those after the most are one, so that nothing is left out of the sum.
func (t *tally) steps() []metric.Step {
	out, further := []metric.Step{}, decimal.Zero
	for i, key := range t.keys {
		if i >= mostSteps-1 && len(t.keys) > mostSteps {
			further = further.Add(t.sums[key])
			continue
		}
		out = append(out, metric.Step{Key: key, Title: stepTitle(key), Value: metric.Exact{Decimal: t.sums[key]}})
	}
	if len(t.keys) > mostSteps {
		out = append(out, metric.Step{Key: "further", Title: "All further ones", Value: metric.Exact{Decimal: further}})
	}
	return out
}

// stepTitle is the title of a measure, or the key as words.
func stepTitle(key string) string {
	if d, ok := metric.Lookup(key); ok {
		return d.Title
	}
	if key == "" {
		return "Not named"
	}
	first, rest := utf8.DecodeRuneInString(key)
	text := string(unicode.ToUpper(first)) + strings.ReplaceAll(key[rest:], "_", " ")
	return strings.Replace(text, "Ai ", "AI ", 1)
}

// steps sums the contributions of the rows by one of the columns. Where rows are listed without one, as those of a number that is
// withheld, there is no waterfall.
func (e *evidence) steps(by string) []metric.Step {
	label, contribution := -1, -1
	for i, c := range e.columns {
		switch c.Key {
		case by:
			label = i
		case "contribution":
			contribution = i
		}
	}
	var t tally
	if label < 0 || contribution < 0 {
		return t.steps()
	}
	for _, r := range e.rows {
		if r.values[contribution] == nil {
			continue
		}
		value, err := decimal.NewFromString(*r.values[contribution])
		if err != nil {
			return []metric.Step{} // written by exact, so it is a decimal
		}
		key := ""
		if r.values[label] != nil {
			key = *r.values[label]
		}
		t.add(key, value)
	}
	return t.steps()
}

// stepsOfCells sums cells by their category.
func stepsOfCells(cells []metric.Cell) []metric.Step {
	var t tally
	for _, c := range cells {
		t.add(c.Category, c.Value)
	}
	return t.steps()
}
