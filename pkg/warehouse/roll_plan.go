package warehouse

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// A day of many events is rolled in segments (see [segment]), so that what a roll costs is what is new, and not what the day has.
// The last segment takes what comes. When it has become large, a cut a little before the rows that are new seals what
// is older; sealed segments of like size are made one, so that a day has about as many as its size has binary digits. Whatever
// arrives late for a sealed segment has it made anew, together with all that follow it.
//
// Every segment is made of the raw rows as a whole, as every day of few events is. To be made twice, too late or by two rollers
// changes nothing therefore, and no segment knows what was counted before.

// defaultSegmentRows is how many events a segment takes.
const defaultSegmentRows = 20_000

// cutBefore is how long before the rows that are new a segment is cut: the rows of other partitions may be as much older.
const cutBefore = time.Second

// roll is a roll under way.
type roll struct {
	db         *DB
	req        RollRequest
	zone       *time.Location
	generation uint64
	basis      string

	// whole are the days to make whole, parts those of which a part is to be made. deals are those whose deals are all to be made,
	// and changed those of which only some have changed.
	whole, deals, changed []event.Day
	parts                 []Touch
	// since is when the first change of these was received.
	since time.Time
	// base are the pointers that are built on, each the latest of its day.
	base map[event.Day]pointer

	// found is held by whoever writes down what was found, from here on.
	found    sync.Mutex
	pointers []pointer
	filling  []filling
}

// filling is one statement of a roll.
type filling struct {
	rollup
	aspect
	args map[string]any
}

// plan decides what of each day is made anew.
func (r *roll) plan(ctx context.Context) error {
	days := column(r.req.Days, func(t *Touch) event.Day { return t.Day })
	known, err := r.db.pointersOf(ctx, r.req.Workspace, days)
	if err != nil {
		return err
	}
	r.base = map[event.Day]pointer{}
	wholeUpTo := r.wholeUpTo(known)
	for _, t := range r.req.Days {
		before, ok := known[t.Day]
		next := pointer{day: t.Day, generation: r.generation + openRows, deals: before.deals, basis: r.basis}
		whole := []segment{{generation: r.generation + openRows, begin: time.UnixMilli(0), size: before.size() + uint64(t.Rows)}}
		switch {
		case t.Whole() || !ok || before.basis != r.basis:
			next.segments = whole
			r.whole, r.deals = append(r.whole, t.Day), append(r.deals, t.Day)
			r.pointers = append(r.pointers, next)
			continue
		case t.Since.IsZero():
			next.segments = before.segments
		case before.size()+uint64(t.Rows) < wholeUpTo:
			next.segments = whole
			r.whole = append(r.whole, t.Day)
		default:
			r.parts = append(r.parts, t)
		}
		r.base[t.Day] = before
		r.planDeals(t)
		r.pointers = append(r.pointers, next)
	}
	return nil
}

// wholeUpTo is from how many events on a part of a day is worth statements of its own. Where there are many such days, as in a
// backfill, it is ten times as many as else: whole days share their statements.
func (r *roll) wholeUpTo(known map[event.Day]pointer) uint64 {
	rows, large := uint64(r.db.cfg.SegmentRows), 0
	for _, t := range r.req.Days {
		if before, ok := known[t.Day]; ok && !t.Whole() && before.size()+uint64(t.Rows) >= rows {
			large++
		}
	}
	if large > fewParts {
		rows *= 10
	}
	return rows
}

// fewParts is how many days are rolled in part by one roll, whatever their size.
const fewParts = 2

// planDeals decides what of the deals of a day is made anew that is built on its pointer.
func (r *roll) planDeals(t Touch) {
	switch {
	case t.Deals.IsZero():
	case r.base[t.Day].deals == 0 || !t.Deals.After(anyDeal()):
		r.deals = append(r.deals, t.Day)
	default:
		r.changed, r.since = append(r.changed, t.Day), first(r.since, t.Deals)
	}
}

