package scorecard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/stat"
	"plumbline/pkg/warehouse/warehousetest"
)

// mixture invents an organisation with every kind of event: teams above and below the floor, workflows with and without a
// group, gains and losses, currencies with and without a rate.
func mixture(b *bench, r *rand.Rand) (teams, workflows []string, person string) {
	b.t.Helper()
	events, teams, workflows, person := mixed(b, r)
	b.insert(events...)
	return teams, workflows, person
}

// mixed declares the organisation of a mixture and makes its events, which are not stored yet.
func mixed(b *bench, r *rand.Rand) (events []event.Stored, teams, workflows []string, person string) {
	b.t.Helper()
	b.declare(registry.FX, "EUR-USD", `{"valid_from":"2026-01-01","rate":"1.083"}`)
	for i, unit := range []string{"40", "61.7"} {
		b.declare(registry.Rates, fmt.Sprint("class", i), `{"valid_from":"2026-01-01","loaded_hourly_rate":"`+unit+`","currency":"EUR"}`)
	}
	sizes := []int{7, 6, 2}
	for i := range sizes {
		team := fmt.Sprint("team", i)
		teams = append(teams, team)
		b.declare(registry.Teams, team, fmt.Sprintf(`{"valid_from":"2026-01-01","default_rate_class":"class%d"}`, i%2))
	}
	for i := range 3 {
		w := fmt.Sprint("w", i)
		workflows = append(workflows, w)
		group := ""
		if i < 2 {
			group = `"overlap_group":"blog",`
		}
		b.declare(registry.Workflows, w, fmt.Sprintf(`{"valid_from":"2026-01-01",%s"baseline":{"low":60,"mode":%d,"high":130}}`, group, 80+10*i))
	}
	b.declare(registry.VendorBaselines, "agency", `{"valid_from":"2026-01-01","vendor":"Vendor agency","category":"agency","workflow":"w2","price":"1900.01","currency":"EUR","period":"month","displaceable":true}`)
	b.declare(registry.Experiments, "x", `{"valid_from":"2026-01-01","design":"randomised","control":"a","margin_per_conversion":"3.7","currency":"USD","workflow":"w1"}`)
	when := func() string {
		return day("2026-09-01").AddDate(0, 0, r.IntN(61)).Add(time.Duration(r.IntN(24)) * time.Hour).Format("2006-01-02T15:04")
	}
	pick := func(names []string) string {
		if r.IntN(6) == 0 {
			return ""
		}
		return names[r.IntN(len(names))]
	}
	add := func(team, workflow, who string, data event.Data) event.Stored {
		e := happened(b, fmt.Sprint("e", len(events)), when(), team, workflow, who, data)
		events = append(events, e)
		return e
	}
	number := func(top int) string { return fmt.Sprintf("%d.%02d", r.IntN(top), r.IntN(100)) }
	for i, size := range sizes {
		for p := range size {
			who := fmt.Sprintf("p%d-%d", i, p)
			for range 6 {
				assisted := r.IntN(5) > 0
				e := add(teams[i], pick(workflows), who, &event.HoursSaved{
					Assisted: &assisted, DoingMinutes: warehousetest.Number(number(90)), ReworkMinutes: warehousetest.Number(number(20)),
				})
				if i == 0 && p == 0 {
					person = e.Data.Shared().Person
				}
			}
			add(teams[i], pick(workflows), who, &event.Training{Course: "c", Hours: warehousetest.Number(number(5))})
			add(teams[i], pick(workflows), who, &event.Barrier{Barrier: fmt.Sprint("b", r.IntN(2)), Category: "policy", MinutesLost: warehousetest.Number(number(90))})
		}
	}
	for i, at := range []string{"2026-09-12T10:00", "2026-10-12T10:00"} {
		// The agency's bill, so that its price before can be compared.
		e := happened(b, fmt.Sprint("agency", i), at, teams[i], "w2", "", &event.VendorSpend{
			Vendor: "Vendor agency", Category: "agency", BilledCost: *warehousetest.Amount(number(700)), Currency: "EUR",
		})
		events = append(events, e)
	}
	for range 20 {
		category := []string{"ai_tool", "agency", "implementation", "media"}[r.IntN(4)]
		currency := []string{"USD", "EUR", "JPY"}[r.IntN(3)]
		add(pick(teams), pick(workflows), "", &event.VendorSpend{
			Vendor: "Vendor " + category, Category: category, BilledCost: *warehousetest.Amount(number(90) + "123456789"), Currency: currency,
		})
	}
	for i := range 12 {
		variant := []string{"a", "b"}[i%2]
		exposures, conversions := uint64(900+r.IntN(100)), uint64(40+r.IntN(60))
		// Equal sizes, so that the sample ratio holds.
		exposures -= exposures % 100
		add(pick(teams), pick(workflows), "", &event.Conversion{Experiment: "x", Variant: variant, Exposures: &exposures, Conversions: &conversions})
	}
	for i := range 140 {
		assisted, created := i%2 == 0, event.Time{Time: day("2026-08-01").AddDate(0, 0, r.IntN(30))}
		status := []string{"won", "lost", "open"}[r.IntN(3)]
		deal := &event.Pipeline{
			Deal: fmt.Sprint("d", i), Status: status, Amount: warehousetest.Amount(number(5000)), Currency: "USD", Assisted: &assisted, CreatedAt: &created,
			Margin: warehousetest.Number("0.4"),
		}
		for range r.IntN(4) {
			deal.Touches = append(deal.Touches, event.Touch{Workflow: workflows[r.IntN(3)], At: event.Time{Time: created.AddDate(0, 0, r.IntN(20))}})
		}
		add(pick(teams), pick(workflows), "", deal)
	}
	return events, teams, workflows, person
}

