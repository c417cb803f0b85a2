package registry_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

func TestDecodeAccepts(t *testing.T) {
	for _, c := range []struct {
		kind registry.Kind
		key  string
		raw  string
	}{
		{registry.Workflows, "blog-post", `{"name":"Blog post","team":"content","unit":"post","owner":"dana","owner_confirmed_at":"2026-10-01","role_responsible":"AI lead","review_policy":{"target_hours":24},"policy_link":"https://example.com/policy","overlap_group":"g","baseline":{"low":90,"mode":120,"high":180,"evidence":"time sheets"}}`},
		{registry.Teams, "content", `{"name":"Content","default_rate_class":"writer"}`},
		{registry.People, "p0123456789abcdef01234567", `{"role":"ic","team":"content","rate_class":"writer"}`},
		{registry.Rates, "writer", `{"loaded_hourly_rate":"36.00","currency":"USD"}`},
		{registry.VendorBaselines, "agency-a", `{"vendor":"Agency A","category":"agency","price":"1200.50","currency":"EUR","period":"month","displaceable":true}`},
		{registry.Experiments, "subject-lines", `{"design":"randomised","control":"No E-Mail","expected_allocation":{"No E-Mail":1,"Mens E-Mail":1},"primary_metric":"visit","planned_n":64000,"margin_per_conversion":"4.20","currency":"USD"}`},
		{registry.FX, "EUR-USD", `{"rate":"1.0842"}`},
		{registry.Targets, "hours", `{"measure":"hours_saved_net","value":500,"per":"quarter"}`},
		{registry.Benchmarks, "gap", `{"measure":"perception_gap","value":0.5,"label":"62 − 12"}`},
		{registry.Assumptions, "realisation", `{"range":{"low":0.3,"mode":0.5,"high":0.7}}`},
		{registry.Assumptions, "risk", `{"by_grade":{"0":0.3,"5":0}}`},
		{registry.Calendar, "default", `{"zone":"Europe/Berlin","currency":"EUR","fiscal_year_start":4}`},
		{registry.Annotations, "launch", `{"day":"2026-11-01","text":"new brief"}`},
	} {
		if _, problems := registry.Decode(c.kind, c.key, []byte(c.raw)); len(problems) > 0 {
			t.Errorf("%s/%s: %v", c.kind, c.key, problems)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		kind    registry.Kind
		key     string
		raw     string
		code    event.Code
		pointer string
	}{
		"unknown kind":       {"speeds", "x", `{}`, event.CodeBadValue, ""},
		"key with a control": {registry.Teams, "a\nb", `{}`, event.CodeBadValue, ""},
		"not JSON":           {registry.Teams, "a", `{`, event.CodeNotJSON, ""},
		"unknown field":      {registry.Teams, "a", `{"label":"x"}`, event.CodeUnknownField, "/label"},
		"field twice":        {registry.Teams, "a", `{"name":"x","name":"y"}`, event.CodeDuplicateField, "/name"},
		"wrong type":         {registry.Teams, "a", `{"name":1}`, event.CodeWrongType, "/name"},
		"money as a number":  {registry.Rates, "a", `{"loaded_hourly_rate":36,"currency":"USD"}`, event.CodeBadValue, "/loaded_hourly_rate"},
		"no rate":            {registry.Rates, "a", `{"currency":"USD"}`, event.CodeMissingField, "/loaded_hourly_rate"},
		"negative rate":      {registry.Rates, "a", `{"loaded_hourly_rate":"-1","currency":"USD"}`, event.CodeOutOfRange, "/loaded_hourly_rate"},
		"currency":           {registry.Rates, "a", `{"loaded_hourly_rate":"1","currency":"usd"}`, event.CodeBadValue, "/currency"},
		"falling triangle":   {registry.Workflows, "a", `{"baseline":{"low":9,"mode":8,"high":10}}`, event.CodeInconsistent, "/baseline"},
		"half a triangle":    {registry.Workflows, "a", `{"baseline":{"low":9,"mode":10}}`, event.CodeMissingField, "/baseline/high"},
		"zero baseline":      {registry.Workflows, "a", `{"baseline":{"low":0,"mode":0,"high":0}}`, event.CodeOutOfRange, "/baseline"},
		"script as a link":   {registry.Workflows, "a", `{"policy_link":"javascript:alert(1)"}`, event.CodeBadValue, "/policy_link"},
		"no control":         {registry.Experiments, "a", `{}`, event.CodeMissingField, "/control"},
		"control outside":    {registry.Experiments, "a", `{"control":"c","expected_allocation":{"x":1}}`, event.CodeInconsistent, "/expected_allocation"},
		"weight of nothing":  {registry.Experiments, "a", `{"control":"c","expected_allocation":{"c":0}}`, event.CodeOutOfRange, "/expected_allocation/c"},
		"pair":               {registry.FX, "EURUSD", `{"rate":"1"}`, event.CodeBadValue, ""},
		"zero exchange rate": {registry.FX, "EUR-USD", `{"rate":"0"}`, event.CodeOutOfRange, "/rate"},
		"zone":               {registry.Calendar, "default", `{"zone":"Europe/Atlantis"}`, event.CodeBadValue, "/zone"},
		"second calendar":    {registry.Calendar, "other", `{"zone":"UTC"}`, event.CodeBadValue, ""},
		"day missing":        {registry.Annotations, "a", `{"text":"x"}`, event.CodeMissingField, "/day"},
		"risk elsewhere":     {registry.Assumptions, "realisation", `{"by_grade":{"0":0.3}}`, event.CodeInconsistent, "/by_grade"},
	} {
		_, problems := registry.Decode(c.kind, c.key, []byte(c.raw))
		if len(problems) == 0 {
			t.Errorf("%s: accepted", name)
			continue
		}
		if p := problems[0]; p.Code != c.code || p.Pointer != c.pointer || p.Message == "" {
			t.Errorf("%s: got %v, want %s at %q", name, p, c.code, c.pointer)
		}
	}
}

func TestBody(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// A day starts in the workspace's zone: 2026-01-01 in Berlin is 23:00 UTC of the day before.
	r, problems := registry.Body(registry.Teams, "content", []byte(`{"valid_from":"2026-01-01","name":"Content","kind":"teams","versions":[]}`), berlin)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if want := time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC); !r.ValidFrom.Equal(want) || string(r.Value) != `{"name":"Content"}` {
		t.Errorf("got %v %s", r.ValidFrom, r.Value)
	}
	for body, pointer := range map[string]string{
		`{"name":"x"}`:                      "/valid_from",
		`{"valid_from":5}`:                  "/valid_from",
		`{"valid_from":"soon"}`:             "/valid_from",
		`{"valid_from":"2026-01-01","a":1}`: "/a",
		`[]`:                                "",
	} {
		if _, problems := registry.Body(registry.Teams, "content", []byte(body), berlin); len(problems) == 0 || problems[0].Pointer != pointer {
			t.Errorf("%s: got %v, want a problem at %q", body, problems, pointer)
		}
	}
}

