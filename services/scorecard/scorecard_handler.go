package scorecard

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// period is a half-open span of local days.
type period struct {
	From string `json:"from"`
	To   string `json:"to"`
	Days int    `json:"days"`
	Zone string `json:"zone"`
}

func (v *view) period(from, to event.Day) period {
	return period{from.String(), to.String(), int(to.Sub(from.Time) / (24 * time.Hour)), v.zone.String()}
}

// scorecardAnswer is the answer of /scorecard.
type scorecardAnswer struct {
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
	Period          period  `json:"period"`
	Compare         *period `json:"compare"`
	Scope           string  `json:"scope"`
	Currency        string  `json:"currency"`
	Definition      string  `json:"definition"`
	// Constant is the day whose exchange rates convert all money; nil where each day has its own.
	Constant   *string                   `json:"constant_currency"`
	Measures   map[string]metric.Measure `json:"measures"`
	Ladder     []metric.LadderRung       `json:"ladder"`
	ByTeam     []contribution            `json:"contributions"`
	ByWorkflow []contribution            `json:"contributions_by_workflow"`
	ByVendor   []contribution            `json:"contributions_by_vendor"`
	ByCategory []contribution            `json:"contributions_by_category"`
	Excluded   []metric.Excluded         `json:"excluded"`
	// Annotations are remarks on days of the period, by day.
	Annotations []annotation `json:"annotations"`
}

