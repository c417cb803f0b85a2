package warehouse

import (
	"context"
	"fmt"
	"time"
)

// Duplicate is a message of the log that says what an event before it says: it was recognised and not stored.
type Duplicate struct {
	Workspace string `ch:"workspace"`
	Source    string `ch:"source"`
	// ReceivedAt is the log's time of the message, KafkaPartition and KafkaOffset are its place: together they make one that
	// is noted twice one.
	ReceivedAt     time.Time `ch:"received_at"`
	KafkaPartition uint16    `ch:"kafka_partition"`
	KafkaOffset    uint64    `ch:"kafka_offset"`
}

// InsertDuplicates notes duplicates; noting one twice changes nothing.
func (db *DB) InsertDuplicates(ctx context.Context, rows []Duplicate) error {
	return insertStructs(ctx, db, "duplicates", []string{"workspace", "source", "received_at", "kafka_partition", "kafka_offset"}, rows)
}

// Repetitions are the duplicates that arrived in a period.
type Repetitions struct {
	// Since is from when on they are known: the beginning of the period, or later. It is zero where none of it is known, and
	// then N means nothing.
	Since time.Time
	N     uint64
	// Sources are those with the most; Cut says that there are others.
	Sources []SourceCount
	Cut     bool
}

// Repetitions counts the duplicates that arrived in a period, as far back as they are known: none was noted before the
// migration that made their table, and they are kept for [RejectDays] days.
func (db *DB) Repetitions(ctx context.Context, workspace string, from, to, now time.Time) (Repetitions, error) {
	var noted []struct {
		Since time.Time `ch:"since"`
		N     uint64    `ch:"n"`
	}
	// The first, where several processes have migrated at once.
	const since = "SELECT min(applied_at) AS since, count() AS n FROM migrations WHERE name = '0010_duplicates.sql'"
	if err := db.Query(ctx, since, nil, &noted); err != nil {
		return Repetitions{}, fmt.Errorf("count duplicates: %w", err)
	}
	if noted[0].N == 0 {
		return Repetitions{}, nil // made by hand: nobody knows since when
	}
	for _, later := range []time.Time{noted[0].Since.UTC(), now.UTC().AddDate(0, 0, -RejectDays)} {
		if from.Before(later) {
			from = later
		}
	}
	if !from.Before(to) {
		return Repetitions{}, nil
	}
	const sql = `SELECT source, count() AS n, sum(n) OVER () AS all
FROM duplicates FINAL
PREWHERE workspace = {workspace:String} AND received_at >= {from:DateTime64(3, 'UTC')} AND received_at < {to:DateTime64(3, 'UTC')}
GROUP BY source ORDER BY n DESC, source LIMIT {limit:UInt64}`
	var rows []struct {
		Source string `ch:"source"`
		N      uint64 `ch:"n"`
		// All is the sum over all sources, the same in each row.
		All uint64 `ch:"all"`
	}
	args := map[string]any{"workspace": workspace, "from": from, "to": to, "limit": mostSources}
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return Repetitions{}, fmt.Errorf("count duplicates: %w", err)
	}
	out := Repetitions{Since: from, Cut: len(rows) == mostSources}
	for _, r := range rows {
		out.N = r.All
		out.Sources = append(out.Sources, SourceCount{Source: r.Source, Duplicates: r.N})
	}
	return out, nil
}
