package metric

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// VendorPrice is the price of a vendor before AI, as the registry declares it on a day.
type VendorPrice struct {
	// Key is that of the entry: the line of the comparison.
	Key, Vendor, Category string
	// Team and Workflow narrow the charges that it is compared with; empty is all.
	Team, Workflow string
	Price          decimal.Decimal
	Currency       string
	// Unit is what the price is for; empty fits every unit.
	Unit string
	// Monthly prices are for a month, the others for a unit.
	Monthly bool
	// Displaceable says that AI can take the place of the vendor, Paid that the price was really paid.
	Displaceable, Paid bool
	Source, Version    string
}

// VendorPrices are the prices that hold on a day.
type VendorPrices func(day event.Day) []VendorPrice

// The reasons why something is not among the vendor savings.
const (
	ReasonNoInvoice       = "no_invoice"
	ReasonNotDisplaceable = "not_displaceable"
	ReasonNeverPaid       = "never_paid"
	ReasonNoVolume        = "no_volume"
	reasonNoFX            = "no_fx"
	reasonNoBaseline      = "no_baseline"
)

// fits tells how well a price fits a charge: the more it names, the better; 0 is not at all. What is neither volume nor
// service (taxes, credits, adjustments) fits a price of its vendor in whatever unit.
func (p VendorPrice) fits(r AccrualRow) int {
	if p.Vendor != r.Vendor || p.Category != r.Category || (p.Team != "" && p.Team != r.Team) || (p.Workflow != "" && p.Workflow != r.Workflow) {
		return 0
	}
	score := 1
	if p.Workflow != "" {
		score += 8
	}
	if p.Team != "" {
		score += 4
	}
	switch {
	case p.Monthly || p.Unit == "" || r.adjusts() || !r.Measured:
		return score
	case p.Unit != r.Unit:
		return 0
	}
	return score + 2
}

// adjusts tells that the row is money without volume of its own.
func (r AccrualRow) adjusts() bool {
	return r.ChargeCategory == "Tax" || r.ChargeCategory == "Credit" || r.ChargeCategory == "Adjustment"
}

// unknownVolume tells that a price per unit says nothing about the row.
func (p VendorPrice) unknownVolume(r AccrualRow) bool {
	return !p.Monthly && !r.Measured && !r.adjusts()
}

// VendorSavingsInput is what the fold of the savings needs.
type VendorSavingsInput struct {
	// Rows are the accruals of the whole workspace in the whole months that the period touches: they decide whether a
	// month has an invoice, and how a monthly price is shared, so that every scope and period has the same.
	Rows   []AccrualRow
	Prices VendorPrices
	// From and To are the days [From, To) of the period, Scope whose savings are asked for.
	From, To event.Day
	Scope    Scope
	FX       FX
	// Attribution is the share of a gain that is due to AI, as it stands in a month (its first day); nil is all of it.
	Attribution func(month event.Day) Assumed
	Haircut     func(grade int) decimal.Decimal
	// Spent says that there is spend in the period that AI could have displaced, for which there may be no price.
	Spent bool
	// Today is the last day that has begun: a month is over after it.
	Today event.Day
	// Detailed asks for the details.
	Detailed bool
}

// SavingsDetail is the part of the savings that comes from one charge, or from the monthly price of a team and workflow, in
// one month of a line. Details sum to the value exactly.
type SavingsDetail struct {
	Line, Month, Vendor, Category, Team, Workflow string
	// Event names the charge; Price says that it is the monthly price, which has none.
	Event  string
	Price  bool
	Amount decimal.Decimal
}

func (d SavingsDetail) compare(o SavingsDetail) int {
	return cmp.Or(cmp.Compare(d.Line, o.Line), cmp.Compare(d.Month, o.Month), cmp.Compare(btoi(o.Price), btoi(d.Price)),
		cmp.Compare(d.Team, o.Team), cmp.Compare(d.Workflow, o.Workflow), cmp.Compare(d.Event, o.Event))
}

// lineMonth is where a comparison is made: one price in one month.
type lineMonth struct{ line, month string }

// place is a team and a workflow.
type place struct{ team, workflow string }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.team, o.team), cmp.Compare(p.workflow, o.workflow))
}

// comparison is what one price and the charges of one month say.
type comparison struct {
	lineMonth
	price VendorPrice
	// days are the charges that the price fits, n their number, finals the marks among them.
	days   map[int64][]AccrualRow
	n      map[place]uint64
	finals uint64
	// parts are the differences of the days of the period, and whole that of the month, in the currency asked for.
	parts []Cell
	whole decimal.Decimal
	// before and billed are the two sides in the period, expected the monthly price over it in its own currency.
	before, billed, expected decimal.Decimal
	noFX                     bool
	// unknown are the charges whose volume is not known.
	unknown   currencySum
	unknownIn string
	// share is the part of the gain that is due to AI; nil is all of it.
	share *Assumed
	// details are what each charge, and the price of each place, has added in the period.
	details map[SavingsDetail]decimal.Decimal
}