func record(kind registry.Kind, key, from, recorded, id, value string) registry.Record {
	at := func(s string) time.Time {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			panic(err)
		}
		return t
	}
	return registry.Record{
		Workspace: "default", Kind: kind, Key: key, ValidFrom: at(from), RecordedAt: at(recorded), EntryID: id,
		Value: []byte(value), Deleted: value == "", Author: "admin",
	}
}

func TestMessageRoundTrip(t *testing.T) {
	want := record(registry.Teams, "content", "2026-01-01", "2026-02-01", "e1", `{"name":"Content"}`)
	key, value, err := want.Message()
	if err != nil {
		t.Fatal(err)
	}
	got, err := registry.FromMessage(key, value)
	if err != nil {
		t.Fatal(err)
	}
	if got.Key != want.Key || !got.ValidFrom.Equal(want.ValidFrom) || !got.RecordedAt.Equal(want.RecordedAt) || string(got.Value) != string(want.Value) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := registry.FromMessage(append(key, 'x'), value); err == nil {
		t.Error("a message with another key was taken")
	}
}

// A version that ends an entry has no value, before and after.
func TestMessageOfAnEnd(t *testing.T) {
	end := record(registry.Rates, "writer", "2026-01-01", "2026-02-01", "e1", "")
	end.Value = nil
	key, value, err := end.Message()
	if err != nil {
		t.Fatal(err)
	}
	got, err := registry.FromMessage(key, value)
	if err != nil || !got.Deleted || len(got.Value) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzFromMessage(f *testing.F) {
	key, value, err := record(registry.FX, "EUR-USD", "2026-01-01", "2026-02-01", "e1", `{"rate":"1.1"}`).Message()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, err := registry.FromMessage(key, value)
		if err != nil {
			return
		}
		again, _, err := r.Message()
		if err != nil || string(again) != string(key) {
			t.Errorf("a decoded record does not encode to its key: %v", err)
		}
	})
}

