package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/stat"
)

// Model is a rule that shares a deal among its touches.
type Model string

// The attribution models.
const (
	ModelFirst     Model = "first"
	ModelLast      Model = "last"
	ModelLinear    Model = "linear"
	ModelU         Model = "u"
	ModelW         Model = "w"
	ModelTimeDecay Model = "time_decay"
)

// DefaultModel shares equally: it claims to know nothing about which touch mattered.
const DefaultModel = ModelLinear

// Models are the attribution models in the order in which they are shown.
func Models() []Model {
	return []Model{ModelFirst, ModelLast, ModelLinear, ModelU, ModelW, ModelTimeDecay}
}

// Title says in words what a model does.
func (m Model) Title() string {
	return map[Model]string{
		ModelFirst: "First touch", ModelLast: "Last touch", ModelLinear: "Linear", ModelU: "U-shaped: 40 / 20 / 40 %",
		ModelW: "W-shaped: 30 / 30 / 30 / 10 %", ModelTimeDecay: "Time decay, half-life 14 days",
	}[m]
}

// The reasons why a deal has no credits.
const (
	ReasonNoTouches = "no_touches"
	ReasonNoRoles   = "no_roles"
	reasonNoAmount  = "no_amount"
)

// Touch is one contact of a workflow with a deal, and what a model gives it.
type Touch struct {
	Deal     InfluenceRow
	Workflow string
	// At is in milliseconds since 1970.
	At   int64
	Role string
	// Credit is the share of the deal, Amount that of its amount in the currency asked for.
	Credit, Amount decimal.Decimal
}

// touches are those of a deal in the order of time; those that came after the decision cannot have led to it.
func (r InfluenceRow) touches() (out []Touch, late int) {
	for i, at := range r.Times {
		if r.DecidedAt != nil && at > r.DecidedAt.UnixMilli() {
			late++
			continue
		}
		out = append(out, Touch{Deal: r, Workflow: r.Workflows[i], At: at, Role: r.Roles[i]})
	}
	slices.SortStableFunc(out, func(a, b Touch) int { return cmp.Compare(a.At, b.At) })
	return out, late
}

// Credits are the shares of the touches of a deal, which come in the order of time; they sum to exactly 1. reason is
// [ReasonNoRoles] where the model needs roles that the touches do not have.
func Credits(m Model, touches []Touch, decidedMillis int64) (credits []decimal.Decimal, reason string) {
	n := len(touches)
	if n == 0 {
		return nil, ReasonNoTouches
	}
	var err error
	switch m {
	case ModelFirst:
		credits, err = stat.FirstTouch(n)
	case ModelLast:
		credits, err = stat.LastTouch(n)
	case ModelLinear:
		credits, err = stat.Linear(n)
	case ModelU:
		credits, err = stat.UShaped(n)
	case ModelW:
		role := func(name string) int { return slices.IndexFunc(touches, func(t Touch) bool { return t.Role == name }) }
		credits, err = stat.WShaped(n, role("lead"), role("opportunity"))
	case ModelTimeDecay:
		days := make([]float64, n)
		for i, t := range touches {
			days[i] = float64(decidedMillis-t.At) / dayMillis
		}
		credits, err = stat.TimeDecay(days, stat.DefaultHalfLife)
	}
	if err != nil {
		return nil, ReasonNoRoles
	}
	return credits, ""
}

// Influence is what one model says about the deals of a window.
type Influence struct {
	Model   Model
	Touches []Touch
	// Deals is how many have credits.
	Deals uint64
	// left are the deals without credits, by reason and currency.
	left  map[[2]string]*currencySum
	late  uint64
	rates usedRates
}

// Influenced shares the won deals among their touches by a model; amounts are converted at the rate of the day of the decision.
func Influenced(rows []InfluenceRow, m Model, fx FX) Influence {
	out := Influence{Model: m, left: map[[2]string]*currencySum{}, rates: usedRates{}}
	for _, r := range rows {
		if r.Status == "won" && r.DecidedAt != nil && r.DecidedDay != nil {
			out.share(r, fx)
		}
	}
	return out
}

