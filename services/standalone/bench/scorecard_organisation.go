package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/demo"
)

// organisation is who and what the invented rows are about. It is the demo organisation, with about 300 people, and what it
// declares is declared; its events are not used, since they can not be made by the million.
type organisation struct {
	entries []demo.Entry
	zone    *time.Location
	// people are pseudonyms, workers those of them who are no leaders; teamOf and leads are of people.
	people, teamOf []string
	leads          []bool
	workflows      []ownWorkflow
	experiments    []ownExperiment
	vendors        []ownVendor
}

// ownWorkflow is a kind of work. One without a declared baseline is measured: some of its people work without AI.
type ownWorkflow struct {
	key, team string
	declared  *decimal.Decimal
	trial     bool
}

type ownExperiment struct{ key, control, team, workflow string }

// ownVendor sends an invoice a month: an amount in cents, or cents for each unit.
type ownVendor struct {
	name, category, team, workflow, unit string
	cents                                int64
}

const (
	// organisationSize makes the demo organisation one of about 300 people.
	organisationSize = 5.5
	benchWorkspace   = "default"
	benchTrial       = "trial-of-the-benchmark"
	foreignMoney     = "EUR"
	foreignRate      = "1.1"
	// plannedExposures lets every experiment be read: the demo organisation's own are planned for the demo's own counts.
	plannedExposures = 2_000
)

// newOrganisation is the same for the same seed and end of its history.
func newOrganisation(seed uint64, days int, end time.Time) (*organisation, error) {
	zone, err := time.LoadLocation(demo.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone of the organisation: %w", err)
	}
	invented := demo.New(demo.Config{Seed: seed, Size: organisationSize, Days: days, Until: end})
	o := &organisation{entries: invented.Registry(), zone: zone}
	sealer := sealerOfBench()
	for _, e := range o.entries {
		switch v := e.Value.(type) {
		case *registry.Person:
			o.people = append(o.people, sealer.Person(benchWorkspace, e.Key))
			o.teamOf, o.leads = append(o.teamOf, v.Team), append(o.leads, v.Role == "leader")
		case *registry.Workflow:
			o.workflows = append(o.workflows, workflowOf(e.Key, v))
		case *registry.Experiment:
			v.PlannedN = new(uint64(plannedExposures))
			o.experiments = append(o.experiments, ownExperiment{e.Key, v.Control, v.Team, v.Workflow})
		case *registry.VendorBaseline:
			// Four fifths of what was paid before.
			cents := v.Price.Mul(decimal.NewFromInt(80)).IntPart()
			o.vendors = append(o.vendors, ownVendor{v.Vendor, v.Category, v.Team, v.Workflow, v.Unit, cents})
		}
	}
	o.vendors = append(
		o.vendors,
		ownVendor{name: "Brightpath Academy", category: "training", cents: 360_000},
		ownVendor{name: "Setup Partners", category: "implementation", cents: 750_000},
	)
	measured := slices.IndexFunc(o.workflows, func(w ownWorkflow) bool { return w.declared == nil })
	if measured < 0 || len(o.experiments) == 0 || len(o.people) == 0 {
		return nil, errors.New("the demo organisation declares too little to measure with")
	}
	o.workflows[measured].trial = true
	rate := &registry.Exchange{Rate: &event.Decimal{Decimal: decimal.RequireFromString(foreignRate)}, Source: "the benchmark"}
	o.entries = append(o.entries, demo.Entry{Kind: registry.FX, Key: foreignMoney + "-" + demo.Currency, ValidFrom: o.entries[0].ValidFrom, Value: rate})
	return o, nil
}

func workflowOf(key string, w *registry.Workflow) ownWorkflow {
	out := ownWorkflow{key: key, team: w.Team}
	if w.Baseline != nil && w.Baseline.Mode != nil {
		out.declared = new(decimal.RequireFromString(w.Baseline.Mode.String()))
	}
	return out
}

// declareTimeout is how long the loader may take for what is declared.
const declareTimeout = 2 * time.Minute

