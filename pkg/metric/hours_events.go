package metric

import (
	"github.com/shopspring/decimal"
)

// HoursEvent is one piece of assisted work, to show how its own part of the number comes about.
type HoursEvent struct {
	Day                   string
	Team, Workflow, Trial string
	Units, Minutes        decimal.Decimal
	// Given is the baseline per unit that the event claims.
	Given *decimal.Decimal
}

// PricedEvent is the part of one event.
type PricedEvent struct {
	// Hours is nil where the event has no baseline.
	Hours *decimal.Decimal
	// Baseline is minutes per unit, nil where a trial prices the minutes themselves; Source is one of the sources.
	Baseline *decimal.Decimal
	Source   string
}

// PriceEvents prices events one by one with the same baselines as [FoldHours]. Within each of its cells the hours are
// rounded cumulatively, so that those of all events sum to its value exactly.
func PriceEvents(in HoursInput, events []HoursEvent) []PricedEvent {
	prices := in.prices()
	// Given baselines make a cell of their own.
	type cellOf struct {
		day, team, workflow, trial string
		given                      bool
	}
	type running struct{ minutes, hours decimal.Decimal }
	sums := map[cellOf]running{}
	out := make([]PricedEvent, len(events))
	for i, e := range events {
		day := mustDay(e.Day)
		var net decimal.Decimal
		b, ok := prices.at(e.Workflow, e.Trial, day)
		switch {
		case ok:
			net, _ = b.net(e.Units, e.Minutes)
			out[i].Source = b.source
			if b.source != FromTrial {
				out[i].Baseline = &b.perUnit
			}
		case e.Given != nil:
			net = e.Units.Mul(*e.Given).Sub(e.Minutes)
			out[i].Source, out[i].Baseline = FromGiven, e.Given
		default:
			continue
		}
		key := cellOf{e.Day, e.Team, e.Workflow, e.Trial, !ok}
		s := sums[key]
		minutes := s.minutes.Add(net)
		hours := inHours(minutes)
		part := hours.Sub(s.hours)
		sums[key], out[i].Hours = running{minutes, hours}, &part
	}
	return out
}
