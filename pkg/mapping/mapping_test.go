package mapping_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"plumbline/pkg/mapping"
)

const head = `
name: t
input: {format: csv, "null": ["NULL"]}
source: s
events:
  - kind: vendor_spend
    id: "{id}"
    time: {column: at}
    fields:
      vendor: {column: vendor}
      category: {value: software}
      currency: {value: EUR}
`

func parse(t *testing.T, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse([]byte(text), nil)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return m
}

func rows(t *testing.T, m *mapping.Mapping, file string) []mapping.Row {
	t.Helper()
	in, err := m.Open(strings.NewReader(file))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	var out []mapping.Row
	for {
		r, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		out = append(out, r)
	}
}

// TestFields converts one cell under one field rule: what the event's data says, or the problem.
func TestFields(t *testing.T) {
	for _, c := range []struct {
		name, kind, field, cell, want, problem string
	}{
		{name: "decimal keeps all digits", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "0.00000080000", want: `{"billed_cost":"0.0000008"}`},
		{name: "decimal with exponent", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "-8E-7", want: `{"billed_cost":"-0.0000008"}`},
		{name: "decimal too fine", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "0.1234567890123456789", problem: "line 2, column v: 0.1234567890123456789 has more than 20 digits before or 18 after the point; round: 18 would round it"},
		// Half-even at 18 decimals: …6785 stays at …678, since 8 is even.
		{name: "decimal rounded", kind: "vendor_spend", field: "quantity: {column: v, round: 18}", cell: "0.1234567890123456785", want: `{"quantity":"0.123456789012345678"}`},
		{name: "money with dollars and thousands", kind: "vendor_spend", field: "billed_cost: {column: v, strip: [$, ',']}", cell: `"$1,234.50"`, want: `{"billed_cost":"1234.5"}`},
		{name: "decimal comma", kind: "vendor_spend", field: "billed_cost: {column: v, strip: ., decimal_comma: true}", cell: `"1.234,50"`, want: `{"billed_cost":"1234.5"}`},
		{name: "no number", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "twelve", problem: `line 2, column v: "twelve" is no number`},
		{name: "null literal is absent", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "NULL", want: `{}`},
		{name: "empty is absent", kind: "vendor_spend", field: "billed_cost: {column: v}", cell: "", want: `{}`},
		{name: "number", kind: "hours_saved", field: "doing_minutes: {column: v}", cell: "232.0", want: `{"doing_minutes":232}`},
		{name: "sum", kind: "hours_saved", field: "doing_minutes: {sum: [v, w]}", cell: "1.5", want: `{"doing_minutes":4.5}`}, // 1.5 + 3
		{name: "sum of one", kind: "hours_saved", field: "doing_minutes: {sum: [v, w]}", cell: "", want: `{"doing_minutes":3}`},
		{name: "square", kind: "conversion", field: "value_squares: {square_of: v}", cell: "29.99", want: `{"value_squares":"899.4001"}`}, // 29.99²
		{name: "count", kind: "conversion", field: "conversions: {column: v}", cell: "1.0", want: `{"conversions":1}`},
		{name: "no count", kind: "conversion", field: "conversions: {column: v}", cell: "0.5", problem: "line 2, column v: 0.5 is no whole number from 0 up"},
		{name: "yes", kind: "hours_saved", field: "assisted: {column: v}", cell: "Yes", want: `{"assisted":true}`},
		{name: "own words", kind: "hours_saved", field: "assisted: {column: v, true: mit, false: ohne}", cell: "ohne", want: `{"assisted":false}`},
		{name: "neither", kind: "hours_saved", field: "assisted: {column: v, true: mit, false: ohne}", cell: "1", problem: `line 2, column v: "1" is neither yes (mit) nor no (ohne)`},
		{name: "time", kind: "pipeline", field: "closed_at: {column: v}", cell: "2024-09-18 23:00:00", want: `{"closed_at":"2024-09-18T23:00:00.000Z"}`},
		// Berlin is at +02:00 in July.
		{name: "time in a zone", kind: "pipeline", field: "closed_at: {column: v, layout: 2.1.2006, zone: Europe/Berlin}", cell: "3.7.2026", want: `{"closed_at":"2026-07-02T22:00:00.000Z"}`},
		{name: "unix", kind: "pipeline", field: "closed_at: {column: v, layout: unix}", cell: "86400", want: `{"closed_at":"1970-01-02T00:00:00.000Z"}`},
		{name: "no time", kind: "pipeline", field: "closed_at: {column: v}", cell: "soon", problem: `line 2, column v: "soon" is no time written like 2006-01-02T15:04:05.999999999Z07:00 or 2006-01-02 15:04:05 or 2006-01-02`},
		{name: "day", kind: "vendor_spend", field: "invoice_date: {column: v, layout: 1/2/2006}", cell: "10/1/2024", want: `{"invoice_date":"2024-10-01"}`},
		{name: "map", kind: "pipeline", field: "status: {column: v, map: {Won: won}}", cell: "Won", want: `{"status":"won"}`},
		{name: "not in the map", kind: "pipeline", field: "status: {column: v, map: {Won: won}}", cell: "Lost", problem: `line 2, column v: "Lost" is not in the map of status`},
		{name: "slug", kind: "conversion", field: "variant: {column: v, slug: true}", cell: " Mens  E-Mail!", want: `{"variant":"mens-e-mail"}`},
		{name: "template", kind: "pipeline", field: `deal: {template: "{{{v}}}/{row}"}`, cell: "a", want: `{"deal":"{a}/1"}`},
		{name: "first column that has a value", kind: "pipeline", field: "deal: {column: [v, w]}", cell: "NULL", want: `{"deal":"3"}`},
		{name: "member", kind: "pipeline", field: `assisted: {member: {column: v, of: "a, b"}}`, cell: "b", want: `{"assisted":true}`},
		{name: "no member", kind: "pipeline", field: `assisted: {member: {column: v, of: "a, b"}}`, cell: "c", want: `{"assisted":false}`},
		{name: "member of nothing", kind: "pipeline", field: `assisted: {member: {column: v, of: ""}}`, cell: "c", want: `{}`},
		{name: "control characters stay for the contract to refuse", kind: "pipeline", field: "deal: {column: v}", cell: "a\x01b", want: `{"deal":"a\u0001b"}`},
		{name: "not UTF-8", kind: "pipeline", field: "deal: {column: v}", cell: "a\xffb", problem: "line 2, column v: the cell is not UTF-8: save the file as UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, "input: {\"null\": [\"NULL\"]}\nsource: s\nevents:\n  - kind: "+c.kind+"\n    id: \"{row}\"\n    time: {start: 2026-01-01T00:00:00Z}\n    fields:\n      "+c.field+"\n")
			row := rows(t, m, "v,w\n"+c.cell+",3\n")[0]
			if c.problem != "" {
				if len(row.Problems) != 1 || row.Problems[0][0].Error() != c.problem {
					t.Fatalf("problems %v, want %q", row.Problems, c.problem)
				}
				return
			}
			if len(row.Events) != 1 {
				t.Fatalf("no event: %v", row.Problems)
			}
			if got := string(row.Events[0].Data); got != c.want {
				t.Errorf("data %s, want %s", got, c.want)
			}
		})
	}
}

