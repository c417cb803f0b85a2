package scorecard

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// pricing says what of the work of others is priced together. Hours and their value are both shown: what a rate class of fewer than
// five people of a team did, or what a team did on workflows that lost time, would follow from the two. So such work is pooled
// with other work of the team and month, and has the mean rate of all in the pool, by people, and one factor.
//
// Prices are the same for everybody, so the pools are settled before it is known who looks: of one person more than the floor
// asks, so that whoever looks is not missed. One's own numbers are priced with one's own rate.
type pricing struct {
	prices
	months map[time.Time]*monthPools
}

// prices are what work is priced by.
type prices struct {
	rates metric.Rates
	// classIn is the rate class of a person's work for a team in a month; where it changes, all of them in their order, with commas.
	classIn func(team, person string, first time.Time) string
	// cards are the classes that have a rate.
	cards map[string]bool
	// gains tells whether a workflow saved time in a month.
	gains func(workflow string, first time.Time) bool
}

// pricesOf are those of the registry.
func (v *view) pricesOf(rates metric.Rates, gains func(workflow string, first time.Time) bool) prices {
	out := prices{rates: rates, classIn: v.classIn(), cards: map[string]bool{}, gains: gains}
	for _, class := range v.registry.Keys(registry.Rates) {
		out.cards[class] = true
	}
	return out
}

// monthPools are the pools of one month.
type monthPools struct {
	table *access.Table
	parts *access.Parts
	pools map[string]*pool
}

// pool is work that is priced as one.
type pool struct {
	metric.Pool
	// heads are the persons of each team and class, and classes what these are.
	heads   map[seat]map[string]bool
	classes map[string]bool
	// signs are whether what is in it gains.
	signs map[bool]bool
}

// seat is a class in a team.
type seat struct{ team, class string }

// newPricing settles the pools of everybody's work.
func newPricing(by prices, people []metric.PeopleRow) *pricing {
	p := &pricing{by, map[time.Time]*monthPools{}}
	rows := map[time.Time][]metric.PeopleRow{}
	for _, r := range people {
		first := access.CellOf(r.Month)
		rows[first] = append(rows[first], r)
	}
	for first, of := range rows {
		table := access.Protect(crossings(of), "", access.FloorPersons+1)
		m := &monthPools{table: table, parts: table.Part(p.own(first)), pools: map[string]*pool{}}
		if m.parts.Pooled() {
			p.fill(m, first, of)
		}
		p.months[first] = m
	}
	return p
}

// own labels work with its class and with whether its workflow gained in the month.
func (p *pricing) own(first time.Time) access.Label {
	return func(team, workflow, person string) string {
		return label(p.classIn(team, person, first), p.gains(workflow, first))
	}
}

func label(class string, gains bool) string {
	if gains {
		return class + " gains"
	}
	return class + " loses"
}

// poolLabel is that of a pool; no class begins like this.
const poolLabel = "\x00pool "

// label is what work is priced by in a month: the pool that it is in, else its own label; with the table that the pools were settled on. It is for
// the tables of a viewer.
func (p *pricing) label(first time.Time) (access.Label, *access.Table) {
	own, m := p.own(first), p.months[first]
	if m == nil {
		return own, nil
	}
	return func(team, workflow, person string) string {
		l := own(team, workflow, person)
		if id := m.parts.Pool(team, l); id != "" {
			return poolLabel + id
		}
		return l
	}, m.table
}

// fill counts the people of the pools of a month.
func (p *pricing) fill(m *monthPools, first time.Time, rows []metric.PeopleRow) {
	for _, r := range rows {
		gains := p.gains(r.Workflow, first)
		for _, person := range r.People {
			class := p.classIn(r.Team, person, first)
			id := m.parts.Pool(r.Team, label(class, gains))
			if id == "" {
				continue
			}
			in := m.pools[id]
			if in == nil {
				in = &pool{heads: map[seat]map[string]bool{}, classes: map[string]bool{}, signs: map[bool]bool{}}
				m.pools[id] = in
			}
			at := seat{r.Team, class}
			if in.heads[at] == nil {
				in.heads[at] = map[string]bool{}
			}
			in.heads[at][person], in.classes[class], in.signs[gains] = true, true, true
		}
	}
	for _, in := range m.pools {
		in.Gains, in.Rate = in.signs[true], in.mean(p.rates)
		for class := range in.classes {
			in.Unrated = in.Unrated || !p.rated(class)
		}
	}
}

