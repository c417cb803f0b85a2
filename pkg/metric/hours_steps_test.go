package metric_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
)

// Three rows of work: all of it with the baseline that its events give, some of it, and none of it.
//
//	row 1: given 200, spent 100 = 50 doing + 20 prompting + 15 review + 10 rework + 5 correction
//	row 2: 3 events spent 90; the 2 with a baseline gave 80 and spent 70
//	row 3: 40 minutes, no baseline: in no number
//	net = (200 − 100) + (80 − 70) = 110 min = 1.8333… h, without AI 200 + 80 = 280 min = 4.6666… h
func TestHoursSteps(t *testing.T) {
	on := func(d int) time.Time { return time.Date(2026, 10, d, 0, 0, 0, 0, time.UTC) }
	in := metric.HoursInput{Declared: declared, Rows: []metric.HoursRow{
		{Day: on(1), Team: "a", Workflow: "w", N: 2, Units: decimalOf("2"), Minutes: decimalOf("100"), GivenN: 2, GivenUnits: decimalOf("2"), GivenBaseline: decimalOf("200"), GivenMinutes: decimalOf("100")},
		{Day: on(2), Team: "a", Workflow: "w", N: 3, Units: decimalOf("3"), Minutes: decimalOf("90"), GivenN: 2, GivenUnits: decimalOf("2"), GivenBaseline: decimalOf("80"), GivenMinutes: decimalOf("70")},
		{Day: on(3), Team: "a", Workflow: "x", N: 1, Units: decimalOf("1"), Minutes: decimalOf("40")},
	}}
	parts := []metric.HoursPartsRow{
		{Day: on(1), Team: "a", Workflow: "w", Doing: decimalOf("50"), Prompting: decimalOf("20"), Review: decimalOf("15"), Rework: decimalOf("10"), Correction: decimalOf("5")},
		{Day: on(2), Team: "a", Workflow: "w", Doing: decimalOf("90")},
		{Day: on(3), Team: "a", Workflow: "x", Doing: decimalOf("40")},
	}
	net := metric.FoldHours(in).Measure.Value.Decimal
	for _, tt := range []struct {
		name, open string
		want       map[string]string
	}{
		{"all months over", "", map[string]string{
			"without_ai": "4.666666666667", "doing": "-0.833333333333", "prompting": "-0.333333333333", "review": "-0.25", "rework": "-0.166666666667",
			"correction": "-0.083333333333", "untold": "-1.166666666667",
		}},
		{"what is not over is told as a whole", "2026-10-02", map[string]string{
			"without_ai": "3.333333333333", "doing": "-0.833333333333", "prompting": "-0.333333333333", "review": "-0.25", "rework": "-0.166666666667",
			"correction": "-0.083333333333", "open": "0.166666666667",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			steps, total := metric.HoursSteps(in, parts, net, tt.open), decimal.Zero
			if len(steps) != len(tt.want) || steps[0].Key != "without_ai" {
				t.Errorf("got %d steps, the first %q; want %d, the first without_ai", len(steps), steps[0].Key, len(tt.want))
			}
			for _, s := range steps {
				total = total.Add(s.Value.Decimal)
				if got := s.Value.Round(12).String(); got != tt.want[s.Key] {
					t.Errorf("%s is %s, want %s", s.Key, got, tt.want[s.Key])
				}
			}
			if !total.Equal(net) {
				t.Errorf("the steps sum to %s, the number is %s", total, net)
			}
		})
	}
}

func TestHoursPartsSQL(t *testing.T) {
	sql, args := metric.HoursPartsQuery{Window: window(metric.Scope{Kind: metric.ScopeTeam, Key: "a"})}.SQL()
	want := `SELECT day, team, workflow, trial,
  sum(doing_minutes) AS doing_minutes, sum(prompting_minutes) AS prompting_minutes, sum(review_minutes) AS review_minutes,
  sum(rework_minutes) AS rework_minutes, sum(correction_minutes) AS correction_minutes
FROM rollup_hours
WHERE ` + and(inWorkspace, inPeriod, "team = {key:String}", inCurrent) + `
  AND assisted
GROUP BY day, team, workflow, trial
ORDER BY day, team, workflow, trial`
	if sql != want || args["key"] != "a" {
		t.Errorf("got %s with %v", sql, args)
	}
}
