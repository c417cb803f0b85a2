package warehouse

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// mutate runs a statement that rewrites parts of a table, and waits for it on every replica. Its text stays with the table
// for a while, so it names an erased person by digest, never by hash.
func (db *DB) mutate(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, db.cfg.RollTimeout)
	defer cancel()
	// A statement with rewritten payloads in it is longer than the engine reads by default.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_query_size": mutationLimit, "mutations_sync": 2}))
	return db.exec(ctx, sql, nil)
}

// mutationLimit is the most bytes of a statement.
const mutationLimit = 64 << 20

// quote writes a text as a literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// binary writes bytes as a literal.
func binary(b []byte) string { return "unhex('" + hex.EncodeToString(b) + "')" }

// digestOf is the event.PersonDigest of an expression.
func digestOf(workspace, expression string) string {
	return "substring(SHA256(concat(" + binary([]byte(event.DigestPrefix(workspace))) + ", " + expression + ")), 1, 16)"
}

// names is the condition that an expression is the hash of the person.
func names(e registry.Erasure, expression string) string {
	return "(" + digestOf(e.Workspace, expression) + " = " + binary(e.Person[:]) + ")"
}

// namesAny is the condition that one of the columns is the hash of the person.
func namesAny(e registry.Erasure, columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = names(e, c)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// replaced is a column with the pseudonym in the place of the person.
func replaced(e registry.Erasure, column string) string {
	return "if(" + names(e, column) + ", " + quote(e.Pseudonym) + ", " + column + ")"
}

// EraseEvents puts the pseudonym into the raw rows that name the person and empties their free text. It returns how many
// events it has found: 0 the second time. Payloads of corrections are left to [DB.EraseCorrections].
func (db *DB) EraseEvents(ctx context.Context, e registry.Erasure) (uint64, error) {
	var total uint64
	for _, spec := range event.Catalogue() {
		columns := event.ErasedColumns(spec.Kind)
		where := "workspace = " + quote(e.Workspace) + " AND " + namesAny(e, columns[event.ErasePerson])
		n, err := db.countRows(ctx, "SELECT uniqExact(identity) AS n FROM "+spec.Table+" WHERE "+where, nil)
		if err != nil {
			return total, fmt.Errorf("erase from %s: %w", spec.Table, err)
		}
		if n == 0 {
			continue
		}
		var set []string
		for _, c := range columns[event.ErasePerson] {
			set = append(set, c+" = "+replaced(e, c))
		}
		for _, c := range append(columns[event.EraseBlank], event.ErasedEnvelope()...) {
			set = append(set, c+" = "+emptyOf(c))
		}
		if err := db.mutate(ctx, "ALTER TABLE "+spec.Table+" UPDATE "+strings.Join(set, ", ")+" WHERE "+where); err != nil {
			return total, fmt.Errorf("erase from %s: %w", spec.Table, err)
		}
		total += n
	}
	return total, nil
}

// emptyOf is the empty value of a column.
func emptyOf(column string) string {
	if column == "extensions" {
		return "CAST(map(), 'Map(String, String)')"
	}
	return "''"
}

// EraseCorrections rewrites the payloads of corrections that name the person, and empties the free text of those that the
// person has made or that correct an event of theirs. It comes after [DB.EraseEvents]. It returns how many were changed.
func (db *DB) EraseCorrections(ctx context.Context, e registry.Erasure, x *event.Eraser) (uint64, error) {
	var rows []struct {
		Identity [16]byte `ch:"identity"`
		Kind     string   `ch:"target_kind"`
		Data     string   `ch:"data"`
		Own      bool     `ch:"own"`
	}
	if err := db.Query(ctx, correctionsOf(e), nil, &rows); err != nil {
		return 0, fmt.Errorf("erase from corrections: %w", err)
	}
	match := func(person string) (string, bool) {
		return e.Pseudonym, event.PersonDigest(e.Workspace, person) == e.Person
	}
	changed := map[event.Identity][]byte{}
	for _, r := range rows {
		data, differs, err := x.Correction(event.Kind(r.Kind), []byte(r.Data), r.Own, match)
		if err != nil {
			return 0, fmt.Errorf("erase from corrections: %w", err)
		}
		if differs {
			changed[r.Identity] = data
		}
	}
	var ids, data []string
	size, n := 0, uint64(len(changed))
	for id, d := range changed {
		ids, data = append(ids, hex.EncodeToString(id[:])), append(data, quote(string(d)))
		if size += len(d); size > mutationLimit/16 {
			if err := db.rewriteCorrections(ctx, e.Workspace, ids, data); err != nil {
				return 0, err
			}
			ids, data, size = nil, nil, 0
		}
	}
	return n, db.rewriteCorrections(ctx, e.Workspace, ids, data)
}

// correctionsOf finds the corrections that may have to be rewritten; those that are the person's own are found by the
// pseudonym, which stands in the rows by now.
func correctionsOf(e registry.Erasure) string {
	own := []string{"person = " + quote(e.Pseudonym)}
	for _, spec := range event.Catalogue() {
		if spec.Kind.Amends() {
			continue
		}
		var is []string
		for _, c := range event.ErasedColumns(spec.Kind)[event.ErasePerson] {
			is = append(is, c+" = "+quote(e.Pseudonym))
		}
		own = append(own, "target IN (SELECT identity FROM "+spec.Table+" WHERE workspace = "+quote(e.Workspace)+
			" AND ("+strings.Join(is, " OR ")+"))")
	}
	// In canonical JSON a hash is a whole text, and short of a text that is equal to one nothing else looks like it.
	named := `arrayExists(x -> ` + names(e, "x") + `, extractAll(data, '"(p[0-9a-f]{24})"'))`
	return "SELECT identity, target_kind, data, (" + strings.Join(own, " OR ") + ") AS own FROM correct WHERE workspace = " +
		quote(e.Workspace) + " AND (own OR " + named + ")"
}

func (db *DB) rewriteCorrections(ctx context.Context, workspace string, ids, data []string) error {
	if len(ids) == 0 {
		return nil
	}
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = "unhex('" + id + "')"
	}
	sql := "ALTER TABLE correct UPDATE data = transform(lower(hex(identity)), ['" + strings.Join(ids, "', '") + "'], [" +
		strings.Join(data, ", ") + "], data) WHERE workspace = " + quote(workspace) + " AND identity IN (" + strings.Join(literals, ", ") + ")"
	if err := db.mutate(ctx, sql); err != nil {
		return fmt.Errorf("erase from corrections: %w", err)
	}
	return nil
}

