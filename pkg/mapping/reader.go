package mapping

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Event is one CloudEvent made from a record, in the words of the contract, not yet judged by it.
type Event struct {
	ID, Source string
	// Type is the CloudEvents type.
	Type string
	// Time is zero where the record does not say when; the contract then answers missing_time.
	Time    time.Time
	Subject string
	// Data is the payload as a JSON object.
	Data jsontext.Value
	// Raw is the whole event where the file has CloudEvents already; then only ID and Source are set besides.
	Raw jsontext.Value
}

// Problem is a cell that cannot become its field.
type Problem struct {
	// Line is where the record starts, from 1.
	Line int
	// Column is the name of the column in the mapping, or empty where none is to blame.
	Column string
	Code   event.Code
	// Message is a sentence.
	Message string
}

// Error is "line 7, column amount: sentence".
func (p Problem) Error() string {
	if p.Column == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d, column %s: %s", p.Line, p.Column, p.Message)
}

// Row is what became of one record.
type Row struct {
	// Line and Number are the record's line in the file and its place among the records, both from 1.
	Line, Number int
	Events       []Event
	// Skipped are the reasons of the conditions that did not hold, one for each event that was not made.
	Skipped []string
	// Problems is one list for each event that could not be made.
	Problems [][]Problem
}

// Reader reads the records of one file. It is not safe for concurrent use.
type Reader struct {
	m       *Mapping
	csv     *csvRows
	json    *jsonRows
	lines   *lineReader
	parquet *parquetRows
	columns map[string]int
	number  int
	// hashes is true where names are made of whole records.
	hashes bool
	counts *occurrences
	times  instant
	// absent are the required columns that no record of NDJSON has had so far.
	absent map[string]bool
}

// Absent are the columns that the mapping reads and that no record of NDJSON had, so far; those of other files are checked when it
// is opened.
func (in *Reader) Absent() []string { return slices.Sorted(maps.Keys(in.absent)) }

// Named is how many different records are kept in memory, because they are named by what they hold; 16 bytes each.
func (in *Reader) Named() int {
	if in.counts == nil {
		return 0
	}
	return in.counts.used
}

// Mapping is the mapping that the file is read by: where one was to be picked, the one that fits.
func (in *Reader) Mapping() *Mapping { return in.m }

// Open starts to read a file, which is what the mapping says or Parquet: then it must be one that can be read at any place, such
// as an [os.File] or a [bytes.Reader]. The columns of CSV and Parquet are checked here: a [MissingColumns] error names all that
// are not there. For NDJSON they are checked by [Mapping.Check].
func (m *Mapping) Open(r io.Reader) (*Reader, error) {
	out := &Reader{}
	out.times, _ = newInstant(nil, "") // the layouts that are always known
	r, isParquet, err := peekParquet(r)
	switch {
	case err != nil:
		return nil, err
	case isParquet:
		return out, out.openParquet(m, r)
	case m.input.Format == formatCSV:
		rows, err := newCSVRows(r, m.input)
		if err != nil {
			return nil, err
		}
		out.csv = rows
		out.columns = make(map[string]int, len(rows.head))
		for i, h := range rows.head {
			out.columns[h] = i
		}
		return out, out.by(m, rows.head)
	}
	out.use(m)
	lines, err := newLineReader(r)
	if err != nil {
		return nil, err
	}
	if m.Passthrough {
		out.lines = lines
		return out, nil
	}
	out.json = &jsonRows{lines: lines, rename: m.input.Rename}
	out.absent = make(map[string]bool, len(m.required))
	for _, c := range m.required {
		out.absent[c] = true
	}
	return out, nil
}

// by reads the file by the mapping that fits its columns.
func (in *Reader) by(m *Mapping, there []string) error {
	in.use(m.choose(there))
	if strange := in.m.strange(there); len(strange) > 0 {
		return &FileError{1, fmt.Sprintf("%s has no field %s: it has %s", in.m.Name, quoted(strange), quoted(in.m.columns))}
	}
	err := in.m.missing(there)
	var missing *MissingColumns
	if len(m.picks) > 0 && errors.As(err, &missing) {
		missing.Mapping = in.m.Name
	}
	return err
}

func (in *Reader) use(m *Mapping) {
	in.m = m
	in.counts = newOccurrences()
	for _, e := range m.events {
		in.hashes = in.hashes || e.uses(placeHash) || e.uses(placeOccurrence) && len(m.key) == 0
	}
}