// find looks what there is to make of what was planned.
func (r *roll) find(ctx context.Context) error {
	// They ask at the same time, and write down what they find one after the other.
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRolls)
	group.Go(func() error { return r.findDeals(ctx) })
	group.Go(func() error { return r.findChanged(ctx) })
	whole := r.whole
	for _, t := range r.parts {
		beside := whole
		whole = nil // the first part takes them along
		group.Go(func() error { return r.findPart(ctx, t, beside) })
	}
	group.Go(func() error { return r.findWhole(ctx, whole) })
	return group.Wait()
}

// args are the parameters of statements about days.
func (r *roll) args(days []event.Day) map[string]any {
	args := map[string]any{
		"workspace": r.req.Workspace, "zone": r.req.Zone, "generation": r.generation + openRows,
		"days": days, "raw_days": r.utcDays(days), "since": noDay(), "first": event.Day{Time: noDay()},
	}
	if seam := r.req.Seam; !seam.First.IsZero() {
		args["since"], args["first"] = seam.Since, seam.First
	}
	return args
}

// utcDays are the UTC days that days reach into.
func (r *roll) utcDays(days []event.Day) []event.Day { return utcDays(r.zone, r.req.Seam, days) }

// findWhole looks what the days have that are made whole, with their deals where those are all that are.
func (r *roll) findWhole(ctx context.Context, days []event.Day) error {
	if len(days) == 0 {
		return nil
	}
	args := r.args(days)
	all := rollups()
	found, err := r.db.find(ctx, all, args, aspect{})
	if err != nil {
		return err
	}
	r.found.Lock()
	defer r.found.Unlock()
	holds := uint32(0)
	for i, f := range found {
		switch table := all[i].table; {
		case table == dealsTable:
			if r.dealsOfWhole() {
				r.makeDeals(f)
			}
		case !f.none:
			holds |= holdsBit(table)
			r.filling = append(r.filling, filling{all[i], aspect{amendments: f.amendments}, args})
		}
	}
	r.setHolds(days, holds)
	return nil
}

// setHolds sets what days have that are made whole.
func (r *roll) setHolds(days []event.Day, holds uint32) {
	for i := range r.pointers {
		if p := &r.pointers[i]; slices.Contains(days, p.day) {
			p.segments[0].holds = holds
		}
	}
}

// dealsOfWhole tells whether nothing but whole days is made, with all of their deals: they are found with the rest then.
func (r *roll) dealsOfWhole() bool { return len(r.parts) == 0 && slices.Equal(r.deals, r.whole) }

// findDeals looks for deals of the days.
func (r *roll) findDeals(ctx context.Context) error {
	if len(r.deals) == 0 || r.dealsOfWhole() {
		return nil
	}
	found, err := r.db.find(ctx, []rollup{dealsRollup()}, r.args(r.deals), aspect{})
	if err != nil {
		return err
	}
	r.found.Lock()
	defer r.found.Unlock()
	r.makeDeals(found[0])
	return nil
}

// makeDeals makes the deals of the days, under a generation of their own: they are of all of their changes, whichever segment
// these stand in.
func (r *roll) makeDeals(f finding) {
	generation := uint64(0)
	if !f.none {
		generation = r.generation + dealRows
		own := r.args(r.deals)
		own["generation"] = generation
		r.filling = append(r.filling, filling{dealsRollup(), aspect{amendments: f.amendments}, own})
	}
	r.setDeals(r.deals, generation)
}

// findChanged makes the deals anew that have changed, and takes the others of the days over as they are.
func (r *roll) findChanged(ctx context.Context) error {
	if len(r.changed) == 0 {
		return nil
	}
	args := r.args(r.changed)
	found, err := r.db.find(ctx, []rollup{dealsRollup()}, args, aspect{})
	if err != nil {
		return err
	}
	r.found.Lock()
	defer r.found.Unlock()
	before := make([]uint64, len(r.changed))
	for i, d := range r.changed {
		before[i] = r.base[d].deals
	}
	args["generation"], args["changed"], args["before"] = r.generation+dealRows, r.since, before
	r.filling = append(r.filling, filling{changedDealsRollup(), aspect{amendments: found[0].amendments}, args})
	r.setDeals(r.changed, r.generation+dealRows)
	return nil
}