func (x *Influence) share(r InfluenceRow, fx FX) {
	touches, late := r.touches()
	x.late += uint64(late)
	if r.Amount == nil {
		x.leave(reasonNoAmount, r, decimal.Zero)
		return
	}
	rate, ok := fx(r.Currency, event.Day{Time: *r.DecidedDay})
	if !ok {
		x.leave(reasonNoFX, r, *r.Amount)
		return
	}
	credits, reason := Credits(x.Model, touches, r.DecidedAt.UnixMilli())
	if reason != "" {
		x.leave(reason, r, *r.Amount)
		return
	}
	x.rates.use(r.Currency, rate)
	parts, err := stat.Apportion(r.Amount.Mul(rate.Rate), credits, moneyDigits)
	if err != nil {
		x.leave(ReasonNoTouches, r, *r.Amount) // credits sum to 1, so there is always something to split by
		return
	}
	x.Deals++
	for i, t := range touches {
		t.Credit, t.Amount = credits[i], parts[i]
		x.Touches = append(x.Touches, t)
	}
}

func (x *Influence) leave(reason string, r InfluenceRow, amount decimal.Decimal) {
	key := [2]string{reason, r.Currency}
	if x.left[key] == nil {
		x.left[key] = &currencySum{}
	}
	x.left[key].billed, x.left[key].n = x.left[key].billed.Add(amount), x.left[key].n+1
}

// in keeps the touches of a scope: a team's are those of its deals, a workflow's its own.
func (x *Influence) in(s Scope) []Touch {
	var out []Touch
	for _, t := range x.Touches {
		if s.Holds(t.Deal.Team, t.Workflow) {
			out = append(out, t)
		}
	}
	return out
}

// InfluencedTouches are the touches of a scope with their credits by the default model.
func InfluencedTouches(rows []InfluenceRow, scope Scope, fx FX) []Touch {
	x := Influenced(rows, DefaultModel, fx)
	return x.in(scope)
}

// FoldInfluenced is the won amount that touches of a scope share in, by the default model. It is a model's, no measurement,
// and never part of the return.
func FoldInfluenced(rows []InfluenceRow, scope Scope, currency string, fx FX) Fold {
	m := start(PipelineInfluenced, currency)
	x := Influenced(rows, DefaultModel, fx)
	f := Fold{Inputs: x.rates.inputs(currency)}
	if scope.Kind == ScopeOrg {
		f.Excluded = x.excluded(currency)
	}
	total, deals := decimal.Zero, map[string]bool{}
	for _, t := range x.in(scope) {
		total, deals[t.Deal.Deal] = total.Add(t.Amount), true
		f.Cells = append(f.Cells, Cell{
			Day: dayText(*t.Deal.DecidedDay), Team: t.Deal.Team, Workflow: t.Workflow, Value: t.Amount, N: 1, Source: t.Deal.Deal,
		})
	}
	n := uint64(len(f.Cells))
	f.Counts = []Count{{"touches", &n}, {"won deals with touches", new(uint64(len(deals)))}}
	m.Parts = openInfluence(rows, scope, currency, fx)
	switch {
	case n > 0:
		m.Status, m.Value, m.N, m.Grade = OK, ExactOf(total), &n, new(0)
		m.Shares = []GradeShare{{Grade: 0, Share: 1, Value: Exact{total}, N: n}}
		m.warn("model", "credits follow a model (linear), not a measurement: influenced is no return, and has no interval")
		if x.late > 0 {
			m.warn("late_touches", fmt.Sprintf("%d touches came after the decision of their deal and have no credit", x.late))
		}
		if len(f.Excluded) > 0 {
			m.warn(f.Excluded[0].Reason, "some won deals have no credits and are not in the value: see what is excluded")
		}
	case len(f.Excluded) > 0:
		m.withhold(f.Excluded[0].Reason, f.Excluded[0].Message)
	}
	f.Measure = m
	return f
}

