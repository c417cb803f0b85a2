package mapping_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// ga4Rows are rows as BigQuery exports them: whole numbers as texts, and each parameter with one of four values.
func ga4Rows() string {
	row := func(at, name, params, rest string) string {
		return `{"event_date":"20261101","event_timestamp":"` + at + `","event_name":"` + name + `","event_params":[{"key":"ga_session_id","value":{"string_value":null,"int_value":"1761990000","float_value":null,"double_value":null}}` +
			params + `],"user_pseudo_id":"1234.5678","event_bundle_sequence_id":"7","stream_id":"99","platform":"WEB"` + rest + "}\n"
	}
	arm := `,{"key":"experiment_id","value":{"string_value":"checkout"}},{"key":"variation_id","value":{"int_value":"2","string_value":null}}`
	money := `,{"key":"currency","value":{"string_value":"EUR"}},{"key":"value","value":{"double_value":27.5}}`
	shop := `,"ecommerce":{"transaction_id":"T-1","purchase_revenue":27.5,"unique_items":1},"items":[{"item_id":"sku","price":27.5}]`
	unset := `,"ecommerce":{"transaction_id":"(not set)","purchase_revenue":null},"items":[]`
	return row("1761990000000001", "page_view", "", "") +
		row("1761990000000002", "experience_impression", arm, unset) +
		row("1761990000123456", "purchase", arm+money, shop) +
		row("1761990000999999", "purchase", arm+money, unset) +
		row("1761990001000000", "purchase", money, shop) +
		row("1761990002000000", "sign_up", arm, "") +
		row("1761990002000000", "sign_up", arm, "")
}

// What the rows of Google Analytics become, and what of them is not counted.
func TestGA4(t *testing.T) {
	m, err := mapping.Load("ga4", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.Check(strings.NewReader(ga4Rows())); err != nil || n != 7 {
		t.Fatalf("%d rows, %v", n, err)
	}
	parser := event.NewParser(time.Now)
	var got []*event.Conversion
	ids, skipped := map[string]bool{}, map[string]int{}
	for _, row := range rows(t, m, ga4Rows()) {
		for _, why := range row.Skipped {
			skipped[why]++
		}
		if len(row.Problems) > 0 {
			t.Fatal(row.Problems)
		}
		for _, e := range row.Events {
			raw, err := e.Structured()
			if err != nil {
				t.Fatal(err)
			}
			parsed, problems := parser.Structured(raw)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			c := parsed.Data.(*event.Conversion)
			if c.Experiment != "checkout" || c.Variant != "2" || c.Person != "1234.5678" {
				t.Errorf("%+v", c)
			}
			got, ids[e.ID] = append(got, c), true
			// 1761990000 is 2025-11-01T09:40:00Z; microseconds below a millisecond are not kept.
			if len(got) == 2 && (e.ID != "purchase-T-1" || e.Time.Format(time.RFC3339Nano) != "2025-11-01T09:40:00.123Z") {
				t.Errorf("%s at %s", e.ID, e.Time)
			}
		}
	}
	// An impression, two purchases in the experiment, and two sign-ups that are alike and two all the same.
	if len(got) != 5 || len(ids) != 5 || *got[0].Exposures != 1 || got[1].Value.String() != "27.5" || got[1].Currency != "EUR" ||
		got[1].ValueSquares.String() != "756.25" || got[2].Value.String() != "27.5" || got[3].Metric != "sign_up" || *got[4].Conversions != 1 {
		t.Fatalf("%d events with %d ids: %+v", len(got), len(ids), got)
	}
	if skipped["no_experiment"] != 1 || skipped["not_exposure"] != 6 || skipped["not_purchase"] != 4 || skipped["not_goal"] != 5 {
		t.Errorf("skipped %v", skipped)
	}
}

// Members of columns that are JSON are columns: of objects, also with a dot in their name, and of lists of keys with values.
func TestMembersOfCells(t *testing.T) {
	m := parse(t, `
source: s
events:
  - kind: training
    id: "{row}"
    time: {start: 2026-01-01T00:00:00Z}
    fields:
      course: {column: [tags.a.b, tags.team, tags.list.k, tags.typed.v]}
      tool: {template: "{tags.n}"}
`)
	for cell, want := range map[string]string{
		`{"team":"brand"}`:     `{"course":"brand"}`,
		`{"a.b":"x","n":1.50}`: `{"course":"x","tool":"1.50"}`,
		`{"a":{"b":" y "}}`:    `{"course":"y"}`,
		`{"list":[{"key":"k","value":"z"},{"key":"k","value":"second"}]}`:        `{"course":"z"}`,
		`{"typed":[{"key":"v","value":{"int_value":"5","string_value":null}}]}`:  `{"course":"5"}`,
		`{"typed":[{"key":"v","value":{"int_value":5,"string_value":"b"}}]}`:     `{"course":"{\"int_value\":5,\"string_value\":\"b\"}"}`,
		`{"typed":[{"key":"v","value":{"int_value":null,"string_value":null}}]}`: `{}`,
		`{"team":null}`: `{}`, `{"team":"NULL`: `{}`, `[1,2]`: `{}`, `text`: `{}`, ``: `{}`,
	} {
		got := rows(t, m, "tags\n\""+strings.ReplaceAll(cell, `"`, `""`)+"\"\n")[0]
		if len(got.Events) != 1 || string(got.Events[0].Data) != want {
			t.Errorf("%s: %+v %v, want %s", cell, got.Events, got.Problems, want)
		}
	}
}
