package metric_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// value is the value of a measure as text, "null" where it has none.
func value(m metric.Measure) string {
	if m.Value == nil {
		return "null"
	}
	return m.Value.Text()
}

// part is the value of a part as text.
func part(t *testing.T, m metric.Measure, key string) string {
	t.Helper()
	i := slices.IndexFunc(m.Parts, func(p metric.Part) bool { return p.Key == key })
	if i < 0 {
		t.Fatalf("%s has no part %s", m.Key, key)
	}
	if m.Parts[i].Value == nil {
		return "null"
	}
	return m.Parts[i].Value.Text()
}

func reason(m metric.Measure) string {
	if m.Reason == nil {
		return string(m.Status)
	}
	return *m.Reason
}

func TestFoldCoverage(t *testing.T) {
	rows := []metric.CoverageRow{
		{"hours", "a", "post", 3}, {"hours", "b", "post", 1}, {"vendor", "a", "", 2}, {"vendor", "", "", 5}, {"pipeline", "new", "", 1},
	}
	for name, c := range map[string]struct {
		in   metric.CoverageInput
		want map[string]string
	}{
		// a, b, c are registered and "new" is seen: four teams.
		"of all teams": {
			metric.CoverageInput{Rows: rows, Teams: []string{"a", "b", "c"}, Scope: metric.Scope{Kind: metric.ScopeOrg}},
			map[string]string{"hours": "0.5", "vendor": "0.25", "conversion": "0", "pipeline": "0.25"},
		},
		"of one team": {
			metric.CoverageInput{Rows: rows, Teams: []string{"a", "b", "c"}, Scope: metric.Scope{Kind: metric.ScopeTeam, Key: "c"}},
			map[string]string{"hours": "0", "vendor": "0", "conversion": "0", "pipeline": "0"},
		},
		// The workflow belongs to d, and a and b have worked on it.
		"of the teams of a workflow": {
			metric.CoverageInput{Rows: rows, Teams: []string{"a", "b", "c"}, Workflows: map[string]string{"post": "d"}, Scope: metric.Scope{Kind: metric.ScopeWorkflow, Key: "post"}},
			map[string]string{"hours": "0.666666666667", "vendor": "0"},
		},
		"nobody knows of any team": {
			metric.CoverageInput{Rows: rows[3:4], Scope: metric.Scope{Kind: metric.ScopeOrg}},
			map[string]string{"vendor": "no_team", "hours": "no_data"},
		},
		"nothing": {metric.CoverageInput{Scope: metric.Scope{Kind: metric.ScopeOrg}}, map[string]string{"hours": "no_data"}},
	} {
		folds := metric.FoldCoverage(c.in)
		for kind, want := range c.want {
			m := folds[metric.CoverageKey(kind)].Measure
			got := value(m)
			if m.Status != metric.OK {
				got = reason(m)
			}
			if got != want {
				t.Errorf("%s: coverage of %s is %s, want %s", name, kind, got, want)
			}
		}
	}
	// The events that name no team are told, with their number, but for hours.
	all := metric.FoldCoverage(metric.CoverageInput{Rows: append(rows, metric.CoverageRow{Kind: "hours", N: 4}), Scope: metric.Scope{Kind: metric.ScopeOrg}})
	if x := all[metric.CoverageVendor].Excluded; len(x) != 1 || *x[0].N != 5 {
		t.Errorf("excluded of vendor spend: %+v", x)
	}
	if x := all[metric.CoverageHours].Excluded; len(x) != 1 || x[0].N != nil {
		t.Errorf("excluded of hours: %+v", x)
	}
}

func TestFoldOwnership(t *testing.T) {
	d := decimal.NewFromInt
	in := metric.OwnershipInput{
		Workflows: []metric.OwnedWorkflow{
			{Workflow: "a", Registered: true, Named: true, Confirmed: true, ConfirmedAt: "2026-10-01"},
			{Workflow: "b", Registered: true, Named: true},
			{Workflow: "c", Registered: true},
			{Workflow: "d"},
		},
		Minutes: map[string]decimal.Decimal{"a": d(30), "b": d(60), "": d(30)},
		Spend:   map[string]decimal.Decimal{"a": d(10), "d": d(30)},
	}
	m := metric.FoldOwnership(in).Measure
	for what, pair := range map[string][2]string{
		"value": {value(m), "0.25"}, "named": {part(t, m, "named"), "0.5"},
		"hours": {part(t, m, "hours"), "0.25"}, // 30 of 120 minutes, of which 30 belong to no workflow
		"spend": {part(t, m, "spend"), "0.25"}, // 10 of 40
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, want %s", what, pair[0], pair[1])
		}
	}
	in.Hidden, in.Spend = true, nil
	m = metric.FoldOwnership(in).Measure
	if part(t, m, "hours") != "null" || part(t, m, "spend") != "null" {
		t.Error("what is hidden or was not spent is no share, and no zero")
	}
	if got := metric.FoldOwnership(metric.OwnershipInput{}).Measure.Status; got != metric.NoData {
		t.Errorf("without workflows: %s", got)
	}
}

