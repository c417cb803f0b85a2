package scorecard

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
)

// pipelineAnswer is the answer of /pipeline.
type pipelineAnswer struct {
	AsOf            string            `json:"as_of"`
	CompleteThrough *string           `json:"complete_through"`
	Period          period            `json:"period"`
	Scope           string            `json:"scope"`
	Currency        string            `json:"currency"`
	Basis           metric.Basis      `json:"basis"`
	WinRate         metric.Measure    `json:"win_rate"`
	WinRateCreated  metric.Measure    `json:"win_rate_created"`
	CycleDays       metric.Measure    `json:"cycle_days"`
	Velocity        metric.Measure    `json:"velocity"`
	VelocityInputs  velocityInputs    `json:"velocity_inputs"`
	WonAmount       *metric.Exact     `json:"won_amount"`
	WonAmountPerDay *metric.Exact     `json:"won_amount_per_day"`
	TimeToDecision  metric.Survival   `json:"time_to_decision"`
	Assistance      metric.Assistance `json:"assistance"`
	Value           metric.Measure    `json:"value"`
	Influenced      metric.Measure    `json:"influenced"`
	// Attribution are the models side by side.
	Attribution []metric.AttributionModel `json:"attribution"`
	Cohorts     []metric.Cohort           `json:"cohorts"`
	Excluded    []metric.Excluded         `json:"excluded"`
}

// velocityInputs are the four inputs of the index, and the counts behind them.
type velocityInputs struct {
	Decided       uint64        `json:"decided"`
	Won           uint64        `json:"won"`
	Lost          uint64        `json:"lost"`
	MeanWonAmount *metric.Exact `json:"mean_won_amount"`
	WinRate       *metric.Exact `json:"win_rate"`
	MeanCycleDays *metric.Exact `json:"mean_cycle_days"`
}

// getPipeline answers with what the deals of a period say. Deals name no persons, so the privacy floor does not apply.
func (a *app) getPipeline(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency", "basis")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	currency := v.currencyOf(p)
	if notModified(c, v, p, currency) {
		return nil
	}
	w := v.window(p.from, p.to, p.scope)
	n := &numbers{window: w}
	folds, err := v.deals(c, n, p.basis, currency)
	if err != nil {
		return err
	}
	fx := v.fx(currency)
	created := metric.TotalDeals(n.cohort, fx)
	answer := pipelineAnswer{
		AsOf: v.asOf(), CompleteThrough: v.completeThrough(), Period: v.period(p.from, p.to), Scope: p.scope.String(), Currency: currency, Basis: p.basis,
		WinRate:        v.dress(folds[metric.WinRate].Measure, p, currency),
		CycleDays:      v.dress(folds[metric.CycleDays].Measure, p, currency),
		Velocity:       v.dress(folds[metric.PipelineVelocity].Measure, p, currency),
		VelocityInputs: inputsOf(n.decided),
		TimeToDecision: metric.FoldSurvival(n.cohort, v.censoring(p.to)),
		Assistance:     metric.FoldAssistance(n.rows, fx),
		Cohorts:        []metric.Cohort{}, Excluded: []metric.Excluded{},
	}
	if err := v.pipelineMoney(c, &answer, w, p, currency); err != nil {
		return err
	}
	answer.WinRateCreated = metric.FoldWinRateCreated(created).Measure
	if p.scope.Kind == metric.ScopeMe {
		answer.WinRateCreated = folds[metric.WinRate].Measure
	}
	answer.Cohorts = append(answer.Cohorts, metric.Cohorts(n.cohort, v.censoring(p.to), fx)...)
	answer.Excluded = append(answer.Excluded, metric.DealExclusions(n.decided, currency)...)
	answer.Excluded = append(answer.Excluded, n.aside...)
	if n.decided.WonWithAmount > 0 {
		answer.WonAmount = metric.ExactOf(n.decided.Amount)
		answer.WonAmountPerDay = metric.ExactOf(n.decided.Amount.DivRound(decimal.NewFromInt(int64(w.Days())), 12))
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// pipelineMoney adds what the deals are worth: by comparison, and by the models.
func (v *view) pipelineMoney(ctx context.Context, answer *pipelineAnswer, w metric.Window, p params, currency string) error {
	value, err := v.pipelineValue(ctx, w, currency)
	if err != nil {
		return err
	}
	influenced, err := v.influenced(ctx, w, currency)
	if err != nil {
		return err
	}
	answer.Value, answer.Influenced = v.dress(value.Measure, p, currency), v.dress(influenced.Measure, p, currency)
	answer.Attribution = []metric.AttributionModel{}
	if w.Scope.Kind == metric.ScopeMe {
		return nil
	}
	rows, err := read[metric.InfluenceRow](ctx, v, metric.InfluenceQuery{Window: w})
	if err != nil {
		return err
	}
	answer.Attribution = metric.FoldAttribution(rows, w.Scope, currency, v.fx(currency), v.workflowName)
	return nil
}

func inputsOf(t metric.DealTotals) velocityInputs {
	out := velocityInputs{Decided: t.Decided(), Won: t.Won, Lost: t.Lost}
	if d, ok := t.MeanAmount(); ok {
		out.MeanWonAmount = metric.ExactOf(d)
	}
	if d, ok := t.Rate(); ok {
		out.WinRate = metric.ExactOf(d)
	}
	if d, ok := t.MeanCycle(); ok {
		out.MeanCycleDays = metric.ExactOf(d)
	}
	return out
}
