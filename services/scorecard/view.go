package scorecard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/services/scorecard/daily"
)

// view is what one request sees: one generation of the rollups and one state of the registry, so that everything in an
// answer agrees. Every query goes through it, and it knows who asks.
type view struct {
	viewer access.Viewer
	// key is the id of the API key that the viewer came with, if any.
	key      string
	snapshot warehouse.Snapshot
	registry *registry.Snapshot
	// fingerprint changes when the registry does.
	fingerprint uint64
	// rules are the version of the definitions.
	rules metric.Rules
	// overOnly says that the month which is not over is left out of totals of people's work, of however many.
	overOnly bool
	// constant is the day whose exchange rates convert all money; zero takes those of each day.
	constant event.Day
	// recorded is the instant of the latest write of the registry.
	recorded time.Time
	zone     *time.Location
	now      time.Time
	today    event.Day
	currency string

	db   *warehouse.DB
	days *daily.Store
	// slots bound how many queries run at a time: more than the warehouse keeps connections open for would only make it
	// open new ones.
	slots chan struct{}
	mu    sync.Mutex
	// asked are the queries so far, by their text with their parameters.
	asked map[string]any
	// experiments are the folds of all experiments, by currency.
	experiments map[string]func() []metric.Experiment
}

// querySlots is how many queries of one request run at a time.
const querySlots = 4

// look takes a view for a viewer.
func (a *app) look(ctx context.Context, viewer access.Viewer) (*view, error) {
	var (
		snapshot    warehouse.Snapshot
		reg         *registry.Snapshot
		fingerprint uint64
	)
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) { snapshot, err = a.db.Snapshot(within, viewer.Workspace); return err })
	group.Go(func() (err error) { reg, fingerprint, err = a.registryOf(within, viewer.Workspace); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	now := a.now()
	v := &view{
		viewer: viewer, snapshot: snapshot, registry: reg, fingerprint: fingerprint, recorded: reg.Recorded(), rules: metric.Versions()[0],
		zone: reg.Zone(now), now: now, currency: reg.Currency(now), db: a.db, days: a.days, slots: make(chan struct{}, querySlots),
		asked: map[string]any{}, experiments: map[string]func() []metric.Experiment{},
	}
	y, m, d := now.In(v.zone).Date()
	v.today = event.Day{Time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
	return v, nil
}

// by takes the version of the definitions, and the day of constant currency, that were asked for.
func (v *view) by(p params) {
	if rules, ok := metric.RulesOf(p.definition); ok {
		v.rules = rules
	}
	v.constant = p.constant
}

// window is a period of the view's workspace.
func (v *view) window(from, to event.Day, scope metric.Scope) metric.Window {
	if scope.Kind == metric.ScopeMe {
		scope.Key = v.viewer.Person
	}
	return metric.Window{Workspace: v.viewer.Workspace, Generation: v.snapshot.Generation, From: from, To: to, Scope: scope}
}

// asking is one question to the warehouse and its answer.
type asking[Row any] struct {
	once sync.Once
	rows []Row
	err  error
}

// read runs a query of a metric and remembers it: what several measures ask is asked once. The rows are shared and
// must not be changed.
func read[Row any](ctx context.Context, v *view, q metric.Query) ([]Row, error) {
	sql, args := q.SQL()
	text := sql + "\n" + argsText(args)
	v.mu.Lock()
	ask, ok := v.asked[text].(*asking[Row])
	if !ok {
		ask = &asking[Row]{}
		v.asked[text] = ask
	}
	v.mu.Unlock()
	ask.once.Do(func() {
		select {
		case v.slots <- struct{}{}:
			defer func() { <-v.slots }()
		case <-ctx.Done():
			ask.err = ctx.Err()
			return
		}
		if ask.rows, ask.err = kept[Row](ctx, v, q); !errors.Is(ask.err, daily.ErrTooMany) {
			return
		}
		ask.rows, ask.err = nil, nil
		if err := v.db.Query(ctx, sql, args, &ask.rows); err != nil {
			ask.err = fmt.Errorf("read rollups: %w", err)
		}
	})
	return ask.rows, ask.err
}

// kept puts a query together from the rows of days that are kept; [daily.ErrTooMany] says that it must be asked itself.
func kept[Row any](ctx context.Context, v *view, q metric.Query) ([]Row, error) {
	d, ok := q.(metric.Daily[Row])
	if !ok {
		return nil, daily.ErrTooMany
	}
	parts, ok := d.Parts()
	if !ok {
		return nil, daily.ErrTooMany
	}
	days, err := v.days.Rows(ctx, parts, v.snapshot.Days)
	if err != nil {
		return nil, err
	}
	return d.Merge(days), nil
}

// argsText writes parameters in the order of their names.
func argsText(args map[string]any) string {
	texts := map[string]string{}
	for name, value := range args {
		texts[name] = fmt.Sprint(value)
	}
	encoded, err := json.Marshal(texts) // keys come out sorted
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// queryHash names the queries of the view with their parameters, in any order.
func (v *view) queryHash() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	sorted := slices.Sorted(maps.Keys(v.asked))
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\n\n")))
	return hex.EncodeToString(sum[:])
}

// endOf is the last instant of a local day: what the registry holds then prices the whole day.
func (v *view) endOf(day event.Day) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, v.zone).Add(-time.Millisecond)
}

