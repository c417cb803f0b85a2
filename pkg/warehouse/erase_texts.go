package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/pkg/registry"
)

// ErasedType is the content type of a reject whose bytes were emptied, because they named a person who was erased: code,
// source and time are still there, and it can never be sent again.
const ErasedType = "application/vnd.plumbline.erased"

// AnswerType is the content type of a reject whose bytes were never kept, because they were an answer to the survey and would have told
// whose.
const AnswerType = "application/vnd.plumbline.answer"

// texts is a table with texts that may hold anything a sender has written.
type texts struct {
	table string
	// key are the columns that name a row in a workspace.
	key []string
	// columns are the texts. What else is set where the first of them is emptied is in with.
	columns []string
	with    string
}

// textTables are the tables with such texts.
func textTables() []texts {
	return []texts{
		{"rejects", []string{"reject_id"}, []string{"raw", "source", "id", "type", "pointer", "message"}, "content_type = " + quote(ErasedType)},
		{"replays", []string{"reject_id", "replay_id"}, []string{"fix", "by", "source", "id", "pointer", "message"}, ""},
	}
}

// EraseTexts empties the texts of rejects and of their replays that name an erased person, as find tells. A reject that
// names one anywhere loses its raw bytes. It returns how many rejects it has found.
func (db *DB) EraseTexts(ctx context.Context, workspace string, find func([]byte) bool) (uint64, error) {
	var total uint64
	for _, t := range textTables() {
		hits, err := db.findTexts(ctx, t, workspace, find)
		if err != nil {
			return total, fmt.Errorf("look into %s: %w", t.table, err)
		}
		rows := map[string]bool{}
		for column, keys := range hits {
			for _, k := range keys {
				rows[k] = true
			}
			if column == t.columns[0] {
				delete(hits, column)
			}
		}
		if len(rows) == 0 {
			continue
		}
		if t.table == "rejects" {
			total += uint64(len(rows))
		}
		hits[t.columns[0]] = slices.Sorted(maps.Keys(rows))
		for column, keys := range hits {
			if err := db.emptyTexts(ctx, t, workspace, column, keys); err != nil {
				return total, fmt.Errorf("empty %s of %s: %w", column, t.table, err)
			}
		}
	}
	return total, nil
}

// findTexts reads all rows, one at a time, and returns by column the keys of those that name a person, as literals.
func (db *DB) findTexts(ctx context.Context, t texts, workspace string, find func([]byte) bool) (hits map[string][]string, err error) {
	sql := "SELECT " + strings.Join(append(slices.Clone(t.key), t.columns...), ", ") + " FROM " + t.table + " WHERE workspace = " + quote(workspace)
	rows, err := db.conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	hits = map[string][]string{}
	values := make([]string, len(t.key)+len(t.columns))
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		var key []string
		for i := range t.key {
			key = append(key, quote(values[i]))
		}
		for i, column := range t.columns {
			if text := values[len(t.key)+i]; text != "" && find([]byte(text)) {
				hits[column] = append(hits[column], "("+strings.Join(key, ", ")+")")
			}
		}
	}
	return hits, rows.Err()
}

// rowsAtATime is how many rows one statement empties.
const rowsAtATime = 5000

func (db *DB) emptyTexts(ctx context.Context, t texts, workspace, column string, keys []string) error {
	set := column + " = ''"
	if column == t.columns[0] && t.with != "" {
		set += ", " + t.with
	}
	for chunk := range slices.Chunk(keys, rowsAtATime) {
		sql := "ALTER TABLE " + t.table + " UPDATE " + set + " WHERE workspace = " + quote(workspace) +
			" AND (" + strings.Join(t.key, ", ") + ") IN (" + strings.Join(chunk, ", ") + ")"
		if err := db.mutate(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// EraseEntries deletes versions of registry entries, by their entry ids: they are stored under other ids without the
// person by then.
func (db *DB) EraseEntries(ctx context.Context, workspace string, records []registry.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = quote(r.EntryID)
	}
	for chunk := range slices.Chunk(ids, rowsAtATime) {
		sql := "ALTER TABLE registry DELETE WHERE workspace = " + quote(workspace) + " AND entry_id IN (" + strings.Join(chunk, ", ") + ")"
		if err := db.mutate(ctx, sql); err != nil {
			return fmt.Errorf("erase from registry: %w", err)
		}
	}
	return nil
}

// EraseRequester puts the pseudonym where the person has asked for the erasing of others.
func (db *DB) EraseRequester(ctx context.Context, e registry.Erasure) error {
	where := "workspace = " + quote(e.Workspace) + " AND " + names(e, "requested_by")
	n, err := db.countRows(ctx, "SELECT count() AS n FROM erasures WHERE "+where, nil)
	if err == nil && n > 0 {
		err = db.mutate(ctx, "ALTER TABLE erasures UPDATE requested_by = "+quote(e.Pseudonym)+" WHERE "+where)
	}
	if err != nil {
		return fmt.Errorf("erase from erasures: %w", err)
	}
	return nil
}
