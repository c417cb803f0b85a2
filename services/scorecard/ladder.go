package scorecard

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// ladderBenefit is a measure that the ladder takes, on its rung, with what its recognition keys are.
type ladderBenefit struct {
	key  string
	rung metric.Rung
	kind metric.RecognitionKind
}

func ladderBenefits() []ladderBenefit {
	return []ladderBenefit{
		{metric.VendorSavings, metric.RungCash, metric.ByInvoice},
		{metric.CapacityValue, metric.RungCapacity, metric.ByTask},
		{metric.ConversionValue, metric.RungGrowth, metric.ByExperiment},
		{metric.PipelineValue, metric.RungGrowth, metric.ByDeal},
	}
}

// ladderKeys are the measures of the ladder.
func ladderKeys() []string {
	var out []string
	for _, d := range metric.Catalogue() {
		if _, ok := metric.RungOf(d.Key); ok {
			out = append(out, d.Key)
		}
	}
	return out
}

// isRung tells whether a measure is of the ladder.
func isRung(key string) bool {
	_, ok := metric.RungOf(key)
	return ok
}

// withParts adds what the measures of the ladder are made of, where one of them is wanted.
func withParts(keys []string) []string {
	if !slices.ContainsFunc(keys, isRung) {
		return keys
	}
	out := append(slices.Clone(keys), metric.AICost)
	for _, b := range ladderBenefits() {
		out = append(out, b.key)
	}
	return out
}

// leastObservational is the evidence grade from which on the pipeline value is added.
const leastObservational = 2

// climb adds the ladder and its measures to the numbers of a window.
func (v *view) climb(ctx context.Context, n *numbers, currency string) error {
	if n.window.Scope.Kind == metric.ScopeMe {
		n.ladder = metric.Ladder{Rungs: []metric.LadderRung{}}
		for _, key := range ladderKeys() {
			n.folds[key] = metric.NotPersonal(key, currency)
		}
		return nil
	}
	if n.closed != n.window && !isEmpty(n.closed) && !n.exempt {
		return v.climbClosed(ctx, n, currency)
	}
	ledger, err := v.ledger(ctx, n, currency)
	if err != nil {
		return err
	}
	in := metric.LadderInput{
		From: n.window.From, To: n.window.To, Currency: currency, CostMeasure: n.folds[metric.AICost].Measure,
		Costs: metric.CostsOf(n.folds[metric.AICost]), Discount: v.discount(n.window.From), Haircut: v.haircut,
	}
	for _, b := range ladderBenefits() {
		fold, there := n.folds[b.key]
		if !there {
			continue
		}
		counted, leftOut := ledger.Split(fold.Entries(b.rung, b.kind, v.overlapGroup), currency)
		benefit := metric.BenefitOf(fold, b.rung, counted, leftOut)
		if b.key == metric.PipelineValue && fold.Measure.Grade != nil && *fold.Measure.Grade < leastObservational {
			benefit.Beside = "observational"
			leftOut = nil
		}
		if b.kind == metric.ByTask {
			if !n.mayTell(workflowsOf(leftOut)) {
				benefit = metric.Benefit{Measure: fold.Measure.Withhold(floorReason, floorMessage), Rung: b.rung}
				leftOut = nil
			}
			leftOut = withoutMonths(leftOut)
		}
		n.leftOut = append(n.leftOut, leftOut...)
		in.Benefits = append(in.Benefits, benefit)
	}
	in.FlowDay = n.flowDay
	n.ladder = metric.FoldLadder(in)
	maps.Copy(n.folds, n.ladder.Folds)
	return nil
}

// climbClosed takes the ladder of the months that others' work is shown of: benefits of two months are not held against
// the costs of three. The hours are folded already; what is in money is folded again, of these months.
func (v *view) climbClosed(ctx context.Context, n *numbers, currency string) error {
	of := &numbers{
		window: n.closed, closed: n.closed, worked: n.closed, folds: map[string]metric.Fold{}, earners: n.earners,
	}
	var keys []string
	for _, b := range ladderBenefits() {
		if b.key != metric.CapacityValue {
			keys = append(keys, b.key)
		}
	}
	money, err := v.foldMoney(ctx, of, currency, append(keys, metric.AICost))
	if err != nil {
		return err
	}
	maps.Copy(of.folds, money)
	of.capacity, of.folds[metric.CapacityValue] = n.capacity, n.folds[metric.CapacityValue]
	if n.live() {
		of.capacity, of.folds[metric.CapacityValue] = n.overCapacity, n.earners.withhold(n.overCapacity)
	}
	if err := v.climb(ctx, of, currency); err != nil {
		return err
	}
	n.ladder, n.leftOut = of.ladder, of.leftOut
	for _, key := range ladderKeys() {
		n.folds[key] = n.of(n.closed, of.folds[key])
	}
	return nil
}

// ledger settles what counts where several facts claim the same money: once for the workspace, over whole months, so that
// every scope and period gets the same answer. Without overlap groups there is nothing to settle.
func (v *view) ledger(ctx context.Context, n *numbers, currency string) (metric.Ledger, error) {
	if v.rules.CountsTwice || !v.overlaps() {
		return metric.Ledger{}, nil
	}
	whole := n
	if w := wholeMonths(n.window); w != n.window {
		var keys []string
		for _, b := range ladderBenefits() {
			keys = append(keys, b.key)
		}
		var err error
		if whole, err = v.compute(ctx, w, currency, keys...); err != nil {
			return metric.Ledger{}, err
		}
	}
	var entries []metric.Recognition
	for _, b := range ladderBenefits() {
		fold := whole.folds[b.key]
		if b.key == metric.CapacityValue {
			fold = whole.capacity // what counts is the same for everybody, whatever the viewer may see
		}
		if b.key == metric.PipelineValue && fold.Measure.Grade != nil && *fold.Measure.Grade < leastObservational {
			continue
		}
		entries = append(entries, fold.Entries(b.rung, b.kind, v.overlapGroup)...)
	}
	return metric.Decide(entries), nil
}