// share is a measure that has only a value.
func share(percent int64) metric.Measure {
	return metric.Measure{Status: metric.OK, Value: metric.ExactOf(decimal.New(percent, -2))}
}

func TestFoldMaturity(t *testing.T) {
	coverage := func(hours, vendor, conversion, pipeline int64) map[string]metric.Measure {
		out := map[string]metric.Measure{}
		for key, p := range map[string]int64{
			metric.CoverageHours: hours, metric.CoverageVendor: vendor, metric.CoverageConversion: conversion, metric.CoveragePipeline: pipeline,
		} {
			m := share(p)
			m.Key = key
			out[key] = m
		}
		return out
	}
	graded := metric.Measure{Status: metric.OK, Shares: []metric.GradeShare{{Grade: 0, Share: 0.5}, {Grade: 1, Share: 0.3}, {Grade: 5, Share: 0.2}}}
	linked := metric.ExactOf(decimal.New(5, -1))
	for name, c := range map[string]struct {
		in   metric.MaturityInput
		want string
		next string
	}{
		"one kind":                        {metric.MaturityInput{Coverage: coverage(57, 42, 32, 7), Ownership: share(100)}, "1", "kinds_2"},
		"two kinds, nobody owns anything": {metric.MaturityInput{Coverage: coverage(57, 43, 0, 0)}, "1", "ownership_50"},
		"two kinds and half is owned":     {metric.MaturityInput{Coverage: coverage(57, 43, 0, 0), Ownership: share(50)}, "2", "kinds_3"},
		"three kinds, owned, all declared": {
			metric.MaturityInput{Coverage: coverage(57, 43, 0, 8), Ownership: share(65), Hours: metric.Measure{Status: metric.OK, Shares: []metric.GradeShare{{Grade: 0, Share: 1}}}},
			"2", "measured",
		},
		"three kinds, owned, half measured": {metric.MaturityInput{Coverage: coverage(57, 43, 0, 8), Ownership: share(65), Hours: graded}, "3", "kinds_4"},
		// What is withheld meets nothing.
		"hours under the floor":     {metric.MaturityInput{Coverage: coverage(57, 43, 33, 8), Ownership: share(100), Hours: metric.Measure{Status: metric.Withheld}, Linked: linked}, "2", "measured"},
		"everything, nothing spent": {metric.MaturityInput{Coverage: coverage(57, 43, 33, 8), Ownership: share(73), Hours: graded}, "3", "linked"},
		"everything":                {metric.MaturityInput{Coverage: coverage(57, 43, 33, 8), Ownership: share(73), Hours: graded, Linked: linked}, "4", ""},
	} {
		m := metric.FoldMaturity(c.in).Measure
		if value(m) != c.want {
			t.Errorf("%s: level %s, want %s", name, value(m), c.want)
		}
		criteria := metric.Criteria(c.in)
		next, _ := metric.NextStep(criteria, metric.LevelOf(criteria))
		if next.Key != c.next {
			t.Errorf("%s: next is %q, want %q", name, next.Key, c.next)
		}
	}
	if got := metric.FoldMaturity(metric.MaturityInput{}).Measure.Status; got != metric.NoData {
		t.Errorf("without anything: %s", got)
	}
}

