package metric

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

const (
	// ladderDraws bounds the error of a 5 % quantile by the simulation to about 0.03 standard deviations.
	ladderDraws = 5000
	// ladderSeed is fixed: the same rows give the same range everywhere and always.
	ladderSeed = 20261101
)

// term is what is known about the error of one cell: (value + sd·z) × share, with z drawn once for everything that names
// the same error, and the share once for everything that names it. An empty name is no error, or a share of 1.
type term struct {
	value, sd float64
	source    string
	dof       float64
	// triangle is the form of a declared error; nil is Student's t.
	triangle *stat.ThreePoint
	share    string
}

// spreadTerm is the sum of the terms of a rung with the same error and share, as money and as present value.
type spreadTerm struct {
	value, sd, pvValue, pvSD float64
}

// sources are where the errors of a term come from.
type sources struct{ source, share string }

// outcome is what a simulation of a rung says; known is false where the error of a counted benefit is not known.
type outcome struct {
	known         bool
	net, npv, roi stat.Simulation
	propagated    stat.Estimate
}

// rungErrors collects the terms of a rung.
type rungErrors struct {
	terms   map[sources]spreadTerm
	laws    map[string]law
	assumed map[string]Assumed
	// order are the terms in the order of what they are shared by, placed the same with places in a draw.
	order  []sources
	placed []placedTerm
	costs  float64
	// unknown are the measures whose error is not known.
	unknown []string
}

// simulate spreads all rungs in one simulation: every shared error is drawn once a draw, and moves everything that it is
// shared by, on every rung.
func simulate(rungs []*climber) {
	joint := newRungErrors()
	var spread []*climber
	for _, c := range rungs {
		if c.rung.Status != OK || !c.collect() {
			continue
		}
		spread = append(spread, c)
		joint.obey(c.errors.laws)
		maps.Copy(joint.assumed, c.errors.assumed)
	}
	const columns = 3 // net, NPV, ROI
	draw, errors, assumed := joint.drawer()
	for _, c := range spread {
		c.errors.place(errors, assumed)
	}
	all := stat.SimulateAll(ladderSeed, ladderDraws, LevelMoney, columns*len(spread), func(r *rand.Rand, out []float64) {
		z, shares := draw(r)
		for i, c := range spread {
			value, pv := c.errors.at(z, shares)
			pvCosts := c.appraisal.PVCosts
			out[columns*i], out[columns*i+1], out[columns*i+2] = value-c.errors.costs, pv-pvCosts, stat.ROI(pv, pvCosts)
		}
	})
	for i, c := range spread {
		s := all[columns*i : columns*(i+1)]
		c.outcome = outcome{known: true, net: s[0], npv: s[1], roi: s[2], propagated: c.errors.propagate(c.gains.Sub(c.paid).InexactFloat64())}
		c.rung.Low, c.rung.High, c.rung.Level = finite(s[0].Low), finite(s[0].High), new(LevelMoney)
		c.rung.Positive = finite(s[0].Positive)
	}
}

// collect gathers the errors of a rung; false where one is not known, so that there is no range.
func (c *climber) collect() bool {
	e := newRungErrors()
	for _, s := range c.strands {
		if s.errors != nil {
			e.merge(s.errors)
		}
	}
	for _, key := range e.unknown {
		c.warn("error_unknown", "the error of "+key+" is not known, so that the rung has no range")
	}
	e.sort()
	c.errors, e.costs = e, c.paid.InexactFloat64()
	return len(e.unknown) == 0
}

func newRungErrors() *rungErrors {
	return &rungErrors{terms: map[sources]spreadTerm{}, laws: map[string]law{}, assumed: map[string]Assumed{}}
}

func (e *rungErrors) merge(o *rungErrors) {
	for at, t := range o.terms {
		e.add(at, t)
	}
	e.obey(o.laws)
	maps.Copy(e.assumed, o.assumed)
	e.unknown = append(e.unknown, o.unknown...)
}

