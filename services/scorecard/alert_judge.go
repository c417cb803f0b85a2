package scorecard

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/services/scorecard/alerts"
	"plumbline/services/scorecard/digest"
)

// judgeAlert looks at what an alert is about, as a leader would: by the same queries, folds and privacy floor as /scorecard. Where
// the number is withheld, or there is none, nothing is said.
func (a *app) judgeAlert(ctx context.Context, e *registry.Alert) (alerts.Judgement, error) {
	v, err := a.look(ctx, a.reader())
	if err != nil {
		return alerts.Judgement{}, err
	}
	var j alerts.Judgement
	switch e.When {
	case registry.SampleRatio:
		j, err = v.judgeSampleRatio(ctx, e)
	case registry.SourceSilent:
		j, err = v.judgeSilence(ctx, e)
	case registry.ReviewOverTarget:
		j, err = v.judgeReviews(ctx, e)
	default:
		j, err = v.judgeMeasure(ctx, e)
	}
	if bad := (*badRequest)(nil); errors.As(err, &bad) {
		return unsaid("unanswerable", bad.Error()), nil // such as a scope that there is none of
	}
	return j, err
}

// unsaid is the judgement where nothing can be said.
func unsaid(outcome, reason string) alerts.Judgement {
	return alerts.Judgement{Outcome: outcome, Reason: reason}
}

// alertParams are the parameters of the question that an alert asks, read as those of a request are.
func (v *view) alertParams(ctx context.Context, e *registry.Alert) (params, error) {
	q := url.Values{"scope": {scopeText(e.Scope)}}
	if e.Currency != "" {
		q.Set("currency", e.Currency)
	}
	if e.Months != 0 && e.Months != registry.DefaultMonths {
		first := time.Date(v.today.Year(), v.today.Month()-time.Month(e.Months)+1, 1, 0, 0, 0, 0, time.UTC)
		q.Set("from", event.Day{Time: first}.String())
	}
	p, err := parseParams(q, v.today, "from", "scope", "currency") // up to and with today, as every period without an end
	if err != nil {
		return p, err
	}
	return p, v.admit(ctx, p.scope)
}

// measured is one measure as the scorecard shows it.
func (v *view) measured(ctx context.Context, e *registry.Alert, key string) (metric.Measure, params, error) {
	p, err := v.alertParams(ctx, e)
	if err != nil {
		return metric.Measure{}, p, err
	}
	p.measure = key
	n, err := v.numbersOf(ctx, p, v.currencyOf(p))
	if err != nil {
		return metric.Measure{}, p, err
	}
	return v.dress(n.folds[key].Measure, p, v.currencyOf(p)), p, nil
}

// measureFacts are what is told of a measure.
type measureFacts struct {
	Measure string         `json:"measure"`
	Title   string         `json:"title"`
	Scope   string         `json:"scope"`
	Value   *metric.Exact  `json:"value"`
	Unit    string         `json:"unit"`
	Low     *float64       `json:"low"`
	High    *float64       `json:"high"`
	Level   *float64       `json:"level"`
	N       *uint64        `json:"n"`
	Grade   *int           `json:"grade"`
	Limit   *metric.Exact  `json:"limit"`
	Period  period         `json:"period"`
	Covers  *metric.Covers `json:"covers"`
	AsOf    string         `json:"as_of"`
}

func (v *view) factsOf(m metric.Measure, p params, limit decimal.Decimal) measureFacts {
	d, _ := metric.Lookup(m.Key)
	return measureFacts{
		Measure: m.Key, Title: d.Title, Scope: p.scope.String(), Value: m.Value, Unit: m.Unit, Low: m.Low, High: m.High, Level: m.Level, N: m.N,
		Grade: m.Grade, Limit: metric.ExactOf(limit), Period: v.period(p.from, p.to), Covers: m.Covers, AsOf: v.asOf(),
	}
}

// viewPath leads to the scorecard of a period and scope.
func viewPath(p params) string {
	q := url.Values{"from": {p.from.String()}, "to": {p.to.String()}, "scope": {p.scope.String()}}
	if p.currency != "" {
		q.Set("currency", p.currency)
	}
	return "/?" + q.Encode()
}

// unmeasured is the judgement of a measure that has no value, which tells nothing but why.
func unmeasured(m metric.Measure) alerts.Judgement {
	reason := ""
	if m.Reason != nil {
		reason = *m.Reason
	}
	return unsaid(string(m.Status), reason)
}

func (v *view) judgeMeasure(ctx context.Context, e *registry.Alert) (alerts.Judgement, error) {
	m, p, err := v.measured(ctx, e, e.Measure)
	if err != nil {
		return alerts.Judgement{}, err
	}
	if m.Status != metric.OK || m.Value == nil {
		return unmeasured(m), nil
	}
	var limit decimal.Decimal
	of := "the threshold of "
	switch {
	case e.When == registry.Below || e.When == registry.Above:
		limit = e.Threshold.Decimal()
	case m.Target == nil:
		return unsaid("no_target", "no target of this measure, scope and currency holds now"), nil
	default:
		limit, of = m.Target.Value.Decimal, "its target of "
	}
	less := e.When == registry.UnderTarget || e.When == registry.Below
	compared := m.Value.Cmp(limit)
	fires, word := compared > 0, "above "
	if less {
		fires, word = compared < 0, "under "
	}
	if !fires {
		word = map[int]string{-1: "under ", 0: "at ", 1: "above "}[compared]
	}
	d, _ := metric.Lookup(m.Key)
	return alerts.Judgement{
		Outcome: alerts.Judged, Fires: fires, Facts: v.factsOf(m, p, limit), Path: viewPath(p),
		Text: fmt.Sprintf("%s of %s is %s, %s%s%s.", d.Title, v.scopeTitle(p.scope), digest.Figure(m.Value.Decimal, m.Unit), word, of, digest.Figure(limit, m.Unit)),
	}, nil
}

