package warehouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumbline/pkg/event"
)

// clockSkew is how far the clocks of loaders and brokers may be apart. The watermark stays this much behind.
const clockSkew = time.Second

// Snapshot is what a reader reads from: one generation of every day, and how far it is complete.
type Snapshot struct {
	// Generation goes into [Current]. 0: nothing was rolled yet.
	Generation uint64
	// Days are all rolled days with the generation of each that the snapshot sees, in their order.
	Days []Rolled
	// AsOf is when the snapshot was taken.
	AsOf time.Time
	// CompleteThrough says: every event that the broker took before this time is in the rollups, or was refused. Zero:
	// not known yet. It is receive time, the same for all workspaces, and never goes back.
	CompleteThrough time.Time
}

// Rolled is a day of the rollups.
type Rolled struct {
	// Day is the local day.
	Day event.Day
	// Generation is that of its latest roll.
	Generation uint64
	// Segments are the generations of its rows.
	Segments []RolledSegment
}

// RolledSegment is rows of a day under one generation, which never change.
type RolledSegment struct {
	Generation uint64
	holds      uint32
}

// Holding are the generations of the day that can have rows of a rollup; other ones certainly have none. Of a table without a
// bit nothing is known.
func (r Rolled) Holding(table string) []uint64 {
	bit := holdsBit(table)
	var out []uint64
	for _, s := range r.Segments {
		if bit == 0 || s.holds&bit != 0 {
			out = append(out, s.Generation)
		}
	}
	return out
}

// holdsAny says that every rollup may have rows.
const holdsAny = ^uint32(0)

// holdsBit is the bit of a rollup in the column holds, as the migration numbers them; 0 for a table that is none.
func holdsBit(table string) uint32 {
	place := slices.Index([]string{
		"rollup_hours", "rollup_trials", "rollup_spend", "rollup_conversions", "rollup_deals", "rollup_reviews",
		"rollup_training", "rollup_barriers", "rollup_answers", "rollup_changes", "rollup_accrual", "rollup_links",
	}, table)
	if place < 0 {
		return 0
	}
	return 1 << place
}

// Snapshot takes a snapshot. Take one for each request: generations that it sees stay for ten minutes.
//
// CompleteThrough is found as follows. For each partition of the events, progress rows say "at r, everything
// appended before e was processed", and processed means that its marks were acknowledged before r. For each
// partition of the marks the latest row says that all marks appended before m are rolled; let M be the least of them. A
// row with r + skew <= M therefore speaks of events all of whose marks are rolled. Of each partition the greatest e
// among these rows counts, of the partitions the least. M and the rows below it only grow, and so does the result. A
// partition from which no such row is there makes it unknown. The
// generation is read after the progress, so that it holds at least what the progress speaks of.
func (db *DB) Snapshot(ctx context.Context, workspace string) (Snapshot, error) {
	complete, err := db.completeThrough(ctx)
	if err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	var rows []struct {
		Days        []time.Time `ch:"days"`
		Generations []uint64    `ch:"generations"`
		Segments    [][]uint64  `ch:"segments"`
		Held        [][]uint32  `ch:"held"`
		Deals       []uint64    `ch:"deals"`
		AsOf        time.Time   `ch:"as_of"`
	}
	const sql = `SELECT groupArray(day) AS days, groupArray(latest) AS generations, groupArray(last.1) AS segments, groupArray(last.2) AS held,
	groupArray(last.3) AS deals, now64(3, 'UTC') AS as_of
FROM (
	SELECT day, max(generation) AS latest, argMax((p.segments, p.held, p.deals), generation) AS last
	FROM rollup_pointer AS p WHERE workspace = {workspace:String} GROUP BY day ORDER BY day
)`
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	out := Snapshot{Days: make([]Rolled, len(rows[0].Days)), AsOf: rows[0].AsOf.UTC(), CompleteThrough: complete}
	for i, d := range rows[0].Days {
		r := Rolled{Day: event.DayOf(d), Generation: rows[0].Generations[i]}
		for j, g := range rows[0].Segments[i] {
			r.Segments = append(r.Segments, RolledSegment{g, rows[0].Held[i][j]})
		}
		if g := rows[0].Deals[i]; g != 0 {
			r.Segments = append(r.Segments, RolledSegment{g, holdsBit(dealsTable)})
		}
		out.Days[i] = r
		out.Generation = max(out.Generation, rows[0].Generations[i])
	}
	return out, nil
}

// recently is how far back progress is looked for first: while a loader runs, every partition has a row in it, and
// the rows of seven days need not be read for every request.
const recently = time.Minute

// completeThrough computes the watermark, and remembers it: rows of progress live for seven days only.
func (db *DB) completeThrough(ctx context.Context) (time.Time, error) {
	through, known, err := db.progressSince(ctx, time.Now().Add(-recently))
	if err == nil && !known {
		through, known, err = db.progressSince(ctx, time.Unix(0, 0))
	}
	if err != nil {
		return time.Time{}, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if known && through.After(db.complete) {
		db.complete = through.UTC()
	}
	return db.complete, nil
}

// progressSince computes the watermark from the rows of progress since a time; less rows can only give less. Two plain
// statements: one that does all of it takes the engine several times as long to plan as both to run.
func (db *DB) progressSince(ctx context.Context, since time.Time) (through time.Time, known bool, err error) {
	rolled, heard, err := db.leastThrough(ctx, StreamMarks, since, time.Now().Add(tomorrow))
	if err != nil || !heard {
		return time.Time{}, false, err
	}
	return db.leastThrough(ctx, StreamEvents, since, rolled.Add(-clockSkew))
}

// tomorrow is later than any loader records.
const tomorrow = 24 * time.Hour

// leastThrough is how far all partitions of a stream have come, by what was recorded in a time; false where one of them was
// not heard of.
func (db *DB) leastThrough(ctx context.Context, stream string, since, until time.Time) (least time.Time, heard bool, err error) {
	const sql = `SELECT kafka_partition, max(progress.partitions) AS partitions, max(progress.through) AS through FROM progress
WHERE stream = {stream:String} AND recorded_at >= {since:DateTime64(3, 'UTC')} AND recorded_at <= {until:DateTime64(3, 'UTC')}
GROUP BY kafka_partition`
	args := map[string]any{"stream": stream, "since": since.UTC().Truncate(time.Millisecond), "until": until.UTC().Truncate(time.Millisecond)}
	var rows []struct {
		Partition  uint16    `ch:"kafka_partition"`
		Partitions uint16    `ch:"partitions"`
		Through    time.Time `ch:"through"`
	}
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return time.Time{}, false, err
	}
	partitions := 0
	for _, r := range rows {
		partitions = max(partitions, int(r.Partitions))
		if least.IsZero() || r.Through.Before(least) {
			least = r.Through
		}
	}
	return least, partitions > 0 && partitions == len(rows), nil
}
