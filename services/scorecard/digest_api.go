package scorecard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/services/scorecard/digest"
)

// digestPolicy is the content policy of a digest, whose styles stand in the page: nothing else of it is loaded, and nothing runs.
const digestPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// getDigest answers with the digest of a scope as the viewer may see it.
func (a *app) getDigest(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	format := query.Get("format")
	if format == "" {
		format = "html"
	}
	if (format != "html" && format != "text") || len(query["format"]) > 1 {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/format", Message: "use html or text"}}}
	}
	query.Del("format")
	p, err := v.digestParams(query)
	if err != nil {
		return err
	}
	d, err := v.writeDigest(c, p, a.cfg.URL)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-cache")
	if format == "text" {
		c.Data(http.StatusOK, "text/plain; charset=utf-8", d.Text())
		return nil
	}
	page, err := d.HTML()
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", digestPolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", page)
	return nil
}

// digest writes the digest of a scope over the usual period.
func (v *view) digest(ctx context.Context, scope, address string) (digest.Digest, error) {
	p, err := v.digestParams(url.Values{"scope": {scope}})
	if err != nil {
		return digest.Digest{}, err
	}
	return v.writeDigest(ctx, p, address)
}

// digestParams are those of /scorecard, compared with the period before.
func (v *view) digestParams(query url.Values) (params, error) {
	p, err := parseParams(query, v.today, "from", "to", "scope", "currency")
	p.compare = "previous"
	return p, err
}

// writeDigest puts the scorecard into words: the same answer that /scorecard gives.
func (v *view) writeDigest(ctx context.Context, p params, address string) (digest.Digest, error) {
	if err := v.admit(ctx, p.scope); err != nil {
		return digest.Digest{}, err
	}
	card, _, err := v.scorecard(ctx, p, v.currencyOf(p))
	if err != nil {
		return digest.Digest{}, err
	}
	out := digest.Digest{
		Title: capital(v.scopeTitle(p.scope)), Period: spanText(card.Period.From, card.Period.To), Through: "How complete the numbers are is not known.",
		Groups: []digest.Group{{Title: "Return", Rows: ladderRows(card.Ladder)}},
	}
	if p.scope.Kind == metric.ScopeMe {
		out.Title = "My own work"
	}
	if card.Compare != nil {
		out.Compared = "Compared with " + spanText(card.Compare.From, card.Compare.To)
	}
	if t := v.snapshot.CompleteThrough; !t.IsZero() {
		out.Through = "Complete through " + t.In(v.zone).Format("2 January 2006, 15:04 MST")
	}
	if address != "" {
		out.URL = strings.TrimRight(address, "/") + viewPath(p)
	}
	for _, pillar := range []string{"efficiency", "growth", "cost", "measurement", "governance", "ownership", "perception", "enablement"} {
		g := digest.Group{Title: capital(pillar)}
		for _, d := range metric.Catalogue() {
			m, ok := card.Measures[d.Key]
			if _, rung := metric.RungOf(d.Key); ok && !rung && d.Pillar == pillar {
				g.Rows = append(g.Rows, measureRow(d, m, card.Period))
			}
		}
		if len(g.Rows) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	return out, nil
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// spanText writes the days [from, to) with the last of them.
func spanText(from, to string) string {
	const form = "2 January 2006"
	return dayOf(from).Format(form) + " to " + addDays(dayOf(to), -1).Format(form)
}

// measureRow puts one measure into words.
func measureRow(d metric.Definition, m metric.Measure, p period) digest.Row {
	row := digest.Row{Title: d.Title}
	if m.Status != metric.OK || m.Value == nil {
		row.Silent, row.Value = true, silence(m.Status, m.Reason, m.Warnings)
		return row
	}
	row.Value = digest.Figure(m.Value.Decimal, m.Unit)
	row.Range = rangeText(m.Low, m.High, m.Level, m.Unit)
	if m.Grade != nil {
		row.Grade = fmt.Sprintf("evidence grade %d of 5", *m.Grade)
	}
	row.Change = changeText(m)
	var notes []string
	for _, w := range m.Warnings {
		if w.Code == "observational" {
			notes = append(notes, "observational: not added to the ladder")
		}
	}
	if m.Target != nil {
		notes = append(notes, "target "+digest.Figure(m.Target.Value.Decimal, m.Unit))
	}
	if m.Covers != nil && (m.Covers.From != p.From || m.Covers.To != p.To) {
		notes = append(notes, "of "+spanText(m.Covers.From, m.Covers.To)+": others' work is shown in whole months")
	}
	row.Note = strings.Join(notes, "; ")
	return row
}

// silence says in words why there is no value.
func silence(status metric.Status, reason *string, warnings []metric.Warning) string {
	if status == metric.NoData {
		return "not measured"
	}
	if reason == nil {
		return "withheld"
	}
	for _, w := range warnings {
		if w.Code == *reason {
			return "withheld: " + w.Message
		}
	}
	return "withheld: " + strings.ReplaceAll(*reason, "_", " ")
}

func rangeText(low, high, level *float64, unit string) string {
	if low == nil || high == nil || level == nil {
		return ""
	}
	from, to := digest.Figure(decimal.NewFromFloat(*low), unit), digest.Figure(decimal.NewFromFloat(*high), unit)
	if from == to {
		return "" // it was counted, not estimated
	}
	return fmt.Sprintf("%.0f%% range %s to %s", 100**level, from, to)
}

// changeText says what has changed since the period before.
func changeText(m metric.Measure) string {
	before := m.Previous
	switch {
	case before == nil:
		return ""
	case before.Status == metric.NoData:
		return "not measured in the period before"
	case before.Status != metric.OK || before.Value == nil:
		return "the period before is withheld"
	}
	return digest.Difference(m.Value.Decimal, before.Value.Decimal, m.Unit) + " since the period before (" + digest.Figure(before.Value.Decimal, m.Unit) + ")"
}

// chanceText is a probability in words where a rounded figure would claim to be certain.
func chanceText(p float64) string {
	switch {
	case p > 0.99:
		return "more than 99%"
	case p < 0.01:
		return "less than 1%"
	}
	return fmt.Sprintf("%.0f%%", 100*p)
}

// ladderRows puts the rungs of the ladder into words, each with what is missing from it.
func ladderRows(rungs []metric.LadderRung) []digest.Row {
	titles := map[metric.Rung]string{metric.RungCash: "Cash", metric.RungCapacity: "+ realised capacity", metric.RungGrowth: "+ growth"}
	var out []digest.Row
	for _, r := range rungs {
		row := digest.Row{Title: titles[r.Rung]}
		if r.Status != metric.OK || r.Net == nil {
			row.Silent, row.Value = true, silence(r.Status, r.Reason, r.Warnings)
		} else {
			row.Value = "net " + digest.Figure(r.Net.Decimal, r.Currency)
			row.Range = rangeText(r.Low, r.High, r.Level, r.Currency)
			if r.Grade != nil {
				row.Grade = fmt.Sprintf("evidence grade %d of 5", *r.Grade)
			}
			if r.Positive != nil {
				row.Change = "probability that the net is above 0: " + chanceText(*r.Positive)
			}
		}
		var missing []string
		for _, m := range r.Missing {
			d, _ := metric.Lookup(m.Measure)
			missing = append(missing, d.Title)
		}
		slices.Sort(missing)
		if missing = slices.Compact(missing); len(missing) > 0 {
			row.Note = "without " + strings.Join(missing, ", ") + ", which cannot be told"
		}
		out = append(out, row)
	}
	return out
}