// getScorecard answers with every measure of a scope and period, or with those that are asked for.
func (a *app) getScorecard(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency", "compare", "definition", "constant_currency", "measures")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	currency := v.currencyOf(p)
	if notModified(c, v, p, currency) {
		return nil
	}
	answer, _, err := v.scorecard(c, p, currency)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// scorecard computes the measures of a scope and period, and the numbers behind them.
func (v *view) scorecard(ctx context.Context, p params, currency string) (scorecardAnswer, *numbers, error) {
	v.by(p)
	n, err := v.compute(ctx, v.window(p.from, p.to, p.scope), currency, p.measures...)
	if err != nil {
		return scorecardAnswer{}, nil, err
	}
	n.leave(p.measures)
	answer := scorecardAnswer{
		AsOf: v.asOf(), CompleteThrough: v.completeThrough(), Period: v.period(p.from, p.to), Scope: p.scope.String(), Currency: currency,
		Definition: p.definition, Measures: map[string]metric.Measure{}, Excluded: v.excluded(n),
		Annotations: v.latestAnnotations(p),
	}
	if !p.constant.IsZero() {
		answer.Constant = new(p.constant.String())
	}
	var before *numbers
	if p.compare != "" {
		from, to := comparison(p)
		answer.Compare = new(v.period(from, to))
		if before, err = v.compute(ctx, v.window(from, to, p.scope), currency, p.measures...); err != nil {
			return scorecardAnswer{}, nil, err
		}
	}
	var tables sync.WaitGroup
	tables.Go(func() { v.tabulate(&answer, n) })
	for key, fold := range n.folds {
		m := v.marked(v.dress(fold.Measure, p, currency), n)
		m.Series = series(n, key)
		if before != nil {
			m.Previous = previous(m, before.folds[key].Measure, p, *answer.Compare)
		}
		answer.Measures[key] = m
	}
	answer.Ladder = append([]metric.LadderRung{}, n.ladder.Rungs...)
	tables.Wait()
	return answer, n, nil
}

// leave leaves the measures that were asked for, of those that were computed for them; none means all. The ladder stays where one of its
// measures was.
func (n *numbers) leave(keys []string) {
	if len(keys) == 0 {
		return
	}
	maps.DeleteFunc(n.folds, func(key string, _ metric.Fold) bool { return !slices.Contains(keys, key) })
	if !slices.ContainsFunc(keys, isRung) {
		n.leftOut = nil
	}
}

// tabulate adds the tables of contributions.
func (v *view) tabulate(answer *scorecardAnswer, n *numbers) {
	sums := n.condensed()
	answer.ByTeam = v.contributions(sums, byTeam())
	answer.ByWorkflow = v.contributions(sums, byWorkflow())
	answer.ByVendor, answer.ByCategory = byVendor(sums), byCategory(sums)
}

// currencyOf is the currency asked for, or the workspace's.
func (v *view) currencyOf(p params) string {
	if p.currency != "" {
		return p.currency
	}
	return v.currency
}

// comparison is the period to compare with: as many days before, or the same dates a year before.
func comparison(p params) (from, to event.Day) {
	if p.compare == "year" {
		return event.Day{Time: p.from.AddDate(-1, 0, 0)}, event.Day{Time: p.to.AddDate(-1, 0, 0)}
	}
	return addDays(p.from, -int(p.to.Sub(p.from.Time)/(24*time.Hour))), p.from
}

// previous is the measure of the period compared with, of the days that it is of. Where it is of whole months, and these are not
// about as many days as those of now, there is nothing to compare.
func previous(now, m metric.Measure, asked params, p period) *metric.Previous {
	out := &metric.Previous{From: p.From, To: p.To, Value: m.Value, Low: m.Low, High: m.High, N: m.N, Status: m.Status, Reason: m.Reason}
	if m.Covers != nil {
		out.From, out.To = m.Covers.From, m.Covers.To
	}
	days, before := daysOf(now, asked), daysOf(m, params{from: dayOf(out.From), to: dayOf(out.To)})
	if (now.Covers != nil || m.Covers != nil) && 10*max(days-before, before-days) > days {
		out.Value, out.Low, out.High, out.N, out.Status, out.Reason = nil, nil, nil, nil, metric.Withheld, new(cellsReason)
	}
	return out
}

// dress adds what does not come from events: the claim, the target and the benchmark.
func (v *view) dress(m metric.Measure, p params, currency string) metric.Measure {
	m.Claim = new(v.claimOf(m, p, currency))
	at := v.endOf(addDays(p.to, -1))
	if at.After(v.now) {
		at = v.now
	}
	for _, key := range v.registry.Keys(registry.Targets) {
		t, version, ok := registry.Find[registry.Target](v.registry, registry.Targets, key, at)
		if !ok || t.Measure != m.Key || !sameScope(t.Scope, p.scope) || (t.Currency != "" && t.Currency != currency) {
			continue
		}
		m.Target = &metric.Target{
			Value: metric.Exact{Decimal: scaled(t.Value.Decimal(), t.Per, daysOf(m, p))}, Unit: optionalText(t.Unit),
			ValidFrom: version.ValidFrom.Format(event.TimeForm), Note: optionalText(t.Note),
		}
		break
	}
	m.Benchmark = metric.KnownBenchmark(m.Key)
	for _, key := range v.registry.Keys(registry.Benchmarks) {
		b, _, ok := registry.Find[registry.Benchmark](v.registry, registry.Benchmarks, key, at)
		if !ok || b.Measure != m.Key {
			continue
		}
		m.Benchmark = &metric.Benchmark{Value: metric.Exact{Decimal: b.Value.Decimal()}, Label: b.Label, Source: optionalText(b.Source), URL: optionalText(b.URL)}
		break
	}
	return m
}

func sameScope(declared string, scope metric.Scope) bool {
	return declared == scope.String() || (declared == "" && scope.Kind == metric.ScopeOrg)
}

// daysOf is how many days a measure is of.
func daysOf(m metric.Measure, p params) int64 {
	from, to := p.from, p.to
	if m.Covers != nil {
		from, to = dayOf(m.Covers.From), dayOf(m.Covers.To)
	}
	return int64(to.Sub(from.Time) / (24 * time.Hour))
}

// scaled turns a target per day, week, month, quarter or year into one for so many days.
func scaled(value decimal.Decimal, per string, span int64) decimal.Decimal {
	days := map[string]string{"day": "1", "week": "7", "month": "30.4375", "quarter": "91.3125", "year": "365.25"}[per]
	if days == "" {
		return value
	}
	return value.Mul(decimal.NewFromInt(span)).DivRound(decimal.RequireFromString(days), 6)
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// excluded are what the measures leave out, with the amounts of few people taken away, and those of days that no part of a
// whole is shown of yet.
func (v *view) excluded(n *numbers) []metric.Excluded {
	out := []metric.Excluded{}
	for _, d := range metric.Catalogue() {
		fold := n.folds[d.Key]
		for _, x := range fold.Excluded {
			by, key := byWorkflow(), x.Workflow
			if d.Key == metric.CapacityValue {
				by, key = byTeam(), x.Team
			}
			if d.Personal && n.window.Scope.Kind != metric.ScopeMe && (n.live() || n.workers == nil || !n.workers.shows(by, key)) {
				x.N, x.Amount = nil, nil
			}
			out = append(out, x)
		}
	}
	return append(out, n.leftOut...)
}

// series is a measure that adds up by ISO week, cut to the period, or what others did by month.
func series(n *numbers, key string) []metric.SeriesPoint {
	fold := n.folds[key]
	d, _ := metric.Lookup(key)
	if rung, of := metric.RungOf(key); of && rung != metric.RungCash {
		return nil // what is personal in it would be told by the week
	}
	if d.Adds != metric.AddsSum || fold.Measure.Status != metric.OK {
		return nil
	}
	if d.Personal && n.window.Scope.Kind != metric.ScopeMe {
		w := n.worked
		if key == metric.BarrierHours {
			w = n.pillar.blocked
		}
		return seriesBy(fold.Cells, monthStart, w.From, w.To, func(day event.Day) event.Day {
			return event.Day{Time: access.NextCell(day.Time)}
		})
	}
	return seriesBy(monthlyTraining(fold.Cells), metric.WeekOf, n.window.From, n.window.To, func(day event.Day) event.Day {
		return addDays(day, 7-(int(day.Weekday())+6)%7)
	})
}

// monthlyTraining dates hours of training at the end of their months.
func monthlyTraining(cells []metric.Cell) []metric.Cell {
	if !slices.ContainsFunc(cells, isTraining) {
		return cells
	}
	out := slices.Clone(cells)
	for i := range out {
		if isTraining(out[i]) {
			out[i].Day = monthEnd(out[i].Day)
		}
	}
	return out
}

// seriesBy sums cells over spans of [from, to); of is the first day of the span of a day, and next that of the one after.
func seriesBy(cells []metric.Cell, of func(day string) string, from, to event.Day, next func(event.Day) event.Day) []metric.SeriesPoint {
	spans := map[string]string{}
	sums := sumBy(cells, func(c metric.Cell) string {
		span, ok := spans[c.Day]
		if !ok {
			span = of(c.Day)
			spans[c.Day] = span
		}
		return span
	})
	var out []metric.SeriesPoint
	for day := from; day.Before(to.Time); {
		end := next(day)
		if end.After(to.Time) {
			end = to
		}
		point := metric.SeriesPoint{From: day.String(), To: end.String()}
		// A span in which nothing was recorded stays null: that is not a 0.
		if s, ok := sums[of(day.String())]; ok {
			point.Value = metric.ExactOf(s.value)
		}
		out, day = append(out, point), end
	}
	return out
}

// getMetrics answers with the catalogue.
func (a *app) getMetrics(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "definition")
	if err != nil {
		return err
	}
	v.by(p)
	writeJSON(c, http.StatusOK, gin.H{"definition": p.definition, "versions": metric.Versions(), "metrics": v.rules.Catalogue()})
	return nil
}
