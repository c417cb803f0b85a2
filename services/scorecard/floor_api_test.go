package scorecard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/access/accesstest"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// raid is one organisation that is attacked through the API: what its answers show, as sums over its pieces.
type raid struct {
	*target
	b     *bench
	hours []float64
	rate  map[string]int64
	// by is how the work is priced, paid what an hour of each piece is worth.
	by   *pricing
	paid []float64
	// forms are the sums that are shown, of the value each price by itself.
	forms [][]int64
	// shown counts the numbers that were held against the truth.
	shown int
}

// raids is how many organisations are attacked: two, or as many as PLUMBLINE_RAIDS says.
func raids(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PLUMBLINE_RAIDS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("PLUMBLINE_RAIDS is %q; it may be a number of organisations", text)
	}
	return n
}

// The attack through the API: a leader asks for every scope, for months, runs of months, and periods that begin and end
// anywhere, for tables, series, evidence and other prices, before and after a month is over. Every number is what it should be
// of whole months, and nobody's work follows from all of a measure together.
func TestNobodyFollowsFromTheAPI(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 11)) //nolint:gosec // the same draws every time
	shown := 0
	for range raids(t) {
		o := newRaid(t, r)
		for _, today := range []string{"2026-03-10", "2026-04-02"} {
			o.b.cfg.Now = func() time.Time { return day(today) }
			o.b.serve()
			o.ask(day(today))
		}
		shown += o.shown
		if who := accesstest.Recover(o.people(), o.forms, o.viewer, access.FloorPersons); who != nil {
			t.Fatalf("the work of %v follows from what is shown of %+v", who, o.pieces)
		}
	}
	t.Logf("%d numbers were shown, and nobody was recovered", shown)
	if shown < 50 {
		t.Errorf("only %d numbers were shown", shown)
	}
}

// newRaid draws an organisation of three months and records its work.
func newRaid(t *testing.T, r *rand.Rand) *raid {
	t.Helper()
	o := &raid{target: randomTarget(r, 3), b: newBench(t, day("2026-04-02")), rate: map[string]int64{"k0": 36, "k1": 60}}
	o.viewer, o.losing = "", nil
	for _, w := range o.workflows {
		o.b.declare(registry.Workflows, w, `{"valid_from":"2025-01-01","baseline":{"low":100,"mode":100,"high":100}}`)
	}
	for class, rate := range o.rate {
		o.b.declare(registry.Rates, class, fmt.Sprintf(`{"valid_from":"2025-01-01","loaded_hourly_rate":"%d","currency":"USD"}`, rate))
	}
	var events []event.Stored
	classed := map[string]bool{}
	for i, p := range o.pieces {
		slices.Sort(p.people)
		o.pieces[i].people = slices.Compact(p.people)
		hours := 0.0
		for j, person := range o.pieces[i].people {
			minutes := 1 + r.IntN(90)
			at := p.month.AddDate(0, 0, r.IntN(28)).Add(10 * time.Hour)
			e := work(o.b, fmt.Sprint(i, "-", j), at.Format("2006-01-02T15:04"), p.team, p.workflow, person, true, fmt.Sprint(minutes), "")
			if key := e.Data.Shared().Person; !classed[key] {
				classed[key] = true
				o.b.declare(registry.People, key, `{"valid_from":"2025-01-01","role":"ic","rate_class":"`+p.class+`"}`)
			}
			events = append(events, e)
			hours += float64(100-minutes) / 60
		}
		o.hours = append(o.hours, hours)
	}
	if len(events) > 0 {
		o.b.insert(events...)
	}
	_, _, o.by = o.crowds(metric.Scope{Kind: metric.ScopeOrg}, day("2026-01-01"), day("2026-04-01"))
	for _, p := range o.pieces {
		o.paid = append(o.paid, o.hourly(p))
	}
	return o
}

// hourly is what an hour of a piece is worth: the rate of its class, or the mean of those in its pool, by people.
func (o *raid) hourly(of piece) float64 {
	price := func(p piece) string { return o.priceOf(o.by, p) }
	if !strings.HasPrefix(price(of), poolLabel) {
		return float64(o.rate[of.class])
	}
	counted, sum := map[string]bool{}, int64(0)
	for _, p := range o.pieces {
		if !p.month.Equal(of.month) || price(p) != price(of) {
			continue
		}
		for _, person := range p.people {
			if !counted[p.team+person] {
				counted[p.team+person] = true
				sum += o.rate[p.class]
			}
		}
	}
	return float64(sum) / float64(len(counted))
}

// periods are months, runs of them, and others that are not made of months.
func (o *raid) periods() [][2]string {
	return [][2]string{
		{"2026-01-01", "2026-02-01"},
		{"2026-02-01", "2026-03-01"},
		{"2026-03-01", "2026-04-01"},
		{"2026-01-01", "2026-03-01"},
		{"2026-02-01", "2026-04-01"},
		{"2026-01-01", "2026-04-01"},
		{"2025-12-20", "2026-03-17"},
		{"2026-01-10", "2026-04-01"},
		{"2026-01-05", "2026-01-12"},
		{"2026-01-01", "2026-02-02"},
		{"2026-01-01", "2026-01-31"},
		{"2026-02-14", "2026-02-15"},
	}
}