// TestBadMapping: everything that is wrong with a mapping is said at once.
func TestBadMapping(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the mapping is empty"},
		{"not YAML", "a: [", "not YAML: line 1: did not find expected node content"},
		{"unknown keys", "nam: x\nsource: s\ninput: {formt: csv}\n", "line 1: unknown key nam\nline 3: unknown key formt"},
		{"nothing", "name: x\n", "source is missing: name the system that the records come from, such as \"crm.example\"\nevents is missing: say what a row becomes"},
		{"unknown kind", "source: s\nevents: [{kind: nope, id: x}]\n", "events[0]: kind is \"nope\": write one of hours_saved, vendor_spend, conversion, pipeline, review, pulse, training, barrier, void, correct"},
		{
			"several", "source: s\nevents:\n  - kind: training\n    time: {}\n    fields: {corse: {column: a}, hours: {column: a, value: \"1\"}}\n",
			"events[0]: id is missing: make it of columns that name the record, such as \"{order_id}\", or \"{hash}-{occurrence}\"\n" +
				"events[0]: time: give a column, or start and spacing for a file without dates\n" +
				"events[0]: field hours: give exactly one of column, value, template, sum, square_of, member\n" +
				"events[0]: training has no field corse: it has completed, course, evidence, hours, person, purpose, team, tool, url, workflow",
		},
		{"undeclared parameter", "source: ${x}\n", "line 1: no parameter \"x\" is declared"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapping.Parse([]byte(c.text), nil)
			if err == nil || err.Error() != c.want {
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
	if _, err := mapping.Load("crm_sales_pipeline", map[string]string{"zoom": "1"}); err == nil || !strings.Contains(err.Error(), "unknown parameters zoom: the mapping has assisted_products, currency, workflow, zone") {
		t.Errorf("unknown parameter: %v", err)
	}
	if _, err := mapping.Load("hubspot", nil); err == nil || !strings.Contains(err.Error(), "the library has cloudevents, crm_sales_pipeline, focus, focus_1_0, focus_1_1, focus_1_2, focus_1_3, focus_1_4, ga4, hillstrom_email, metr_time_trial") {
		t.Errorf("unknown name: %v", err)
	}
	if _, err := mapping.Load("./nowhere.yaml", nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}

// TestBrokenFiles: a line number and a sentence, before anything is sent.
func TestBrokenFiles(t *testing.T) {
	csv := parse(t, head)
	ndjson := parse(t, strings.Replace(head, "format: csv", "format: ndjson", 1))
	for _, c := range []struct {
		name string
		m    *mapping.Mapping
		file string
		want string // "" is fine
	}{
		{"good", csv, "id,at,vendor\n1,2026-01-01,x\n", ""},
		{"UTF-8 BOM", csv, "\ufeffid,at,vendor\n1,2026-01-01,x\n", ""},
		{"carriage returns", csv, "id,at,vendor\r\n1,2026-01-01,x\r\n", ""},
		{"UTF-16", csv, "\xff\xfei\x00d\x00", `line 1: the file is UTF-16: save it as UTF-8 (in Excel: "CSV UTF-8") and import that`},
		{"workbook", csv, "PK\x03\x04xxxx", "line 1: the file is a ZIP archive or an Excel workbook: save it as CSV in UTF-8 and import that"},
		{"empty", csv, "", "line 1: the file is empty"},
		{"missing columns", csv, "id,time,seller\n", `line 1: the file has no column "at", "vendor", which the mapping reads; it has "id", "time", "seller"`},
		{"column twice", csv, "id,at,id\n", `line 1: the column "id" is there twice: rename one`},
		{"cell missing", csv, "id,at,vendor\n1,2026-01-01,x\n2,2026-01-01\n", "line 3: the line has 2 cells, the header has 3: is a delimiter missing, or one too many?"},
		{"quote inside", csv, "id,at,vendor\n1,2026-01-01,x\"y\n", `line 2: a quote stands in the middle of an unquoted cell (character 15): put the whole cell in quotes and double the quotes inside`},
		{"quote left open", csv, "id,at,vendor\n1,2026-01-01,x\n2,2026-01-01,\"y\n3,2026-01-01,z\n", `line 3: a quote is opened in the record that starts here and not closed properly (noticed on line 4): close it, or double the quotes inside the cell`},
		{"quote not doubled", csv, "id,at,vendor\n1,\"2026\"-01-01,x\n", `line 2: a quote is not closed properly (character 8): close it, or double the quotes inside the cell`},
		{"quote left open for a long time", csv, "id,at,vendor\n1,2026-01-01,\"x\n" + strings.Repeat("y,y,y\n", 400_000), "line 2: a record that starts here is longer than 1 MiB: is a quote left open?"},
		{"good lines", ndjson, "{\"id\":1,\"at\":\"2026-01-01\",\"vendor\":\"x\"}\n\n", ""},
		{"no JSON", ndjson, "{\"id\":1,\"at\":\"2026-01-01\",\"vendor\":\"x\"}\n{\"id\":\n", "line 2: this is no JSON object: unexpected EOF (byte 6)"},
		{"no object", ndjson, "[1]\n", "line 1: this is no JSON object: write {\"column\": value, …} on one line"},
		{"keys that never come", ndjson, "{\"id\":1}\n", `line 1: the file has no column "at", "vendor", which the mapping reads; it has "id"`},
		{"endless line", ndjson, "{\"id\":\"" + strings.Repeat("x", 2<<20), "line 1: the line is longer than 1 MiB: write one JSON object a line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.m.Check(strings.NewReader(c.file))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestRows: lines are those of the file even where cells span lines; conditions are counted; times may be spaced.
func TestRows(t *testing.T) {
	m := parse(t, `
source: s
input: {delimiter: ";", rename: {Kurs: course}}
events:
  - kind: training
    id: "{row}"
    time: {start: 2026-01-01T00:00:00Z, spacing: 36h}
    when: [{column: course, is_not: [none], reason: no_course}]
    fields: {course: {column: course}, hours: {column: h}}
`)
	got := rows(t, m, "Kurs;h\n\"two\nlines\";1\nnone;2\nlast;x\n")
	if len(got) != 3 || got[0].Line != 2 || got[1].Line != 4 || got[2].Line != 5 {
		t.Fatalf("rows %+v", got)
	}
	if len(got[1].Skipped) != 1 || got[1].Skipped[0] != "no_course" {
		t.Errorf("skipped %v", got[1].Skipped)
	}
	if got[0].Events[0].ID != "1" || got[0].Events[0].Time.Format("2006-01-02T15") != "2026-01-01T00" {
		t.Errorf("first %+v", got[0].Events[0])
	}
	if p := got[2].Problems[0][0]; p.Line != 5 || p.Column != "h" || p.Code != "bad_value" {
		t.Errorf("problem %+v", p)
	}
}

// TestNestedJSON: nested keys are columns with dots, nulls and absent keys are no values.
func TestNestedJSON(t *testing.T) {
	m := parse(t, `
source: s
input: {format: ndjson}
events:
  - kind: pipeline
    id: "{deal.id}-{deal.stage}"
    time: {column: at}
    fields: {deal: {column: deal.id}, status: {value: open}, amount: {column: deal.amount}, touches: {column: touches}, stage: {column: owner}}
`)
	got := rows(t, m, `{"deal":{"id":"d1","stage":2,"amount":"12.50"},"at":"2026-01-01T00:00:00+02:00","touches":[{"workflow":"w","at":"2026-01-01T00:00:00Z"}],"owner":null}`)
	e := got[0].Events[0]
	want := `{"amount":"12.5","deal":"d1","status":"open","touches":[{"workflow":"w","at":"2026-01-01T00:00:00Z"}]}`
	if e.ID != "d1-2" || string(e.Data) != want {
		t.Errorf("event %s %s, want %s", e.ID, e.Data, want)
	}
	text, err := e.Structured()
	if err != nil || !strings.HasPrefix(string(text), `{"specversion":"1.0","type":"plumbline.pipeline.v1","source":"s","id":"d1-2","time":"2025-12-31T22:00:00.000Z","data":{`) {
		t.Errorf("structured %s %v", text, err)
	}
}
