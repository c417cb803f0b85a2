package scorecard

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// numbers are the folds of one window, and who stands behind the personal ones.
type numbers struct {
	// window is the period that was asked for; closed the days of it whose months are over, which others' work is shown of,
	// and worked the days of their hours, which may be more ([view.cover]). Both may have no day.
	window, closed, worked metric.Window
	// exempt says that nobody but the viewer is named in the work of the scope, so that all of it is shown.
	exempt bool
	folds  map[string]metric.Fold
	// named are who worked with AI in the months of the period, in the whole workspace.
	named []metric.PeopleRow
	// workers are who worked with AI, savers those of them whose work has a baseline, earners those whose hours have a rate
	// too, and learners who was trained.
	workers, savers, earners, learners *crowd
	// pricing says what of the work is priced together, schooling what of the hours of training.
	pricing, schooling *pricing
	// hidden says that the personal measures of the scope are under the privacy floor.
	hidden bool
	// capacity is the capacity value before the privacy floor: what counts in an overlap group is decided on it.
	capacity metric.Fold
	// overCapacity is that of the months that are over, where the capacity is of more.
	overCapacity metric.Fold
	// ladder are the rungs, leftOut what they leave out because it is counted elsewhere.
	ladder  metric.Ladder
	leftOut []metric.Excluded
	// input is what the hours were folded from.
	input metric.HoursInput
	// rows are the deals of the basis, decided their sums, cohort the deals created in the period.
	rows    []metric.DealRow
	decided metric.DealTotals
	cohort  []metric.DealRow
	// aside are the deals of the cohort that count on no side.
	aside []metric.Excluded
	wave  metric.Wave
	// answered are all answers to that wave.
	answered wave
	// pillar is what the measures of the pillars were folded from.
	pillar pillarNumbers
}

