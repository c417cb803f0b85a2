package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
)

// Touched says what of which UTC days of each workspace has to be rolled anew because the rows were stored, in the order of
// days. The rows and their identities must be stored already.
//
// For most rows the answer is in the row. But a correction moves days of its target, the correction and its target
// may arrive in either order and through different loaders, and every change of a deal may move the deal to another
// cohort. So each side looks for the other after it has stored itself: the loader of a correction looks for the
// target and for other corrections of it, the loader of a target looks for corrections, and the loader of a
// change looks for the other changes of the deal. Of two sides that store first and look second, at least one sees the
// other, and that one marks the days of both. A day marked too often costs a little work, a day too few is a wrong number.
//
// A row counts on its own days, among what was received when it was: no more of them is touched. What is reached through a
// void or a correction is touched as a whole, and of the days on which a deal has ever had a reason to stand, the deals are.
func (db *DB) Touched(ctx context.Context, rows []event.Stored) (map[string][]Touch, error) {
	byWorkspace := map[string][]*event.Stored{}
	for i := range rows {
		byWorkspace[rows[i].Workspace] = append(byWorkspace[rows[i].Workspace], &rows[i])
	}
	out := make(map[string][]Touch, len(byWorkspace))
	for workspace, rows := range byWorkspace {
		t := touching{db: db, workspace: workspace, days: Touches{}, deals: map[string]time.Time{}, times: map[event.Identity]time.Time{}}
		if err := t.run(ctx, rows); err != nil {
			return nil, fmt.Errorf("days touched in %q: %w", workspace, err)
		}
		out[workspace] = t.days.List()
	}
	return out, nil
}

// touching collects the days of one workspace.
type touching struct {
	db        *DB
	workspace string
	days      Touches
	// deals are the keys of deals that a row belongs to, or a correction has it belong to, with when the first such row was received;
	// [anyDeal] where a correction or a void has to do with it.
	deals map[string]time.Time
	// times are the times of the rows and of the targets that are known.
	times map[event.Identity]time.Time
	// amended says that some event of the workspace was corrected.
	amended bool
}

func (t *touching) run(ctx context.Context, rows []*event.Stored) error {
	// After the rows are stored, like everything that is asked here.
	corrected, all, err := t.corrected(ctx)
	if err != nil {
		return err
	}
	t.amended = !all || len(corrected) > 0
	var targets []event.Identity
	for _, r := range rows {
		if target, ok := TargetOf(r.Event); ok {
			targets = append(targets, target)
			continue
		}
		if !all || corrected[r.Identity] {
			t.times[r.Identity] = r.Time
		}
		own := Touch{Since: received(r), Rows: 1}
		if r.Kind == event.KindHoursSaved { // there are many, and they touch nothing but their day
			t.days.Add(event.DayOf(r.Time), own)
		} else {
			t.fact(r.Data, r.Time, own)
		}
	}
	if err := t.targets(ctx, targets); err != nil {
		return err
	}
	if err := t.corrections(ctx); err != nil {
		return err
	}
	return t.cohorts(ctx)
}

// mostCorrected is how many corrected events of a workspace are fetched, rather than asked for each row.
const mostCorrected = 10_000

// corrected are the events of the workspace that corrections name; all is false where there are too many to list them.
func (t *touching) corrected(ctx context.Context) (targets map[event.Identity]bool, all bool, err error) {
	var rows []struct {
		Target [16]byte `ch:"target"`
	}
	const sql = "SELECT DISTINCT target FROM correct WHERE workspace = {workspace:String} LIMIT {most:UInt32}"
	if err := t.db.Query(ctx, sql, map[string]any{"workspace": t.workspace, "most": mostCorrected + 1}, &rows); err != nil {
		return nil, false, err
	}
	if len(rows) > mostCorrected {
		return nil, false, nil
	}
	targets = make(map[event.Identity]bool, len(rows))
	for _, r := range rows {
		targets[r.Target] = true
	}
	return targets, true, nil
}

// fact adds what one payload touches. The day of the event itself is always among it: a correction may take away
// the field because of which the event stood on another day.
func (t *touching) fact(data event.Data, at time.Time, how Touch) {
	if p, ok := data.(*event.Pipeline); ok {
		if how.Whole() {
			t.deal(p.Deal, anyDeal())
		} else {
			t.deal(p.Deal, how.Since)
			how.Deals = how.Since
		}
	}
	own := event.DayOf(at)
	t.days.Add(own, how)
	for _, d := range data.Touched(at) {
		if !d.Equal(own.Time) {
			t.days.Add(d, how)
		}
	}
}

