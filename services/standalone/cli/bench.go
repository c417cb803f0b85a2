package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/trust"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/bench"
)

// benchCommand measures this installation on this machine.
type benchCommand struct {
	Ingest    benchIngest    `cmd:"" help:"Events a second that the collector takes, beside a bare Kafka writer."`
	Import    benchImport    `cmd:"" help:"Rows of a CSV file that the collector takes a second, and its memory, beside its batches."`
	Loader    benchLoader    `cmd:"" help:"Rows a second that the loader stores, beside ClickHouse's own Kafka engine."`
	Freshness benchFreshness `cmd:"" help:"Time from sending an event to the number in the API, under half of full load."`
	Scorecard benchScorecard `cmd:"" help:"Time of reading the scorecard at 1, 10 and 30 million events, beside the same numbers of raw rows."`
}

// Help shows examples.
func (benchCommand) Help() string {
	return `Each benchmark starts what it needs in a temporary folder and removes it afterwards, or takes outside engines, in which it
uses topics and a database of its own. It measures beside a yardstick in the same run: compare ratios, and figures of one
machine on one day. --short only shows that it runs; its figures mean nothing.

Examples:
  plumbline bench ingest
  plumbline bench import --events 1000000
  plumbline bench loader --events 500000 --json
  plumbline bench freshness --kafka kafka-1:9092 --clickhouse clickhouse://bench:secret@db:9000/default
  plumbline bench scorecard --events 200000,2000000`
}

// benchFlags are those of the benchmarks that send events.
type benchFlags struct {
	Events int `placeholder:"N" help:"Events of a round; default: as many as the benchmark finds enough."`
	commonFlags
}

// commonFlags are those of every benchmark.
type commonFlags struct {
	Seed       uint64   `default:"1" help:"Seed of the invented events."`
	Short      bool     `help:"Measure little, only to see that it runs."`
	JSON       bool     `name:"json" help:"Print the figures as JSON."`
	Kafka      []string `placeholder:"HOST:PORT" env:"PLUMBLINE_KAFKA" help:"Kafka brokers; none: an embedded one."`
	ClickHouse string   `name:"clickhouse" placeholder:"DSN" env:"PLUMBLINE_CLICKHOUSE" help:"ClickHouse, clickhouse://user:password@host:port/database; none: an embedded one."`

	KafkaSecurity      bus.Security       `embed:"" prefix:"kafka-" envprefix:"PLUMBLINE_KAFKA_" group:"How to connect to outside Kafka brokers"`
	ClickHouseSecurity warehouse.Security `embed:"" prefix:"clickhouse-" envprefix:"PLUMBLINE_CLICKHOUSE_" group:"How to connect to an outside ClickHouse"`
}

// config is what the flags ask for.
func (f benchFlags) config(s Streams, name string) (cfg bench.Config, finish func(), err error) {
	if f.Events < 0 {
		return bench.Config{}, nil, usage("--events must lie above 0")
	}
	cfg, finish = f.common(s, name)
	cfg.Events = f.Events
	return cfg, finish, nil
}

// common is what these flags ask for. The bar appears with the first progress, when the total is known.
func (f commonFlags) common(s Streams, name string) (cfg bench.Config, finish func()) {
	kafka := f.Kafka
	if slices.Equal(kafka, []string{"embedded"}) {
		kafka = nil // what the same variable says to the tests
	}
	bar := &progress{}
	shown := false
	return bench.Config{
		Seed: f.Seed, Kafka: kafka, ClickHouse: f.ClickHouse, Short: f.Short,
		KafkaSecurity: s.kafkaSecurity(f.KafkaSecurity), ClickHouseSecurity: s.clickHouseSecurity(f.ClickHouseSecurity),
		Progress: func(done, total int) {
			if !shown {
				bar, shown = newProgress(s, name, total), true
			}
			bar.rows(done)
		},
	}, func() { bar.finish() }
}

// kafkaSecurity and clickHouseSecurity are what the flags say, with the password of the environment: it is no flag.
func (s Streams) kafkaSecurity(of bus.Security) bus.Security {
	text, _ := s.Env("PLUMBLINE_KAFKA_PASSWORD")
	of.Text = trust.Secret(text)
	return of
}

func (s Streams) clickHouseSecurity(of warehouse.Security) warehouse.Security {
	text, _ := s.Env("PLUMBLINE_CLICKHOUSE_PASSWORD")
	of.Text = trust.Secret(text)
	return of
}

func (f commonFlags) asJSON() bool { return f.JSON }

// measuring are flags that say what to measure with.
type measuring interface {
	config(s Streams, name string) (cfg bench.Config, finish func(), err error)
	asJSON() bool
}

