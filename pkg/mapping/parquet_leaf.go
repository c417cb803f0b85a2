package mapping

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/shopspring/decimal"
)

// The most of one page of a column: usual are 1 MiB and 20,000 values.
const (
	maxPage       = 64 << 20
	maxPageValues = 8 << 20
	maxPageHeader = 1 << 20
)

// parquetValue is a value of a leaf with its levels.
type parquetValue struct {
	rep, def int
	text     string
	null     bool
	// number is true where the text is one in JSON.
	number bool
}

// parquetLeaf reads the values of one leaf, page by page.
type parquetLeaf struct {
	node   *parquet.Column
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    [64]parquet.Value
	n, i   int
	ahead  *parquetValue
}

func leavesOf(c *parquet.Column) []*parquetLeaf {
	if c.Leaf() {
		return []*parquetLeaf{{node: c}}
	}
	var out []*parquetLeaf
	for _, inner := range c.Columns() {
		out = append(out, leavesOf(inner)...)
	}
	return out
}

// open starts to read a group of rows.
func (l *parquetLeaf) open(r io.ReaderAt, file *parquet.File, group int) error {
	l.close()
	if l.node.Index() < 0 || l.node.Index() >= len(file.Metadata().RowGroups[group].Columns) {
		return fmt.Errorf("a group of rows lacks the column %s", l.node.Name())
	}
	if err := checkPages(r, file.Size(), &file.Metadata().RowGroups[group].Columns[l.node.Index()]); err != nil {
		return fmt.Errorf("column %s: %w", l.node.Name(), err)
	}
	l.pages = file.RowGroups()[group].ColumnChunks()[l.node.Index()].Pages()
	return nil
}

func (l *parquetLeaf) close() {
	if l.page != nil {
		parquet.Release(l.page)
	}
	if l.pages != nil {
		_ = l.pages.Close() // nothing is written
	}
	l.pages, l.page, l.values, l.n, l.i, l.ahead = nil, nil, nil, 0, 0, nil
}

// one reads the next value.
func (l *parquetLeaf) one() (parquetValue, error) {
	if l.ahead != nil {
		v := *l.ahead
		l.ahead = nil
		return v, nil
	}
	for l.i == l.n {
		if l.values == nil {
			page, err := l.pages.ReadPage()
			if err != nil {
				return parquetValue{}, err
			}
			if l.page != nil {
				parquet.Release(l.page)
			}
			l.page, l.values = page, page.Values()
		}
		n, err := l.values.ReadValues(l.buf[:])
		if err != nil && !errors.Is(err, io.EOF) {
			return parquetValue{}, err
		}
		if err != nil || n == 0 {
			l.values = nil
		}
		l.n, l.i = n, 0
	}
	v := l.buf[l.i]
	l.i++
	return valueOf(l.node, v)
}

// record reads the values of the next record.
func (l *parquetLeaf) record() ([]parquetValue, error) {
	first, err := l.one()
	if err != nil {
		return nil, err
	}
	out, size := []parquetValue{first}, len(first.text)
	for l.node.MaxRepetitionLevel() > 0 {
		v, err := l.one()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if v.rep == 0 {
			l.ahead = &v
			break
		}
		out = append(out, v)
		if size += len(v.text) + 1; size > maxRecord {
			return nil, errRecordTooLong
		}
	}
	return out, nil
}

