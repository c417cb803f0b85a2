package metric

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// DealLink is a deal that conversions of an experiment name: its money is recognised when it closes, and of it the share
// that the treatment has brought about.
type DealLink struct {
	Experiment, Variant string
	// Share is 1 − control rate ÷ treated rate, SE its standard error.
	Share decimal.Decimal
	SE    float64
	Grade int
}

// LinkedDeals finds the won deals that treated conversions of experiments name, and which share of each the treatment has
// brought about: of the treated conversions, those above what the control's rate would have given. A deal that several
// variants or experiments name is nobody's; experiments without a lift or a design say why in excluded.
func LinkedDeals(rows []LinkRow, experiments []Experiment) (links map[string]DealLink, excluded []Excluded) {
	links = map[string]DealLink{}
	byKey := map[string]*Experiment{}
	for i := range experiments {
		byKey[experiments[i].Experiment] = &experiments[i]
	}
	named := map[string]map[[2]string]bool{}
	for _, r := range rows {
		x := byKey[r.Experiment]
		if x == nil || r.Metric != x.Metric {
			continue
		}
		if named[r.Deal] == nil {
			named[r.Deal] = map[[2]string]bool{}
		}
		named[r.Deal][[2]string{r.Experiment, r.Variant}] = true
	}
	left := map[[2]string]uint64{}
	for _, deal := range slices.Sorted(maps.Keys(named)) {
		arms := slices.Collect(maps.Keys(named[deal]))
		if len(arms) > 1 {
			left[[2]string{"ambiguous", ""}]++
			continue
		}
		x := byKey[arms[0][0]]
		link, reason := x.link(arms[0][1])
		switch {
		case reason == "control":
		case reason != "":
			left[[2]string{reason, x.Experiment}]++
		default:
			links[deal] = link
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(left), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0]))
	}) {
		n := left[key]
		message := "deals that conversions of several variants or experiments name"
		if key[1] != "" {
			message = "experiment " + key[1] + " names deals that it cannot value yet"
		}
		excluded = append(excluded, Excluded{Measure: PipelineValue, Reason: key[0], Message: message, N: &n, Unit: UnitDeals})
	}
	return links, excluded
}

// link is what a deal owes to a variant; reason says why nothing, "control" for the control's own deals.
func (x *Experiment) link(variant string) (DealLink, string) {
	var treated, control *Variant
	for i := range x.Variants {
		switch v := &x.Variants[i]; {
		case v.Variant == variant && v.IsControl:
			return DealLink{}, "control"
		case v.IsControl:
			control = v
		case v.Variant == variant:
			treated = v
		}
	}
	switch {
	case x.Status != OK:
		return DealLink{}, *x.Reason
	case treated == nil || control == nil:
		return DealLink{}, "no_control"
	case treated.Status != string(OK):
		return DealLink{}, *treated.Reason
	case !x.plan.Sequential && x.plan.PlannedN != nil && x.Exposures < *x.plan.PlannedN:
		return DealLink{}, "running"
	case x.plan.Grade < designGrade:
		return DealLink{}, ReasonObservational
	}
	// 1 − (c₀/n₀) ÷ (c/n) = (c·n₀ − c₀·n) ÷ (c·n₀)
	whole := count(treated.Conversions).Mul(count(control.Exposures))
	share := quotient(whole.Sub(count(control.Conversions).Mul(count(treated.Exposures))), whole)
	ratio := 1 - share.InexactFloat64()
	relative := func(v *Variant) float64 {
		e := stat.Wilson(stat.Proportion{Successes: int64(v.Conversions), Trials: int64(v.Exposures)}, LevelMoney)
		return e.SE / e.Value
	}
	return DealLink{
		Experiment: x.Experiment, Variant: variant, Share: share, SE: ratio * math.Hypot(relative(treated), relative(control)), Grade: x.plan.Grade,
	}, ""
}

// linked recognises the deals that experiments name, and returns the others.
func (f *pipelineFold) linked() []DealRow {
	rest := make([]DealRow, 0, len(f.in.Rows))
	sums := map[string]float64{}
	for _, r := range f.in.Rows {
		link, named := f.in.Links[r.Deal]
		if !named || !r.Won() {
			rest = append(rest, r)
			continue
		}
		if r.Amount == nil || r.Margin == nil || r.DecidedDay == nil {
			f.leaveLinked(r, link)
			continue
		}
		rate, ok := f.in.FX(r.Currency, event.Day{Time: *r.DecidedDay})
		if !ok {
			f.leaveLinked(r, link)
			continue
		}
		if !f.in.Scope.Holds(r.Team, r.Workflow) {
			continue
		}
		f.rates.use(r.Currency, rate)
		gross := r.Amount.Mul(rate.Rate).Mul(*r.Margin)
		key := "link:" + link.Experiment + "/" + link.Variant
		sd := gross.InexactFloat64() * link.SE
		sums[key] += sd
		f.errors[key] = sharedError{sd: math.Abs(sums[key]), dof: unbounded}
		value := gross.Mul(link.Share)
		f.cell(r, link.Grade, value, link.Experiment, link.Variant, term{value: value.InexactFloat64(), sd: sd, source: PipelineValue + " " + key, dof: unbounded})
	}
	return rest
}

// leaveLinked remembers a named deal that has no money to recognise.
func (f *pipelineFold) leaveLinked(r DealRow, link DealLink) {
	if !f.in.Scope.Holds(r.Team, r.Workflow) {
		return
	}
	k, amount := leftDeals{reasonNoAmount, link.Experiment, f.currency}, decimal.Zero
	if r.Amount != nil {
		amount, k.reason, k.unit = *r.Amount, reasonNoFX, r.Currency
		if r.Margin == nil {
			k.reason = ReasonNoMargin
		}
	}
	if f.left[k] == nil {
		f.left[k] = &currencySum{}
	}
	f.left[k].billed, f.left[k].n = f.left[k].billed.Add(amount), f.left[k].n+1
}

// leftDeals are named deals without money to recognise, for one reason.
type leftDeals struct{ reason, experiment, unit string }

// listLinked lists them.
func (f *pipelineFold) listLinked() {
	messages := map[string]string{
		reasonNoAmount: "won deals that it names have no amount", ReasonNoMargin: "won deals that it names have no margin",
		reasonNoFX: "amounts of won deals that it names cannot be converted to " + f.currency,
	}
	for _, k := range slices.SortedFunc(maps.Keys(f.left), func(a, b leftDeals) int {
		return cmp.Or(cmp.Compare(a.experiment, b.experiment), cmp.Compare(a.reason, b.reason), cmp.Compare(a.unit, b.unit))
	}) {
		sum := f.left[k]
		x := Excluded{Measure: PipelineValue, Reason: k.reason, Message: "experiment " + k.experiment + ": " + messages[k.reason], N: &sum.n, Unit: k.unit}
		if k.reason != reasonNoAmount {
			x.Amount = ExactOf(sum.billed)
		}
		f.Excluded = append(f.Excluded, x)
	}
}
