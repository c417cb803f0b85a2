package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// SpendQuery reads what was billed on the days of cash of a window.
type SpendQuery struct{ Window }

// SpendRow is the spend of one day, team, workflow, vendor, category and currency.
type SpendRow struct {
	Day      time.Time       `ch:"day"`
	Team     string          `ch:"team"`
	Workflow string          `ch:"workflow"`
	Vendor   string          `ch:"vendor"`
	Category string          `ch:"category"`
	Currency string          `ch:"currency"`
	N        uint64          `ch:"n"`
	Billed   decimal.Decimal `ch:"billed"`
}

// SQL is the query and its parameters.
func (q SpendQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT day, team, workflow, vendor, category, currency, sum(n) AS n, sum(billed) AS billed
FROM rollup_spend
WHERE ` + where + `
GROUP BY day, team, workflow, vendor, category, currency
ORDER BY day, team, workflow, vendor, category, currency`, args
}

// Parts are the charges of whole days.
func (q SpendQuery) Parts() (Parts, bool) {
	return partsOf("rollup_spend", q.From, q.To, SpendQuery{q.listed()}, func(r *SpendRow) time.Time { return r.Day }), q.Scope.Kind != ScopeMe
}

// Merge takes the charges of the scope.
func (q SpendQuery) Merge(days []any) []SpendRow {
	return pick(days, inScope(q.Scope, func(r *SpendRow) (string, string) { return r.Team, r.Workflow }))
}

// Rate is an exchange rate as it was found for a day.
type Rate struct {
	// Rate multiplies an amount into the currency asked for.
	Rate decimal.Decimal
	// Source and Version name the entry of the registry; both empty for a currency into itself.
	Source, Version string
}

// FX finds the exchange rate of a currency into the one asked for on a day; ok is false where none is known.
type FX func(currency string, day event.Day) (Rate, bool)

// FoldSpend sums what was billed in one currency, each amount at the rate of its day. The products are kept whole, so
// that nothing is rounded and every grouping sums exactly. Amounts without a rate are listed in their own currency.
func FoldSpend(rows []SpendRow, currency string, fx FX) Fold {
	m := start(VendorSpend, currency)
	if len(rows) == 0 {
		return Fold{Measure: m}
	}
	out := Fold{}
	total, n := decimal.Zero, uint64(0)
	byCurrency := map[string]*currencySum{}
	missing := map[string]*currencySum{}
	rates := usedRates{}
	for _, r := range rows {
		rate, ok := fx(r.Currency, event.Day{Time: r.Day})
		if !ok {
			add(missing, r)
			continue
		}
		add(byCurrency, r)
		rates.use(r.Currency, rate)
		value := r.Billed.Mul(rate.Rate)
		total, n = total.Add(value), n+r.N
		out.Cells = append(out.Cells, Cell{
			Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Vendor: r.Vendor, Category: r.Category,
			Value: value, N: r.N, Grade: 1, Source: cmp.Or(rate.Source, r.Currency),
		})
	}
	for _, c := range slices.Sorted(maps.Keys(missing)) {
		sum := missing[c]
		out.Excluded = append(out.Excluded, Excluded{
			Measure: VendorSpend, Reason: "no_fx", N: &sum.n, Amount: ExactOf(sum.billed), Unit: c,
			Message: fmt.Sprintf("no exchange rate from %s to %s on the days of these charges: add fx/%s-%s to the registry", c, currency, c, currency),
		})
		m.Parts = append(m.Parts, Part{Key: "no_fx:" + c, Title: "Not converted, " + c, Value: ExactOf(sum.billed), Unit: c, N: &sum.n})
	}
	if n == 0 {
		m.withhold("no_fx", "no charge of the period can be converted to "+currency)
		out.Measure = m
		return out
	}
	if len(missing) > 0 {
		m.warn("no_fx", "some charges could not be converted and are not in the value")
	}
	// An invoice has no sampling error: the interval is the value itself.
	point := total.InexactFloat64()
	m.Status, m.Value, m.N = OK, ExactOf(total), &n
	m.interval(point, point, LevelMoney)
	m.Grade = new(1)
	for _, c := range slices.Sorted(maps.Keys(byCurrency)) {
		sum := byCurrency[c]
		m.Parts = append(m.Parts, Part{Key: "billed:" + c, Title: "Billed in " + c, Value: ExactOf(sum.billed), Unit: c, N: &sum.n})
	}
	out.Measure, out.Inputs = m, rates.inputs(currency)
	out.Counts = []Count{{"charges", &n}}
	return out
}

type currencySum struct {
	billed decimal.Decimal
	n      uint64
}

func add(sums map[string]*currencySum, r SpendRow) {
	s := sums[r.Currency]
	if s == nil {
		s = &currencySum{}
		sums[r.Currency] = s
	}
	s.billed, s.n = s.billed.Add(r.Billed), s.n+r.N
}

// usedRates are the exchange rates that a fold has used, by currency and version.
type usedRates map[[2]string]Rate

func (u usedRates) use(currency string, rate Rate) {
	if rate.Source != "" {
		u[[2]string{currency, rate.Source + " " + rate.Version}] = rate
	}
}

// inputs lists the exchange rates for a claim.
func (u usedRates) inputs(currency string) []Input {
	var out []Input
	for key, rate := range u {
		out = append(out, Input{
			Name: fmt.Sprintf("1 %s in %s", key[0], currency), Value: new(ExactOf(rate.Rate).Text()), Unit: currency,
			Source: rate.Source, Version: &rate.Version,
		})
	}
	slices.SortFunc(out, func(a, b Input) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(*a.Version, *b.Version)) })
	return out
}
