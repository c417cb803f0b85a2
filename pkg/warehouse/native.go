package warehouse

import (
	wire "encoding/binary"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/event"
)

// A nativeBlock is a block of rows in ClickHouse's native format, column by column. The client's own way takes every
// cell as an interface value, looks its type up, and hashes it where the column is a LowCardinality: ten times the work
// of all else that loading an event takes. So the bytes are made here, and the columns of a batch read them as they would
// read an answer of the server; from there on it is the client's block like any other.
type nativeBlock struct {
	rows    int
	columns []nativeColumn
}

// nativeColumn is one column: its type, and the values without the prefix that says how they are serialised.
type nativeColumn struct {
	name, typ string
	bytes     []byte
	// words replaces bytes in a LowCardinality.
	words *dictionary
}

func (c *nativeColumn) uint16(v uint16) { c.bytes = wire.LittleEndian.AppendUint16(c.bytes, v) }
func (c *nativeColumn) uint64(v uint64) { c.bytes = wire.LittleEndian.AppendUint64(c.bytes, v) }
func (c *nativeColumn) int32(v int32)   { c.bytes = wire.LittleEndian.AppendUint32(c.bytes, uint32(v)) }
func (c *nativeColumn) int64(v int64)   { c.bytes = wire.LittleEndian.AppendUint64(c.bytes, uint64(v)) }

func (c *nativeColumn) text(s string) {
	c.bytes = wire.AppendUvarint(c.bytes, uint64(len(s)))
	c.bytes = append(c.bytes, s...)
}

// dictionary makes the numbers of a LowCardinality(String). Number 0 is the empty text.
type dictionary struct {
	numbers map[string]uint32
	words   []string
	keys    []uint32
	// last is what the last row had: often this one has it too.
	last       string
	lastNumber uint32
}

func newDictionary(rows int) *dictionary {
	return &dictionary{numbers: map[string]uint32{"": 0}, words: []string{""}, keys: make([]uint32, 0, rows)}
}

func (d *dictionary) add(s string) {
	if s != d.last {
		n, ok := d.numbers[s]
		if !ok {
			n = uint32(len(d.words))
			d.words = append(d.words, s)
			d.numbers[s] = n
		}
		d.last, d.lastNumber = s, n
	}
	d.keys = append(d.keys, d.lastNumber)
}

// The flags of a serialised dictionary: it stands before the keys, and is a new one.
const (
	dictionaryHasKeys = 1 << 9
	dictionaryIsNew   = 1 << 10
)

// encode writes the dictionary, then the keys, as wide as the largest needs.
func (d *dictionary) encode() []byte {
	width := 0
	switch {
	case len(d.words) > 1<<16:
		width = 2
	case len(d.words) > 1<<8:
		width = 1
	}
	b := make([]byte, 0, 24+len(d.words)*16+len(d.keys)<<width)
	b = wire.LittleEndian.AppendUint64(b, dictionaryHasKeys|dictionaryIsNew|uint64(width))
	b = wire.LittleEndian.AppendUint64(b, uint64(len(d.words)))
	for _, w := range d.words {
		b = wire.AppendUvarint(b, uint64(len(w)))
		b = append(b, w...)
	}
	b = wire.LittleEndian.AppendUint64(b, uint64(len(d.keys)))
	for _, k := range d.keys {
		switch width {
		case 0:
			b = append(b, byte(k))
		case 1:
			b = wire.LittleEndian.AppendUint16(b, uint16(k))
		default:
			b = wire.LittleEndian.AppendUint32(b, k)
		}
	}
	return b
}

// vectorSize is how many bytes a vector takes in native format, or a little more.
func vectorSize(v *event.Vector, base string) int {
	n := len(v.Absent) + 8*len(v.Ints) + 16*len(v.Decimals)
	if base == "String" {
		for _, s := range v.Texts {
			n += len(s) + 1
			if len(s) > 127 {
				n += wire.MaxVarintLen32
			}
		}
	}
	return n
}

// vectorColumn is a vector in native format.
func vectorColumn(v *event.Vector) (nativeColumn, error) {
	c := nativeColumn{name: v.Name, typ: v.Type}
	base := v.Type
	if v.Nullable {
		base = base[len("Nullable(") : len(base)-len(")")]
	}
	c.bytes = append(make([]byte, 0, vectorSize(v, base)), v.Absent...)
	switch base {
	case "LowCardinality(String)":
		c.words = newDictionary(len(v.Texts))
		for _, s := range v.Texts {
			c.words.add(s)
		}
	case "String":
		for _, s := range v.Texts {
			c.text(s)
		}
	case "Bool", "UInt8":
		for _, n := range v.Ints {
			c.bytes = append(c.bytes, byte(n))
		}
	case "UInt16":
		for _, n := range v.Ints {
			c.uint16(uint16(n))
		}
	case "UInt64", "Decimal(18, 6)", "DateTime64(3, 'UTC')":
		for _, n := range v.Ints {
			c.int64(n)
		}
	case "Date32":
		for _, n := range v.Ints {
			c.int32(int32(n))
		}
	case "Decimal(38, 18)":
		for _, n := range v.Decimals {
			c.uint64(n.Low)
			c.int64(n.High)
		}
	default:
		return nativeColumn{}, fmt.Errorf("column %s: no native form of the type %s", v.Name, v.Type)
	}
	return c, nil
}

// names are the columns in their order.
func (b *nativeBlock) names() []string {
	out := make([]string, len(b.columns))
	for i, c := range b.columns {
		out[i] = c.name
	}
	return out
}

// fill hands the block to a batch that was opened for its columns.
func (b *nativeBlock) fill(batch driver.Batch) error {
	var source feed
	reader := proto.NewReader(&source)
	for i, dst := range batch.Columns() {
		c := &b.columns[i]
		if string(dst.Type()) != c.typ {
			return fmt.Errorf("column %s is a %s in the table, not a %s: the schema is that of another version", c.name, dst.Type(), c.typ)
		}
		if source.rest = c.bytes; c.words != nil {
			source.rest = c.words.encode()
		}
		if err := dst.Decode(reader, b.rows); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		c.bytes, c.words = nil, nil // the batch has a copy
	}
	return nil
}

// feed is a reader that is given one column after another.
type feed struct{ rest []byte }

func (f *feed) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}
