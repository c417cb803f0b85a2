package warehouse

import (
	"context"
	"fmt"
	"slices"
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
	// everyEvent says that every event of the kind on these days is one of the rows.
	everyEvent bool
}

// finding is what a rollup of some days has to work on.
type finding struct {
	// none: neither rows nor corrected rows that may have come to these days, so that the rollup has no row.
	none bool
	// size is how many rows there are of the part of a day, and late how many of them after a cut, where these were counted:
	// copies, and the rows of days next to it, among them.
	size, late uint64
	amendments
}

// find looks what there is for each of the rollups, in one statement that reads little: most rolls are of days on which one
// or two kinds of events have happened, and a statement over nothing takes the engine as long as one over a thousand
// rows. What comes later is marked later, and rolled again. Where the rollups are to be cut, the rows are counted: few are new
// then, and to stop at the first of them would be no less work.
func (db *DB) find(ctx context.Context, all []rollup, args map[string]any, a aspect) ([]finding, error) {
	const ofVoid = "void"
	arms := []string{
		"SELECT toUInt8(0) AS place, '" + ofVoid + "' AS amended, toUInt64(0) AS some, toUInt64(0) AS size, toUInt64(0) AS late FROM void WHERE " + ofWorkspace + " LIMIT 1",
		"SELECT DISTINCT toUInt8(0), toString(target_kind), toUInt64(0), toUInt64(0), toUInt64(0) FROM correct WHERE " + ofWorkspace,
	}
	for i, r := range all {
		if a.cut {
			arms = append(arms, fmt.Sprintf("SELECT toUInt8(%d), '', count(), countIf(%s), countIf(%s AND received_at >= %s) FROM %s",
				i, a.ofPart(), a.ofPart(), theCut, r.concern.rows(a)))
		} else {
			arms = append(arms, fmt.Sprintf("SELECT toUInt8(%d), '', toUInt64(1), toUInt64(0), toUInt64(0) FROM %s LIMIT 1", i, r.concern.rows(a)))
		}
	}
	var found []struct {
		Place   uint8  `ch:"place"`
		Amended string `ch:"amended"`
		Some    uint64 `ch:"some"`
		Size    uint64 `ch:"size"`
		Late    uint64 `ch:"late"`
	}
	if !a.cut {
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(firstRow))
	}
	if err := db.Query(ctx, "("+strings.Join(arms, ")\nUNION ALL\n(")+")", args, &found); err != nil {
		return nil, err
	}
	out, amended := slices.Repeat([]finding{{none: true}}, len(all)), map[string]bool{}
	for _, f := range found {
		if f.Amended == "" {
			out[f.Place].none, out[f.Place].size, out[f.Place].late = f.Some == 0, f.Size, f.Late
		} else {
			amended[f.Amended] = true
		}
	}
	for i, r := range all {
		out[i].voids, out[i].corrections = amended[ofVoid], amended[string(r.concern.kind)]
		if out[i].corrections && r.concern.fixedDay {
			n, err := db.countRows(ctx, "SELECT count() AS n FROM (SELECT 1 FROM "+r.concern.corrected()+" LIMIT 1)", args)
			if err != nil {
				return nil, err
			}
			out[i].corrections = n > 0
		}
		out[i].none = out[i].none && !out[i].corrections
	}
	return out, nil
}

// firstRow are settings for statements that stop at the first row that they find: without them the engine reads a block for
// each of its threads.
var firstRow = clickhouse.Settings{"max_threads": 1, "max_block_size": 1}

// rows are the rows as they stand before corrections.
func (c concern) rows(a aspect) string {
	return c.table() + " WHERE " + strings.Join(append([]string{ofWorkspace, "(" + c.condition + ")"}, a.received(c.condition)...), " AND ")
}

// ofPart tells whether a row that was found is of the part of a day that is to be made.
func (a aspect) ofPart() string {
	condition := "day IN {part_raw_days:Array(Date32)}"
	if a.since {
		condition += " AND " + isNew
	}
	return condition
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
