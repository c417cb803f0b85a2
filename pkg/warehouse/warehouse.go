// Package warehouse is our side of ClickHouse: it opens it, brings its schema up to date, inserts what the loader
// loads, keeps the rollups, and runs the queries of those who read.
//
// It knows how rows are stored and how several of them become one (the copies of an event, its corrections and
// voids, the generations of a rollup), so that nobody else has to. It does not know what a number means: metrics are
// defined elsewhere and only pass their SQL through here. It never retries: who calls knows whether to.
package warehouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/event"
)

// DB is an open warehouse. It is safe for concurrent use.
type DB struct {
	cfg  Config
	conn driver.Conn

	mu sync.Mutex
	// complete is the latest watermark that was given out: it never goes back.
	complete time.Time
}

// Open connects and waits for the first answer. Blocks travel compressed (LZ4), and inserts are acknowledged when
// they are in the table: asynchronous inserts are off.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	opts, err := cfg.Options()
	if err != nil {
		return nil, fmt.Errorf("open warehouse: %w", err)
	}
	if cfg.InsertTimeout == 0 {
		cfg.InsertTimeout = 20 * time.Second
	}
	if cfg.RollTimeout == 0 {
		cfg.RollTimeout = 5 * time.Minute
	}
	if cfg.SegmentRows == 0 {
		cfg.SegmentRows = defaultSegmentRows
	}
	opts.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	// Each connection keeps what it has compressed at once, twice, for the next block.
	opts.MaxCompressionBuffer = 1 << 20
	if opts.Settings == nil {
		opts.Settings = clickhouse.Settings{}
	}
	opts.Settings["async_insert"] = 0
	// A roll writes many months at once.
	opts.Settings["max_partitions_per_insert_block"] = 0
	// Copies of a row have one day and so are in one partition, of every table that FINAL reads.
	opts.Settings["do_not_merge_across_partitions_select_final"] = 1
	// Overflow of a product must fail, not wrap.
	opts.Settings["decimal_check_overflow"] = 1
	// "This query needs that table" must hold for what was inserted through another connection of a cluster, too.
	opts.Settings["select_sequential_consistency"] = 1
	opts.MaxOpenConns, opts.MaxIdleConns = 16, 8
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("open warehouse: %w", err)
	}
	if err := conn.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open warehouse: %w", err), conn.Close())
	}
	return &DB{cfg: cfg, conn: conn}, nil
}

// Close closes all connections.
func (db *DB) Close() error { return db.conn.Close() }

// Ping asks whether the warehouse answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.conn.Ping(ctx); err != nil {
		return fmt.Errorf("ping warehouse: %w", err)
	}
	return nil
}

// Query runs sql with named parameters, written {name:Type}, and appends the rows to dest, a pointer to a slice of
// structs with `ch` tags, one for each column. Decimals scan into decimal.Decimal, nullable columns into pointers,
// FixedString(16) into [16]byte. Days and lists of days may be passed as event.Day; the parameter of a time.Time is of
// type DateTime64(3, 'UTC').
func (db *DB) Query(ctx context.Context, sql string, args map[string]any, dest any) error {
	rows := reflect.ValueOf(dest).Elem()
	before := rows.Len()
	err := onOpenConnection(ctx, func() bool { return rows.Len() == before }, func() error {
		return db.conn.Select(ctx, dest, sql, named(args)...)
	})
	if err != nil {
		return fmt.Errorf("query warehouse: %w", err)
	}
	return nil
}

// countRows runs a query for one number, which it names n; 0 where it has no row.
func (db *DB) countRows(ctx context.Context, sql string, args map[string]any) (uint64, error) {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Query(ctx, sql, args, &rows); err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].N, nil
}

// exec runs a statement without rows.
func (db *DB) exec(ctx context.Context, sql string, args map[string]any) error {
	return db.conn.Exec(ctx, sql, named(args)...)
}

// named makes parameters of a map; types of ours become texts that ClickHouse reads.
func named(args map[string]any) []any {
	out := make([]any, 0, len(args))
	for name, value := range args {
		switch v := value.(type) {
		case event.Day:
			value = v.String()
		case []event.Day:
			value = dayTexts(v)
		case event.Time:
			value = timeText(v.Time)
		case time.Time:
			value = timeText(v)
		case event.Kind:
			value = string(v)
		}
		out = append(out, clickhouse.Named(name, value))
	}
	return out
}

// timeText is a time as a parameter of type DateTime64(3, 'UTC'). The client itself would write seconds since 1970,
// which the server misreads where they have fewer than ten digits: before September 2001.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

func dayTexts(days []event.Day) []string {
	out := make([]string, len(days))
	for i, d := range days {
		out[i] = d.String()
	}
	return out
}

// send inserts one block: fill appends all rows between opening and sending the batch, and does nothing else there,
// since an open batch holds a connection. Send happens once; a failed batch is closed and never sent again.
func (db *DB) send(ctx context.Context, table string, columns []string, fill func(driver.Batch) error) error {
	ctx, done := db.insertContext(ctx)
	defer done()
	batch, err := db.open(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+")")
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	if err := fill(batch); err != nil {
		return errors.Join(fmt.Errorf("insert into %s: %w", table, err), batch.Close())
	}
	if err := errors.Join(batch.Send(), batch.Close()); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// settle is how long the context of an insert outlives the insert. While a batch is sent the client watches its context,
// and closes the connection when that ends; where it ends just when the batch was sent, the client may still do so, and
// the connection is somebody else's by then.
const settle = time.Second

// insertContext is the context of one insert: it ends after the time that an insert may take, or with ctx while the
// insert runs. done says that the insert does not run any more.
func (db *DB) insertContext(ctx context.Context) (insert context.Context, done func()) {
	insert, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.cfg.InsertTimeout)
	stop := context.AfterFunc(ctx, cancel)
	return insert, func() {
		stop()
		time.AfterFunc(settle, cancel)
	}
}

// openTries is how many connections are tried where each turns out to be closed.
const openTries = 3

// onOpenConnection does something, and again while it finds its connection closed and has done nothing yet. The client closes
// a connection when the context of its last use ends, and may do so after it has given the connection back: the next
// user then finds it closed.
func onOpenConnection(ctx context.Context, untouched func() bool, do func() error) error {
	for tries := 1; ; tries++ {
		err := do()
		if err == nil || tries == openTries || ctx.Err() != nil || !errors.Is(err, net.ErrClosed) || !untouched() {
			return err
		}
	}
}

// open opens a batch; until it is open, nothing was sent.
func (db *DB) open(ctx context.Context, insert string) (batch driver.Batch, err error) {
	err = onOpenConnection(ctx, func() bool { return true }, func() error {
		batch, err = db.conn.PrepareBatch(ctx, insert)
		return err
	})
	return batch, err
}

// appendColumns hands whole columns to a batch, in the order in which the insert names them.
func appendColumns(batch driver.Batch, columns ...any) error {
	for i, values := range columns {
		if err := batch.Column(i).Append(values); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// column collects one value of each row.
func column[R, V any](rows []R, value func(*R) V) []V {
	out := make([]V, len(rows))
	for i := range rows {
		out[i] = value(&rows[i])
	}
	return out
}