// declare writes the registry: what the API writes, which is a message of its topic for each entry, all at once. It returns
// when a loader has copied them, and has rolled what it rolls because of them, so that it rolls nothing any more.
func (o *organisation) declare(ctx context.Context, cfg bus.Config, db *warehouse.DB) (err error) {
	ctx, cancel := context.WithTimeout(ctx, declareTimeout)
	defer cancel()
	if err := bus.Ensure(ctx, cfg); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	messages := make([]bus.Message, len(o.entries))
	for i, e := range o.entries {
		r, err := o.record(e)
		if err != nil {
			return err
		}
		r.RecordedAt, r.EntryID = now, fmt.Sprintf("bench-%d", i)
		if messages[i].Key, messages[i].Value, err = r.Message(); err != nil {
			return err
		}
	}
	producer := bus.NewProducer(cfg, bus.Registry)
	_, err = producer.Produce(ctx, messages)
	if err = errors.Join(err, producer.Close()); err != nil {
		return fmt.Errorf("declare the organisation: %w", err)
	}
	copied := func() (bool, error) {
		n := int64(0)
		for partition := range cfg.PartitionCount() {
			next, err := db.NextOffset(ctx, warehouse.StreamRegistry, partition)
			if err != nil {
				return false, err
			}
			n += next
		}
		return n >= int64(len(messages)), nil
	}
	if err := await(ctx, "the registry to be copied", copied); err != nil {
		return err
	}
	since := time.Now()
	return await(ctx, "the marks of the registry to be rolled", func() (bool, error) {
		s, err := db.Snapshot(ctx, benchWorkspace)
		return s.CompleteThrough.After(since), err
	})
}

// record is an entry as the API makes one of what is put.
func (o *organisation) record(e demo.Entry) (registry.Record, error) {
	raw, err := e.JSON()
	if err != nil {
		return registry.Record{}, fmt.Errorf("encode %s/%s: %w", e.Kind, e.Key, err)
	}
	key := e.Key
	if e.Kind == registry.People {
		key = sealerOfBench().Person(benchWorkspace, key)
	}
	body := fmt.Appendf(nil, `{"valid_from":%q,%s`, e.ValidFrom.UTC().Format(event.TimeForm), bytes.TrimPrefix(raw, []byte("{")))
	r, problems := registry.Body(e.Kind, key, body, o.zone)
	if len(problems) > 0 {
		return registry.Record{}, fmt.Errorf("declare %s/%s: %s: %s", e.Kind, e.Key, problems[0].Pointer, problems[0].Message)
	}
	r.Workspace, r.Author = benchWorkspace, "bench"
	return r, nil
}

func sealerOfBench() *event.Sealer { return event.NewSealer([]byte(benchSecret)) }

// await asks again and again until something is so.
func await(ctx context.Context, what string, so func() (bool, error)) error {
	for {
		if done, err := so(); done || err != nil {
			return err
		}
		if err := process.Wait(ctx, pollEvery); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

// withoutAI says which people do measured work without AI: one in so many, from which the baselines of their teams come.
const withoutAI = 7

// constants are the arrays that rows are drawn from, as the WITH of a statement. A place is a person at a workflow of their
// team, with AI or without.
func (o *organisation) constants() string {
	var arrays []string
	add := func(name string, values []string) {
		arrays = append(arrays, "["+strings.Join(values, ", ")+"] AS "+name)
	}
	var people, teams, leads []string
	for i, p := range o.people {
		people, teams, leads = append(people, quoted(p)), append(teams, quoted(o.teamOf[i])), append(leads, truth(o.leads[i]))
	}
	add("people", people)
	add("people_team", teams)
	add("people_lead", leads)
	places := [4][]string{}
	for i, p := range o.people {
		for _, w := range o.workflows {
			if w.team != o.teamOf[i] || o.leads[i] {
				continue
			}
			without := w.declared == nil && !w.trial && i%withoutAI == 0
			for k, v := range []string{quoted(p), quoted(w.team), quoted(w.key), truth(!without)} {
				places[k] = append(places[k], v)
			}
		}
	}
	for k, name := range []string{"place_person", "place_team", "place_workflow", "place_assisted"} {
		add(name, places[k])
	}
	add("workflows", each(o.workflows, func(w ownWorkflow) string { return quoted(w.key) }))
	add("workflow_team", each(o.workflows, func(w ownWorkflow) string { return quoted(w.team) }))
	add("experiments", each(o.experiments, func(x ownExperiment) string { return quoted(x.key) }))
	add("experiment_control", each(o.experiments, func(x ownExperiment) string { return quoted(x.control) }))
	add("experiment_team", each(o.experiments, func(x ownExperiment) string { return quoted(x.team) }))
	add("experiment_workflow", each(o.experiments, func(x ownExperiment) string { return quoted(x.workflow) }))
	add("vendors", each(o.vendors, func(v ownVendor) string { return quoted(v.name) }))
	add("vendor_category", each(o.vendors, func(v ownVendor) string { return quoted(v.category) }))
	add("vendor_team", each(o.vendors, func(v ownVendor) string { return quoted(v.team) }))
	add("vendor_workflow", each(o.vendors, func(v ownVendor) string { return quoted(v.workflow) }))
	add("vendor_unit", each(o.vendors, func(v ownVendor) string { return quoted(v.unit) }))
	add("vendor_cents", each(o.vendors, func(v ownVendor) string { return fmt.Sprintf("toUInt64(%d)", v.cents) }))
	return "WITH " + strings.Join(arrays, ",\n")
}

func each[T any](list []T, text func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = text(v)
	}
	return out
}

func quoted(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
