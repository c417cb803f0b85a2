package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/registry"
)

// InsertRegistry stores versions of registry entries; storing one twice changes nothing.
func (db *DB) InsertRegistry(ctx context.Context, records []registry.Record) error {
	if len(records) == 0 {
		return nil
	}
	columns := []string{"workspace", "kind", "key", "valid_from", "recorded_at", "entry_id", "value", "deleted", "author"}
	return db.send(ctx, "registry", columns, func(b driver.Batch) error {
		return appendColumns(
			b,
			column(records, func(r *registry.Record) string { return r.Workspace }),
			column(records, func(r *registry.Record) string { return string(r.Kind) }),
			column(records, func(r *registry.Record) string { return r.Key }),
			column(records, func(r *registry.Record) time.Time { return r.ValidFrom }),
			column(records, func(r *registry.Record) time.Time { return r.RecordedAt }),
			column(records, func(r *registry.Record) string { return r.EntryID }),
			column(records, func(r *registry.Record) string { return string(r.Value) }),
			column(records, func(r *registry.Record) bool { return r.Deleted }),
			column(records, func(r *registry.Record) string { return r.Author }),
		)
	})
}

// Registry reads every version of every entry of a workspace: what registry.NewSnapshot is made of.
func (db *DB) Registry(ctx context.Context, workspace string) ([]registry.Record, error) {
	return db.registry(ctx, workspace, "")
}

// registry reads the versions of one kind, or of all where kind is "".
func (db *DB) registry(ctx context.Context, workspace string, kind registry.Kind) ([]registry.Record, error) {
	const sql = `SELECT workspace, kind, key, valid_from, recorded_at, entry_id, value, deleted, author
FROM registry FINAL
WHERE workspace = {workspace:String} AND ({kind:String} = '' OR kind = {kind:String})
ORDER BY kind, key, valid_from, recorded_at, entry_id`
	var rows []struct {
		Workspace  string    `ch:"workspace"`
		Kind       string    `ch:"kind"`
		Key        string    `ch:"key"`
		ValidFrom  time.Time `ch:"valid_from"`
		RecordedAt time.Time `ch:"recorded_at"`
		EntryID    string    `ch:"entry_id"`
		Value      string    `ch:"value"`
		Deleted    bool      `ch:"deleted"`
		Author     string    `ch:"author"`
	}
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "kind": string(kind)}, &rows); err != nil {
		return nil, fmt.Errorf("read registry of %q: %w", workspace, err)
	}
	out := make([]registry.Record, len(rows))
	for i, r := range rows {
		out[i] = registry.Record{
			Workspace: r.Workspace, Kind: registry.Kind(r.Kind), Key: r.Key, ValidFrom: r.ValidFrom.UTC(),
			RecordedAt: r.RecordedAt.UTC(), EntryID: r.EntryID, Deleted: r.Deleted, Author: r.Author,
		}
		if r.Value != "" {
			out[i].Value = []byte(r.Value)
		}
	}
	return out, nil
}

// Zone is the time zone in which the workspace's days are cut: that of its calendar as it holds now, else UTC. One
// zone holds for the whole history; a change of it makes every day anew.
func (db *DB) Zone(ctx context.Context, workspace string) (*time.Location, error) {
	records, err := db.registry(ctx, workspace, registry.Calendar)
	if err != nil {
		return nil, err
	}
	version, ok := registry.NewSnapshot(records).At(registry.Calendar, registry.CalendarKey, time.Now())
	if !ok {
		return time.UTC, nil
	}
	calendar, ok := version.Entry.(*registry.WorkspaceCalendar)
	if !ok {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(calendar.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone of %q: %w", workspace, err)
	}
	return zone, nil
}
