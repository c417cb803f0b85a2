package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/services/standalone/demo"
)

// The lines that both sides are read as.
type (
	hoursLine struct {
		Team     string          `ch:"team"`
		Workflow string          `ch:"workflow"`
		Assisted bool            `ch:"assisted"`
		N        uint64          `ch:"n"`
		Units    decimal.Decimal `ch:"units"`
		Minutes  decimal.Decimal `ch:"minutes"`
	}
	spendLine struct {
		Currency string          `ch:"currency"`
		N        uint64          `ch:"n"`
		Billed   decimal.Decimal `ch:"billed"`
	}
	countsLine struct {
		Experiment  string `ch:"experiment"`
		Variant     string `ch:"variant"`
		Exposures   uint64 `ch:"exposures"`
		Conversions uint64 `ch:"conversions"`
	}
	dealLine struct {
		State   string          `ch:"state"`
		Money   string          `ch:"money"`
		Decided string          `ch:"decided"`
		N       uint64          `ch:"n"`
		Total   decimal.Decimal `ch:"total"`
	}
)

func (l hoursLine) into(f figures) {
	for _, of := range []string{"team " + l.Team, "workflow " + l.Workflow} {
		name := fmt.Sprintf("hours of %s, with AI %v", of, l.Assisted)
		f.count(name+", events", l.N)
		f.add(name+", units", l.Units)
		f.add(name+", minutes", l.Minutes)
	}
}

func (l spendLine) into(f figures) {
	f.count("spend in "+l.Currency+", charges", l.N)
	f.add("spend in "+l.Currency+", billed", l.Billed)
}

func (l countsLine) into(f figures) {
	f.count("experiment "+l.Experiment+"/"+l.Variant+", exposures", l.Exposures)
	f.count("experiment "+l.Experiment+"/"+l.Variant+", conversions", l.Conversions)
}

func (l dealLine) into(f figures) {
	f.count("deals "+l.State, l.N)
	f.add("deals "+l.State+", amount in "+l.Money, l.Total)
}

// rawNumbers are the headline numbers of a period, of raw rows.
type rawNumbers struct {
	figures
	from, to string
	// priced are the events of work with AI, days the sums of each workflow and day of the period and before it.
	priced uint64
	days   map[string]map[string]workDay
	spend  []spendLine
	counts []countsLine
	deals  []dealLine
}

// workDay are the sums of one workflow and day, with AI and without.
type workDay struct {
	n                            uint64
	units, minutes               decimal.Decimal
	withoutUnits, withoutMinutes decimal.Decimal
}

// effectiveRaw is the FROM and WHERE of the rows of a table as they count, written apart from what rolls are made with: voided
// rows are gone, and j is the JSON of the last correction, "" where there is none.
func effectiveRaw(table string) string {
	return `(SELECT * FROM ` + table + ` FINAL WHERE workspace = {workspace:String}
	AND identity NOT IN (SELECT target FROM void FINAL WHERE workspace = {workspace:String})) AS r
LEFT JOIN (
	SELECT target, data AS j FROM correct FINAL WHERE workspace = {workspace:String} AND target_kind = '` + table + `'
	ORDER BY time DESC, source DESC, id DESC LIMIT 1 BY target
) AS c ON c.target = r.identity`
}

// corrected is a text of a row, or of its correction.
func corrected(name string) string {
	return "if(j = '', toString(r." + name + "), JSONExtractString(j, '" + name + "'))"
}

// correctedNumber is a number of a row, 0 where it has none, or of its correction. JSON numbers of ours have few digits.
func correctedNumber(name string) string {
	return "toDecimal128(if(j = '', ifNull(r." + name + ", 0), toDecimal64(JSONExtractFloat(j, '" + name + "'), 6)), 6)"
}

// rawNumbers asks the raw rows, and says how long that took.
func (h *history) rawNumbers(ctx context.Context, from, to string) (rawNumbers, time.Duration, error) {
	out := rawNumbers{figures: figures{}, from: from, to: to, days: map[string]map[string]workDay{}}
	args := map[string]any{"workspace": benchWorkspace, "zone": demo.Zone, "from": from, "to": to}
	started := time.Now()
	for _, ask := range []func(context.Context, map[string]any, *rawNumbers) error{h.rawHours, h.rawSpend, h.rawCounts, h.rawDeals} {
		if err := ask(ctx, args, &out); err != nil {
			return out, 0, err
		}
	}
	return out, time.Since(started), nil
}