func TestReviewFolds(t *testing.T) {
	target := func(workflow string, _ event.Day) (decimal.Decimal, string, bool) {
		return decimal.NewFromInt(24), "v1", workflow == "post"
	}
	from, to := date("2026-10-01"), date("2026-11-01")
	decided := func(hours float64, workflow string) metric.ReviewRow {
		begin := at("2026-10-05")
		end := begin.Add(time.Duration(hours * float64(time.Hour)))
		day := at("2026-10-06")
		return metric.ReviewRow{Workflow: workflow, SubmittedAt: begin, Decision: "approved", DecidedAt: &end, DecidedDay: &day, FirstDecision: "changes_requested", FirstDay: &day, People: []string{"p"}}
	}
	open := metric.ReviewRow{SubmittedAt: at("2026-10-05"), Decision: "changes_requested"}
	m := metric.FoldReviewCycle([]metric.ReviewRow{decided(48, "post"), decided(1.5, "post"), decided(24, ""), open}, from, to, target).Measure
	for what, pair := range map[string][2]string{
		"median": {value(m), "24"},
		"p90":    {part(t, m, "p90"), "43.2"}, // at place 2 × 0.9 = 1.8: 24 + 0.8 × 24
		"open":   {part(t, m, "open"), "1"},
		"target": {part(t, m, "within_target"), "0.5"}, // of the two that have one
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, want %s", what, pair[0], pair[1])
		}
	}
	if m.Low != nil || m.Warnings[0].Code != "too_few" {
		t.Error("three reviews have no interval, and it is said")
	}
	if first := metric.FoldFirstPass([]metric.ReviewRow{decided(1, ""), decided(2, "")}, from, to).Measure; value(first) != "0" || *first.High < 0.5 {
		t.Errorf("no first round passed: %s, at most %v", value(first), *first.High)
	}
	if got := reason(metric.FoldReviewCycle([]metric.ReviewRow{open}, from, to, target).Measure); got != "none_decided" {
		t.Errorf("only open ones: %s", got)
	}
	if got := reason(metric.FoldReviewCycle(nil, from, to, target).Measure); got != "no_data" {
		t.Errorf("nothing: %s", got)
	}
	if got := reason(metric.FoldFirstPass([]metric.ReviewRow{open}, from, to).Measure); got != "no_data" {
		t.Errorf("no first round decided: %s", got)
	}
	// One more at the same time leaves the median, and an even number has the mean of the middle two.
	if m := metric.FoldReviewCycle([]metric.ReviewRow{decided(1, ""), decided(2, "")}, from, to, target).Measure; value(m) != "1.5" {
		t.Errorf("median of 1 and 2: %s", value(m))
	}
}

func TestLostTimeCountsOnce(t *testing.T) {
	minutes := func(n int64) *decimal.Decimal { return new(decimal.NewFromInt(n)) }
	from, to := date("2026-10-01"), date("2026-11-01")
	rows := []metric.BarrierRow{
		{Day: at("2026-09-30"), Barrier: "b", Person: "ann", Minutes: minutes(600)},
		{Day: at("2026-10-01"), Barrier: "b", Person: "ann", Minutes: minutes(30)},
		{Day: at("2026-10-02"), Barrier: "b", Person: "bob", Minutes: minutes(6)},
		{Day: at("2026-10-02"), Barrier: "c", Person: "ann", Minutes: minutes(1)},
		{Day: at("2026-10-03"), Barrier: "b", Person: "ann", Minutes: minutes(60), Team: "web"}, // instead of 30
		{Day: at("2026-10-04"), Barrier: "b", Person: "ann"},                                    // says nothing new
		{Day: at("2026-10-04"), Barrier: "b", Person: "cat"},                                    // no time
		{Day: at("2026-10-05"), Barrier: "b", Minutes: minutes(10)},                             // nobody: each counts
		{Day: at("2026-10-05"), Barrier: "b", Minutes: minutes(10)},
	}
	lost := metric.LostIn(rows, from, to)
	silent := metric.Silent(rows, from, to)
	fold := metric.FoldBarriers(lost, uint64(len(silent)))
	// 60 + 6 + 1 + 10 + 10 = 87 minutes
	if got := value(fold.Measure); got != "1.450000000000000001" && got != "1.45" {
		t.Errorf("hours lost: %s, want 87 minutes", got)
	}
	if len(silent) != 1 || *fold.Excluded[0].N != 1 {
		t.Errorf("silent: %+v", silent)
	}
	if got := reason(metric.FoldBarriers(nil, 3).Measure); got != "no_minutes" {
		t.Errorf("only silent ones: %s", got)
	}
	if got := reason(metric.FoldBarriers(nil, 0).Measure); got != "no_data" {
		t.Errorf("nothing: %s", got)
	}
}

