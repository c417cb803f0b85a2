package event_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// plain makes a column's value comparable: pointers are followed, decimals written out.
func plain(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return nil
		}
		v = r.Elem().Interface()
	}
	if d, ok := v.(decimal.Decimal); ok {
		return d.String()
	}
	return v
}

func TestColumnsOfAFullEvent(t *testing.T) {
	e := parse(t, `{"specversion":"1.0","id":"1","source":"/s","type":"plumbline.pipeline.v1","time":"2026-11-01T09:30:00Z","data":{
		"deal":"D-1","status":"won","amount":"12000.50","currency":"USD","created_at":"2026-08-01T02:00:00+02:00","assisted":false,
		"touches":[{"workflow":"w","at":"2026-08-03T10:00:00Z"}],"margin":0.25,"sequence":7}}`)
	got := columnsOf(e.Data)
	for name, want := range map[string]any{
		"workflow": "", "evidence": "self_reported", "deal": "D-1", "status": "won", "amount": "12000.5", "currency": "USD",
		"created_at": time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), "closed_at": nil, "assisted": false,
		"touches": `[{"at":"2026-08-03T10:00:00.000Z","role":"other","workflow":"w"}]`, "margin": "0.25", "sequence": uint64(7),
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %#v, want %#v", name, got[name], want)
		}
	}
}

// The Go type of every value is the one that clickhouse-go wants for the column's type, for an empty event too.
func TestColumnValuesFitTheirTypes(t *testing.T) {
	goTypes := map[string]reflect.Type{
		"String": reflect.TypeFor[string](), "LowCardinality(String)": reflect.TypeFor[string](), "Bool": reflect.TypeFor[bool](),
		"UInt8": reflect.TypeFor[uint8](), "UInt16": reflect.TypeFor[uint16](), "UInt64": reflect.TypeFor[uint64](),
		"Decimal(18, 6)": reflect.TypeFor[decimal.Decimal](), "Decimal(38, 18)": reflect.TypeFor[decimal.Decimal](),
		"DateTime64(3, 'UTC')": reflect.TypeFor[time.Time](), "Date32": reflect.TypeFor[time.Time](),
	}
	for _, s := range event.Catalogue() {
		d := s.New()
		d.Normalise()
		seen := map[string]bool{}
		for _, c := range event.Columns(s.Kind) {
			if c.Name == "" || seen[c.Name] {
				t.Errorf("%s: the column %q of %s has no name of its own", s.Kind, c.Name, c.Field)
			}
			seen[c.Name] = true
			inner, isNullable := strings.CutPrefix(c.Type, "Nullable(")
			want := goTypes[strings.TrimSuffix(inner, map[bool]string{true: ")"}[isNullable])]
			if want == nil || isNullable != c.Nullable {
				t.Errorf("%s.%s has the type %s, nullable %v", s.Kind, c.Name, c.Type, c.Nullable)
				continue
			}
			if isNullable {
				want = reflect.PointerTo(want)
			}
			if got := reflect.TypeOf(c.Value(d)); got != want {
				t.Errorf("%s.%s: %s gives a %s, want a %s", s.Kind, c.Name, c.Type, got, want)
			}
		}
	}
}

// A pointer field that is not nullable has a default that Normalise writes; any other has none.
func TestSetColumnsAreThoseThatNormaliseFills(t *testing.T) {
	for _, s := range event.Catalogue() {
		d := s.New()
		d.Normalise()
		v := reflect.ValueOf(d).Elem()
		for _, c := range event.Columns(s.Kind) {
			f := fields(v.Type())[c.Field]
			if f.Type.Kind() == reflect.Pointer && v.FieldByIndex(f.Index).IsNil() != c.Nullable {
				t.Errorf("%s.%s: nullable %v, after Normalise %v", s.Kind, c.Name, c.Nullable, v.FieldByIndex(f.Index))
			}
		}
	}
}

func TestCatalogueIsCheapAndConsistent(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = event.KindOfType("plumbline.correct.v1") }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
	for _, s := range event.Catalogue() {
		if s.New().Kind() != s.Kind || s.Table != string(s.Kind) {
			t.Errorf("the line of %s: payload of kind %s, table %s", s.Kind, s.New().Kind(), s.Table)
		}
		if k, ok := event.KindOfType(s.Kind.Type()); !ok || k != s.Kind {
			t.Errorf("%s reads back as %q", s.Kind.Type(), k)
		}
	}
	for _, name := range []string{"", "plumbline.pulse", "pulse.v1", "plumbline..v1", "plumbline.pulse.v2", "plumbline.Pulse.v1"} {
		if k, ok := event.KindOfType(name); ok || k != "" {
			t.Errorf("%q is the kind %q", name, fmt.Sprint(k))
		}
	}
}