// savingsFold collects comparisons.
type savingsFold struct {
	Fold
	in       VendorSavingsInput
	currency string
	lines    map[lineMonth]*comparison
	prices   map[int64][]VendorPrice
	rates    usedRates
	daily    map[priceMonth][]decimal.Decimal
	used     map[string]VendorPrice
	omitted  []omission
	details  []SavingsDetail
}

// FoldVendorSavings is Σ over months of what was paid before − what was billed, by day: a monthly price over the days of its
// month, a price of a unit × the volume of the day; and each day's difference at the exchange rate of the day. It counts
// displaceable vendors only, at prices really paid, in months with an invoice or a mark that nothing more will come.
func FoldVendorSavings(in VendorSavingsInput, currency string) Fold {
	return foldSavings(in, currency).Fold
}

// VendorSavingsDetails are the parts of the savings by charge and price.
func VendorSavingsDetails(in VendorSavingsInput, currency string) (Measure, []SavingsDetail) {
	in.Detailed = true
	f := foldSavings(in, currency)
	slices.SortFunc(f.details, SavingsDetail.compare)
	return f.Measure, f.details
}

func foldSavings(in VendorSavingsInput, currency string) *savingsFold {
	f := &savingsFold{
		in: in, currency: currency, lines: map[lineMonth]*comparison{}, prices: map[int64][]VendorPrice{}, rates: usedRates{},
		used: map[string]VendorPrice{}, daily: map[priceMonth][]decimal.Decimal{},
	}
	f.match()
	f.compare()
	m := start(VendorSavings, currency)
	f.finish(&m)
	f.Measure = m
	return f
}

// months are the first days of the months that the period touches.
func (f *savingsFold) months() []event.Day {
	var out []event.Day
	for m := firstOfMonth(f.in.From); m.Before(f.in.To.Time); m = (event.Day{Time: m.AddDate(0, 1, 0)}) {
		out = append(out, m)
	}
	return out
}

func firstOfMonth(d event.Day) event.Day { return event.Day{Time: d.AddDate(0, 0, 1-d.Day())} }

// on are the prices that hold on a day.
func (f *savingsFold) on(day event.Day) []VendorPrice {
	key := day.Unix()
	prices, known := f.prices[key]
	if !known {
		prices = slices.Clone(f.in.Prices(day))
		slices.SortFunc(prices, func(a, b VendorPrice) int { return cmp.Compare(a.Key, b.Key) })
		f.prices[key] = prices
	}
	return prices
}

// match gives every charge to the price that fits it best, and opens a comparison for every price of a month.
func (f *savingsFold) match() {
	for _, month := range f.months() {
		for day := month; day.Month() == month.Month(); day = (event.Day{Time: day.AddDate(0, 0, 1)}) {
			for _, p := range f.on(day) {
				c := f.line(p, monthOf(month.Time))
				c.price = p // the latest of the month names it
			}
		}
	}
	for _, r := range f.in.Rows {
		var best VendorPrice
		score := 0
		for _, p := range f.on(event.Day{Time: r.Day}) {
			if s := p.fits(r); s > score {
				best, score = p, s
			}
		}
		if score > 0 {
			f.line(best, monthOf(r.Day)).take(r, best)
		}
	}
}

func (f *savingsFold) line(p VendorPrice, month string) *comparison {
	at := lineMonth{p.Key, month}
	if f.lines[at] == nil {
		f.lines[at] = &comparison{lineMonth: at, price: p, days: map[int64][]AccrualRow{}, n: map[place]uint64{}, details: map[SavingsDetail]decimal.Decimal{}}
	}
	return f.lines[at]
}

// take adds a charge.
func (c *comparison) take(r AccrualRow, p VendorPrice) {
	c.days[r.Day.Unix()] = append(c.days[r.Day.Unix()], r)
	c.finals += r.FinalN
	if !p.unknownVolume(r) {
		c.n[place{r.Team, r.Workflow}] += r.MonthN
	}
}

// order are the comparisons in a fixed order.
func (f *savingsFold) order() []*comparison {
	return slices.SortedFunc(maps.Values(f.lines), func(a, b *comparison) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.month, b.month))
	})
}

