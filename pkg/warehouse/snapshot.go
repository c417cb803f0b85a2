package warehouse

import (
	"context"
	"fmt"
	"time"
)

// clockSkew is how far the clocks of loaders and brokers may be apart. The watermark stays this much behind.
const clockSkew = time.Second

// Snapshot is what a reader reads from: one generation of every day, and how far it is complete.
type Snapshot struct {
	// Generation goes into [Current]. 0: nothing was rolled yet.
	Generation uint64
	// AsOf is when the snapshot was taken.
	AsOf time.Time
	// CompleteThrough says: every event that the broker took before this time is in the rollups, or was refused. Zero:
	// not known yet. It is receive time, the same for all workspaces, and never goes back.
	CompleteThrough time.Time
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
		Generation uint64    `ch:"generation"`
		AsOf       time.Time `ch:"as_of"`
	}
	const sql = `SELECT max(generation) AS generation, now64(3, 'UTC') AS as_of
FROM rollup_pointer WHERE workspace = {workspace:String}`
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	return Snapshot{Generation: rows[0].Generation, AsOf: rows[0].AsOf.UTC(), CompleteThrough: complete}, nil
}

// recently is how far back progress is looked for first: while a loader runs, every partition has a row in it, and
// the rows of seven days need not be read for every request.
const recently = 10 * time.Minute

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

// progressSince computes the watermark from the rows of progress since a time; less rows can only give less.
func (db *DB) progressSince(ctx context.Context, since time.Time) (through time.Time, known bool, err error) {
	const sql = `WITH
	marks AS (
		SELECT min(m) AS rolled, count() = max(partitions) AND count() > 0 AS heard FROM (
			SELECT max(through) AS m, max(progress.partitions) AS partitions
			FROM progress WHERE stream = 'marks' AND recorded_at >= {since:DateTime64(3, 'UTC')} GROUP BY kafka_partition
		)
	)
SELECT min(e) AS through, count() = max(partitions) AND count() > 0 AND (SELECT heard FROM marks) AS known FROM (
	SELECT max(through) AS e, max(progress.partitions) AS partitions
	FROM progress
	WHERE stream = 'events' AND recorded_at >= {since:DateTime64(3, 'UTC')}
		AND recorded_at <= (SELECT rolled FROM marks) - toIntervalMillisecond({skew:UInt32})
	GROUP BY kafka_partition
)`
	var rows []struct {
		Through time.Time `ch:"through"`
		Known   uint8     `ch:"known"`
	}
	args := map[string]any{"skew": clockSkew.Milliseconds(), "since": since.UTC().Truncate(time.Millisecond)}
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return time.Time{}, false, err
	}
	if len(rows) == 0 || rows[0].Known != 1 {
		return time.Time{}, false, nil
	}
	return rows[0].Through, true, nil
}
