package mapping

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Formats of files.
const (
	formatCSV         = "csv"
	formatNDJSON      = "ndjson"
	formatCloudEvents = "cloudevents"
)

// csvRows reads CSV (RFC 4180) with a header line.
type csvRows struct {
	fuse *fuse
	csv  *csv.Reader
	head []string
	// last is the line on which the last record ended.
	last int
}

func newCSVRows(r io.Reader, in inputSpec) (*csvRows, error) {
	text, err := plainText(r)
	if err != nil {
		return nil, err
	}
	f := &fuse{r: text, limit: maxRecord}
	c := csv.NewReader(f)
	c.Comma, _ = utf8.DecodeRuneInString(in.Delimiter)
	c.ReuseRecord = true
	rows := &csvRows{fuse: f, csv: c}
	head, _, err := rows.next()
	if errors.Is(err, io.EOF) {
		return nil, &FileError{1, "the file has no header line"}
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, h := range head {
		h = strings.TrimSpace(h)
		if to, ok := in.Rename[h]; ok {
			h = to
		}
		if seen[h] {
			return nil, &FileError{1, fmt.Sprintf("the column %q is there twice: rename one", h)}
		}
		seen[h] = true
		rows.head = append(rows.head, h)
	}
	return rows, nil
}

// next returns the cells of the next record, valid until the next call, and its line.
func (c *csvRows) next() ([]string, int, error) {
	c.fuse.limit = c.csv.InputOffset() + maxRecord
	cells, err := c.csv.Read()
	if err == nil {
		line, _ := c.csv.FieldPos(0)
		c.last = line
		for _, cell := range cells {
			c.last += strings.Count(cell, "\n")
		}
		return cells, line, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, 0, io.EOF
	}
	var p *csv.ParseError
	if !errors.As(err, &p) {
		if errors.Is(err, errRecordTooLong) {
			return nil, 0, &FileError{c.last + 1, "a record that starts here is longer than 1 MiB: is a quote left open?"}
		}
		return nil, 0, fmt.Errorf("read: %w", err)
	}
	switch {
	case errors.Is(p.Err, csv.ErrFieldCount):
		return nil, 0, &FileError{p.Line, fmt.Sprintf("the line has %d cells, the header has %d: is a delimiter missing, or one too many?", len(cells), c.csv.FieldsPerRecord)}
	case errors.Is(p.Err, csv.ErrBareQuote):
		return nil, 0, &FileError{p.Line, fmt.Sprintf("a quote stands in the middle of an unquoted cell (character %d): put the whole cell in quotes and double the quotes inside", p.Column)}
	case errors.Is(p.Err, csv.ErrQuote) && p.Line > p.StartLine:
		return nil, 0, &FileError{p.StartLine, fmt.Sprintf("a quote is opened in the record that starts here and not closed properly (noticed on line %d): close it, or double the quotes inside the cell", p.Line)}
	case errors.Is(p.Err, csv.ErrQuote):
		return nil, 0, &FileError{p.Line, fmt.Sprintf("a quote is not closed properly (character %d): close it, or double the quotes inside the cell", p.Column)}
	}
	return nil, 0, &FileError{p.Line, "this is not CSV: " + p.Err.Error()}
}

// jsonRows reads NDJSON: one JSON object a line. Nested objects are flattened with dots: {"a":{"b":1}} has "a.b".
type jsonRows struct {
	lines  *lineReader
	rename map[string]string
}

// lineReader reads bounded lines and counts them.
type lineReader struct {
	text interface {
		ReadSlice(delim byte) ([]byte, error)
	}
	line int
	buf  []byte
}

func newLineReader(r io.Reader) (*lineReader, error) {
	text, err := plainText(r)
	if err != nil {
		return nil, err
	}
	return &lineReader{text: text}, nil
}

// next returns the next line that is not blank, without its end, valid until the next call.
func (l *lineReader) next() ([]byte, int, error) {
	for {
		l.buf = l.buf[:0]
		l.line++
		var err error
		for {
			var part []byte
			part, err = l.text.ReadSlice('\n')
			l.buf = append(l.buf, part...)
			if len(l.buf) > maxRecord {
				return nil, 0, &FileError{l.line, "the line is longer than 1 MiB: write one JSON object a line"}
			}
			if err == nil || errors.Is(err, io.EOF) {
				break
			}
			if !isBufferFull(err) {
				return nil, 0, fmt.Errorf("read: %w", err)
			}
		}
		if line := bytes.TrimSpace(l.buf); len(line) > 0 {
			return line, l.line, nil
		}
		if err != nil {
			return nil, 0, io.EOF
		}
	}
}

// next returns the flattened object.
func (j *jsonRows) next() (map[string]string, int, error) {
	raw, line, err := j.lines.next()
	if err != nil {
		return nil, 0, err
	}
	var object map[string]jsontext.Value
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return nil, 0, &FileError{line, "this is no JSON object: " + jsonSentence(err)}
	}
	out := map[string]string{}
	flatten("", object, out)
	for _, from := range slices.Sorted(maps.Keys(j.rename)) {
		if v, ok := out[from]; ok {
			delete(out, from)
			out[j.rename[from]] = v
		}
	}
	return out, line, nil
}

func flatten(prefix string, object map[string]jsontext.Value, out map[string]string) {
	for k, v := range object {
		k = prefix + k
		switch v.Kind() {
		case 'n':
		case '"':
			if s, err := jsontext.AppendUnquote(nil, v); err == nil {
				out[k] = string(s)
			}
		case '{':
			var inner map[string]jsontext.Value
			if err := json.Unmarshal(v, &inner); err == nil {
				flatten(k+".", inner, out)
			}
			out[k] = string(v)
		default:
			out[k] = string(v)
		}
	}
}

func jsonSentence(err error) string {
	if err == nil {
		return "it is null"
	}
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return s.Err.Error() + fmt.Sprintf(" (byte %d)", s.ByteOffset)
	}
	return "write {\"column\": value, …} on one line"
}
