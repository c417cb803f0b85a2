package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/parts"
)

// history are the raw rows of one organisation, which grow, and their rollups.
type history struct {
	place *place
	cfg   Config
	db    *warehouse.DB
	org   *organisation
	seed  uint64
	// The history has so many days before end, midnight UTC of today: nothing lies in the future, and each day is whole.
	start, end time.Time
	days       int
	constants  string
	// own is the size that decides how much the organisation has of what does not grow.
	ownSize int
	rows    int
	// next is the number of the next row of a series.
	next map[string]int
	// generation is that of the last roll.
	generation uint64
	total      int // of all work, for the progress
	done       int
}

const (
	// fillBlock is how many rows one statement makes: some million, so that a month has few parts, and memory stays small.
	fillBlock = 2_000_000
	// rollRows is about how many raw rows are rolled at a time: all days of a small history, a month of a large one.
	rollRows = 3_000_000
	// rollPatience is longer than one roll takes; settlePatience how long the engine may go on merging.
	rollPatience   = 30 * time.Minute
	settlePatience = 10 * time.Minute
	settlePoll     = 500 * time.Millisecond
	// copiesEvery says how many rows come to one that is stored twice, as by a loader that has lost its partition.
	copiesEvery = 1_000
)

// openHistory declares the organisation, which travels through the broker and a loader. The loader runs on, as in an
// installation: how far the numbers are complete is what it records.
func (p *place) openHistory(ctx context.Context, cfg Config, plan scorecardPlan) (_ *history, err error) {
	end := event.DayOf(time.Now()).Time
	h := &history{
		place: p, cfg: cfg, seed: cfg.Seed, start: end.AddDate(0, 0, -plan.days), end: end, days: plan.days,
		ownSize: plan.sizes[0], next: map[string]int{},
	}
	for _, size := range plan.sizes {
		h.total += 3 * size // filled, rolled, read
	}
	if h.org, err = newOrganisation(cfg.Seed, plan.days, end); err != nil {
		return nil, err
	}
	h.constants = h.org.constants()
	if _, err := p.start(ctx, parts.Loader); err != nil {
		return nil, err
	}
	db := p.warehouse
	db.RollTimeout = rollPatience
	if h.db, err = warehouse.Open(ctx, db); err != nil {
		return nil, err
	}
	if err := errors.Join(h.db.Migrate(ctx), h.org.declare(ctx, p.bus, h.db)); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	return h, nil
}

// advance tells the progress.
func (h *history) advance(rows int) {
	h.done += rows
	h.cfg.progress(min(h.done, h.total), h.total)
}

// advancing spreads the work on a size over the requests that are made there.
func (c Config) advancing(h *history, size int) func(done, of int) {
	told := 0
	return func(done, of int) {
		now := size * done / of
		h.advance(now - told)
		told = now
	}
}

// grow adds raw rows until there are so many.
func (h *history) grow(ctx context.Context, size int) error {
	return withConnection(h.place.warehouse, func(c driver.Conn) error {
		ctx := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			// Blocks stay within few months, and are stored by one thread: more would only make more parts.
			"max_partitions_per_insert_block": 0, "max_insert_threads": 1, "async_insert": 0,
		}))
		if h.rows == 0 {
			if err := h.fill(ctx, c, h.own(h.ownSize)); err != nil {
				return err
			}
			// Changes of deals that lie ahead were left out: how many there are is asked, not computed.
			n, err := h.count(ctx)
			if err != nil {
				return err
			}
			h.rows = n
		}
		if size <= h.rows {
			return fmt.Errorf("the organisation has %d events of its own", h.rows)
		}
		before := h.rows
		if err := h.fill(ctx, c, h.growth(size-h.rows)); err != nil {
			return err
		}
		n, err := h.count(ctx)
		if err != nil {
			return err
		}
		if h.rows = n; n != size {
			return fmt.Errorf("there are %d raw rows, not %d", n, size)
		}
		h.advance(before) // what was there before
		return nil
	})
}

// fill makes rows, a block after the other.
func (h *history) fill(ctx context.Context, c driver.Conn, all []part) error {
	for _, p := range all {
		first := h.next[p.table+"/"+p.name]
		for at := 0; at < p.n; at += fillBlock {
			n := min(fillBlock, p.n-at)
			if err := c.Exec(ctx, p.insert(h, first+at, n, "true")); err != nil {
				return fmt.Errorf("%s/%s: %w", p.table, p.name, err)
			}
			if h.rows > 0 {
				h.advance(n)
			}
		}
		h.next[p.table+"/"+p.name] = first + p.n
		if p.table != "hours_saved" {
			continue
		}
		copies := fmt.Sprintf("number %% %d = 7", copiesEvery)
		if err := c.Exec(ctx, p.insert(h, first, p.n, copies)); err != nil {
			return fmt.Errorf("copies of %s/%s: %w", p.table, p.name, err)
		}
	}
	return nil
}

