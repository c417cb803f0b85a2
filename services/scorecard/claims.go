package scorecard

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/metric"
)

// claimAnswer is the answer of /claims/{id}.
type claimAnswer struct {
	ID         string            `json:"id"`
	Measure    string            `json:"measure"`
	Title      string            `json:"title"`
	Formula    string            `json:"formula"`
	Definition string            `json:"definition"`
	Period     period            `json:"period"`
	Scope      string            `json:"scope"`
	Currency   string            `json:"currency"`
	Value      metric.Measure    `json:"value"`
	Waterfall  []metric.Step     `json:"waterfall"`
	Inputs     []metric.Input    `json:"inputs"`
	Counts     []metric.Count    `json:"counts"`
	Exclusions []metric.Excluded `json:"exclusions"`
	QueryHash  string            `json:"query_hash"`
	Evidence   string            `json:"evidence"`
	// Disputed are the workflows whose baselines price the number and are disputed now.
	Disputed []disputedWorkflow `json:"disputed"`
	// Moved is nil where the link states no value of then; Movement is nil where the number still stands.
	Moved           *bool     `json:"moved"`
	Movement        *movement `json:"movement"`
	AsOf            string    `json:"as_of"`
	CompleteThrough *string   `json:"complete_through"`
}

// claimQuery is the question that a claim answers, in one fixed form.
func claimQuery(key string, p params, currency string) url.Values {
	q := url.Values{
		"measure": {key}, "from": {p.from.String()}, "to": {p.to.String()}, "scope": {p.scope.String()},
		"currency": {currency}, "definition": {p.definition},
	}
	if !p.constant.IsZero() {
		q.Set("constant_currency", p.constant.String())
	}
	if p.basis == metric.Created {
		q.Set("basis", string(metric.Created))
	}
	return q
}

// presentOnly leaves the version of the definitions out of a link where it is the present one.
func presentOnly(q url.Values) {
	if q.Get("definition") == metric.DefinitionVersion {
		q.Del("definition")
	}
}

// claimOf is the link to the claim of a measure as the view shows it. Its id is opaque to readers: the question itself with
// what it states, so that a claim needs no storage and its link holds for ever.
func (v *view) claimOf(m metric.Measure, p params, currency string) string {
	q := claimQuery(m.Key, p, currency)
	v.state(q, m, p.scope)
	return "/api/v1/claims/" + base64.RawURLEncoding.EncodeToString([]byte(q.Encode()))
}

// getClaim computes a number again and says what it is made of. It shows what the viewer may see, whoever made the link.
func (a *app) getClaim(c *gin.Context, v *view) error {
	id := c.Param("id")
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return errNotFound("there is no such claim")
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return errNotFound("there is no such claim")
	}
	p, err := parseParams(values, v.today, "measure", "from", "to", "scope", "currency", "definition", "basis", "constant_currency", "state", "value")
	if err != nil || values.Encode() != string(raw) {
		return errNotFound("there is no such claim")
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	n, err := v.numbersOf(c, p, v.currencyOf(p))
	if err != nil {
		return err
	}
	fold := n.folds[p.measure]
	if p.measure == metric.HoursSavedNet && len(fold.Inputs) > 0 {
		if fold.Inputs, err = v.medians(c, n, fold.Inputs); err != nil {
			return err
		}
	}
	d, _ := v.rules.Lookup(p.measure)
	evidence := claimQuery(p.measure, p, v.currencyOf(p))
	presentOnly(evidence)
	answer := claimAnswer{
		ID: id, Measure: p.measure, Title: d.Title, Formula: d.Formula, Definition: d.Version, Period: v.period(p.from, p.to),
		Scope: p.scope.String(), Currency: v.currencyOf(p), Value: v.marked(v.dress(fold.Measure, p, v.currencyOf(p)), n), Disputed: v.disputed(n, p.measure),
		Inputs: fold.Inputs, Counts: fold.Counts, Exclusions: []metric.Excluded{}, QueryHash: v.queryHash(),
		Evidence: "/api/v1/evidence?" + evidence.Encode(), AsOf: v.asOf(), CompleteThrough: v.completeThrough(),
	}
	for _, x := range v.excluded(n) {
		if x.Measure == p.measure || (isRung(p.measure) && x.Reason == metric.ReasonOverlap) {
			answer.Exclusions = append(answer.Exclusions, x)
		}
	}
	if then, ok := statedBy(values); ok {
		if answer.Movement, err = v.moved(c, then, p, v.currencyOf(p), n); err != nil {
			return err
		}
		answer.Moved = new(answer.Movement != nil)
	}
	// What the steps are read with is no part of how the number is: the hash of the queries is taken already.
	if answer.Waterfall, err = v.waterfall(c, n, p, v.currencyOf(p)); err != nil {
		return err
	}
	if answer.Inputs == nil {
		answer.Inputs = []metric.Input{}
	}
	if answer.Counts == nil {
		answer.Counts = []metric.Count{}
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// numbersOf computes the one measure that the parameters name.
func (v *view) numbersOf(c context.Context, p params, currency string) (*numbers, error) {
	v.by(p)
	w := v.window(p.from, p.to, p.scope)
	if p.basis == metric.Created && slices.Contains([]string{metric.WinRate, metric.CycleDays, metric.PipelineVelocity}, p.measure) {
		n := &numbers{window: w}
		folds, err := v.deals(c, n, metric.Created, currency)
		n.folds = folds
		return n, err
	}
	return v.compute(c, w, currency, p.measure)
}
