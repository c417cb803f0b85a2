package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// saved is a benefit of vendor savings without an error.
func saved(day, amount string) metric.Recognition {
	return metric.Recognition{
		Key: metric.InvoiceKey("agency", day, amount), Kind: metric.ByInvoice, Measure: metric.VendorSavings, Month: day[:7], Day: day,
		Amount: decimalOf(amount), Grade: 1, Rung: metric.RungCash, N: 1,
	}
}

// exactly is a measure of money whose error is none.
func exactly(key string, entries ...metric.Recognition) metric.Measure {
	total := decimal.Zero
	for _, r := range entries {
		total = total.Add(r.Amount)
	}
	point := total.InexactFloat64()
	return metric.Measure{Key: key, Unit: "USD", Status: metric.OK, Value: metric.ExactOf(total), Low: &point, High: &point, Grade: new(1)}
}

func paid(day, amount string) metric.Cost {
	return metric.Cost{Part: metric.PartSpend, Day: day, Amount: decimalOf(amount), N: 1, Rung: metric.RungCash, Grade: 1}
}

func learned(day, amount string) metric.Cost {
	return metric.Cost{Part: metric.PartTraining, Day: day, Amount: decimalOf(amount), N: 1, Rung: metric.RungCapacity, Estimated: true}
}

// onItsDay dates every flow on its own day.
func onItsDay(_, day string) string { return day }

func flat(rate string) metric.Assumed {
	r := decimalOf(rate)
	return metric.Assumed{Low: r, Mode: r, High: r, Source: "test"}
}

func climbing(from, rate string, benefits []metric.Recognition, costs ...metric.Cost) metric.LadderInput {
	in := metric.LadderInput{
		From: event.Day{Time: at(from)}, To: event.Day{Time: at(from).AddDate(10, 0, 0)}, Currency: "USD", Costs: costs,
		CostMeasure: metric.Measure{Key: metric.AICost, Status: metric.OK}, FlowDay: onItsDay, Discount: flat(rate), Haircut: metric.DefaultHaircut,
	}
	if len(benefits) > 0 {
		in.Benefits = []metric.Benefit{{Measure: exactly(metric.VendorSavings, benefits...), Rung: metric.RungCash, Counted: benefits}}
	}
	return in
}

func valueOf(t *testing.T, x *metric.Exact) float64 {
	t.Helper()
	if x == nil {
		t.Fatal("there is no value")
	}
	return x.InexactFloat64()
}

func oracleFile(t *testing.T, name string, into any) {
	t.Helper()
	folder := os.Getenv("PLUMBLINE_SHARED")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "oracles", name))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared folder is missing in CI: %v (set PLUMBLINE_SHARED)", err)
		}
		t.Skipf("shared folder is missing: %v (set PLUMBLINE_SHARED)", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// The published studies and spreadsheets, through the ladder itself: money of year i stands somewhere within that year, the
// initial cost on the first day, and what the ladder says is what they say.
func TestLadderReproducesPublishedStudies(t *testing.T) {
	var oracle struct {
		Cases []struct {
			Name string `json:"name"`
			In   struct {
				Rate     json.Number           `json:"rate"`
				Initial  *json.Number          `json:"initial_cost"`
				Costs    []json.Number         `json:"costs"`
				Benefits []json.Number         `json:"benefits"`
				Flows    []json.Number         `json:"flows"`
				Dated    [][2]*json.RawMessage `json:"dated_flows"`
			} `json:"in"`
			Out       map[string]float64 `json:"out"`
			Tolerance map[string]float64 `json:"tolerance"`
		} `json:"cases"`
	}
	oracleFile(t, "npv_roi.json", &oracle)
	const from = "2024-03-15"
	within := func(year int) string { return at(from).AddDate(year, 0, 37*year+1).Format(time.DateOnly) }
	for _, c := range oracle.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var benefits []metric.Recognition
			var costs []metric.Cost
			start := from
			for i, b := range append(c.In.Benefits, c.In.Flows...) {
				benefits = append(benefits, saved(within(i), b.String()))
			}
			if c.In.Initial != nil {
				costs = append(costs, paid(from, c.In.Initial.String()))
			}
			for i, x := range c.In.Costs {
				costs = append(costs, paid(within(i), x.String()))
			}
			for i, d := range c.In.Dated {
				var day string
				if err := json.Unmarshal(*d[0], &day); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					start = day
				}
				benefits = append(benefits, saved(day, string(*d[1])))
			}
			rung := metric.FoldLadder(climbing(start, c.In.Rate.String(), benefits, costs...)).Rungs[0]
			for name, want := range c.Out {
				have := map[string]*metric.Exact{"npv": rung.NPVYearEnd, "roi_percent": rung.ROIYearEnd, "xnpv": rung.NPV}[name]
				switch name {
				case "pv_costs", "pv_benefits":
					continue // their difference and quotient are checked
				case "roi_percent":
					near(t, name, new(100*valueOf(t, have)), want, c.Tolerance["percent"])
				default:
					near(t, name, new(valueOf(t, have)), want, c.Tolerance["money"])
				}
			}
		})
	}
}