// rateTime is the instant whose exchange rates convert the money of a day: its own last, or that of constant currency.
func (v *view) rateTime(day event.Day) time.Time {
	if !v.constant.IsZero() {
		return v.endOf(v.constant)
	}
	return v.endOf(day)
}

// startOf is the first instant of a local day.
func (v *view) startOf(day event.Day) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, v.zone)
}

// versionText names a version of an entry.
func versionText(r registry.Record) string {
	return fmt.Sprintf("valid from %s, recorded %s", r.ValidFrom.Format(event.TimeForm), r.RecordedAt.Format(event.TimeForm))
}

// fx finds exchange rates into a currency; a rate of a day is looked up once.
func (v *view) fx(currency string) metric.FX {
	type question struct{ currency, day string }
	type answer struct {
		rate metric.Rate
		ok   bool
	}
	known := map[question]answer{}
	var mu sync.Mutex
	return func(from string, day event.Day) (metric.Rate, bool) {
		q := question{from, day.String()}
		mu.Lock()
		defer mu.Unlock()
		if a, ok := known[q]; ok {
			return a.rate, a.ok
		}
		c, ok := v.registry.Convert(from, currency, v.rateTime(day))
		a := answer{metric.Rate{Rate: c.Rate}, ok}
		if c.Source != nil {
			a.rate.Source, a.rate.Version = "registry fx/"+c.Source.Key, versionText(c.Source.Record)
			if c.Inverse {
				a.rate.Source += " (inverse)"
			}
		}
		known[q] = a
		return a.rate, a.ok
	}
}

// declared finds the declared baselines of workflows.
func (v *view) declared(workflow string, day event.Day) (metric.DeclaredBaseline, bool) {
	w, version, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, v.endOf(day))
	if !ok || w.Baseline == nil {
		return metric.DeclaredBaseline{}, false
	}
	b := w.Baseline
	source := "registry workflows/" + workflow
	if b.Evidence != "" {
		source += ": " + b.Evidence
	}
	return metric.DeclaredBaseline{
		Low: b.Low.Decimal(), Mode: b.Mode.Decimal(), High: b.High.Decimal(),
		Source: source, Version: versionText(version.Record),
	}, true
}

// plan is what the registry declares about an experiment now.
func (v *view) plan(key, currency string, last event.Day) metric.Plan {
	x, version, ok := registry.Find[registry.Experiment](v.registry, registry.Experiments, key, v.now)
	if !ok {
		return metric.Plan{}
	}
	p := metric.Plan{
		Registered: true, Name: x.Name, Design: x.Design, Grade: x.Grade(), Control: x.Control, PrimaryMetric: x.PrimaryMetric,
		PlannedN: x.PlannedN, Sequential: x.Sequential, Allocation: map[string]float64{}, Version: versionText(version.Record),
	}
	for variant, weight := range x.ExpectedAllocation {
		p.Allocation[variant] = weight.Float()
	}
	if x.MarginPerConversion == nil {
		return p
	}
	c, ok := v.registry.Convert(x.Currency, currency, v.rateTime(last))
	if !ok {
		p.MarginReason = "no_fx"
		return p
	}
	p.Margin = new(decimal.Decimal)
	*p.Margin = x.MarginPerConversion.Mul(c.Rate)
	return p
}

// completeThrough is nil while it is not known.
func (v *view) completeThrough() *string {
	if v.snapshot.CompleteThrough.IsZero() {
		return nil
	}
	return new(v.snapshot.CompleteThrough.UTC().Format(event.TimeForm))
}

func (v *view) asOf() string { return v.snapshot.AsOf.UTC().Format(event.TimeForm) }

// name is the display name of a team or workflow.
func (v *view) name(kind registry.Kind, key string) string {
	switch kind {
	case registry.Teams:
		if t, _, ok := registry.Find[registry.Team](v.registry, kind, key, v.now); ok && t.Name != "" {
			return t.Name
		}
	case registry.Workflows:
		if w, _, ok := registry.Find[registry.Workflow](v.registry, kind, key, v.now); ok && w.Name != "" {
			return w.Name
		}
	}
	return key
}
