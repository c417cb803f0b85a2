package scorecard

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"plumbline/pkg/metric"
)

// The scorecard for programs that scrape, such as Prometheus, and for what draws from them. What is scraped over and over tells
// nothing more than the scorecard does: it has gone through the same floor.

// getOpenMetrics answers with the measures of a scope and period as OpenMetrics.
func (a *app) getOpenMetrics(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency", "definition", "constant_currency", "measures")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	card, _, err := v.scorecard(c, p, v.currencyOf(p))
	if err != nil {
		return err
	}
	body, err := card.openMetrics(v.viewer.Workspace, v.snapshot.AsOf, v.snapshot.CompleteThrough)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-cache")
	c.Data(http.StatusOK, string(expfmt.NewFormat(expfmt.TypeOpenMetrics)), body)
	return nil
}

// gauges collects families of gauges in the order in which they are first named.
type gauges struct {
	scope    string
	families []*dto.MetricFamily
}

// add adds a sample; labels are names and values in turn. What is not known has no sample: it is not 0.
func (g *gauges) add(name, help string, value *float64, labels ...string) {
	if value == nil {
		return
	}
	i := slices.IndexFunc(g.families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	if i < 0 {
		i = len(g.families)
		g.families = append(g.families, &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()})
	}
	m := &dto.Metric{Gauge: &dto.Gauge{Value: value}, Label: []*dto.LabelPair{{Name: new("scope"), Value: &g.scope}}}
	for pair := range slices.Chunk(labels, 2) {
		m.Label = append(m.Label, &dto.LabelPair{Name: &pair[0], Value: &pair[1]})
	}
	g.families[i].Metric = append(g.families[i].Metric, m)
}

// openMetrics writes the measures and the ladder. Values are floating-point numbers there, as everything that scrapes keeps them: the
// exact ones are in the scorecard and its exports.
func (card scorecardAnswer) openMetrics(workspace string, asOf, through time.Time) ([]byte, error) {
	g := gauges{scope: card.Scope}
	g.add("plumbline_scorecard", "What the other samples are of.", new(1.0), "workspace", workspace, "from", card.Period.From, "to", card.Period.To,
		"zone", card.Period.Zone, "currency", card.Currency, "definition", card.Definition)
	g.add("plumbline_as_of_timestamp_seconds", "When the numbers were read.", secondsOf(asOf))
	g.add("plumbline_complete_through_timestamp_seconds", "Every event that was taken before this is in the numbers.", secondsOf(through))
	for _, key := range slices.Sorted(maps.Keys(card.Measures)) {
		g.measure(card.Measures[key])
	}
	for _, r := range card.Ladder {
		g.add("plumbline_net_positive_probability", "How likely it is that a rung is worth more than it costs.", r.Positive, "rung", string(r.Rung))
	}
	var body bytes.Buffer
	w := expfmt.NewEncoder(&body, expfmt.NewFormat(expfmt.TypeOpenMetrics))
	for _, f := range g.families {
		if err := w.Encode(f); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.GetName(), err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(&body); err != nil {
		return nil, fmt.Errorf("end the answer: %w", err)
	}
	return body.Bytes(), nil
}

func (g *gauges) measure(m metric.Measure) {
	of := []string{"measure", m.Key, "unit", m.Unit}
	g.add("plumbline_measure", "The value of a measure; no sample where it is withheld or not measured.", floatOf(m.Value), of...)
	g.add("plumbline_measure_low", "The lower end of its interval.", m.Low, of...)
	g.add("plumbline_measure_high", "The upper end of its interval.", m.High, of...)
	g.add("plumbline_measure_level", "How often such an interval holds the truth.", m.Level, of...)
	g.add("plumbline_measure_evidence_grade", "The lowest grade of evidence in it, 0 to 5.", countOf(m.Grade), of...)
	g.add("plumbline_measure_events", "How many events, or deals, it is of.", countOf(m.N), of...)
	g.add("plumbline_measure_people", "How many people stand behind it.", countOf(m.People), of...)
	if m.Target != nil {
		g.add("plumbline_measure_target", "What it should reach in the period.", floatOf(&m.Target.Value), of...)
	}
	reason := ""
	if m.Reason != nil {
		reason = *m.Reason
	}
	g.add("plumbline_measure_status", "1 for what is the case with the measure: ok, or why there is no value.", new(1.0), append(of, "status", string(m.Status), "reason", reason)...)
}

func floatOf(x *metric.Exact) *float64 {
	if x == nil {
		return nil
	}
	return new(x.InexactFloat64())
}

func countOf[N int | uint64](n *N) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n))
}

// secondsOf is the Unix time of an instant; nil where it is not known.
func secondsOf(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	return new(float64(t.UnixMilli()) / float64(time.Second/time.Millisecond))
}