func TestLadderRungs(t *testing.T) {
	savings := []metric.Recognition{saved("2026-10-11", "300")}
	capacity := metric.Recognition{
		Key: "task/x", Kind: metric.ByTask, Measure: metric.CapacityValue, Month: "2026-10", Day: "2026-10-21", Amount: decimalOf("100"), Rung: metric.RungCapacity, N: 4,
	}
	worth := exactly(metric.CapacityValue, capacity)
	worth.Low, worth.High = new(20.0), new(180.0)
	deals := exactly(metric.PipelineValue, metric.Recognition{Amount: decimalOf("1000")})
	in := climbing("2026-10-01", "0.1", savings, paid("2026-10-01", "200"), learned("2026-10-05", "50"))
	in.Benefits = append(in.Benefits,
		metric.Benefit{Measure: worth, Rung: metric.RungCapacity, Counted: []metric.Recognition{capacity}},
		metric.Benefit{Measure: deals, Rung: metric.RungGrowth, Beside: "observational"})
	l := metric.FoldLadder(in)
	cash, soft, growth := l.Rungs[0], l.Rungs[1], l.Rungs[2]
	// cash: 300 − 200; capacity: 300 + 100 − 200 − 50; the deals stand beside the growth rung and are not added.
	for i, want := range []string{"100", "150", "150"} {
		if got := l.Rungs[i].Net.Text(); got != want {
			t.Errorf("rung %d: net %s, want %s", i, got, want)
		}
	}
	// Haircuts: grade 1 loses 20 % of 300, grade 0 loses 30 % of 100; estimated costs rise by 5 %: 240 + 70 − 200 − 52.5.
	if got := soft.RiskAdjusted.Text(); got != "57.5" {
		t.Errorf("risk adjusted %s, want 57.5", got)
	}
	// PV: 300 ÷ 1.1^(10/365) = 299.218; ROI (299.218 − 200) ÷ 200.
	near(t, "npv", new(valueOf(t, cash.NPV)), 300/math.Pow(1.1, 10.0/365)-200, 1e-6)
	near(t, "roi", new(valueOf(t, cash.ROI)), (300/math.Pow(1.1, 10.0/365)-200)/200, 1e-6)
	// Payback: from −200 on day 0 to +100 on day 10: 200 ÷ 300 of ten days.
	if cash.Payback.Status != "reached" || cash.Payback.Days.Text() != "6.666667" || *cash.Payback.FirstCost != "2026-10-01" {
		t.Errorf("payback %+v", cash.Payback)
	}
	// Invoices have no error; the capacity's 90 % range is ± 80 around 100.
	if *cash.Low != 100 || *cash.High != 100 || *cash.Positive != 1 {
		t.Errorf("cash %v to %v, P %v", *cash.Low, *cash.High, *cash.Positive)
	}
	near(t, "low", soft.Low, 70, 3)
	near(t, "high", soft.High, 230, 3)
	// P(100 ± 48.6 > −50): Φ(150 ÷ 48.6) = 0.99898
	near(t, "P", soft.Positive, 0.99898, 0.0015)
	last := growth.Parts[2]
	if last.Counted || last.Value.Text() != "1000" || *last.Reason != "observational" {
		t.Errorf("deals %+v", last)
	}
	if *soft.Grade != 0 || *cash.Grade != 1 {
		t.Errorf("grades %d %d", *soft.Grade, *cash.Grade)
	}
	for _, r := range metric.Rungs() {
		cells, flows := decimal.Zero, decimal.Zero
		for _, c := range l.Folds[metric.NetValue(r)].Cells {
			cells = cells.Add(c.Value)
		}
		for _, f := range l.Flows[r] {
			flows = flows.Add(f.Benefit).Sub(f.Cost)
		}
		if net := l.Folds[metric.NetValue(r)].Measure.Value; !cells.Equal(net.Decimal) || !flows.Equal(net.Decimal) {
			t.Errorf("%s: cells %s and flows %s give %s", r, cells, flows, net.Text())
		}
	}
}

