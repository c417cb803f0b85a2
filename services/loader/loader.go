// Package loader moves events from the log into the warehouse, each exactly once, and keeps the rollups equal to what
// is stored.
//
// It consumes five topics: events (checked against what is stored, inserted), marks (days to roll anew), registry,
// rejected and audit (copied into their tables). Of each it commits an offset only after everything that follows from the
// messages is durable, so that a crash at any point repeats work and loses none; what is repeated is recognised by
// identity and changes nothing. The steps and their order are in steps.go, with the reason for the order.
//
// It does not validate events, which the collector has done, and it computes no metric.
package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// Config says what a loader works on. Zero values are the defaults.
type Config struct {
	// Listen is where health and metrics are served, if the loader runs on its own.
	Listen string            `name:"listen" default:"127.0.0.1:8082" help:"address to listen on, host:port"`
	TLS    process.TLSConfig `name:"tls"`
	Log    process.LogConfig `name:"log"`

	Bus       bus.Config       `name:"kafka"`
	Warehouse warehouse.Config `name:"clickhouse"`

	// ChunkMessages and ChunkBytes bound what is taken from a partition at once, ChunksInHand how many large chunks are
	// there at once, and so the memory: about four times ChunkBytes for each of them.
	ChunkMessages int   `name:"chunk-messages" default:"20000" help:"most messages of a chunk, below 500000"`
	ChunkBytes    int64 `name:"chunk-bytes" default:"33554432" help:"most bytes of a chunk, at most 128 MiB"`
	ChunksInHand  int   `name:"chunks-in-hand" default:"2" help:"most chunks over a megabyte that are loaded at once"`
	// Linger is how far the chunks of a partition are apart at least: an event after a silence is loaded at once. Each
	// chunk is a part of two tables at least, and ClickHouse merges parts in the background: at a trickle over all
	// partitions, a quarter of a second means four dozen a second.
	Linger time.Duration `name:"linger" default:"250ms" help:"how far the chunks of a partition are apart at least"`
	// RollLinger is how far two rolls are apart at least.
	RollLinger time.Duration `name:"roll-linger" default:"250ms" help:"how far two rolls are apart at least"`
	// NoRoll leaves the rolling of days to other loaders: one that only loads has more of the machine for it.
	NoRoll bool `name:"no-roll" help:"load only, and leave the rolling of days to other loaders"`
	// RawRetention is how long raw rows are kept; 0 is for ever. Days that lie further back are sealed: their numbers stay
	// as they are, and events for them are refused.
	RawRetention time.Duration `name:"raw-retention" help:"how long raw rows are kept, such as 9600h (400 days); 0 is for ever"`
	// Secret finds erased persons in raw bytes; erasures wait where it is not the collector's.
	Secret event.Secret `name:"secret" help:"key of the hashes of persons, the same as the collector's: erasing a person needs it"`
	// ErasePause is the time between the two passes of erasing a person, and after which nobody reads a superseded rollup any
	// more. 0 is as long as the slowest loader and reader may take; tests take less.
	ErasePause time.Duration
	// Session is how long a loader may be silent before its partitions go to another one.
	Session time.Duration `name:"session" default:"10s" help:"how long a loader may be silent before others take over"`
}

const (
	defaultLinger = 250 * time.Millisecond
	defaultChunk  = 20_000
	defaultInHand = 2
	sweepEvery    = 10 * time.Minute
	// probeLife is how long an answer of readiness, which really writes, is good.
	probeLife = 3 * time.Second
)

// The consumer groups.
const (
	groupLoader   = "loader"
	groupRoller   = "roller"
	groupRegistry = "registry-loader"
	groupRejected = "reject-loader"
	groupAudit    = "audit-loader"
)

// Memory is for a process that is a loader and nothing else: what it keeps is a few chunks of messages and their rows, and without a
// goal the garbage of as many again stays beside them.
func Memory() process.Memory { return process.Memory{Goal: 200 << 20} }

// Run loads until ctx ends. With a mount it registers health, metrics and its loops there and returns, so that
// several services share one listener; with nil it serves them itself at cfg.Listen.
func Run(ctx context.Context, cfg Config, mount *process.Mount) error {
	if mount != nil {
		return register(ctx, cfg, mount)
	}
	server := process.Server{Addr: cfg.Listen, TLS: cfg.TLS, Log: process.NewLogger(os.Stderr, cfg.Log)}
	return server.Run(ctx, func(m *process.Mount) error { return register(ctx, cfg, m) })
}

func register(ctx context.Context, cfg Config, mount *process.Mount) error {
	l, err := open(ctx, cfg, mount)
	if err != nil {
		return fmt.Errorf("start loader: %w", err)
	}
	l.start(mount)
	return nil
}