// take adds a benefit: by the terms of its entries, else by its interval, scaled to what counts.
func (e *rungErrors) take(b Benefit, days *dating) {
	key := b.Measure.Key
	if len(b.Counted) == 0 {
		return
	}
	if b.Measure.Low == nil || b.Measure.High == nil {
		e.unknown = append(e.unknown, key)
		return
	}
	if slices.ContainsFunc(b.Counted, func(r Recognition) bool { return r.term == nil }) {
		e.takeInterval(b, days)
		return
	}
	for _, r := range b.Counted {
		e.takeTerm(*r.term, days.at(key, r.Day).discount, b.assumed)
	}
}

// takeTerm adds a term with the present value of one.
func (e *rungErrors) takeTerm(t term, discount float64, assumed map[string]Assumed) {
	e.add(sources{t.source, t.share}, spreadTerm{t.value, t.sd, t.value * discount, t.sd * discount})
	if t.source != "" {
		e.obey(map[string]law{t.source: {t.dof, t.triangle}})
	}
	if t.share != "" {
		e.assumed[t.share] = assumed[t.share]
	}
}

// sort fixes the order in which errors are drawn and summed.
func (e *rungErrors) sort() {
	e.order = slices.SortedFunc(maps.Keys(e.terms), func(a, b sources) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.share, b.share))
	})
}

// takeInterval adds a benefit of whose error only the interval is known.
func (e *rungErrors) takeInterval(b Benefit, days *dating) {
	key, counted, pv := b.Measure.Key, 0.0, 0.0
	for _, r := range b.Counted {
		amount := r.Amount.InexactFloat64()
		counted, pv = counted+amount, pv+amount*days.at(key, r.Day).discount
	}
	// The error of what counts is in proportion to the value where some of it is counted elsewhere.
	sd, whole := (*b.Measure.High-*b.Measure.Low)/2/normalQuantile, b.Measure.Value.InexactFloat64()
	scale, worth := 1.0, 1.0
	if whole != 0 {
		scale = math.Abs(counted / whole)
	}
	if counted != 0 {
		worth = pv / counted
	}
	e.add(sources{source: key}, spreadTerm{counted, sd * scale, pv, sd * scale * worth})
	e.laws[key] = law{dof: unbounded}
}

// obey adds the laws of errors.
func (e *rungErrors) obey(laws map[string]law) {
	for key, l := range laws {
		if before, seen := e.laws[key]; seen {
			l = before.with(l)
		}
		e.laws[key] = l
	}
}

func (e *rungErrors) add(at sources, t spreadTerm) {
	s := e.terms[at]
	e.terms[at] = spreadTerm{s.value + t.value, s.sd + t.sd, s.pvValue + t.pvValue, s.pvSD + t.pvSD}
}

// drawer draws every error and share once, in the order of their names. Place 0 is no error, and a share of 1.
func (e *rungErrors) drawer() (draw func(r *rand.Rand) (z, shares []float64), errors, assumed map[string]int) {
	names, kinds := slices.Sorted(maps.Keys(e.laws)), slices.Sorted(maps.Keys(e.assumed))
	drawn := make([]func(*rand.Rand) float64, 0, len(kinds))
	for _, key := range kinds {
		drawn = append(drawn, e.assumed[key].drawer())
	}
	z, shares := make([]float64, len(names)+1), make([]float64, len(kinds)+1)
	shares[0] = 1
	return func(r *rand.Rand) ([]float64, []float64) {
		for i, key := range names {
			z[i+1] = e.laws[key].draw(r)
		}
		for i, share := range drawn {
			shares[i+1] = share(r)
		}
		return z, shares
	}, places(names), places(kinds)
}

func places(names []string) map[string]int {
	out := map[string]int{"": 0}
	for i, name := range names {
		out[name] = i + 1
	}
	return out
}

// placedTerm is a term with the places of its error and share.
type placedTerm struct {
	spreadTerm
	z, share int
}

func (e *rungErrors) place(errors, assumed map[string]int) {
	for _, at := range e.order {
		e.placed = append(e.placed, placedTerm{e.terms[at], errors[at.source], assumed[at.share]})
	}
}

