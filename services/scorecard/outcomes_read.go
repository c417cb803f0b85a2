package scorecard

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// standingQuery reads one person's work as it stands, what was withdrawn too.
type standingQuery struct {
	workspace, person, zone string
	// from and to are local days; identity chooses one event of the UTC day that from is, instead.
	from, to event.Day
	identity *event.Identity
}

// standingRow is one piece of work as it stands.
type standingRow struct {
	Identity   string           `ch:"identity_hex"`
	Day        time.Time        `ch:"local_day"`
	Time       time.Time        `ch:"time"`
	Source     string           `ch:"source"`
	ID         string           `ch:"id"`
	Person     string           `ch:"person"`
	Team       string           `ch:"team"`
	Workflow   string           `ch:"workflow"`
	Tool       string           `ch:"tool"`
	Evidence   string           `ch:"evidence"`
	URL        string           `ch:"url"`
	Task       string           `ch:"task"`
	Asset      string           `ch:"asset"`
	Trial      string           `ch:"trial"`
	Assisted   bool             `ch:"assisted"`
	Units      decimal.Decimal  `ch:"units"`
	Minutes    decimal.Decimal  `ch:"minutes"`
	Doing      *decimal.Decimal `ch:"doing_minutes"`
	Prompting  *decimal.Decimal `ch:"prompting_minutes"`
	Review     *decimal.Decimal `ch:"review_minutes"`
	Rework     *decimal.Decimal `ch:"rework_minutes"`
	Correction *decimal.Decimal `ch:"correction_minutes"`
	Given      *decimal.Decimal `ch:"baseline_minutes"`
	Without    *decimal.Decimal `ch:"estimate_unassisted_minutes"`
	With       *decimal.Decimal `ch:"estimate_assisted_minutes"`
	Quality    *uint8           `ch:"quality"`
	Withdrawn  bool             `ch:"withdrawn"`
	AmendedBy  string           `ch:"amended_by"`
	AmendedAt  time.Time        `ch:"amended_at"`
}

// SQL is the query and its parameters.
func (q standingQuery) SQL() (string, map[string]any) {
	args := map[string]any{"workspace": q.workspace, "person": q.person, "zone": q.zone}
	// The sort key begins with the workspace and the UTC day: a local day lies in two of them.
	raw, local := "day >= {first:Date32} AND day <= {last:Date32}", "local_day >= {from:Date32} AND local_day < {to:Date32}"
	if q.identity != nil {
		raw, local = "day = {day:Date32} AND identity = unhex({identity:String})", "true"
		args["day"], args["identity"] = q.from, hex.EncodeToString(q.identity[:])
	} else {
		args["from"], args["to"], args["first"], args["last"] = q.from, q.to, addDays(q.from, -1), addDays(q.to, 1)
	}
	return `SELECT lower(hex(identity)) AS identity_hex, toDate32(toTimeZone(time, {zone:String})) AS local_day, time, source, id, person, team, workflow, tool, evidence,
  url, task, asset, trial, assisted, units,
  toDecimal128(ifNull(doing_minutes, 0), 6) + ifNull(prompting_minutes, 0) + ifNull(review_minutes, 0) + ifNull(rework_minutes, 0) + ifNull(correction_minutes, 0) AS minutes,
  doing_minutes, prompting_minutes, review_minutes, rework_minutes, correction_minutes, baseline_minutes,
  estimate_unassisted_minutes, estimate_assisted_minutes, quality, withdrawn, amended_by, amended_at
FROM ` + warehouse.Standing(event.KindHoursSaved, raw) + `
WHERE person = {person:String} AND ` + local + `
ORDER BY local_day, identity_hex`, args
}

