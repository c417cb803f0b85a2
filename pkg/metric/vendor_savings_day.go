package metric

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// compare prices every month that has a charge.
func (f *savingsFold) compare() {
	for _, c := range f.order() {
		month := mustDay(c.month + "-01")
		shares := c.shares()
		for day := month; day.Month() == month.Month(); day = (event.Day{Time: day.AddDate(0, 0, 1)}) {
			f.day(c, day, shares)
		}
		f.attribute(c, month)
	}
}

// sharing is how a monthly price is shared.
type sharing struct {
	places  []place
	weights []decimal.Decimal
}

// shares are the places that a monthly price is shared over, in proportion to what was billed for them in the month.
func (c *comparison) shares() sharing {
	billed, n := map[place]decimal.Decimal{}, map[place]decimal.Decimal{}
	currencies := map[string]bool{}
	total := decimal.Zero
	for _, rows := range c.days {
		for _, r := range rows {
			at := place{r.Team, r.Workflow}
			billed[at], n[at] = billed[at].Add(r.Billed), n[at].Add(count(r.N))
			currencies[r.Currency] = true
		}
	}
	for at := range billed {
		billed[at] = billed[at].Abs()
		total = total.Add(billed[at])
	}
	weights := n
	if len(currencies) == 1 && total.IsPositive() {
		weights = billed
	}
	out := sharing{places: slices.SortedFunc(maps.Keys(weights), place.compare)}
	for _, at := range out.places {
		out.weights = append(out.weights, weights[at])
	}
	return out
}

// of splits an amount exactly.
func (s sharing) of(amount decimal.Decimal) ([]decimal.Decimal, error) {
	if len(s.places) == 1 {
		return []decimal.Decimal{amount}, nil
	}
	return stat.Apportion(amount, s.weights, moneyDigits)
}

// day adds one day of a comparison.
func (f *savingsFold) day(c *comparison, day event.Day, shares sharing) {
	inPeriod := !day.Before(f.in.From.Time) && day.Before(f.in.To.Time)
	d := dayOfComparison{f: f, c: c, day: day, inPeriod: inPeriod, sums: map[place]decimal.Decimal{}}
	for _, p := range f.on(day) {
		if p.Key == c.line && p.Monthly {
			d.monthly(p, shares)
		}
	}
	for _, r := range c.days[day.Unix()] {
		d.charge(r)
	}
	for _, at := range slices.SortedFunc(maps.Keys(d.sums), place.compare) {
		c.whole = c.whole.Add(d.sums[at])
		if inPeriod {
			c.parts = append(c.parts, Cell{
				Day: day.String(), Team: at.team, Workflow: at.workflow, Vendor: c.price.Vendor, Category: c.price.Category,
				Value: d.sums[at], Grade: 1, Source: c.price.Source,
			})
		}
	}
}

// dayOfComparison is one day: the difference of each place.
type dayOfComparison struct {
	f        *savingsFold
	c        *comparison
	day      event.Day
	inPeriod bool
	sums     map[place]decimal.Decimal
}

// add adds a part of the difference of a place.
func (d *dayOfComparison) add(at place, charge string, price bool, amount decimal.Decimal) {
	d.sums[at] = d.sums[at].Add(amount)
	if !d.inPeriod || !d.f.in.Detailed {
		return
	}
	detail := SavingsDetail{
		Line: d.c.line, Month: d.c.month, Vendor: d.c.price.Vendor, Category: d.c.price.Category, Team: at.team, Workflow: at.workflow, Event: charge, Price: price,
	}
	d.c.details[detail] = d.c.details[detail].Add(amount)
}

// convert finds the rate of the day; a month of which a day cannot be converted is not compared.
func (d *dayOfComparison) convert(currency string) (decimal.Decimal, bool) {
	rate, ok := d.f.in.FX(currency, d.day)
	if !ok {
		d.c.noFX = true
		return decimal.Zero, false
	}
	if d.inPeriod && len(d.c.days) > 0 {
		d.f.rates.use(currency, rate)
	}
	return rate.Rate, true
}

// monthly adds the part of a monthly price that falls on the day: the month's price in equal parts on its days, which sum
// to it exactly.
func (d *dayOfComparison) monthly(p VendorPrice, shares sharing) {
	part := d.f.dayOfMonth(p, d.day)
	if d.inPeriod {
		d.c.expected = d.c.expected.Add(part)
	}
	if len(d.c.days) == 0 {
		return
	}
	rate, ok := d.convert(p.Currency)
	if !ok {
		return
	}
	if d.inPeriod {
		d.c.before = d.c.before.Add(part.Mul(rate))
		d.f.used[p.Key+" "+p.Version] = p
	}
	parts, err := shares.of(part)
	if err != nil {
		return // shares are absolute amounts or counts of at least one row: they are never all 0
	}
	for i, at := range shares.places {
		d.add(at, "", true, parts[i].Mul(rate))
	}
}

// priceMonth is a version of a price in months of a length.
type priceMonth struct {
	key, version string
	days         int
}

// dayOfMonth is the part of a monthly price that falls on one of the days of its month.
func (f *savingsFold) dayOfMonth(p VendorPrice, day event.Day) decimal.Decimal {
	at := priceMonth{p.Key, p.Version, firstOfMonth(day).AddDate(0, 1, -1).Day()}
	parts, known := f.daily[at]
	if !known {
		weights := make([]decimal.Decimal, at.days)
		for i := range weights {
			weights[i] = decimal.NewFromInt(1)
		}
		parts, _ = stat.Apportion(p.Price, weights, moneyDigits) // a month has days
		f.daily[at] = parts
	}
	return parts[day.Day()-1]
}

// charge adds what was billed, and what its volume cost before.
func (d *dayOfComparison) charge(r AccrualRow) {
	var price VendorPrice
	for _, p := range d.f.on(d.day) {
		if p.Key == d.c.line {
			price = p
		}
	}
	if price.unknownVolume(r) {
		if d.inPeriod {
			d.c.unknown.billed, d.c.unknown.n = d.c.unknown.billed.Add(r.Billed), d.c.unknown.n+r.MonthN
			d.c.unknownIn = r.Currency
		}
		return
	}
	rate, ok := d.convert(r.Currency)
	if !ok {
		return
	}
	at := place{r.Team, r.Workflow}
	billed, before := r.Billed.Mul(rate), decimal.Zero
	if !price.Monthly {
		old, ok := d.convert(price.Currency)
		if !ok {
			return
		}
		before = price.Price.Mul(r.Quantity).Mul(old)
	}
	d.add(at, r.Event, false, before.Sub(billed))
	if d.inPeriod {
		d.c.billed, d.c.before = d.c.billed.Add(billed), d.c.before.Add(before)
		d.f.used[price.Key+" "+price.Version] = price
	}
}

// attribute takes the share of a gain that is due to AI. Whether a month is a gain is decided once, over the whole month and
// workspace; a loss is borne in full.
func (f *savingsFold) attribute(c *comparison, month event.Day) {
	if f.in.Attribution == nil || !c.counts() || c.whole.IsNegative() {
		return
	}
	share := f.in.Attribution(month)
	if share.Mode.Equal(decimal.NewFromInt(1)) && share.Low.Equal(share.High) {
		return
	}
	if f.assumed == nil {
		f.assumed = map[string]Assumed{}
	}
	f.assumed[share.Version], c.share = share, &share
}
