package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// record is one row of a file, by column.
type record struct {
	// line is where it starts in the file, from 1; number is its place among the records, from 1.
	line, number int
	columns      map[string]int
	cells        []string
	present      []bool // for NDJSON, where a key may be absent
	null         []string
	// hash and occurrence of a call; those of a record in a file are made where a name asks for them.
	hash       [16]byte
	occurrence uint32
	in         *Reader
	key        *[16]byte
	// inside are the columns whose members were asked for, nil where none was.
	inside *Call
	// types are the JSON types of the columns where the record is a JSON object, nil where it is not.
	types map[string]jsontext.Kind
}

// get returns a cell; ok is false where the column has no value.
func (r *record) get(column string) (value string, ok bool) {
	i, ok := r.columns[column]
	v := ""
	switch {
	case !ok:
		if v, ok = r.member(column); !ok {
			return "", false
		}
	case i >= len(r.cells) || (r.present != nil && !r.present[i]):
		return "", false
	default:
		v = r.cells[i]
	}
	v = strings.TrimSpace(v)
	if v == "" || slices.Contains(r.null, v) {
		return "", false
	}
	return v, true
}

// member looks inside of a column that is JSON: "Tags.team" is the member team of the column Tags.
func (r *record) member(column string) (value string, ok bool) {
	if r.types != nil {
		return "", false // a call was looked into already
	}
	for i := range len(column) {
		if column[i] != '.' {
			continue
		}
		at, ok := r.columns[column[:i]]
		if !ok || at >= len(r.cells) || (r.present != nil && !r.present[at]) {
			continue
		}
		cell := jsontext.Value(strings.TrimSpace(r.cells[at]))
		if len(cell) == 0 || cell[0] != '{' && cell[0] != '[' {
			continue
		}
		if r.inside == nil {
			r.inside = &Call{members: map[string]jsontext.Value{}, inner: map[string]map[string]jsontext.Value{}}
		}
		r.inside.members[column[:i]] = cell
		if v, ok := r.inside.at(column); ok && v.Kind() != 'n' {
			text, _ := plain(v)
			return text, true
		}
	}
	return "", false
}

// identify names the record by the columns of its key, of which those count that have a value. Times are the same however
// they are written: a file in CSV and the same one in Parquet name their records alike.
func (r *record) identify(columns []oneOrMany, times instant) {
	cells := make([]string, 0, 2*len(columns))
	for _, c := range columns {
		v, _, ok := r.first(c)
		if !ok {
			continue
		}
		if len(v) >= len(time.DateOnly) && v[4] == '-' && v[7] == '-' {
			if t, err := times.parse(v); err == nil {
				v = t.UTC().Format(event.TimeForm)
			}
		}
		cells = append(cells, c[0], v)
	}
	key := digest(cells, nil)
	r.key = &key
}

// name makes what {hash}, {key} and {occurrence} stand for.
func (r *record) name(place string) {
	if r.in == nil {
		return
	}
	keyed := len(r.in.m.key) > 0
	if (place == placeHash || !keyed) && r.hash == [16]byte{} {
		r.hash = digest(r.cells, r.present)
	}
	if keyed && r.key == nil && place != placeHash {
		r.identify(r.in.m.key, r.in.times)
	}
	if place == placeOccurrence && r.occurrence == 0 {
		of := r.hash
		if keyed {
			of = *r.key
		}
		r.occurrence = r.in.counts.next(of)
	}
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