// openInfluence is the amount of the open deals that touches of the scope share in, equally: it stands beside, and is in no
// value.
func openInfluence(rows []InfluenceRow, scope Scope, currency string, fx FX) []Part {
	total, n := decimal.Zero, uint64(0)
	for _, r := range rows {
		touches, _ := r.touches()
		if r.Status != "open" || r.Amount == nil || len(touches) == 0 {
			continue
		}
		rate, ok := fx(r.Currency, event.Day{Time: r.Day})
		credits, reason := Credits(ModelLinear, touches, 0)
		if !ok || reason != "" {
			continue
		}
		parts, err := stat.Apportion(r.Amount.Mul(rate.Rate), credits, moneyDigits)
		if err != nil {
			continue
		}
		touched := false
		for i, t := range touches {
			if scope.Holds(r.Team, t.Workflow) {
				total, touched = total.Add(parts[i]), true
			}
		}
		if touched {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []Part{{Key: "open", Title: "Open deals created in the period, not in the value", Value: ExactOf(total), Unit: currency, N: &n}}
}

// excluded lists the won deals without credits.
func (x *Influence) excluded(currency string) []Excluded {
	messages := map[string]string{
		ReasonNoTouches: "won deals without touches before their decision: nothing is known to have influenced them",
		ReasonNoRoles:   "won deals without touches of the roles lead and opportunity, which the model needs",
		reasonNoAmount:  "won deals without an amount",
		reasonNoFX:      "won deals whose amount cannot be converted to " + currency,
	}
	var out []Excluded
	for _, key := range slices.SortedFunc(maps.Keys(x.left), func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	}) {
		sum := x.left[key]
		e := Excluded{Measure: PipelineInfluenced, Reason: key[0], Message: messages[key[0]], N: &sum.n, Unit: cmp.Or(key[1], currency)}
		if key[0] != reasonNoAmount {
			e.Amount = ExactOf(sum.billed)
		}
		out = append(out, e)
	}
	return out
}

// AttributionRow is what one model gives a workflow.
type AttributionRow struct {
	Workflow string `json:"workflow"`
	Name     string `json:"name"`
	// Credits is the sum of the shares, in deals; Deals how many the workflow has touched.
	Credits Exact  `json:"credits"`
	Deals   uint64 `json:"deals"`
	Amount  Exact  `json:"amount"`
	// Share is of the amount of the scope.
	Share *Exact `json:"share"`
}

// AttributionModel is one model over the won deals of a window.
type AttributionModel struct {
	Model   Model  `json:"model"`
	Title   string `json:"title"`
	Default bool   `json:"default"`
	Status  Status `json:"status"`
	Deals   uint64 `json:"deals"`
	// Credits and Amount are the sums of the rows.
	Credits  Exact            `json:"credits"`
	Amount   Exact            `json:"amount"`
	Rows     []AttributionRow `json:"rows"`
	Excluded []Excluded       `json:"excluded"`
}

// FoldAttribution compares the models: what each gives the workflows that touched the won deals of a scope.
func FoldAttribution(rows []InfluenceRow, scope Scope, currency string, fx FX, name func(workflow string) string) []AttributionModel {
	out := make([]AttributionModel, 0, len(Models()))
	for _, m := range Models() {
		x := Influenced(rows, m, fx)
		a := AttributionModel{Model: m, Title: m.Title(), Default: m == DefaultModel, Status: NoData, Rows: []AttributionRow{}, Excluded: []Excluded{}}
		sums, deals, all := map[string]*AttributionRow{}, map[[2]string]bool{}, map[string]bool{}
		for _, t := range x.in(scope) {
			r := sums[t.Workflow]
			if r == nil {
				r = &AttributionRow{Workflow: t.Workflow, Name: name(t.Workflow)}
				sums[t.Workflow] = r
			}
			r.Credits, r.Amount = Exact{r.Credits.Add(t.Credit)}, Exact{r.Amount.Add(t.Amount)}
			if at := [2]string{t.Workflow, t.Deal.Deal}; !deals[at] {
				deals[at] = true
				r.Deals++
			}
			all[t.Deal.Deal] = true
			a.Credits, a.Amount = Exact{a.Credits.Add(t.Credit)}, Exact{a.Amount.Add(t.Amount)}
		}
		for _, key := range slices.Sorted(maps.Keys(sums)) {
			r := sums[key]
			if !a.Amount.IsZero() {
				r.Share = ExactOf(quotient(r.Amount.Decimal, a.Amount.Decimal))
			}
			a.Rows = append(a.Rows, *r)
		}
		if a.Deals = uint64(len(all)); a.Deals > 0 {
			a.Status = OK
		}
		if scope.Kind == ScopeOrg {
			a.Excluded = append(a.Excluded, x.excluded(currency)...)
		}
		out = append(out, a)
	}
	return out
}
