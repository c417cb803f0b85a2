package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// freshDatabase is the place with a database of one round.
func (p *place) freshDatabase(ctx context.Context) (own *place, drop func(context.Context) error, err error) {
	name := "plumbline_bench_" + unique()
	if err := execute(ctx, p.warehouse, "CREATE DATABASE "+name); err != nil {
		return nil, nil, fmt.Errorf("create database: %w", err)
	}
	dsn, err := url.Parse(p.warehouse.DSN)
	if err != nil {
		return nil, nil, fmt.Errorf("read address of ClickHouse: %w", err)
	}
	dsn.Path = "/" + name
	round := *p
	round.services, round.warehouse.DSN = nil, dsn.String()
	return &round, func(ctx context.Context) error {
		return execute(ctx, p.warehouse, "DROP DATABASE "+name+" SYNC")
	}, nil
}

// engineCanRead tells whether ClickHouse's own Kafka engine can read the topic: how it connects stands in the server's
// configuration, which is not ours to write.
func (c Config) engineCanRead() error {
	if c.KafkaSecurity.TLS || c.KafkaSecurity.SASL != "" {
		return errors.New("the benchmark of the loader compares with ClickHouse's own Kafka engine, which cannot be told here how to connect by TLS or SASL: name brokers without, or leave --kafka out")
	}
	return nil
}

// contents says what is in the raw tables: how many rows, and a sum that differs where any value of any row does.
type contents struct {
	Rows uint64
	Sum  uint64
}

// readContents reads the raw tables.
func readContents(ctx context.Context, at warehouse.Config) (out contents, err error) {
	err = withConnection(at, func(c driver.Conn) error {
		for _, k := range trafficKinds() {
			spec, _ := event.Lookup(k)
			var table contents
			row := c.QueryRow(ctx, "SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM "+spec.Table+" FINAL")
			if err := row.Scan(&table.Rows, &table.Sum); err != nil {
				return err
			}
			out.Rows, out.Sum = out.Rows+table.Rows, out.Sum+table.Sum
		}
		return nil
	})
	if err != nil {
		return contents{}, fmt.Errorf("read back the tables: %w", err)
	}
	return out, nil
}

// runKafkaEngine has ClickHouse's own Kafka table engine store the topic: one queue table with several consumers, and a
// materialised view for each kind into the very tables that the loader fills, so that columns, engine and settings,
// the fsync among them, are equal.
func runKafkaEngine(ctx context.Context, p *place, n int) (out loading, err error) {
	group := "bench-engine-" + unique()
	err = withConnection(p.warehouse, func(c driver.Conn) error {
		// A queue begins with its first view, and only the views that are there see a message: so the views are made on a
		// queue of another, empty topic, whose place the real one then takes.
		statements := []string{p.queueTable(p.bus.Topic(bus.Inbox), group+"-empty")}
		for _, k := range trafficKinds() {
			statements = append(statements, queueView(k))
		}
		statements = append(statements, "DROP TABLE queue SYNC")
		for _, s := range statements {
			if err := c.Exec(ctx, s); err != nil {
				return fmt.Errorf("set up the queue: %w", err)
			}
		}
		before, started := p.enginesCPU(), time.Now()
		if err := c.Exec(ctx, p.queueTable(topicOf(p.bus), group)); err != nil {
			return fmt.Errorf("create the queue: %w", err)
		}
		out.rate, err = watchGroup(ctx, p.bus, group, n, started)
		out.cpu = perRow(p.enginesCPU()-before, n)
		return errors.Join(err, c.Exec(context.WithoutCancel(ctx), "DROP TABLE queue SYNC"))
	})
	return out, err
}

// queueTable reads the topic: two consumers, as many as the machine has cores, each with a thread and an insert of its
// own. Values are taken whole, because the engine runs its parser for each message alone, which costs it more than all the
// rest, the more the more columns there are; the views then parse whole blocks. LOADER.md has the figures.
func (p *place) queueTable(topic, group string) string {
	return fmt.Sprintf(`CREATE TABLE queue (message String) ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s',
	kafka_group_name = '%s', kafka_format = 'RawBLOB', kafka_num_consumers = 2, kafka_thread_per_consumer = 1,
	kafka_max_block_size = 65536, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000`,
		strings.Join(p.bus.Brokers, ","), topic, group)
}

// queueView copies the messages of one kind into its raw table.
func queueView(k event.Kind) string {
	spec, _ := event.Lookup(k)
	header := func(name string) string { return "_headers.value[indexOf(_headers.name, '" + name + "')]" }
	at := "toDateTime64(substring(" + header(event.HeaderTime) + ", 1, 23), 3, 'UTC')"
	columns := []string{
		header(event.HeaderWorkspace) + " AS workspace", "toDate32(" + at + ") AS day", "toFixedString(_key, 16) AS identity",
		"18446744073709551615 - _offset AS version", at + " AS time", "assumeNotNull(_timestamp_ms) AS received_at",
		header(event.HeaderSource) + " AS source", header(event.HeaderID) + " AS id", header(event.HeaderSubject) + " AS subject",
		header(event.HeaderSchema) + " AS dataschema", "CAST(map(), 'Map(String, String)') AS extensions",
		"toUInt16(_partition) AS kafka_partition", "_offset AS kafka_offset",
		"toFixedString(" + header(event.HeaderPayload) + ", 16) AS payload",
	}
	var fields []string
	for _, c := range event.Columns(k) {
		if c.Field == "touches" { // a list, kept as JSON
			columns = append(columns, "if(JSONHas(message, 'touches'), JSONExtractRaw(message, 'touches'), '[]') AS touches")
			continue
		}
		fields = append(fields, c.Field+" "+strings.ReplaceAll(c.Type, "LowCardinality(String)", "String"))
		columns = append(columns, fmt.Sprintf("tupleElement(data, '%s') AS `%s`", c.Field, c.Name))
	}
	parsed := "JSONExtract(message, 'Tuple(" + strings.ReplaceAll(strings.Join(fields, ", "), "'", `\'`) + ")')"
	return fmt.Sprintf("CREATE MATERIALIZED VIEW queue_%s TO %s AS WITH %s AS data SELECT %s FROM queue WHERE %s = '%s'",
		k, spec.Table, parsed, strings.Join(columns, ", "), header(event.HeaderType), k.Type())
}