func (o *raid) ask(today time.Time) {
	o.b.t.Helper()
	for _, scope := range o.scopes() {
		for _, p := range o.periods() {
			query := "?from=" + p[0] + "&to=" + p[1] + "&scope=" + url.QueryEscape(scope.String())
			o.scorecard(scope, p, today, query)
		}
	}
}

// scorecard takes everything that the answers to one scope and period show.
func (o *raid) scorecard(scope metric.Scope, p [2]string, today time.Time, query string) {
	o.b.t.Helper()
	if res, _ := o.b.do("GET", "/api/v1/scorecard"+query, ""); res.StatusCode == 400 {
		return // nobody ever worked there
	}
	card := o.b.get("/api/v1/scorecard"+query, "Scorecard")
	first, end, ok := access.Closed(day(p[0]), day(p[1]), today)
	within := func(x piece) bool {
		return ok && !x.month.Before(first) && x.month.Before(end) && scope.Holds(x.team, x.workflow)
	}
	for _, measure := range []string{metric.HoursSavedNet, metric.CapacityValue} {
		m := card.at("measures", measure)
		if m.at("status").text() != "ok" {
			continue
		}
		o.take(measure, m.at("value"), within)
		o.table(measure, card.at("contributions"), "team", within, func(x piece) string { return x.team })
		o.table(measure, card.at("contributions_by_workflow"), "workflow", within, func(x piece) string { return x.workflow })
		for i := range m.at("series").list() {
			point := m.at("series", i)
			o.take(measure, point.at("value"), func(x piece) bool {
				return within(x) && x.month.Format(time.DateOnly) == point.at("from").text()
			})
		}
		evidence := o.b.get("/api/v1/evidence"+query+"&measure="+measure, "Evidence")
		for i := range evidence.at("rows").list() {
			row := evidence.at("rows", i)
			if team := row.at("team").text(); team != "several teams" {
				o.take(measure, row.at("contribution"), func(x piece) bool {
					return within(x) && x.team == team && x.month.Format(time.DateOnly) == row.at("month").text()
				})
			}
		}
	}
	o.prices(query, within)
}

// table takes the rows of members, and those that are merged as what the members leave of the total.
func (o *raid) table(measure string, rows node, key string, within func(piece) bool, of func(piece) string) {
	o.b.t.Helper()
	alone := map[string]bool{}
	for i := range rows.list() {
		if cell := rows.at(i, "measures", measure); rows.at(i, "row").text() == rowMember && cell.value != nil && cell.at("status").text() == "ok" {
			member := rows.at(i, key).text()
			alone[member] = true
			o.take(measure, cell.at("value"), func(x piece) bool { return within(x) && of(x) == member })
		}
	}
	for i := range rows.list() {
		if cell := rows.at(i, "measures", measure); rows.at(i, "row").text() == rowOther && cell.value != nil {
			o.take(measure, cell.at("value"), func(x piece) bool { return within(x) && !alone[of(x)] })
		}
	}
}

// prices takes what another price of each class changes, where it may be asked: the hours of the class.
func (o *raid) prices(query string, within func(piece) bool) {
	o.b.t.Helper()
	for _, class := range o.classes {
		body := fmt.Sprintf(`{"registry":{"rates":{%q:{"loaded_hourly_rate":"%d","currency":"USD"}}}}`, class, 2*o.rate[class])
		res, raw := o.b.do("POST", "/api/v1/what-if"+query, body)
		if res.StatusCode != 200 {
			continue
		}
		changed := o.b.hold("what-if", "WhatIf", raw).at("difference")
		if d, there := changed.value.(map[string]any)[metric.CapacityValue]; !there || d == nil {
			continue
		}
		o.take(metric.CapacityValue, changed.at(metric.CapacityValue, "difference"), func(x piece) bool { return within(x) && x.class == class })
	}
}

// take holds a number to the truth, and takes it as a sum over pieces. Half of an hour is put to use.
func (o *raid) take(measure string, shown node, in func(piece) bool) {
	o.b.t.Helper()
	if shown.value == nil {
		return
	}
	forms, want := [][]int64{o.form(in)}, 0.0
	if measure == metric.CapacityValue {
		forms = o.byPrice(o.by, in)
	}
	for i, x := range o.pieces {
		switch {
		case !in(x):
		case measure == metric.CapacityValue:
			want += o.paid[i] / 2 * o.hours[i]
		default:
			want += o.hours[i]
		}
	}
	if got := shown.number(); math.Abs(got-want) > 1e-6 {
		o.b.t.Errorf("%s: %s is shown as %v, want %v", shown.path, measure, got, want)
	}
	o.forms = append(o.forms, forms...)
	o.shown++
}
