package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// RejectCount counts rejects of one day (UTC), stage, code and status.
type RejectCount struct {
	Day    time.Time `ch:"day"`
	Stage  string    `ch:"stage"`
	Code   string    `ch:"code"`
	Status string    `ch:"status"`
	N      uint64    `ch:"n"`
}

// SourceCount counts what came from one source: Accepted events, those of them that were Late, duplicates of such, and
// rejects.
type SourceCount struct {
	Source   string
	Accepted uint64
	Late     uint64
	Rejected uint64
	// Open are those of Rejected that are not counted by now.
	Open uint64
	// Duplicates say what an event says that was accepted before.
	Duplicates uint64
}

// ExcludedAmount is the money of open rejects of one type and currency, as far as it can be read in their bytes.
type ExcludedAmount struct {
	Type string `ch:"type"`
	// Currency is "" where none can be read.
	Currency string `ch:"currency"`
	// Events is how many there are, Unknown of how many of them the amount can not be read.
	Events  uint64          `ch:"events"`
	Unknown uint64          `ch:"unknown"`
	Amount  decimal.Decimal `ch:"amount"`
}

// LateAfter is how long after it happened an event is late when it arrives. It counts all the same.
const LateAfter = 24 * time.Hour

// RejectCounts counts the rejects of a filter by day, stage, code and status.
func (db *DB) RejectCounts(ctx context.Context, f RejectFilter) ([]RejectCount, error) {
	inner, args := f.chosen("toDate(at, 'UTC') AS day, reject_id, workspace, source, id, stage, code")
	sql := "SELECT day, stage, code, status, count() AS n FROM (" + inner + ")" + f.statusIs(args) +
		"\nGROUP BY day, stage, code, status ORDER BY day, stage, code, status"
	var rows []RejectCount
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return nil, fmt.Errorf("count rejects: %w", err)
	}
	return rows, nil
}

func (f RejectFilter) statusIs(args map[string]any) string {
	if f.Status == "" {
		return ""
	}
	args["status"] = f.Status
	return " WHERE status = {status:String}"
}

// mostSources bounds a list of sources: they are whatever was sent.
const mostSources = 200

// RejectsBySource counts the rejects of a filter by source, those with the most first; cut says that there are others.
func (db *DB) RejectsBySource(ctx context.Context, f RejectFilter) (sources []SourceCount, cut bool, err error) {
	inner, args := f.chosen("reject_id, workspace, source, id, code")
	args["limit"] = mostSources
	sql := "SELECT source, count() AS n, countIf(status = 'open') AS open FROM (" + inner + ")" + f.statusIs(args) +
		"\nGROUP BY source ORDER BY n DESC, source LIMIT {limit:UInt64}"
	var rows []struct {
		Source string `ch:"source"`
		N      uint64 `ch:"n"`
		Open   uint64 `ch:"open"`
	}
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return nil, false, fmt.Errorf("count rejects by source: %w", err)
	}
	sources = make([]SourceCount, len(rows))
	for i, r := range rows {
		sources[i] = SourceCount{Source: r.Source, Rejected: r.N, Open: r.Open}
	}
	return sources, len(rows) == mostSources, nil
}

// Arrivals are the events that arrived in a period: all, and those of the sources with the most. Cut says that there are
// other sources.
type Arrivals struct {
	Accepted, Late uint64
	Sources        []SourceCount
	Cut            bool
}

// Arrivals counts the events that arrived in a period, those sources with the most first. Rows that say the same
// collapse: PREWHERE may come before that, because copies of an event agree in when it arrived.
func (db *DB) Arrivals(ctx context.Context, workspace string, from, to time.Time) (Arrivals, error) {
	var parts []string
	for _, spec := range event.Catalogue() {
		parts = append(parts, `SELECT source, received_at, time FROM `+spec.Table+` FINAL
	PREWHERE workspace = {workspace:String} AND received_at >= {from:DateTime64(3, 'UTC')} AND received_at < {to:DateTime64(3, 'UTC')}`)
	}
	sql := `SELECT source, count() AS n, countIf(dateDiff('second', time, received_at) > {late:Int64}) AS late,
	sum(n) OVER () AS all, sum(late) OVER () AS all_late
FROM (` + strings.Join(parts, "\nUNION ALL\n") + `)
GROUP BY source ORDER BY n DESC, source LIMIT {limit:UInt64}`
	var rows []struct {
		Source string `ch:"source"`
		N      uint64 `ch:"n"`
		Late   uint64 `ch:"late"`
		// The sums over all sources, the same in each row.
		All     uint64 `ch:"all"`
		AllLate uint64 `ch:"all_late"`
	}
	args := map[string]any{"workspace": workspace, "from": from, "to": to, "late": int64(LateAfter / time.Second), "limit": mostSources}
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return Arrivals{}, fmt.Errorf("count accepted events: %w", err)
	}
	out := Arrivals{Cut: len(rows) == mostSources}
	for _, r := range rows {
		out.Accepted, out.Late = r.All, r.AllLate
		out.Sources = append(out.Sources, SourceCount{Source: r.Source, Accepted: r.N, Late: r.Late})
	}
	return out, nil
}

// ExcludedAmounts adds up the money of the open rejects of a filter, whichever form their bytes have: a vendor's cost, the
// value of conversions, the amount of a deal. An event that was refused several times counts once, as it was refused
// last; an amount or a currency that can not be read is said to be unknown, never taken for 0.
func (db *DB) ExcludedAmounts(ctx context.Context, f RejectFilter) ([]ExcludedAmount, error) {
	// Before the bytes are read: those of other kinds hold no money.
	f.types = []string{event.KindVendorSpend.Type(), event.KindPipeline.Type(), event.KindConversion.Type()}
	inner, args := f.chosen("reject_id, workspace, source, id, code, at, type, content_type, raw")
	args["message"] = event.RawMessageType
	sql := `SELECT type, currency, count() AS events, countIf(isNull(value)) AS unknown, sum(ifNull(value, toDecimal256(0, 18))) AS amount
FROM (
	SELECT argMax(type, at) AS type, argMax(read_currency, at) AS currency, argMax(tuple(read_value), at).1 AS value
	FROM (
		SELECT at, type, source, id, reject_id,
			if(content_type = {message:String}, tryBase64Decode(JSONExtractString(raw, 'value')), JSONExtractRaw(raw, 'data')) AS data,
			multiIf(type = 'plumbline.vendor_spend.v1', 'billed_cost', type = 'plumbline.pipeline.v1', 'amount', 'value') AS field,
			toDecimal256OrNull(trim(BOTH '"' FROM JSONExtractRaw(data, field)), 18) AS read_value,
			extract(JSONExtractString(data, 'currency'), '^[A-Z]{3}$') AS read_currency
		FROM (` + inner + `)
		WHERE status = 'open'
	)
	GROUP BY source, id, if(source = '' OR id = '', reject_id, '')
)
GROUP BY type, currency ORDER BY type, currency`
	var rows []ExcludedAmount
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return nil, fmt.Errorf("add up rejected amounts: %w", err)
	}
	return rows, nil
}
