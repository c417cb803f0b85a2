package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plumbline/pkg/event"
)

// recentDays is how far back the days of events are that are looked at first: events mostly arrive soon after they happen, and
// few days are few partitions to read.
const recentDays = 40

// LastReceived is when the latest event of a source arrived, of those that are stored; zero where there is none. Since bounds the
// work: where one arrived at or after it, the answer is that of such an event, and perhaps not the latest.
func (db *DB) LastReceived(ctx context.Context, workspace, source string, since time.Time) (time.Time, error) {
	args := map[string]any{"workspace": workspace, "source": source, "recent": event.DayOf(since.AddDate(0, 0, -recentDays))}
	recent, err := db.lastReceived(ctx, "day >= {recent:Date32}", args)
	if err != nil || (!recent.IsZero() && !recent.Before(since)) {
		return recent, err
	}
	// What happened long ago may have arrived later.
	older, err := db.lastReceived(ctx, "day < {recent:Date32}", args)
	if older.After(recent) {
		return older, err
	}
	return recent, err
}

// lastReceived is the latest arrival of a source among the events of some days.
func (db *DB) lastReceived(ctx context.Context, days string, args map[string]any) (time.Time, error) {
	var parts []string
	for _, spec := range event.Catalogue() {
		// Without FINAL: copies of an event agree in when it arrived and from where.
		parts = append(parts, "SELECT received_at FROM "+spec.Table+"\nPREWHERE workspace = {workspace:String} AND "+days+" AND source = {source:String}")
	}
	var rows []struct {
		Last time.Time `ch:"latest"`
		N    uint64    `ch:"n"`
	}
	sql := "SELECT max(received_at) AS latest, count() AS n FROM (" + strings.Join(parts, "\nUNION ALL\n") + ")"
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return time.Time{}, fmt.Errorf("ask when a source was last heard of: %w", err)
	}
	if rows[0].N == 0 {
		return time.Time{}, nil
	}
	return rows[0].Last.UTC(), nil
}
