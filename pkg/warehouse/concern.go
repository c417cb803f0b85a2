package warehouse

import (
	"context"
	"fmt"
	"strings"

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
	arms := make([]string, 0, len(all)+1)
	for i, r := range all {
		spec, ok := event.Lookup(r.concern.kind)
		if !ok {
			panic(fmt.Sprintf("concern of %s: no kind %q", r.table, r.concern.kind))
		}
		corrected := "(SELECT count() FROM (" + corrections(r.concern.kind) + "))"
		rows := "SELECT count() FROM " + spec.Table + " WHERE " + ofWorkspace + " AND (" + r.concern.condition + ")"
		if r.concern.fixedDay {
			corrected = "(SELECT count() FROM " + spec.Table + " WHERE " + ofWorkspace + " AND " + rawDays +
				" AND identity IN (" + corrections(r.concern.kind) + "))"
		}
		arms = append(arms, fmt.Sprintf("SELECT %d AS place, (%s) AS found, %s AS corrected", i, rows, corrected))
	}
	arms = append(arms, fmt.Sprintf("SELECT %d, (SELECT count() FROM (%s)), 0", len(all), voids))
	var counts []struct {
		Place     uint8  `ch:"place"`
		Found     uint64 `ch:"found"`
		Corrected uint64 `ch:"corrected"`
	}
	if err := db.Query(ctx, strings.Join(arms, "\nUNION ALL\n"), args, &counts); err != nil {
		return nil, err
	}
	out := make([]finding, len(all)+1)
	for _, c := range counts {
		out[c.Place] = finding{none: c.Found == 0 && c.Corrected == 0, amendments: amendments{corrections: c.Corrected > 0}}
	}
	for i := range all {
		out[i].voids = !out[len(all)].none
	}
	return out[:len(all)], nil
}
