package scorecard

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// pillarNumbers are what the measures of the pillars were folded from, those of the scope, and who stands behind the
// personal ones.
type pillarNumbers struct {
	// covered, spend and outcomes are what [view.readMeasurement] has read.
	covered   []metric.CoverageRow
	spend     []metric.SpendRow
	outcomes  metric.Outcomes
	coverage  metric.CoverageInput
	ownership metric.OwnershipInput
	maturity  metric.MaturityInput
	reviews   []metric.ReviewRow
	// reviewed and blocked are the days that reviews and barriers are of.
	reviewed, blocked metric.Window
	firstPass         *crowd
	reported          []metric.BarrierRow
	lost              []metric.LostTime
	losers, reporters *crowd
	// untold says that others lost time in the scope, of which nothing may be told.
	untold   bool
	members  []metric.Member
	learners *crowd
	expected metric.CalibrationInput
}

func coverageKeys() []string {
	return []string{metric.CoverageHours, metric.CoverageVendor, metric.CoverageConversion, metric.CoveragePipeline}
}

// pillars folds the wanted measures of the pillars.
func (v *view) pillars(ctx context.Context, n *numbers, currency string, wants func(...string) bool) (map[string]metric.Fold, error) {
	group, ctx := errgroup.WithContext(ctx)
	results := make(chan map[string]metric.Fold, 4) // one of each of those below
	run := func(keys []string, fold func(context.Context, *numbers, string) (map[string]metric.Fold, error)) {
		if !wants(keys...) {
			return
		}
		group.Go(func() error {
			folds, err := fold(ctx, n, currency)
			results <- folds
			return err
		})
	}
	run([]string{metric.ReviewCycleHours, metric.FirstPassYield}, v.reviews)
	run([]string{metric.BarrierHours}, v.barriers)
	run([]string{metric.TrainedShare}, v.enablement)
	run([]string{metric.CalibrationGap}, v.calibration)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	close(results)
	out := map[string]metric.Fold{}
	for folds := range results {
		maps.Copy(out, folds)
	}
	return out, nil
}

// ended is the end of a period, or tomorrow where it lies in the future: what counts the days before the end looks back
// from there.
func (v *view) ended(to event.Day) event.Day {
	if tomorrow := addDays(v.today, 1); to.After(tomorrow.Time) {
		return tomorrow
	}
	return to
}

// measurementKeys are the measures that [view.measurement] folds.
func measurementKeys() []string { return append(coverageKeys(), metric.Maturity, metric.Ownership) }

// readMeasurement reads what coverage, ownership and maturity need beside the hours.
func (v *view) readMeasurement(ctx context.Context, n *numbers, currency string) error {
	w := n.window
	if w.Scope.Kind == metric.ScopeMe {
		return nil
	}
	ending := w
	ending.To = v.ended(w.To)
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.CoverageQuery{Window: ending}, &n.pillar.covered)
	fetch(ctx, group, v, metric.SpendQuery{Window: w}, &n.pillar.spend)
	group.Go(func() (err error) { n.pillar.outcomes, err = v.outcomes(ctx, w, currency); return err })
	return group.Wait()
}