// Whatever people report, the hours of the teams sum to those of the whole, and the hours of a person and barrier count
// once.
func TestLostTimeOfTeamsAddsUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var rows []metric.BarrierRow
		for i := range rapid.IntRange(0, 30).Draw(rt, "reports") {
			r := metric.BarrierRow{
				Day: at("2026-10-01").AddDate(0, 0, i), Barrier: rapid.SampledFrom([]string{"b", "c"}).Draw(rt, "barrier"),
				Team: rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "team"), Person: rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(rt, "person"),
			}
			if rapid.Bool().Draw(rt, "states") {
				r.Minutes = new(decimal.New(rapid.Int64Range(0, 1e9).Draw(rt, "minutes"), -3))
			}
			rows = append(rows, r)
		}
		lost := metric.LostIn(rows, date("2026-10-03"), date("2026-10-25"))
		whole := metric.FoldBarriers(lost, 0).Measure
		sum, once := decimal.Zero, map[string]bool{}
		for _, team := range []string{"", "x", "y"} {
			own := slices.DeleteFunc(slices.Clone(lost), func(l metric.LostTime) bool { return l.Team != team })
			if m := metric.FoldBarriers(own, 0).Measure; m.Value != nil {
				sum = sum.Add(m.Value.Decimal)
			}
		}
		for _, l := range lost {
			if key := l.Barrier + "/" + l.Person; l.Person != "" && once[key] {
				rt.Errorf("%s counts twice", key)
			} else {
				once[key] = true
			}
		}
		if whole.Value != nil && !sum.Equal(whole.Value.Decimal) {
			rt.Errorf("teams sum to %s, the whole is %s", sum, whole.Value.Text())
		}
	})
}

// Everybody counts in one team, so that both sides of the share add up.
func TestMembersOfTeamsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		people := []string{"ann", "bob", "cat", "dan"}
		who := func(label string) string { return rapid.SampledFrom(people).Draw(rt, label) }
		team := func() string { return rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "team") }
		in := metric.EnablementInput{Registered: map[string]string{}, From: date("2026-10-01")}
		for range rapid.IntRange(0, 3).Draw(rt, "registered") {
			in.Registered[who("registered")] = team()
		}
		for i := range rapid.IntRange(0, 6).Draw(rt, "work") {
			in.Work = append(in.Work, metric.PeopleRow{Month: at("2026-08-01").AddDate(0, i, 0), Team: team(), Workflow: "w", People: []string{who("at work"), who("at work")}})
		}
		for i := range rapid.IntRange(0, 6).Draw(rt, "learners") {
			in.Learners = append(in.Learners, metric.LearnerRow{Person: who("learner"), Team: team(), Last: at("2026-09-01").AddDate(0, 0, 10*i), Hours: decimal.NewFromInt(1), Trained: rapid.Bool().Draw(rt, "trained")})
		}
		all := metric.Members(in)
		counts := map[string]uint64{}
		add := func(m metric.Measure) {
			for _, p := range m.Parts {
				if p.Key == "numerator" || p.Key == "denominator" {
					counts[p.Key] += uint64(p.Value.IntPart())
				}
			}
		}
		for _, t := range []string{"", "x", "y"} {
			scope := metric.Scope{Kind: metric.ScopeTeam, Key: t}
			add(metric.FoldTrained(metric.MembersIn(all, scope), scope).Measure)
		}
		org := metric.Scope{Kind: metric.ScopeOrg}
		whole := metric.FoldTrained(metric.MembersIn(all, org), org).Measure
		for _, p := range whole.Parts {
			if n, ok := counts[p.Key]; ok && n != uint64(p.Value.IntPart()) {
				rt.Errorf("%s: teams sum to %d, the whole is %s", p.Key, n, p.Value.Text())
			}
		}
		if len(all) > 0 && *whole.N != uint64(len(all)) {
			rt.Errorf("%d members, want %d", *whole.N, len(all))
		}
	})
}

