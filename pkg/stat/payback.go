package stat

import (
	"math"
	"slices"
	"time"
)

// PaybackStatus says whether an investment has paid back.
type PaybackStatus string

// Payback statuses.
const (
	// NoInvestment: there is no cost to pay back.
	NoInvestment PaybackStatus = "no_investment"
	// Reached: the cumulative net came to 0 or above.
	Reached PaybackStatus = "reached"
	// NotReached: it is still below 0 after the last flow.
	NotReached PaybackStatus = "not_reached"
)

// PaybackResult is how long it took. Days count from the day of the first cost,
// with a fraction where the crossing is interpolated; NaN unless reached. Net is
// the cumulative net after the last flow, undiscounted. FellBack says that the
// cumulative net went below 0 again later: the first crossing was not the last.
type PaybackResult struct {
	Status    PaybackStatus
	FirstCost time.Time
	Days, Net float64
	FellBack  bool
}

// Payback finds the first point from the first cost (a flow with Cost > 0) at
// which the cumulative net is ≥ 0. Flows of one day are taken together; between
// days the cumulative net runs linearly. Benefits from before the first cost are
// in the cumulative net. Not discounted.
func Payback(flows []Flow) PaybackResult {
	days, first, invested := dailyNet(flows)
	out := PaybackResult{Status: NoInvestment, Days: math.NaN()}
	for _, d := range days {
		out.Net += d.net
	}
	if !invested {
		return out
	}
	out.Status, out.FirstCost = NotReached, first
	cumulative, lastDay, started := 0.0, 0, false
	for _, d := range days {
		before := cumulative
		cumulative += d.net
		if d.day < 0 {
			continue
		}
		switch {
		case out.Status == Reached:
			out.FellBack = out.FellBack || cumulative < 0
		case cumulative >= 0 && !started:
			out.Status, out.Days = Reached, 0
		case cumulative >= 0:
			share := -before / (cumulative - before)
			out.Status, out.Days = Reached, float64(lastDay)+share*float64(d.day-lastDay)
		}
		lastDay, started = d.day, true
	}
	return out
}

type netOfDay struct {
	day int
	net float64
}

// dailyNet sums flows by day, counted from the day of the first cost, in order.
func dailyNet(flows []Flow) (days []netOfDay, first time.Time, invested bool) {
	for _, f := range flows {
		if f.Cost > 0 && (!invested || f.At.Before(first)) {
			first, invested = f.At, true
		}
	}
	sums := map[int]float64{}
	for _, f := range flows {
		sums[DaysBetween(first, f.At)] += f.Net()
	}
	for day, net := range sums {
		days = append(days, netOfDay{day, net})
	}
	slices.SortFunc(days, func(a, b netOfDay) int { return a.day - b.day })
	return days, first, invested
}
