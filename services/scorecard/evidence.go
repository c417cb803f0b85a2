package scorecard

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/metric"
)

// column describes one column of evidence.
type column struct {
	Key   string  `json:"key"`
	Title string  `json:"title"`
	Unit  *string `json:"unit"`
	Type  string  `json:"type"`
}

// evidenceRow is one row: the text of each column, in their order, nil where it has none, and the place of the row in
// the order, for the cursor.
type evidenceRow struct {
	place  string
	values []*string
}

// evidence are the rows behind a number, all of them or the page that was asked for.
type evidence struct {
	rowsAre string
	columns []column
	rows    []evidenceRow
	// paged says that rows are a page already, and next where the following one begins.
	paged bool
	next  *string
	total evidenceTotal
}

type evidenceTotal struct {
	Value  *metric.Exact `json:"value"`
	Rows   uint64        `json:"rows"`
	N      *uint64       `json:"n"`
	Status metric.Status `json:"status"`
	Reason *string       `json:"reason"`
}

// evidenceAnswer is the answer of /evidence.
type evidenceAnswer struct {
	Measure         string           `json:"measure"`
	Scope           string           `json:"scope"`
	Period          period           `json:"period"`
	Adds            string           `json:"adds"`
	RowsAre         string           `json:"rows_are"`
	Formula         string           `json:"formula"`
	Unit            string           `json:"unit"`
	Total           evidenceTotal    `json:"total"`
	Columns         []column         `json:"columns"`
	Rows            []map[string]any `json:"rows"`
	Next            *string          `json:"next"`
	AsOf            string           `json:"as_of"`
	CompleteThrough *string          `json:"complete_through"`
	// RawSince is the first day whose rows are listed, where days of the period lie before it: their rows were dropped after
	// the retention, and count in the total all the same.
	RawSince *string `json:"raw_since"`
	CSV      string  `json:"csv"`
}