// growth are n more rows: work, counts of experiments, charges, and for each hundred of them a void or a correction of these.
func (h *history) growth(n int) []part {
	counts, charges := n*6/100/2*2, n*5/100
	amended := map[string]int{"hours_saved": n * 4 / 1000, "conversion": n / 2000 / 2 * 2, "vendor_spend": n / 2000}
	work := n - counts - charges
	for _, k := range amended {
		work -= 2 * k
	}
	grown := []part{
		{h.hoursSeries(h.next["hours_saved/work"], work), work},
		{h.conversionSeries(h.next["conversion/counts"], counts), counts},
		{h.chargeSeries(h.next["vendor_spend/usage"], charges), charges},
	}
	out := slices.Clone(grown)
	for _, g := range grown {
		k := amended[g.table]
		if k == 0 {
			continue
		}
		a := amending{of: g.series, first: h.next[g.table+"/"+g.name], stride: g.n / k, pairs: g.table == "conversion"}
		fix, void := a, a
		fix.from, void.from = h.next["correct/"+g.table], h.next["void/"+g.table]
		// Some voided rows are corrected ones, and most are not.
		void.first += (a.stride / 2) &^ 1
		draws, data := h.correctionOf(g.table)
		out = append(out, part{h.corrections(fix, k, draws, data), k}, part{h.voids(void, k), k})
	}
	return out
}

// correctionOf is what a correction of a row of a table says, and what it draws for it.
func (h *history) correctionOf(table string) (draws []field, data string) {
	switch table {
	case "hours_saved":
		return []field{{"place", h.pick(2, "place_person")}}, correctedWork
	case "conversion":
		return experimentOf("hit"), correctedCounts
	default:
		return []field{{"w", h.pick(7, "workflows")}}, correctedCharge
	}
}

// count is how many events there are: copies of a row are one.
func (h *history) count(ctx context.Context) (int, error) {
	n := 0
	for _, table := range rawTables() {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := h.db.Query(ctx, "SELECT count() AS n FROM "+table+" FINAL", nil, &rows); err != nil {
			return 0, fmt.Errorf("count %s: %w", table, err)
		}
		n += int(rows[0].N)
	}
	return n, nil
}

// rawTables are those of all kinds of events.
func rawTables() []string {
	return each(event.Catalogue(), func(s event.Spec) string { return s.Table })
}

// roll makes the rollups of every day, as the roller does. Those of the size before are emptied first, where the roller sweeps
// them after ten minutes: they would not be read, but stand between the rows that are.
func (h *history) roll(ctx context.Context) error {
	days, err := h.db.AllDays(ctx, benchWorkspace)
	if err != nil {
		return fmt.Errorf("days to roll: %w", err)
	}
	for _, table := range append(rollupTables(), "rollup_pointer") {
		if err := execute(ctx, h.place.warehouse, "TRUNCATE TABLE "+table); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	local := warehouse.LocalDays(h.org.zone, days)
	told, most := 0, min(max(len(local)*rollRows/h.rows, 1), warehouse.MaxRollDays)
	for chunk := range slices.Chunk(local, most) {
		h.generation++
		req := warehouse.RollRequest{Workspace: benchWorkspace, Zone: h.org.zone.String(), Days: warehouse.WholeDays(chunk), Generation: h.generation}
		if err := h.db.Roll(ctx, req); err != nil {
			return err
		}
		share := h.rows * len(chunk) / len(local)
		h.advance(share)
		told += share
	}
	h.advance(h.rows - told)
	return nil
}

// rollupTables are all tables of rollups.
func rollupTables() []string {
	return []string{
		"rollup_hours", "rollup_trials", "rollup_spend", "rollup_accrual", "rollup_conversions", "rollup_links", "rollup_deals", "rollup_changes",
		"rollup_reviews", "rollup_training", "rollup_barriers", "rollup_answers",
	}
}

// settle waits until the engine has merged what it wants to, so that it does not do so while it is measured.
func (h *history) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	const sql = "SELECT count() AS n FROM system.merges WHERE database = currentDatabase()"
	for quiet := 0; quiet < 4; {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := h.db.Query(ctx, sql, nil, &rows); err != nil {
			return fmt.Errorf("look for merges: %w", err)
		}
		if quiet++; rows[0].N > 0 {
			quiet = 0
		}
		if err := process.Wait(ctx, settlePoll); err != nil {
			return fmt.Errorf("the engine goes on merging: %w", err)
		}
	}
	return nil
}

// away is the name of a raw table while nobody is to find it.
func away(table string) string { return table + "_away" }

// takeAway renames all raw tables, so that a scorecard that answers can not have read them; back names them as before.
func (h *history) takeAway(ctx context.Context) (back func() error, err error) {
	if err := h.rename(ctx, func(t string) string { return t + " TO " + away(t) }); err != nil {
		return nil, fmt.Errorf("take raw tables away: %w", err)
	}
	return func() error {
		// Also after ctx has ended: they are somebody's data folder.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
		defer cancel()
		if err := h.rename(ctx, func(t string) string { return away(t) + " TO " + t }); err != nil {
			return fmt.Errorf("bring raw tables back: %w", err)
		}
		return nil
	}, nil
}

// rename renames all raw tables with one statement.
func (h *history) rename(ctx context.Context, names func(table string) string) error {
	return execute(ctx, h.place.warehouse, "RENAME TABLE "+strings.Join(each(rawTables(), names), ", "))
}