// outcome is one's own piece of work, as the API tells of it.
type outcome struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	// Editable says that it was logged here, so that it can be changed here.
	Editable bool    `json:"editable"`
	Version  string  `json:"version"`
	Day      string  `json:"day"`
	Time     string  `json:"time"`
	Team     *string `json:"team"`
	Workflow *string `json:"workflow"`
	// Name is that of the workflow in the registry.
	Name     *string       `json:"workflow_name"`
	Units    *metric.Exact `json:"units"`
	Minutes  *metric.Exact `json:"minutes"`
	Assisted bool          `json:"assisted"`
	Note     *string       `json:"note"`
	URL      *string       `json:"url"`
	Quality  *uint8        `json:"quality"`
	Evidence string        `json:"evidence"`
	// State is counted, no_baseline, unassisted or withdrawn; Hours are its part of the net hours saved, and Baseline what prices it.
	State     string           `json:"state"`
	Corrected bool             `json:"corrected"`
	Hours     *metric.Exact    `json:"hours"`
	Baseline  *outcomeBaseline `json:"baseline"`
	// Review is the state of the reviews of its asset: open, approved, changes_requested or rejected; nil without any.
	Review *string `json:"review"`
	// InNumbers says that one's own numbers hold it as it stands, and Own what they are in its month; only where one outcome is asked for.
	InNumbers *bool     `json:"in_numbers,omitempty"`
	Own       *ownTotal `json:"own,omitempty"`
}

// outcomeBaseline is what a unit takes without AI, and where that comes from.
type outcomeBaseline struct {
	// Minutes are for one unit; nil where a time trial prices the minutes themselves.
	Minutes *metric.Exact `json:"minutes"`
	Source  string        `json:"source"`
}

// The states of an outcome.
const (
	outcomeCounted    = "counted"
	outcomeNoBaseline = "no_baseline"
	outcomeUnassisted = "unassisted"
	outcomeWithdrawn  = "withdrawn"
)

// etag changes with every change of an outcome.
func (o *outcome) etag() string { return `"` + o.Version + `"` }

func (r *standingRow) version() string {
	switch {
	case r.Withdrawn:
		return "withdrawn"
	case r.AmendedBy == "":
		return "original"
	}
	return r.AmendedBy
}

// outcome is a row as the API tells of it, without its part of the numbers.
func (r *standingRow) outcome(v *view) outcome {
	o := outcome{
		ID: r.ID, Source: r.Source, Editable: r.Source == appSource, Version: r.version(), Day: r.Day.Format(time.DateOnly), Time: r.Time.UTC().Format(event.TimeForm),
		Team: optionalText(r.Team), Workflow: optionalText(r.Workflow), Units: metric.ExactOf(r.Units), Minutes: metric.ExactOf(r.Minutes), Assisted: r.Assisted,
		Note: optionalText(r.Task), URL: optionalText(r.URL), Quality: r.Quality, Evidence: r.Evidence, State: outcomeCounted, Corrected: r.AmendedBy != "",
	}
	if r.Workflow != "" {
		o.Name = optionalText(v.name(registry.Workflows, r.Workflow))
	}
	switch {
	case r.Withdrawn:
		o.State = outcomeWithdrawn
	case !r.Assisted:
		o.State = outcomeUnassisted
	}
	return o
}

// work is the row as it is priced.
func (r *standingRow) work() metric.HoursEvent {
	return metric.HoursEvent{
		Day: r.Day.Format(time.DateOnly), Team: r.Team, Workflow: r.Workflow, Trial: r.Trial, Units: r.Units, Minutes: r.Minutes, Given: r.Given,
	}
}

// standing reads one's own work of local days, in the order of days.
func (v *view) standing(ctx context.Context, from, to event.Day) ([]standingRow, error) {
	return read[standingRow](ctx, v, standingQuery{workspace: v.viewer.Workspace, person: v.viewer.Person, zone: v.zone.String(), from: from, to: to})
}

// priced are rows as outcomes, each with its part of the hours: the parts of all that count sum to the number exactly.
func (v *view) priced(in metric.HoursInput, rows []standingRow) []outcome {
	out := make([]outcome, len(rows))
	var events []metric.HoursEvent
	var at []int
	for i := range rows {
		if out[i] = rows[i].outcome(v); out[i].State == outcomeCounted {
			events, at = append(events, rows[i].work()), append(at, i)
		}
	}
	for j, p := range metric.PriceEvents(in, events) {
		o := &out[at[j]]
		if p.Hours == nil {
			o.State = outcomeNoBaseline
			continue
		}
		o.Hours, o.Baseline = metric.ExactOf(*p.Hours), &outcomeBaseline{Source: p.Source}
		if p.Baseline != nil {
			o.Baseline.Minutes = metric.ExactOf(*p.Baseline)
		}
	}
	return out
}