// checkPages looks at the headers of the pages of a column before they are read: the library makes room for what they say.
func checkPages(r io.ReaderAt, size int64, chunk *format.ColumnChunk) error {
	meta := &chunk.MetaData
	start, length := meta.DataPageOffset, meta.TotalCompressedSize
	if meta.DictionaryPageOffset > 0 && meta.DictionaryPageOffset < start {
		start = meta.DictionaryPageOffset
	}
	if chunk.FilePath != "" || start < 0 || length < 0 || start > size-length {
		return errors.New("it lies outside of the file: the file is cut off or broken")
	}
	switch meta.Codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd:
	default:
		return fmt.Errorf("it is packed with %s: write the file with snappy, zstd or gzip", meta.Codec)
	}
	for values := int64(0); length > 0 && values < meta.NumValues; {
		header, n, err := pageHeader(r, start, length)
		if err != nil {
			return err
		}
		if err := checkPage(header, length-n); err != nil {
			return err
		}
		if err := checkUnpacked(io.NewSectionReader(r, start+n, int64(header.CompressedPageSize)), meta.Codec, header); err != nil {
			return err
		}
		switch header.Type {
		case format.DataPage:
			values += int64(header.DataPageHeader.V.NumValues)
		case format.DataPageV2:
			values += int64(header.DataPageHeaderV2.V.NumValues)
		}
		start, length = start+n+int64(header.CompressedPageSize), length-n-int64(header.CompressedPageSize)
	}
	return nil
}

// pageHeader reads the header of the page at a place, and says how long it is.
func pageHeader(r io.ReaderAt, at, most int64) (*format.PageHeader, int64, error) {
	var protocol thrift.CompactProtocol
	for n := int64(4 << 10); ; n = maxPageHeader {
		raw := make([]byte, min(n, most))
		if _, err := r.ReadAt(raw, at); err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		in := protocol.NewReaderFromBytes(raw)
		header := new(format.PageHeader)
		err := thrift.NewDecoder(in).Decode(header)
		switch {
		case err == nil:
			return header, int64(in.BytesRead()), nil
		case n >= most || n == maxPageHeader:
			return nil, 0, fmt.Errorf("the header of a page can not be read: %w", err)
		}
	}
}

func checkPage(h *format.PageHeader, left int64) error {
	values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues)
	switch {
	case h.CompressedPageSize < 0 || int64(h.CompressedPageSize) > left || h.UncompressedPageSize < 0 || values < 0 || h.DictionaryPageHeader.V.NumValues < 0:
		return errors.New("a page says that it is longer than its column: the file is broken")
	case h.CompressedPageSize > maxPage || h.UncompressedPageSize > maxPage || values > maxPageValues:
		return fmt.Errorf("a page has more than %d bytes or %d values: write the file with smaller pages, such as the usual 1 MiB", maxPage, maxPageValues)
	case int64(h.DictionaryPageHeader.V.NumValues) > 8*int64(h.UncompressedPageSize)+8:
		return errors.New("a dictionary says that it has more values than bytes: the file is broken")
	}
	return nil
}

// checkUnpacked holds a page to the size that it says it has unpacked: packed bytes can become very many.
func checkUnpacked(packed io.Reader, codec format.CompressionCodec, h *format.PageHeader) error {
	levels := int64(0)
	if h.Type == format.DataPageV2 {
		v2 := h.DataPageHeaderV2.V
		if v2.IsCompressed.Valid && !v2.IsCompressed.V {
			return nil
		}
		levels = int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength) // they are not packed
		if levels < 0 || levels > int64(h.CompressedPageSize) {
			return errors.New("a page says that its levels are longer than itself: the file is broken")
		}
		if _, err := io.CopyN(io.Discard, packed, levels); err != nil {
			return err
		}
		if levels == int64(h.CompressedPageSize) {
			return nil
		}
	}
	says := int64(h.UncompressedPageSize) - levels
	n, err := unpackedSize(packed, codec, says+1)
	if err != nil {
		return fmt.Errorf("a page can not be unpacked: %w", err)
	}
	if n > says {
		return errors.New("a page becomes more than it says when it is unpacked: the file is broken")
	}
	return nil
}

func unpackedSize(packed io.Reader, codec format.CompressionCodec, most int64) (int64, error) {
	switch codec {
	case format.Snappy:
		head := make([]byte, binary.MaxVarintLen64)
		n, err := io.ReadFull(packed, head)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		size, k := binary.Uvarint(head[:n])
		if k <= 0 || size > maxPage {
			return 0, errors.New("it is not packed with snappy")
		}
		return int64(size), nil
	case format.Gzip:
		z, err := gzip.NewReader(packed)
		if err != nil {
			return 0, err
		}
		return io.Copy(io.Discard, io.LimitReader(z, most))
	case format.Zstd:
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		return io.Copy(io.Discard, io.LimitReader(z, most))
	}
	return 0, nil
}

