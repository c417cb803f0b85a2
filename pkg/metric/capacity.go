package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// LoadedRate is what an hour costs, in the currency asked for.
type LoadedRate struct {
	// PerHour is exact: the rate card's amount × the exchange rate of the day.
	PerHour decimal.Decimal
	Class   string
	Source  string
	Version string
}

// Rates finds the loaded rate of a team's work on a day, or of a person's where the person has a rate class. reason is
// no_rate or no_fx where there is none.
type Rates func(team, person string, day event.Day) (rate LoadedRate, reason string)

// Assumed is a declared share with its range.
type Assumed struct {
	Low, Mode, High decimal.Decimal
	Source, Version string
	// Deviation is the standard error of a measured share; 0 means that the range is a declared triangle.
	Deviation float64
}

// deviation is the standard deviation of the share.
func (a Assumed) deviation() float64 {
	if a.Deviation > 0 {
		return a.Deviation
	}
	return triangleDeviation(a.Low.InexactFloat64(), a.Mode.InexactFloat64(), a.High.InexactFloat64())
}

// law is how the share is distributed around its mode.
func (a Assumed) law() law {
	if a.Deviation > 0 {
		return law{dof: unbounded}
	}
	return law{unbounded, standardised(a.Low.InexactFloat64(), a.Mode.InexactFloat64(), a.High.InexactFloat64())}
}

// mean is that of the distribution.
func (a Assumed) mean() float64 { return a.Mode.InexactFloat64() + a.deviation()*a.law().mean() }

// grade is that of a cross-section where the share is measured, else of an assumption.
func (a Assumed) grade() int {
	if a.Deviation > 0 {
		return 1
	}
	return 0
}

// CapacityInput is what the fold of the capacity value needs. Months are the rows of the whole workspace in the whole
// months that the period touches: they decide the factor, so that every scope has the same.
type CapacityInput struct {
	Hours  HoursInput
	Months []HoursRow
	Rates  Rates
	// Realisation is the share of freed time that is put to use, as it stands in a month (its first day).
	Realisation func(month event.Day) Assumed
	// Haircut is the share that a gain of an evidence grade loses in risk_adjusted.
	Haircut func(grade int) decimal.Decimal
	// Pools tells what work is priced together with other work, since its price would tell about few people; nil is none.
	Pools func(r *HoursRow) *Pool

	// signs are what [CapacityInput.Prepare] has found.
	signs Signs
}

// Pool is work of several prices that is priced as one: with one rate, and one factor, decided on the net hours of all of it.
type Pool struct {
	Rate  func(day event.Day) (rate LoadedRate, reason string)
	Gains bool
	// Unrated says that some of it has no rate of its own.
	Unrated bool
}

// WarnPooled says of a measure in money that it prices the work of few people together with that of others.
func (m *Measure) WarnPooled(unrated bool) {
	m.warn("pooled_rates", "where fewer than five people of a team and month have a rate of their own, or work on what lost time, their hours are priced "+
		"together with those of others of the team: at the mean rate of all of them, by people")
	if unrated {
		m.warn("no_rate", "some of those who are priced together with others have no rate: give their team a default_rate_class, and the class a rate card")
	}
}

// Signs says of each workflow and month whether its net minutes are at least 0, which decides its factor.
type Signs map[factorKey]bool

// Gains tells whether the workflow of a row saved time in its month.
func (s Signs) Gains(r *HoursRow) bool { return s[factorOf(r)] }

// Prepare finds the signs once for several uses. Months may not be changed afterwards.
func (in CapacityInput) Prepare() CapacityInput {
	in.signs = in.Signs()
	return in
}

// Signs are the signs of the months.
func (in CapacityInput) Signs() Signs {
	if in.signs != nil {
		return in.signs
	}
	sums, hours := map[factorKey]decimal.Decimal{}, in.Hours.Prepare()
	for i := range in.Months {
		r := &in.Months[i]
		sums[factorOf(r)] = sums[factorOf(r)].Add(hours.Net(*r))
	}
	out := Signs{}
	for key, minutes := range sums {
		out[key] = !minutes.IsNegative()
	}
	return out
}

// With is the input with other work in the months.
func (in CapacityInput) With(months []HoursRow) CapacityInput {
	in.Months, in.signs = months, nil
	return in
}

// price is the rate of a row, and whether it gains.
func (in *CapacityInput) price(r *HoursRow, signs Signs) (rate LoadedRate, reason string, gains bool, pool *Pool) {
	day := dayAt(r.Day)
	if in.Pools != nil {
		if pool = in.Pools(r); pool != nil {
			rate, reason = pool.Rate(day)
			return rate, reason, pool.Gains, pool
		}
	}
	rate, reason = in.Rates(r.Team, r.Person, day)
	return rate, reason, signs.Gains(r), nil
}

