// Package bench measures how fast this installation is, always beside a yardstick in the same run: machines differ
// and are noisy, a ratio is less so. It checks that what it measured was also right (every event is in the log, every
// row is in its table), and returns figures; it prints nothing.
//
// What is measured is the product itself, through the same doors that others use. The package knows no shortcut.
package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded"
	"plumbline/pkg/warehouse"
)

// Config says what to measure with. The zero value measures embedded engines in a temporary folder, with the number of
// events that each benchmark finds enough.
type Config struct {
	// Dir is a folder for the data of embedded engines, which is left behind; empty is a temporary one, which is removed.
	Dir string
	// Events is how many events one round has; 0 is the benchmark's own choice.
	Events int
	// Seed makes the invented events repeatable.
	Seed uint64
	// Kafka and ClickHouse are outside engines (host:port; clickhouse://user:password@host:port/database); where they are
	// empty, embedded engines are started. Topics and databases of a benchmark are its own, and removed afterwards.
	Kafka      []string
	ClickHouse string
	// KafkaSecurity and ClickHouseSecurity are how outside engines are connected to.
	KafkaSecurity      bus.Security
	ClickHouseSecurity warehouse.Security
	// Short measures little: it shows that the benchmark runs, its figures mean nothing.
	Short bool
	// Lasting is how long the load of [Freshness] lasts, and Share which part of the full load it is; 0 are its own choices.
	Lasting time.Duration
	Share   float64
	// Whole lets [Freshness] read the whole scorecard for its one number.
	Whole bool
	// Sizes are how many events [Scorecard] measures at, ascending; Requests is how many of each kind it times, and Days how
	// long the history is. Zero values are its own choices.
	Sizes          []int
	Requests, Days int
	// Progress, if not nil, is told how many of all events (of all rounds) are through. It is called from one goroutine
	// at a time.
	Progress func(done, total int)
}

// events chooses how many events a round has.
func (c Config) events(long, short int) int {
	switch {
	case c.Events > 0:
		return c.Events
	case c.Short:
		return short
	}
	return long
}

// progress tells how far the benchmark is.
func (c Config) progress(done, total int) {
	if c.Progress != nil {
		c.Progress(done, total)
	}
}

// engineStop is how long embedded engines have to stop, and outside ones to forget the benchmark.
const engineStop = 15 * time.Second

// place is where a benchmark runs: engines, with names of its own in them.
type place struct {
	dir       string
	bus       bus.Config
	warehouse warehouse.Config

	temporary bool
	services  []*service
	broker    *embedded.Broker
	database  *embedded.Database
	// drop is the database to drop in an outside ClickHouse.
	drop string
}

// openPlace starts the engines that are not given: the broker always, the database where it is wanted. Whoever got a
// place closes it.
func openPlace(ctx context.Context, cfg Config, database bool) (_ *place, err error) {
	p := &place{dir: cfg.Dir, bus: bus.Config{Brokers: cfg.Kafka, Prefix: "plumbline-bench-" + unique(), Security: cfg.KafkaSecurity}}
	if len(cfg.Kafka) == 0 && cfg.KafkaSecurity != (bus.Security{}) || cfg.ClickHouse == "" && cfg.ClickHouseSecurity != (warehouse.Security{}) {
		return nil, errors.New("how to connect is told for an engine that is not named: name it with --kafka or --clickhouse, or leave that out")
	}
	if p.dir == "" {
		p.temporary = true
		if p.dir, err = os.MkdirTemp("", "plumbline-bench-"); err != nil {
			return nil, fmt.Errorf("make a folder for the benchmark: %w", err)
		}
	}
	var g errgroup.Group
	if len(cfg.Kafka) == 0 {
		g.Go(func() (err error) {
			p.broker, err = embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: filepath.Join(p.dir, "kafka")})
			return err
		})
	}
	if database && cfg.ClickHouse == "" {
		g.Go(func() (err error) {
			p.database, err = embedded.StartDatabase(ctx, embedded.DatabaseConfig{Dir: filepath.Join(p.dir, "clickhouse")})
			return err
		})
	}
	err = g.Wait()
	if err == nil && database && cfg.ClickHouse != "" {
		err = p.create(ctx, warehouse.Config{DSN: cfg.ClickHouse, Security: cfg.ClickHouseSecurity})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start engines: %w", err), p.close(ctx))
	}
	if p.broker != nil {
		p.bus.Brokers = p.broker.Addrs()
	}
	if p.database != nil {
		p.warehouse.DSN = p.database.DSN()
	}
	return p, nil
}

// create makes a database of the benchmark's own beside the one that the DSN names.
func (p *place) create(ctx context.Context, at warehouse.Config) error {
	name := "plumbline_bench_" + unique()
	if err := execute(ctx, at, "CREATE DATABASE "+name); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	own, err := url.Parse(at.DSN)
	if err != nil {
		return fmt.Errorf("read address of ClickHouse: %w", err)
	}
	own.Path = "/" + name
	at.DSN = own.String()
	p.drop, p.warehouse = name, at
	return nil
}

// close stops the embedded engines and removes what the benchmark has left, also after ctx has ended.
func (p *place) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	var errs []error
	for _, s := range p.services {
		errs = append(errs, s.Stop(ctx))
	}
	if p.broker == nil && len(p.bus.Brokers) > 0 {
		errs = append(errs, deleteTopics(ctx, p.bus))
	}
	if p.drop != "" {
		errs = append(errs, execute(ctx, p.warehouse, "DROP DATABASE "+p.drop+" SYNC"))
	}
	if p.broker != nil {
		errs = append(errs, p.broker.Stop(ctx))
	}
	if p.database != nil {
		errs = append(errs, p.database.Stop(ctx))
	}
	if p.temporary {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(errs...)
}

// deleteTopics removes the benchmark's topics from an outside broker.
func deleteTopics(ctx context.Context, cfg bus.Config) error {
	transport := cfg.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var topics []string
	for _, t := range meta.Topics {
		if strings.HasPrefix(t.Name, cfg.Prefix+".") {
			topics = append(topics, t.Name)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	res, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	var errs []error
	for topic, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			errs = append(errs, fmt.Errorf("delete topic %s: %w", topic, err))
		}
	}
	return errors.Join(errs...)
}

// unique is a name that no other run has.
func unique() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}