// scopeTitle names a scope in a sentence.
func (v *view) scopeTitle(s metric.Scope) string {
	switch s.Kind {
	case metric.ScopeTeam:
		return "team " + v.name(registry.Teams, s.Key)
	case metric.ScopeWorkflow:
		return "workflow " + v.name(registry.Workflows, s.Key)
	case metric.ScopeMe, metric.ScopeOrg:
	}
	return "the organisation"
}

// tolerated is the share of slow reviews that an alert tolerates which names none: more means that the half of them is late.
var tolerated = decimal.New(5, -1)

func (v *view) judgeReviews(ctx context.Context, e *registry.Alert) (alerts.Judgement, error) {
	m, p, err := v.measured(ctx, e, metric.ReviewCycleHours)
	if err != nil {
		return alerts.Judgement{}, err
	}
	if m.Status != metric.OK {
		return unmeasured(m), nil
	}
	limit := tolerated
	if e.Threshold != nil {
		limit = e.Threshold.Decimal()
	}
	for _, part := range m.Parts {
		if part.Key != "within_target" || part.Value == nil {
			continue
		}
		late := decimal.NewFromInt(1).Sub(part.Value.Decimal)
		facts := struct {
			measureFacts
			Late     metric.Exact `json:"share_over_target"`
			Targeted *uint64      `json:"reviews_with_target"`
		}{v.factsOf(m, p, limit), metric.Exact{Decimal: late}, part.N}
		return alerts.Judgement{
			Outcome: alerts.Judged, Fires: late.GreaterThan(limit), Facts: facts, Path: viewPath(p),
			Text: fmt.Sprintf("%s of the reviews of %s took longer than the target of their workflow; tolerated are %s.",
				digest.Figure(late, metric.UnitShare), v.scopeTitle(p.scope), digest.Figure(limit, metric.UnitShare)),
		}, nil
	}
	return unsaid("no_target", "no workflow of these reviews has a review policy with target hours"), nil
}

func (v *view) judgeSampleRatio(ctx context.Context, e *registry.Alert) (alerts.Judgement, error) {
	p, err := parseParams(url.Values{}, v.today)
	if err != nil {
		return alerts.Judgement{}, err
	}
	rows, err := read[metric.ConversionRow](ctx, v, metric.ConversionsQuery{Window: v.window(p.from, p.to, p.scope), Experiment: e.Experiment})
	if err != nil {
		return alerts.Judgement{}, err
	}
	if len(rows) == 0 {
		return unsaid(string(metric.NoData), "the experiment has no events"), nil
	}
	x := v.experiment(rows, "", v.currency)
	if x.SRM.P == nil {
		return unsaid(string(metric.NoData), "the experiment has too few exposures to tell"), nil
	}
	fires := x.SRM.Status == "srm"
	text := "The arms of experiment " + e.Experiment + " are of the planned sizes."
	if fires {
		text = fmt.Sprintf("The arms of experiment %s are not of the planned sizes (p = %.2g): its results are withheld until it is known why.", e.Experiment, *x.SRM.P)
	}
	return alerts.Judgement{Outcome: alerts.Judged, Fires: fires, Text: text, Path: "/experiments/" + url.PathEscape(e.Experiment), Facts: struct {
		Experiment string             `json:"experiment"`
		Exposures  uint64             `json:"exposures"`
		SRM        metric.SampleRatio `json:"srm"`
		AsOf       string             `json:"as_of"`
	}{e.Experiment, x.Exposures, x.SRM, x.AsOf}}, nil
}

// judgeSilence tells whether nothing of a source has arrived for some time, up to the moment up to which everything that has
// arrived is stored: while the loader is behind, nobody is silent.
func (v *view) judgeSilence(ctx context.Context, e *registry.Alert) (alerts.Judgement, error) {
	known := v.snapshot.CompleteThrough
	if known.IsZero() {
		return unsaid("behind", "it is not known up to when everything is stored"), nil
	}
	if v.now.Before(known) {
		known = v.now
	}
	last, err := v.db.LastReceived(ctx, v.viewer.Workspace, e.Source, known.Add(-e.Silence()))
	if err != nil {
		return alerts.Judgement{}, err
	}
	facts := struct {
		Source          string        `json:"source"`
		LastReceivedAt  *string       `json:"last_received_at"`
		Hours           *event.Number `json:"hours"`
		CompleteThrough string        `json:"complete_through"`
	}{e.Source, optionalTime(last), e.Hours, known.UTC().Format(event.TimeForm)}
	fires := last.IsZero() || last.Before(known.Add(-e.Silence()))
	said := "The source " + e.Source
	switch {
	case last.IsZero():
		said += " has never sent an event that was taken."
	case fires:
		said += " has sent no event that was taken since " + last.Format(time.RFC3339) + "."
	default:
		said += " sends events: one was taken at " + last.Format(time.RFC3339) + "."
	}
	return alerts.Judgement{Outcome: alerts.Judged, Fires: fires, Text: strings.Join(strings.Fields(said), " "), Facts: facts, Path: "/ingest"}, nil
}
