package event_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// fields lists the wire fields of a payload struct, embedded ones included.
func fields(t reflect.Type) map[string]reflect.StructField {
	out := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			out[name] = f
		}
	}
	return out
}

func TestStructsAndSchemasAgree(t *testing.T) {
	for _, s := range event.Catalogue() {
		t.Run(string(s.Kind), func(t *testing.T) {
			compareObject(t, reflect.TypeOf(s.New()).Elem(), document(t, string(s.Kind)+".v1.json"))
		})
	}
}

func compareObject(t *testing.T, typ reflect.Type, schema map[string]any) {
	t.Helper()
	if schema["additionalProperties"] != false {
		t.Errorf("%s: additionalProperties is not false", typ)
	}
	properties := schema["properties"].(map[string]any)
	inGo := fields(typ)
	if a, b := slices.Sorted(maps.Keys(inGo)), slices.Sorted(maps.Keys(properties)); !slices.Equal(a, b) {
		t.Errorf("%s: fields in Go %v, in the schema %v", typ, a, b)
	}
	var required []string
	for name, f := range inGo {
		rules := f.Tag.Get("validate")
		// The data of a correction is required by Check, because its rule names another code.
		if strings.HasPrefix(rules, "required") || typ == reflect.TypeFor[event.Correct]() && name == "data" {
			required = append(required, name)
		}
		property, ok := properties[name].(map[string]any)
		if !ok {
			continue
		}
		p := resolve(t, property)
		if d, _ := p["description"].(string); d == "" {
			t.Errorf("%s has no description", name)
		}
		compareType(t, name, f.Type, p)
		compareRules(t, name, f, p)
	}
	slices.Sort(required)
	var inSchema []string
	if list, ok := schema["required"].([]any); ok {
		for _, r := range list {
			inSchema = append(inSchema, r.(string))
		}
	}
	slices.Sort(inSchema)
	if !slices.Equal(required, inSchema) {
		t.Errorf("%s: required in Go %v, in the schema %v", typ, required, inSchema)
	}
}

func compareType(t *testing.T, name string, typ reflect.Type, p map[string]any) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[string]any{}
	switch typ {
	case reflect.TypeFor[event.Decimal]():
		want["type"] = "string"
		if name != "value_squares" { // its pattern also says that it is not negative
			want["pattern"] = event.DecimalPattern
		}
	case reflect.TypeFor[event.Number]():
		want["type"], want["multipleOf"] = "number", "0.000001"
	case reflect.TypeFor[event.Time]():
		want["type"], want["format"], want["pattern"] = "string", "date-time", event.TimePattern
	case reflect.TypeFor[event.Day]():
		want["type"], want["format"], want["pattern"] = "string", "date", event.DayPattern
	case reflect.TypeFor[jsontext.Value]():
		want["type"] = "object"
	default:
		switch typ.Kind() {
		case reflect.String:
			want["type"] = "string"
		case reflect.Bool:
			want["type"] = "boolean"
		case reflect.Slice:
			want["type"] = "array"
			compareObject(t, typ.Elem(), p["items"].(map[string]any))
		default:
			want["type"] = "integer"
		}
	}
	for k, v := range want {
		if fmt.Sprint(p[k]) != v {
			t.Errorf("%s: %s is %v, want %v", name, k, p[k], v)
		}
	}
}

func compareRules(t *testing.T, name string, f reflect.StructField, p map[string]any) {
	t.Helper()
	want := map[string]string{}
	isNumber := f.Type == reflect.TypeFor[*event.Number]()
	if isNumber {
		want["maximum"] = "1000000000000"
	}
	if f.Type.Kind() == reflect.Pointer && !isNumber && f.Type.Elem().Kind() >= reflect.Uint && f.Type.Elem().Kind() <= reflect.Uint64 {
		want["minimum"] = "0"
	}
	for rule := range strings.SplitSeq(f.Tag.Get("validate"), ",") {
		tag, param, _ := strings.Cut(rule, "=")
		switch tag {
		case "key":
			want["minLength"], want["maxLength"] = "1", "128"
		case "note", "text":
			want["minLength"] = "1"
		case "web":
			want["pattern"], want["format"] = event.WebPattern, "uri"
		case "max":
			bound := "maxLength"
			if f.Type.Kind() == reflect.Slice {
				bound = "maxItems"
			}
			want[bound] = param
		case "gt":
			want["exclusiveMinimum"] = param
		case "gte":
			want["minimum"] = param
		case "lte":
			want["maximum"] = param
		case "oneof":
			want["enum"] = "[" + param + "]"
		}
	}
	if f.Type == reflect.TypeFor[event.Kind]() {
		var kinds []string
		for _, s := range event.Catalogue() {
			if !s.Kind.Amends() {
				kinds = append(kinds, string(s.Kind))
			}
		}
		want["enum"] = "[" + strings.Join(kinds, " ") + "]"
	}
	for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "maxItems", "enum"} {
		got := ""
		if p[keyword] != nil {
			got = fmt.Sprint(p[keyword])
		}
		if strings.Contains(f.Tag.Get("validate"), "currency") && keyword == "enum" {
			continue // TestCurrencies holds the list
		}
		if got != want[keyword] {
			t.Errorf("%s: %s is %q in the schema, %q in Go (%s)", name, keyword, got, want[keyword], f.Tag)
		}
	}
}

// Every word of three capital letters is a currency to the parser exactly where it is one to the schema.
func TestCurrencies(t *testing.T) {
	inSchema := map[string]bool{}
	for _, c := range resolve(t, map[string]any{"$ref": "common.json#/$defs/currency"})["enum"].([]any) {
		inSchema[c.(string)] = true
	}
	p := newParser()
	for i := range 26 * 26 * 26 {
		code := string([]byte{byte('A' + i/676), byte('A' + i/26%26), byte('A' + i%26)})
		_, problems := p.Data(event.KindPipeline, []byte(`{"deal":"d","status":"open","amount":"1","currency":"`+code+`"}`))
		if (len(problems) == 0) != inSchema[code] {
			t.Errorf("%s: schema %v, parser %v", code, inSchema[code], problems)
		}
	}
}

func TestDefaultsOfSchemasAreThoseOfNormalise(t *testing.T) {
	for _, s := range event.Catalogue() {
		d := s.New()
		d.Normalise()
		v := reflect.ValueOf(d).Elem()
		properties := document(t, string(s.Kind)+".v1.json")["properties"].(map[string]any)
		for name, f := range fields(v.Type()) {
			p := resolve(t, properties[name].(map[string]any))
			got := v.FieldByIndex(f.Index)
			if got.IsZero() != (p["default"] == nil) {
				t.Errorf("%s.%s: the schema's default is %v, Normalise leaves %v", s.Kind, name, p["default"], got)
				continue
			}
			if got.IsZero() {
				continue
			}
			if got.Kind() == reflect.Pointer {
				got = got.Elem()
			}
			if text := fmt.Sprint(got.Interface()); text != fmt.Sprint(p["default"]) {
				t.Errorf("%s.%s: the schema's default is %v, Normalise writes %s", s.Kind, name, p["default"], text)
			}
		}
	}
}