// measurement are coverage, ownership, and the maturity that stands on both and on the hours, which are folded by now.
func (v *view) measurement(n *numbers, currency string) map[string]metric.Fold {
	w := n.window
	if w.Scope.Kind == metric.ScopeMe {
		out := map[string]metric.Fold{
			metric.Maturity:  metric.NotPersonal(metric.Maturity, metric.UnitLevel),
			metric.Ownership: metric.NotPersonal(metric.Ownership, metric.UnitShare),
		}
		for _, key := range coverageKeys() {
			out[key] = metric.NotPersonal(key, metric.UnitShare)
		}
		return out
	}
	end := v.ended(w.To)
	at := v.endOf(addDays(end, -1))
	in := metric.CoverageInput{Rows: n.pillar.covered, Workflows: map[string]string{}, Scope: w.Scope}
	for _, key := range v.registry.Keys(registry.Teams) {
		if _, _, ok := registry.Find[registry.Team](v.registry, registry.Teams, key, at); ok {
			in.Teams = append(in.Teams, key)
		}
	}
	for _, key := range v.registry.Keys(registry.Workflows) {
		if r, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, key, at); ok {
			in.Workflows[key] = r.Team
		}
	}
	out := metric.FoldCoverage(in)
	n.pillar.coverage = in
	n.pillar.ownership = v.owners(n, currency, end)
	out[metric.Ownership] = metric.FoldOwnership(n.pillar.ownership)
	n.pillar.maturity = metric.MaturityInput{
		Coverage: map[string]metric.Measure{}, Ownership: out[metric.Ownership].Measure, Hours: n.folds[metric.HoursSavedNet].Measure,
		Linked: metric.LinkedShare(n.pillar.spend, n.pillar.outcomes, v.fx(currency)),
	}
	for _, key := range coverageKeys() {
		n.pillar.maturity.Coverage[key] = out[key].Measure
	}
	out[metric.Maturity] = metric.FoldMaturity(n.pillar.maturity)
	return out
}

// outcomes are the workflows and teams with an outcome of evidence grade 2 or better: a time trial with a result, or an
// experiment that treated somebody in the period.
func (v *view) outcomes(ctx context.Context, w metric.Window, currency string) (metric.Outcomes, error) {
	var tasks []metric.TrialRow
	var exposures []metric.ExposureRow
	var experiments []metric.Experiment
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.TrialQuery{Window: w}, &tasks)
	fetch(ctx, group, v, metric.ExposuresQuery{Window: w}, &exposures)
	group.Go(func() (err error) { experiments, err = v.allExperiments(ctx, w, currency); return err })
	if err := group.Wait(); err != nil {
		return metric.Outcomes{}, err
	}
	out := metric.PricedByTrial(tasks)
	for _, x := range experiments {
		if grade, ok := x.Grade(); !ok || grade < 2 {
			continue
		}
		for _, e := range exposures {
			if e.Experiment == x.Experiment {
				out.Add(e.Workflow, e.Team)
			}
		}
	}
	return out, nil
}

// owners are the workflows of the scope with what the registry says of their owners, and what was done and spent on them.
func (v *view) owners(n *numbers, currency string, end event.Day) metric.OwnershipInput {
	scope := n.window.Scope
	in := metric.OwnershipInput{Minutes: map[string]decimal.Decimal{}, Currency: currency}
	seen := map[string]bool{}
	for _, r := range n.input.Rows {
		seen[r.Workflow] = true
		if n.live() && !r.Day.Before(n.closed.To.Time) {
			continue
		}
		in.Minutes[r.Workflow] = in.Minutes[r.Workflow].Add(r.Minutes)
	}
	in.Spend = v.spendByWorkflow(n.pillar.spend, in.Currency)
	for _, r := range metric.AISpend(n.pillar.spend) {
		seen[r.Workflow] = true
	}
	delete(seen, "")
	for _, key := range v.registry.Keys(registry.Workflows) {
		if o, ok := v.owned(key, end); ok && (seen[key] || scope.Holds(o.Team, key)) {
			in.Workflows = append(in.Workflows, o)
			delete(seen, key)
		}
	}
	for key := range seen {
		in.Workflows = append(in.Workflows, metric.OwnedWorkflow{Workflow: key})
	}
	in.Workflows = metric.SortWorkflows(in.Workflows)
	in.Hidden = n.hidden || !n.separable(in.Workflows)
	return in
}

// spendByWorkflow is what AI cost, by workflow; charges without an exchange rate are left out.
func (v *view) spendByWorkflow(spend []metric.SpendRow, currency string) map[string]decimal.Decimal {
	out, fx := map[string]decimal.Decimal{}, v.fx(currency)
	for _, r := range metric.AISpend(spend) {
		if rate, ok := fx(r.Currency, event.Day{Time: r.Day}); ok {
			out[r.Workflow] = out[r.Workflow].Add(r.Billed.Mul(rate.Rate))
		}
	}
	return out
}

