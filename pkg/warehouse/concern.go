package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
)

// concern says which raw rows a rollup of some days can be made of.
type concern struct {
	kind event.Kind
	// condition finds them, as they stand before corrections.
	condition string
	// fixedDay says that a correction does not move a row to another day: then only corrected rows of the days concern it.
	fixedDay bool
}

// finding is what a rollup of some days has to work on.
type finding struct {
	// none: neither rows nor corrected rows that may have come to these days, so that the rollup has no row.
	none bool
	amendments
}

// find looks what there is for each of the rollups, in one statement that reads little: most rolls are of days on which one
// or two kinds of events have happened, and a statement over nothing takes the engine as long as one over a thousand
// rows. What comes later is marked later, and rolled again.
func (db *DB) find(ctx context.Context, all []rollup, args map[string]any) ([]finding, error) {
	const ofVoid = "void"
	arms := []string{
		"SELECT toUInt8(0) AS place, '" + ofVoid + "' AS amended FROM void WHERE " + ofWorkspace + " LIMIT 1",
		"SELECT DISTINCT toUInt8(0), toString(target_kind) FROM correct WHERE " + ofWorkspace,
	}
	for i, r := range all {
		arms = append(arms, fmt.Sprintf("SELECT toUInt8(%d), '' FROM %s LIMIT 1", i, r.concern.rows()))
	}
	var found []struct {
		Place   uint8  `ch:"place"`
		Amended string `ch:"amended"`
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(firstRow))
	if err := db.Query(ctx, "("+strings.Join(arms, ")\nUNION ALL\n(")+")", args, &found); err != nil {
		return nil, err
	}
	some, amended := map[int]bool{}, map[string]bool{}
	for _, f := range found {
		if f.Amended == "" {
			some[int(f.Place)] = true
		} else {
			amended[f.Amended] = true
		}
	}
	out := make([]finding, len(all))
	for i, r := range all {
		out[i].voids, out[i].corrections = amended[ofVoid], amended[string(r.concern.kind)]
		if out[i].corrections && r.concern.fixedDay {
			n, err := db.countRows(ctx, "SELECT count() AS n FROM (SELECT 1 FROM "+r.concern.corrected()+" LIMIT 1)", args)
			if err != nil {
				return nil, err
			}
			out[i].corrections = n > 0
		}
		out[i].none = !some[i] && !out[i].corrections
	}
	return out, nil
}

// firstRow are settings for statements that stop at the first row that they find: without them the engine reads a block for
// each of its threads.
var firstRow = clickhouse.Settings{"max_threads": 1, "max_block_size": 1}

// rows are the rows as they stand before corrections.
func (c concern) rows() string {
	return c.table() + " WHERE " + ofWorkspace + " AND (" + c.condition + ")"
}

// corrected are the corrected rows of the days, where corrections do not move rows.
func (c concern) corrected() string {
	return c.table() + " WHERE " + ofWorkspace + " AND " + rawDays + " AND identity IN (" + corrections(c.kind) + ")"
}

func (c concern) table() string {
	spec, ok := event.Lookup(c.kind)
	if !ok {
		panic(fmt.Sprintf("concern of a rollup: no kind %q", c.kind))
	}
	return spec.Table
}
