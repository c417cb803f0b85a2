package mapping

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetMagic is how a Parquet file begins and ends.
const parquetMagic = "PAR1"

// MaxParquetFooter bounds the description of a Parquet file at its end, which is read as a whole.
const MaxParquetFooter = 64 << 20

// peekParquet tells whether a file is Parquet, and gives back a reader of the same file.
func peekParquet(r io.Reader) (io.Reader, bool, error) {
	if at, ok := r.(io.ReaderAt); ok {
		head := make([]byte, len(parquetMagic))
		n, err := at.ReadAt(head, 0)
		if err == nil || errors.Is(err, io.EOF) {
			return r, string(head[:n]) == parquetMagic, nil
		}
		// A pipe is an [os.File], too, and can not be read at a place.
	}
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(len(parquetMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("read: %w", err)
	}
	return b, string(head) == parquetMagic, nil
}

// parquetRows reads the records of a Parquet file, page by page: of each column that is read one page is in memory, with its
// dictionary. A column that is a list, a map or a group is JSON.
type parquetRows struct {
	r       io.ReaderAt
	file    *parquet.File
	columns []*parquetColumn
	group   int
	left    int64 // records of the group that are still to come

	// cells are those of the last record.
	cells   []string
	present []bool
	row     int
}

// parquetColumn is a column of the file as mappings know them: at the top, with the leaves that it is made of.
type parquetColumn struct {
	node   *parquet.Column
	leaves []*parquetLeaf
}

// openParquet starts to read a Parquet file by the mapping that fits its columns.
func (in *Reader) openParquet(m *Mapping, r io.Reader) (err error) {
	if m.Passthrough {
		return &FileError{0, "the file is Parquet, and this mapping takes CloudEvents: name the mapping that says what its columns mean"}
	}
	at, ok := r.(io.ReaderAt)
	if !ok {
		return &FileError{0, "Parquet is read from its end, and so from a file: save it and import that"}
	}
	size, err := sizeOf(r)
	if err != nil {
		return err
	}
	defer guardParquet(&err)
	if err := checkFooter(at, size); err != nil {
		return err
	}
	file, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return brokenParquet(err)
	}
	var there []string
	for _, c := range file.Root().Columns() {
		there = append(there, c.Name())
	}
	names := make([]string, len(there))
	for i, name := range there {
		names[i] = name
		if to, ok := m.input.Rename[name]; ok {
			names[i] = to
		}
	}
	if err := in.by(m, names); err != nil {
		return err
	}
	in.parquet = &parquetRows{r: at, file: file, group: -1}
	in.columns = map[string]int{}
	for i, c := range file.Root().Columns() {
		if _, twice := in.columns[names[i]]; twice {
			return &FileError{0, fmt.Sprintf("the column %q is there twice: rename one", names[i])}
		}
		// One column is always read: how many records there are is not what the file says, but what it has.
		if in.hashes || i == 0 || slices.ContainsFunc(in.m.columns, func(want string) bool { return want == names[i] || strings.HasPrefix(want, names[i]+".") }) {
			in.columns[names[i]] = len(in.parquet.columns)
			in.parquet.columns = append(in.parquet.columns, &parquetColumn{c, leavesOf(c)})
		}
	}
	if len(in.parquet.columns) == 0 {
		return &FileError{0, "the Parquet file has no columns"}
	}
	in.parquet.cells = make([]string, len(in.parquet.columns))
	in.parquet.present = make([]bool, len(in.parquet.columns))
	return nil
}

func sizeOf(r io.Reader) (int64, error) {
	switch f := r.(type) {
	case interface{ Size() int64 }:
		return f.Size(), nil
	case interface{ Stat() (fs.FileInfo, error) }:
		info, err := f.Stat()
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
		return info.Size(), nil
	}
	return 0, &FileError{0, "Parquet is read from its end, and so from a file: save it and import that"}
}

// checkFooter looks at the end of the file before it is believed.
func checkFooter(r io.ReaderAt, size int64) error {
	end := make([]byte, 8)
	if size < int64(len(parquetMagic)+len(end)) {
		return brokenParquet(io.ErrUnexpectedEOF)
	}
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if !bytes.Equal(end[4:], []byte(parquetMagic)) {
		return &FileError{0, "the file begins as Parquet and does not end as such: it was cut off, or is still being written; copy it again"}
	}
	n := int64(end[0]) | int64(end[1])<<8 | int64(end[2])<<16 | int64(end[3])<<24
	if n > MaxParquetFooter || n > size-int64(len(parquetMagic)+len(end)) {
		return &FileError{0, fmt.Sprintf("the description at the end of the Parquet file would have %d bytes: it is broken, or the file is no Parquet", n)}
	}
	return nil
}

// brokenParquet is what the library says of a file that it can not read.
func brokenParquet(err error) error {
	var f *FileError
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &f) {
		return err
	}
	return &FileError{0, "this is no Parquet file that can be read: " + err.Error()}
}

// guardParquet turns a panic of the library, which trusts some numbers of the file, into an error.
func guardParquet(err *error) {
	if p := recover(); p != nil {
		*err = &FileError{0, fmt.Sprintf("this is no Parquet file that can be read: %v", p)}
	}
}

// next reads the next record into cells.
func (p *parquetRows) next() (err error) {
	defer guardParquet(&err)
	for p.left == 0 {
		p.group++
		if p.group >= len(p.file.RowGroups()) {
			return io.EOF
		}
		p.left = p.file.RowGroups()[p.group].NumRows()
		if p.left < 0 {
			return &FileError{0, "a group of rows has fewer than none: the file is broken"}
		}
		for _, c := range p.columns {
			for _, l := range c.leaves {
				if err := l.open(p.r, p.file, p.group); err != nil {
					return brokenParquet(err)
				}
			}
		}
	}
	p.left--
	p.row++
	for i, c := range p.columns {
		p.cells[i], p.present[i], err = c.cell()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return &FileError{p.row, fmt.Sprintf("column %s of the Parquet file can not be read: %v", c.node.Name(), err)}
		}
	}
	return nil
}

// cell is the text of the column in the next record; one that is not plain is JSON.
func (c *parquetColumn) cell() (string, bool, error) {
	if c.node.Leaf() && !c.node.Repeated() {
		v, err := c.leaves[0].one()
		return v.text, !v.null, err
	}
	streams := make([][]parquetValue, len(c.leaves))
	for i, l := range c.leaves {
		var err error
		if streams[i], err = l.record(); err != nil {
			return "", false, err
		}
	}
	out, err := assemble(nil, c.node, streams)
	if err != nil || string(out) == "null" {
		return "", false, err
	}
	if len(out) > maxRecord {
		return "", false, errRecordTooLong
	}
	return string(out), true, nil
}