// settle decides the factor of pools in which some workflows gained and others did not: by the net hours of all of it.
func (p *pricing) settle(hours metric.HoursInput, rows []metric.HoursRow) {
	sums := map[*pool]decimal.Decimal{}
	for i := range rows {
		if in := p.poolOf(&rows[i]); in != nil && len(in.signs) > 1 {
			sums[in] = sums[in].Add(hours.Net(rows[i]))
		}
	}
	for in, minutes := range sums {
		in.Gains = !minutes.IsNegative()
	}
}

// poolOf is the pool of a row; nil where it has its own price.
func (p *pricing) poolOf(r *metric.HoursRow) *pool {
	return p.pool(r.Team, r.Person, metric.MonthOf(r.Day), p.gains(r.Workflow, metric.MonthOf(r.Day)))
}

func (p *pricing) pool(team, person string, first time.Time, gains bool) *pool {
	m := p.months[first]
	if m == nil || len(m.pools) == 0 {
		return nil
	}
	in := m.pools[m.parts.Pool(team, label(p.classIn(team, person, first), gains))]
	if in == nil || !in.mixed() {
		return nil
	}
	return in
}

// pooled is the pool of a row, for the fold.
func (p *pricing) pooled(r *metric.HoursRow) *metric.Pool {
	if in := p.poolOf(r); in != nil {
		return &in.Pool
	}
	return nil
}

// pooledRates are the rates, with those of the pools where work is in one. It is for work without workflows that gain or lose.
func (p *pricing) pooledRates(team, person string, day event.Day) (metric.LoadedRate, string) {
	if in := p.pool(team, person, access.CellOf(day.Time), p.gains("", day.Time)); in != nil {
		return in.Rate(day)
	}
	return p.rates(team, person, day)
}

// priced tells whether the work of a person has a rate, their own or that of a pool.
func (p *pricing) priced(first time.Time, team, workflow, person string) bool {
	class := p.classIn(team, person, first)
	if in := p.pool(team, person, first, p.gains(workflow, first)); in != nil {
		return slices.ContainsFunc(slices.Collect(maps.Keys(in.classes)), p.rated)
	}
	return p.rated(class)
}

// rated tells whether any of the classes of a person and month has a rate.
func (p *pricing) rated(classes string) bool {
	return slices.ContainsFunc(strings.Split(classes, ","), func(c string) bool { return p.cards[c] })
}

// warn says on a measure what is pooled.
func (p *pricing) warn(m *metric.Measure) {
	pooled, unrated := false, false
	for _, month := range p.months {
		for _, in := range month.pools {
			if in.mixed() {
				pooled, unrated = true, unrated || in.Unrated
			}
		}
	}
	if pooled {
		m.WarnPooled(unrated)
	}
}

// mixed tells whether there is more than one price in a pool.
func (in *pool) mixed() bool { return len(in.classes) > 1 || len(in.signs) > 1 }

// mixes tells whether work of a class is priced together with work of another, or with that of a workflow that lost time.
func (p *pricing) mixes(class string) bool {
	for _, m := range p.months {
		for _, in := range m.pools {
			if !in.mixed() {
				continue
			}
			for classes := range in.classes {
				if slices.Contains(strings.Split(classes, ","), class) {
					return true
				}
			}
		}
	}
	return false
}

