package warehouse

import (
	"context"
	"fmt"

	"plumbline/pkg/event"
)

// HasRow tells whether the raw row of an event is stored, from the same place in the log and with the same content: an
// earlier attempt at its chunk has come as far as [DB.InsertRaw], and perhaps not to [DB.InsertIdentities].
func (db *DB) HasRow(ctx context.Context, e event.Stored) (bool, error) {
	spec, ok := event.Lookup(e.Kind)
	if !ok {
		return false, fmt.Errorf("look for a raw row: no kind %q", e.Kind)
	}
	sql := "SELECT count() AS n FROM " + spec.Table + ` WHERE workspace = {workspace:String} AND day = {day:Date32} AND source = {source:String}
	AND id = {id:String} AND kafka_partition = {partition:UInt16} AND kafka_offset = {offset:UInt64} AND lower(hex(payload)) = {payload:String}`
	args := map[string]any{
		"workspace": e.Workspace, "day": event.DayOf(e.Time), "source": e.Source, "id": e.ID,
		"partition": e.Receipt.Partition, "offset": e.Receipt.Offset, "payload": fmt.Sprintf("%x", e.Payload[:]),
	}
	n, err := db.countRows(ctx, sql, args)
	if err != nil {
		return false, fmt.Errorf("look for a raw row: %w", err)
	}
	return n > 0, nil
}
