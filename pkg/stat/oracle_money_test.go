package stat_test

import (
	"encoding/json"
	"testing"
	"time"

	"plumbline/pkg/stat"
)

type moneyIn struct {
	Rate     float64              `json:"rate"`
	Initial  float64              `json:"initial_cost"`
	Costs    []float64            `json:"costs"`
	Benefits []float64            `json:"benefits"`
	Flows    []float64            `json:"flows"`
	Dated    [][2]json.RawMessage `json:"dated_flows"`
}

func (in moneyIn) dated(t *testing.T) []stat.Flow {
	t.Helper()
	flows := make([]stat.Flow, 0, len(in.Dated))
	for _, d := range in.Dated {
		var day string
		var f stat.Flow
		if err := json.Unmarshal(d[0], &day); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(d[1], &f.Benefit); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		f.At = at
		flows = append(flows, f)
	}
	return flows
}

func TestOracleNPV(t *testing.T) {
	for _, c := range readOracle[moneyIn, map[string]float64](t, "npv_roi.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			fields := map[string]float64{}
			switch {
			case c.In.Dated != nil:
				fields["xnpv"] = stat.XNPV(c.In.Rate, c.In.dated(t))
			case c.In.Flows != nil:
				fields["npv"] = stat.NPV(c.In.Rate, c.In.Flows)
			default:
				a := stat.AppraiseYears(c.In.Rate, c.In.Initial, c.In.Costs, c.In.Benefits)
				fields = map[string]float64{
					"pv_costs": a.PVCosts, "pv_benefits": a.PVBenefits, "npv": a.NPV, "roi_percent": 100 * a.ROI,
				}
			}
			for name, want := range c.Out {
				have, known := fields[name]
				if !known {
					t.Fatalf("the oracle has %q, which this test does not check", name)
				}
				tol := c.Tolerance["money"]
				if name == "roi_percent" {
					tol = c.Tolerance["percent"]
				}
				near(t, name, have, want, tol)
			}
		})
	}
}

func TestOracleTimeSavings(t *testing.T) {
	type in struct {
		Users       []float64 `json:"users"`
		Hours       float64   `json:"hours_per_month"`
		Months      float64   `json:"months"`
		Rate        float64   `json:"rate"`
		Realisation float64   `json:"realisation"`
		Risk        float64   `json:"risk"`
		Staff       float64   `json:"staff"`
		Salary      float64   `json:"salary"`
		Saved       float64   `json:"time_saved"`
	}
	type out struct {
		Value    []float64 `json:"value"`
		Gross    float64   `json:"gross"`
		Realised float64   `json:"realised"`
	}
	product := func(first float64, factors ...float64) float64 {
		e := stat.Constant(first)
		for _, f := range factors {
			e = stat.Product(e, stat.Constant(f), 0.9)
		}
		return e.Value
	}
	for _, c := range readOracle[in, out](t, "time_savings.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			// Users × hours × months × rate × realisation × (1 − risk).
			for i, users := range c.In.Users {
				got := product(users, c.In.Hours, c.In.Months, c.In.Rate, c.In.Realisation, 1-c.In.Risk)
				near(t, "value", got, c.Out.Value[i], c.Tolerance["money"])
			}
			gross := product(c.In.Staff, c.In.Salary, c.In.Saved)
			near(t, "gross", gross, c.Out.Gross, c.Tolerance["money"])
			if c.Out.Realised > 0 {
				near(t, "realised", product(gross, c.In.Realisation), c.Out.Realised, c.Tolerance["money"])
			}
		})
	}
}
