package standalone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded"
	"plumbline/pkg/warehouse"
)

// engines are the broker and the database: embedded ones, or the addresses of others.
type engines struct {
	bus       bus.Config
	warehouse warehouse.Config
	// broker and database are nil where the engine is an outside one.
	broker   *embedded.Broker
	database *embedded.Database
}

// startEngines starts what is not given, both at once.
func startEngines(ctx context.Context, cfg Config, say func(string, ...any)) (*engines, error) {
	e := &engines{
		bus:       bus.Config{Brokers: cfg.Kafka, Prefix: cfg.Prefix, Security: cfg.KafkaSecurity},
		warehouse: warehouse.Config{DSN: cfg.ClickHouse, Security: cfg.ClickHouseSecurity},
	}
	var g errgroup.Group
	if len(cfg.Kafka) == 0 {
		say("starting the embedded broker")
		g.Go(func() (err error) {
			e.broker, err = embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: filepath.Join(cfg.Data, "kafka")})
			return err
		})
	}
	if cfg.ClickHouse == "" {
		say("starting the embedded database")
		g.Go(func() (err error) {
			e.database, err = embedded.StartDatabase(ctx, embedded.DatabaseConfig{Dir: filepath.Join(cfg.Data, "clickhouse")})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
		defer cancel()
		return nil, errors.Join(err, e.stop(stop))
	}
	if e.broker != nil {
		e.bus.Brokers = e.broker.Addrs()
	}
	if e.database != nil {
		e.warehouse.DSN = e.database.DSN()
	}
	return e, nil
}

// watch returns an error when the embedded database ends by itself: nothing works without it.
func (e *engines) watch(ctx context.Context) error {
	if e.database == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-e.database.Done():
		return fmt.Errorf("the embedded database ended: %w", e.database.Err())
	}
}

// stop stops the embedded engines, both at once.
func (e *engines) stop(ctx context.Context) error {
	var g errgroup.Group
	if e.broker != nil {
		g.Go(func() error { return e.broker.Stop(ctx) })
	}
	if e.database != nil {
		g.Go(func() error { return e.database.Stop(ctx) })
	}
	return g.Wait()
}