// setDeals sets the generation of the deals of days.
func (r *roll) setDeals(days []event.Day, generation uint64) {
	for i := range r.pointers {
		if p := &r.pointers[i]; slices.Contains(days, p.day) {
			p.deals = generation
		}
	}
}

// findPart looks what is to be made of a day from the segment on in which rows are new, and of some whole days beside it: in one
// statement for each rollup, which the engine takes as long to plan as to run.
func (r *roll) findPart(ctx context.Context, t Touch, beside []event.Day) error {
	before := r.base[t.Day].segments
	first := len(before) - 1
	for first > 0 && before[first].begin.After(t.Since) {
		first--
	}
	cut := t.Since.Add(-cutBefore)
	args := r.args(append(slices.Clone(beside), t.Day))
	args["from"], args["cut"], args["sealed"] = before[first].begin, cut, r.generation+sealedRows
	args["part_day"], args["part_raw_days"] = t.Day, r.utcDays([]event.Day{t.Day})
	args["whole_days"], args["whole_raw_days"] = beside, r.utcDays(beside)
	together := aspect{beside: len(beside) > 0}
	additive := slices.DeleteFunc(rollups(), func(r rollup) bool { return r.table == dealsTable })
	found, err := r.db.find(ctx, additive, args, together.with(first > 0, true))
	if err != nil {
		return err
	}
	r.found.Lock()
	defer r.found.Unlock()
	size, late := weight(additive, found)
	open := segment{generation: r.generation + openRows, begin: before[first].begin, size: size}
	if size < uint64(r.db.cfg.SegmentRows) || size == late || !cut.After(open.begin) {
		open.holds = r.makePart(additive, found, together.with(first > 0, false), 0, args)
		r.setHolds(beside, open.holds)
		r.segments(t.Day, append(slices.Clone(before[:first]), open))
		return nil
	}
	sealed := segment{generation: r.generation + sealedRows, begin: open.begin, size: size - late}
	open.begin, open.size = cut, late
	for first > 0 && before[first-1].size < 2*sealed.size {
		first--
		sealed.begin, sealed.size, sealed.holds = before[first].begin, sealed.size+before[first].size, sealed.holds|before[first].holds
	}
	args["from"] = sealed.begin
	open.holds = r.makePart(additive, found, together.with(first > 0, true), sealed.holds, args)
	sealed.holds = open.holds
	r.setHolds(beside, open.holds)
	r.segments(t.Day, append(slices.Clone(before[:first]), sealed, open))
	return nil
}

// with is the aspect of which a part is made.
func (a aspect) with(since, cut bool) aspect {
	a.since, a.cut = since, cut
	return a
}

// weight is how many events were found, and how many of them after the cut: each kind once.
func weight(all []rollup, found []finding) (size, late uint64) {
	seen := map[event.Kind]bool{}
	for i, f := range found {
		if kind := all[i].concern.kind; !seen[kind] && all[i].concern.everyEvent {
			seen[kind] = true
			size, late = size+f.size, late+f.late
		}
	}
	return size, late
}

// makePart makes what was found, and what the segments held that are made anew; holds says which rollups that is.
func (r *roll) makePart(all []rollup, found []finding, a aspect, held uint32, args map[string]any) (holds uint32) {
	for i, f := range found {
		bit := holdsBit(all[i].table)
		if f.none && held&bit == 0 {
			continue
		}
		holds |= bit
		a.amendments = f.amendments
		r.filling = append(r.filling, filling{all[i], a, args})
	}
	return holds
}

// segments sets the segments of a day.
func (r *roll) segments(day event.Day, segments []segment) {
	for i := range r.pointers {
		if r.pointers[i].day.Equal(day.Time) {
			r.pointers[i].segments = segments
		}
	}
}
