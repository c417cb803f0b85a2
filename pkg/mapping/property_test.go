package mapping_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"plumbline/pkg/mapping"
)

const byContent = `
source: s
events:
  - kind: training
    id: "{hash}-{occurrence}"
    time: {start: 2026-01-01T00:00:00Z}
    fields: {course: {column: a}, url: {column: b}}
`

func writeCSV(t *rapid.T, records [][]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{{"a", "b"}}, records...)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ids(t *rapid.T, m *mapping.Mapping, file string) (ids, courses []string) {
	in, err := m.Open(strings.NewReader(file))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return ids, courses
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		for _, e := range row.Events {
			var d struct {
				Course string `json:"course"`
			}
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatalf("data %s: %v", e.Data, err)
			}
			ids, courses = append(ids, e.ID), append(courses, d.Course)
		}
	}
}

// TestContentIDs: ids made of content and occurrence are unique inside a file and the same set in any order of its rows,
// so that a second import of a shuffled export is all duplicates.
func TestContentIDs(t *testing.T) {
	m := parse(t, byContent)
	rapid.Check(t, func(t *rapid.T) {
		// Few values, so that equal rows are common.
		cell := rapid.SampledFrom([]string{"x", "y", "xy", "z\nz", "q\"q", "ü,ü"})
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []string { return []string{cell.Draw(t, "a"), cell.Draw(t, "b")} }), 1, 40).Draw(t, "records")
		first, courses := ids(t, m, writeCSV(t, records))
		for i, r := range records {
			if courses[i] != r[0] {
				t.Fatalf("cell %q came back as %q", r[0], courses[i])
			}
		}
		if len(slices.Compact(slices.Sorted(slices.Values(first)))) != len(records) {
			t.Fatalf("ids are not unique: %v", first)
		}
		shuffled := rapid.Permutation(records).Draw(t, "shuffled")
		second, _ := ids(t, m, writeCSV(t, shuffled))
		slices.Sort(first)
		slices.Sort(second)
		if !slices.Equal(first, second) {
			t.Fatalf("another order gave other ids")
		}
	})
}

// TestPlainNumbers: a number that is written plainly becomes what it becomes on the longer way, on which everything is read with
// decimals; taking out a text that is not there is what leads to that one.
func TestPlainNumbers(t *testing.T) {
	var b strings.Builder
	b.WriteString("source: s\nevents:\n")
	for _, kind := range []string{"vendor_spend: billed_cost", "hours_saved: doing_minutes", "conversion: conversions"} {
		kind, field, _ := strings.Cut(kind, ": ")
		fmt.Fprintf(&b, "  - kind: %s\n    id: a\n    time: {start: 2026-01-01T00:00:00Z}\n    fields: {%s: {column: v}}\n", kind, field)
	}
	quick := parse(t, b.String())
	slow := parse(t, strings.ReplaceAll(b.String(), "{column: v}", "{column: v, strip: '§'}"))
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`-?[0-9]{0,14}(\.[0-9]{0,20})?`).Draw(t, "cell")
		file := "v,w\n" + cell + ",1\n"
		var told [2]string
		for i, m := range []*mapping.Mapping{quick, slow} {
			in, err := m.Open(strings.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			row, err := in.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range row.Events {
				told[i] += string(e.Data)
			}
			told[i] += fmt.Sprint(row.Problems)
		}
		if told[0] != told[1] {
			t.Fatalf("%s is %s, on the longer way %s", cell, told[0], told[1])
		}
	})
}

func drain(t *testing.T, m *mapping.Mapping, file []byte) {
	records, checkErr := m.Check(bytes.NewReader(file))
	in, err := m.Open(bytes.NewReader(file))
	if err != nil {
		if checkErr == nil {
			t.Fatalf("open failed with %v, the check passed", err)
		}
		return
	}
	n := 0
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if checkErr == nil {
				t.Fatalf("next failed with %v, the check passed", err)
			}
			return
		}
		n++
		if row.Line < 1 || row.Number != n {
			t.Fatalf("row %d has line %d and number %d", n, row.Line, row.Number)
		}
		for _, e := range row.Events {
			if !e.Data.IsValid() {
				t.Fatalf("data is no JSON: %s", e.Data)
			}
		}
	}
	if checkErr == nil && n != records {
		t.Fatalf("the check counted %d records, reading gave %d", records, n)
	}
}

// FuzzCSV: no bytes make the reader panic, hang or write anything but JSON; what the check passes, reading passes.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("id,at,vendor,v\n1,2026-01-01,x,12.5\n"))
	f.Add([]byte("\xef\xbb\xbfid,at,vendor,v\r\n\"1\",2026-01-01,\"x\ny\",1e9\r\n"))
	f.Add([]byte("id,at,vendor,v\n1,x,\"y\n"))
	text := head + "      billed_cost: {column: v}\n      quantity: {square_of: v, round: 18}\n      final: {column: v}\n      invoice_date: {column: v, layout: unix}\n"
	f.Fuzz(func(t *testing.T, file []byte) { drain(t, parse(t, text), file) })
}

// FuzzNDJSON is the same for JSON.
func FuzzNDJSON(f *testing.F) {
	f.Add([]byte("{\"id\":1,\"at\":\"2026-01-01\",\"vendor\":{\"a\":[1]}}\n"))
	f.Add([]byte("{\"id\":\"\\ud800\"}\n{}\nnull\n"))
	text := strings.Replace(head, "format: csv", "format: ndjson", 1) + "      charge_category: {column: vendor.a}\n"
	f.Fuzz(func(t *testing.T, file []byte) { drain(t, parse(t, text), file) })
}

// FuzzMapping: no mapping file makes the compiler panic, and one that passes can be used.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(byContent))
	f.Add([]byte("parameters: {p: {default: \"{a}\"}}\nsource: ${p}\nevents: [{kind: void, id: \"${p}\", time: {column: [a, b]}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := mapping.Parse(text, nil)
		if err != nil {
			return
		}
		drain(t, m, []byte(strings.Join(m.Columns(), ",")+"\n1,2\n"))
	})
}
