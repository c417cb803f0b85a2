package warehousetest

import (
	"math/big"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// accrual spreads a charge over the local days of its period; local is its day of cash, where it stands without one.
func (g groups) accrual(local string, d *event.VendorSpend, zone *time.Location) {
	days := []string{local}
	if d.ChargePeriodStart != nil && d.ChargePeriodEnd != nil {
		days = periodDays(d.ChargePeriodStart.Time, d.ChargePeriodEnd.Time, zone)
	}
	billed, volume := spread(d.BilledCost.Decimal, len(days)), spread(money(d.Quantity), len(days))
	for i, day := range days {
		key := row("rollup_accrual", day, d.Team, d.Workflow, d.Vendor, d.Category, d.Currency, d.ChargeCategory, d.Unit, d.Quantity != nil)
		g.add(key, one(true), one(i == 0 || day[8:] == "01"), one(*d.Final), billed[i], volume[i])
	}
}

// periodDays are the local days from the midnight nearest to the start up to the one nearest to the end; a period without
// any is the day in which it begins.
func periodDays(start, end time.Time, zone *time.Location) []string {
	var out []string
	begin := start.Add(12 * time.Hour).In(zone)
	for i := 0; ; i++ {
		day := time.Date(begin.Year(), begin.Month(), begin.Day()+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if day >= roundedDay(end, zone) {
			break
		}
		out = append(out, day)
	}
	if len(out) == 0 {
		out = []string{start.In(zone).Format(time.DateOnly)}
	}
	return out
}

// roundedDay is the day of the nearest local midnight.
func roundedDay(at time.Time, zone *time.Location) string {
	return at.Add(12 * time.Hour).In(zone).Format(time.DateOnly)
}

// spread splits an amount into equal parts of 18 decimals: differences of running totals, half to even.
func spread(amount decimal.Decimal, n int) []decimal.Decimal {
	out := make([]decimal.Decimal, n)
	before := decimal.Zero
	for i := range n {
		// A fraction with more digits than any amount has, so that a half is a half.
		exact := new(big.Rat).Mul(amount.Rat(), big.NewRat(int64(i+1), int64(n)))
		total := halfEven(new(big.Rat).Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))))
		now := decimal.NewFromBigInt(total, -18)
		out[i], before = now.Sub(before), now
	}
	return out
}

// halfEven rounds a fraction to a whole number.
func halfEven(x *big.Rat) *big.Int {
	whole, rest := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int))
	twice := new(big.Int).Abs(new(big.Int).Lsh(rest, 1))
	if c := twice.Cmp(x.Denom()); c > 0 || (c == 0 && whole.Bit(0) == 1) {
		whole.Add(whole, big.NewInt(int64(x.Sign())))
	}
	return whole
}
