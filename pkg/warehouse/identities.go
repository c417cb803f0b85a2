package warehouse

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
	asked, err := identityTable("asked", ids)
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

// InsertIdentities stores the identities of rows that [DB.InsertRaw] has stored: never before, since an identity
// without its row would make the event a duplicate of nothing.
func (db *DB) InsertIdentities(ctx context.Context, rows []event.Stored) error {
	byPartition := map[int][]event.Stored{}
	for _, r := range rows {
		byPartition[r.Receipt.Partition] = append(byPartition[r.Receipt.Partition], r)
	}
	columns := []string{"kafka_partition", "identity", "version", "kafka_offset", "payload", "workspace", "kind", "time"}
	for partition, rows := range byPartition {
		err := db.send(ctx, "identities", columns, func(b driver.Batch) error {
			return appendColumns(
				b,
				column(rows, func(*event.Stored) uint16 { return uint16(partition) }),
				column(rows, func(r *event.Stored) []byte { return r.Identity[:] }),
				column(rows, func(r *event.Stored) uint64 { return versionOf(r.Receipt.Offset) }),
				column(rows, func(r *event.Stored) uint64 { return uint64(r.Receipt.Offset) }),
				column(rows, func(r *event.Stored) []byte { return r.Payload[:] }),
				column(rows, func(r *event.Stored) string { return r.Workspace }),
				column(rows, func(r *event.Stored) string { return string(r.Kind) }),
				column(rows, func(r *event.Stored) time.Time { return r.Time }),
			)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// identityTable is a table that travels with a query: column identity.
func identityTable(name string, ids []event.Identity) (*ext.Table, error) {
	table, err := ext.NewTable(name, ext.Column("identity", "FixedString(16)"))
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
