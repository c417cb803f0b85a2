package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/registry"
)

// ErasurePass is one finished round of erasing a person. What each round does, and why there are two, is in ERASURE.md.
type ErasurePass struct {
	Workspace string `ch:"workspace"`
	ErasureID string `ch:"erasure_id"`
	// Pass is 1 for the round at once, 2 for the one after all who wrote then have stopped, more where rows have come
	// back, from a restored backup or a loader that slept.
	Pass       uint8     `ch:"pass"`
	StartedAt  time.Time `ch:"started_at"`
	FinishedAt time.Time `ch:"finished_at"`
	// Events are the raw rows that named the person, Corrections those of them whose payload was rewritten, Rejects the
	// rejects whose bytes were emptied, Entries the versions in the registry, Days the rolled days.
	Events      uint64 `ch:"events"`
	Corrections uint64 `ch:"corrections"`
	Rejects     uint64 `ch:"rejects"`
	Entries     uint64 `ch:"entries"`
	Days        uint64 `ch:"days"`
}

// Found tells whether the pass had anything to do.
func (p ErasurePass) Found() bool { return p.Events+p.Corrections+p.Rejects+p.Entries+p.Days > 0 }

// InsertErasures stores erasures; storing one twice changes nothing.
func (db *DB) InsertErasures(ctx context.Context, rows []registry.Erasure) error {
	if len(rows) == 0 {
		return nil
	}
	columns := []string{"workspace", "person", "erasure_id", "pseudonym", "id_bytes", "requested_at", "requested_by", "reason", "seal_check"}
	return db.send(ctx, "erasures", columns, func(b driver.Batch) error {
		return appendColumns(
			b,
			column(rows, func(r *registry.Erasure) string { return r.Workspace }),
			column(rows, func(r *registry.Erasure) []byte { return r.Person[:] }),
			column(rows, func(r *registry.Erasure) string { return r.ErasureID }),
			column(rows, func(r *registry.Erasure) string { return r.Pseudonym }),
			column(rows, func(r *registry.Erasure) uint16 { return uint16(r.IDBytes) }),
			column(rows, func(r *registry.Erasure) time.Time { return r.RequestedAt }),
			column(rows, func(r *registry.Erasure) string { return r.RequestedBy }),
			column(rows, func(r *registry.Erasure) string { return r.Reason }),
			column(rows, func(r *registry.Erasure) string { return r.SealCheck }),
		)
	})
}

// Erasures reads the erasures of a workspace, or of all where it is "", the earliest request first.
func (db *DB) Erasures(ctx context.Context, workspace string) ([]registry.Erasure, error) {
	const sql = `SELECT workspace, person, erasure_id, pseudonym, id_bytes, requested_at, requested_by, reason, seal_check
FROM erasures FINAL
WHERE {workspace:String} = '' OR workspace = {workspace:String}
ORDER BY requested_at, erasure_id`
	var rows []struct {
		Workspace   string    `ch:"workspace"`
		Person      [16]byte  `ch:"person"`
		ErasureID   string    `ch:"erasure_id"`
		Pseudonym   string    `ch:"pseudonym"`
		IDBytes     uint16    `ch:"id_bytes"`
		RequestedAt time.Time `ch:"requested_at"`
		RequestedBy string    `ch:"requested_by"`
		Reason      string    `ch:"reason"`
		SealCheck   string    `ch:"seal_check"`
	}
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	out := make([]registry.Erasure, len(rows))
	for i, r := range rows {
		out[i] = registry.Erasure{
			Workspace: r.Workspace, Person: r.Person, Pseudonym: r.Pseudonym, IDBytes: int(r.IDBytes), ErasureID: r.ErasureID,
			RequestedAt: r.RequestedAt.UTC(), RequestedBy: r.RequestedBy, Reason: r.Reason, SealCheck: r.SealCheck,
		}
	}
	return out, nil
}

// InsertErasurePass records a finished pass.
func (db *DB) InsertErasurePass(ctx context.Context, p ErasurePass) error {
	columns := []string{
		"workspace", "erasure_id", "pass", "started_at", "finished_at", "events", "corrections", "rejects", "entries", "days",
	}
	return insertStructs(ctx, db, "erasure_passes", columns, []ErasurePass{p})
}

// ErasurePasses reads the finished passes of a workspace, or of all where it is "", in the order in which they ended.
func (db *DB) ErasurePasses(ctx context.Context, workspace string) ([]ErasurePass, error) {
	const sql = `SELECT workspace, erasure_id, pass, started_at, finished_at, events, corrections, rejects, entries, days
FROM erasure_passes FINAL
WHERE {workspace:String} = '' OR workspace = {workspace:String}
ORDER BY finished_at, pass`
	var rows []ErasurePass
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, fmt.Errorf("read passes of erasures: %w", err)
	}
	return rows, nil
}