// owned is what the registry says about the owner of a workflow at the end of a period.
func (v *view) owned(key string, end event.Day) (metric.OwnedWorkflow, bool) {
	r, version, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, key, v.endOf(addDays(end, -1)))
	if !ok {
		return metric.OwnedWorkflow{}, false
	}
	o := metric.OwnedWorkflow{
		Workflow: key, Team: r.Team, Registered: true, Named: r.Owner != "", Role: r.RoleResponsible, Version: versionText(version.Record),
	}
	if r.OwnerConfirmedAt != nil {
		o.ConfirmedAt = r.OwnerConfirmedAt.String()
		o.Confirmed = r.OwnerConfirmedAt.Before(end.Time) && !r.OwnerConfirmedAt.Before(addDays(end, -metric.OwnershipDays).Time)
	}
	return o, true
}

// separable tells whether the work on owned workflows may be told apart from the rest.
func (n *numbers) separable(workflows []metric.OwnedWorkflow) bool {
	owned := map[string]bool{}
	for _, w := range workflows {
		owned[w.Workflow] = w.Owned()
	}
	return n.workers.separates(byWorkflow(), func(key string) bool { return owned[key] })
}

// reviews are the measures of governance. Reviews without persons are exempt from the privacy floor.
func (v *view) reviews(ctx context.Context, n *numbers, _ string) (map[string]metric.Fold, error) {
	w, all, err := named(ctx, v, n, func(w metric.Window) metric.Query { return metric.ReviewsQuery{Window: w} }, func(r *metric.ReviewRow) metric.PeopleRow {
		return metric.PeopleRow{Team: r.Team, Workflow: r.Workflow, People: r.People}
	})
	if err != nil {
		return nil, err
	}
	n.pillar.reviewed = w
	own := slices.DeleteFunc(slices.Clone(all), func(r metric.ReviewRow) bool {
		if w.Scope.Kind == metric.ScopeMe {
			return !slices.Contains(r.People, w.Scope.Key)
		}
		return !w.Scope.Holds(r.Team, r.Workflow)
	})
	n.pillar.reviews = own
	crowdOf := func(rows []metric.ReviewRow, counts func(*metric.ReviewRow) *time.Time) *crowd {
		return newCrowd(metric.ReviewPeople(rows, counts), w.Scope, v.viewer.Person)
	}
	n.pillar.firstPass = crowdOf(metric.FirstPassIn(all, w.From, w.To), func(r *metric.ReviewRow) *time.Time { return r.FirstDay })
	decided := crowdOf(metric.DecidedIn(all, w.From, w.To), func(r *metric.ReviewRow) *time.Time { return r.DecidedDay })
	cycle := metric.FoldReviewCycle(own, w.From, w.To, v.reviewTarget)
	first := metric.FoldFirstPass(own, w.From, w.To)
	// The open ones are others' than the decided ones.
	if !crowdOf(metric.OpenReviews(all), nil).allowed() {
		cycle = metric.HideOpen(cycle)
	}
	return map[string]metric.Fold{
		metric.ReviewCycleHours: n.of(w, decided.withhold(cycle)),
		metric.FirstPassYield:   n.of(w, n.pillar.firstPass.withhold(first)),
	}, nil
}

// named reads the rows of a period where they name nobody but the viewer in the scope, else those of its months that are over.
func named[Row any](ctx context.Context, v *view, n *numbers, query func(metric.Window) metric.Query, who func(*Row) metric.PeopleRow) (metric.Window, []Row, error) {
	rows, err := read[Row](ctx, v, query(n.window))
	if err != nil || n.closed == n.window {
		return n.window, rows, err
	}
	others := slices.ContainsFunc(rows, func(r Row) bool { return !v.alone(inScope([]metric.PeopleRow{who(&r)}, n.window.Scope)) })
	if !others {
		return n.window, rows, nil
	}
	rows, err = read[Row](ctx, v, query(n.closed))
	return n.closed, rows, err
}

// reviewTarget is the target of the review policy of a workflow that holds on a day.
func (v *view) reviewTarget(workflow string, day event.Day) (hours decimal.Decimal, version string, ok bool) {
	r, at, found := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, v.endOf(day))
	if !found || r.ReviewPolicy == nil || r.ReviewPolicy.TargetHours == nil {
		return decimal.Zero, "", false
	}
	return r.ReviewPolicy.TargetHours.Decimal(), versionText(at.Record), true
}