// overlaps tells whether any workflow has, or had, an overlap group.
func (v *view) overlaps() bool {
	return slices.ContainsFunc(v.registry.Keys(registry.Workflows), func(key string) bool {
		return v.registry.Ever(registry.Workflows, key, func(e registry.Entry) bool {
			w, ok := e.(*registry.Workflow)
			return ok && w.OverlapGroup != ""
		})
	})
}

// overlapGroup is the overlap group of an entry's workflow on its day; an experiment's workflow is that of the registry
// where the event names none.
func (v *view) overlapGroup(r metric.Recognition) string {
	day, err := event.ParseDay(r.Day)
	if err != nil {
		return ""
	}
	at, workflow := v.endOf(day), r.Workflow
	if workflow == "" && r.Experiment != "" {
		if x, _, ok := registry.Find[registry.Experiment](v.registry, registry.Experiments, r.Experiment, at); ok {
			workflow = x.Workflow
		}
	}
	if w, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, at); ok && workflow != "" {
		return w.OverlapGroup
	}
	return ""
}

// discount is the declared discount rate as it stands on the first day of the period, else 10 % a year.
func (v *view) discount(from event.Day) metric.Assumed {
	return v.assumed(discountKey, v.endOf(from))
}

// workflowsOf are the workflows that something is left out of.
func workflowsOf(leftOut []metric.Excluded) []string {
	var out []string
	for _, x := range leftOut {
		if !slices.Contains(out, x.Workflow) {
			out = append(out, x.Workflow)
		}
	}
	return out
}

// mayTell tells whether the work on these workflows may be told apart from the rest of the scope's: what the ladder leaves
// out is the difference between two numbers that are shown.
func (n *numbers) mayTell(workflows []string) bool {
	rows := n.earners.rows(byWorkflow())
	return !slices.ContainsFunc(workflows, func(w string) bool { return isMerged(rows, w) })
}

// withoutMonths sums what is left out of personal measures over the months: a month of a workflow may be few people's.
func withoutMonths(leftOut []metric.Excluded) []metric.Excluded {
	var out []metric.Excluded
	for _, x := range leftOut {
		i := slices.IndexFunc(out, func(o metric.Excluded) bool { return o.Workflow == x.Workflow })
		if i < 0 {
			x.N, x.Message = new(*x.N), fmt.Sprintf("the same money of %s is counted elsewhere in its overlap group", x.Workflow)
			out = append(out, x)
			continue
		}
		*out[i].N += *x.N
		out[i].Amount = metric.ExactOf(out[i].Amount.Add(x.Amount.Decimal))
	}
	return out
}

// flowDay dates money for the present values. What is personal is dated at the end of its month: more would tell of its days.
func (n *numbers) flowDay(part, day string) string {
	if part != metric.CapacityValue && part != metric.PartTraining {
		return day
	}
	return min(monthEnd(day), addDays(n.window.To, -1).String())
}

// ladderEvidence are the flows that every number of a rung is folded from: their contributions sum to the net; discounted
// they give the present values, and in their order the payback.
func ladderEvidence(n *numbers, p params) *evidence {
	rung, _ := metric.RungOf(p.measure)
	fold := n.folds[p.measure]
	money := n.folds[metric.NetValue(rung)].Measure.Unit
	e := &evidence{rowsAre: "cells", columns: []column{
		{Key: "day", Title: "Day", Type: "day"},
		text("part", "Part"), text("measure", "Measure"), number("n", "Events", "events"),
		number("benefit", "Benefit", money), number("cost", "Cost", money), number("contribution", "Contribution", money),
	}}
	for i, f := range n.ladder.Flows[rung] {
		e.rows = append(e.rows, evidenceRow{
			place:  fmt.Sprintf("%s %06d", f.Day, i),
			values: []*string{&f.Day, &f.Part, &f.Measure, whole(f.N), exact(f.Benefit), exact(f.Cost), exact(f.Benefit.Sub(f.Cost))},
		})
	}
	m := fold.Measure
	e.total = evidenceTotal{Value: m.Value, Rows: uint64(len(e.rows)), N: m.N, Status: m.Status, Reason: m.Reason}
	return e
}

// ladderColumns adds the columns of the net values: what no person stands behind as it is, work and learning under the
// floor of their own people.
func (n *numbers) ladderColumns(by dimension, row func(kind, key string) *contribution) {
	for _, r := range metric.Rungs() {
		key := metric.NetValue(r)
		fold := n.folds[key]
		if fold.Measure.Status != metric.OK {
			continue
		}
		exempt, work, learning := splitCells(fold.Cells)
		for member, s := range sumBy(exempt, by.ofCell) {
			row(kindOf(member), member).Measures[key] = okCell(s, fold.Measure.Unit, nil)
		}
		fold.Cells = work
		n.column(fold, key, n.earners.rows(by), by, row)
		fold.Cells = learning
		n.column(fold, key, n.learners.rows(by), by, row)
	}
}

// splitCells tells the cells that no person stands behind from those of work and of learning.
func splitCells(cells []metric.Cell) (exempt, work, learning []metric.Cell) {
	for _, c := range cells {
		switch {
		case isTraining(c):
			learning = append(learning, c)
		case c.Category == metric.CapacityValue:
			work = append(work, c)
		default:
			exempt = append(exempt, c)
		}
	}
	return exempt, work, learning
}
