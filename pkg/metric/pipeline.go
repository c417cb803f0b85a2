package metric

import (
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// DealTotals are the exact sums over a set of deals.
type DealTotals struct {
	Created, Won, Lost uint64
	// CycleMillis is the sum over won deals of the time from creation to decision.
	CycleMillis int64
	// Amount is the sum over the WonWithAmount won deals that have an amount which could be converted.
	Amount        decimal.Decimal
	WonWithAmount uint64
	// cycles (days) and amounts are those of the won deals, for variances.
	cycles, amounts []float64
	// missing are the won amounts without an exchange rate, by currency.
	missing map[string]*currencySum
	rates   usedRates
}

// Decided is how many are won or lost.
func (t DealTotals) Decided() uint64 { return t.Won + t.Lost }

// Open is how many are not decided.
func (t DealTotals) Open() uint64 { return t.Created - t.Won - t.Lost }

// TotalDeals sums deals; amounts are converted at the rate of the day of the decision.
func TotalDeals(rows []DealRow, fx FX) DealTotals {
	t := DealTotals{missing: map[string]*currencySum{}, rates: usedRates{}}
	for _, r := range rows {
		t.Created++
		switch {
		case r.Lost():
			t.Lost++
		case r.Won():
			t.Won++
			t.won(r, fx)
		}
	}
	return t
}

func (t *DealTotals) won(r DealRow, fx FX) {
	t.CycleMillis += r.cycleMillis()
	t.cycles = append(t.cycles, float64(r.cycleMillis())/dayMillis)
	if r.Amount == nil {
		return
	}
	day := event.Day{Time: r.Day}
	if r.DecidedDay != nil {
		day = event.Day{Time: *r.DecidedDay}
	}
	rate, ok := fx(r.Currency, day)
	if !ok {
		add(t.missing, SpendRow{Currency: r.Currency, Billed: *r.Amount, N: 1})
		return
	}
	t.rates.use(r.Currency, rate)
	value := r.Amount.Mul(rate.Rate)
	t.Amount, t.WonWithAmount = t.Amount.Add(value), t.WonWithAmount+1
	t.amounts = append(t.amounts, value.InexactFloat64())
}

// MeanAmount is the mean won amount; ok is false where no won deal has one.
func (t DealTotals) MeanAmount() (decimal.Decimal, bool) {
	if t.WonWithAmount == 0 {
		return decimal.Zero, false
	}
	return quotient(t.Amount, count(t.WonWithAmount)), true
}

// MeanCycle is the mean of the won deals in days; ok is false where none is won.
func (t DealTotals) MeanCycle() (decimal.Decimal, bool) {
	if t.Won == 0 {
		return decimal.Zero, false
	}
	return quotient(decimal.NewFromInt(t.CycleMillis), count(t.Won).Mul(decimal.NewFromInt(dayMillis))), true
}

// Rate is won ÷ (won + lost); ok is false where nothing is decided.
func (t DealTotals) Rate() (decimal.Decimal, bool) {
	if t.Decided() == 0 {
		return decimal.Zero, false
	}
	return quotient(count(t.Won), count(t.Decided())), true
}

func count(n uint64) decimal.Decimal { return decimal.NewFromUint64(n) }

// Cohort is the deals created in one month.
type Cohort struct {
	Month   string `json:"month"`
	Created uint64 `json:"created"`
	Won     uint64 `json:"won"`
	Lost    uint64 `json:"lost"`
	Open    uint64 `json:"open"`
	// Maturity is the share that is decided.
	Maturity Exact `json:"maturity"`
	// MedianDays is the Kaplan–Meier median of the time to decision, open deals censored; nil while fewer than half are decided.
	MedianDays     *float64 `json:"median_days"`
	WinRate        *Exact   `json:"win_rate"`
	WinRateCreated Exact    `json:"win_rate_created"`
	WonAmount      *Exact   `json:"won_amount"`
}

// Cohorts groups deals by the month of their local day of creation; rows come in the order of days. end is when open deals were
// last seen.
func Cohorts(rows []DealRow, end time.Time, fx FX) []Cohort {
	var out []Cohort
	for begin := 0; begin < len(rows); {
		month := monthOf(rows[begin].Day)
		next := begin
		for next < len(rows) && monthOf(rows[next].Day) == month {
			next++
		}
		t := TotalDeals(rows[begin:next], fx)
		c := Cohort{
			Month: month, Created: t.Created, Won: t.Won, Lost: t.Lost, Open: t.Open(),
			Maturity: Exact{quotient(count(t.Decided()), count(t.Created))}, WinRateCreated: Exact{quotient(count(t.Won), count(t.Created))},
			MedianDays: FoldSurvival(rows[begin:next], end).Median,
		}
		if rate, ok := t.Rate(); ok {
			c.WinRate = ExactOf(rate)
		}
		if t.WonWithAmount > 0 {
			c.WonAmount = ExactOf(t.Amount)
		}
		out, begin = append(out, c), next
	}
	return out
}

func monthOf(t time.Time) string { return t.Format("2006-01") }
