package scorecard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// ownMonth is one's own work of a month with what prices it: read and folded as the scorecard reads and folds it.
type ownMonth struct {
	hoursRead
	currency string
	// as stands for the viewer in rows of people who have a rate class of their own.
	as string
}

// ownTotal is what one's own numbers are in a month; nil where they have no value.
type ownTotal struct {
	Month string        `json:"month"`
	Hours *metric.Exact `json:"hours"`
	Value *metric.Exact `json:"value"`
}

// ownMonth reads the month of a day.
func (v *view) ownMonth(ctx context.Context, day event.Day, currency string) (*ownMonth, error) {
	from := event.Day{Time: access.CellOf(day.Time)}
	n := &numbers{window: v.window(from, event.Day{Time: access.NextCell(from.Time)}, metric.Scope{Kind: metric.ScopeMe})}
	if err := v.cover(ctx, n); err != nil {
		return nil, err
	}
	r, err := v.readHours(ctx, n, currency)
	if err != nil {
		return nil, err
	}
	m := &ownMonth{hoursRead: r, currency: currency}
	rated := v.rated()
	for i, person := range rated.Persons {
		if person == v.viewer.Person {
			m.as = rated.As[i]
		}
	}
	return m, nil
}

// folds are the two numbers.
func (m *ownMonth) folds() (hours, value metric.Fold) {
	return metric.FoldHours(m.in), metric.FoldCapacity(m.capacity, m.currency)
}

// total is what the numbers are.
func (m *ownMonth) total() ownTotal {
	hours, value := m.folds()
	out := ownTotal{Hours: hours.Measure.Value, Value: value.Measure.Value}
	if len(m.in.Rows) > 0 {
		out.Month = metric.MonthOf(m.in.Rows[0].Day).Format("2006-01")
	}
	return out
}

// with is the month as it would be with some work more, and some less.
//
// What the month saves on a workflow decides the factor of its value, and others work on it, too: whether a loss as large as one
// likes would turn it says what they saved. So the factor stays what it is, but where all the work is the viewer's own.
func (m *ownMonth) with(more, less *metric.HoursEvent) *ownMonth {
	out := *m
	for _, change := range []struct {
		work  *metric.HoursEvent
		apply func([]metric.HoursRow, metric.HoursRow) []metric.HoursRow
	}{{less, metric.MinusWork}, {more, metric.PlusWork}} {
		if change.work == nil {
			continue
		}
		row := metric.WorkOf(*change.work, "")
		alone := m.alone(row)
		out.in = out.in.With(change.apply(out.in.Rows, row))
		out.capacity.Hours = m.in.With(change.apply(out.capacity.Hours.Rows, metric.WorkOf(*change.work, m.as)))
		if alone {
			out.capacity = out.capacity.With(change.apply(out.capacity.Months, row))
		}
	}
	return &out
}

// alone tells whether all the work of a workflow and month is the viewer's own.
func (m *ownMonth) alone(row metric.HoursRow) bool {
	count := func(rows []metric.HoursRow) (n uint64) {
		for i := range rows {
			if rows[i].SameMonth(row) {
				n += rows[i].N
			}
		}
		return n
	}
	return count(m.in.Rows) == count(m.capacity.Months)
}

// holds tells whether the numbers of a day are those of its rows as they stand: it was rolled since the last of them came.
func holds(counted []metric.HoursRow, rows []standingRow) bool {
	type sums struct {
		n              uint64
		units, minutes string
	}
	of := func(list []metric.HoursRow) map[string]sums {
		out := map[string]sums{}
		for _, r := range list {
			out[strings.Join([]string{r.Team, r.Workflow, r.Trial}, "\x00")] = sums{r.N, metric.ExactOf(r.Units).Text(), metric.ExactOf(r.Minutes).Text()}
		}
		return out
	}
	var raw []metric.HoursRow
	for i := range rows {
		if rows[i].Assisted && !rows[i].Withdrawn {
			raw = metric.PlusWork(raw, metric.WorkOf(rows[i].work(), ""))
		}
	}
	return maps.Equal(of(raw), of(counted))
}

// previewRequest is the body of POST /outcomes/preview.
type previewRequest struct {
	outcomeRequest
	// Replaces is the outcome that would be changed into this one.
	Replaces string `json:"replaces"`
}

// outcomePreview says what an outcome would change.
type outcomePreview struct {
	Day      string `json:"day"`
	Workflow string `json:"workflow"`
	// Team is whose work it would be.
	Team     *string `json:"team"`
	TeamName *string `json:"team_name"`
	Currency string  `json:"currency"`
	// Hours and Value are by how much one's own net hours saved, and their value, will change, exactly; nil where that is not known, which
	// Reason says: no_baseline, no_rate or no_fx. With a value it is slower or even where nothing is gained.
	Hours  *metric.Exact `json:"hours"`
	Value  *metric.Exact `json:"value"`
	Reason *string       `json:"reason"`
	// Baseline is what prices it, with where it comes from.
	Baseline *previewBaseline `json:"baseline"`
	Before   ownTotal         `json:"before"`
	After    ownTotal         `json:"after"`
	// Text says it in a sentence, and Note when others see it.
	Text string  `json:"text"`
	Note *string `json:"note"`
}