// measureWith runs a benchmark and prints what it has found, as JSON or in words.
func measureWith[R any](ctx context.Context, s Streams, f measuring, name string, run func(context.Context, bench.Config) (R, error), say func(R)) error {
	cfg, finish, err := f.config(s, name)
	if err != nil {
		return err
	}
	if !f.asJSON() {
		s.note("%s: this takes a while; other programs on this machine disturb it\n", name)
	}
	result, err := run(ctx, cfg)
	finish()
	if err != nil {
		return err
	}
	if f.asJSON() {
		return s.json(result)
	}
	say(result)
	return nil
}

// benchIngest measures the collector.
type benchIngest struct {
	benchFlags
}

// Help shows examples.
func (benchIngest) Help() string {
	return `Batches of 100 events by HTTP from several clients to the real collector, each event validated, sealed and acknowledged by
every replica; beside it, in turn, a bare kafka-go writer with the same messages, acknowledged likewise.

Examples:
  plumbline bench ingest
  plumbline bench ingest --events 200000 --json`
}

// Run measures and prints.
func (c *benchIngest) Run(ctx context.Context, s Streams) error {
	return measureWith(ctx, s, c.benchFlags, "bench ingest", bench.Ingest, func(r bench.IngestResult) {
		s.printf("collector       %9s events/s, %5.1f µs of processor time each\n", grouped(int(r.EventsPerS)), r.CPUPerEvent)
		s.printf("bare writer     %9s events/s, %5.1f µs\n", grouped(int(r.RawKafkaPerS)), r.RawCPUPerEvent)
		s.printf("ratio           %9.2f (medians of %d rounds of %s events, batches of %d, %d clients)\n",
			r.Ratio, r.Rounds, grouped(r.Events), r.BatchSize, r.Clients)
		if r.Memory > 0 {
			s.printf("memory          %9.0f MB, the most that the collector had\n", r.Memory)
		}
		s.printf("in the log      %9s events, all that were acknowledged\n", grouped(r.InLog))
	})
}

// benchImport measures files.
type benchImport struct {
	benchFlags
}

// Help shows examples.
func (benchImport) Help() string {
	return `A CSV file of five million rows to POST /v1/import of a collector that has just started, over one connection; then batches of 100
events to the same collector, as in bench ingest. It needs some gigabytes of disk for the file and the log.

Examples:
  plumbline bench import
  plumbline bench import --events 1000000 --json`
}

// Run measures and prints.
func (c *benchImport) Run(ctx context.Context, s Streams) error {
	return measureWith(ctx, s, c.benchFlags, "bench import", bench.Import, func(r bench.ImportResult) {
		s.printf("file            %9s rows/s, %5.1f µs of processor time each (%s rows, %.0f MB)\n", grouped(int(r.RowsPerS)), r.CPUPerRow, grouped(r.Rows), r.FileMB)
		s.printf("batches         %9s events/s, %5.1f µs\n", grouped(int(r.BatchEventsPerS)), r.BatchCPU)
		s.printf("ratio           %9.2f\n", r.Ratio)
		if r.Memory > 0 {
			s.printf("memory          %9.0f MB, the most that the collector had during the import\n", r.Memory)
		}
		s.printf("in the log      %9s events, all that were acknowledged\n", grouped(r.InLog))
	})
}

// benchLoader measures the loader.
type benchLoader struct {
	benchFlags
}

// Help shows examples.
func (benchLoader) Help() string {
	return `The loader stores a topic of events; beside it, in turn, ClickHouse's own Kafka table engine with materialised views stores
the same topic into equal tables. The engine checks nothing and may store a block twice.

Examples:
  plumbline bench loader
  plumbline bench loader --events 200000 --json`
}

// Run measures and prints.
func (c *benchLoader) Run(ctx context.Context, s Streams) error {
	return measureWith(ctx, s, c.benchFlags, "bench loader", bench.Loader, func(r bench.LoaderResult) {
		s.printf("loader          %9s rows/s\n", grouped(int(r.RowsPerSecond)))
		s.printf("Kafka engine    %9s rows/s\n", grouped(int(r.KafkaEngineRowsPerSecond)))
		s.printf("ratio           %9.2f (medians of %d rounds of %s events)\n", r.Ratio, r.Rounds, grouped(r.Events))
	})
}

// benchFreshness measures the way of an event.
type benchFreshness struct {
	benchFlags
	For   time.Duration `default:"20s" help:"How long the load lasts."`
	Share float64       `default:"0.5" help:"The load, as a share of the full load."`
	Whole bool          `help:"Read the whole scorecard for the one number that is followed."`
}

// Help shows examples.
func (benchFreshness) Help() string {
	return `Collector, loader and scorecard as processes of their own. First, for ten seconds, as many events as the chain takes, then half
as many a second, and beside them five events a second that are followed from the client to the number in
GET /api/v1/scorecard?measures=hours_saved_net, or with --whole to the same number of the whole scorecard.

Examples:
  plumbline bench freshness
  plumbline bench freshness --share 0.25 --json
  plumbline bench freshness --whole                  as a page is read that shows everything
  plumbline bench freshness --share 0.9 --for 10m    is memory flat?`
}

