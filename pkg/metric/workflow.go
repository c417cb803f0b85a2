package metric

import "plumbline/pkg/event"

// WorkflowPrice is something measured that work of a workflow can be priced with.
type WorkflowPrice struct {
	// Source is [FromTrial] or [FromMeasured].
	Source string
	// Input is what a claim says of it: without its numbers where fewer than five people stand behind it.
	Input Input
}

// MeasuredPrices are what is measured of a workflow up to a day, the best first: the first prices its work that is in no trial of its
// own. Where there is none, its declared baseline does. Rows that are not read, nothing is said of.
func MeasuredPrices(in HoursInput, workflow string, day event.Day) []WorkflowPrice {
	b := in.prices()
	var out []WorkflowPrice
	if t, ok := b.trials[b.best[workflow]]; ok {
		out = append(out, WorkflowPrice{FromTrial, trialBaseline(t).input()})
	}
	if h := b.measured[workflow]; h != nil {
		if m, ok := h.before(workflow, day); ok {
			out = append(out, WorkflowPrice{FromMeasured, m.input()})
		}
	}
	return out
}