// targets adds the events that voids and corrections name, as far as they are stored.
func (t *touching) targets(ctx context.Context, ids []event.Identity) error {
	known, err := t.db.LookupIdentities(ctx, AnyPartition, ids)
	if err != nil {
		return err
	}
	byKind := map[event.Kind][]event.Identity{}
	for id, k := range known {
		if k.Kind == event.KindVoid || k.Kind == event.KindCorrect {
			continue
		}
		t.times[id] = k.Time
		t.days.Add(event.DayOf(k.Time), Touch{})
		byKind[k.Kind] = append(byKind[k.Kind], id)
	}
	if err := t.spendTargets(ctx, byKind[event.KindVendorSpend]); err != nil {
		return err
	}
	return t.dealTargets(ctx, byKind[event.KindPipeline])
}

// spendTargets adds the days of charges: of cash and of the period.
func (t *touching) spendTargets(ctx context.Context, ids []event.Identity) error {
	var rows []struct {
		Time    time.Time  `ch:"time"`
		Invoice *time.Time `ch:"invoice_date"`
		Start   *time.Time `ch:"charge_period_start"`
		End     *time.Time `ch:"charge_period_end"`
	}
	const sql = "SELECT time, invoice_date, charge_period_start, charge_period_end FROM vendor_spend"
	if err := t.lookUp(ctx, sql, ids, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		spend := event.VendorSpend{}
		if r.Invoice != nil {
			spend.InvoiceDate = &event.Day{Time: r.Invoice.UTC()}
		}
		if r.Start != nil && r.End != nil {
			spend.ChargePeriodStart, spend.ChargePeriodEnd = &event.Time{Time: r.Start.UTC()}, &event.Time{Time: r.End.UTC()}
		}
		t.fact(&spend, r.Time.UTC(), Touch{})
	}
	return nil
}

// dealTargets adds the deals of changes.
func (t *touching) dealTargets(ctx context.Context, ids []event.Identity) error {
	var rows []struct {
		Deal string `ch:"deal"`
	}
	if err := t.lookUp(ctx, "SELECT deal FROM pipeline", ids, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		t.deal(r.Deal, anyDeal())
	}
	return nil
}

// lookUp reads raw rows by identity; their days, known by now, keep it from reading the whole table.
func (t *touching) lookUp(ctx context.Context, sql string, ids []event.Identity, dest any) error {
	if len(ids) == 0 {
		return nil
	}
	asked, err := identityTable(ids)
	if err != nil {
		return err
	}
	days := map[event.Day]bool{}
	for _, id := range ids {
		days[event.DayOf(t.times[id])] = true
	}
	sql += " WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)} AND identity IN asked"
	args := map[string]any{"workspace": t.workspace, "days": slices.Collect(maps.Keys(days))}
	return t.db.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(asked)), sql, args, dest)
}

// corrections adds what every correction of the rows and targets touches: the one that wins now, and the one that did.
func (t *touching) corrections(ctx context.Context) error {
	if len(t.times) == 0 {
		return nil
	}
	asked, err := identityTable(slices.Collect(maps.Keys(t.times)))
	if err != nil {
		return err
	}
	var rows []struct {
		Target [16]byte `ch:"target"`
		Kind   string   `ch:"target_kind"`
		Data   string   `ch:"data"`
	}
	const sql = "SELECT target, target_kind, data FROM correct WHERE workspace = {workspace:String} AND target IN asked"
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(asked))
	if err := t.db.Query(ctx, sql, map[string]any{"workspace": t.workspace}, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		spec, ok := event.Lookup(event.Kind(r.Kind))
		if !ok {
			continue // of a kind that this version does not know: no rollup has it either
		}
		data := spec.New()
		if err := json.Unmarshal([]byte(r.Data), data); err != nil {
			return fmt.Errorf("read a correction of %s: %w", r.Kind, err)
		}
		t.fact(data, t.times[r.Target], Touch{})
	}
	return nil
}

// deal adds a deal of which a change was received at some time.
func (t *touching) deal(key string, at time.Time) { t.deals[key] = first(t.deals[key], at) }