// Run measures and prints.
func (c *benchFreshness) Run(ctx context.Context, s Streams) error {
	if c.For < time.Second || c.Share <= 0 || c.Share > 1 {
		return usage("give --for a second or more, and --share above 0 up to 1")
	}
	run := func(ctx context.Context, cfg bench.Config) (bench.FreshnessResult, error) {
		cfg.Lasting, cfg.Share, cfg.Whole = c.For, c.Share, c.Whole
		return bench.Freshness(ctx, cfg)
	}
	return measureWith(ctx, s, c.benchFlags, "bench freshness", run, func(r bench.FreshnessResult) {
		s.printf("half of events are in the number within %6.0f ms\n", r.P50)
		s.printf("99 of 100 are within                    %6.0f ms (the slowest of %d took %.0f ms)\n", r.P99, r.Probes, r.Max)
		s.printf("under                                   %6s events/s; full load is %s\n", grouped(int(r.LoadPerS)), grouped(int(r.FullLoadPerS)))
		s.printf("of which until the answer, 99 of 100    %6.0f ms; one reading of the API %.0f ms\n", r.AckP99, r.ReadP99)
		var memory []string
		for _, name := range slices.Sorted(maps.Keys(r.Memory)) {
			memory = append(memory, fmt.Sprintf("%s %.0f MB (by tenths of the time %.0f)", name, r.Memory[name], r.MemoryByTenth[name]))
		}
		if len(memory) > 0 {
			s.printf("memory, the most                        %s\n", strings.Join(memory, ", "))
		}
	})
}

// benchScorecard measures reading.
type benchScorecard struct {
	Events   []int `placeholder:"N" help:"Sizes to measure at, ascending; default: 1, 10 and 30 million events."`
	Requests int   `placeholder:"N" help:"Readings of each kind that are timed; default: 200."`
	Days     int   `placeholder:"N" help:"Days of history, 271 to 400; default: 365."`
	commonFlags
}

// Help shows examples.
func (benchScorecard) Help() string {
	return `One organisation of about 300 people; its raw rows are made inside the database and grow from size to size, and every day is
rolled. The scorecard is a process of its own, and is read while the raw tables are away, so that no
answer can come from them. Beside it the headline numbers are computed from the raw rows, which takes as long as it says, and
the benchmark fails where they are not the same. 30 million events take some minutes to make and about 3 GB of disk.

Examples:
  plumbline bench scorecard
  plumbline bench scorecard --events 200000,2000000 --json
  plumbline bench scorecard --events 1000000 --requests 1000`
}

// config is what the flags ask for.
func (c *benchScorecard) config(s Streams, name string) (cfg bench.Config, finish func(), err error) {
	cfg, finish = c.common(s, name)
	cfg.Sizes, cfg.Requests, cfg.Days = c.Events, c.Requests, c.Days
	if err := cfg.CheckScorecard(); err != nil {
		return bench.Config{}, nil, usage("%v", err)
	}
	return cfg, finish, nil
}

// Run measures and prints.
func (c *benchScorecard) Run(ctx context.Context, s Streams) error {
	return measureWith(ctx, s, c, "bench scorecard", bench.Scorecard, func(all []bench.ScorecardResult) {
		for _, r := range all {
			s.printf("%s events, %s rows of rollups, made in %.0f s and rolled in %.0f s\n", grouped(r.Events), grouped(r.RollupRows), r.FillS, r.RollS)
			s.printf("  default period       median %6.0f ms, 95 of 100 within %6.0f ms (%.2f times the first size), the slowest %.0f ms\n",
				r.P50, r.P95, r.Growth, r.Max)
			s.printf("  compare=previous     median %6.0f ms, 95 of 100 within %6.0f ms\n", r.Compared.P50, r.Compared.P95)
			s.printf("  each another period  median %6.0f ms, 95 of 100 within %6.0f ms\n", r.OtherPeriods.P50, r.OtherPeriods.P95)
			s.printf("  the first of all     %6.0f ms; %d of %d measures have a value\n", r.First, r.Valued, r.Measures)
			s.printf("  processor time       %6.0f ms of the scorecard and %.0f ms of an embedded database, each reading\n", r.CPU, r.DatabaseCPU)
			if r.Memory > 0 {
				s.printf("  memory               %6.0f MB, the most that the scorecard had\n", r.Memory)
			}
			s.printf("  from raw rows        %6.0f ms, %.0f times as long; all of %d figures are the same\n", r.RawMs, r.Ratio, r.Figures)
		}
	})
}
