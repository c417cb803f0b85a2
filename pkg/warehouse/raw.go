package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// envelopeColumns are those that every raw table begins with, in the order of [appendEnvelope].
func envelopeColumns() []string {
	return []string{
		"workspace", "day", "identity", "version", "time", "received_at", "source", "id", "subject", "dataschema",
		"extensions", "kafka_partition", "kafka_offset", "payload",
	}
}

// InsertRaw stores events of one kind, one block for each UTC month: an insert that spans partitions of a table is
// not atomic, so each of ours is one partition. Storing an event again writes the same row, which collapses.
func (db *DB) InsertRaw(ctx context.Context, kind event.Kind, rows []event.Stored) error {
	spec, ok := event.Lookup(kind)
	if !ok {
		return fmt.Errorf("insert raw: no kind %q", kind)
	}
	months := map[int][]event.Stored{}
	var order []int
	for _, r := range rows {
		if r.Kind != kind {
			return fmt.Errorf("insert raw: event of kind %q among %q", r.Kind, kind)
		}
		y, m, _ := r.Time.UTC().Date()
		month := y*12 + int(m)
		if months[month] == nil {
			order = append(order, month)
		}
		months[month] = append(months[month], r)
	}
	// A backfill has many months in a chunk, and each insert waits for the disk.
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(parallelInserts)
	for _, month := range order {
		all.Go(func() error { return db.insertMonth(ctx, spec, months[month]) })
	}
	return all.Wait()
}

// parallelInserts is how many months are inserted at a time.
const parallelInserts = 4

func (db *DB) insertMonth(ctx context.Context, spec event.Spec, rows []event.Stored) error {
	names := envelopeColumns()
	columns := event.Columns(spec.Kind)
	for _, c := range columns {
		names = append(names, c.Name)
	}
	targets := spec.Kind == event.KindVoid || spec.Kind == event.KindCorrect
	if targets {
		names = append(names, "target")
	}
	return db.send(ctx, spec.Table, names, func(b driver.Batch) error {
		if err := appendEnvelope(b, rows); err != nil {
			return err
		}
		for i, c := range columns {
			dst := b.Column(len(envelopeColumns()) + i)
			for r := range rows {
				if err := dst.AppendRow(c.Value(rows[r].Data)); err != nil {
					return fmt.Errorf("column %s: %w", c.Name, err)
				}
			}
		}
		if !targets {
			return nil
		}
		return b.Column(len(names) - 1).Append(column(rows, func(r *event.Stored) []byte {
			id, _ := TargetOf(r.Event)
			return id[:]
		}))
	})
}

func appendEnvelope(b driver.Batch, rows []event.Stored) error {
	return appendColumns(
		b,
		column(rows, func(r *event.Stored) string { return r.Workspace }),
		column(rows, func(r *event.Stored) time.Time { return event.DayOf(r.Time).Time }),
		column(rows, func(r *event.Stored) []byte { return r.Identity[:] }),
		column(rows, func(r *event.Stored) uint64 { return versionOf(r.Receipt.Offset) }),
		column(rows, func(r *event.Stored) time.Time { return r.Time }),
		column(rows, func(r *event.Stored) time.Time { return r.ReceivedAt }),
		column(rows, func(r *event.Stored) string { return r.Source }),
		column(rows, func(r *event.Stored) string { return r.ID }),
		column(rows, func(r *event.Stored) string { return r.Subject }),
		column(rows, func(r *event.Stored) string { return r.DataSchema }),
		column(rows, func(r *event.Stored) map[string]string { return r.Extensions }),
		column(rows, func(r *event.Stored) uint16 { return uint16(r.Receipt.Partition) }),
		column(rows, func(r *event.Stored) uint64 { return uint64(r.Receipt.Offset) }),
		column(rows, func(r *event.Stored) []byte { return r.Payload[:] }),
	)
}

// TargetOf is the identity that a void or a correction names, in its own workspace; ok is false for other kinds.
func TargetOf(e event.Event) (id event.Identity, ok bool) {
	switch d := e.Data.(type) {
	case *event.Void:
		return event.IdentityOf(e.Workspace, d.Source, d.ID), true
	case *event.Correct:
		return event.IdentityOf(e.Workspace, d.Source, d.ID), true
	default:
		return event.Identity{}, false
	}
}
