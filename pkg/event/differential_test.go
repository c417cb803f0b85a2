package event_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// beyondSchema tells whether a problem belongs to a rule that the schemas' descriptions name as beyond JSON Schema.
func beyondSchema(p event.Problem) bool {
	at := strings.TrimPrefix(strings.TrimPrefix(p.Pointer, "/data/data"), "/data")
	switch p.Code {
	case event.CodeInconsistent:
		return (at == "/charge_period_end" || at == "/closed_at" || at == "/decided_at") && strings.Contains(p.Message, "must ")
	case event.CodeOutOfRange:
		return at == "/charge_period_end" && strings.Contains(p.Message, "ten years")
	case event.CodeFuture, event.CodeTooOld:
		return p.Pointer == "/time"
	case event.CodeTooLong:
		return strings.Contains(p.Message, "extension attributes")
	}
	return false
}

// hugeExponent would make the reference validator compute with millions of digits.
var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4,}`)

// compare fails where schema and parser disagree about an event.
func compare(t interface{ Fatalf(string, ...any) }, schema *jsonschema.Schema, parser *event.Parser, raw []byte) {
	_, problems := parser.Structured(raw)
	if !jsontext.Value(raw).IsValid() || len(raw) > event.MaxSize {
		if len(problems) == 0 {
			t.Fatalf("the parser takes what is no JSON: %s", raw)
		}
		return
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	bySchema := schema.Validate(doc)
	var byParser []event.Problem
	for _, p := range problems {
		if p.Code == "" || p.Message == "" {
			t.Fatalf("empty problem %+v for %s", p, raw)
		}
		if !beyondSchema(p) {
			byParser = append(byParser, p)
		}
	}
	if bySchema == nil && len(byParser) > 0 || bySchema != nil && len(problems) == 0 {
		t.Fatalf("schema: %v\nparser: %v\nevent: %s", bySchema, problems, raw)
	}
}

func FuzzSchemaAndParserAgree(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.raw)
	}
	schema, parser := envelopeSchema(f), newParser()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if hugeExponent.Match(raw) {
			return // an exponent too large for the reference validator
		}
		compare(t, schema, parser, raw)
	})
}

// The generator takes a valid example and changes up to three places of it.
func TestSchemaAndParserAgree(t *testing.T) {
	schema, parser := envelopeSchema(t), newParser()
	var valid []example
	for _, e := range examples(t) {
		if e.valid {
			valid = append(valid, e)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(valid).Draw(t, "example")
		dec := json.NewDecoder(bytes.NewReader(e.raw))
		dec.UseNumber()
		var doc any
		if err := dec.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			doc = mutate(t, doc)
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, schema, parser, raw)
	})
}

// mutate walks down to a random place and changes it.
func mutate(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 || rapid.IntRange(0, 9).Draw(t, "here") == 0 {
			v[strange(t)] = oddValue(t)
			return v
		}
		names := slices.Sorted(maps.Keys(v))
		name := rapid.SampledFrom(names).Draw(t, "member")
		switch rapid.IntRange(0, 9).Draw(t, "how") {
		case 0:
			delete(v, name)
		case 1:
			v[strange(t)] = v[name]
			delete(v, name)
		case 2:
			v[name] = oddValue(t)
		default:
			v[name] = mutate(t, v[name])
		}
		return v
	case []any:
		if len(v) == 0 || rapid.Bool().Draw(t, "append") {
			return append(v, oddValue(t))
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "index")
		v[i] = mutate(t, v[i])
		return v
	}
	return oddValue(t)
}

func strange(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"units", "wave", "Role", "unit", "reason", "x", "time_", "a-b", "", "traceparent", "data_base64", "url", "evidence",
		"charge_period_end", "charge_period_start", "closed_at", "decision", "value", "value_squares", "team", "subject", "sequence",
		"123456789012345678901", "person", "touches", "amount", "metric", "quality", "baseline_minutes",
	}).Draw(t, "name")
}

func oddValue(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Map(rapid.SampledFrom(oddNumbers()), func(s string) any { return json.Number(s) }),
		rapid.Map(rapid.SampledFrom(oddTexts()), func(s string) any { return s }),
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "") }),
		rapid.Map(rapid.Float64Range(-10, 10), func(f float64) any { return json.Number(fmt.Sprintf("%.*f", 7, f)) }),
		rapid.Map(rapid.StringMatching(`-?[0-9]{1,3}(\.[0-9]{1,19})?`), func(s string) any { return s }),
		rapid.Map(rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])`), func(s string) any { return s }),
		rapid.SampledFrom([]any{nil, true, false, []any{}, map[string]any{}, []any{"x"}, []any{nil}, map[string]any{"workflow": "w", "at": "2026-01-01T00:00:00Z"}}),
	).Draw(t, "value")
}

