package stat_test

import (
	"strconv"
	"testing"

	"plumbline/pkg/stat"
)

// number is an optional cell of a data set.
func number(t *testing.T, cell string) stat.OptionalFloat {
	t.Helper()
	if cell == "" {
		return stat.OptionalFloat{}
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return stat.Some(v)
}

func metrTasks(t *testing.T, name string) []stat.TrialTask {
	t.Helper()
	rows := readRows(t, name)
	tasks := make([]stat.TrialTask, 0, len(rows))
	for _, r := range rows {
		tasks = append(tasks, stat.TrialTask{
			Assisted: number(t, r["ai_treatment"]).Value == 1,
			Person:   r["dev_id"],
			Parts: []stat.OptionalFloat{
				number(t, r["initial_implementation_time"]),
				number(t, r["post_review_implementation_time"]),
			},
			EstimateUnassisted: number(t, r["predicted_time_no_ai"]),
			EstimateAssisted:   number(t, r["predicted_time_ai_allowed"]),
		})
	}
	return tasks
}

func TestOracleTimeTrial(t *testing.T) {
	type in struct {
		Dataset string `json:"dataset"`
	}
	for _, c := range readOracle[in, map[string]float64](t, "time_trial.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			got := stat.TimeTrial(metrTasks(t, c.In.Dataset), 0.95)
			fields := map[string]float64{
				"ratio_minus_one": got.Ratio.Value, "low": got.Ratio.Low, "high": got.Ratio.High,
				"low_hc3": got.RatioHC3.Low, "high_hc3": got.RatioHC3.High,
				"low_clustered": got.RatioClustered.Low, "high_clustered": got.RatioClustered.High,
				"naive_ratio_minus_one": got.Naive, "forecast_saving": got.Forecast.Value,
			}
			for name, want := range c.Out {
				have, known := fields[name]
				if !known {
					t.Fatalf("the oracle has %q, which this test does not check", name)
				}
				near(t, name, have, want, c.Tolerance["abs"])
			}
			// 246 tasks, 136 with AI and 110 without (SOURCES.md).
			if got.Assisted != 136 || got.Unassisted != 110 || got.Ratio.N != 246 {
				t.Errorf("tasks = %d + %d, fitted %d", got.Assisted, got.Unassisted, got.Ratio.N)
			}
			if !got.Adjusted || got.MissingCovariate != 0 || got.Unusable != 0 || got.ImputedParts == 0 {
				t.Errorf("result = %+v", got)
			}
			if got.CompleteCase.N+got.ImputedTasks != 246 || !got.CompleteCase.Bounded() {
				t.Errorf("complete case = %+v, imputed tasks %d", got.CompleteCase, got.ImputedTasks)
			}
		})
	}
}
