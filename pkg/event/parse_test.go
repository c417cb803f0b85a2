package event_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"plumbline/pkg/event"
)

// places writes problems as "code pointer", in their order.
func places(problems []event.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%s %s", p.Code, p.Pointer))
	}
	return out
}

func TestAllProblemsOfAnEventAreReportedTogether(t *testing.T) {
	_, problems := newParser().Structured([]byte(`{"specversion":"0.3","id":"","type":"plumbline.pipeline.v1","Subject":"x",
		"data":{"deal":" d","status":"maybe","amount":"1","touches":[{"workflow":"w","at":"2026-01-01T00:00:00Z"},{"role":"x"}],"stage":""}}`))
	want := []string{
		"unknown_field /Subject", "bad_specversion /specversion", "missing_field /id", "missing_field /source", "missing_time /time",
		"bad_text /data/deal", "bad_value /data/status", "missing_field /data/touches/1/workflow", "missing_field /data/touches/1/at", "bad_value /data/touches/1/role",
		"missing_field /data/currency", "bad_value /data/stage",
	}
	if got := places(problems); !slices.Equal(got, want) {
		t.Errorf("problems are\n%q, want\n%q", got, want)
	}
}

func TestProblemsOfUnreadableBytes(t *testing.T) {
	p := newParser()
	for raw, want := range map[string]string{
		``:                        "not_json ",
		`{`:                       "not_json ",
		`nul`:                     "not_json ",
		`null`:                    "wrong_type ",
		`"x"`:                     "wrong_type ",
		`{} {}`:                   "not_json ",
		`{"id":"a","id":"b"}`:     "duplicate_field /id",
		`{"id":"` + "\xff" + `"}`: "not_json /id",
		`{"id":"\ud800"}`:         "not_json /id",
		hours(`{"doing_minutes":1,"doing_minutes":2}`): "duplicate_field /data/doing_minutes",
		hours(`{"doing_minutes":01}`):                  "not_json /data",
		hours(`{"a":{"b":1,"b":2}}`):                   "duplicate_field /data/a/b",
		strings.Repeat(" ", event.MaxSize+1):           "too_large ",
	} {
		_, problems := p.Structured([]byte(raw))
		if got := places(problems); len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("%.60q: problems are %q, want %q", raw, got, want)
		}
	}
	if e, problems := p.Structured([]byte(`{"id":"a","source":"s","id":"b"}`)); e.ID != "a" || e.Source != "s" || len(problems) != 1 {
		t.Errorf("what could be read is %q of %q, problems %v", e.ID, e.Source, problems)
	}
}

func TestBinaryIsStructuredTakenApart(t *testing.T) {
	p := newParser()
	attrs := map[string]string{
		"specversion": "1.0", "id": "1", "source": "/s", "type": "plumbline.hours_saved.v1", "time": "2026-11-01T09:30:00Z",
		"datacontenttype": "application/json", "subject": "x", "traceparent": "00-1",
	}
	got, problems := p.Binary(attrs, []byte(`{"doing_minutes":35}`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := parse(t, strings.Replace(hours(`{"doing_minutes":35}`), `"id"`, `"subject":"x","traceparent":"00-1","id"`, 1))
	want.Workspace = ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("binary gives\n%+v, structured\n%+v", got, want)
	}
	for _, c := range []struct{ name, value, data, want string }{
		{"subject", "a\xffb", `{"doing_minutes":1}`, "bad_text /subject"},
		{"data", "x", `{"doing_minutes":1}`, "unknown_field /data"},
		{"datacontenttype", "text/csv", `{"doing_minutes":1}`, "bad_value /datacontenttype"},
		{"subject", "x", ``, "missing_field /data"},
		{"subject", "x", `{"doing_minutes":"1"}`, "wrong_type /data/doing_minutes"},
		{"subject", "x", `{"doing_minutes":1,"doing_minutes":1}`, "duplicate_field /data/doing_minutes"},
		{"subject", "x", `{"doing_minutes":`, "not_json /data/doing_minutes"},
		{"subject", "x", `{"doing_minutes":1}}`, "not_json /data"},
		{"subject", "x", `{"doing_minutes":1,"task":null}x`, "wrong_type /data/task"},
		{"subject", strings.Repeat("x", event.MaxSize), `{"doing_minutes":1}`, "too_large "},
	} {
		with := maps.Clone(attrs)
		with[c.name] = c.value
		_, problems := p.Binary(with, []byte(c.data))
		if got := places(problems); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s=%.20q with data %s: problems are %q, want %q", c.name, c.value, c.data, got, c.want)
		}
	}
}

func TestSuggestions(t *testing.T) {
	p := newParser()
	for raw, want := range map[string]string{
		hours(`{"doing_minute":1}`): "did you mean doing_minutes?",
		hours(`{"Workflow":"w"}`):   "did you mean workflow?",
		hours(`{"colour":"green"}`): `there is no field "colour": leave it out`,
		strings.Replace(hours(`{"doing_minutes":1}`), "hours_saved", "hour_saved", 1):                                                                  "did you mean plumbline.hours_saved.v1?",
		strings.Replace(hours(`{"doing_minutes":1}`), `"id"`, `"Time":1,"id"`, 1):                                                                      "did you mean time?",
		`{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.pipeline.v1","time":"2026-11-01T09:30:00Z","data":{"touches":[{"workflw":1}]}}`: "did you mean workflow?",
	} {
		_, problems := p.Structured([]byte(raw))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: problems are %v, want %q", raw, problems, want)
		}
	}
}