// open opens everything that a loader needs, and brings the schema and the topics up to date.
func open(ctx context.Context, cfg Config, mount *process.Mount) (*loader, error) {
	if err := ValidRetention(cfg.RawRetention); err != nil {
		return nil, err
	}
	cfg.ChunkMessages, cfg.ChunksInHand = cmp.Or(cfg.ChunkMessages, defaultChunk), cmp.Or(cfg.ChunksInHand, defaultInHand)
	cfg.Linger, cfg.RollLinger = cmp.Or(cfg.Linger, defaultLinger), cmp.Or(cfg.RollLinger, defaultLinger)
	db, err := warehouse.Await(ctx, cfg.Warehouse, mount.Log)
	if err != nil {
		return nil, err
	}
	mount.OnStop("warehouse of the loader", func(context.Context) error { return db.Close() })
	if err := bus.Await(ctx, cfg.Bus, mount.Log); err != nil {
		return nil, err
	}
	// Services that share a mount each have consumers.
	busMetrics := bus.NewMetrics(prometheus.WrapRegistererWith(prometheus.Labels{"service": "loader"}, mount.Metrics))
	l := &loader{
		cfg: cfg, db: db, log: mount.Log.With("service", "loader"),
		marks: bus.NewProducer(cfg.Bus, bus.Marks), rejected: bus.NewProducer(cfg.Bus, bus.Rejected),
		registry: bus.NewProducer(cfg.Bus, bus.Registry), audit: bus.NewProducer(cfg.Bus, bus.Audit), erased: newErased(db, cfg.Secret),
		seal:    &seals{db: db, retention: cfg.RawRetention, now: time.Now},
		metrics: newMetrics(mount.Metrics), busMetrics: busMetrics,
	}
	l.seen = newSeen(db)
	l.together = newTogether(l.store)
	l.progress = newProgress(db, l.log, cfg.Bus.PartitionCount())
	mount.OnStop("producers of the loader", func(context.Context) error {
		return errors.Join(l.marks.Close(), l.rejected.Close(), l.registry.Close(), l.audit.Close())
	})
	prober := bus.NewProber(cfg.Bus)
	mount.OnStop("prober of the loader", func(context.Context) error { prober.Close(); return nil })
	mount.Health.Add("warehouse", process.Cached(probeLife, db.Probe))
	mount.Health.Add("broker", process.Cached(probeLife, prober.Check))
	return l, nil
}

// loader is a running loader.
type loader struct {
	cfg        Config
	db         *warehouse.DB
	log        *slog.Logger
	marks      *bus.Producer
	rejected   *bus.Producer
	registry   *bus.Producer
	audit      *bus.Producer
	erased     *erased
	seal       *seals
	seen       *seen
	together   *together
	progress   *progress
	metrics    *metrics
	busMetrics *bus.Metrics
	// after is called when a step of a chunk is done; an error from it is a crash at that point. Only tests set it.
	after func(step string) error
}

// start registers the loops.
func (l *loader) start(mount *process.Mount) {
	mount.Go("load events", func(ctx context.Context) error {
		return l.consumeEvents(ctx)
	})
	if !l.cfg.NoRoll {
		mount.Go("mark days of older rollups", l.reshape)
		mount.Go("roll marks", func(ctx context.Context) error {
			return l.consume(ctx, groupRoller, bus.Marks, warehouse.StreamMarks, l.cfg.RollLinger, l.rollChunk)
		})
	}
	mount.Go("load registry", func(ctx context.Context) error {
		return l.consume(ctx, groupRegistry, bus.Registry, warehouse.StreamRegistry, l.cfg.Linger, l.registryChunk)
	})
	mount.Go("load rejects", func(ctx context.Context) error {
		return l.consume(ctx, groupRejected, bus.Rejected, warehouse.StreamRejected, l.cfg.Linger, l.rejectedChunk)
	})
	mount.Go("load audit log", func(ctx context.Context) error {
		return l.consume(ctx, groupAudit, bus.Audit, warehouse.StreamAudit, l.cfg.Linger, l.auditChunk)
	})
	mount.Go("record progress", l.progress.run)
	mount.Go("sweep rollups", l.sweep)
	mount.Go("erase persons", l.eraseLoop)
	mount.Go("seal days", l.sealLoop)
}

// consumeEvents runs the consumer group that loads events.
func (l *loader) consumeEvents(ctx context.Context) error {
	cc := l.consumer(groupLoader, bus.Events, warehouse.StreamEvents, l.cfg.Linger)
	cc.Parallel = l.cfg.ChunksInHand
	cc.Assigned = l.seen.assigned
	return bus.ConsumeRecords(ctx, l.cfg.Bus, cc, func(ctx context.Context, c bus.Records) error {
		if err := l.loadChunk(ctx, c); err != nil {
			return err
		}
		l.progress.handled(warehouse.StreamEvents, c.Partition, c.Last+1, c.Records[len(c.Records)-1].Appended())
		return nil
	})
}

// consume runs one consumer group. Progress is told after the chunk is handled and before its offset is committed,
// which is early by nothing that matters: all that it claims is done.
func (l *loader) consume(ctx context.Context, group string, topic bus.Name, stream string, linger time.Duration, handle func(context.Context, bus.Chunk) error) error {
	return bus.Consume(ctx, l.cfg.Bus, l.consumer(group, topic, stream, linger), func(ctx context.Context, c bus.Chunk) error {
		if err := handle(ctx, c); err != nil {
			return err
		}
		l.progress.handled(stream, c.Partition, c.Last+1, c.Messages[len(c.Messages)-1].Time)
		return nil
	})
}

func (l *loader) consumer(group string, topic bus.Name, stream string, linger time.Duration) bus.ConsumeConfig {
	return bus.ConsumeConfig{
		Group: group, Topic: topic, MaxMessages: l.cfg.ChunkMessages, MaxBytes: l.cfg.ChunkBytes, Linger: linger,
		Session: l.cfg.Session, Log: l.log, Metrics: l.busMetrics,
		Idle: func(partition int, next int64, at time.Time) { l.progress.idle(stream, partition, next, at) },
	}
}

// sweep deletes superseded rollups now and then. Several loaders may do so at once.
func (l *loader) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := l.db.Sweep(ctx); err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "sweep failed", "error", err)
			}
		}
	}
}