// at is what the benefits are worth under drawn errors and shares, as money and as present value.
func (e *rungErrors) at(z, shares []float64) (value, pv float64) {
	for _, t := range e.placed {
		value += (t.value + t.sd*z[t.z]) * shares[t.share]
		pv += (t.pvValue + t.pvSD*z[t.z]) * shares[t.share]
	}
	return value, pv
}

// drawer draws the share as it may be: from a triangle where it is declared, else normal.
func (a Assumed) drawer() func(*rand.Rand) float64 {
	low, mode, high := a.Low.InexactFloat64(), a.Mode.InexactFloat64(), a.High.InexactFloat64()
	if a.Deviation > 0 {
		return func(r *rand.Rand) float64 { return mode + a.Deviation*r.NormFloat64() }
	}
	return stat.ThreePoint{Low: low, Mode: mode, High: high}.DrawTriangular
}

// propagate is the range around the net by variances alone. With errors z and shares r that are independent,
// E Σ (v + s·z)·r = Σ (v + s·E z)·E r, and Var = Σ_r (Σ v + s·E z)²·var r + Σ_z (Σ s·E r)² + Σ s²·var r (Goodman 1960).
func (e *rungErrors) propagate(net float64) stat.Estimate {
	byShare, byError, products, centre := map[string]float64{}, map[string]float64{}, 0.0, net
	for _, at := range e.order {
		t, mode, mean, deviation := e.terms[at], 1.0, 1.0, 0.0
		if a, assumed := e.assumed[at.share]; assumed && at.share != "" {
			mode, mean, deviation = a.Mode.InexactFloat64(), a.mean(), a.deviation()
		}
		value := t.value + t.sd*e.laws[at.source].mean()
		byShare[at.share] += value
		byError[at.source] += t.sd * mean
		products += t.sd * t.sd * deviation * deviation
		centre += value*mean - t.value*mode
	}
	delete(byShare, "")
	delete(byError, "")
	if alone, ok := e.alone(net, byShare, byError); ok {
		return alone
	}
	terms := []stat.Term{{Weight: 1, Estimate: stat.Constant(centre)}, {Weight: 1, Estimate: stat.Estimate{SE: math.Sqrt(products), DF: unbounded}}}
	for _, key := range slices.Sorted(maps.Keys(byShare)) {
		terms = append(terms, stat.Term{Weight: byShare[key], Estimate: stat.Estimate{SE: e.assumed[key].deviation(), DF: unbounded}})
	}
	for _, key := range slices.Sorted(maps.Keys(byError)) {
		terms = append(terms, stat.Term{Weight: 1, Estimate: stat.Estimate{SE: math.Abs(byError[key]), DF: e.laws[key].dof}})
	}
	return stat.Combine(LevelMoney, terms...)
}

// alone is the range where one declared triangle is all that is not known: its own quantiles. ok is false elsewhere.
func (e *rungErrors) alone(net float64, byShare, byError map[string]float64) (out stat.Estimate, ok bool) {
	var l law
	sd, n := 0.0, 0
	for key, weight := range byShare {
		if deviation := weight * e.assumed[key].deviation(); deviation != 0 {
			l, sd, n = e.assumed[key].law(), deviation, n+1
		}
	}
	for key, deviation := range byError {
		if deviation != 0 {
			l, sd, n = e.laws[key], deviation, n+1
		}
	}
	if n != 1 || l.triangle == nil {
		return out, false
	}
	out = stat.Constant(net)
	out.Low, out.High = l.ends(net, sd)
	return out, true
}

// propagated is the range of a fold by the terms of its cells or entries; known is false where there is no error.
func (f *Fold) propagated() (out stat.Estimate, known bool) {
	e, total := newRungErrors(), decimal.Zero
	for i, c := range f.Cells {
		if i < len(f.terms) {
			e.takeTerm(f.terms[i], 1, f.assumed)
			total = total.Add(c.Value)
		}
	}
	for _, r := range f.Recognitions {
		if r.term != nil {
			e.takeTerm(*r.term, 1, f.assumed)
			total = total.Add(r.Amount)
		}
	}
	if len(e.laws)+len(e.assumed) == 0 {
		return out, false
	}
	e.sort()
	return e.propagate(total.InexactFloat64()), true
}
