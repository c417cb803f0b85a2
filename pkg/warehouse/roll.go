package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// Current restricts a read of a rollup to the generation of each day that a snapshot sees. It wants the parameters
// {workspace:String} and {generation:UInt64}, the latter from [DB.Snapshot]; take a new snapshot for every request,
// since superseded generations are swept after ten minutes. The query adds its own workspace = {workspace:String}.
const Current = `(day, generation) IN (
	SELECT day, max(generation) FROM rollup_pointer
	WHERE workspace = {workspace:String} AND generation <= {generation:UInt64}
	GROUP BY day
)`

// MaxRollDays is the most days of one roll.
const MaxRollDays = 400

// RollRequest names the days of a workspace to compute anew.
type RollRequest struct {
	Workspace string
	// Zone is an IANA time zone, such as Europe/Berlin; "" is UTC.
	Zone string
	// Days are local days in that zone, at most [MaxRollDays].
	Days []event.Day
	// Seam is where the days that are sealed end; the zero one where none is.
	Seam Seam
	// Generation is above that of every earlier roll of these days. It is used once: a roll that failed is tried again
	// with another one, since what the failed one has written stays.
	Generation uint64
}

// Roll computes the rollups of the days from the effective rows, each day whole, under a new generation, and then
// makes all of the days visible with one insert. Rows of days without events are simply not there any more.
func (db *DB) Roll(ctx context.Context, req RollRequest) error {
	if len(req.Days) == 0 {
		return nil
	}
	if len(req.Days) > MaxRollDays {
		return fmt.Errorf("roll: %d days are more than %d", len(req.Days), MaxRollDays)
	}
	if req.Zone == "" {
		req.Zone = "UTC"
	}
	if _, err := time.LoadLocation(req.Zone); err != nil {
		return fmt.Errorf("roll: %w", err)
	}
	args := map[string]any{
		"workspace": req.Workspace, "zone": req.Zone, "generation": req.Generation,
		"days": req.Days, "raw_days": neighbours(req.Days), "since": noDay(), "first": event.Day{Time: noDay()},
	}
	if !req.Seam.First.IsZero() {
		args["since"], args["first"] = req.Seam.Since, req.Seam.First
	}
	all := rollups()
	holds := uint32(0)
	found, err := db.find(ctx, all, args)
	if err != nil {
		return fmt.Errorf("look what to roll: %w", err)
	}
	// Each insert waits for the disk.
	group, within := errgroup.WithContext(clickhouse.Context(ctx, clickhouse.WithSettings(rollSettings)))
	group.SetLimit(parallelRolls)
	for i, r := range all {
		if found[i].none {
			continue
		}
		holds |= holdsBit(r.table)
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(within, db.cfg.RollTimeout)
			defer cancel()
			if err := db.exec(ctx, "INSERT INTO "+r.table+" ("+rollupColumns(r)+")\n"+r.query(found[i].amendments), args); err != nil {
				return fmt.Errorf("roll into %s: %w", r.table, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return db.point(ctx, req, holds)
}

// rollSettings: to collapse the copies of rows in several threads takes a third more of the machine, and of a day of a million
// events no less time, since other rollups are computed at the same time.
var rollSettings = clickhouse.Settings{"max_final_threads": 1}

// parallelRolls is how many rollups are computed at a time.
const parallelRolls = 3

// point makes the days visible: one block into a table without partitions is one part. holds are the rollups that may have
// rows of the days.
func (db *DB) point(ctx context.Context, req RollRequest, holds uint32) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	columns := []string{"workspace", "day", "generation", "rolled_at", "holds"}
	return db.send(ctx, "rollup_pointer", columns, func(b driver.Batch) error {
		return appendColumns(
			b,
			column(req.Days, func(*event.Day) string { return req.Workspace }),
			column(req.Days, func(d *event.Day) time.Time { return d.Time }),
			column(req.Days, func(*event.Day) uint64 { return req.Generation }),
			column(req.Days, func(*event.Day) time.Time { return now }),
			column(req.Days, func(*event.Day) uint32 { return holds }),
		)
	})
}

// neighbours are the UTC days that local days can reach into, whatever the zone: the day before, itself, the day after.
func neighbours(days []event.Day) []event.Day {
	seen := make(map[time.Time]bool, 3*len(days))
	var out []event.Day
	for _, d := range days {
		for shift := -1; shift <= 1; shift++ {
			n := event.Day{Time: d.AddDate(0, 0, shift)}
			if !seen[n.Time] {
				seen[n.Time] = true
				out = append(out, n)
			}
		}
	}
	return out
}

// sweepAfter is how long a superseded generation stays: longer than any query that may still read it.
const sweepAfter = 10 * time.Minute

// Sweep deletes generations that were superseded more than ten minutes ago, with what failed rolls have left below
// them. It rewrites the parts that hold them: run it every few minutes, not more often.
func (db *DB) Sweep(ctx context.Context) error {
	return db.SweepBefore(ctx, time.Now().Add(-sweepAfter))
}

// SweepBefore is [DB.Sweep] with another moment than ten minutes ago.
func (db *DB) SweepBefore(ctx context.Context, before time.Time) error {
	// The newest generation that was valid at the cutoff stays, and so does everything after it.
	const superseded = `(workspace, day, generation) IN (
	SELECT s.workspace, s.day, s.generation
	FROM (SELECT DISTINCT workspace, day, generation FROM %[1]s) AS s
	INNER JOIN (
		SELECT workspace, day, max(generation) AS keep FROM rollup_pointer
		WHERE rolled_at < fromUnixTimestamp64Milli(%[2]d) GROUP BY workspace, day
	) AS k ON s.workspace = k.workspace AND s.day = k.day
	WHERE s.generation < k.keep
)`
	var errs []error
	for _, r := range rollups() {
		condition := fmt.Sprintf(superseded, r.table, before.UnixMilli())
		var partitions []struct {
			Partition uint32 `ch:"partition"`
		}
		find := "SELECT DISTINCT toYYYYMM(day) AS partition FROM " + r.table + " WHERE " + condition
		if err := db.Query(ctx, find, nil, &partitions); err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", r.table, err))
			continue
		}
		for _, p := range partitions {
			sql := fmt.Sprintf("ALTER TABLE %s DELETE IN PARTITION %d WHERE %s SETTINGS mutations_sync = 1", r.table, p.Partition, condition)
			if err := db.exec(ctx, sql, nil); err != nil {
				errs = append(errs, fmt.Errorf("sweep %s: %w", r.table, err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// The pointers go last: what is to be deleted is known by them.
	condition := fmt.Sprintf(superseded, "rollup_pointer", before.UnixMilli())
	left, err := db.countRows(ctx, "SELECT count() AS n FROM rollup_pointer WHERE "+condition, nil)
	if err != nil {
		return fmt.Errorf("sweep pointers: %w", err)
	}
	if left == 0 {
		return nil
	}
	if err := db.exec(ctx, "ALTER TABLE rollup_pointer DELETE WHERE "+condition+" SETTINGS mutations_sync = 1", nil); err != nil {
		return fmt.Errorf("sweep pointers: %w", err)
	}
	return nil
}

// rollup is one rollup table and the query that fills it. The query wants the parameters workspace, zone, generation,
// days (local) and raw_days (UTC), and its columns are workspace, day, generation and those of the list.
type rollup struct {
	table   string
	columns []string
	concern concern
	query   func(amendments) string
}

func rollupColumns(r rollup) string {
	return "workspace, day, generation, " + strings.Join(r.columns, ", ")
}