// moneyDigits is how many decimals the money of a cell keeps.
const moneyDigits = 18

// factorKey is where the factor is decided: once for each workflow and month.
type factorKey struct {
	workflow string
	year     int
	month    time.Month
}

func factorOf(r *HoursRow) factorKey {
	year, month, _ := r.Day.Date()
	return factorKey{r.Workflow, year, month}
}

// rateVersion names a rate that was used.
type rateVersion struct{ class, version string }

// capacityFold collects while rows are priced.
type capacityFold struct {
	Fold
	total decimal.Decimal
	n     uint64
	// months are the shares that were asked for already.
	months   map[event.Day]Assumed
	rates    map[rateVersion]LoadedRate
	missing  map[string]*excludedHours
	shares   map[int]*gradeSum
	unpriced uint64
	// pooled says that some work was priced together with other work, unrated that some of that has no rate.
	pooled, unrated bool
}

// FoldCapacity is Σ net hours × loaded rate × factor. The factor is realisation where the workflow saved time in the
// month, and 1 where it lost: losses are borne in full.
func FoldCapacity(in CapacityInput, currency string) Fold {
	whole, _ := FoldCapacityBefore(in, currency, event.Day{})
	return whole
}

// FoldCapacityBefore is [FoldCapacity] of all work, and beside it that of the work before a day, for which nothing is priced
// again. Without a day there is no such work.
func FoldCapacityBefore(in CapacityInput, currency string, day event.Day) (whole, before Fold) {
	before.Measure = start(CapacityValue, currency)
	if len(in.Hours.Rows) == 0 {
		return before, before
	}
	prices, signs := in.Hours.prices(), in.Signs()
	f := &capacityFold{
		months: map[event.Day]Assumed{}, rates: map[rateVersion]LoadedRate{}, missing: map[string]*excludedHours{}, shares: map[int]*gradeSum{},
	}
	f.assumed = map[string]Assumed{}
	isBefore := func(r *HoursRow) bool { return !day.IsZero() && r.Day.Before(day.Time) }
	for _, early := range []bool{true, false} {
		for i := range in.Hours.Rows {
			if r := &in.Hours.Rows[i]; isBefore(r) == early {
				f.price(*r, prices, signs, &in)
			}
		}
		if early && f.n+f.unpriced+uint64(len(f.missing)) > 0 {
			before = f.clone().fold(in, currency)
		}
	}
	return f.fold(in, currency), before
}

// clone is the state of the fold, which goes on by itself.
func (f *capacityFold) clone() *capacityFold {
	out := *f
	out.Cells, out.terms = slices.Clip(f.Cells), slices.Clip(f.terms)
	out.months, out.rates, out.assumed = maps.Clone(f.months), maps.Clone(f.rates), maps.Clone(f.assumed)
	out.missing, out.shares = map[string]*excludedHours{}, map[int]*gradeSum{}
	for key, w := range f.missing {
		out.missing[key] = new(*w)
	}
	for grade, s := range f.shares {
		out.shares[grade] = new(*s)
	}
	return &out
}

// fold is the measure of what was priced.
func (f *capacityFold) fold(in CapacityInput, currency string) Fold {
	m := start(CapacityValue, currency)
	m.People = new(uint64(len(Persons(in.Hours.People))))
	f.finish(&m)
	if m.Status == OK {
		m.RiskAdjusted = ExactOf(riskAdjusted(f.Cells, in.Haircut))
	}
	f.Measure = m
	return f.Fold
}

// riskAdjusted takes the haircut of their grade off the gains; losses are borne in full.
func riskAdjusted(cells []Cell, haircut func(grade int) decimal.Decimal) decimal.Decimal {
	total := decimal.Zero
	for _, c := range nettedCells(cells) {
		value := c.Value
		if value.IsPositive() {
			value = value.Mul(decimal.NewFromInt(1).Sub(haircut(c.Grade)))
		}
		total = total.Add(value)
	}
	return total
}

// DefaultHaircut is the haircut by evidence grade where the registry declares none: 30, 20, 15, 10, 5, 0 %.
func DefaultHaircut(grade int) decimal.Decimal {
	percent := []int64{30, 20, 15, 10, 5, 0}
	if grade < 0 || grade >= len(percent) {
		return decimal.New(percent[0], -2)
	}
	return decimal.New(percent[grade], -2)
}