// MissingColumns says that a file lacks columns that the mapping reads.
type MissingColumns struct {
	// Missing are the columns that are not there; There are those that are.
	Missing, There []string
	// Mapping is the name of the mapping, where one was picked for the file.
	Mapping string
}

// Error names both.
func (e *MissingColumns) Error() string {
	if e.Mapping != "" {
		return fmt.Sprintf("line 1: the file reads as %s, but has no column %s, which that mapping reads; it has %s", e.Mapping, quoted(e.Missing), quoted(e.There))
	}
	return fmt.Sprintf("line 1: the file has no column %s, which the mapping reads; it has %s", quoted(e.Missing), quoted(e.There))
}

func (m *Mapping) missing(there []string) error {
	var missing []string
	for _, c := range m.required {
		if !isThere(c, there) {
			missing = append(missing, c)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &MissingColumns{Missing: missing, There: there}
}

// Check reads a whole file for what would stop it half-way: broken quotes, lines that are no JSON, missing columns. It
// returns the number of records. Nothing is converted.
func (m *Mapping) Check(r io.Reader) (records int, err error) {
	in, err := m.Open(r)
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for {
		switch {
		case in.csv != nil:
			_, _, err = in.csv.next()
		case in.parquet != nil:
			err = in.parquet.next()
		case in.json != nil:
			var object map[string]string
			object, _, err = in.json.next()
			// Files have few keys; a file with very many is not one that a mapping can miss by a typo.
			if len(seen) < 10_000 {
				for k := range object {
					seen[k] = true
				}
			}
		default:
			_, _, err = in.lines.next()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return records, err
		}
		records++
	}
	if in.json != nil && records > 0 {
		return records, m.missing(slices.Sorted(maps.Keys(seen)))
	}
	return records, nil
}

// Next returns the next row, io.EOF at the end, a [*FileError] where the file is broken.
func (in *Reader) Next() (Row, error) {
	if in.lines != nil {
		return in.passthrough()
	}
	r, err := in.record()
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: r.line, Number: r.number}
	if in.json != nil {
		if strange := in.m.strange(slices.Sorted(maps.Keys(r.columns))); len(strange) > 0 {
			row.Problems = [][]Problem{{{
				Line: r.line, Column: strange[0], Code: event.CodeUnknownField,
				Message: fmt.Sprintf("%s has no such field: it has %s", in.m.Name, strings.Join(in.m.columns, ", ")),
			}}}
			return row, nil
		}
	}
	for i := range in.m.events {
		in.m.events[i].apply(in.m.source, r, &row)
	}
	return row, nil
}

func (in *Reader) record() (*record, error) {
	r := &record{columns: in.columns, null: in.m.input.Null, in: in}
	var err error
	switch {
	case in.csv != nil:
		r.cells, r.line, err = in.csv.next()
	case in.parquet != nil:
		err = in.parquet.next()
		r.cells, r.present, r.line = in.parquet.cells, in.parquet.present, in.number+1
	default:
		var object map[string]string
		if object, r.line, err = in.json.next(); err == nil {
			r.cells, r.present, r.columns = columnar(object)
			for c := range in.absent {
				if _, ok := r.get(c); ok {
					delete(in.absent, c)
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	in.number++
	r.number = in.number
	return r, nil
}

// columnar turns an object into cells ordered by key; the keys are part of the cells, for the hash.
func columnar(object map[string]string) (cells []string, present []bool, columns map[string]int) {
	keys := slices.Sorted(maps.Keys(object))
	columns = make(map[string]int, len(keys))
	for _, k := range keys {
		columns[k] = len(cells)
		cells = append(cells, object[k], k)
		present = append(present, true, true)
	}
	return cells, present, columns
}

func (in *Reader) passthrough() (Row, error) {
	raw, line, err := in.lines.next()
	if err != nil {
		return Row{}, err
	}
	in.number++
	row := Row{Line: line, Number: in.number}
	v := jsontext.Value(slices.Clone(raw))
	if v.Kind() != '{' || !v.IsValid() {
		return Row{}, &FileError{line, "this is no JSON object: write one CloudEvent a line"}
	}
	row.Events = []Event{{ID: member(v, "id"), Source: member(v, "source"), Raw: v}}
	return row, nil
}

func isBufferFull(err error) bool { return errors.Is(err, bufio.ErrBufferFull) }

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}
