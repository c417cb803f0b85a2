package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
)

// pointer is what a day is made of: the rows of its segments and its deals, each under a generation of its own.
type pointer struct {
	day        event.Day
	generation uint64
	segments   []segment
	// deals is the generation of the deals; 0 where there are none.
	deals uint64
	// basis is what the day was cut by; only segments of one basis go together.
	basis string
}

// segment is the events of a day that were received from begin until the next segment begins. The first has
// everything before the second.
type segment struct {
	generation uint64
	begin      time.Time
	// size is about how many events there are.
	size uint64
	// holds are the rollups that may have rows.
	holds uint32
}

// holds are the rollups that may have rows of the day.
func (p pointer) holds() uint32 {
	out := uint32(0)
	for _, s := range p.segments {
		out |= s.holds
	}
	if p.deals != 0 {
		out |= holdsBit(dealsTable)
	}
	return out
}

// size is about how many events the day has.
func (p pointer) size() uint64 {
	n := uint64(0)
	for _, s := range p.segments {
		n += s.size
	}
	return n
}

// pointersOf are the latest pointers of days.
func (db *DB) pointersOf(ctx context.Context, workspace string, days []event.Day) (map[event.Day]pointer, error) {
	var rows []struct {
		Day        time.Time `ch:"day"`
		Generation uint64    `ch:"latest"`
		Segments   []uint64  `ch:"segments"`
		Begins     []int64   `ch:"begins"`
		Sizes      []uint64  `ch:"sizes"`
		Held       []uint32  `ch:"held"`
		Deals      uint64    `ch:"deals"`
		Basis      string    `ch:"basis"`
	}
	const sql = `SELECT day, latest, last.1 AS segments, last.2 AS begins, last.3 AS sizes, last.4 AS held, last.5 AS deals, last.6 AS basis FROM (
	SELECT day, max(generation) AS latest, argMax((p.segments, p.begins, p.sizes, p.held, p.deals, toString(p.basis)), generation) AS last
	FROM rollup_pointer AS p WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)} GROUP BY day
)`
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "days": days}, &rows); err != nil {
		return nil, fmt.Errorf("read pointers: %w", err)
	}
	out := make(map[event.Day]pointer, len(rows))
	for _, r := range rows {
		p := pointer{day: event.DayOf(r.Day), generation: r.Generation, deals: r.Deals, basis: r.Basis}
		for i, g := range r.Segments {
			p.segments = append(p.segments, segment{g, time.UnixMilli(r.Begins[i]).UTC(), r.Sizes[i], r.Held[i]})
		}
		out[p.day] = p
	}
	return out, nil
}

// errMoved says that somebody else has rolled one of the days since its pointer was read.
var errMoved = errors.New("another roll has come between")

// point makes days visible, all at once: one block into a table without partitions is one part. Those of base were
// built on the pointers there, and none is written unless these are the latest still: what they share might have been swept. The
// server looks, in the statement that writes: between a look of ours and an insert this process might sleep for hours.
func (db *DB) point(ctx context.Context, workspace string, pointers []pointer, base map[event.Day]pointer) error {
	rows := make([]string, len(pointers))
	var days []event.Day
	var latest []string
	for i, p := range pointers {
		rows[i] = p.literal()
		if b, ok := base[p.day]; ok {
			days, latest = append(days, b.day), append(latest, fmt.Sprintf("(toDate32('%s'), toUInt64(%d))", b.day, b.generation))
		}
	}
	sql := `INSERT INTO rollup_pointer (workspace, day, generation, rolled_at, holds, segments, begins, sizes, held, deals, basis)
SELECT {workspace:String}, toDate32(p.1), p.2, {now:DateTime64(3, 'UTC')}, p.3, p.4, p.5, p.6, p.7, p.8, p.9
FROM (SELECT arrayJoin([` + strings.Join(rows, ", ") + `]) AS p)`
	if len(latest) > 0 {
		sql += ` WHERE (
	SELECT count() FROM (SELECT day, max(generation) AS latest FROM rollup_pointer WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)} GROUP BY day)
	WHERE (day, latest) IN (` + strings.Join(latest, ", ") + `)
) = ` + fmt.Sprint(len(latest))
	}
	insert, done := db.insertContext(ctx)
	defer done()
	args := map[string]any{"workspace": workspace, "days": days, "now": time.Now().UTC().Truncate(time.Millisecond)}
	insert = clickhouse.Context(insert, clickhouse.WithSettings(clickhouse.Settings{"max_query_size": len(sql) + 1<<20}))
	if err := db.exec(insert, sql, args); err != nil {
		return fmt.Errorf("write pointers: %w", err)
	}
	const written = "SELECT count() AS n FROM rollup_pointer WHERE workspace = {workspace:String} AND day = {day:Date32} AND generation = {generation:UInt64}"
	n, err := db.countRows(ctx, written, map[string]any{"workspace": workspace, "day": pointers[0].day, "generation": pointers[0].generation})
	if err == nil && n == 0 {
		err = errMoved
	}
	return err
}

// literal is a pointer as a tuple in SQL: day, generation, holds, the columns of the segments, deals, basis. Plain literals are read many
// times as fast as expressions.
func (p pointer) literal() string {
	lists := [4][]string{}
	for _, s := range p.segments {
		lists[0] = append(lists[0], fmt.Sprint(s.generation))
		lists[1] = append(lists[1], fmt.Sprint(s.begin.UnixMilli()))
		lists[2] = append(lists[2], fmt.Sprint(s.size))
		lists[3] = append(lists[3], fmt.Sprint(s.holds))
	}
	list := func(i int) string { return "[" + strings.Join(lists[i], ",") + "]" }
	return fmt.Sprintf("('%s',%d,%d,%s,%s,%s,%s,%d,%s)", p.day, p.generation, p.holds(), list(0), list(1), list(2), list(3), p.deals, quote(p.basis))
}
