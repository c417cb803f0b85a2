package scorecard

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// stated is what the link of a claim says about the moment when it was given out: which events and which registry were
// counted, and the value. It stands in the link itself, so that a claim needs no storage. One's own numbers state nothing:
// their link means whoever opens it.
type stated struct {
	generation uint64
	recorded   time.Time
	// value is nil where the number was withheld or there was none.
	value *decimal.Decimal
}

// state adds what a claim states to its question.
func (v *view) state(q url.Values, m metric.Measure, scope metric.Scope) {
	if scope.Kind == metric.ScopeMe {
		return
	}
	q.Set("state", fmt.Sprintf("%d.%d", v.snapshot.Generation, v.recorded.UnixMilli()))
	if m.Value != nil {
		q.Set("value", m.Value.Text())
	}
}

// statedBy reads what the question of a claim states; ok is false where it states nothing or cannot be read.
func statedBy(values url.Values) (out stated, ok bool) {
	generation, recorded, cut := strings.Cut(values.Get("state"), ".")
	if !cut {
		return stated{}, false
	}
	var err error
	if out.generation, err = strconv.ParseUint(generation, 10, 64); err != nil {
		return stated{}, false
	}
	at, err := strconv.ParseInt(recorded, 10, 64)
	if err != nil {
		return stated{}, false
	}
	out.recorded = time.UnixMilli(at)
	if text := values.Get("value"); text != "" {
		value, err := decimal.NewFromString(text)
		if err != nil || len(text) > 256 {
			return stated{}, false
		}
		out.value = &value
	}
	return out, true
}

// movement says how a number has moved since its claim was given out, and why.
type movement struct {
	Then       *metric.Exact `json:"then"`
	Now        *metric.Exact `json:"now"`
	Difference *metric.Exact `json:"difference"`
	Causes     []cause       `json:"causes"`
}

// cause is one reason with its part of the difference; the parts of all causes sum to it.
type cause struct {
	Cause      string        `json:"cause"`
	Difference *metric.Exact `json:"difference"`
	Details    []string      `json:"details"`
}

// The causes.
const (
	causeRegistry = "registry"
	causeEvents   = "events"
	causeTime     = "time"
)

// rolledQuery counts the days of a span that were rolled anew since a generation.
type rolledQuery struct {
	workspace  string
	since      uint64
	generation uint64
	from, to   event.Day
}

// SQL is the query and its parameters.
func (q rolledQuery) SQL() (string, map[string]any) {
	return `SELECT uniqExactIf(day, day >= {from:Date32}) AS days, uniqExactIf(day, day < {from:Date32}) AS before
FROM rollup_pointer
WHERE workspace = {workspace:String} AND generation > {since:UInt64} AND generation <= {generation:UInt64} AND day < {to:Date32}`, map[string]any{
			"workspace": q.workspace, "since": q.since, "generation": q.generation, "from": q.from, "to": q.to,
		}
}

// moved compares a number with what its claim stated; nil where it still stands. The part of the registry is what the
// number would be under the registry of then, and the rest is that of the events. Neither is told where the registry's part
// would tell about few people.
func (v *view) moved(ctx context.Context, s stated, p params, currency string, n *numbers) (*movement, error) {
	now := n.folds[p.measure].Measure
	if (s.value == nil) == (now.Value == nil) && (s.value == nil || s.value.Equal(now.Value.Decimal)) {
		return nil, nil
	}
	out := &movement{Now: now.Value, Causes: []cause{}}
	if s.value != nil {
		out.Then = metric.ExactOf(*s.value)
	}
	out.Difference = minus(out.Now, out.Then)
	rest := out.Difference
	switch records := v.registry.Since(s.recorded); {
	case len(records) == 0:
	case !v.mayTellWrites(n, records):
		out.Causes, rest = append(out.Causes, cause{causeRegistry, nil, writes(records)}), nil
	default:
		then, err := v.under(v.registry.AsOf(s.recorded)).numbersOf(ctx, p, currency)
		if err != nil {
			return nil, err
		}
		before := then.folds[p.measure].Measure.Value
		if d := minus(out.Now, before); d == nil || !d.IsZero() {
			out.Causes = append(out.Causes, cause{causeRegistry, d, writes(records)})
		}
		if rest = minus(before, out.Then); rest != nil && rest.IsZero() {
			return out, nil
		}
	}
	why, err := v.rolledSince(ctx, s, p)
	if err != nil {
		return nil, err
	}
	why.Difference = rest
	out.Causes = append(out.Causes, why)
	return out, nil
}

// mayTellWrites tells whether what writes have changed may be told: a link can state any moment, and the difference that
// a price made would tell about the people that it prices.
func (v *view) mayTellWrites(n *numbers, records []registry.Record) bool {
	if len(n.workers.people())+len(n.learners.people()) == 0 {
		return true
	}
	return v.mayAssume(n, records) == nil && !slices.ContainsFunc(records, func(r registry.Record) bool {
		return r.Kind == registry.People || r.Kind == registry.Teams
	})
}

// rolledSince says which days have new or corrected events; where none has, only time has passed, such as for deals that
// are still open.
func (v *view) rolledSince(ctx context.Context, s stated, p params) (cause, error) {
	type row struct {
		Days   uint64 `ch:"days"`
		Before uint64 `ch:"before"`
	}
	rows, err := read[row](ctx, v, rolledQuery{v.viewer.Workspace, s.generation, v.snapshot.Generation, p.from, p.to})
	if err != nil {
		return cause{}, err
	}
	if len(rows) == 0 || rows[0].Days+rows[0].Before == 0 {
		return cause{Cause: causeTime, Details: []string{"no event and no entry of the registry is new: time has passed, or another viewer made the link"}}, nil
	}
	return cause{Cause: causeEvents, Details: []string{
		fmt.Sprintf("%d days of the period and %d days before it have new, corrected or withdrawn events", rows[0].Days, rows[0].Before),
	}}, nil
}

// mostWrites bounds the writes that a claim lists.
const mostWrites = 20

// writes names the latest writes of the registry.
func writes(records []registry.Record) []string {
	var out []string
	for _, r := range records {
		key := "/" + r.Key
		if r.Kind == registry.People {
			key = "" // who somebody is has no place in a claim
		}
		out = append(out, fmt.Sprintf("registry %s%s, %s", r.Kind, key, versionText(r)))
	}
	if more := len(out) - mostWrites; more > 0 {
		out = append([]string{fmt.Sprintf("%d earlier writes", more)}, out[more:]...)
	}
	return out
}

// minus is a − b; nil where one is not there.
func minus(a, b *metric.Exact) *metric.Exact {
	if a == nil || b == nil {
		return nil
	}
	return metric.ExactOf(a.Sub(b.Decimal))
}
