package warehouse

import (
	"context"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// The columns that every raw table begins with, in this order.
const (
	rawWorkspace = iota
	rawDay
	rawIdentity
	rawVersion
	rawTime
	rawReceived
	rawSource
	rawID
	rawSubject
	rawSchema
	rawExtensions
	rawPartition
	rawOffset
	rawPayload
	rawEnvelope // how many they are
)

// envelopeColumns are the names of those columns.
func envelopeColumns() []string {
	block := nativeBlock{columns: newEnvelope(0)}
	return block.names()
}

func newEnvelope(rows int) []nativeColumn {
	texts := func(name string) nativeColumn {
		return nativeColumn{name: name, typ: "LowCardinality(String)", words: newDictionary(rows)}
	}
	fixed := func(name, typ string, width int) nativeColumn {
		return nativeColumn{name: name, typ: typ, bytes: make([]byte, 0, rows*width)}
	}
	return []nativeColumn{
		rawWorkspace:  texts("workspace"),
		rawDay:        fixed("day", "Date32", 4),
		rawIdentity:   fixed("identity", "FixedString(16)", 16),
		rawVersion:    fixed("version", "UInt64", 8),
		rawTime:       fixed("time", "DateTime64(3, 'UTC')", 8),
		rawReceived:   fixed("received_at", "DateTime64(3, 'UTC')", 8),
		rawSource:     texts("source"),
		rawID:         fixed("id", "String", 24),
		rawSubject:    fixed("subject", "String", 1),
		rawSchema:     fixed("dataschema", "String", 1),
		rawExtensions: fixed("extensions", "Map(String, String)", 8),
		rawPartition:  fixed("kafka_partition", "UInt16", 2),
		rawOffset:     fixed("kafka_offset", "UInt64", 8),
		rawPayload:    fixed("payload", "FixedString(16)", 16),
	}
}

// rawColumns are the columns of the payloads, by kind: reflected over once.
var rawColumns = sync.OnceValue(func() map[event.Kind][]event.Column {
	out := map[event.Kind][]event.Column{}
	for _, spec := range event.Catalogue() {
		out[spec.Kind] = event.Columns(spec.Kind)
	}
	return out
})

// rawPlace is where a row goes: one insert each.
type rawPlace struct {
	kind  event.Kind
	month int // since year 0
}

func placeOf(r *event.Stored) rawPlace {
	y, m, _ := r.Time.UTC().Date()
	return rawPlace{r.Kind, y*12 + int(m)}
}

// InsertRaw stores events of one kind; see [DB.InsertEvents].
func (db *DB) InsertRaw(ctx context.Context, kind event.Kind, rows []event.Stored) error {
	for i := range rows {
		if rows[i].Kind != kind {
			return fmt.Errorf("insert raw: event of kind %q among %q", rows[i].Kind, kind)
		}
	}
	return db.InsertEvents(ctx, rows)
}

// InsertEvents stores events in the raw tables of their kinds, one block for each table and UTC month: an insert that
// spans partitions of a table is not atomic, so each of ours is one partition. Storing an event again writes the same
// row, which collapses.
func (db *DB) InsertEvents(ctx context.Context, rows []event.Stored) error {
	blocks, err := rawBlocks(rows)
	if err != nil {
		return fmt.Errorf("insert raw: %w", err)
	}
	// A chunk has several kinds, and a backfill many months, and each insert waits for the disk.
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(parallelInserts)
	for _, b := range blocks {
		all.Go(func() error { return b.insert(ctx, db) })
	}
	return all.Wait()
}

// parallelInserts is how many blocks are inserted at a time.
const parallelInserts = 6

// rawBlocks sorts the rows into blocks.
func rawBlocks(rows []event.Stored) ([]*rawBlock, error) {
	counts := map[rawPlace]int{}
	for i := range rows {
		counts[placeOf(&rows[i])]++
	}
	var blocks []*rawBlock
	byPlace := make(map[rawPlace]*rawBlock, len(counts))
	for i := range rows {
		place := placeOf(&rows[i])
		b := byPlace[place]
		if b == nil {
			spec, ok := event.Lookup(place.kind)
			if !ok {
				return nil, fmt.Errorf("no kind %q", place.kind)
			}
			b = newRawBlock(spec, counts[place])
			byPlace[place] = b
			blocks = append(blocks, b)
		}
		if err := b.add(&rows[i]); err != nil {
			return nil, err
		}
	}
	return blocks, nil
}

// rawBlock collects the rows of one table and month.
type rawBlock struct {
	table    string
	rows     int
	envelope []nativeColumn
	payload  *event.Vectors
	// target is the identity that a void or a correction names; unused for other kinds.
	target *nativeColumn
	// pairs are the extensions of all rows, of which there are so many so far.
	keys, values nativeColumn
	pairs        uint64
}

func newRawBlock(spec event.Spec, rows int) *rawBlock {
	b := &rawBlock{table: spec.Table, envelope: newEnvelope(rows), payload: event.NewVectors(rawColumns()[spec.Kind], rows)}
	if spec.Kind.Amends() {
		b.target = &nativeColumn{name: "target", typ: "FixedString(16)"}
	}
	return b
}

func (b *rawBlock) add(r *event.Stored) error {
	b.rows++
	c := b.envelope
	c[rawWorkspace].words.add(r.Workspace)
	c[rawDay].int32(int32(event.DayOf(r.Time).Unix() / (24 * 3600))) // midnight, so without a rest
	c[rawIdentity].bytes = append(c[rawIdentity].bytes, r.Identity[:]...)
	c[rawVersion].uint64(versionOf(r.Receipt.Offset))
	c[rawTime].int64(r.Time.UnixMilli())
	c[rawReceived].int64(r.ReceivedAt.UnixMilli())
	c[rawSource].words.add(r.Source)
	c[rawID].text(r.ID)
	c[rawSubject].text(r.Subject)
	c[rawSchema].text(r.DataSchema)
	for k, v := range r.Extensions {
		b.keys.text(k)
		b.values.text(v)
		b.pairs++
	}
	c[rawExtensions].uint64(b.pairs)
	c[rawPartition].uint16(uint16(r.Receipt.Partition))
	c[rawOffset].uint64(uint64(r.Receipt.Offset))
	c[rawPayload].bytes = append(c[rawPayload].bytes, r.Payload[:]...)
	if b.target != nil {
		id, _ := TargetOf(r.Event)
		b.target.bytes = append(b.target.bytes, id[:]...)
	}
	return b.payload.Append(r.Data)
}

func (b *rawBlock) insert(ctx context.Context, db *DB) error {
	block := &nativeBlock{rows: b.rows, columns: b.envelope}
	// A map is the ends of the rows, then all keys, then all values.
	ends := &block.columns[rawExtensions]
	ends.bytes = append(append(ends.bytes, b.keys.bytes...), b.values.bytes...)
	for i := range b.payload.Columns {
		c, err := vectorColumn(&b.payload.Columns[i])
		if err != nil {
			return fmt.Errorf("insert into %s: %w", b.table, err)
		}
		block.columns = append(block.columns, c)
		b.payload.Columns[i] = event.Vector{} // it may be large, and what follows may take a while
	}
	if b.target != nil {
		block.columns = append(block.columns, *b.target)
	}
	return db.sendBlock(ctx, b.table, block)
}

func (db *DB) sendBlock(ctx context.Context, table string, block *nativeBlock) error {
	return db.send(ctx, table, block.names(), func(b driver.Batch) error { return block.fill(b) })
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
