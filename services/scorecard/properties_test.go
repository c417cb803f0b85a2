package scorecard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/stat"
	"plumbline/pkg/warehouse/warehousetest"
)

// autumn is the period of the world below.
const autumn = "?from=2026-09-01&to=2026-11-01"

// everyKind declares an organisation and makes events of every kind that touch every measure of the catalogue: a mixture, a
// world of the pillars, and a survey.
func everyKind(b *bench, seed uint64) (events []event.Stored, scopes []string, person string) {
	b.t.Helper()
	r := rand.New(rand.NewPCG(seed, 99)) //nolint:gosec // the same draws every time
	events, teams, workflows, person := mixed(b, r)
	events = append(events, pillarWorld(b, 1)...) // of this seed every measure is above the privacy floor
	for i := range 40 {
		satisfaction := uint8(1 + r.IntN(5)) //nolint:gosec // 1 to 5
		p := &event.Pulse{Wave: "q4", Role: []string{"leader", "ic"}[i%2], ROIProvable: []string{"yes", "partly", "no"}[r.IntN(3)], Satisfaction: &satisfaction}
		p.Person = fmt.Sprint("asked", i)
		events = append(events, b.maker.Stored(b.t, workspace, "pulse", fmt.Sprint(i), day("2026-10-05").Add(time.Duration(i)*time.Minute), p))
	}
	scopes = []string{"org"}
	for _, team := range append(teams, "content", "brand") {
		scopes = append(scopes, "team:"+team)
	}
	for _, w := range append(workflows, "post") {
		scopes = append(scopes, "workflow:"+w)
	}
	return events, scopes, person
}

// For every measure of the catalogue, scope and role: sums are what their evidence sums to, ratios the quotient of what its
// numerators and denominators sum to, and every fold is computed again from nothing but the rows that its evidence lists.
func TestEveryMeasureFollowsFromItsRows(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	events, scopes, person := everyKind(b, 3)
	b.insert(events...)
	checked := map[string]int{}
	for role, viewer := range map[string]*bench{
		"admin": b, "analyst": b.as(access.RoleAnalyst, ""), "leader": b.as(access.RoleLeader, ""), "ic": b.as(access.RoleIC, person),
	} {
		own := scopes
		switch role {
		case "ic":
			own = append(slices.Clone(scopes), "me")
		case "analyst", "leader":
			own = []string{"org", "team:content", "workflow:post"} // they see what an administrator sees
		}
		for _, scope := range own {
			query := autumn + "&scope=" + url.QueryEscape(scope)
			card := viewer.get("/api/v1/scorecard"+query, "Scorecard")
			for _, d := range metric.Catalogue() {
				if m := card.at("measures", d.Key); m.at("status").text() == "ok" {
					checked[d.Key]++
					follows(t, viewer, role+", "+scope+", "+d.Key, query, d, m)
				}
			}
		}
	}
	for _, d := range metric.Catalogue() {
		if checked[d.Key] == 0 {
			t.Errorf("%s was nowhere ok, so that nothing was checked", d.Key)
		}
	}
}

// follows computes a number from its evidence.
func follows(t *testing.T, b *bench, what, query string, d metric.Definition, m node) {
	t.Helper()
	if isPillar(d.Key) {
		givesTheNumber(t, b, what, query, d, m)
		return
	}
	rows := evidenceRows(b, query+"&measure="+d.Key)
	if rung, of := metric.RungOf(d.Key); of && d.Adds == metric.AddsFold {
		refolds(t, what, "2026-09-01", d.Key, rung, m, rows)
		return
	}
	value := decimal.RequireFromString(m.at("value").text())
	switch d.Adds {
	case metric.AddsSum:
		if got := columnSum(t, rows, "contribution"); got != value.String() {
			t.Errorf("%s: the evidence sums to %s, the number is %s", what, got, value)
		}
	case metric.AddsRatio:
		numerator, denominator := decimal.RequireFromString(columnSum(t, rows, "numerator")), decimal.RequireFromString(columnSum(t, rows, "denominator"))
		parts := partsOf(m)
		if n, of := parts["numerator"].at("value").text(), parts["denominator"].at("value").text(); numerator.String() != n || denominator.String() != of {
			t.Errorf("%s: the evidence has %s of %s, the parts say %s of %s", what, numerator, denominator, n, of)
		}
		if got := numerator.DivRound(denominator, 24).RoundBank(12); !got.Equal(value) {
			t.Errorf("%s: the evidence gives %s, the number is %s", what, got, value)
		}
	case metric.AddsFold:
		got, n := foldOf(t, d.Key, rows)
		if want := value.InexactFloat64(); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Errorf("%s: the listed rows give %v, the number is %v", what, got, want)
		}
		m.at("n").is(fmt.Sprint(n))
	}
}