// outcomeList is a page of one's own outcomes, the newest first.
type outcomeList struct {
	Period   period    `json:"period"`
	Outcomes []outcome `json:"outcomes"`
	Total    int       `json:"total"`
	// Team is one's own now, by key and name.
	Team            *string `json:"team"`
	TeamName        *string `json:"team_name"`
	Next            *string `json:"next"`
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
}

// getOutcomes lists one's own outcomes of a period.
func (a *app) getOutcomes(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	p, err := parseParams(query, v.today, "from", "to", "workflow", "limit", "cursor")
	if err != nil {
		return err
	}
	v.by(p)
	n, err := v.compute(c, v.window(p.from, p.to, metric.Scope{Kind: metric.ScopeMe}), v.currency, metric.HoursSavedNet)
	if err != nil {
		return err
	}
	rows, err := v.standing(c, p.from, p.to)
	if err != nil {
		return err
	}
	list := v.priced(n.input, rows)
	if err := v.reviewed(c, rows, list); err != nil {
		return err
	}
	byPlace, places := map[string]outcome{}, []string{}
	for i := range list {
		if w := query.Get("workflow"); w == "" || rows[i].Workflow == w {
			place := newestFirst(&rows[i])
			byPlace[place], places = list[i], append(places, place)
		}
	}
	slices.Sort(places)
	total := len(places)
	places, next, err := page(places, p)
	if err != nil {
		return err
	}
	answer := outcomeList{
		Period: v.period(p.from, p.to), Outcomes: []outcome{}, Total: total, Next: next, AsOf: v.asOf(), CompleteThrough: v.completeThrough(),
	}
	if team := v.teamOf("", v.today); team != "" {
		answer.Team, answer.TeamName = &team, new(v.name(registry.Teams, team))
	}
	for _, place := range places {
		answer.Outcomes = append(answer.Outcomes, byPlace[place])
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// newestFirst is the place of a row in a list that begins with the latest.
func newestFirst(r *standingRow) string {
	const end = int64(1) << 44 // milliseconds, far after every time
	return fmt.Sprintf("%016d %s", end-r.Time.UnixMilli(), r.Identity)
}

// reviewStateQuery reads how the reviews of assets stand: the last word on each, of all reviewers together.
type reviewStateQuery struct {
	workspace string
	assets    []string
}

type reviewStateRow struct {
	Asset string `ch:"asset"`
	Open  uint64 `ch:"open"`
	No    uint64 `ch:"rejected"`
	Again uint64 `ch:"again"`
}

// SQL is the query and its parameters.
func (q reviewStateQuery) SQL() (string, map[string]any) {
	return `SELECT asset, countIf(decision = '') AS open, countIf(decision = 'rejected') AS rejected, countIf(decision = 'changes_requested') AS again
FROM (SELECT asset, reviewer, argMax(toString(decision), (round, time)) AS decision
  FROM ` + warehouse.Effective(event.KindReview) + `
  WHERE asset IN {assets:Array(String)}
  GROUP BY asset, reviewer)
GROUP BY asset`, map[string]any{"workspace": q.workspace, "assets": q.assets}
}

// reviewed adds the state of the reviews of the assets that one's own work is on.
func (v *view) reviewed(ctx context.Context, rows []standingRow, list []outcome) error {
	var assets []string
	for i := range rows {
		if rows[i].Asset != "" {
			assets = append(assets, rows[i].Asset)
		}
	}
	if slices.Sort(assets); len(assets) == 0 {
		return nil
	}
	states, err := read[reviewStateRow](ctx, v, reviewStateQuery{v.viewer.Workspace, slices.Compact(assets)})
	if err != nil {
		return err
	}
	for _, s := range states {
		state := "approved"
		switch {
		case s.No > 0:
			state = "rejected"
		case s.Again > 0:
			state = "changes_requested"
		case s.Open > 0:
			state = "open"
		}
		for i := range rows {
			if rows[i].Asset == s.Asset {
				list[i].Review = &state
			}
		}
	}
	return nil
}

// ownEvent is one's own event of a kind by the id that the app gave it, as a query reads it; ok is false where there is none, or where it is
// somebody else's.
func ownEvent[Row any](ctx context.Context, v *view, kind event.Kind, id string, query func(day event.Day, identity *event.Identity) metric.Query) (row Row, ok bool, err error) {
	identity := event.IdentityOf(v.viewer.Workspace, appSource, id)
	known, err := v.db.LookupIdentities(ctx, warehouse.AnyPartition, []event.Identity{identity})
	if err != nil {
		return row, false, err
	}
	k, ok := known[identity]
	if !ok || k.Kind != kind {
		return row, false, nil
	}
	sql, args := query(event.DayOf(k.Time), &identity).SQL()
	var rows []Row
	if err := v.db.Query(ctx, sql, args, &rows); err != nil {
		return row, false, fmt.Errorf("read own %s: %w", kind, err)
	}
	if len(rows) == 0 {
		return row, false, nil
	}
	return rows[0], true, nil
}

// ownRowOf is one's own outcome by its id.
func (v *view) ownRowOf(ctx context.Context, id string) (standingRow, bool, error) {
	return ownEvent[standingRow](ctx, v, event.KindHoursSaved, id, func(day event.Day, identity *event.Identity) metric.Query {
		return standingQuery{workspace: v.viewer.Workspace, person: v.viewer.Person, zone: v.zone.String(), from: day, identity: identity}
	})
}

// outcomeOf is one's own outcome, and whether the numbers hold it. Its part of them is told once they do: whoever waits for that asks
// often, and pricing a month is what takes time.
func (a *app) outcomeOf(ctx context.Context, v *view, id string) (*outcome, error) {
	identity := event.IdentityOf(v.viewer.Workspace, appSource, id)
	known, err := v.db.LookupIdentities(ctx, warehouse.AnyPartition, []event.Identity{identity})
	if err != nil {
		return nil, err
	}
	k, ok := known[identity]
	if !ok || k.Kind != event.KindHoursSaved {
		return nil, noOutcome()
	}
	day := v.dayOf(k.Time)
	var rows []standingRow
	var counted []metric.HoursRow
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) { rows, err = v.standing(within, day, addDays(day, 1)); return err })
	fetch(within, group, v, metric.HoursQuery{Window: v.window(day, addDays(day, 1), metric.Scope{Kind: metric.ScopeMe})}, &counted)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r standingRow) bool { return r.Identity == hex.EncodeToString(identity[:]) })
	switch {
	case i < 0:
		return nil, noOutcome()
	case !holds(counted, rows):
		o := rows[i].outcome(v)
		o.InNumbers = new(false)
		return &o, nil
	}
	m, err := v.ownMonth(ctx, day, v.currency)
	if err != nil {
		return nil, err
	}
	list := v.priced(m.in, rows)
	if err := v.reviewed(ctx, rows, list); err != nil {
		return nil, err
	}
	list[i].InNumbers, list[i].Own = new(true), new(m.total())
	return &list[i], nil
}