// Each way in which a number of the ladder is not there.
func TestLadderWithholds(t *testing.T) {
	one := []metric.Recognition{saved("2026-10-11", "300")}
	statusOf := func(in metric.LadderInput, key string) string {
		m := metric.FoldLadder(in).Folds[key].Measure
		if m.Reason != nil {
			return *m.Reason
		}
		return string(m.Status)
	}
	hidden := climbing("2026-10-01", "0.1", one, paid("2026-10-01", "100"))
	hidden.Benefits = append(hidden.Benefits, metric.Benefit{Measure: metric.Measure{Key: metric.CapacityValue, Status: metric.Withheld, Reason: new("no_rate")}, Rung: metric.RungCapacity})
	only := hidden
	only.Benefits, only.Costs = hidden.Benefits[1:], nil
	costless := climbing("2026-10-01", "0.1", one)
	withheld := climbing("2026-10-01", "0.1", one)
	withheld.CostMeasure = metric.Measure{Key: metric.AICost, Status: metric.Withheld, Reason: new("no_fx")}
	unknown := climbing("2026-10-01", "0.1", one, paid("2026-10-01", "100"))
	unknown.Benefits[0].Measure.Low = nil
	for _, c := range []struct {
		name, key, want string
		in              metric.LadderInput
	}{
		{"nothing at all", "net_value_cash", "no_data", climbing("2026-10-01", "0.1", nil)},
		{"the only part is withheld", "net_value_capacity", "no_rate", only},
		{"no costs, no return", "roi_cash", "no_costs", costless},
		{"no costs, nothing to pay back", "payback_cash", "no_investment", costless},
		{"costs that are withheld, no return", "roi_cash", "no_costs", withheld},
		{"not paid back", "payback_cash", "not_reached", climbing("2026-10-01", "0.1", one, paid("2026-10-01", "301"))},
		{"a withheld part leaves what stands", "net_value_capacity", "ok", hidden},
	} {
		if got := statusOf(c.in, c.key); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.name, c.key, got, c.want)
		}
	}
	rung := metric.FoldLadder(hidden).Rungs[1]
	if rung.Net.Text() != "200" || len(rung.Missing) != 1 || rung.Missing[0] != (metric.Missing{Measure: metric.CapacityValue, Reason: "no_rate"}) {
		t.Errorf("what stands: %+v", rung)
	}
	if r := metric.FoldLadder(costless).Rungs[0]; r.Costs.Text() != "0" || r.ROI != nil {
		t.Errorf("no costs: %+v", r)
	}
	if r := metric.FoldLadder(climbing("2026-10-01", "0.1", nil, paid("2026-10-01", "1"))).Rungs[0]; r.Benefits != nil || r.Net.Text() != "-1" {
		t.Errorf("no benefit is measured, so it is not 0: %+v", r)
	}
	if r := metric.FoldLadder(unknown).Rungs[0]; r.Low != nil || r.Positive != nil || r.Net.Text() != "200" {
		t.Errorf("an unknown error gives no range: %+v", r)
	}
}

// NPV is linear: of a mix of flows it is the mix of theirs.
func TestNPVIsLinear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	npv := func(benefits []metric.Recognition, costs []metric.Cost) float64 {
		return valueOf(t, metric.FoldLadder(climbing("2026-01-01", "0.1", benefits, costs...)).Rungs[0].NPV)
	}
	for range 200 {
		var x, y, both []metric.Recognition
		var paidX, paidBoth []metric.Cost
		a, b := decimal.New(r.Int64N(900)+1, -2), decimal.New(r.Int64N(900)+1, -2)
		for range 1 + r.IntN(8) {
			day := at("2026-01-01").AddDate(0, 0, r.IntN(1500)).Format(time.DateOnly)
			first, second := saved(day, fmt.Sprint(r.Int64N(2000)-500)), saved(day, fmt.Sprint(r.Int64N(2000)-500))
			x, y = append(x, first), append(y, second)
			first.Amount = first.Amount.Mul(a)
			second.Amount = second.Amount.Mul(b)
			both = append(both, first, second)
			cost := paid(day, fmt.Sprint(r.Int64N(500)))
			paidX = append(paidX, cost)
			cost.Amount = cost.Amount.Mul(a)
			paidBoth = append(paidBoth, cost)
		}
		want := a.InexactFloat64()*npv(x, paidX) + b.InexactFloat64()*npv(y, nil)
		near(t, "npv", new(npv(both, paidBoth)), want, 1e-4)
	}
}

func claimed(measure, workflow, group, month string, amount int64, grade int) metric.Recognition {
	return metric.Recognition{
		Key: measure + "/" + workflow + "/" + month, Kind: metric.ByTask, Measure: measure, Workflow: workflow, OverlapGroup: group,
		Month: month, Day: month + "-01", Amount: decimal.NewFromInt(amount), Grade: grade, N: 1,
	}
}