func TestClock(t *testing.T) {
	p := newParser() // at 2026-11-15T12:00:00Z
	for at, want := range map[string]string{
		"2026-11-16T12:00:00Z": "", "2026-11-16T12:00:00.001Z": "future /time", "2201-01-01T00:00:00Z": "future /time",
		"2000-01-01T00:00:00Z": "", "2000-01-01T00:59:59+01:00": "too_old /time", "1850-01-01T00:00:00Z": "too_old /time",
		"2026-11-15T12:00:00": "bad_value /time",
	} {
		_, problems := p.Structured([]byte(strings.Replace(hours(`{"doing_minutes":1}`), "2026-11-01T09:30:00Z", at, 1)))
		if got := strings.Join(places(problems), " "); got != want {
			t.Errorf("%s: problems are %q, want %q", at, got, want)
		}
	}
}

func TestExtensions(t *testing.T) {
	e := parse(t, strings.Replace(hours(`{"doing_minutes":1}`), `"id"`, `"a":"x","b":12,"c":true,"d":null,"id"`, 1))
	if want := map[string]string{"a": "x", "b": "12", "c": "true"}; !maps.Equal(e.Extensions, want) {
		t.Errorf("extensions are %v, want %v", e.Extensions, want)
	}
	var many strings.Builder
	for i := range 33 {
		fmt.Fprintf(&many, `"x%d":"",`, i)
	}
	_, problems := newParser().Structured([]byte(strings.Replace(hours(`{"doing_minutes":1}`), `"id"`, many.String()+`"id"`, 1)))
	if got := places(problems); !slices.Equal(got, []string{"too_long /x32"}) {
		t.Errorf("problems of 33 extensions are %q", got)
	}
}

func TestWholeNumbersInAnySpelling(t *testing.T) {
	p := newParser()
	for spelling, want := range map[string]string{
		"4": "4", "4.0": "4", "40e-1": "4", "0.4e1": "4", "4.5": "bad_value /data/quality", "-1": "out_of_range /data/quality", "-0.0": "out_of_range /data/quality",
		"300": "out_of_range /data/quality", "1e400": "out_of_range /data/quality", "99999999999999999999": "out_of_range /data/quality", `"4"`: "wrong_type /data/quality",
	} {
		d, problems := p.Data(event.KindHoursSaved, []byte(`{"doing_minutes":1,"quality":`+spelling+`}`))
		got := strings.Join(places(problems), " ")
		if d != nil {
			got = fmt.Sprint(*d.(*event.HoursSaved).Quality)
		}
		if got != want {
			t.Errorf("%s gives %q, want %q", spelling, got, want)
		}
	}
}

func TestDataOfAnUnknownKind(t *testing.T) {
	if _, problems := newParser().Data("weather", []byte(`{}`)); !slices.Equal(places(problems), []string{"unknown_type /type"}) {
		t.Errorf("problems are %v", problems)
	}
}

func TestParserAndSealerAreSafeForConcurrentUse(t *testing.T) {
	p, s := newParser(), newSealer()
	want := seal(t, hours(`{"doing_minutes":1,"person":"p"}`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				e, problems := p.Structured([]byte(hours(`{"doing_minutes":1,"person":"p"}`)))
				e.Workspace = "default"
				got, err := s.Seal(e)
				if len(problems) > 0 || err != nil || got.Payload != want.Payload {
					t.Errorf("%v, %v, payload %x, want %x", problems, err, got.Payload, want.Payload)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkParseSeal(b *testing.B) {
	raw := []byte(`{"specversion":"1.0","id":"0192f6a0-7b1c-7000-8000-1234567890ab","source":"/cms","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:30:00Z",
		"data":{"workflow":"blog-post","team":"content","person":"u-17","tool":"assistant","doing_minutes":35,"prompting_minutes":5.5,"review_minutes":10,"baseline_minutes":120,"quality":4}}`)
	p, s := newParser(), newSealer()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		e, problems := p.Structured(raw)
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		e.Workspace = "default"
		sealed, err := s.Seal(e)
		if err != nil {
			b.Fatal(err)
		}
		sealed.Message()
	}
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(hours(`{"workflow":"blog-post","team":"content","person":"u-17","doing_minutes":35,"prompting_minutes":5.5,"baseline_minutes":120}`))
	p := newParser()
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := p.Structured(raw); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkFromMessage(b *testing.B) {
	s := seal(b, hours(`{"workflow":"blog-post","team":"content","person":"u-17","doing_minutes":35,"prompting_minutes":5.5,"baseline_minutes":120}`))
	key, headers, value := s.Message()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.FromMessage(0, 0, clock(), key, headers, value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkColumns(b *testing.B) {
	d := parse(b, hours(`{"workflow":"blog-post","team":"content","person":"u-17","doing_minutes":35,"prompting_minutes":5.5,"baseline_minutes":120}`)).Data
	columns := event.Columns(event.KindHoursSaved)
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range columns {
			_ = c.Value(d)
		}
	}
}