// counts tells whether the comparison is one of the savings.
func (c *comparison) counts() bool {
	return c.compared() && c.price.Displaceable && c.price.Paid
}

// compared tells whether the month has anything to compare. A month with charges of unknown volume alone has not.
func (c *comparison) compared() bool { return len(c.days) > 0 && !c.noFX && len(c.parts) > 0 }

// inScope keeps the cells of the scope.
func (f *savingsFold) inScope(cells []Cell) []Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c Cell) bool { return !f.in.Scope.Holds(c.Team, c.Workflow) })
}

// IsAICategory tells whether a category of spend is what AI itself costs, which nothing displaces.
func IsAICategory(category string) bool { return slices.Contains(aiCategories(), category) }

// finish sums what counts and lists what does not.
func (f *savingsFold) finish(m *Measure) {
	t := savingsTotals{open: map[string]bool{}}
	for _, c := range f.order() {
		cells := c.withCounts(f.inScope(c.parts))
		switch {
		case !c.compared():
			f.leftOut(c)
		case !c.price.Displaceable:
			f.apart(c, cells, ReasonNotDisplaceable, "it is not declared displaceable, so that less of it is not put down to AI")
		case !c.price.Paid:
			t.avoidance = append(t.avoidance, cells...)
			f.apart(c, cells, ReasonNeverPaid, "the price was quoted and never paid: what is less is avoidance, shown apart and never added")
		case len(cells) > 0:
			f.count(c, cells, &t)
		}
		if c.unknown.n > 0 || !c.unknown.billed.IsZero() {
			f.omitted = append(f.omitted, omission{
				c, ReasonNoVolume, c.unknownIn, "charges without a quantity cannot be compared with a price per unit", c.unknown.n, &c.unknown.billed,
			})
		}
	}
	f.list()
	f.state(m, t)
}

// savingsTotals are what the measure is made of.
type savingsTotals struct {
	total, before, billed, risk decimal.Decimal
	n, months                   uint64
	avoidance                   []Cell
	open                        map[string]bool
}

// withCounts puts the number of charges of the month on the first cell of each place.
func (c *comparison) withCounts(cells []Cell) []Cell {
	n := maps.Clone(c.n)
	for i := range cells {
		at := place{cells[i].Team, cells[i].Workflow}
		cells[i].N, n[at] = n[at], 0
	}
	return cells
}

// count adds a month of a line to the savings, and its entries to the ledger: one for each place, at the end of the month.
func (f *savingsFold) count(c *comparison, cells []Cell, t *savingsTotals) {
	last := event.Day{Time: mustDay(c.month+"-01").AddDate(0, 1, -1)}
	if !f.in.Today.IsZero() && !last.Before(f.in.Today.Time) && c.finals == 0 {
		t.open[c.month] = true
	}
	if !last.Before(f.in.To.Time) {
		last = event.Day{Time: f.in.To.AddDate(0, 0, -1)}
	}
	factor, share := decimal.NewFromInt(1), ""
	if c.share != nil {
		factor, share = c.share.Mode, c.share.Version
	}
	entries := map[place]Recognition{}
	for _, cell := range cells {
		at := place{cell.Team, cell.Workflow}
		e, seen := entries[at]
		if !seen {
			e = Recognition{
				Key: InvoiceKey(c.price.Vendor, c.month, c.line), Kind: ByInvoice, Measure: VendorSavings, Team: at.team, Workflow: at.workflow,
				Vendor: c.price.Vendor, Month: c.month, Day: last.String(), Grade: cell.Grade, Rung: RungCash, term: &term{share: share, dof: unbounded},
			}
		}
		e.term.value += cell.Value.InexactFloat64()
		cell.Value = cell.Value.Mul(factor)
		e.Amount, e.N = e.Amount.Add(cell.Value), e.N+cell.N
		entries[at] = e
		f.Cells = append(f.Cells, cell)
		t.total, t.n = t.total.Add(cell.Value), t.n+cell.N
	}
	t.months++
	for detail, amount := range c.details {
		if f.in.Scope.Holds(detail.Team, detail.Workflow) {
			detail.Amount = amount.Mul(factor)
			f.details = append(f.details, detail)
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(entries), place.compare) {
		e := entries[at]
		f.Recognitions = append(f.Recognitions, e)
		gain := e.Amount
		if gain.IsPositive() {
			gain = gain.Mul(decimal.NewFromInt(1).Sub(f.in.Haircut(e.Grade)))
		}
		t.risk = t.risk.Add(gain)
	}
	if f.in.Scope.Kind == ScopeOrg {
		t.before, t.billed = t.before.Add(c.before), t.billed.Add(c.billed)
	}
}
