package metric_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/metric"
)

// touched is a deal won on 31 October with touches on days of October, each "workflow" or "workflow/role".
func touched(name, amount string, touches ...string) metric.InfluenceRow {
	won := at("2026-10-31")
	r := metric.InfluenceRow{Deal: name, Day: at("2026-09-01"), Team: "sales", Status: "won", Currency: "USD", DecidedAt: &won, DecidedDay: &won}
	if amount != "" {
		r.Amount = new(decimalOf(amount))
	}
	for i, touch := range touches {
		workflow, role := touch, "other"
		for j := range touch {
			if touch[j] == '/' {
				workflow, role = touch[:j], touch[j+1:]
			}
		}
		r.Workflows, r.Roles = append(r.Workflows, workflow), append(r.Roles, role)
		r.Times = append(r.Times, at("2026-10-01").AddDate(0, 0, i).UnixMilli())
	}
	return r
}

var everything = metric.Scope{Kind: metric.ScopeOrg}

func TestInfluencedBySixModels(t *testing.T) {
	rows := []metric.InfluenceRow{touched("d", "1000", "a", "b", "c/lead", "b", "e/opportunity")}
	want := map[metric.Model]map[string]string{
		metric.ModelFirst:  {"a": "1000", "b": "0", "c": "0", "e": "0"},
		metric.ModelLast:   {"a": "0", "b": "0", "c": "0", "e": "1000"},
		metric.ModelLinear: {"a": "200", "b": "400", "c": "200", "e": "200"},
		// 40 % first, 40 % last, 20 % in three parts. A credit has 18 decimals, so that the parts are compared with 12.
		metric.ModelU: {"a": "400", "b": "133.333333333333", "c": "66.666666666667", "e": "400"},
		metric.ModelW: {"a": "300", "b": "100", "c": "300", "e": "300"},
	}
	for _, m := range metric.FoldAttribution(rows, everything, "USD", noFX, func(w string) string { return "The " + w }) {
		if !m.Amount.Equal(decimalOf("1000")) || !m.Credits.Equal(decimalOf("1")) || m.Deals != 1 || m.Default != (m.Model == metric.ModelLinear) {
			t.Errorf("%s: %+v", m.Model, m)
		}
		for _, r := range m.Rows {
			if amount, ok := want[m.Model][r.Workflow]; ok && r.Amount.Round(12).String() != amount {
				t.Errorf("%s gives %s %s, want %s", m.Model, r.Workflow, r.Amount.Text(), amount)
			}
		}
	}
	// Half-life 14 days: of touches 30 and 16 days before the close the later weighs twice as much.
	decayed := touched("d", "300", "a", "b")
	decayed.Times[1] = at("2026-10-15").UnixMilli()
	x := metric.Influenced([]metric.InfluenceRow{decayed}, metric.ModelTimeDecay, noFX)
	if got := x.Touches[1].Amount.Round(12); !got.Equal(decimalOf("200")) {
		t.Errorf("time decay gives %s, want 200", got)
	}
}

func TestFoldInfluenced(t *testing.T) {
	late := touched("late", "50", "a")
	late.Times[0] = at("2026-11-02").UnixMilli()
	open := touched("open", "700", "a")
	open.Status, open.DecidedAt, open.DecidedDay = "open", nil, nil
	euro := touched("euro", "9", "a")
	euro.Currency = "EUR"
	rows := []metric.InfluenceRow{touched("one", "100", "a", "b"), touched("two", "30", "b", "b", "c"), late, open, euro, touched("nothing", "", "a")}
	f := metric.FoldInfluenced(rows, everything, "USD", noFX)
	if f.Measure.Value.Text() != "130" || *f.Measure.N != 5 || *f.Measure.Grade != 0 || f.Measure.Low != nil {
		t.Errorf("got %+v", f.Measure)
	}
	if !slices.Equal(reasons(f), []string{"no_amount", "no_fx", "no_touches"}) || f.Excluded[2].Amount.Text() != "50" || f.Excluded[1].Unit != "EUR" {
		t.Errorf("excluded %+v", f.Excluded)
	}
	if len(f.Measure.Parts) != 1 || f.Measure.Parts[0].Value.Text() != "700" {
		t.Errorf("open deals stand beside: %+v", f.Measure.Parts)
	}
	// 50 + 20 of 130
	if f := metric.FoldInfluenced(rows, metric.Scope{Kind: metric.ScopeWorkflow, Key: "b"}, "USD", noFX); !f.Measure.Value.Round(12).Equal(decimalOf("70")) {
		t.Errorf("workflow b: %+v", f.Measure)
	}
	if f := metric.FoldInfluenced(rows, metric.Scope{Kind: metric.ScopeTeam, Key: "web"}, "USD", noFX); f.Measure.Status != metric.NoData {
		t.Errorf("a team without deals: %+v", f.Measure)
	}
	if f := metric.FoldInfluenced([]metric.InfluenceRow{late}, everything, "USD", noFX); f.Measure.Status != metric.Withheld || *f.Measure.Reason != "no_touches" {
		t.Errorf("no touches: %+v", f.Measure)
	}
	// A W needs roles.
	for _, m := range metric.FoldAttribution(rows, everything, "USD", noFX, func(w string) string { return w }) {
		if m.Model == metric.ModelW && (m.Status != metric.NoData || !slices.ContainsFunc(m.Excluded, func(x metric.Excluded) bool { return x.Reason == "no_roles" })) {
			t.Errorf("W without roles: %+v", m)
		}
	}
}

// The credits of a deal sum to exactly 1, and its parts to exactly its amount, in every model.
func TestCreditsSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b/lead", "c/opportunity", "d/first", "b"}), 1, 12).Draw(t, "touches")
		amount := decimal.New(rapid.Int64().Draw(t, "amount"), -rapid.Int32Range(0, 18).Draw(t, "scale"))
		row := touched("d", amount.String(), names...)
		for i := range row.Times {
			row.Times[i] += rapid.Int64Range(-1e9, 1e9).Draw(t, "shift")
		}
		for _, m := range metric.Models() {
			x := metric.Influenced([]metric.InfluenceRow{row}, m, noFX)
			credits, parts := decimal.Zero, decimal.Zero
			for _, touch := range x.Touches {
				credits, parts = credits.Add(touch.Credit), parts.Add(touch.Amount)
			}
			if x.Deals == 1 && (!credits.Equal(decimal.NewFromInt(1)) || !parts.Equal(amount)) {
				t.Fatalf("%s: credits sum to %s and parts to %s of %s", m, credits, parts, amount)
			}
			if x.Deals == 0 && m != metric.ModelW {
				t.Fatalf("%s gives no credits", m)
			}
		}
	})
}