// NamesErased tells whether anything in the raw rows, the rollups or the audit log of a workspace still, or again, names a
// person who was erased.
func (db *DB) NamesErased(ctx context.Context, workspace string) (bool, error) {
	in := func(c string) string {
		return digestOf(workspace, c) + " IN (SELECT toString(person) FROM erasures WHERE workspace = " + quote(workspace) + ")"
	}
	var parts []string
	for _, spec := range event.Catalogue() {
		for _, c := range event.ErasedColumns(spec.Kind)[event.ErasePerson] {
			parts = append(parts, "SELECT count() AS n FROM "+spec.Table+" WHERE workspace = "+quote(workspace)+" AND "+in(c))
		}
	}
	parts = append(parts, "SELECT count() AS n FROM correct WHERE workspace = "+quote(workspace)+
		` AND arrayExists(x -> `+in("x")+`, extractAll(data, '"(p[0-9a-f]{24})"'))`)
	for _, c := range auditPersons() {
		parts = append(parts, "SELECT count() AS n FROM audit WHERE workspace = "+quote(workspace)+" AND "+in(c))
	}
	for _, r := range personalRollups() {
		for _, c := range r.personColumns() {
			parts = append(parts, "SELECT count() AS n FROM "+r.table+" WHERE workspace = "+quote(workspace)+" AND "+in(c))
		}
	}
	n, err := db.countRows(ctx, "SELECT sum(n) AS n FROM ("+strings.Join(parts, " UNION ALL ")+")", nil)
	if err != nil {
		return false, fmt.Errorf("look for erased persons: %w", err)
	}
	return n > 0, nil
}
