package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plumbline/pkg/audit"
	"plumbline/pkg/registry"
)

// InsertAudit stores entries of the audit log; storing one twice changes nothing.
func (db *DB) InsertAudit(ctx context.Context, rows []audit.Entry) error {
	return insertStructs(ctx, db, "audit", audit.Columns(), rows)
}

// AuditFilter chooses entries of the audit log of a workspace. Zero values choose all.
type AuditFilter struct {
	Workspace     string
	Actor, Action string
	// From and To bound the time; To itself is not in it.
	From, To time.Time
}

// AuditPlace is the place of an entry in a list.
type AuditPlace struct {
	At time.Time
	ID string
}

// Audit reads a page of the entries that a filter chooses, the latest first. After is the last entry of the page before;
// nil begins.
func (db *DB) Audit(ctx context.Context, f AuditFilter, after *AuditPlace, limit int) ([]audit.Entry, error) {
	sql, args := f.page(after, limit)
	var rows []audit.Entry
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return rows, nil
}

// page is the query for one page. The period stands before FINAL has put rows together, on what all rows of an act have
// in common; the rest is asked of what holds.
func (f AuditFilter) page(after *AuditPlace, limit int) (string, map[string]any) {
	args := map[string]any{"workspace": f.Workspace, "limit": limit}
	period, rest := []string{"workspace = {workspace:String}"}, []string{}
	if !f.From.IsZero() {
		period = append(period, "at >= {from:DateTime64(3, 'UTC')}")
		args["from"] = f.From
	}
	if !f.To.IsZero() {
		period = append(period, "at < {to:DateTime64(3, 'UTC')}")
		args["to"] = f.To
	}
	if after != nil {
		period = append(period, "at <= {after_at:DateTime64(3, 'UTC')}")
		rest = append(rest, "(at, entry_id) < ({after_at:DateTime64(3, 'UTC')}, {after_id:String})")
		args["after_at"], args["after_id"] = after.At, after.ID
	}
	if f.Actor != "" {
		rest = append(rest, "actor = {actor:String}")
		args["actor"] = f.Actor
	}
	if f.Action != "" {
		rest = append(rest, "action = {action:String}")
		args["action"] = f.Action
	}
	where := ""
	if len(rest) > 0 {
		where = "\nWHERE " + strings.Join(rest, " AND ")
	}
	return "SELECT " + strings.Join(audit.Columns(), ", ") + "\nFROM audit FINAL\nPREWHERE " + strings.Join(period, " AND ") + where +
		"\nORDER BY at DESC, entry_id DESC\nLIMIT {limit:UInt64}", args
}

// auditPersons are the columns of the audit log in which persons stand.
func auditPersons() []string { return []string{"actor", "target"} }

// EraseAudit puts the marker into the entries of the audit log that name the person. The acts stay.
func (db *DB) EraseAudit(ctx context.Context, e registry.Erasure) error {
	where := "workspace = " + quote(e.Workspace) + " AND " + namesAny(e, auditPersons())
	n, err := db.countRows(ctx, "SELECT count() AS n FROM audit WHERE "+where, nil)
	if err != nil {
		return fmt.Errorf("erase from the audit log: %w", err)
	}
	if n == 0 {
		return nil
	}
	e.Pseudonym = audit.Erased
	var set []string
	for _, c := range auditPersons() {
		set = append(set, c+" = "+replaced(e, c))
	}
	if err := db.mutate(ctx, "ALTER TABLE audit UPDATE "+strings.Join(set, ", ")+" WHERE "+where); err != nil {
		return fmt.Errorf("erase from the audit log: %w", err)
	}
	return nil
}