// previewBaseline is a baseline with its source. Minutes are nil where a time trial prices the minutes themselves, and where fewer than
// five people stand behind a measured one.
type previewBaseline struct {
	Minutes *string `json:"minutes"`
	Source  string  `json:"source"`
	Detail  string  `json:"detail"`
	Version *string `json:"version"`
	Grade   *int    `json:"grade"`
}

// postPreview says what an outcome would change, and stores nothing.
func (a *app) postPreview(c *gin.Context, v *view) error {
	if err := a.outcomes.asked.take(v.viewer.Person); err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var r previewRequest
	if err := decodeStrict(raw, &r); err != nil {
		return unreadableOutcome(err)
	}
	if r.ID == "" {
		r.ID = uuid.Nil.String() // the draft has none yet
	}
	before, err := v.replaced(c, &r)
	if err != nil {
		return err
	}
	e, problems := a.outcomeEvent(v, r.outcomeRequest)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	if problems, err = a.closedDay(c, e.Time); err != nil || len(problems) > 0 {
		if err == nil {
			err = &badRequest{problems}
		}
		return err
	}
	answer, err := v.preview(c, e, before)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// replaced is the outcome that a preview would change; its day stays, and so does its team.
func (v *view) replaced(ctx context.Context, r *previewRequest) (*standingRow, error) {
	if r.Replaces == "" {
		return nil, nil
	}
	row, ok, err := v.ownRowOf(ctx, strings.ToLower(r.Replaces))
	if err != nil {
		return nil, err
	}
	if !ok || row.Withdrawn {
		return nil, noOutcome()
	}
	r.Day = row.Day.Format(time.DateOnly)
	return &row, nil
}

// preview prices the month with and without the event.
func (v *view) preview(ctx context.Context, e event.Event, replaced *standingRow) (*outcomePreview, error) {
	d, ok := e.Data.(*event.HoursSaved)
	if !ok {
		return nil, fmt.Errorf("preview of a %s", e.Kind)
	}
	day := v.dayOf(e.Time)
	work := metric.HoursEvent{Day: day.String(), Team: d.Team, Workflow: d.Workflow, Units: number6(d.Units), Minutes: number6(d.DoingMinutes)}
	var less *metric.HoursEvent
	if replaced != nil {
		work.Team, work.Trial, work.Given = replaced.Team, replaced.Trial, replaced.Given
		less = new(replaced.work())
	}
	own, err := v.ownMonth(ctx, day, v.currency)
	if err != nil {
		return nil, err
	}
	p := &outcomePreview{
		Day: work.Day, Workflow: d.Workflow, Team: optionalText(work.Team), Currency: v.currency,
		Before: own.total(), After: own.with(&work, less).total(),
	}
	p.Before.Month, p.After.Month = work.Day[:7], work.Day[:7]
	if work.Team != "" {
		p.TeamName = new(v.name(registry.Teams, work.Team))
	}
	v.explain(p, own, work)
	p.Text, p.Note = v.previewText(p), v.previewNote(p, day)
	return p, nil
}

// explain fills in the change, the baseline, and the reason where there is no change.
func (v *view) explain(p *outcomePreview, own *ownMonth, work metric.HoursEvent) {
	alone := metric.FoldHours(own.in.With([]metric.HoursRow{metric.WorkOf(work, "")}))
	reason := func(code string) { p.Reason = &code }
	if len(alone.Cells) == 0 {
		reason("no_baseline")
		return
	}
	p.Baseline = &previewBaseline{Source: alone.Cells[0].Source, Detail: "the outcome itself", Grade: new(alone.Cells[0].Grade)}
	if len(alone.Inputs) > 0 {
		in := alone.Inputs[0]
		p.Baseline.Detail, p.Baseline.Version = in.Source, in.Version
		if p.Baseline.Source != metric.FromTrial {
			p.Baseline.Minutes = in.Value
		}
	}
	p.Hours = difference18(p.Before.Hours, p.After.Hours)
	if _, why := own.capacity.Rates(work.Team, own.as, dayOf(work.Day)); why != "" {
		reason(why)
		return
	}
	p.Value = difference18(p.Before.Value, p.After.Value)
	switch p.Hours.Sign() {
	case -1:
		reason("slower")
	case 0:
		reason("even")
	}
}

// difference18 is after less before, where no value adds nothing.
func difference18(before, after *metric.Exact) *metric.Exact {
	d := decimal.Zero
	if after != nil {
		d = after.Decimal
	}
	if before != nil {
		d = d.Sub(before.Decimal)
	}
	return metric.ExactOf(d)
}

// number6 is a number of an event as a decimal.
func number6(n *event.Number) decimal.Decimal {
	if n == nil {
		return decimal.Zero
	}
	return decimal.New(int64(*n), -6)
}
