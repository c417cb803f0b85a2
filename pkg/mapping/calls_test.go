package mapping_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// call reads a call that is sound.
func call(t *testing.T, raw string) *mapping.Call {
	t.Helper()
	c, problem := mapping.ReadCall([]byte(raw))
	if problem != nil {
		t.Fatal(problem)
	}
	return c
}

// segment is the built-in mapping.
func segment(t *testing.T) *mapping.Calls {
	t.Helper()
	c, err := mapping.SegmentCalls()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const order = `{"type":"track","event":"Order Completed","messageId":"m1","userId":"u@example.org","timestamp":"2026-11-01T10:00:00Z",
"properties":{"experiment_id":"checkout","variation_id":"b","revenue":1234567890.12345678,"currency":"EUR"}}`

// Money keeps every digit that the sender has written: as a float the last digit would be gone.
func TestOrderCompleted(t *testing.T) {
	out := segment(t).Apply("/segment/shop", call(t, order), nil)
	if len(out.Made) != 1 || len(out.Made[0].Problems) > 0 {
		t.Fatalf("%+v", out)
	}
	raw, err := out.Made[0].Event.Structured()
	if err != nil {
		t.Fatal(err)
	}
	e, problems := event.NewParser(time.Now).Structured(raw)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d, ok := e.Data.(*event.Conversion)
	if !ok || d.Value.Canonical() != "1234567890.12345678" || d.Currency != "EUR" || d.Experiment != "checkout" || d.Variant != "b" ||
		d.Metric != "conversion" || *d.Conversions != 1 || d.Exposures != nil || d.Person != "u@example.org" {
		t.Errorf("%+v", e.Data)
	}
	if e.ID != "m1" || e.Source != "/segment/shop" || !e.Time.Equal(time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", e)
	}
}

// What is wrong is said with a pointer into the call.
func TestWrongCalls(t *testing.T) {
	for _, test := range []struct {
		name, from, to string
		code           event.Code
		pointer        string
	}{
		{"no currency", `,"currency":"EUR"`, ``, event.CodeMissingField, "/properties/currency"},
		{"null currency", `"EUR"`, `null`, event.CodeMissingField, "/properties/currency"},
		{"no experiment", `"experiment_id":"checkout",`, ``, event.CodeMissingField, "/properties/experiment_id"},
		{"money is a word", `1234567890.12345678`, `"much"`, event.CodeBadValue, "/properties/revenue"},
		{"money is an object", `1234567890.12345678`, `{"amount":1}`, event.CodeWrongType, "/properties/revenue"},
		{"money is true", `1234567890.12345678`, `true`, event.CodeWrongType, "/properties/revenue"},
		{"the currency is a number", `"EUR"`, `978`, event.CodeBadValue, "/properties/currency"},
		{"the user is a list", `"u@example.org"`, `["u"]`, event.CodeWrongType, "/userId"},
		{"the id is an object", `"m1"`, `{}`, event.CodeMissingField, "/messageId"},
		{"the time is a word", `"2026-11-01T10:00:00Z"`, `"yesterday"`, event.CodeBadValue, "/timestamp"},
		{"the time is before 2000", `"2026-11-01T10:00:00Z"`, `"1999-11-01T10:00:00Z"`, event.CodeTooOld, "/timestamp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := strings.Replace(order, test.from, test.to, 1)
			out := segment(t).Apply("/segment/shop", call(t, raw), nil)
			if len(out.Made) != 1 {
				t.Fatalf("%+v", out)
			}
			m := out.Made[0]
			problems := m.Problems
			if len(problems) == 0 {
				raw, err := m.Event.Structured()
				if err != nil {
					t.Fatal(err)
				}
				_, problems = event.NewParser(time.Now).Structured(raw)
				for i := range problems {
					problems[i].Pointer, _ = m.Origin(problems[i].Pointer)
				}
			}
			if len(problems) == 0 || problems[0].Code != test.code || problems[0].Pointer != test.pointer {
				t.Errorf("%+v, want %s at %s", problems, test.code, test.pointer)
			}
		})
	}
}

// A connection's own events stand in the place of the built-in ones of the same name, and beside the others.
func TestOverTheBuiltIn(t *testing.T) {
	own, problems := mapping.ParseCalls([]byte(`[
		{"event":["Order Completed","Lead Won"],"kind":"training","when":[{"column":"context.test","present":false,"reason":"test"}],"fields":{"course":{"column":"properties.course"}}}
	]`), mapping.SegmentDefaults())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := own.Ignoring([]string{"Product Viewed", "Signed Up"}).Over(segment(t))
	for _, test := range []struct {
		call                       string
		kinds                      string
		ignored, unknown, skipping bool
	}{
		{`{"event":"Order Completed","properties":{"course":"c"}}`, "training", false, false, false},
		{`{"event":"Lead Won"}`, "training", false, false, false},
		{`{"event":"Lead Won","context":{"test":true}}`, "", false, false, true},
		{`{"event":"Experiment Viewed"}`, "conversion", false, false, false},
		{`{"event":"Product Viewed"}`, "", true, false, false},
		{`{"event":"Signed Up"}`, "", true, false, false},
		{`{"event":"Something Else"}`, "", false, true, false},
		{`{"event":{"name":"Lead Won"}}`, "", false, true, false},
		{`{}`, "", false, true, false},
	} {
		out := c.Apply("/s", call(t, test.call), map[string]string{mapping.ColumnMessageID: "m", mapping.ColumnTimestamp: "2026-11-01T10:00:00Z"})
		var kinds []string
		for _, m := range out.Made {
			kinds = append(kinds, string(m.Kind))
		}
		if strings.Join(kinds, " ") != test.kinds || out.Ignored != test.ignored || out.Unknown() != test.unknown || (len(out.Skipped) > 0) != test.skipping {
			t.Errorf("%s becomes %+v", test.call, out)
		}
	}
	if out := c.Ignoring([]string{mapping.EveryName}).Apply("/s", call(t, `{"event":"Something Else"}`), nil); !out.Ignored {
		t.Errorf("every other name is ignored, and this became %+v", out)
	}
}

