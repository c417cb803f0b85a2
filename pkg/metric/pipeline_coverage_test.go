package metric_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
)

// The 90 % interval of the pipeline value covers the truth in 90 % of simulated quarters: 200 deals on either side, win rates of
// 0.4 and 0.3, log-normal amounts. Of 2,000 repetitions the covered share has a standard error of 0.7 points, and so the
// bounds are three of them away.
func TestPipelineValueCoversTheTruth(t *testing.T) {
	const repetitions, n, margin = 2000, 200, 0.4
	r := rand.New(rand.NewPCG(7, 11))
	truth := n * 0.1 * math.Exp(7+0.5*0.5/2) * margin
	yes, no := true, false
	share := decimalOf("0.4")
	closed := at("2026-10-05")
	covered := 0
	for range repetitions {
		var rows []metric.DealRow
		for i := range 2 * n {
			d := metric.DealRow{Deal: "d", Day: closed, CreatedAt: closed, DecidedAt: &closed, DecidedDay: &closed, Status: "lost", Currency: "USD", Assisted: &no, Margin: &share}
			rate := 0.3
			if i < n {
				d.Assisted, rate = &yes, 0.4
			}
			if r.Float64() < rate {
				d.Status, d.Amount = "won", new(decimal.NewFromFloat(math.Exp(7+0.5*r.NormFloat64())).Round(2))
			}
			rows = append(rows, d)
		}
		m := metric.FoldPipelineValue(pipelineInput(rows), "USD").Measure
		if *m.Low <= truth && truth <= *m.High {
			covered++
		}
	}
	got := float64(covered) / repetitions
	t.Logf("covered %.3f", got)
	if got < 0.88 || got > 0.92 {
		t.Errorf("%.3f of the intervals cover the truth, want 0.88 to 0.92", got)
	}
}

// The share of a named deal that is due to the treatment has an interval that covers, too: 4,000 exposures an arm, rates of
// 0.06 and 0.05, of which the true share is a sixth.
func TestShareOfANamedDealCoversTheTruth(t *testing.T) {
	const repetitions, n = 2000, 4000
	r := rand.New(rand.NewPCG(3, 5))
	margin := decimal.NewFromInt(1)
	plan := metric.Plan{Registered: true, Control: "c", Grade: 5, Design: "randomised", Margin: &margin}
	drawn := func(rate float64) (k uint64) {
		for range n {
			if r.Float64() < rate {
				k++
			}
		}
		return k
	}
	covered := 0
	for range repetitions {
		x := metric.FoldExperiment([]metric.ConversionRow{arm("a", "conversion", n, drawn(0.06)), arm("c", "conversion", n, drawn(0.05))}, plan, "", "USD", noFX)
		links, _ := metric.LinkedDeals([]metric.LinkRow{{Experiment: x.Experiment, Variant: "a", Metric: "conversion", Deal: "d"}}, []metric.Experiment{x})
		share := links["d"].Share.InexactFloat64()
		if math.Abs(share-1./6) <= 1.6448536*links["d"].SE {
			covered++
		}
	}
	got := float64(covered) / repetitions
	t.Logf("covered %.3f", got)
	if got < 0.88 || got > 0.92 {
		t.Errorf("%.3f of the intervals cover the truth, want 0.88 to 0.92", got)
	}
}