// foldOf is the published fold over the rows of evidence, and how many it runs over.
func foldOf(t *testing.T, key string, rows []map[string]any) (value float64, n int) {
	t.Helper()
	number := func(row map[string]any, column string) float64 {
		return decimal.RequireFromString(fmt.Sprint(row[column])).InexactFloat64()
	}
	switch key {
	case metric.CycleDays:
		sum := 0.0
		for _, row := range rows {
			sum += number(row, "contribution")
		}
		return sum / float64(len(rows)), len(rows)
	case metric.PipelineVelocity:
		won, amounts, amount, cycle := 0.0, 0.0, 0.0, 0.0
		for _, row := range rows {
			if row["status"] != "won" {
				continue
			}
			won, cycle = won+1, cycle+number(row, "cycle_days")
			if row["amount_converted"] != nil {
				amounts, amount = amounts+1, amount+number(row, "amount_converted")
			}
		}
		decided := float64(len(rows))
		return stat.VelocityIndex(decided, amount/amounts, won/decided, cycle/won), len(rows)
	case metric.PerceptionGap:
		yes, all := map[any]float64{}, map[any]float64{}
		for _, row := range rows {
			all[row["role"]] += number(row, "n")
			if row["answer"] == "yes" {
				yes[row["role"]] += number(row, "n")
			}
		}
		return 100 * (yes["leader"]/all["leader"] - yes["ic"]/all["ic"]), int(all["leader"] + all["ic"])
	case metric.Satisfaction:
		sum, all := 0.0, 0.0
		for _, row := range rows {
			sum, all = sum+number(row, "n")*number(row, "answer"), all+number(row, "n")
		}
		return sum / all, int(all)
	}
	t.Fatalf("nothing computes the fold %s again from its rows", key)
	return 0, 0
}

// stateOf is everything that the scorecard says of some scopes: measures with intervals and parts, the ladder and the tables.
func stateOf(b *bench, scopes []string) map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, scope := range scopes {
		card := b.get("/api/v1/scorecard"+autumn+"&scope="+url.QueryEscape(scope), "Scorecard")
		for _, d := range metric.Catalogue() {
			m, _ := card.at("measures", d.Key).value.(map[string]any)
			delete(m, "claim") // its address names the generation of the rollups
			out[scope+" "+d.Key] = fmt.Sprint(m)
		}
		for _, table := range []string{"ladder", "contributions", "contributions_by_workflow"} {
			out[scope+" "+table] = card.at(table).text()
		}
	}
	return out
}

