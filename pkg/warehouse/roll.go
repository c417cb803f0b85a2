package warehouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
)

// Current restricts a read of a rollup to the generations of each day that a snapshot sees. It wants the parameters
// {workspace:String} and {generation:UInt64}, the latter from [DB.Snapshot]; take a new snapshot for every request,
// since superseded generations are swept after ten minutes. The query adds its own workspace = {workspace:String}, and adds up
// what it groups by: the rows of one key may stand in several generations of a day.
const Current = `(day, generation) IN (
	SELECT day, arrayJoin(argMax(generations, generation)) FROM rollup_pointer
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
	// Days are local days in that zone, at most [MaxRollDays], each once.
	Days []Touch
	// Seam is where the days that are sealed end; the zero one where none is.
	Seam Seam
	// Generation is above that of every earlier roll of these days. It is used once: a roll that failed is tried again
	// with another one, since what the failed one has written stays. It orders rolls, and is not what a [Snapshot] has.
	Generation uint64
}

// basis is what the request cuts days by.
func (r RollRequest) basis() string {
	return fmt.Sprintf("%d %s %d %s", RollupShape, r.Zone, r.Seam.Since.UnixMilli(), r.Seam.First)
}

// WholeDays are days of which anything may be another.
func WholeDays(days []event.Day) []Touch {
	out := make([]Touch, len(days))
	for i, d := range days {
		out[i].Day = d
	}
	return out
}

// Each generation that is asked for has room for these, which never meet those of another.
const (
	openRows = iota
	sealedRows
	dealRows
	generationRoom = 4
)

// Roll computes the rollups of the days from the effective rows, each day whole or as much of it as was touched, under a
// new generation, and then makes all of the days visible with one insert. Rows of days without events are simply not there any more.
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
	zone, err := time.LoadLocation(req.Zone)
	if err != nil {
		return fmt.Errorf("roll: %w", err)
	}
	r := roll{db: db, req: req, zone: zone, generation: req.Generation * generationRoom, basis: req.basis()}
	if err := r.plan(ctx); err != nil {
		return fmt.Errorf("plan a roll: %w", err)
	}
	if err := r.find(ctx); err != nil {
		return fmt.Errorf("look what to roll: %w", err)
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	return db.point(ctx, req.Workspace, r.pointers, r.base)
}

// rollSettings: to collapse the copies of rows in several threads takes a third more of the machine, and of a day of a million
// events no less time, since other rollups are computed at the same time.
var rollSettings = clickhouse.Settings{"max_final_threads": 1}

// parallelRolls is how many rollups are computed at a time.
const parallelRolls = 3

// fill runs the statements of the roll. Each insert waits for the disk.
func (r *roll) fill(ctx context.Context) error {
	group, within := errgroup.WithContext(clickhouse.Context(ctx, clickhouse.WithSettings(rollSettings)))
	group.SetLimit(parallelRolls)
	for _, f := range r.filling {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(within, r.db.cfg.RollTimeout)
			defer cancel()
			if err := r.db.exec(ctx, "INSERT INTO "+f.table+" ("+rollupColumns(f.rollup)+")\n"+f.query(f.aspect), f.args); err != nil {
				return fmt.Errorf("roll into %s: %w", f.table, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// utcDays are the UTC days that local days of a zone reach into, in their order. The first day behind a seam has all events since
// the seam that are of earlier local days, which a change of the zone can have made them.
func utcDays(zone *time.Location, seam Seam, days []event.Day) []event.Day {
	seen := make(map[event.Day]bool, 2*len(days))
	for _, d := range days {
		seen[d] = true // also where the zone has left it out
		begin := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
		end := time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, zone)
		if d.Equal(seam.First.Time) && seam.Since.Before(begin) {
			begin = seam.Since
		}
		for at := event.DayOf(begin); at.Before(end); at = event.DayOf(at.AddDate(0, 0, 1)) {
			seen[at] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b event.Day) int { return a.Compare(b.Time) })
}

// sweepAfter is how long a superseded generation stays: longer than any query that may still read it.
const sweepAfter = 10 * time.Minute

// Sweep deletes generations that were superseded more than ten minutes ago, with what failed rolls have left below
// them. It rewrites the parts that hold them: run it every few minutes, not more often.
func (db *DB) Sweep(ctx context.Context) error {
	return db.SweepBefore(ctx, time.Now().Add(-sweepAfter))
}

// ledTo tells whether one of the pointers k that stay leads to the generation of s.
const ledTo = "arrayExists(p -> p.1 >= k.keep AND has(p.2, s.generation), k.pointers)"

// SweepBefore is [DB.Sweep] with another moment than ten minutes ago.
func (db *DB) SweepBefore(ctx context.Context, before time.Time) error {
	// The newest pointer that was valid at the cutoff stays, and so does everything after it, with all that these lead to.
	const superseded = `(workspace, day, generation) IN (
	SELECT s.workspace, s.day, s.generation
	FROM (SELECT DISTINCT workspace, day, generation FROM %[1]s) AS s
	INNER JOIN (
		SELECT workspace, day, maxIf(generation, rolled_at < fromUnixTimestamp64Milli(%[2]d)) AS keep, groupArray((generation, generations)) AS pointers
		FROM rollup_pointer GROUP BY workspace, day
	) AS k ON s.workspace = k.workspace AND s.day = k.day
	WHERE s.generation < k.keep%[3]s
)`
	var errs []error
	for _, r := range rollups() {
		condition := fmt.Sprintf(superseded, r.table, before.UnixMilli(), " AND NOT "+ledTo)
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
	condition := fmt.Sprintf(superseded, "rollup_pointer", before.UnixMilli(), "")
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

// rollup is one rollup table and the query that fills it. The query wants the parameters workspace, zone, days (local), raw_days (UTC)
// and those of its aspect, and its columns are workspace, day, generation and those of the list.
type rollup struct {
	table   string
	columns []string
	concern concern
	query   func(aspect) string
}

func rollupColumns(r rollup) string {
	return "workspace, day, generation, " + strings.Join(r.columns, ", ")
}