// dayOf is the workspace's day of an instant.
func (v *view) dayOf(at time.Time) event.Day {
	y, m, d := at.In(v.zone).Date()
	return event.Day{Time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
}

func noOutcome() error {
	return errNotFound("You have no such outcome that was logged here. It may be on its way: it is there a moment after it was logged.")
}

// getOutcome answers with one's own outcome; with the receipt of its log also while it is on its way.
func (a *app) getOutcome(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	if _, err := parseParams(query, v.today, "receipt"); err != nil {
		return err
	}
	id := c.Param("id")
	o, err := a.outcomeOf(c, v, id)
	c.Header("Cache-Control", "no-store")
	if err == nil {
		c.Header("ETag", o.etag())
		writeJSON(c, http.StatusOK, o)
		return nil
	}
	text := query.Get("receipt")
	if text == "" {
		return err
	}
	receipt, bad := event.ParseReceipt(text)
	if bad != nil {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/receipt", Message: "use the receipt of the answer, as it is"}}}
	}
	became, err := v.db.Outcome(c, v.viewer.Workspace, []warehouse.Ref{{Source: appSource, ID: strings.ToLower(id), Receipt: &receipt}})
	if err != nil {
		return err
	}
	if became[0].State == warehouse.OutcomeRejected {
		return &httpError{status: http.StatusConflict, code: string(became[0].Code), detail: "It was not taken: " + became[0].Message}
	}
	writeJSON(c, http.StatusOK, acceptedOutcome{ID: id, Source: appSource, State: "queued", Receipt: &text})
	return nil
}
