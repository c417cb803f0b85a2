package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/demo"
	"plumbline/services/standalone/parts"
)

// figures are numbers by what they are.
type figures map[string]decimal.Decimal

func (f figures) add(name string, v decimal.Decimal) { f[name] = f[name].Add(v) }

func (f figures) count(name string, n uint64) { f.add(name, decimal.NewFromUint64(n)) }

// differences are the figures that are not the same here and there, in order.
func (f figures) differences(other figures) []string {
	names := maps.Clone(f)
	maps.Copy(names, other)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, here := f[name]
		b, there := other[name]
		if !here || !there || !a.Equal(b) {
			out = append(out, fmt.Sprintf("%s is %s, of raw rows %s", name, a, b))
		}
	}
	return out
}

// verdict is what a comparison has found.
type verdict struct {
	differences         []string
	figures, rollupRows int
	// rawTook is how long the statements over raw rows took.
	rawTook time.Duration
}

// compare computes the headline numbers of the default period from the raw rows, and holds them against the rollups and
// against the answers of a scorecard.
func (h *history) compare(ctx context.Context) (v verdict, err error) {
	s, err := h.place.start(ctx, parts.Scorecard, "--secret="+benchSecret, "--admin-token="+benchToken)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, stopService(ctx, s)) }()
	r := newReading(s, nil)
	defer r.client.CloseIdleConnections()
	var board boardAnswer
	if err := r.read(ctx, boardPath, nil, &board); err != nil {
		return v, err
	}
	raw, took, err := h.rawNumbers(ctx, board.Period.From, board.Period.To)
	if err != nil {
		return v, err
	}
	v.rawTook = took
	rolled, err := h.rolledFigures(ctx, board.Period.From, board.Period.To)
	if err != nil {
		return v, err
	}
	answered, err := h.answeredFigures(ctx, r, board)
	if err != nil {
		return v, err
	}
	want := h.answersOf(raw)
	v.figures = len(raw.figures) + len(want)
	v.differences = append(rolled.differences(raw.figures), answered.differences(want)...)
	v.rollupRows, err = h.countRollups(ctx)
	return v, err
}

// current are the parameters of [warehouse.Current].
func (h *history) current(ctx context.Context) (map[string]any, error) {
	snapshot, err := h.db.Snapshot(ctx, benchWorkspace)
	return map[string]any{"workspace": benchWorkspace, "generation": snapshot.Generation}, err
}

// rolledFigures are the figures of the rollups, under the same names as those of raw rows.
func (h *history) rolledFigures(ctx context.Context, from, to string) (figures, error) {
	out := figures{}
	args, err := h.current(ctx)
	if err != nil {
		return nil, err
	}
	args["from"], args["to"] = from, to
	const current = "\nWHERE workspace = {workspace:String} AND " + warehouse.Current
	const within = current + " AND day >= {from:Date32} AND day < {to:Date32}"
	var hours []hoursLine
	err = h.db.Query(ctx, `SELECT team, workflow, assisted, sum(n) AS n, sum(units) AS units, sum(minutes) AS minutes FROM rollup_hours`+
		within+" GROUP BY team, workflow, assisted", args, &hours)
	if err != nil {
		return nil, err
	}
	for _, l := range hours {
		l.into(out)
	}
	var spend []spendLine
	err = h.db.Query(ctx, "SELECT currency, sum(n) AS n, sum(billed) AS billed FROM rollup_spend"+within+" GROUP BY currency", args, &spend)
	if err != nil {
		return nil, err
	}
	for _, l := range spend {
		l.into(out)
	}
	var counts []countsLine
	err = h.db.Query(ctx, `SELECT experiment, variant, sum(exposures) AS exposures, sum(conversions) AS conversions FROM rollup_conversions`+
		current+" GROUP BY experiment, variant", args, &counts)
	if err != nil {
		return nil, err
	}
	for _, l := range counts {
		l.into(out)
	}
	var deals []dealLine
	err = h.db.Query(ctx, `SELECT toString(status) AS state, toString(currency) AS money, toString(ifNull(decided_day, toDate32('1900-01-01'))) AS decided,
	count() AS n, sum(toDecimal256(ifNull(amount, 0), 18)) AS total FROM rollup_deals`+current+" GROUP BY state, money, decided", args, &deals)
	if err != nil {
		return nil, err
	}
	for _, l := range deals {
		l.into(out)
	}
	return out, nil
}