func TestFoldCalibrationWithholds(t *testing.T) {
	d := decimal.NewFromInt
	given := []metric.HoursRow{{Day: at("2026-10-06"), Workflow: "post", GivenN: 3, GivenUnits: d(3), GivenBaseline: d(300), GivenMinutes: d(90)}}
	if got := reason(metric.FoldCalibration(metric.CalibrationInput{Given: given}).Measure); got != "not_measured" {
		t.Errorf("without a measurement: %s", got)
	}
	if got := reason(metric.FoldCalibration(metric.CalibrationInput{}).Measure); got != "no_data" {
		t.Errorf("nothing: %s", got)
	}
	immature := []metric.Trial{{Trial: "t", Status: metric.Withheld}}
	if got := reason(metric.FoldCalibration(metric.CalibrationInput{Trials: immature}).Measure); got != "immature" {
		t.Errorf("a trial without a result: %s", got)
	}
	// Ten unassisted pieces of 60 minutes each. Reported 1 − 90 ÷ 300 = 70 %, measured 1 − 90 ÷ 180 = 50 %.
	measured := metric.HoursInput{Unassisted: []metric.UnassistedRow{{Day: at("2026-09-01"), Workflow: "post", N: 10, Units: d(10), Minutes: d(600), UnitsSquared: d(10), MinutesSq: d(36000), MinutesUnits: d(600)}}}
	m := metric.FoldCalibration(metric.CalibrationInput{Given: given, Hours: measured}).Measure
	if value(m) != "20" || *m.N != 3 || *m.Grade != 0 {
		t.Errorf("reported against measured: %s over %d, grade %d", value(m), *m.N, *m.Grade)
	}
}

// What may not be shown by itself stands in one row, and the weighted mean of the rows is still the value.
func TestCalibrationRowsGiveTheValue(t *testing.T) {
	d := decimal.NewFromInt
	in := metric.CalibrationInput{Alone: func(workflow string) bool { return workflow == "a" }}
	for i, workflow := range []string{"a", "b", "c"} {
		in.Given = append(in.Given, metric.HoursRow{Day: at("2026-10-06"), Workflow: workflow, GivenN: uint64(i + 1), GivenUnits: d(1), GivenBaseline: d(100), GivenMinutes: d(int64(20 * (i + 1)))})
		in.Hours.Unassisted = append(in.Hours.Unassisted, metric.UnassistedRow{Day: at("2026-09-01"), Workflow: workflow, N: 8, Units: d(8), Minutes: d(800), UnitsSquared: d(8), MinutesSq: d(80000), MinutesUnits: d(800)})
	}
	in.Given[1].GivenBaseline, in.Given[2].GivenBaseline = d(200), d(300)
	m := metric.FoldCalibration(in).Measure
	rows := in.Listed()
	if len(rows) != 2 || rows[1].Workflow != "other workflows" || rows[1].N != 5 {
		t.Fatalf("rows: %+v", rows)
	}
	sum, n := decimal.Zero, int64(0)
	for _, r := range rows {
		sum, n = sum.Add(r.Gap().Mul(d(int64(r.N)))), n+int64(r.N)
	}
	// a: 80 − 80 = 0; b: 80 − 60 = 20, twice; c: 80 − 40 = 40, three times: 160 ÷ 6
	if got := sum.Div(d(n)); got.Sub(m.Value.Decimal).Abs().GreaterThan(decimal.New(1, -9)) || value(m) != "26.666666666667" {
		t.Errorf("the rows give %s, the value is %s", got, value(m))
	}
}

func TestLinkedShare(t *testing.T) {
	d := decimal.NewFromInt
	outcomes := metric.Outcomes{Workflows: map[string]bool{}, Teams: map[string]bool{}}
	outcomes.Add("post", "content")
	fx := func(currency string, _ event.Day) (metric.Rate, bool) {
		return metric.Rate{Rate: d(1)}, currency == "USD"
	}
	spend := []metric.SpendRow{
		{Category: "ai_tool", Workflow: "post", Currency: "USD", Billed: d(10)},
		{Category: "ai_tool", Team: "content", Currency: "USD", Billed: d(20)},                   // by its team
		{Category: "ai_tool", Team: "content", Workflow: "page", Currency: "USD", Billed: d(40)}, // its workflow has none
		{Category: "training", Currency: "USD", Billed: d(30)},                                   // names nothing
		{Category: "agency", Workflow: "post", Currency: "USD", Billed: d(500)},                  // is not AI
		{Category: "ai_tool", Workflow: "post", Currency: "XXX", Billed: d(500)},                 // has no rate
	}
	if got := metric.LinkedShare(spend, outcomes, fx); got.Text() != "0.3" { // 30 of 100
		t.Errorf("linked share %s, want 0.3", got.Text())
	}
	if got := metric.LinkedShare(spend[4:], outcomes, fx); got != nil {
		t.Errorf("nothing spent on AI: %s", got.Text())
	}
}
