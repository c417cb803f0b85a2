package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/parts"
)

// LoaderResult says how fast the loader stores events, and how fast ClickHouse's own Kafka table engine stores the same
// messages of the same topic into equal tables. The engine promises less: it checks no identity, refuses nothing with a
// reason, and stores a block twice when it dies between the insert and the commit.
type LoaderResult struct {
	// RowsPerSecond and KafkaEngineRowsPerSecond are medians over the rounds, Ratio is the median of the rounds' ratios.
	RowsPerSecond            float64 `json:"rows_per_s"`
	KafkaEngineRowsPerSecond float64 `json:"kafka_engine_rows_per_s"`
	Ratio                    float64 `json:"ratio"`
	// Events is how many events the topic has, Rounds how often each side stored them all.
	Events int `json:"events"`
	Rounds int `json:"rounds"`
	// CPUPerRow and KafkaEngineCPUPerRow are the microseconds of processor time for each row, of the embedded broker, the
	// embedded database and the loader together: they are less disturbed by what else runs on the machine.
	CPUPerRow            float64 `json:"cpu_us_per_row,omitzero"`
	KafkaEngineCPUPerRow float64 `json:"kafka_engine_cpu_us_per_row,omitzero"`
	// LoaderCPUPerRow is the loader's own part of CPUPerRow.
	LoaderCPUPerRow float64 `json:"loader_cpu_us_per_row,omitzero"`
	// Memory is the most that the loader has had resident, in MB.
	Memory float64 `json:"rss_mb,omitzero"`
}

// loading is what one side did in one round: rows a second, and microseconds of processor time for each row.
type loading struct {
	rate, cpu float64
	// ownCPU and memory are the loader's.
	ownCPU, memory float64
	stored         contents
}

// Loader fills a topic with events as the collector writes them, and has the loader and ClickHouse's Kafka table engine
// store them by turns, each time into fresh tables and with a fresh consumer group. What is measured is the loading: the
// rolling of days, of which the engine has no equal, is left out.
func Loader(ctx context.Context, cfg Config) (_ LoaderResult, err error) {
	rounds := 3
	if cfg.Short {
		rounds = 1
	}
	if err := cfg.engineCanRead(); err != nil {
		return LoaderResult{}, err
	}
	n := cfg.events(1_000_000, 20_000)
	p, err := openPlace(ctx, cfg, true)
	if err != nil {
		return LoaderResult{}, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	total := n * (1 + 2*rounds)
	if err := fillTopic(ctx, p.bus, n, cfg.Seed, func(done int) { cfg.progress(done, total) }); err != nil {
		return LoaderResult{}, fmt.Errorf("fill the topic: %w", err)
	}
	var ours, theirs []loading
	for i := range rounds {
		own, err := p.loadOnce(ctx, n, runLoader)
		if err != nil {
			return LoaderResult{}, fmt.Errorf("loader: %w", err)
		}
		cfg.progress(n*(2+2*i), total)
		engine, err := p.loadOnce(ctx, n, runKafkaEngine)
		if err != nil {
			return LoaderResult{}, fmt.Errorf("the Kafka table engine: %w", err)
		}
		cfg.progress(n*(3+2*i), total)
		if own.stored != engine.stored || own.stored.Rows != uint64(n) {
			return LoaderResult{}, fmt.Errorf("of %d events the loader has stored %+v, the Kafka table engine %+v", n, own.stored, engine.stored)
		}
		ours, theirs = append(ours, own), append(theirs, engine)
	}
	return summarise(ours, theirs, n), nil
}

func summarise(ours, theirs []loading, events int) LoaderResult {
	middle := func(of []loading, value func(loading) float64) float64 {
		var values []float64
		for _, l := range of {
			values = append(values, value(l))
		}
		return median(values)
	}
	rate, cpu := func(l loading) float64 { return l.rate }, func(l loading) float64 { return l.cpu }
	out := LoaderResult{
		RowsPerSecond: middle(ours, rate), KafkaEngineRowsPerSecond: middle(theirs, rate), Events: events, Rounds: len(ours),
		CPUPerRow: middle(ours, cpu), KafkaEngineCPUPerRow: middle(theirs, cpu),
		LoaderCPUPerRow: middle(ours, func(l loading) float64 { return l.ownCPU }),
	}
	var ratios []float64
	for i := range ours {
		ratios = append(ratios, ours[i].rate/theirs[i].rate)
		out.Memory = max(out.Memory, ours[i].memory)
	}
	out.Ratio = median(ratios)
	return out
}

// loadOnce makes a database with our tables, has run fill it from the topic, and reads back what is in it.
func (p *place) loadOnce(ctx context.Context, n int, run func(context.Context, *place, int) (loading, error)) (out loading, err error) {
	own, drop, err := p.freshDatabase(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, drop(context.WithoutCancel(ctx))) }()
	db, err := warehouse.Open(ctx, own.warehouse)
	if err != nil {
		return out, err
	}
	if err := errors.Join(db.Migrate(ctx), db.Close()); err != nil {
		return out, err
	}
	if out, err = run(ctx, own, n); err != nil {
		return out, err
	}
	out.stored, err = readContents(ctx, own.warehouse)
	return out, err
}

// enginesCPU is what the embedded engines have used so far, and this process, in which the broker is.
func (p *place) enginesCPU() time.Duration {
	if p.database == nil || p.broker == nil {
		return 0
	}
	return cpuTime() + cpuTimeOf(p.database.Pid())
}

// perRow are the microseconds for each of n rows.
func perRow(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(n) }

// runLoader has a loader, in a process of its own, store the topic.
func runLoader(ctx context.Context, p *place, n int) (out loading, err error) {
	group := p.bus.Group("loader")
	if err := forgetGroups(ctx, p.bus, group, p.bus.Group("registry-loader"), p.bus.Group("reject-loader")); err != nil {
		return out, err
	}
	before, started := p.enginesCPU(), time.Now()
	s, err := p.start(ctx, parts.Loader, "--no-roll")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	if out.rate, err = watchGroup(ctx, p.bus, group, n, started); err != nil {
		return out, err
	}
	out.memory, out.ownCPU = s.peakMemory(), perRow(s.cpuTime(), n)
	if before > 0 {
		out.cpu = perRow(p.enginesCPU()-before, n) + out.ownCPU
	}
	return out, nil
}

// topicOf is the topic that both sides read.
func topicOf(cfg bus.Config) string { return cfg.Topic(bus.Events) }