// cohorts adds the deals of every day that the deals have ever had a reason to stand on.
func (t *touching) cohorts(ctx context.Context) error {
	delete(t.deals, "")
	if len(t.deals) == 0 {
		return nil
	}
	asked, err := textTable("deals", slices.Collect(maps.Keys(t.deals)))
	if err != nil {
		return err
	}
	sql := changesOfDeals
	if t.amended {
		sql = changesOfCorrectedDeals
	}
	var rows []struct {
		Day time.Time `ch:"day"`
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(asked))
	if err := t.db.Query(ctx, sql, map[string]any{"workspace": t.workspace}, &rows); err != nil {
		return err
	}
	earliest := time.Time{}
	for _, at := range t.deals {
		earliest = first(earliest, at)
	}
	for _, r := range rows {
		t.days.Add(event.DayOf(r.Day), Touch{Deals: earliest})
	}
	return nil
}

// changesOfDeals are the days that the changes of deals name, and changesOfCorrectedDeals the same where changes may have been
// corrected, to another deal perhaps.
const (
	changesOfDeals = `SELECT DISTINCT assumeNotNull(touched) AS day FROM (
	SELECT arrayJoin([toNullable(day), toDate32(created_at)]) AS touched FROM pipeline WHERE workspace = {workspace:String} AND deal IN deals
) WHERE touched IS NOT NULL`

	changesOfCorrectedDeals = `WITH fixes AS (
	SELECT target, JSONExtractString(data, 'deal') AS deal, toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'created_at'), 3, 'UTC')) AS created
	FROM correct WHERE workspace = {workspace:String} AND target_kind = 'pipeline'
)
SELECT DISTINCT assumeNotNull(touched) AS day FROM (
	SELECT arrayJoin([toNullable(day), toDate32(created_at)]) AS touched FROM pipeline
	WHERE workspace = {workspace:String} AND (deal IN deals OR identity IN (SELECT target FROM fixes WHERE deal IN deals))
	UNION ALL
	SELECT created AS touched FROM fixes
	WHERE deal IN deals OR target IN (SELECT identity FROM pipeline WHERE workspace = {workspace:String} AND deal IN deals)
) WHERE touched IS NOT NULL`
)

// AllDays are the UTC days of a workspace on which anything may stand, raw or rolled: what has to be rolled when the
// time zone changes.
func (db *DB) AllDays(ctx context.Context, workspace string) ([]event.Day, error) {
	const sql = `SELECT DISTINCT assumeNotNull(touched) AS day FROM (
	SELECT toNullable(day) AS touched FROM rollup_pointer WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM hours_saved WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM conversion WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM review WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM pulse WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM training WHERE workspace = {workspace:String}
	UNION ALL SELECT day FROM barrier WHERE workspace = {workspace:String}
	UNION ALL SELECT arrayJoin([toNullable(day), invoice_date]) FROM vendor_spend WHERE workspace = {workspace:String}
	UNION ALL SELECT arrayJoin(arrayMap(i -> addDays(begins, i), range(toUInt32(greatest(0, ifNull(dateDiff('day', begins, ends), -1)) + 1)))) FROM (
		SELECT toDate32(charge_period_start) AS begins, toDate32(charge_period_end) AS ends
		FROM vendor_spend WHERE workspace = {workspace:String}
		UNION ALL SELECT
			toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'charge_period_start'), 3, 'UTC')),
			toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'charge_period_end'), 3, 'UTC'))
		FROM correct WHERE workspace = {workspace:String}
	)
	UNION ALL SELECT arrayJoin([toNullable(day), toDate32(created_at)]) FROM pipeline WHERE workspace = {workspace:String}
	UNION ALL SELECT arrayJoin([
		toDate32OrNull(JSONExtractString(data, 'invoice_date')),
		toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'created_at'), 3, 'UTC'))
	]) FROM correct WHERE workspace = {workspace:String}
) WHERE touched IS NOT NULL ORDER BY day`
	var rows []struct {
		Day time.Time `ch:"day"`
	}
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, fmt.Errorf("all days of %q: %w", workspace, err)
	}
	out := make([]event.Day, len(rows))
	for i, r := range rows {
		out[i] = event.DayOf(r.Day)
	}
	return out, nil
}

// LocalDays are the local days that UTC days reach into, and the days themselves, since a day without a time (an
// invoice date) is the same in every zone.
func LocalDays(zone *time.Location, days []event.Day) []event.Day {
	seen := make(map[event.Day]bool, len(days))
	for _, d := range days {
		seen[d] = true
		for _, at := range []time.Time{d.Time, d.AddDate(0, 0, 1).Add(-time.Millisecond)} {
			y, m, local := at.In(zone).Date()
			seen[event.Day{Time: time.Date(y, m, local, 0, 0, 0, 0, time.UTC)}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b event.Day) int { return a.Compare(b.Time) })
}
