package scorecard

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// pillarWorld fills a bench with work, reviews, training, barriers and charges of a made-up organisation, drawn from a seed.
func pillarWorld(b *bench, seed uint64) []event.Stored {
	b.t.Helper()
	random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // the same draws every time
	teams := map[string]int{"content": 9, "web": 6, "brand": 3, "": 2}
	for _, w := range []string{"post", "page"} {
		confirmed := fmt.Sprintf("2026-%02d-15", 6+random.IntN(5))
		b.declare(registry.Workflows, w, `{"valid_from":"2026-01-01","team":"content","owner":"dana","owner_confirmed_at":"`+confirmed+
			`","review_policy":{"target_hours":30},"baseline":{"low":80,"mode":100,"high":120}}`)
	}
	b.declare(registry.Teams, "idle", `{"valid_from":"2026-01-01"}`)
	var events []event.Stored
	minutes := func() *event.Number {
		return warehousetest.Number(fmt.Sprintf("%d.%03d", random.IntN(90)+1, random.IntN(1000)))
	}
	n := 0
	add := func(team, workflow, person string, data event.Data) {
		n++
		at := day("2026-10-01").Add(time.Duration(random.IntN(30*24*60)) * time.Minute)
		s := data.Shared()
		s.Team, s.Workflow, s.Person = team, workflow, person
		events = append(events, b.maker.Stored(b.t, workspace, "world", fmt.Sprint(n), at, data))
	}
	for _, team := range []string{"content", "web", "brand", ""} {
		for i := range teams[team] {
			person := fmt.Sprint(team, "-", i)
			for range 1 + random.IntN(4) {
				workflow := []string{"", "post", "page"}[random.IntN(3)]
				h := &event.HoursSaved{DoingMinutes: minutes()}
				if random.IntN(2) == 0 {
					h.BaselineMinutes = minutes()
				}
				add(team, workflow, person, h)
				add(team, workflow, person, &event.Barrier{Barrier: []string{"policy", "tools", "access"}[random.IntN(3)], Category: "policy", MinutesLost: minutes()})
				submitted := day("2026-10-01").Add(time.Duration(random.IntN(20*24)) * time.Hour)
				r := &event.Review{
					Asset: fmt.Sprint("asset", random.IntN(40)), Reviewer: []string{"brand", "legal"}[random.IntN(2)], SubmittedAt: event.Time{Time: submitted},
					Round: new(uint16(1 + random.IntN(2))),
				}
				if random.IntN(4) > 0 {
					r.DecidedAt = &event.Time{Time: submitted.Add(time.Duration(random.IntN(100*60)) * time.Minute)}
					r.Decision = []string{"approved", "changes_requested", "rejected"}[random.IntN(3)]
				}
				add(team, workflow, person, r)
			}
			if random.IntN(2) == 0 {
				add(team, "post", person, &event.Training{Course: "c", Hours: minutes()})
			}
			// Unassisted work makes a measurement to hold the reports against.
			add(team, "post", person, &event.HoursSaved{Assisted: new(false), DoingMinutes: minutes()})
		}
		add(team, "post", "", billed("ai_tool", fmt.Sprint(random.IntN(1000), ".17")))
	}
	return events
}

// The rows of evidence give the number of the scorecard in the way that the measure declares, for every measure of the
// pillars, scope and role; and the table of contributions sums to what adds up.
func TestPillarEvidenceGivesTheNumber(t *testing.T) {
	for _, seed := range []uint64{1} {
		b := newBench(t, day("2026-11-02"))
		b.insert(pillarWorld(b, seed)...)
		viewers := map[string]*bench{
			"leader": b.as(access.RoleLeader, ""), "ic": b.as(access.RoleIC, personOf(b, "content-1")), "small": b.as(access.RoleIC, personOf(b, "brand-1")),
		}
		for role, viewer := range viewers {
			scopes := []string{"org", "team:content", "team:web", "team:brand", "team:idle", "workflow:post", "workflow:page"}
			if role == "ic" || role == "small" {
				scopes = append(scopes, "me")
			}
			for _, scope := range scopes {
				query := october + "&scope=" + url.QueryEscape(scope)
				card := viewer.get("/api/v1/scorecard"+query, "Scorecard")
				if hours := card.at("measures", metric.BarrierHours); hours.at("status").text() == "ok" {
					sumOf(t, card.at("contributions"), metric.BarrierHours, hours.at("value").text())
					sumOf(t, card.at("contributions_by_workflow"), metric.BarrierHours, hours.at("value").text())
				}
				for _, d := range metric.Catalogue() {
					if isPillar(d.Key) {
						if scope == "org" {
							card.at("measures", d.Key, "status").is("ok") // else nothing would be tested
						}
						givesTheNumber(t, viewer, fmt.Sprintf("seed %d, %s, %s", seed, role, scope), query, d, card.at("measures", d.Key))
					}
				}
			}
		}
	}
}