// rawHours reads the work of the period, and the unassisted work of the 180 days before it.
func (h *history) rawHours(ctx context.Context, args map[string]any, out *rawNumbers) error {
	var parts []string
	for _, name := range []string{"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes"} {
		parts = append(parts, correctedNumber(name))
	}
	sql := `SELECT toString(toDate(r.time, {zone:String})) AS local, ` + corrected("team") + ` AS in_team, ` + corrected("workflow") + ` AS in_workflow,
	if(j = '', r.assisted, JSONExtractBool(j, 'assisted')) AS with_ai, count() AS n, sum(` + correctedNumber("units") + `) AS units, sum(` + strings.Join(parts, " + ") + `) AS minutes
FROM ` + effectiveRaw("hours_saved") + `
WHERE r.day >= addDays({from:Date32}, -181) AND r.day <= {to:Date32}
GROUP BY local, in_team, in_workflow, with_ai`
	var lines []struct {
		Local    string          `ch:"local"`
		Team     string          `ch:"in_team"`
		Workflow string          `ch:"in_workflow"`
		WithAI   bool            `ch:"with_ai"`
		N        uint64          `ch:"n"`
		Units    decimal.Decimal `ch:"units"`
		Minutes  decimal.Decimal `ch:"minutes"`
	}
	if err := h.db.Query(ctx, sql, args, &lines); err != nil {
		return fmt.Errorf("hours of raw rows: %w", err)
	}
	for _, l := range lines {
		days := out.days[l.Workflow]
		if days == nil {
			days = map[string]workDay{}
			out.days[l.Workflow] = days
		}
		d, within := days[l.Local], l.Local >= out.from && l.Local < out.to
		if l.WithAI {
			d.n, d.units, d.minutes = d.n+l.N, d.units.Add(l.Units), d.minutes.Add(l.Minutes)
		} else {
			d.withoutUnits, d.withoutMinutes = d.withoutUnits.Add(l.Units), d.withoutMinutes.Add(l.Minutes)
		}
		days[l.Local] = d
		if within {
			hoursLine{l.Team, l.Workflow, l.WithAI, l.N, l.Units, l.Minutes}.into(out.figures)
		}
		if within && l.WithAI {
			out.priced += l.N
		}
	}
	return nil
}

// rawSpend reads the charges whose day of cash lies in the period, wherever they were reported.
func (h *history) rawSpend(ctx context.Context, args map[string]any, out *rawNumbers) error {
	sql := `SELECT ` + corrected("currency") + ` AS in_currency, count() AS n,
	sum(toDecimal256(if(j = '', r.billed_cost, toDecimal128(JSONExtractString(j, 'billed_cost'), 18)), 18)) AS total
FROM ` + effectiveRaw("vendor_spend") + `
WHERE (ifNull(if(j = '', r.invoice_date, toDate32OrNull(JSONExtractString(j, 'invoice_date'))), toDate32(toDate(r.time, {zone:String}))) AS cash) >= {from:Date32}
	AND cash < {to:Date32}
GROUP BY in_currency`
	var lines []struct {
		Currency string          `ch:"in_currency"`
		N        uint64          `ch:"n"`
		Total    decimal.Decimal `ch:"total"`
	}
	if err := h.db.Query(ctx, sql, args, &lines); err != nil {
		return fmt.Errorf("spend of raw rows: %w", err)
	}
	for _, l := range lines {
		line := spendLine{l.Currency, l.N, l.Total}
		out.spend = append(out.spend, line)
		line.into(out.figures)
	}
	return nil
}

// rawCounts reads the counts of all experiments: they are estimated over all days.
func (h *history) rawCounts(ctx context.Context, args map[string]any, out *rawNumbers) error {
	number := func(name string) string {
		return "sum(if(j = '', ifNull(r." + name + ", 0), JSONExtractUInt(j, '" + name + "')))"
	}
	sql := `SELECT ` + corrected("experiment") + ` AS in_experiment, ` + corrected("variant") + ` AS in_variant,
	` + number("exposures") + ` AS all_exposures, ` + number("conversions") + ` AS all_conversions
FROM ` + effectiveRaw("conversion") + `
GROUP BY in_experiment, in_variant`
	var lines []struct {
		Experiment  string `ch:"in_experiment"`
		Variant     string `ch:"in_variant"`
		Exposures   uint64 `ch:"all_exposures"`
		Conversions uint64 `ch:"all_conversions"`
	}
	if err := h.db.Query(ctx, sql, args, &lines); err != nil {
		return fmt.Errorf("experiments of raw rows: %w", err)
	}
	for _, l := range lines {
		line := countsLine(l)
		out.counts = append(out.counts, line)
		line.into(out.figures)
	}
	return nil
}

// rawDeals reads the state of each deal, which is its latest change. Every change of ours has all fields.
func (h *history) rawDeals(ctx context.Context, args map[string]any, out *rawNumbers) error {
	sql := `SELECT state, money, if(state = 'open', '1900-01-01', toString(toDate(closed, {zone:String}))) AS decided, count() AS n, sum(toDecimal256(amount, 18)) AS total
FROM (
	SELECT ` + corrected("deal") + ` AS named, ` + corrected("status") + ` AS state, ` + corrected("currency") + ` AS money,
		if(j = '', assumeNotNull(r.amount), toDecimal128(JSONExtractString(j, 'amount'), 18)) AS amount,
		ifNull(if(j = '', r.closed_at, parseDateTime64BestEffortOrNull(JSONExtractString(j, 'closed_at'), 3, 'UTC')), r.time) AS closed
	FROM ` + effectiveRaw("pipeline") + `
	ORDER BY named, r.time DESC, if(j = '', r.sequence, JSONExtractUInt(j, 'sequence')) DESC, r.source DESC, r.id DESC
	LIMIT 1 BY named
)
GROUP BY state, money, decided`
	if err := h.db.Query(ctx, sql, args, &out.deals); err != nil {
		return fmt.Errorf("deals of raw rows: %w", err)
	}
	for _, l := range out.deals {
		if _, err := event.ParseDay(l.Decided); err != nil {
			return fmt.Errorf("deals of raw rows: %w", err)
		}
		l.into(out.figures)
	}
	return nil
}
