package scorecard

import (
	"context"
	"slices"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/metric"
)

// barriers is the time lost to what is in the way.
func (v *view) barriers(ctx context.Context, n *numbers, _ string) (map[string]metric.Fold, error) {
	w, rows, err := named(ctx, v, n, func(w metric.Window) metric.Query { return metric.BarriersQuery{Window: w} }, func(r *metric.BarrierRow) metric.PeopleRow {
		return metric.PeopleRow{Team: r.Team, Workflow: r.Workflow, People: onePerson(r.Person)}
	})
	if err != nil {
		return nil, err
	}
	n.pillar.blocked = w
	all := metric.LostIn(rows, w.From, w.To)
	mine := func(team, workflow, person string) bool {
		if w.Scope.Kind == metric.ScopeMe {
			return person == w.Scope.Key
		}
		return w.Scope.Holds(team, workflow)
	}
	n.pillar.lost = slices.DeleteFunc(slices.Clone(all), func(l metric.LostTime) bool { return !mine(l.Team, l.Workflow, l.Person) })
	n.pillar.reported = slices.DeleteFunc(slices.Clone(rows), func(r metric.BarrierRow) bool { return !mine(r.Team, r.Workflow, r.Person) })
	silent := uint64(0)
	for _, r := range metric.Silent(rows, w.From, w.To) {
		if mine(r.Team, r.Workflow, r.Person) {
			silent++
		}
	}
	n.pillar.losers, n.pillar.reporters = v.losers(rows, all, w), v.reporters(rows, w)
	fold := n.of(w, n.pillar.losers.withhold(metric.FoldBarriers(n.pillar.lost, silent)))
	if n.pillar.untold = w.Scope.Kind == metric.ScopeWorkflow && v.namesOthers(n.pillar.reported, w); n.pillar.untold {
		fold = metric.Fold{Measure: fold.Measure.Withhold(floorReason, "the hours that others lose are shown by team and by barrier, and not by workflow")}
	}
	return map[string]metric.Fold{metric.BarrierHours: fold}, nil
}

// namesOthers tells whether reports of a window name somebody besides the viewer.
func (v *view) namesOthers(rows []metric.BarrierRow, w metric.Window) bool {
	return slices.ContainsFunc(rows, func(r metric.BarrierRow) bool {
		return r.Person != "" && r.Person != v.viewer.Person && !r.Day.Before(w.From.Time) && r.Day.Before(w.To.Time)
	})
}

// lostBy are the rows of a dimension in which the hours lost may be shown: all workflows together.
func (p *pillarNumbers) lostBy(by dimension) []access.Cell {
	if by.scope == metric.ScopeTeam {
		return p.losers.rows(by)
	}
	all := access.Cell{Key: access.OtherKey}
	for _, l := range p.lost {
		if !slices.Contains(all.Parts, l.Workflow) {
			all.Parts = append(all.Parts, l.Workflow)
		}
		if l.Person != "" && !slices.Contains(all.People, l.Person) {
			all.People = append(all.People, l.Person)
		}
	}
	if len(all.Parts) == 0 {
		return nil
	}
	return []access.Cell{all}
}

// losers stand behind the time lost, by team and barrier. Workflows would be a third table of the same hours, and what
// follows from three is not told from two: who asks by workflow is shown nothing of others.
func (v *view) losers(rows []metric.BarrierRow, lost []metric.LostTime, w metric.Window) *crowd {
	var who []metric.PeopleRow
	for _, l := range lost {
		who = append(who, byBarrier(l.Day, l.Team, l.Barrier, l.Person))
	}
	for _, r := range metric.Restated(rows, w.From, w.To) {
		who = append(who, byBarrier(time.Time{}, r.Team, r.Barrier, r.Person))
	}
	return newCrowd(who, w.Scope, v.viewer.Person)
}

// reporters are those who reported or supported a barrier, whether they lost time to it or not.
func (v *view) reporters(rows []metric.BarrierRow, w metric.Window) *crowd {
	var who []metric.PeopleRow
	for _, r := range rows {
		if !r.Deed() && !r.Day.Before(w.From.Time) && r.Day.Before(w.To.Time) {
			who = append(who, byBarrier(r.Day, r.Team, r.Barrier, r.Person))
		}
	}
	return newCrowd(who, w.Scope, v.viewer.Person)
}

// byBarrier is a row of people in which the barrier stands for the workflow.
func byBarrier(day time.Time, team, barrier, person string) metric.PeopleRow {
	r := metric.PeopleRow{Team: team, Workflow: barrierMark + barrier}
	if !day.IsZero() {
		r.Month = metric.MonthOf(day)
	}
	r.People = onePerson(person)
	return r
}

// onePerson is a person as a list, empty where an event names nobody.
func onePerson(person string) []string {
	if person == "" {
		return nil
	}
	return []string{person}
}

// barrierMark stands before the key of a barrier, so that none is taken for a workflow.
const barrierMark = "barrier\x00"