// valueOf is a value as a text, exactly: decimals with all their digits, times in RFC 3339 (or without an offset, where the file
// says that they are local), days as 2006-01-02. A DOUBLE is the shortest text that reads as the same number.
func valueOf(c *parquet.Column, v parquet.Value) (parquetValue, error) {
	out := parquetValue{rep: v.RepetitionLevel(), def: v.DefinitionLevel(), null: v.IsNull()}
	if out.null {
		return out, nil
	}
	var logical format.LogicalTypeValue
	if t := c.Type().LogicalType(); t != nil {
		logical = t.Value
	}
	out.number = true
	switch t := logical.(type) {
	case *format.DecimalType:
		d, err := decimalOf(v, t.Scale)
		out.text = d
		return out, err
	case *format.DateType:
		out.text, out.number = time.Unix(int64(v.Int32())*24*3600, 0).UTC().Format(time.DateOnly), false
		return out, nil
	case *format.TimestampType:
		out.text, out.number = timestampOf(v.Int64(), t), false
		return out, nil
	case *format.IntType:
		if !t.IsSigned {
			n := v.Uint64()
			if v.Kind() == parquet.Int32 {
				n = uint64(v.Uint32())
			}
			out.text = strconv.FormatUint(n, 10)
			return out, nil
		}
	case *format.UUIDType:
		id, err := uuid.FromBytes(v.ByteArray())
		out.text, out.number = id.String(), false
		return out, err
	}
	return plainValue(out, v)
}

// plainValue is a value whose physical type says all.
func plainValue(out parquetValue, v parquet.Value) (parquetValue, error) {
	switch v.Kind() {
	case parquet.Boolean:
		out.text = strconv.FormatBool(v.Boolean())
	case parquet.Int32:
		out.text = strconv.FormatInt(int64(v.Int32()), 10)
	case parquet.Int64:
		out.text = strconv.FormatInt(v.Int64(), 10)
	case parquet.Int96:
		// Nanoseconds of a day, and the number of the day in Julian counting, in which 1970 began with 2,440,588.
		n := v.Int96()
		nanos, day := int64(uint64(n[1])<<32|uint64(n[0])), int64(n[2])-2_440_588
		out.text, out.number = time.Unix(day*24*3600, nanos).UTC().Format(time.RFC3339Nano), false
	case parquet.Float:
		out.text = strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
		out.number = numeric(out.text)
	case parquet.Double:
		out.text = strconv.FormatFloat(v.Double(), 'g', -1, 64)
		out.number = numeric(out.text)
	default:
		out.text, out.number = string(v.ByteArray()), false
	}
	return out, nil
}

// decimalOf is the exact text of a decimal in any of its physical types.
func decimalOf(v parquet.Value, scale int32) (string, error) {
	if scale < 0 || scale > 80 {
		return "", fmt.Errorf("a decimal has %d places: at most 80 can be read", scale)
	}
	switch v.Kind() {
	case parquet.Int32:
		return decimal.New(int64(v.Int32()), -scale).String(), nil
	case parquet.Int64:
		return decimal.New(v.Int64(), -scale).String(), nil
	}
	raw := v.ByteArray()
	if len(raw) > 64 {
		return "", fmt.Errorf("a decimal has %d bytes: at most 64 can be read", len(raw))
	}
	n := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0]&0x80 != 0 { // two's complement
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return decimal.NewFromBigInt(n, -scale).String(), nil
}

func timestampOf(n int64, t *format.TimestampType) string {
	var at time.Time
	switch t.Unit.Value.(type) {
	case *format.MilliSeconds:
		at = time.UnixMilli(n)
	case *format.MicroSeconds:
		at = time.UnixMicro(n)
	default:
		at = time.Unix(n/1e9, n%1e9)
	}
	if t.IsAdjustedToUTC {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return at.UTC().Format("2006-01-02 15:04:05.999999999")
}
