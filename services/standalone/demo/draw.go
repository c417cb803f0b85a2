package demo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// draws is a stream of random numbers of its own: adding a draw to one stream changes no other.
type draws struct{ *rand.Rand }

func newDraws(seed uint64, stream string) draws {
	h := fnv.New64a()
	_, _ = h.Write([]byte(stream))
	return draws{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// spread is lognormal with mean 1: the noise of durations.
func (d draws) spread(sigma float64) float64 {
	return math.Exp(sigma*d.NormFloat64() - sigma*sigma/2)
}

// chance is true with probability p.
func (d draws) chance(p float64) bool { return d.Float64() < p }

// triangle draws from the triangular distribution of a declared range.
func (d draws) triangle(low, mode, high float64) float64 {
	u := d.Float64()
	if cut := (mode - low) / (high - low); u < cut {
		return low + math.Sqrt(u*(high-low)*(mode-low))
	}
	return high - math.Sqrt((1-u)*(high-low)*(high-mode))
}

// successes draws from the binomial distribution.
func (d draws) successes(n int, p float64) int {
	k := 0
	for range n {
		if d.chance(p) {
			k++
		}
	}
	return k
}

// poisson draws a count with the given mean (Knuth's product method, in steps that don't underflow).
func (d draws) poisson(mean float64) int {
	k := 0
	for mean > 0 {
		step := min(mean, 30)
		mean -= step
		for p := d.Float64(); p > math.Exp(-step); p *= d.Float64() {
			k++
		}
	}
	return k
}

// officeHours is a time between 9 and 17 in New York, in winter and in summer, on the day that starts at midnight UTC.
func (d draws) officeHours(day time.Time) time.Time {
	return day.Add(14*time.Hour + time.Duration(d.IntN(7*60))*time.Minute)
}

// minutes rounds to tenths, which is finer than anybody notes down.
func minutes(m float64) *event.Number {
	return new(event.Number(math.Round(m*10) * 100_000))
}

func number(v float64) *event.Number { return new(event.Number(math.Round(v * 1_000_000))) }

// cents is money rounded to cents.
func cents(v float64) event.Decimal {
	return event.Decimal{Decimal: decimal.New(int64(math.Round(v*100)), -2)}
}

func money(v float64) *event.Decimal { return new(cents(v)) }

func at(t time.Time) *event.Time { return new(event.Time{Time: t.UTC().Truncate(time.Millisecond)}) }