// mean is the mean of the rates of a pool on a day, by people; who has none is counted as one of the others.
func (in *pool) mean(rates metric.Rates) func(day event.Day) (metric.LoadedRate, string) {
	seats := slices.SortedFunc(maps.Keys(in.heads), func(a, b seat) int { return strings.Compare(a.team+"\x00"+a.class, b.team+"\x00"+b.class) })
	type answer struct {
		rate   metric.LoadedRate
		reason string
	}
	var mu sync.Mutex
	known := map[event.Day]answer{}
	return func(day event.Day) (metric.LoadedRate, string) {
		mu.Lock()
		defer mu.Unlock()
		a, ok := known[day]
		if !ok {
			a.rate, a.reason = in.meanOn(seats, rates, day)
			known[day] = a
		}
		return a.rate, a.reason
	}
}

// meanDigits are more than a rate has, so that rounding the mean is not seen in money.
const meanDigits = 18

func (in *pool) meanOn(seats []seat, rates metric.Rates, day event.Day) (metric.LoadedRate, string) {
	sum, heads, why := decimal.Zero, int64(0), "no_rate"
	var classes, sources, versions []string
	for _, s := range seats {
		people := slices.Sorted(maps.Keys(in.heads[s]))
		rate, reason := rates(s.team, people[0], day)
		if reason != "" {
			why = reason
			continue
		}
		n := int64(len(people))
		sum, heads = sum.Add(rate.PerHour.Mul(decimal.NewFromInt(n))), heads+n
		for list, text := range map[*[]string]string{&classes: rate.Class, &sources: rate.Source, &versions: rate.Version} {
			if !slices.Contains(*list, text) {
				*list = append(*list, text)
			}
		}
	}
	if heads == 0 {
		return metric.LoadedRate{}, why
	}
	return metric.LoadedRate{
		PerHour: sum.DivRound(decimal.NewFromInt(heads), meanDigits+1).RoundBank(meanDigits),
		Class:   in.name(seats) + ": " + strings.Join(classes, ", ") + ", the mean by people",
		Source:  strings.Join(sources, ", "), Version: strings.Join(versions, "; "),
	}, ""
}

// name says whose work is in the pool.
func (in *pool) name(seats []seat) string {
	var teams []string
	for _, s := range seats {
		if !slices.Contains(teams, s.team) {
			teams = append(teams, s.team)
		}
	}
	if len(teams) == 1 {
		return teams[0]
	}
	return "several teams"
}

// classIn finds the rate class of a person's work for a team in a month, once for each.
func (v *view) classIn() func(team, person string, first time.Time) string {
	type who struct {
		team, person string
		first        time.Time
	}
	known := map[who]string{}
	var mu sync.Mutex
	return func(team, person string, first time.Time) string {
		key := who{team, person, first}
		mu.Lock()
		defer mu.Unlock()
		out, ok := known[key]
		if !ok {
			out = strings.Join(v.classesIn(team, person, first), ",")
			known[key] = out
		}
		return out
	}
}

// classesIn are the rate classes that price a person's work for a team in a month, in their order.
func (v *view) classesIn(team, person string, first time.Time) []string {
	begin, end := v.endOf(event.Day{Time: first}), v.startOf(event.Day{Time: access.NextCell(first)})
	at := []time.Time{begin}
	for kind, key := range map[registry.Kind]string{registry.People: person, registry.Teams: team} {
		for start := range starts(v.registry.History(kind, key)) {
			if start.After(begin) && start.Before(end) {
				at = append(at, start)
			}
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	var out []string
	for _, t := range at {
		if class := v.classAt(team, person, t); len(out) == 0 || out[len(out)-1] != class {
			out = append(out, class)
		}
	}
	return out
}

// classAt is the rate class that prices a person's work for a team at an instant: their own, else that of the team.
func (v *view) classAt(team, person string, at time.Time) string {
	if person != "" {
		if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, person, at); ok && p.RateClass != "" {
			return p.RateClass
		}
	}
	if t, _, ok := registry.Find[registry.Team](v.registry, registry.Teams, team, at); ok {
		return t.DefaultRateClass
	}
	return ""
}