func TestSnapshotHoldsWhatHeld(t *testing.T) {
	s := registry.NewSnapshot([]registry.Record{
		record(registry.FX, "EUR-USD", "2026-06-01", "2026-02-01", "b", `{"rate":"1.2"}`),
		record(registry.FX, "EUR-USD", "2026-01-01", "2026-01-01", "a", `{"rate":"1.1"}`),
		// A later write for the same valid_from replaces the first.
		record(registry.FX, "EUR-USD", "2026-01-01", "2026-03-01", "c", `{"rate":"1.15"}`),
		// From August the rate is taken out.
		record(registry.FX, "EUR-USD", "2026-08-01", "2026-03-02", "d", ``),
		record(registry.FX, "USD-GBP", "2026-01-01", "2026-03-02", "e", `{"rate":"0.8"}`),
		record(registry.FX, "USD-CHF", "2026-01-01", "2026-03-02", "f", `{"rate":"zero"}`),
	})
	day := func(text string) time.Time {
		d, err := event.ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		return d.Time
	}
	for _, c := range []struct {
		from, to, day, want string
	}{
		{"EUR", "USD", "2025-12-31", ""},
		{"EUR", "USD", "2026-01-01", "1.15"},
		{"EUR", "USD", "2026-05-31", "1.15"},
		{"EUR", "USD", "2026-06-01", "1.2"},
		{"EUR", "USD", "2026-08-01", ""},
		{"USD", "USD", "2020-01-01", "1"},
		{"GBP", "USD", "2026-02-01", "1.25"}, // 1 ÷ 0.8
		{"EUR", "GBP", "2026-02-01", ""},     // nothing in between
		{"USD", "CHF", "2026-02-01", ""},     // does not decode
	} {
		got, ok := s.Convert(c.from, c.to, day(c.day))
		if ok != (c.want != "") || (ok && !got.Rate.Equal(decimal.RequireFromString(c.want))) {
			t.Errorf("%s-%s on %s: got %v %v, want %q", c.from, c.to, c.day, got.Rate, ok, c.want)
		}
	}
	for at, want := range map[string]string{"2025-12-31": "c", "2026-01-01": "b", "2026-06-30": "d", "2026-08-01": ""} {
		if next, ok := s.After(registry.FX, "EUR-USD", day(at)); ok != (want != "") || next.EntryID != want {
			t.Errorf("after %s: got %q %v, want %q", at, next.EntryID, ok, want)
		}
	}
	if n := len(s.History(registry.FX, "EUR-USD")); n != 4 {
		t.Errorf("history has %d writes, want 4", n)
	}
	if n := len(s.Skipped()); n != 1 {
		t.Errorf("skipped %d records, want 1", n)
	}
	if s.Currency(day("2026-01-01")) != "USD" || s.Zone(day("2026-01-01")) != time.UTC {
		t.Error("a workspace without a calendar is UTC and USD")
	}
}

// The order and the repetition of records change nothing.
func TestSnapshotIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []registry.Record
		for i := range rapid.IntRange(1, 12).Draw(t, "n") {
			records = append(records, record(
				registry.Teams, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"),
				rapid.SampledFrom([]string{"2026-01-01", "2026-02-01", "2026-03-01"}).Draw(t, "from"),
				rapid.SampledFrom([]string{"2026-01-05", "2026-01-06"}).Draw(t, "recorded"),
				string(rune('a'+i)), rapid.SampledFrom([]string{"", `{"name":"x"}`, `{"name":"y"}`}).Draw(t, "value"),
			))
		}
		one := registry.NewSnapshot(records)
		two := registry.NewSnapshot(append(rapid.Permutation(records).Draw(t, "order"), records...))
		for _, key := range []string{"a", "b"} {
			for month := 1; month < 5; month++ {
				at := time.Date(2026, time.Month(month), 15, 0, 0, 0, 0, time.UTC)
				x, okX := one.At(registry.Teams, key, at)
				y, okY := two.At(registry.Teams, key, at)
				if okX != okY || x.EntryID != y.EntryID {
					t.Fatalf("%s at %v: %q and %q", key, at, x.EntryID, y.EntryID)
				}
			}
			if len(one.History(registry.Teams, key)) != len(two.History(registry.Teams, key)) {
				t.Fatal("a repeated record lengthened the history")
			}
		}
	})
}