// countRollups is how many rows of rollups can be read.
func (h *history) countRollups(ctx context.Context) (int, error) {
	args, err := h.current(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, table := range rollupTables() {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		sql := "SELECT count() AS n FROM " + table + " WHERE workspace = {workspace:String} AND " + warehouse.Current
		if err := h.db.Query(ctx, sql, args, &rows); err != nil {
			return 0, fmt.Errorf("count %s: %w", table, err)
		}
		n += int(rows[0].N)
	}
	return n, nil
}

// hourPlaces is to how many places hours are compared: each day is rounded by itself, to 18.
const hourPlaces = 9

// answeredFigures are what the API says.
func (h *history) answeredFigures(ctx context.Context, r *reading, board boardAnswer) (figures, error) {
	out := figures{}
	hours := board.Measures["hours_saved_net"]
	if hours.N != nil {
		out.count("hours_saved_net, events", *hours.N)
	}
	for _, row := range board.ByWorkflow {
		if v := row.Measures["hours_saved_net"].Value; v != nil && h.org.prices(row.Workflow) {
			out.add("hours_saved_net of "+row.Workflow, v.Round(hourPlaces))
		}
	}
	for _, part := range board.Measures["vendor_spend"].Parts {
		if part.Value != nil && part.N != nil {
			out.add("vendor_spend, "+part.Key, *part.Value)
			out.count("vendor_spend, charges "+part.Key, *part.N)
		}
	}
	var deals struct {
		Inputs struct {
			Won  uint64 `json:"won"`
			Lost uint64 `json:"lost"`
		} `json:"velocity_inputs"`
		WonAmount *decimal.Decimal `json:"won_amount"`
	}
	period := url.Values{"from": {board.Period.From}, "to": {board.Period.To}}
	if err := r.read(ctx, "/api/v1/pipeline", period, &deals); err != nil {
		return nil, err
	}
	out.count("deals won in the period", deals.Inputs.Won)
	out.count("deals lost in the period", deals.Inputs.Lost)
	if deals.WonAmount != nil {
		out.add("won amount of the period", *deals.WonAmount)
	}
	for _, x := range h.org.experiments {
		var answer struct {
			Variants []struct {
				Variant     string `json:"variant"`
				Exposures   uint64 `json:"exposures"`
				Conversions uint64 `json:"conversions"`
			} `json:"variants"`
		}
		if err := r.read(ctx, "/api/v1/experiments/"+url.PathEscape(x.key), nil, &answer); err != nil {
			return nil, err
		}
		for _, v := range answer.Variants {
			countsLine{x.key, v.Variant, v.Exposures, v.Conversions}.into(out)
		}
	}
	return out, nil
}

// prices tells whether the saving of a workflow can be computed with sums alone: that of a trial is a regression.
func (o *organisation) prices(workflow string) bool {
	return slices.ContainsFunc(o.workflows, func(w ownWorkflow) bool { return w.key == workflow && !w.trial })
}

// answersOf are what the API should say, by the raw rows.
func (h *history) answersOf(raw rawNumbers) figures {
	out := figures{}
	out.count("hours_saved_net, events", raw.priced)
	over := raw.over()
	for _, workflow := range h.org.workflows {
		if !workflow.trial {
			out.add("hours_saved_net of "+workflow.key, over.saved(workflow).Round(hourPlaces))
		}
	}
	for _, l := range raw.spend {
		out.add("vendor_spend, billed:"+l.Currency, l.Billed)
		out.count("vendor_spend, charges billed:"+l.Currency, l.N)
	}
	for _, l := range raw.counts {
		l.into(out)
	}
	for _, l := range raw.deals {
		if l.Decided < raw.from || l.Decided >= raw.to {
			continue
		}
		if l.State == "lost" {
			out.count("deals lost in the period", l.N)
			continue
		}
		out.count("deals won in the period", l.N)
		amount := l.Total
		if l.Money != demo.Currency {
			amount = amount.Mul(decimal.RequireFromString(foreignRate))
		}
		out.add("won amount of the period", amount)
	}
	return out
}

// over are the numbers without the month in which the period ends, today: parts of a whole are shown of months that are over.
func (r rawNumbers) over() rawNumbers {
	tomorrow, err := event.ParseDay(r.to)
	if err != nil {
		return r
	}
	today := tomorrow.AddDate(0, 0, -1)
	r.to = today.AddDate(0, 0, 1-today.Day()).Format(time.DateOnly)
	return r
}

// saved is the saving of a workflow in hours: of each day, units × baseline − minutes, where a measured baseline is
// Σ minutes ÷ Σ units of the unassisted work of the 180 days before, to 12 places.
func (r rawNumbers) saved(w ownWorkflow) decimal.Decimal {
	const window, places = 180, 12
	total := decimal.Zero
	for day, d := range r.days[w.key] {
		if day < r.from || day >= r.to || d.n == 0 {
			continue
		}
		base := decimal.Zero
		if w.declared != nil {
			base = *w.declared
		} else {
			var units, minutes decimal.Decimal
			last, err := event.ParseDay(day)
			if err != nil {
				return decimal.Zero
			}
			for back := 1; back <= window; back++ {
				before := r.days[w.key][last.AddDate(0, 0, -back).Format(time.DateOnly)]
				units, minutes = units.Add(before.withoutUnits), minutes.Add(before.withoutMinutes)
			}
			if units.IsPositive() {
				base = minutes.DivRound(units, 2*places).RoundBank(places)
			}
		}
		total = total.Add(d.units.Mul(base).Sub(d.minutes))
	}
	return total.DivRound(decimal.NewFromInt(60), 2*hourPlaces)
}