// getEvidence answers with the rows that a number is made of.
func (a *app) getEvidence(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "measure", "from", "to", "scope", "currency", "basis", "definition", "constant_currency", "limit", "cursor", "format")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	currency := v.currencyOf(p)
	if p.format == "csv" {
		p.limit, p.cursor = 0, ""
	}
	n, err := v.numbersOf(c, p, currency)
	if err != nil {
		return err
	}
	e, err := v.evidence(c, n, p, currency)
	if err == nil {
		err = a.discloseEvidence(c, p)
	}
	if err != nil {
		return err
	}
	if p.format == "csv" {
		return writeCSV(c, e, p)
	}
	if !e.paged {
		if err := e.cut(p); err != nil {
			return err
		}
	}
	d, _ := v.rules.Lookup(p.measure)
	link := claimQuery(p.measure, p, currency)
	presentOnly(link)
	link.Set("format", "csv")
	answer := evidenceAnswer{
		Measure: p.measure, Scope: p.scope.String(), Period: v.period(p.from, p.to), Adds: d.Adds, RowsAre: e.rowsAre, Formula: d.Formula,
		Unit: n.folds[p.measure].Measure.Unit, Total: e.total, Columns: e.columns, Rows: []map[string]any{}, Next: e.next,
		AsOf: v.asOf(), CompleteThrough: v.completeThrough(), CSV: "/api/v1/evidence?" + link.Encode(),
	}
	if answer.RawSince, err = v.rawSince(c, p, e); err != nil {
		return err
	}
	for _, r := range e.rows {
		answer.Rows = append(answer.Rows, e.object(r))
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// rawSince tells from which day on evidence that lists events is complete; nil where it is.
func (v *view) rawSince(ctx context.Context, p params, e *evidence) (*string, error) {
	if e.rowsAre != "events" {
		return nil, nil
	}
	seal, err := v.db.Seal(ctx)
	if err != nil || !p.from.Before(seal.DroppedBefore.Time) {
		return nil, err
	}
	return new(seal.DroppedBefore.String()), nil
}

// evidence collects the rows of one measure.
func (v *view) evidence(c *gin.Context, n *numbers, p params, currency string) (*evidence, error) {
	switch m := n.folds[p.measure].Measure; {
	case m.Status == metric.Withheld && m.Reason != nil && (*m.Reason == floorReason || *m.Reason == "not_personal"):
		return &evidence{rowsAre: "cells", columns: []column{}, total: evidenceTotal{Status: m.Status, Reason: m.Reason}}, nil
	case isPillar(p.measure):
		return v.pillarEvidence(n, p), nil
	case isRung(p.measure):
		return ladderEvidence(n, p), nil
	case p.measure == metric.VendorSpend:
		return v.spendEvidence(c, n, p, currency)
	case p.measure == metric.HoursSavedNet || p.measure == metric.ReworkRate || p.measure == metric.CapacityValue:
		switch {
		case p.scope.Kind == metric.ScopeMe && p.measure == metric.CapacityValue:
			return ownCells(n, p), nil
		case p.scope.Kind == metric.ScopeMe:
			return v.ownHours(c, n, p)
		}
		return v.hoursCells(n, p), nil
	case p.measure == metric.AICost:
		return v.costEvidence(n, p), nil
	case p.measure == metric.VendorSavings:
		return v.savingsEvidence(c, n, currency)
	case p.measure == metric.PipelineValue:
		return pipelineValueEvidence(n, p), nil
	case p.measure == metric.PipelineInfluenced:
		return v.influencedEvidence(c, n, p, currency)
	case p.measure == metric.ConversionValue:
		return conversionEvidence(n, p), nil
	case p.measure == metric.PerceptionGap || p.measure == metric.Satisfaction:
		return pulseEvidence(n, p), nil
	}
	return v.dealEvidence(n, p, currency), nil
}

// object is a row as JSON: numbers exactly, absent values null.
func (e *evidence) object(r evidenceRow) map[string]any {
	out := map[string]any{}
	for i, col := range e.columns {
		switch text := r.values[i]; {
		case text == nil:
			out[col.Key] = nil
		case col.Type == "number":
			out[col.Key] = jsonNumber(*text)
		default:
			out[col.Key] = *text
		}
	}
	return out
}

// jsonNumber is the text of a decimal that is written as it is.
type jsonNumber string

// MarshalJSON writes the digits.
func (n jsonNumber) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// cut keeps the page that the parameters ask for; rows are in the order of their places.
func (e *evidence) cut(p params) error {
	places := make([]string, 0, len(e.rows))
	byPlace := map[string]evidenceRow{}
	for _, r := range e.rows {
		places, byPlace[r.place] = append(places, r.place), r
	}
	places, next, err := page(places, p)
	if err != nil {
		return err
	}
	rows := make([]evidenceRow, 0, len(places))
	for _, place := range places {
		rows = append(rows, byPlace[place])
	}
	e.rows, e.next = rows, next
	return nil
}

// writeCSV writes all rows with a header. A text that a spreadsheet would take for a formula gets a quote before it.
func writeCSV(c *gin.Context, e *evidence, p params) error {
	var body strings.Builder
	w := csv.NewWriter(&body)
	header := make([]string, 0, len(e.columns))
	for _, col := range e.columns {
		header = append(header, col.Key)
	}
	if err := w.Write(header); err != nil {
		return err
	}
	for _, r := range e.rows {
		line := make([]string, len(r.values))
		for i, text := range r.values {
			if text == nil {
				continue
			}
			line[i] = *text
			if e.columns[i].Type == "text" {
				line[i] = spreadsheet(*text)
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	name := url.PathEscape(strings.Join([]string{p.measure, p.from.String(), p.to.String()}, "_"))
	c.Header("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	c.Header("Cache-Control", "private, no-cache")
	c.Data(http.StatusOK, "text/csv; charset=utf-8", []byte(body.String()))
	return w.Error()
}

func text(key, title string) column { return column{Key: key, Title: title, Type: "text"} }

func number(key, title, unit string) column {
	return column{Key: key, Title: title, Unit: &unit, Type: "number"}
}
