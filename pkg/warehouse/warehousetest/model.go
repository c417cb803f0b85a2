package warehousetest

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// Effective is the brute-force meaning of corrections and voids: one row an event (the lowest offset), no voided
// ones, and the payload of the last correction by (time, source, id).
func Effective(t Fataler, rows []event.Stored) []event.Stored {
	t.Helper()
	first := map[event.Identity]event.Stored{}
	for _, r := range rows {
		if have, ok := first[r.Identity]; !ok || r.Receipt.Offset < have.Receipt.Offset {
			first[r.Identity] = r
		}
	}
	voided := map[event.Identity]bool{}
	last := map[event.Identity]event.Stored{}
	for _, r := range first {
		target, ok := warehouse.TargetOf(r.Event)
		if !ok {
			continue
		}
		if r.Kind == event.KindVoid {
			voided[target] = true
			continue
		}
		if r.Data.(*event.Correct).Target != first[target].Kind {
			continue
		}
		if have, ok := last[target]; !ok || byTime(have.Event, r.Event) < 0 {
			last[target] = r
		}
	}
	var out []event.Stored
	for id, r := range first {
		if r.Kind == event.KindVoid || r.Kind == event.KindCorrect || voided[id] {
			continue
		}
		if c, ok := last[id]; ok {
			spec, _ := event.Lookup(r.Kind)
			r.Data = spec.New()
			if err := json.Unmarshal(c.Data.(*event.Correct).Data, r.Data); err != nil {
				t.Fatal(err)
			}
			r.Data.Normalise()
		}
		out = append(out, r)
	}
	return out
}

func byTime(a, b event.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID))
}

