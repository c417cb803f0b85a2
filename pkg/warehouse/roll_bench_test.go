package warehouse_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// history is a workspace made in SQL: one full day, and as many years of deals and charges before it.
const (
	fullDay  = "2026-03-10"
	quietDay = "2026-03-12"
)

// envelopeSQL are the columns of the envelope for row number n of a kind; %[1]s is the kind, %[2]s the time.
const envelopeSQL = `'w' AS workspace, toDate32(time) AS day, sipHash128('%[1]s', number) AS identity, 18446744073709551615 - number AS version,
	%[2]s AS time, time AS received_at, 's' AS source, '%[1]s-' || toString(number) AS id, toUInt16(number %% 12) AS kafka_partition, number AS kafka_offset,
	'w' || toString(intHash32(number + 9) %% 40) AS workflow, 't' || toString(intHash32(number) %% 10) AS team, 'p' || toString(intHash32(number) %% 2000) AS person,
	'measured' AS evidence`

// historyRows are inserts of n rows each: the day has 900,000 + 60,000 + 30,000 + 5,000 facts, 3,000 corrections and
// 2,000 voids, which is a million; the quiet day has 100 facts; the rest is what was there before.
func historyRows() []string {
	const onDay = "addMilliseconds(toDateTime64('" + fullDay + " 00:00:00', 3, 'UTC'), intHash32(number + 1) % 86400000)"
	const onQuiet = "addMilliseconds(toDateTime64('" + quietDay + " 00:00:00', 3, 'UTC'), intHash32(number + 1) % 86400000)"
	const before = "addSeconds(toDateTime64('2024-01-01 00:00:00', 3, 'UTC'), intHash32(number + 2) % 63072000)"
	hours := "toDecimal64(1 + number % 3, 6) AS units, number % 4 != 0 AS assisted, toDecimal64(number % 90, 6) AS doing_minutes, toDecimal64(number % 7, 6) AS review_minutes, " +
		"if(number % 5 = 0, toDecimal64(60, 6), NULL) AS baseline_minutes, if(number % 100 = 0, 'trial', '') AS trial"
	spend := "'vendor' || toString(number % 50) AS vendor, 'agency' AS category, toDecimal128(number % 1000, 18) AS billed_cost, 'EUR' AS currency, " +
		"if(number % 3 = 0, NULL, addDays(toDate32(time), number % 40)) AS invoice_date, false AS final"
	conversion := "'e' || toString(number % 5) AS experiment, 'v' || toString(number % 2) AS variant, 'm' AS metric, toUInt64(10) AS exposures, toUInt64(number % 3) AS conversions"
	deal := "'d' || toString(intDiv(number, 4)) AS deal, 'demo' AS stage, if(number % 4 = 3, 'won', 'open') AS status, toDecimal128(number, 18) AS amount, 'EUR' AS currency, " +
		"if(number % 4 = 0, time, NULL) AS created_at, '[]' AS touches, number AS sequence"
	fix := "sipHash128('hours_saved', number * 7) AS target, 's' AS target_source, 'hours_saved-' || toString(number * 7) AS target_id, 'hours_saved' AS target_kind, " +
		`'{"assisted":true,"doing_minutes":12.5,"team":"t1","units":2,"workflow":"w1"}' AS data`
	void := "sipHash128('hours_saved', number * 11) AS target, 's' AS target_source, 'hours_saved-' || toString(number * 11) AS target_id, '' AS reason"
	insert := func(table, at, fields string, from, n int) string {
		rows := fmt.Sprintf("SELECT "+envelopeSQL+", %[3]s FROM numbers(%[4]d, %[5]d)", table, at, fields, from, n)
		// By name: the tables have more columns, which take their defaults.
		return "INSERT INTO " + table + " (" + namesOf(rows) + ") " + rows
	}
	return []string{
		insert("hours_saved", onDay, hours, 0, 900_000),
		insert("conversion", onDay, conversion, 0, 60_000),
		insert("vendor_spend", onDay, spend, 0, 30_000),
		insert("pipeline", onDay, deal, 0, 5_000),
		insert("correct", onDay, fix, 0, 3_000),
		insert("void", onDay, void, 0, 2_000),
		insert("hours_saved", onQuiet, hours, 2_000_000, 100),
		insert("hours_saved", before, hours, 3_000_000, 500_000),
		insert("vendor_spend", before, spend, 3_000_000, 200_000),
		insert("pipeline", before, deal, 3_000_000, 200_000),
	}
}

// namesOf are the names of the columns of a select, each written "… AS name".
func namesOf(rows string) string {
	var names []string
	for part := range strings.SplitSeq(rows, " AS ") {
		names = append(names, strings.FieldsFunc(part, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })[0])
	}
	return strings.Join(names[1:], ", ")
}

func makeHistory(ctx context.Context, b *testing.B, dsn string) clickhouse.Conn {
	b.Helper()
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		b.Fatal(err)
	}
	// In blocks as a loader inserts them: a day that has just come is in many parts.
	opts.Settings = clickhouse.Settings{
		"max_partitions_per_insert_block": 0, "max_block_size": 50_000, "min_insert_block_size_rows": 50_000, "max_insert_threads": 1,
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	for _, sql := range historyRows() {
		if err := conn.Exec(ctx, sql); err != nil {
			b.Fatalf("%.60s…: %v", sql, err)
		}
	}
	return conn
}

// BenchmarkRoll rolls a day of 1,000,000 events, and one of 100 events in the same workspace.
func BenchmarkRoll(b *testing.B) {
	dsn := embeddedtest.Database(b)
	db, err := warehouse.Open(b.Context(), warehouse.Config{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	conn := makeHistory(b.Context(), b, dsn)
	defer func() { _ = conn.Close() }()
	generation := uint64(0)
	for _, c := range []struct{ name, day string }{{"full", fullDay}, {"quiet", quietDay}} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			var cpu, read atomic.Int64
			ctx := clickhouse.Context(b.Context(), clickhouse.WithProfileEvents(func(events []clickhouse.ProfileEvent) {
				for _, e := range events {
					switch e.Name {
					case "OSCPUVirtualTimeMicroseconds":
						cpu.Add(e.Value)
					case "SelectedRows":
						read.Add(e.Value)
					}
				}
			}))
			for b.Loop() {
				generation++
				req := warehouse.RollRequest{Workspace: "w", Days: warehouse.WholeDays([]event.Day{event.DayOf(day)}), Generation: generation}
				if err := db.Roll(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu.Load())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(read.Load())/float64(b.N), "rows/op")
		})
	}
}
