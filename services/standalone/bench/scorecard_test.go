package bench

import (
	"strings"
	"testing"
	"time"

	"plumbline/services/standalone/demo"
)

// The organisation grows, its numbers are those of the raw rows at each size, and a rollup that says something else is found.
func TestScorecardIsWhatRawRowsSay(t *testing.T) {
	done, total := 0, 0
	cfg := Config{Seed: 7, Short: true, Dir: t.TempDir(), Sizes: []int{20_000, 26_000}, Requests: 2, Progress: func(d, n int) { done, total = d, n }}
	plan, err := cfg.scorecardPlan()
	if err != nil {
		t.Fatal(err)
	}
	p, err := openPlace(t.Context(), cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	h, err := p.openHistory(t.Context(), cfg, plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.db.Close() })
	for _, size := range plan.sizes {
		res, err := h.measureAt(t.Context(), size, plan.requests)
		if err != nil {
			t.Fatal(err)
		}
		if res.Events != size || !res.Equal || !res.WithoutRaw || res.Figures < 100 || res.RollupRows < 5_000 {
			t.Errorf("result %+v", res)
		}
		if res.P50 <= 0 || res.P50 > res.P95 || res.P95 > res.Max || res.First <= 0 || res.Compared.P95 <= 0 || res.OtherPeriods.P95 <= 0 || res.RawMs <= 0 {
			t.Errorf("result %+v", res)
		}
		t.Logf("%+v", res)
		// The raw tables are back, with every row: copies and all.
		if n, err := h.count(t.Context()); err != nil || n != size {
			t.Errorf("%d raw rows, %v; want %d", n, err, size)
		}
	}
	if done != total || total != 3*(20_000+26_000) {
		t.Errorf("progress %d of %d", done, total)
	}
	h.expectDifference(t)
}

// expectDifference bills a charge twice in the rollups of today's generations, which nobody has rolled.
func (h *history) expectDifference(t *testing.T) {
	t.Helper()
	forge := `INSERT INTO rollup_spend SELECT * FROM rollup_spend
WHERE (day, generation) IN (SELECT day, max(generation) FROM rollup_pointer GROUP BY day) AND n > 0 AND billed > 0 ORDER BY day DESC LIMIT 1`
	if err := execute(t.Context(), h.place.warehouse, forge); err != nil {
		t.Fatal(err)
	}
	res := ScorecardResult{Latency: Latency{P50: 1}}
	err := h.judge(t.Context(), &res)
	if res.Equal || err == nil || !strings.Contains(err.Error(), "spend in "+demo.Currency) && !strings.Contains(err.Error(), "spend in "+foreignMoney) {
		t.Errorf("a changed rollup was not found: %+v, %v", res, err)
	}
}

func TestScorecardPlan(t *testing.T) {
	for name, c := range map[string]Config{
		"falling sizes": {Sizes: []int{60_000, 20_000}},
		"equal sizes":   {Sizes: []int{20_000, 20_000}},
		"too small":     {Sizes: []int{100}},
		"too short":     {Days: 90},
		"too long":      {Days: 500},
		"no requests":   {Requests: -1},
	} {
		if _, err := c.scorecardPlan(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p, err := Config{}.scorecardPlan()
	if err != nil || len(p.sizes) != 3 || p.sizes[2] != 30_000_000 || p.requests != 200 || p.days != 365 {
		t.Errorf("plan %+v, %v", p, err)
	}
}

// Periods differ in each request, are as long as the default one at least, and end in the past.
func TestPeriodsAreOthersInEachRequest(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	at, seen := periods(now), map[string]bool{}
	for i := range 300 {
		q := at(i)
		from, to := q.Get("from"), q.Get("to")
		if seen[from+to] || to > "2026-11-27" {
			t.Fatalf("request %d: %s to %s", i, from, to)
		}
		seen[from+to] = true
	}
	if q := at(0); q.Get("from") != "2026-08-29" || q.Get("to") != "2026-11-27" { // 90 days
		t.Errorf("first period %v", q)
	}
}

// The same seed makes the same rows, another one others.
func TestHistoryIsRepeatable(t *testing.T) {
	end := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	text := func(seed uint64) string {
		org, err := newOrganisation(seed, 365, end)
		if err != nil {
			t.Fatal(err)
		}
		h := &history{org: org, seed: seed, start: end.AddDate(0, 0, -365), end: end, days: 365, constants: org.constants(), next: map[string]int{}}
		var all strings.Builder
		rows := 0
		for _, p := range h.growth(14_003) {
			all.WriteString(p.insert(h, 0, p.n, "true"))
			rows += p.n
		}
		if rows != 14_003 {
			t.Errorf("%d rows; want 14,003", rows)
		}
		return all.String()
	}
	one := text(1)
	if again := text(1); again != one || text(2) == one {
		t.Error("rows do not depend on the seed alone")
	}
}

func TestDifferencesNameWhatDiffers(t *testing.T) {
	one, other := figures{}, figures{}
	one.count("same", 3)
	other.count("same", 3)
	one.count("other", 3)
	other.count("other", 4)
	other.count("missing", 0)
	if got := one.differences(other); len(got) != 2 || got[1] != "other is 3, of raw rows 4" {
		t.Errorf("differences %q", got)
	}
}