func (f *capacityFold) price(r HoursRow, prices *baselines, signs Signs, in *CapacityInput) {
	pieces, rest := prices.pieces(r)
	f.unpriced += rest.n
	if len(pieces) == 0 {
		return
	}
	day := dayAt(r.Day)
	rate, reason, gains, pool := in.price(&r, signs)
	if pool != nil && reason == "" {
		f.pooled, f.unrated = true, f.unrated || pool.Unrated
	}
	for _, p := range pieces {
		if reason != "" {
			w := f.missing[reason+"\x00"+r.Team]
			if w == nil {
				w = &excludedHours{}
				f.missing[reason+"\x00"+r.Team] = w
			}
			w.n, w.minutes = w.n+p.n, w.minutes.Add(p.minutes)
			continue
		}
		factor, put := decimal.NewFromInt(1), ""
		full := p.minutes.Mul(rate.PerHour)
		if gains {
			month := event.Day{Time: day.AddDate(0, 0, 1-day.Day())}
			realisation, known := f.months[month]
			if !known {
				realisation = in.Realisation(month)
				f.months[month] = realisation
			}
			factor, put = realisation.Mode, "realisation "+realisation.Version
			f.assumed[put] = realisation
		}
		f.rates[rateVersion{rate.Class, rate.Version}] = rate
		value := full.Mul(factor).DivRound(decimal.NewFromInt(60), moneyDigits+12).RoundBank(moneyDigits)
		f.add(r, p, value)
		t := term{value: full.InexactFloat64() / 60, share: put, dof: unbounded}
		if p.b.source != FromGiven {
			t.source, t.dof, t.triangle, t.sd = p.b.key, p.b.dof, p.b.triangle, p.sd*rate.PerHour.InexactFloat64()/60
		}
		f.terms = append(f.terms, t)
	}
}

func (f *capacityFold) add(r HoursRow, p piece, value decimal.Decimal) {
	f.Cells = append(f.Cells, Cell{
		Day: dayText(r.Day), Team: r.Team, Workflow: r.Workflow, Value: value, N: p.n, Grade: p.b.grade, Source: p.b.source,
	})
	f.total, f.n = f.total.Add(value), f.n+p.n
	s := f.shares[p.b.grade]
	if s == nil {
		s = &gradeSum{}
		f.shares[p.b.grade] = s
	}
	s.value, s.weight, s.n = s.value.Add(value), s.weight.Add(value.Abs()), s.n+p.n
}

// finish turns what was collected into the measure.
func (f *capacityFold) finish(m *Measure) {
	for _, key := range slices.Sorted(maps.Keys(f.missing)) {
		w := f.missing[key]
		reason, team, _ := strings.Cut(key, "\x00")
		message := fmt.Sprintf("no loaded rate for team %q: give it a default_rate_class and the class a rate card", team)
		if reason == "no_fx" {
			message = fmt.Sprintf("the loaded rate of team %q cannot be converted to %s", team, m.Unit)
		}
		f.Excluded = append(f.Excluded, Excluded{
			Measure: CapacityValue, Reason: reason, Message: message, Team: team, N: &w.n, Amount: ExactOf(w.minutes), Unit: UnitMinutes,
		})
	}
	f.Counts = []Count{{"events priced", new(f.n)}, {"events without a baseline", new(f.unpriced)}}
	if len(f.Cells) == 0 {
		reason, message := "no_baseline", "no event of the period has a baseline"
		if len(f.Excluded) > 0 {
			reason, message = f.Excluded[0].Reason, f.Excluded[0].Message
		}
		m.withhold(reason, message)
		return
	}
	if len(f.Excluded) > 0 {
		m.warn(f.Excluded[0].Reason, "the time of some teams has no rate and is not in the value")
	}
	if f.unpriced > 0 {
		m.warn("no_baseline", fmt.Sprintf("%d events have no baseline and are not in the value", f.unpriced))
	}
	if f.pooled {
		m.WarnPooled(f.unrated)
	}
	m.Status, m.Value, m.N = OK, ExactOf(f.total), new(f.n)
	gradeShares(m, f.shares, f.n)
	f.inputs(m)
	if e, known := f.propagated(); known {
		m.interval(e.Low, e.High, LevelMoney)
	}
}

// inputs lists the shares and rates.
func (f *capacityFold) inputs(m *Measure) {
	for _, share := range f.assumed {
		f.Inputs = append(f.Inputs, Input{
			Name: "realisation", Value: new(ExactOf(share.Mode).Text()), Unit: UnitShare, Low: new(ExactOf(share.Low).Text()),
			High: new(ExactOf(share.High).Text()), Source: share.Source, Grade: new(share.grade()), Version: &share.Version,
		})
	}
	for _, rate := range f.rates {
		f.Inputs = append(f.Inputs, Input{
			Name: "loaded rate of " + rate.Class, Value: new(ExactOf(rate.PerHour).Text()), Unit: m.Unit + "/h", Source: rate.Source, Version: &rate.Version,
		})
	}
	slices.SortFunc(f.Inputs, func(a, b Input) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(*a.Version, *b.Version)) })
}