func oddNumbers() []string {
	return []string{
		"0", "-0", "-0.0", "0e5", "1", "1.0", "1e0", "10e-1", "1.5", "5", "6", "255", "256", "1000", "1001", "65536", "1e3", "0.000001", "1e-6", "1e-7", "0.0000001",
		"-1", "-0.5", "10000", "10000.000001", "1e12", "1000000000000", "1000000000001", "1000000000000.000001", "999999999999.999999", "-1e12", "1e13", "1e40", "1e-40",
		"9007199254740991", "9007199254740992", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "1.10", "1.000000000000000000000000",
		strings.Repeat("1", 70), "0." + strings.Repeat("0", 80) + "1", "1" + strings.Repeat("0", 10) + "." + strings.Repeat("0", 90),
	}
}

func oddTexts() []string {
	return []string{
		"", " ", "a", " a", "a ", "a b", "a\tb", "a\nb", "\n", "a\x00", "\x7f", "a\u0085b", "a\u00a0", "\u2003a", "a\u2028b", "a\u2028", "é", "😀", "\ufeff", "\u200b", "\ufffd",
		strings.Repeat("k", 128), strings.Repeat("k", 129), strings.Repeat("é", 128), strings.Repeat("😀", 129), strings.Repeat("t", 256), strings.Repeat("t", 257),
		strings.Repeat("t", 512), strings.Repeat("t", 513), strings.Repeat("n", 2000), strings.Repeat("ñ", 2001), strings.Repeat("n", 2049), strings.Repeat("e", 1024), strings.Repeat("ë", 1025),
		"EUR", "eur", "EURO", "XXX", "ZZZ", "self_reported", "measured", "Measured", "yes", "no", "open", "won", "lost", "brand", "approved", "Usage", "Credit", "Correction",
		"leader", "ic", "first", "other", "report", "training", "implementation", "ai_tool", "void", "correct", "pulse", "hours_saved", "vendor_spend",
		"0", "-0", "-0.00", "-1", "1.", ".5", "01", "1e3", "+1", "1,000.00", "99999999999999999999", "100000000000000000000", "0.123456789012345678", "0.1234567890123456789", "NaN",
		"2026-11-01", "2026-02-29", "2024-02-29", "2026-11-31", "1899-12-31", "1900-01-01", "2200-12-31", "2201-01-01", "2026-1-1",
		"2026-11-01T09:30:00Z", "2026-11-01T09:30:00", "2026-11-01t09:30:00z", "2026-11-01T9:30:00Z", "2026-11-01T09:30:00,5Z", "2026-11-01T09:30:00.5Z", "2026-11-01T24:00:00Z",
		"2026-12-31T23:59:60Z", "2026-11-01T09:30:00+24:00", "2026-11-01T09:30:00+23:59", "2026-11-01T09:30:00-00:00", "2026-11-01T09:30:00.1234567890Z", "2026-11-01T09:30Z",
		"1900-12-31T23:59:59Z", "1901-01-01T00:00:00+14:00", "2200-12-31T23:59:59-12:00", "2201-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z",
		"https://a", "http://a.example/x?y=1#z", "https://", "https:///x", "https://a b", "ftp://a", "HTTPS://a", "https://a:99999", "https://a:x", "https://u:p@a", "https://[::1]/x", "https://[::1", "https://1:2:3",
		"https://a/%zz", "https://a%20b/", "https://a/\\", "https://é.example", "javascript:alert(1)", "//a", "/x", "https://[fe80::1%25en0]/", "https://a]", "https://[a]", "https://a#b#c", "https://a?%",
		"1.0", "0.3", "plumbline.pulse.v1", "plumbline.void.v1", "plumbline.pulse.v2", "plumbline..v1", "application/json", "application/json;charset=utf-8", "text/json", "application/cloudevents+json", "text/plain", "json",
		`application/json; charset="utf-8"`, "application/json;", "null", `""`,
	}
}
