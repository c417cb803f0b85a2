package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// Seal says which days are closed for good. Raw rows may go, and rollups stay as they are.
type Seal struct {
	// SealedBefore is the first day that may still be rolled: those before it never are. Zero: no day is sealed.
	SealedBefore event.Day
	// DroppedBefore is the first day whose raw rows are all there; some of those before it are gone. Zero: none is.
	DroppedBefore event.Day
}

// Seal reads the seal. It only ever moves forward, whatever a later configuration says, since raw rows may be gone.
func (db *DB) Seal(ctx context.Context) (Seal, error) {
	return db.sealBefore(ctx, time.Date(2299, 1, 1, 0, 0, 0, 0, time.UTC))
}

// sealBefore is the seal as it was recorded before a moment.
func (db *DB) sealBefore(ctx context.Context, moment time.Time) (Seal, error) {
	var rows []struct {
		Sealed  time.Time `ch:"sealed"`
		Dropped time.Time `ch:"dropped"`
		N       uint64    `ch:"n"`
	}
	const sql = `SELECT max(sealed_before) AS sealed, max(dropped_before) AS dropped, count() AS n
FROM seals WHERE sealed_at < {moment:DateTime64(3, 'UTC')}`
	if err := db.Query(ctx, sql, map[string]any{"moment": moment}, &rows); err != nil {
		return Seal{}, fmt.Errorf("read seal: %w", err)
	}
	if rows[0].N == 0 {
		return Seal{}, nil
	}
	out := Seal{SealedBefore: event.DayOf(rows[0].Sealed)}
	if rows[0].Dropped.After(noDay()) {
		out.DroppedBefore = event.DayOf(rows[0].Dropped)
	}
	return out, nil
}

// Seam is where the sealed days of a workspace end. Open days may be cut in another zone than the sealed ones were: what
// happened before Since stands on a sealed day already, and what happened after it stands on the first open day at the
// earliest, so that every event stands on one day.
type Seam struct {
	First event.Day
	Since time.Time
}

// SeamOf is the seam of a workspace: the start of the first open day, in the zone that was known when the seal was set.
func (db *DB) SeamOf(ctx context.Context, workspace string, seal Seal) (Seam, error) {
	if seal.SealedBefore.IsZero() {
		return Seam{}, nil
	}
	var rows []struct {
		At time.Time `ch:"at"`
	}
	const sql = "SELECT min(sealed_at) AS at FROM seals WHERE sealed_before = {day:Date32}"
	if err := db.Query(ctx, sql, map[string]any{"day": seal.SealedBefore}, &rows); err != nil {
		return Seam{}, fmt.Errorf("read seal: %w", err)
	}
	records, err := db.registry(ctx, workspace, registry.Calendar)
	if err != nil {
		return Seam{}, err
	}
	records = slices.DeleteFunc(records, func(r registry.Record) bool { return r.RecordedAt.After(rows[0].At) })
	d := seal.SealedBefore
	start := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, registry.NewSnapshot(records).Zone(rows[0].At))
	return Seam{First: d, Since: start.UTC()}, nil
}

// InsertSeal moves the seal forward.
func (db *DB) InsertSeal(ctx context.Context, s Seal, at time.Time) error {
	type row struct {
		Sealed  time.Time `ch:"sealed_before"`
		Dropped time.Time `ch:"dropped_before"`
		At      time.Time `ch:"sealed_at"`
	}
	dropped := s.DroppedBefore.Time
	if dropped.IsZero() {
		dropped = noDay()
	}
	rows := []row{{s.SealedBefore.Time, dropped, at.UTC().Truncate(time.Millisecond)}}
	return insertStructs(ctx, db, "seals", []string{"sealed_before", "dropped_before", "sealed_at"}, rows)
}

const (
	// dropAfter is how long a seal must have stood before raw rows of its days go: longer than a roll that began before it.
	dropAfter = time.Hour
	// reach is how many days a rolled day may be away from the raw rows that it is made of, whatever the time zone.
	reach = 2
)