// Whatever adds up adds up: for every measure, scope and role the evidence and the tables sum to the number to the last
// digit, ratios by numerator and denominator, and the claim says the same number.
func TestEverythingAddsUp(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	teams, workflows, person := mixture(b, rand.New(rand.NewPCG(1, 99)))
	scopes := []string{"org"}
	for _, team := range teams {
		scopes = append(scopes, "team:"+team)
	}
	for _, w := range workflows {
		scopes = append(scopes, "workflow:"+w)
	}
	ic := b.as(access.RoleIC, person)
	checked := map[string]int{}
	for _, scope := range scopes {
		addsUp(t, b, scope, "", checked)
	}
	addsUp(t, ic, "me", "", checked)
	addsUp(t, ic, "org", "&currency=EUR&from=2026-09-10&to=2026-10-20", checked)
	for _, d := range metric.Catalogue() {
		_, of := metric.RungOf(d.Key)
		if (d.Adds == metric.AddsSum || of) && checked[d.Key] == 0 {
			t.Errorf("%s was nowhere ok, so that nothing was checked", d.Key)
		}
	}
}

func addsUp(t *testing.T, b *bench, scope, more string, checked map[string]int) {
	t.Helper()
	query := "?from=2026-09-01&to=2026-11-01&scope=" + url.QueryEscape(scope) + more
	if strings.Contains(more, "from=") {
		query = "?scope=" + url.QueryEscape(scope) + more
	}
	card := b.get("/api/v1/scorecard"+query, "Scorecard")
	for _, d := range metric.Catalogue() {
		m := card.at("measures", d.Key)
		if m.value == nil || m.at("status").text() != "ok" {
			continue
		}
		what := d.Key + " of " + scope
		claim := b.get(m.at("claim").text(), "Claim")
		if got := claim.at("value", "value").text(); got != m.at("value").text() {
			t.Errorf("%s: the claim says %s, the card %s", what, got, m.at("value").text())
		}
		climbs(t, what, d, claim)
		if d.Adds == metric.AddsFold {
			if rung, of := metric.RungOf(d.Key); of {
				checked[d.Key]++
				refolds(t, what, card.at("period", "from").text(), d.Key, rung, m, evidenceRows(b, query+"&measure="+d.Key))
			}
			continue
		}
		rows := evidenceRows(b, query+"&measure="+d.Key)
		switch d.Adds {
		case metric.AddsSum:
			checked[d.Key]++
			if got := columnSum(t, rows, "contribution"); got != m.at("value").text() {
				t.Errorf("%s: the evidence sums to %s, the number is %s", what, got, m.at("value").text())
			}
			for _, table := range []string{"contributions", "contributions_by_workflow"} {
				sumOf(t, card.at(table), d.Key, m.at("value").text())
			}
		case metric.AddsRatio:
			parts := partsOf(m)
			for _, part := range []string{"numerator", "denominator"} {
				want, there := parts[part]
				if !there || len(rows) == 0 {
					continue
				}
				if _, has := rows[0][part]; !has {
					continue
				}
				if got := columnSum(t, rows, part); got != want.at("value").text() {
					t.Errorf("%s: the %ss of the evidence sum to %s, want %s", what, part, got, want.at("value").text())
				}
			}
		}
	}
	// The ladder is what its parts are.
	for i := range card.at("ladder").list() {
		rung := card.at("ladder", i)
		if rung.at("status").text() != "ok" {
			continue
		}
		net := decimal.Zero
		for j := range rung.at("parts").list() {
			if p := rung.at("parts", j); p.at("counted").text() == "true" {
				value := decimal.RequireFromString(p.at("value").text())
				if p.at("kind").text() == "cost" {
					value = value.Neg()
				}
				net = net.Add(value)
			}
		}
		if net.String() != rung.at("net").text() {
			t.Errorf("rung %d of %s: parts give %s, the net is %s", i, scope, net, rung.at("net").text())
		}
	}
}

