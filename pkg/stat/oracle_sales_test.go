package stat_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

type salesIn struct {
	Opportunities float64   `json:"opportunities"`
	Deal          float64   `json:"deal"`
	WinRate       float64   `json:"win_rate"`
	CycleDays     float64   `json:"cycle_days"`
	Created       int64     `json:"created"`
	Won           int64     `json:"won"`
	Lost          int64     `json:"lost"`
	Model         string    `json:"model"`
	Touches       int       `json:"touches"`
	LeadIndex     int       `json:"lead_index"`
	HalfLife      float64   `json:"half_life_days"`
	DaysBefore    []float64 `json:"days_before"`
	Dataset       string    `json:"dataset"`
	ClosedFrom    string    `json:"closed_from"`
	ClosedBefore  string    `json:"closed_before"`
	AsOf          string    `json:"as_of"`
}

type salesOut struct {
	PerDay     float64   `json:"per_day"`
	Narrow     float64   `json:"narrow"`
	Cohort     float64   `json:"cohort"`
	Credits    []float64 `json:"credits"`
	Decided    int64     `json:"decided"`
	Won        int64     `json:"won"`
	WonAmount  float64   `json:"won_amount"`
	WinRate    float64   `json:"win_rate"`
	MeanCycle  float64   `json:"mean_cycle_days"`
	Velocity   float64   `json:"velocity_per_day"`
	N          int64     `json:"n"`
	MedianDays float64   `json:"median_days"`
}

func (in salesIn) credits(t *testing.T) []decimal.Decimal {
	t.Helper()
	var got []decimal.Decimal
	var err error
	switch in.Model {
	case "u":
		got, err = stat.UShaped(in.Touches)
	case "w":
		got, err = stat.WShaped(in.Touches, in.LeadIndex, in.Touches-1)
	case "time_decay":
		got, err = stat.TimeDecay(in.DaysBefore, in.HalfLife)
	default:
		t.Fatalf("unknown model %q", in.Model)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOracleSales(t *testing.T) {
	for _, c := range readOracle[salesIn, salesOut](t, "sales.json").Cases {
		t.Run(c.Name, func(t *testing.T) {
			switch {
			case c.In.AsOf != "":
				checkMedian(t, c.In, c.Out)
			case c.In.Dataset != "":
				checkWindow(t, c.In, c.Out, c.Tolerance["rel"])
			case c.In.Model != "":
				got := c.In.credits(t)
				for i, want := range c.Out.Credits {
					near(t, "credit", got[i].InexactFloat64(), want, c.Tolerance["abs"])
				}
			case c.In.Created > 0:
				decided := c.In.Won + c.In.Lost
				narrow := stat.Wilson(stat.Proportion{Successes: c.In.Won, Trials: decided}, 0.9)
				cohort := stat.Wilson(stat.Proportion{Successes: c.In.Won, Trials: c.In.Created}, 0.9)
				near(t, "narrow", narrow.Value, c.Out.Narrow, c.Tolerance["abs"])
				near(t, "cohort", cohort.Value, c.Out.Cohort, c.Tolerance["abs"])
			default:
				got := stat.VelocityIndex(c.In.Opportunities, c.In.Deal, c.In.WinRate, c.In.CycleDays)
				near(t, "per_day", got, c.Out.PerDay, c.Tolerance["abs"])
			}
		})
	}
}

type deal struct {
	stage          string
	engaged, close time.Time
	value          float64
}

func crmDeals(t *testing.T, name string) []deal {
	t.Helper()
	day := func(cell string) time.Time {
		if cell == "" {
			return time.Time{}
		}
		at, err := time.Parse("1/2/2006", cell)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var deals []deal
	for _, r := range readRows(t, name) {
		d := deal{stage: r["deal_stage"], engaged: day(r["engage_date"]), close: day(r["close_date"])}
		if r["close_value"] != "" {
			v, err := strconv.ParseFloat(r["close_value"], 64)
			if err != nil {
				t.Fatal(err)
			}
			d.value = v
		}
		deals = append(deals, d)
	}
	return deals
}

func checkWindow(t *testing.T, in salesIn, want salesOut, rel float64) {
	t.Helper()
	var won stat.WonSums
	var decided int64
	for _, d := range crmDeals(t, in.Dataset) {
		closed := d.close.Format(time.DateOnly)
		if d.close.IsZero() || closed < in.ClosedFrom || closed >= in.ClosedBefore {
			continue
		}
		decided++
		if d.stage == "Won" {
			won = won.Observe(d.value, float64(stat.DaysBetween(d.engaged, d.close)))
		}
	}
	if decided != want.Decided || won.N != want.Won || won.Amount != want.WonAmount {
		t.Errorf("decided %d, won %d worth %v", decided, won.N, won.Amount)
	}
	near(t, "win rate", float64(won.N)/float64(decided), want.WinRate, rel*want.WinRate)
	near(t, "mean cycle", won.CycleDays/float64(won.N), want.MeanCycle, rel*want.MeanCycle)
	got := stat.Velocity(decided, won, 0.9)
	near(t, "velocity", got.Value, want.Velocity, rel*want.Velocity)
	if !(got.Low < got.Value && got.Value < got.High) {
		t.Errorf("interval = %v", got)
	}
}

func checkMedian(t *testing.T, in salesIn, want salesOut) {
	t.Helper()
	asOf, err := time.Parse(time.DateOnly, in.AsOf)
	if err != nil {
		t.Fatal(err)
	}
	var cases []stat.Duration
	for _, d := range crmDeals(t, in.Dataset) {
		if d.engaged.IsZero() {
			continue
		}
		end := d.close
		if end.IsZero() {
			end = asOf
		}
		cases = append(cases, stat.Duration{
			Time:    float64(stat.DaysBetween(d.engaged, end)),
			Decided: !d.close.IsZero(),
		})
	}
	got := stat.KaplanMeier(cases, 0.9).Median()
	if got.N != want.N || got.Value != want.MedianDays {
		t.Errorf("median = %v of %d, want %v of %d", got.Value, got.N, want.MedianDays, want.N)
	}
	if !(got.Low <= got.Value && got.Value <= got.High && got.Bounded()) {
		t.Errorf("interval = %+v", got)
	}
}