// enablement is the share of the people who were trained.
func (v *view) enablement(ctx context.Context, n *numbers, _ string) (map[string]metric.Fold, error) {
	w := n.closed
	ending := w
	ending.To = v.ended(w.To)
	in := metric.EnablementInput{Registered: map[string]string{}, From: w.From}
	var err error
	if in.Work, err = v.workersOf(ctx, n, w); err != nil {
		return nil, err
	}
	if in.Learners, err = read[metric.LearnerRow](ctx, v, metric.LearnersQuery{Window: ending}); err != nil {
		return nil, err
	}
	at := v.endOf(addDays(ending.To, -1))
	for _, key := range v.registry.Keys(registry.People) {
		if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, key, at); ok {
			in.Registered[key] = p.Team
		}
	}
	all := metric.Members(in)
	n.pillar.members = metric.MembersIn(all, w.Scope)
	people := metric.MemberPeople(all)
	n.pillar.learners = newCrowd(people, w.Scope, v.viewer.Person)
	fold := metric.FoldTrained(n.pillar.members, w.Scope)
	return map[string]metric.Fold{metric.TrainedShare: n.of(w, n.pillar.learners.withhold(fold))}, nil
}

// calibration is what was expected of AI against what was measured.
func (v *view) calibration(ctx context.Context, n *numbers, _ string) (map[string]metric.Fold, error) {
	w := n.closed
	if n.exempt {
		w = n.window
	}
	months := wholeMonths(w)
	in := metric.CalibrationInput{Hours: metric.HoursInput{Declared: v.declared}}
	var people []metric.PeopleRow
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.HoursQuery{Window: w}, &in.Given)
	group.Go(func() (err error) { people, err = v.workersOf(ctx, n, w); return err })
	fetch(ctx, group, v, metric.TrialQuery{Window: w}, &in.Hours.Tasks)
	fetch(ctx, group, v, metric.UnassistedQuery{Window: months}, &in.Hours.Unassisted)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	few := v.trialsOf(&in, w)
	in.Hours = in.Hours.Prepare()
	if w.Scope.Kind != metric.ScopeMe {
		who := newCrowd(in.MeasuredReports(people), w.Scope, v.viewer.Person)
		if !who.allowed() {
			in.Given, few = nil, true
		}
		in.Alone = func(workflow string) bool { return who.shows(byWorkflow(), workflow) }
	}
	n.pillar.expected = in
	fold := n.of(w, metric.FoldCalibration(in))
	if fold.Measure.Status == metric.NoData && few {
		fold = metric.Fold{Measure: fold.Measure.Withhold(floorReason, floorMessage)}
	}
	return map[string]metric.Fold{metric.CalibrationGap: fold}, nil
}

// trialsOf takes the trials that have tasks of the scope before the end of the window, as they price its work, and that
// are not of few people; few tells whether there are such. A trial is measured once, to as-of, and every scope that took
// part in it shows the same.
func (v *view) trialsOf(in *metric.CalibrationInput, w metric.Window) (few bool) {
	wanted, people := map[string]bool{}, map[string]map[string]bool{}
	for _, r := range in.Hours.Tasks {
		if people[r.Trial] == nil {
			people[r.Trial] = map[string]bool{}
		}
		if r.Person != "" && r.Person != v.viewer.Person {
			people[r.Trial][r.Person] = true
		}
		mine := w.Scope.Holds(r.Team, r.Workflow) && (w.Scope.Kind != metric.ScopeMe || r.Person == w.Scope.Key)
		wanted[r.Trial] = wanted[r.Trial] || (mine && r.Day.Before(w.To.Time))
	}
	for _, t := range metric.FoldTrials(in.Hours.Tasks) {
		switch n := len(people[t.Trial]); {
		case !wanted[t.Trial]:
		case n > 0 && n < metric.FloorPeople:
			few = true
		default:
			in.Trials = append(in.Trials, t)
		}
	}
	return few
}