// DropSealed drops the raw rows of months that lie wholly before the seal. It keeps a month of a kind in which a row may
// still be needed: a charge whose day of cash or period is not sealed, a change of a deal that others come after, and an amendment
// whose target is still there or has not come yet. Identities stay, so that a retry is still a duplicate, and so do
// rollups, in which the numbers of every kind live on. It returns the number of partitions that it has dropped.
func (db *DB) DropSealed(ctx context.Context, now time.Time) (int, error) {
	settled, err := db.sealBefore(ctx, now.Add(-dropAfter))
	if err != nil || settled.SealedBefore.IsZero() {
		return 0, err
	}
	first := event.Day{Time: settled.SealedBefore.AddDate(0, 0, -reach)}
	n, dropped := 0, settled.DroppedBefore
	for _, amends := range []bool{false, true} {
		for _, spec := range event.Catalogue() {
			if spec.Kind.Amends() != amends {
				continue
			}
			months, err := db.sealedMonths(ctx, spec.Table, first)
			if err != nil {
				return n, fmt.Errorf("drop sealed rows of %s: %w", spec.Table, err)
			}
			for _, month := range months {
				gone, err := db.dropMonth(ctx, spec, month, first)
				if err != nil {
					return n, fmt.Errorf("drop %d of %s: %w", month, spec.Table, err)
				}
				if gone {
					n, dropped = n+1, laterDay(dropped, dayAfterMonth(month))
				}
			}
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, db.InsertSeal(ctx, Seal{SealedBefore: settled.SealedBefore, DroppedBefore: dropped}, now)
}

// sealedMonths are the partitions of a table whose last day lies before a day.
func (db *DB) sealedMonths(ctx context.Context, table string, before event.Day) ([]int, error) {
	var rows []struct {
		Month uint32 `ch:"month"`
	}
	sql := "SELECT DISTINCT toUInt32(partition) AS month FROM system.parts WHERE active AND database = currentDatabase() AND table = " + quote(table)
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return nil, err
	}
	months := map[int]bool{}
	for _, r := range rows {
		if !dayAfterMonth(int(r.Month)).After(before.Time) {
			months[int(r.Month)] = true
		}
	}
	return slices.Sorted(maps.Keys(months)), nil
}

// dayAfterMonth is the first day after a month, which is written as 202611.
func dayAfterMonth(month int) event.Day {
	return event.Day{Time: time.Date(month/100, time.Month(month%100)+1, 1, 0, 0, 0, 0, time.UTC)}
}

// noDay stands in a column for no day.
func noDay() time.Time { return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) }

func laterDay(a, b event.Day) event.Day {
	if a.After(b.Time) {
		return a
	}
	return b
}

func (db *DB) dropMonth(ctx context.Context, spec event.Spec, month int, first event.Day) (bool, error) {
	if condition := stillNeeded(spec, month); condition != "" {
		sql := fmt.Sprintf("SELECT count() AS n FROM %s WHERE toYYYYMM(day) = %d AND (%s)", spec.Table, month, condition)
		if n, err := db.countRows(ctx, sql, map[string]any{"first": first}); err != nil || n > 0 {
			return false, err
		}
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partition_size_to_drop": 0, "alter_sync": 2}))
	return true, db.exec(ctx, fmt.Sprintf("ALTER TABLE %s DROP PARTITION %d", spec.Table, month), nil)
}

// stillNeeded is the condition of rows of a month that days which may still be rolled are made of; "" for the kinds whose
// rows count on their own day. It wants the parameter {first:Date32}, the first day whose raw rows are needed at all.
func stillNeeded(spec event.Spec, month int) string {
	switch spec.Kind {
	case event.KindVendorSpend:
		return `invoice_date >= {first:Date32} OR toDate32(charge_period_end) >= {first:Date32} OR identity IN (
	SELECT target FROM correct WHERE target_kind = 'vendor_spend' AND (
		toDate32OrNull(JSONExtractString(data, 'invoice_date')) >= {first:Date32}
		OR toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'charge_period_end'), 3, 'UTC')) >= {first:Date32}))`
	case event.KindPipeline:
		const open = `(SELECT workspace, deal FROM pipeline WHERE day >= {first:Date32}
	UNION DISTINCT SELECT workspace, deal FROM rollup_deals WHERE day >= {first:Date32}
	UNION DISTINCT SELECT workspace, JSONExtractString(data, 'deal') FROM correct WHERE target_kind = 'pipeline' AND day >= {first:Date32})`
		return "(workspace, deal) IN " + open + ` OR identity IN (
	SELECT target FROM correct WHERE target_kind = 'pipeline' AND (workspace, JSONExtractString(data, 'deal')) IN ` + open + ")"
	case event.KindVoid, event.KindCorrect:
		mine := fmt.Sprintf("(SELECT target FROM %s WHERE toYYYYMM(day) = %d)", spec.Table, month)
		parts := []string{"target NOT IN (SELECT identity FROM identities WHERE identity IN " + mine + ")"}
		for _, fact := range event.Catalogue() {
			if !fact.Kind.Amends() {
				parts = append(parts, "target IN (SELECT identity FROM "+fact.Table+" WHERE identity IN "+mine+")")
			}
		}
		return strings.Join(parts, " OR ")
	default:
		return ""
	}
}