// climbs checks that the steps of a claim sum to its value, and that every sum of a money or hours measure has some.
func climbs(t *testing.T, what string, d metric.Definition, claim node) {
	t.Helper()
	steps := claim.at("waterfall").list()
	if len(steps) == 0 {
		stepped := []string{metric.HoursSavedNet, metric.CapacityValue, metric.VendorSpend, metric.VendorSavings, metric.AICost, metric.ConversionValue, metric.PipelineValue}
		if rung, of := metric.RungOf(d.Key); slices.Contains(stepped, d.Key) || of && d.Key == metric.NetValue(rung) {
			t.Errorf("%s has no waterfall", what)
		}
		return
	}
	total := decimal.Zero
	for i := range steps {
		total = total.Add(decimal.RequireFromString(claim.at("waterfall", i, "value").text()))
	}
	if !total.Equal(decimal.RequireFromString(claim.at("value", "value").text())) {
		t.Errorf("%s: the steps sum to %s, the number is %s", what, total, claim.at("value", "value").text())
	}
}

// refolds computes a present value, return or payback again from nothing but the rows that its evidence lists.
func refolds(t *testing.T, what, from, key string, rung metric.Rung, m node, rows []map[string]any) {
	t.Helper()
	var flows []stat.Flow
	for _, row := range rows {
		f := stat.Flow{At: day(fmt.Sprint(row["day"]))}
		for column, into := range map[string]*float64{"benefit": &f.Benefit, "cost": &f.Cost} {
			*into = decimal.RequireFromString(fmt.Sprint(row[column])).InexactFloat64()
		}
		flows = append(flows, f)
	}
	a, p := stat.Appraise(0.1, day(from), flows), stat.Payback(flows)
	want := map[string]float64{metric.NPVOf(rung): a.NPV, metric.ROIOf(rung): a.ROI, metric.PaybackOf(rung): p.Days}[key]
	if got := m.at("value").number(); math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
		t.Errorf("%s: the listed rows give %v, the number is %v", what, want, got)
	}
}

// evidenceRows are all rows, page by page.
func evidenceRows(b *bench, query string) []map[string]any {
	b.t.Helper()
	var out []map[string]any
	for cursor := ""; ; {
		page := b.get("/api/v1/evidence"+query+"&limit=200&cursor="+url.QueryEscape(cursor), "Evidence")
		for _, row := range page.at("rows").list() {
			out = append(out, row.(map[string]any))
		}
		if page.at("next").value == nil {
			return out
		}
		cursor = page.at("next").text()
	}
}

func columnSum(t *testing.T, rows []map[string]any, column string) string {
	t.Helper()
	total := decimal.Zero
	for _, row := range rows {
		if value := row[column]; value != nil {
			total = total.Add(decimal.RequireFromString(fmt.Sprint(value)))
		}
	}
	return total.String()
}