// changed names what two states say otherwise, sorted.
func changed(a, b map[string]string) (out []string) {
	for key := range a {
		if a[key] != b[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Events in another order, twice, and split into batches change nothing: not a digit of any measure, interval or table.
func TestNothingDependsOnTheWayEventsCome(t *testing.T) {
	var want map[string]string
	for run := range 3 {
		b := newBench(t, day("2026-11-02"))
		events, scopes, _ := everyKind(b, 4)
		r := rand.New(rand.NewPCG(uint64(run), 1)) //nolint:gosec // the same draws every time
		if run > 0 {
			events = append(events, events[:len(events)/2]...)
			r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
		for chunk := range slices.Chunk(events, len(events)/(2*run+1)+1) {
			b.insert(chunk...)
		}
		got := stateOf(b, scopes)
		if want == nil {
			want = got
		}
		for _, key := range changed(want, got) {
			t.Errorf("run %d: %s is\n%s\nwas\n%s", run, key, got[key], want[key])
		}
	}
}

// A void restores the state before: of events of every kind, corrected or not, whether the void comes after its target, with
// it, or before.
func TestAVoidRestoresTheStateBefore(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	events, scopes, _ := everyKind(b, 5)
	b.insert(events...)
	before := stateOf(b, scopes)
	facts := oneOfEach(b)
	b.insert(facts...)
	after := stateOf(b, scopes)
	for _, key := range []string{
		metric.HoursSavedNet, metric.VendorSpend, metric.ConversionValue, metric.WinRate, metric.ReviewCycleHours, metric.PerceptionGap,
		metric.TrainedShare, metric.BarrierHours,
	} {
		if after["org "+key] == before["org "+key] {
			t.Errorf("the event of its kind does not change %s, so that its void shows nothing", key)
		}
	}
	var voids []event.Stored
	for _, e := range facts {
		voids = append(voids, b.maker.Stored(t, workspace, "voids", "v"+e.ID, day("2026-11-01"), &event.Void{Source: e.Source, ID: e.ID}))
	}
	// One is corrected after its void, which makes no difference.
	voids = append(voids, b.maker.Stored(t, workspace, "voids", "c", day("2026-11-01"), warehousetest.Correction(t, facts[0].Source, facts[0].ID, &event.HoursSaved{
		Common: facts[0].Data.(*event.HoursSaved).Common, DoingMinutes: warehousetest.Number("7"),
	})))
	b.insert(voids...)
	for _, key := range changed(before, stateOf(b, scopes)) {
		t.Errorf("after the voids %s is not what it was", key)
	}
	// The void of what does not exist yet, then what it voids.
	late := happened(b, "late", "2026-10-20T09:00", "team0", "w0", "p0-0", &event.HoursSaved{DoingMinutes: warehousetest.Number("1")})
	b.insert(b.maker.Stored(t, workspace, "voids", "early", day("2026-10-01"), &event.Void{Source: late.Source, ID: late.ID}))
	b.insert(late)
	for _, key := range changed(before, stateOf(b, scopes)) {
		t.Errorf("a void that came before its target has not kept %s", key)
	}
}

// oneOfEach are events of every kind, each of which changes a measure.
func oneOfEach(b *bench) []event.Stored {
	b.t.Helper()
	n, yes, five := uint64(100), true, uint8(5)
	at := func(id, person string, data event.Data) event.Stored {
		return happened(b, "void-"+id, "2026-10-12T09:00", "team0", "w0", person, data)
	}
	out := []event.Stored{
		at("hours", "p0-0", &event.HoursSaved{DoingMinutes: warehousetest.Number("3")}),
		at("spend", "", billed("ai_tool", "17.17")),
		at("conversion", "", &event.Conversion{Experiment: "x", Variant: "b", Exposures: &n, Conversions: new(uint64(9))}),
		at("deal", "", &event.Pipeline{
			Deal: "void", Status: "won", Amount: warehousetest.Amount("99"), Currency: "USD", Assisted: &yes, Margin: warehousetest.Number("0.5"),
			CreatedAt: &event.Time{Time: day("2026-09-01")},
		}),
		at("review", "", &event.Review{
			Asset: "void", Reviewer: "other", SubmittedAt: clock(b.t, "2026-10-01T09:00"), DecidedAt: new(clock(b.t, "2026-10-12T09:00")), Decision: "approved",
		}),
		at("training", "new", &event.Training{Course: "c", Hours: warehousetest.Number("1")}),
		at("barrier", "p0-0", &event.Barrier{Barrier: "new", Category: "policy", MinutesLost: warehousetest.Number("9")}),
	}
	p := &event.Pulse{Wave: "q4", Role: "leader", ROIProvable: "yes", Satisfaction: &five}
	p.Person = "asked late"
	return append(out, b.maker.Stored(b.t, workspace, "pulse", "void-pulse", day("2026-10-06"), p))
}
