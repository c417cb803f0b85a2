package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// personalRollups are those with rows of persons.
func personalRollups() []rollup {
	return slices.DeleteFunc(rollups(), func(r rollup) bool { return len(r.personColumns()) == 0 })
}

// personColumns are the columns of a rollup that hold hashes of persons.
func (r rollup) personColumns() []string {
	return slices.DeleteFunc(slices.Clone(r.columns), func(c string) bool { return c != "person" && c != "owner" })
}

// currentDays restricts a rollup to the generations of each day that readers see now.
func currentDays(workspace string) string {
	return "(day, generation) IN (SELECT day, arrayJoin(argMax(generations, generation)) FROM rollup_pointer WHERE workspace = " + quote(workspace) + " GROUP BY day)"
}

// ErasedDays are the rolled days in which readers still see the person: they have to be made anew.
func (db *DB) ErasedDays(ctx context.Context, e registry.Erasure) ([]event.Day, error) {
	var parts []string
	for _, r := range personalRollups() {
		parts = append(parts, "SELECT DISTINCT day FROM "+r.table+" WHERE workspace = "+quote(e.Workspace)+" AND "+namesAny(e, r.personColumns())+
			" AND "+currentDays(e.Workspace))
	}
	var rows []struct {
		Day time.Time `ch:"day"`
	}
	sql := "SELECT DISTINCT day FROM (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY day"
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return nil, fmt.Errorf("days with rows of an erased person: %w", err)
	}
	out := make([]event.Day, len(rows))
	for i, r := range rows {
		out[i] = event.DayOf(r.Day)
	}
	return out, nil
}

// copySpread is how far apart the generations of two copies are drawn: two loaders that copy a day at a time must not
// write into one generation.
const copySpread = 1 << 18

// EraseSealed puts the pseudonym into rollups of days that cannot be rolled any more, because their raw rows may be
// gone: each day is copied whole, with the person replaced, into a new generation, which then becomes the visible one. It
// is for sealed days only: on others a roll could run beside it, and one of the two would be lost.
func (db *DB) EraseSealed(ctx context.Context, e registry.Erasure, days []event.Day) error {
	for chunk := range slices.Chunk(days, MaxRollDays) {
		if err := db.eraseSealed(ctx, e, chunk); err != nil {
			return fmt.Errorf("erase from sealed days: %w", err)
		}
	}
	return nil
}

func (db *DB) eraseSealed(ctx context.Context, e registry.Erasure, days []event.Day) error {
	var last []struct {
		Generation uint64 `ch:"generation"`
	}
	const newest = "SELECT max(generation) AS generation FROM rollup_pointer WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)}"
	args := map[string]any{"workspace": e.Workspace, "days": days}
	if err := db.Query(ctx, newest, args, &last); err != nil {
		return err
	}
	generation := last[0].Generation + generationRoom*(1+uint64(rand.N(copySpread)))
	args["generation"] = generation
	for _, r := range rollups() {
		columns := slices.Clone(r.columns)
		for i, c := range columns {
			if slices.Contains(r.personColumns(), c) {
				columns[i] = replaced(e, c)
			}
		}
		sql := "INSERT INTO " + r.table + " (" + rollupColumns(r) + ")\nSELECT workspace, day, {generation:UInt64}, " + strings.Join(columns, ", ") +
			" FROM " + r.table + " WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)} AND " + currentDays(e.Workspace)
		if err := db.exec(ctx, sql, args); err != nil {
			return fmt.Errorf("copy %s: %w", r.table, err)
		}
	}
	copies := make([]pointer, len(days))
	for i, d := range days {
		copies[i] = pointer{day: d, generation: generation, segments: []segment{{generation: generation, begin: time.UnixMilli(0), holds: holdsAny}}}
	}
	return db.point(ctx, e.Workspace, copies, nil)
}

// SweepErased deletes rows of the person from generations of rollups that were superseded before a moment, which must lie
// further back than any request that may still read them. It tells whether none is left.
func (db *DB) SweepErased(ctx context.Context, e registry.Erasure, before time.Time) (clean bool, err error) {
	var errs []error
	clean = true
	for _, r := range personalRollups() {
		mine := "workspace = " + quote(e.Workspace) + " AND " + namesAny(e, r.personColumns())
		// A generation above the visible one may be a roll that runs: it stays until it is superseded.
		condition := mine + fmt.Sprintf(` AND (day, generation) IN (
	SELECT s.day, s.generation FROM (SELECT DISTINCT day, generation FROM %s WHERE %s) AS s
	INNER JOIN (
		SELECT day, maxIf(generation, rolled_at < fromUnixTimestamp64Milli(%d)) AS keep, groupArray((generation, generations)) AS pointers
		FROM rollup_pointer WHERE workspace = %s GROUP BY day
	) AS k ON s.day = k.day
	WHERE s.generation < k.keep AND NOT %s
)`, r.table, mine, before.UnixMilli(), quote(e.Workspace), ledTo)
		n, err := db.countRows(ctx, "SELECT count() AS n FROM "+r.table+" WHERE "+condition, nil)
		if err == nil && n > 0 {
			err = db.mutate(ctx, "ALTER TABLE "+r.table+" DELETE WHERE "+condition)
		}
		if err == nil {
			n, err = db.countRows(ctx, "SELECT count() AS n FROM "+r.table+" WHERE "+mine, nil)
		}
		clean = clean && n == 0
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return false, fmt.Errorf("sweep rows of an erased person: %w", err)
	}
	return clean, nil
}
