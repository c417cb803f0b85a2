package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
)

// StoredRows tells of which events the raw row is stored, from the same place in the log and with the same content: an
// earlier attempt at their chunk has come as far as [DB.InsertRaw], and perhaps not to [DB.InsertIdentities].
func (db *DB) StoredRows(ctx context.Context, events []event.Stored) (map[event.Identity]bool, error) {
	type place struct {
		workspace string
		kind      event.Kind
	}
	groups := map[place]map[event.Identity]event.Stored{}
	for _, e := range events {
		at := place{e.Workspace, e.Kind}
		if groups[at] == nil {
			groups[at] = map[event.Identity]event.Stored{}
		}
		groups[at][e.Identity] = e
	}
	out := map[event.Identity]bool{}
	for at, group := range groups {
		if err := db.storedRows(ctx, at.workspace, at.kind, group, out); err != nil {
			return nil, fmt.Errorf("look for raw rows of %s: %w", at.kind, err)
		}
	}
	return out, nil
}

// storedRows adds those of one workspace and kind.
func (db *DB) storedRows(ctx context.Context, workspace string, kind event.Kind, group map[event.Identity]event.Stored, out map[event.Identity]bool) error {
	spec, ok := event.Lookup(kind)
	if !ok {
		return fmt.Errorf("no kind %q", kind)
	}
	asked, err := identityTable(slices.Collect(maps.Keys(group)))
	if err != nil {
		return err
	}
	days := map[event.Day]bool{}
	for _, e := range group {
		days[event.DayOf(e.Time)] = true
	}
	var rows []struct {
		Identity  [16]byte `ch:"identity"`
		Partition uint16   `ch:"kafka_partition"`
		Offset    uint64   `ch:"kafka_offset"`
		Payload   [16]byte `ch:"payload"`
	}
	// The days keep it from reading the whole table.
	sql := "SELECT identity, kafka_partition, kafka_offset, payload FROM " + spec.Table +
		" WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)} AND identity IN asked"
	args := map[string]any{"workspace": workspace, "days": slices.Collect(maps.Keys(days))}
	if err := db.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(asked)), sql, args, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		e := group[r.Identity]
		if int(r.Partition) == e.Receipt.Partition && int64(r.Offset) == e.Receipt.Offset && r.Payload == e.Payload {
			out[r.Identity] = true
		}
	}
	return nil
}