// A call without an id is named by its content: the same members in another order are the same call.
func TestHookID(t *testing.T) {
	c, problems := mapping.ParseCalls([]byte(`
- {kind: training, time: {column: "@received"}, fields: {course: {column: a.b.c}}}
`), mapping.HookDefaults())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ids := map[string]int{}
	for _, raw := range []string{`{"a":{"b":{"c":"x"}},"n":1}`, ` { "n" : 1.0, "a":{"b": {"c":"x"}}}`, `{"a":{"b":{"c":"y"}},"n":1}`, `{"a.b":{"c":"x"},"n":1}`} {
		out := c.Apply("/hooks/x", call(t, raw), map[string]string{mapping.ColumnReceived: "2026-11-01T10:00:00Z"})
		if len(out.Made) != 1 || len(out.Made[0].Problems) > 0 || !strings.Contains(string(out.Made[0].Event.Data), `"course":"`) {
			t.Fatalf("%s becomes %+v", raw, out)
		}
		ids[out.Made[0].Event.ID]++
	}
	if len(ids) != 3 {
		t.Errorf("%v, want three ids: two of the four calls say the same", ids)
	}
}

// Whatever is wrong with a mapping of calls is said at once, each with a pointer.
func TestWrongCallMappings(t *testing.T) {
	for _, test := range []struct{ events, pointer, words string }{
		{`[{"kind":"nonsense"}]`, "/0/kind", "write one of"},
		{`[{"kind":"void","time":{"column":"t"}}]`, "/0/kind", "/v1/events"},
		{`[{"kind":"training"}]`, "/0/time", "@received"},
		{`[{"kind":"training","time":{"start":"2026-11-01T10:00:00Z"}}]`, "/0/time", "without dates"},
		{`[{"kind":"training","time":{"column":"t"},"fields":{"corse":{"column":"x"}}}]`, "/0/fields/corse", "has no field"},
		{`[{"kind":"training","time":{"column":"t"},"fields":{"course":{}}}]`, "/0/fields/course", "exactly one"},
		{`[{"kind":"training","time":{"column":"t"},"id":"{a"}]`, "/0/id", "placeholder"},
		{`[{"kind":"training","time":{"column":"t"},"id":"{row}"}]`, "/0", "in no file"},
		{`[{"kind":"training","time":{"column":"t"},"when":[{"column":"x"}]}]`, "/0/when/0", "one of is"},
		{`[{"kind":"training","time":{"column":"a.b.c.d.e.f.g.h.i.j"}}]`, "/0", "dots"},
		{`[{"kind":"training","tim":{"column":"t"}}]`, "", "unknown key tim"},
		{`{"kind":"training"}`, "", "cannot unmarshal"},
		{`[`, "", "not YAML"},
	} {
		_, problems := mapping.ParseCalls([]byte(test.events), mapping.HookDefaults())
		if len(problems) == 0 || problems[0].Pointer != test.pointer || !strings.Contains(problems[0].Message, test.words) {
			t.Errorf("%s: %+v, want %q at %q", test.events, problems, test.words, test.pointer)
		}
	}
}

// What is no JSON object is no call.
func TestNoCall(t *testing.T) {
	for raw, code := range map[string]event.Code{
		`[]`: event.CodeWrongType, `"x"`: event.CodeWrongType, `{`: event.CodeNotJSON, ``: event.CodeNotJSON,
		`{"a":1,"a":2}`: event.CodeDuplicateField, `{"a":{"b":1,"b":2}}`: event.CodeDuplicateField, "{\"a\":\"\xff\"}": event.CodeNotJSON,
	} {
		if _, problem := mapping.ReadCall([]byte(raw)); problem == nil || problem.Code != code {
			t.Errorf("%q: %v, want %s", raw, problem, code)
		}
	}
}

// Whatever a call is, it becomes events that can be written, or problems that say why not; nothing of it is lost.
func FuzzCall(f *testing.F) {
	f.Add([]byte(order))
	f.Add([]byte(`{"event":"Signed Up","properties":{"experiment_id":1e400}}`))
	f.Add([]byte(`{"event":"Order Completed","properties":{"revenue":-0.0,"currency":"€"},"userId":""}`))
	f.Add([]byte(`{"properties.revenue":1,"event":"Order Completed"}`))
	calls, err := mapping.SegmentCalls()
	if err != nil {
		f.Fatal(err)
	}
	parser := event.NewParser(time.Now)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, problem := mapping.ReadCall(raw)
		if problem != nil {
			return
		}
		if again, _ := mapping.ReadCall(raw); c.Hash() != again.Hash() {
			t.Error("the hash is not always the same")
		}
		for _, m := range calls.Apply("/s", c, nil).Made {
			if len(m.Problems) > 0 {
				continue
			}
			out, err := m.Event.Structured()
			if err != nil {
				t.Fatal(err)
			}
			_, problems := parser.Structured(out)
			for _, p := range problems {
				if p.Code == event.CodeNotJSON {
					t.Errorf("%s becomes %s: %v", raw, out, p)
				}
			}
		}
	})
}