// compute folds the measures of the wanted groups: hours, spend, deals; none named means all.
func (v *view) compute(ctx context.Context, w metric.Window, currency string, keys ...string) (*numbers, error) {
	n, outer := &numbers{window: w, folds: map[string]metric.Fold{}}, ctx
	if err := v.cover(ctx, n); err != nil {
		return nil, err
	}
	keys = withParts(keys)
	wants := func(group ...string) bool {
		return len(keys) == 0 || slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(group, k) })
	}
	var hours, spend, deals, pulse, pillars, money map[string]metric.Fold
	group, ctx := errgroup.WithContext(ctx)
	if wants(metric.HoursSavedNet, metric.ReworkRate, metric.CapacityValue) || wants(measurementKeys()...) {
		group.Go(func() (err error) { hours, err = v.hours(ctx, n, currency); return err })
	}
	if wants(metric.VendorSpend) {
		group.Go(func() (err error) { spend, err = v.spend(ctx, w, currency); return err })
	}
	if wants(metric.WinRate, metric.CycleDays, metric.PipelineVelocity) {
		group.Go(func() (err error) { deals, err = v.deals(ctx, n, metric.Decided, currency); return err })
	}
	group.Go(func() (err error) {
		wanted := slices.DeleteFunc(slices.Collect(maps.Keys(v.money(n, currency))), func(key string) bool { return !wants(key) })
		money, err = v.foldMoney(ctx, n, currency, wanted)
		return err
	})
	if wants(metric.PerceptionGap, metric.Satisfaction) {
		group.Go(func() (err error) { pulse, err = v.pulse(ctx, n); return err })
	}
	group.Go(func() (err error) { pillars, err = v.pillars(ctx, n, currency, wants); return err })
	if wants(measurementKeys()...) {
		group.Go(func() error { return v.readMeasurement(ctx, n, currency) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, folds := range []map[string]metric.Fold{hours, spend, deals, pulse, pillars, money} {
		maps.Copy(n.folds, folds)
	}
	if wants(measurementKeys()...) {
		maps.Copy(n.folds, v.measurement(n, currency))
	}
	if wants(ladderKeys()...) {
		if err := v.climb(outer, n, currency); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// foldMoney folds some of the measures in money.
func (v *view) foldMoney(ctx context.Context, n *numbers, currency string, keys []string) (map[string]metric.Fold, error) {
	folds := make([]metric.Fold, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	money := v.money(n, currency)
	for i, key := range keys {
		group.Go(func() (err error) { folds[i], err = money[key](ctx); return err })
	}
	out := map[string]metric.Fold{}
	err := group.Wait()
	for i, key := range keys {
		out[key] = folds[i]
	}
	return out, err
}

// money are the folds of the measures in money that each have rows of their own.
func (v *view) money(n *numbers, currency string) map[string]func(context.Context) (metric.Fold, error) {
	of := func(fold func(context.Context, metric.Window, string) (metric.Fold, error)) func(context.Context) (metric.Fold, error) {
		return func(ctx context.Context) (metric.Fold, error) { return fold(ctx, n.window, currency) }
	}
	return map[string]func(context.Context) (metric.Fold, error){
		metric.AICost:             func(ctx context.Context) (metric.Fold, error) { return v.aiCost(ctx, n, currency) },
		metric.ConversionValue:    of(v.conversion),
		metric.VendorSavings:      of(v.vendorSavings),
		metric.PipelineValue:      of(v.pipelineValue),
		metric.PipelineInfluenced: of(v.influenced),
	}
}

// hoursRead is what the measures of work are folded from.
type hoursRead struct {
	in       metric.HoursInput
	capacity metric.CapacityInput
	// all is the work of the whole workspace, rated the same with those apart who have a rate of their own, and people who did it.
	all, rated []metric.HoursRow
	people     []metric.PeopleRow
}

// readHours reads the work of a scope, and what prices it.
func (v *view) readHours(ctx context.Context, n *numbers, currency string) (hoursRead, error) {
	w := n.worked
	everybody, months := w, wholeMonths(w)
	if w.Scope.Kind != metric.ScopeMe {
		everybody.Scope = metric.Scope{Kind: metric.ScopeOrg}
	}
	r := hoursRead{in: metric.HoursInput{Declared: v.declared}, capacity: metric.CapacityInput{Rates: v.rates(currency), Haircut: v.haircut}}
	var rated []metric.HoursRow
	var answers []metric.PulseRow
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { answers, err = v.answers(ctx, w); return err })
	fetch(ctx, group, v, metric.HoursQuery{Window: w}, &r.in.Rows)
	fetch(ctx, group, v, metric.HoursQuery{Window: everybody}, &r.all)
	group.Go(func() (err error) { r.people, err = v.workersOf(ctx, n, w); return err })
	// Work of the months before prices all of them; where it begins earlier than the period needs changes nothing.
	fetch(ctx, group, v, metric.UnassistedQuery{Window: months}, &r.in.Unassisted)
	fetch(ctx, group, v, metric.TrialQuery{Window: w}, &r.in.Tasks)
	own := v.rated()
	if len(own.Persons) > 0 {
		fetch(ctx, group, v, metric.RatedQuery{Window: w, Rated: own}, &rated)
		fetch(ctx, group, v, metric.RatedQuery{Window: everybody, Rated: own}, &r.rated)
	}
	fetch(ctx, group, v, metric.HoursQuery{Window: months}, &r.capacity.Months)
	if err := group.Wait(); err != nil {
		return r, err
	}
	r.in.People = inScope(r.people, w.Scope)
	r.in = r.in.Prepare()
	present := v.realisation(answers)
	r.capacity.Realisation = func(month event.Day) metric.Assumed {
		return v.rules.Realised(func() metric.Assumed { return present(month) })
	}
	if r.capacity.Hours = r.in; len(own.Persons) > 0 {
		r.capacity.Hours = r.in.With(rated)
	} else {
		r.rated = r.all
	}
	return r, nil
}

// hours are the personal measures of work, under the privacy floor.
func (v *view) hours(ctx context.Context, n *numbers, currency string) (map[string]metric.Fold, error) {
	r, err := v.readHours(ctx, n, currency)
	if err != nil {
		return nil, err
	}
	n.workers = newCrowd(n.over(r.people), n.worked.Scope, v.viewer.Person)
	n.input = r.in
	if n.worked.Scope.Kind != metric.ScopeMe {
		v.crowds(n, &r)
	}
	folds := atOnce(map[string]func() metric.Fold{
		metric.HoursSavedNet: func() metric.Fold { return metric.FoldHours(r.in) },
		metric.ReworkRate:    func() metric.Fold { return metric.FoldRework(r.in.Rows, r.in.People) },
		metric.CapacityValue: func() (fold metric.Fold) {
			if !n.live() {
				return metric.FoldCapacity(r.capacity, currency)
			}
			fold, n.overCapacity = metric.FoldCapacityBefore(r.capacity, currency, n.closed.To)
			return fold
		},
	})
	n.capacity = folds[metric.CapacityValue]
	n.hidden = isEmpty(n.worked) || !n.savers.allowed()
	if n.worked.Scope.Kind != metric.ScopeMe && !n.exempt {
		for _, key := range []string{metric.HoursSavedNet, metric.CapacityValue} {
			folds[key] = folds[key].Grouped(n.crowdOf(key).groups(n.openDay()), v.haircut)
		}
		n.overCapacity = n.overCapacity.Grouped(n.earners.groups(""), v.haircut)
	}
	for key, fold := range folds {
		folds[key] = n.of(n.worked, n.crowdOf(key).withhold(fold))
	}
	return folds, nil
}

// crowds settles who stands behind the hours and their value: work without a baseline, and hours without a rate, are in
// neither, and nobody hides behind people who are not counted; and what of the work is priced together.
func (v *view) crowds(n *numbers, r *hoursRead) {
	places := n.input.Priced(r.all)
	r.capacity = r.capacity.Prepare()
	signs := r.capacity.Signs()
	by := v.pricesOf(r.capacity.Rates, func(workflow string, first time.Time) bool {
		return signs.Gains(&metric.HoursRow{Day: first, Workflow: workflow})
	})
	n.pricing = newPricing(by, newCrowd(r.people, n.worked.Scope, "").of(places).everybody)
	n.pricing.settle(r.in, r.rated)
	if !n.exempt {
		r.capacity.Pools = n.pricing.pooled
	}
	n.savers = n.workers.of(places).by(n.pricing.label)
	n.earners = n.savers.only(n.pricing.priced).valuedBy(n.pricing.label)
}

// crowdOf is who stands behind a measure of work.
func (n *numbers) crowdOf(measure string) *crowd {
	switch measure {
	case metric.HoursSavedNet:
		return n.savers
	case metric.CapacityValue:
		return n.earners
	}
	return n.workers
}

// atOnce makes several folds at the same time.
func atOnce(folds map[string]func() metric.Fold) map[string]metric.Fold {
	out, mu := make(map[string]metric.Fold, len(folds)), sync.Mutex{}
	var group sync.WaitGroup
	for key, fold := range folds {
		group.Go(func() {
			f := fold()
			mu.Lock()
			defer mu.Unlock()
			out[key] = f
		})
	}
	group.Wait()
	return out
}

// fetch reads the rows of a query beside others.
func fetch[Row any](ctx context.Context, group *errgroup.Group, v *view, q metric.Query, into *[]Row) {
	group.Go(func() (err error) {
		*into, err = read[Row](ctx, v, q)
		return err
	})
}

// wholeMonths widens a window to the months that it touches, and to the whole workspace: there the factor of the
// capacity value is decided.
func wholeMonths(w metric.Window) metric.Window {
	last := addDays(w.To, -1)
	w.Scope = metric.Scope{Kind: metric.ScopeOrg}
	w.From = addDays(w.From, 1-w.From.Day())
	w.To = event.Day{Time: addDays(last, 1-last.Day()).AddDate(0, 1, 0)}
	return w
}

func (v *view) spend(ctx context.Context, w metric.Window, currency string) (map[string]metric.Fold, error) {
	if w.Scope.Kind == metric.ScopeMe {
		return map[string]metric.Fold{metric.VendorSpend: metric.NotPersonal(metric.VendorSpend, currency)}, nil
	}
	rows, err := read[metric.SpendRow](ctx, v, metric.SpendQuery{Window: w})
	if err != nil {
		return nil, err
	}
	return map[string]metric.Fold{metric.VendorSpend: metric.FoldSpend(rows, currency, v.fx(currency))}, nil
}

// deals are the measures of the pipeline: those of the deals of the basis, beside the cohort of the period.
func (v *view) deals(ctx context.Context, n *numbers, basis metric.Basis, currency string) (map[string]metric.Fold, error) {
	w := n.window
	if w.Scope.Kind == metric.ScopeMe {
		return map[string]metric.Fold{
			metric.WinRate:          metric.NotPersonal(metric.WinRate, metric.UnitShare),
			metric.CycleDays:        metric.NotPersonal(metric.CycleDays, metric.UnitDays),
			metric.PipelineVelocity: metric.NotPersonal(metric.PipelineVelocity, metric.UnitIndex),
		}, nil
	}
	var cohort, rows []metric.DealRow
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.DealsQuery{Window: w, Basis: metric.Created}, &cohort)
	if basis == metric.Decided {
		fetch(ctx, group, v, metric.DealsQuery{Window: w, Basis: metric.Decided}, &rows)
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	cohort, n.aside = metric.SetAside(cohort)
	if basis == metric.Created {
		rows = cohort
	}
	n.cohort, n.rows, n.decided = cohort, rows, metric.TotalDeals(rows, v.fx(currency))
	winRate := metric.FoldWinRate(n.decided)
	winRate.Excluded = append(winRate.Excluded, n.aside...)
	return map[string]metric.Fold{
		metric.WinRate:          winRate,
		metric.CycleDays:        metric.FoldCycle(n.decided, metric.FoldSurvival(cohort, v.censoring(w.To))),
		metric.PipelineVelocity: metric.FoldVelocity(n.decided, currency),
	}, nil
}

// censoring is the instant at which open deals were last seen: the end of the period, or as-of where that is earlier.
func (v *view) censoring(to event.Day) time.Time {
	end := v.startOf(to)
	if v.snapshot.AsOf.Before(end) {
		return v.snapshot.AsOf
	}
	return end
}
