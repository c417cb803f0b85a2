package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// Known is what is stored under an identity: the occurrence with the lowest offset.
type Known struct {
	Partition int
	Offset    int64
	Payload   event.PayloadHash
	Kind      event.Kind
	// Time is the event's own time.
	Time time.Time
}

// AnyPartition asks [DB.LookupIdentities] about all partitions of the log.
const AnyPartition = -1

// versionOf turns "the lowest offset wins" into "the highest version wins", which is what ReplacingMergeTree keeps.
func versionOf(offset int64) uint64 { return math.MaxUint64 - uint64(offset) }

// LookupIdentities says which of the ids are stored. All occurrences of an event stand in one partition of the log,
// so naming the partition narrows the search and loses nothing. Before parts are merged an identity may have several
// rows; the lowest offset is taken.
func (db *DB) LookupIdentities(ctx context.Context, partition int, ids []event.Identity) (map[event.Identity]Known, error) {
	if len(ids) == 0 {
		return map[event.Identity]Known{}, nil
	}
	asked, err := identityTable(ids)
	if err != nil {
		return nil, fmt.Errorf("look up identities: %w", err)
	}
	const columns = `SELECT identity, toInt64(min(kafka_offset)) AS offset, argMin(payload, kafka_offset) AS payload,
	argMin(kind, kafka_offset) AS kind, argMin(time, kafka_offset) AS time, argMin(kafka_partition, kafka_offset) AS partition
FROM identities
WHERE identity IN asked`
	sql, args := columns, map[string]any(nil)
	if partition != AnyPartition {
		sql += " AND kafka_partition = {partition:UInt16}"
		args = map[string]any{"partition": partition}
	}
	var rows []struct {
		Identity  [16]byte  `ch:"identity"`
		Offset    int64     `ch:"offset"`
		Payload   [16]byte  `ch:"payload"`
		Kind      string    `ch:"kind"`
		Time      time.Time `ch:"time"`
		Partition uint16    `ch:"partition"`
	}
	if err := db.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(asked)), sql+" GROUP BY identity", args, &rows); err != nil {
		return nil, fmt.Errorf("look up identities: %w", err)
	}
	out := make(map[event.Identity]Known, len(rows))
	for _, r := range rows {
		out[r.Identity] = Known{
			Partition: int(r.Partition), Offset: r.Offset, Payload: r.Payload,
			Kind: event.Kind(r.Kind), Time: r.Time.UTC(),
		}
	}
	return out, nil
}

// CountIdentities is about how many identities of a partition of the log are stored: one that has several rows counts
// several times.
func (db *DB) CountIdentities(ctx context.Context, partition int) (int, error) {
	const sql = "SELECT count() AS n FROM identities WHERE kafka_partition = {partition:UInt16}"
	n, err := db.countRows(ctx, sql, map[string]any{"partition": partition})
	if err != nil {
		return 0, fmt.Errorf("count identities: %w", err)
	}
	return int(n), nil
}

// EachIdentity visits all identities of a partition of the log that are stored, in no order, some perhaps several times.
func (db *DB) EachIdentity(ctx context.Context, partition int, visit func(event.Identity)) error {
	const sql = "SELECT identity FROM identities WHERE kafka_partition = {partition:UInt16}"
	rows, err := db.conn.Query(ctx, sql, named(map[string]any{"partition": partition})...)
	if err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	var raw []byte
	for rows.Next() {
		if err := rows.Scan(&raw); err != nil {
			return errors.Join(fmt.Errorf("read identities: %w", err), rows.Close())
		}
		visit(event.Identity(raw))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	return nil
}

// InsertIdentities stores the identities of rows that [DB.InsertEvents] has stored: never before, since an identity
// without its row would make the event a duplicate of nothing.
func (db *DB) InsertIdentities(ctx context.Context, rows []event.Stored) error {
	byPartition := map[int]*identityBlock{}
	for i := range rows {
		r := &rows[i]
		b := byPartition[r.Receipt.Partition]
		if b == nil {
			b = newIdentityBlock(len(rows))
			byPartition[r.Receipt.Partition] = b
		}
		b.add(r)
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(parallelInserts)
	for _, b := range byPartition {
		all.Go(func() error { return db.sendBlock(ctx, "identities", &b.nativeBlock) })
	}
	return all.Wait()
}

// identityBlock collects the identities of one partition of the log.
type identityBlock struct{ nativeBlock }

func newIdentityBlock(rows int) *identityBlock {
	fixed := func(name, typ string, width int) nativeColumn {
		return nativeColumn{name: name, typ: typ, bytes: make([]byte, 0, rows*width)}
	}
	return &identityBlock{nativeBlock{columns: []nativeColumn{
		fixed("kafka_partition", "UInt16", 2),
		fixed("identity", "FixedString(16)", 16),
		fixed("version", "UInt64", 8),
		fixed("kafka_offset", "UInt64", 8),
		fixed("payload", "FixedString(16)", 16),
		{name: "workspace", typ: "LowCardinality(String)", words: newDictionary(rows)},
		{name: "kind", typ: "LowCardinality(String)", words: newDictionary(rows)},
		fixed("time", "DateTime64(3, 'UTC')", 8),
	}}}
}

func (b *identityBlock) add(r *event.Stored) {
	b.rows++
	c := b.columns
	c[0].uint16(uint16(r.Receipt.Partition))
	c[1].bytes = append(c[1].bytes, r.Identity[:]...)
	c[2].uint64(versionOf(r.Receipt.Offset))
	c[3].uint64(uint64(r.Receipt.Offset))
	c[4].bytes = append(c[4].bytes, r.Payload[:]...)
	c[5].words.add(r.Workspace)
	c[6].words.add(string(r.Kind))
	c[7].int64(r.Time.UnixMilli())
}

// identityTable is a table that travels with a query, under the name asked: column identity.
func identityTable(ids []event.Identity) (*ext.Table, error) {
	table, err := ext.NewTable("asked", ext.Column("identity", "FixedString(16)"))
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := table.Append(id[:]); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// textTable is a table that travels with a query: column value.
func textTable(name string, values []string) (*ext.Table, error) {
	table, err := ext.NewTable(name, ext.Column("value", "String"))
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if err := table.Append(v); err != nil {
			return nil, err
		}
	}
	return table, nil
}
