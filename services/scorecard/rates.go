package scorecard

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// rated are those who have, or had, a rate class of their own.
func (v *view) rated() metric.Rated {
	out := metric.Rated{Persons: []string{}, As: []string{}}
	first := map[string]string{}
	for _, key := range v.registry.Keys(registry.People) {
		classes := v.classesOf(key)
		if classes == "" {
			continue
		}
		if first[classes] == "" {
			first[classes] = key
		}
		out.Persons, out.As = append(out.Persons, key), append(out.As, first[classes])
	}
	return out
}

// classesOf are the rate classes of a person's own and since when, as a text; "" where there never was one.
func (v *view) classesOf(person string) string {
	var out strings.Builder
	before := ""
	history := v.registry.History(registry.People, person)
	for _, at := range slices.Compact(slices.SortedFunc(starts(history), time.Time.Compare)) {
		class := ""
		if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, person, at); ok {
			class = p.RateClass
		}
		if class != before {
			fmt.Fprintf(&out, "%q from %s; ", class, at.UTC().Format(time.RFC3339Nano))
		}
		before = class
	}
	return out.String()
}

// starts are the instants from which versions hold.
func starts(history []registry.Record) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for _, r := range history {
			if !yield(r.ValidFrom) {
				return
			}
		}
	}
}

// rates finds loaded rates: of the person's class, else of the team's default class.
func (v *view) rates(currency string) metric.Rates {
	return func(team, person string, day event.Day) (metric.LoadedRate, string) {
		at := v.endOf(day)
		class := ""
		if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, person, at); ok && person != "" {
			class = p.RateClass
		}
		if class == "" {
			if t, _, ok := registry.Find[registry.Team](v.registry, registry.Teams, team, at); ok {
				class = t.DefaultRateClass
			}
		}
		if class == "" {
			return metric.LoadedRate{}, "no_rate"
		}
		card, version, ok := registry.Find[registry.Rate](v.registry, registry.Rates, class, at)
		if !ok {
			return metric.LoadedRate{}, "no_rate"
		}
		c, ok := v.registry.Convert(card.Currency, currency, v.rateTime(day))
		if !ok {
			return metric.LoadedRate{}, "no_fx"
		}
		out := metric.LoadedRate{
			PerHour: card.LoadedHourlyRate.Mul(c.Rate), Class: class, Source: "registry rates/" + class, Version: versionText(version.Record),
		}
		if c.Source != nil {
			out.Source += ", registry fx/" + c.Source.Key
			out.Version += "; " + versionText(c.Source.Record)
		}
		return out, ""
	}
}

// realisation is the share of freed time that is put to use in a month: measured by the pulse where thirty people have
// answered before its end, else the declared assumption, else 0.3 / 0.5 / 0.7.
func (v *view) realisation(pulse []metric.PulseRow) func(month event.Day) metric.Assumed {
	return func(month event.Day) metric.Assumed {
		end := time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, v.zone)
		if measured, ok := metric.MeasuredRealisation(pulse, end); ok {
			return measured
		}
		return v.assumed(realisationKey, end.Add(-time.Millisecond))
	}
}

// The keys of the assumptions that numbers depend on: ranges, and the haircuts by grade.
const (
	realisationKey = "realisation"
	attributionKey = "attribution"
	discountKey    = "discount_rate"
	riskKey        = "risk"
)

// assumedDefault is what is assumed where nobody has declared it: 0.3 / 0.5 / 0.7 of freed time is put to use, all of a gain is due to
// AI, and money is discounted by 10 % a year.
func assumedDefault(key string) metric.Assumed {
	switch key {
	case realisationKey:
		return metric.Assumed{Low: decimal.New(3, -1), Mode: decimal.New(5, -1), High: decimal.New(7, -1), Source: "assumed", Version: "default"}
	case discountKey:
		ten := decimal.New(1, -1)
		return metric.Assumed{Low: ten, Mode: ten, High: ten, Source: "assumed", Version: "default"}
	}
	return metric.WhollyDue()
}

// assumed is the range of an assumption as it is declared at an instant, else its default.
func (v *view) assumed(key string, at time.Time) metric.Assumed {
	a, version, ok := registry.Find[registry.Assumption](v.registry, registry.Assumptions, key, at)
	if !ok || a.Range == nil {
		return assumedDefault(key)
	}
	return metric.Assumed{
		Low: a.Range.Low.Decimal(), Mode: a.Range.Mode.Decimal(), High: a.Range.High.Decimal(),
		Source: "registry assumptions/" + key, Version: versionText(version.Record),
	}
}

// haircut is the declared one of a grade, else the default.
func (v *view) haircut(grade int) decimal.Decimal {
	a, _, ok := registry.Find[registry.Assumption](v.registry, registry.Assumptions, riskKey, v.now)
	if ok {
		if share, declared := a.ByGrade[strconv.Itoa(grade)]; declared {
			return share.Decimal()
		}
	}
	return metric.DefaultHaircut(grade)
}