func givesTheNumber(t *testing.T, b *bench, where, query string, d metric.Definition, m node) {
	t.Helper()
	e := b.get("/api/v1/evidence"+query+"&measure="+d.Key, "Evidence")
	claim := b.get(m.at("claim").text(), "Claim")
	claim.at("value", "value").is(m.at("value").text())
	e.at("total", "value").is(m.at("value").text())
	if m.at("status").text() != "ok" {
		if d.Key != metric.Ownership && d.Adds != metric.AddsRatio && len(e.at("rows").list()) > 0 && m.at("reason").text() == floorReason {
			t.Errorf("%s: %s is withheld and lists %d rows", where, d.Key, len(e.at("rows").list()))
		}
		return
	}
	want := decimal.RequireFromString(m.at("value").text())
	sum := func(column string) decimal.Decimal {
		total := decimal.Zero
		for i := range e.at("rows").list() {
			total = total.Add(decimal.RequireFromString(e.at("rows", i, column).text()))
		}
		return total
	}
	got := decimal.Zero
	switch {
	case d.Adds == metric.AddsSum:
		got = sum("contribution")
	case d.Adds == metric.AddsRatio:
		got = sum("numerator").DivRound(sum("denominator"), 24).RoundBank(12)
	case d.Key == metric.ReviewCycleHours:
		var hours []decimal.Decimal
		for i := range e.at("rows").list() {
			hours = append(hours, decimal.RequireFromString(e.at("rows", i, "contribution").text()))
		}
		slices.SortFunc(hours, decimal.Decimal.Cmp)
		got = hours[(len(hours)-1)/2].Add(hours[len(hours)/2]).Div(decimal.NewFromInt(2))
	case d.Key == metric.CalibrationGap:
		for i := range e.at("rows").list() {
			n, gap := decimal.RequireFromString(e.at("rows", i, "n").text()), decimal.RequireFromString(e.at("rows", i, "gap").text())
			got = got.Add(n.Mul(gap))
		}
		got = got.DivRound(sum("n"), 24)
		if got.Sub(want).Abs().LessThan(decimal.New(1, -8)) { // a merged row is rounded to twelve digits
			got = want
		}
	case d.Key == metric.Maturity:
		level := int64(1)
		for level < 4 {
			met := true
			for i := range e.at("rows").list() {
				if e.at("rows", i, "level").text() == fmt.Sprint(level+1) && e.at("rows", i, "met").text() != "yes" {
					met = false
				}
			}
			if !met {
				break
			}
			level++
		}
		got = decimal.NewFromInt(level)
	}
	if !got.Equal(want) {
		t.Errorf("%s: the evidence of %s gives %s, the number is %s", where, d.Key, got, want)
	}
}

// Events in another order, twice, and in batches change no number of the pillars.
func TestPillarsDoNotDependOnTheWayEventsCome(t *testing.T) {
	var want map[string]string
	for run := range 3 {
		b := newBench(t, day("2026-11-02"))
		events := pillarWorld(b, 5)
		random := rand.New(rand.NewPCG(uint64(run), 1)) //nolint:gosec // the same draws every time
		if run > 0 {
			events = append(events, events[:len(events)/2]...)
			random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
		for chunk := range slices.Chunk(events, len(events)/(run+1)+1) {
			b.insert(chunk...)
		}
		card := b.get("/api/v1/scorecard"+october, "Scorecard")
		got := map[string]string{}
		for _, d := range metric.Catalogue() {
			if isPillar(d.Key) {
				m := card.at("measures", d.Key)
				got[d.Key] = fmt.Sprint(m.at("value").text(), " ", m.at("low").text(), " ", m.at("high").text(), " ", m.at("n").text(), " ", m.at("reason").text())
			}
		}
		if want == nil {
			want = got
		}
		for key, w := range want {
			if got[key] != w {
				t.Errorf("run %d: %s is %s, was %s", run, key, got[key], w)
			}
		}
	}
}
