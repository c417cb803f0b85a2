package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
)

// CashDays are the days of cash that charges have, or have had, on the way to their latest correction.
func (db *DB) CashDays(ctx context.Context, workspace string, charges []event.Identity) (map[event.Identity][]event.Day, error) {
	if len(charges) == 0 {
		return nil, nil
	}
	asked, err := identityTable(charges)
	if err != nil {
		return nil, fmt.Errorf("days of cash: %w", err)
	}
	var rows []struct {
		Identity [16]byte  `ch:"identity"`
		Day      time.Time `ch:"cash"`
	}
	const sql = `SELECT identity, ifNull(invoice_date, day) AS cash FROM vendor_spend
WHERE workspace = {workspace:String} AND identity IN asked
UNION ALL
SELECT target AS identity, assumeNotNull(toDate32OrNull(JSONExtractString(data, 'invoice_date'))) AS cash FROM correct
WHERE workspace = {workspace:String} AND target IN asked AND toDate32OrNull(JSONExtractString(data, 'invoice_date')) IS NOT NULL`
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(asked))
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, fmt.Errorf("days of cash: %w", err)
	}
	out := map[event.Identity][]event.Day{}
	for _, r := range rows {
		out[r.Identity] = append(out[r.Identity], event.DayOf(r.Day))
	}
	return out, nil
}

// DealsOf are the deals that changes belong to, or a correction has them belong to.
func (db *DB) DealsOf(ctx context.Context, workspace string, changes []event.Identity) (map[event.Identity][]string, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	asked, err := identityTable(changes)
	if err != nil {
		return nil, fmt.Errorf("deals of changes: %w", err)
	}
	var rows []struct {
		Identity [16]byte `ch:"identity"`
		Deal     string   `ch:"deal"`
	}
	const sql = `SELECT identity, deal FROM pipeline WHERE workspace = {workspace:String} AND identity IN asked
UNION ALL
SELECT target AS identity, JSONExtractString(data, 'deal') AS deal FROM correct
WHERE workspace = {workspace:String} AND target IN asked AND target_kind = 'pipeline'`
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(asked))
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, fmt.Errorf("deals of changes: %w", err)
	}
	out := map[event.Identity][]string{}
	for _, r := range rows {
		out[r.Identity] = append(out[r.Identity], r.Deal)
	}
	return out, nil
}

// SealedDeals are those of the deals whose day of creation lies before a day.
func (db *DB) SealedDeals(ctx context.Context, workspace string, deals []string, before event.Day) (map[string]bool, error) {
	if len(deals) == 0 {
		return nil, nil
	}
	asked, err := textTable("asked", deals)
	if err != nil {
		return nil, fmt.Errorf("sealed deals: %w", err)
	}
	var rows []struct {
		Deal string `ch:"deal"`
	}
	sql := `SELECT DISTINCT deal FROM rollup_deals
WHERE workspace = {workspace:String} AND day < {before:Date32} AND deal IN asked AND ` + currentDays(workspace)
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(asked))
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "before": before}, &rows); err != nil {
		return nil, fmt.Errorf("sealed deals: %w", err)
	}
	out := map[string]bool{}
	for _, r := range rows {
		out[r.Deal] = true
	}
	return out, nil
}