// BruteForce computes every rollup in Go, as texts, one for each row: "table|day|column|…".
func BruteForce(t Fataler, rows []event.Stored, zone *time.Location) []string {
	t.Helper()
	g := groups{}
	deals := map[string][]event.Stored{}
	for _, r := range Effective(t, rows) {
		local := r.Time.In(zone).Format(time.DateOnly)
		g.pillar(local, r, zone)
		switch d := r.Data.(type) {
		case *event.HoursSaved:
			g.hours(local, d)
			if d.Trial != "" {
				g.trial(local, r.Identity, d)
			}
		case *event.VendorSpend:
			if d.InvoiceDate != nil {
				local = d.InvoiceDate.String()
			}
			key := row("rollup_spend", local, d.Team, d.Workflow, d.Vendor, d.Category, d.Currency, d.ChargeCategory)
			g.add(key, one(true), d.BilledCost.Decimal, money(d.EffectiveCost), one(d.EffectiveCost != nil), one(*d.Final))
			g.accrual(local, d, zone)
		case *event.Conversion:
			key := row("rollup_conversions", local, d.Team, d.Workflow, d.Experiment, d.Variant, d.Metric, d.Currency)
			g.add(key, one(true), count(d.Exposures), count(d.Conversions), money(d.Value), money(d.ValueSquares), one(d.Deal != ""))
			if d.Deal != "" {
				g.add(row("rollup_links", local, d.Team, d.Workflow, d.Experiment, d.Variant, d.Metric, d.Deal), one(true), count(d.Conversions))
			}
		case *event.Pipeline:
			deals[d.Deal] = append(deals[d.Deal], r)
		}
	}
	for _, changes := range deals {
		g.add(deal(changes, zone))
	}
	out := make([]string, 0, len(g))
	for key, sums := range g {
		for _, s := range sums {
			key += "|" + s.String()
		}
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// groups are sums by key.
type groups map[string][]decimal.Decimal

func (g groups) add(key string, values ...decimal.Decimal) {
	if g[key] == nil {
		g[key] = make([]decimal.Decimal, len(values))
	}
	for i, v := range values {
		g[key][i] = g[key][i].Add(v)
	}
}

func (g groups) hours(local string, d *event.HoursSaved) {
	parts := []decimal.Decimal{
		quantity(d.DoingMinutes), quantity(d.PromptingMinutes), quantity(d.ReviewMinutes),
		quantity(d.ReworkMinutes), quantity(d.CorrectionMinutes),
	}
	spent := decimal.Sum(decimal.Zero, parts...)
	units := d.Units.Decimal()
	given := one(d.BaselineMinutes != nil)
	key := row("rollup_hours", local, d.Team, d.Workflow, d.Person, d.Evidence, *d.Assisted, d.Trial)
	values := append([]decimal.Decimal{one(true), units}, parts...)
	values = append(
		values, spent, given, units.Mul(given), units.Mul(quantity(d.BaselineMinutes)), spent.Mul(given),
		units.Mul(units), spent.Mul(spent), spent.Mul(units),
	)
	g.add(key, values...)
}

func (g groups) trial(local string, id event.Identity, d *event.HoursSaved) {
	g.add(row(
		"rollup_trials", local, d.Trial, hex.EncodeToString(id[:]), d.Team, d.Workflow, d.Person, *d.Assisted, d.Units.Decimal(),
		d.DoingMinutes, d.PromptingMinutes, d.ReviewMinutes, d.ReworkMinutes, d.CorrectionMinutes,
		d.EstimateUnassistedMinutes, d.EstimateAssistedMinutes,
	))
}

// deal folds the changes of one deal into its row.
func deal(changes []event.Stored, zone *time.Location) string {
	slices.SortFunc(changes, func(a, b event.Stored) int {
		return cmp.Or(
			a.Time.Compare(b.Time), cmp.Compare(*a.Data.(*event.Pipeline).Sequence, *b.Data.(*event.Pipeline).Sequence),
			byTime(a.Event, b.Event),
		)
	})
	var s dealState
	for _, c := range changes {
		s.change(c.Time, c.Data.(*event.Pipeline))
	}
	latest := changes[len(changes)-1]
	created := changes[0].Time
	if s.CreatedAt != nil {
		created = s.CreatedAt.Time
	}
	decided, decidedDay := any(nil), any(nil)
	if (s.Status == "won" || s.Status == "lost") && !s.gone {
		at := s.entered
		if s.ClosedAt != nil && !s.ClosedAt.Before(created) {
			at = s.ClosedAt.Time
		}
		decided, decidedDay = at, at.In(zone).Format(time.DateOnly)
	}
	if s.gone {
		s.Status = "withdrawn"
	}
	if s.Currency == "" && !s.currencySaid {
		s.Currency = s.loneCurrency
	}
	if s.Currency == "" {
		s.Amount = nil // nobody knows of what it is
	}
	return row(
		"rollup_deals", created.In(zone).Format(time.DateOnly), s.Deal, s.Team, s.Workflow, s.Stage, s.Status,
		s.Amount, s.Currency, created, decided, decidedDay, s.Assisted, s.Margin, s.Experiment, s.Touches.Canonical(),
		len(changes), latest.Time, hex.EncodeToString(latest.Identity[:]),
	)
}

// dealState is what the changes of a deal up to some time say of it.
type dealState struct {
	event.Pipeline
	// loneCurrency came without an amount in a whole change; it holds where no other was ever said.
	loneCurrency string
	currencySaid bool
	gone         bool
	// entered is when the deal got its status.
	entered time.Time
}

func (s *dealState) change(at time.Time, d *event.Pipeline) {
	s.Deal = d.Deal
	s.Team, s.Workflow, s.Experiment = cmp.Or(d.Team, s.Team), cmp.Or(d.Workflow, s.Workflow), cmp.Or(d.Experiment, s.Experiment)
	s.CreatedAt, s.Margin = cmp.Or(d.CreatedAt, s.CreatedAt), cmp.Or(d.Margin, s.Margin)
	if len(d.Touches) > 0 {
		s.Touches = d.Touches
	}
	if d.Stage != "" || !d.IsPartial() {
		s.Stage = d.Stage
	}
	if d.Status != "" && (d.Status != s.Status || !d.IsPartial()) {
		s.Status, s.entered, s.ClosedAt = d.Status, at, nil
	}
	s.Amount, s.ClosedAt, s.Assisted = cmp.Or(d.Amount, s.Amount), cmp.Or(d.ClosedAt, s.ClosedAt), cmp.Or(d.Assisted, s.Assisted)
	switch {
	case d.Currency == "":
	case d.IsPartial() || d.Amount != nil:
		s.Currency, s.currencySaid = d.Currency, true
	default:
		s.loneCurrency = d.Currency
	}
	switch d.Cleared {
	case "amount":
		s.Amount = nil
	case "currency":
		s.Currency, s.currencySaid = "", true
	case "closed_at":
		s.ClosedAt = nil
	case "assisted":
		s.Assisted = nil
	}
	if d.Withdrawn != nil || !d.IsPartial() {
		s.gone = d.Withdrawn != nil && *d.Withdrawn
	}
}

// row joins values as ClickHouse's toString writes them.
func row(values ...any) string {
	var out bytes.Buffer
	for i, v := range values {
		if i > 0 {
			out.WriteByte('|')
		}
		switch v := v.(type) {
		case string:
			out.WriteString(v)
		case bool:
			out.WriteString(strconv.FormatBool(v))
		case int:
			out.WriteString(strconv.Itoa(v))
		case decimal.Decimal:
			out.WriteString(v.String())
		case time.Time:
			out.WriteString(v.UTC().Format("2006-01-02 15:04:05.000"))
		case *event.Number:
			out.WriteString(orNull(v, func(n event.Number) string { return n.Decimal().String() }))
		case *event.Decimal:
			out.WriteString(orNull(v, func(d event.Decimal) string { return d.String() }))
		case *bool:
			out.WriteString(orNull(v, strconv.FormatBool))
		case *uint8:
			out.WriteString(orNull(v, func(n uint8) string { return strconv.Itoa(int(n)) }))
		case nil:
			out.WriteString("NULL")
		default:
			panic(fmt.Sprintf("row: %T", v))
		}
	}
	return out.String()
}

func orNull[V any](v *V, text func(V) string) string {
	if v == nil {
		return "NULL"
	}
	return text(*v)
}

func one(is bool) decimal.Decimal {
	if is {
		return decimal.NewFromInt(1)
	}
	return decimal.Zero
}

func quantity(n *event.Number) decimal.Decimal {
	if n == nil {
		return decimal.Zero
	}
	return n.Decimal()
}

func money(d *event.Decimal) decimal.Decimal {
	if d == nil {
		return decimal.Zero
	}
	return d.Decimal
}

func count(n *uint64) decimal.Decimal {
	if n == nil {
		return decimal.Zero
	}
	return decimal.NewFromUint64(*n)
}
