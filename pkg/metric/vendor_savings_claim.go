package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// omission is something of one month of a line that is not among the savings.
type omission struct {
	*comparison
	reason, unit, message string
	n                     uint64
	amount                *decimal.Decimal
}

// leftOut says why a month of a line is not compared. Lines that belong to no team are told of where all is.
func (f *savingsFold) leftOut(c *comparison) {
	if !f.in.Scope.Holds(c.price.Team, c.price.Workflow) {
		return
	}
	if month := mustDay(c.month + "-01"); !f.in.Today.IsZero() && month.After(f.in.Today.Time) {
		return // a month to come is not missing
	}
	var expected *decimal.Decimal
	if c.price.Monthly {
		expected = &c.expected
	}
	switch {
	case c.noFX:
		f.omitted = append(f.omitted, omission{
			c, reasonNoFX, c.price.Currency, "no exchange rate to " + f.currency + " on some of its days", c.charges(), expected,
		})
	case len(c.days) == 0 && c.price.Displaceable && c.price.Paid:
		f.omitted = append(f.omitted, omission{
			c, ReasonNoInvoice, c.price.Currency, "neither an invoice nor a mark that nothing more will come: whether less was paid is not known", 0, expected,
		})
	}
}

// charges is how many there are in the month.
func (c *comparison) charges() (n uint64) {
	for _, k := range c.n {
		n += k
	}
	return n
}

// apart lists the difference of a comparison that is no saving.
func (f *savingsFold) apart(c *comparison, cells []Cell, reason, message string) {
	if len(cells) == 0 {
		return
	}
	value, n := decimal.Zero, uint64(0)
	for _, cell := range cells {
		value, n = value.Add(cell.Value), n+cell.N
	}
	f.omitted = append(f.omitted, omission{c, reason, f.currency, message, n, &value})
}

// list sums what a line leaves out for one reason over its months.
func (f *savingsFold) list() {
	type kind struct{ line, reason, unit string }
	order := []kind{}
	groups := map[kind][]omission{}
	for _, o := range f.omitted {
		k := kind{o.line, o.reason, o.unit}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], o)
	}
	for _, k := range order {
		f.Excluded = append(f.Excluded, excludedLine(groups[k]))
	}
}

// excludedLine is what the months of one line leave out for one reason.
func excludedLine(months []omission) Excluded {
	first, last := months[0], months[len(months)-1]
	span := first.month
	if len(months) > 1 {
		span = fmt.Sprintf("%d months from %s to %s", len(months), first.month, last.month)
	}
	x := Excluded{
		Measure: VendorSavings, Reason: first.reason, Workflow: first.price.Workflow, Team: first.price.Team, Unit: first.unit,
		Message: fmt.Sprintf("%s (vendor-baselines/%s), %s: %s", first.price.Vendor, first.line, span, first.message),
	}
	n := uint64(0)
	for _, o := range months {
		n += o.n
		if o.amount == nil {
			continue
		}
		if x.Amount == nil {
			x.Amount = ExactOf(decimal.Zero)
		}
		x.Amount = ExactOf(x.Amount.Add(*o.amount))
	}
	if n > 0 {
		x.N = &n
	}
	return x
}

// state turns the totals into the measure.
func (f *savingsFold) state(m *Measure, t savingsTotals) {
	f.Counts = []Count{{"charges", new(t.n)}, {"months of vendors compared", new(t.months)}}
	if len(t.avoidance) > 0 {
		value, n := decimal.Zero, uint64(0)
		for _, c := range t.avoidance {
			value, n = value.Add(c.Value), n+c.N
		}
		m.Parts = append(m.Parts, Part{Key: "avoidance", Title: "Avoided against prices never paid, not added", Value: ExactOf(value), Unit: m.Unit, N: &n})
	}
	if t.months == 0 {
		f.nothing(m)
		return
	}
	m.Status, m.Value, m.N, m.Grade = OK, ExactOf(t.total), &t.n, new(1)
	m.RiskAdjusted = ExactOf(t.risk)
	m.Shares = []GradeShare{{Grade: 1, Share: 1, Value: Exact{t.total}, N: t.n}}
	if f.in.Scope.Kind == ScopeOrg {
		m.Parts = append([]Part{
			{Key: "before", Title: "At the prices paid before", Value: ExactOf(t.before), Unit: m.Unit},
			{Key: "billed", Title: "Billed", Value: ExactOf(t.billed), Unit: m.Unit, N: &t.n},
		}, m.Parts...)
	}
	f.interval(m)
	f.inputs()
	if slices.ContainsFunc(f.Excluded, func(x Excluded) bool { return x.Reason == ReasonNoInvoice }) {
		m.warn(ReasonNoInvoice, "some months have neither an invoice nor a final mark and are not in the value: see what is excluded")
	}
	if len(t.open) > 0 {
		m.warn("month_open", "the month is not over and nothing says that no more will be billed: "+strings.Join(slices.Sorted(maps.Keys(t.open)), ", "))
	}
}

// nothing says why there are no savings to tell of.
func (f *savingsFold) nothing(m *Measure) {
	for _, reason := range []string{ReasonNoInvoice, reasonNoFX, ReasonNoVolume, ReasonNeverPaid, ReasonNotDisplaceable} {
		i := slices.IndexFunc(f.Excluded, func(x Excluded) bool { return x.Reason == reason })
		if i >= 0 {
			m.withhold(reason, f.Excluded[i].Message)
			return
		}
	}
	if f.in.Spent && len(f.lines) == 0 {
		m.withhold(reasonNoBaseline, "no price that was paid before is declared: add vendor-baselines to the registry")
	}
}

// interval is the value itself, since invoices and prices have no sampling error, but for the share that is due to AI.
func (f *savingsFold) interval(m *Measure) {
	point := m.Value.InexactFloat64()
	m.interval(point, point, LevelMoney)
	if e, known := f.propagated(); known {
		m.interval(e.Low, e.High, LevelMoney)
	}
}

// inputs lists the prices, the shares and the exchange rates.
func (f *savingsFold) inputs() {
	for _, key := range slices.Sorted(maps.Keys(f.used)) {
		p := f.used[key]
		unit := p.Currency + "/" + cmp.Or(p.Unit, "unit")
		if p.Monthly {
			unit = p.Currency + "/month"
		}
		if p.Displaceable && p.Paid {
			f.Inputs = append(f.Inputs, Input{
				Name: "price of " + p.Vendor + " before", Value: new(ExactOf(p.Price).Text()), Unit: unit, Source: p.Source, Grade: new(1), Version: &p.Version,
			})
		}
	}
	if len(f.assumed) == 0 && f.in.Attribution != nil {
		f.Inputs = append(f.Inputs, WhollyDue().input("attribution"))
	}
	for _, key := range slices.Sorted(maps.Keys(f.assumed)) {
		a := f.assumed[key]
		f.Inputs = append(f.Inputs, a.input("attribution"))
	}
	f.Inputs = append(f.Inputs, f.rates.inputs(f.currency)...)
}

// WhollyDue is the share that is due to AI where nobody has declared one: all of it.
func WhollyDue() Assumed {
	one := decimal.NewFromInt(1)
	return Assumed{Low: one, Mode: one, High: one, Source: "assumed", Version: "default"}
}

// input is the line of a claim about a share.
func (a Assumed) input(name string) Input {
	return Input{
		Name: name, Value: new(ExactOf(a.Mode).Text()), Unit: UnitShare, Low: new(ExactOf(a.Low).Text()), High: new(ExactOf(a.High).Text()),
		Source: a.Source, Grade: new(a.grade()), Version: &a.Version,
	}
}