func TestOverlapCountsOnce(t *testing.T) {
	entries := []metric.Recognition{
		claimed(metric.CapacityValue, "post", "blog", "2026-10", 900, 0),
		claimed(metric.VendorSavings, "post", "blog", "2026-10", 400, 1),
		// Another month is decided by itself: grades are equal, the larger value counts.
		claimed(metric.CapacityValue, "post", "blog", "2026-11", 900, 1),
		claimed(metric.VendorSavings, "post", "blog", "2026-11", 400, 1),
		// Equal in all: the key decides.
		claimed(metric.VendorSavings, "post", "blog", "2026-12", 400, 1),
		claimed(metric.CapacityValue, "post", "blog", "2026-12", 400, 1),
		// Another workflow of the group claims the same money; one without a group is nobody's.
		claimed(metric.ConversionValue, "page", "blog", "2026-10", 5, 5),
		claimed(metric.CapacityValue, "mail", "", "2026-10", 70, 0),
	}
	counted, out := metric.Recognise(entries, "USD")
	var got []string
	for _, r := range counted {
		got = append(got, r.Measure+" "+r.Month+" "+r.Amount.String())
	}
	want := []string{"capacity_value 2026-11 900", "capacity_value 2026-12 400", "conversion_value 2026-10 5", "capacity_value 2026-10 70"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	lost := decimal.Zero
	for _, x := range out {
		if x.Reason != metric.ReasonOverlap || x.Message == "" {
			t.Errorf("left out %+v", x)
		}
		lost = lost.Add(x.Amount.Decimal)
	}
	// 900 + 400 of October, 400 of November, 400 of December
	if lost.String() != "2100" || len(out) != 4 {
		t.Errorf("left out %s in %d lines", lost, len(out))
	}
	// The tasks of one workflow and measure are different money: all of them count.
	two := []metric.Recognition{entries[0], entries[0]}
	two[1].Key = "task/other"
	if counted, out := metric.Recognise(two, "USD"); len(counted) != 2 || out != nil {
		t.Errorf("%d counted", len(counted))
	}
	// A key that two measures claim counts once, without any group.
	deal := []metric.Recognition{claimed(metric.ConversionValue, "", "", "2026-10", 10, 5), claimed(metric.PipelineValue, "", "", "2026-11", 99, 2)}
	deal[0].Key, deal[1].Key = metric.DealKey("d-1"), metric.DealKey("d-1")
	if counted, out := metric.Recognise(deal, "USD"); len(counted) != 1 || counted[0].Amount.String() != "10" || len(out) != 1 || out[0].Amount.Text() != "99" {
		t.Errorf("counted %+v, out %+v", counted, out)
	}
}

// Whatever the order, the same counts; nothing is lost; a group and month has one claim; and any part of the entries, such
// as those of a team, splits into parts of what the whole splits into.
func TestRecognitionProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var entries []metric.Recognition
		for i := range 1 + r.IntN(30) {
			measure := []string{metric.CapacityValue, metric.VendorSavings, metric.ConversionValue}[r.IntN(3)]
			e := claimed(measure, fmt.Sprint("w", r.IntN(4)), []string{"", "g", "h"}[r.IntN(3)], fmt.Sprintf("2026-%02d", 1+r.IntN(3)), r.Int64N(200)-60, r.IntN(6))
			e.Key, e.Team = fmt.Sprint("k", i), fmt.Sprint("t", r.IntN(2))
			entries = append(entries, e)
		}
		ledger := metric.Decide(entries)
		shuffled := append([]metric.Recognition(nil), entries...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		sumOf := func(l metric.Ledger, entries []metric.Recognition) (in, out decimal.Decimal, claims map[string]bool) {
			counted, left := l.Split(entries, "USD")
			claims = map[string]bool{}
			for _, e := range counted {
				in = in.Add(e.Amount)
				if e.OverlapGroup != "" {
					claims[e.OverlapGroup+e.Month+" "+e.Measure+e.Workflow] = true
				}
			}
			for _, x := range left {
				out = out.Add(x.Amount.Decimal)
			}
			return in, out, claims
		}
		in, out, claims := sumOf(ledger, entries)
		again, _, _ := sumOf(metric.Decide(shuffled), shuffled)
		total, groups := decimal.Zero, map[string]bool{}
		for _, e := range entries {
			total = total.Add(e.Amount)
			if e.OverlapGroup != "" {
				groups[e.OverlapGroup+e.Month] = true
			}
		}
		if !in.Equal(again) || !in.Add(out).Equal(total) || len(claims) != len(groups) {
			t.Fatalf("in %s, again %s, out %s, total %s, %d claims of %d groups", in, again, out, total, len(claims), len(groups))
		}
		parts := decimal.Zero
		for _, team := range []string{"t0", "t1"} {
			var own []metric.Recognition
			for _, e := range entries {
				if e.Team == team {
					own = append(own, e)
				}
			}
			part, _, _ := sumOf(ledger, own)
			parts = parts.Add(part)
		}
		if !parts.Equal(in) {
			t.Fatalf("teams give %s, the whole %s", parts, in)
		}
	}
}
