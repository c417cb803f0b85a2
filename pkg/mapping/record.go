package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// record is one row of a file, by column.
type record struct {
	// line is where it starts in the file, from 1; number is its place among the records, from 1.
	line, number int
	columns      map[string]int
	cells        []string
	present      []bool // for NDJSON, where a key may be absent
	null         []string
	hash         [16]byte
	occurrence   uint32
	// types are the JSON types of the columns where the record is a JSON object, nil where it is not.
	types map[string]jsontext.Kind
}

// get returns a cell; ok is false where the column has no value.
func (r *record) get(column string) (value string, ok bool) {
	i, ok := r.columns[column]
	if !ok || i >= len(r.cells) || (r.present != nil && !r.present[i]) {
		return "", false
	}
	v := strings.TrimSpace(r.cells[i])
	if v == "" || slices.Contains(r.null, v) {
		return "", false
	}
	return v, true
}

// first returns the first of the columns that has a value, and its name.
func (r *record) first(columns []string) (value, column string, ok bool) {
	for _, c := range columns {
		if v, ok := r.get(c); ok {
			return v, c, true
		}
	}
	return "", "", false
}

// digest is 128 bits over all cells with their lengths, so that moving a character between cells changes it.
func digest(cells []string, present []bool) [16]byte {
	h := sha256.New()
	var n [8]byte
	for i, c := range cells {
		size := uint64(len(c)) + 1
		if present != nil && !present[i] {
			size, c = 0, ""
		}
		binary.BigEndian.PutUint64(n[:], size)
		h.Write(n[:])
		h.Write([]byte(c))
	}
	return [16]byte(h.Sum(nil)[:16])
}
