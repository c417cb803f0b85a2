package event

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Column is one column of a kind's raw table that comes from the payload.
type Column struct {
	// Name is the column, Type its ClickHouse type.
	Name, Type string
	// Field is the name of the field on the wire; it differs from Name where a kind has a field like an envelope's.
	Field string
	// Nullable tells that an absent field is NULL: Value then returns a pointer, nil when absent. Elsewhere an absent
	// text is "".
	Nullable bool
	// Value reads the column from a normalised payload of the kind, as a value that clickhouse-go takes for Type:
	// string, bool, uint8, uint16, uint64, decimal.Decimal, time.Time, or a pointer to one of them.
	Value func(Data) any

	// offset is where the field stands in the struct, form its type; pointer tells that the struct has a pointer.
	offset  uintptr
	form    form
	pointer bool
}

// formRaw is the form of raw JSON, which has no place in a plan.
const formRaw form = 255

// Columns lists the columns of a kind in the order of its fields, the common ones first. It reflects over the struct
// tags: ask once and keep the answer. It panics on a kind that is not in the catalogue.
func Columns(k Kind) []Column {
	spec, ok := Lookup(k)
	if !ok {
		panic(fmt.Sprintf("event: columns of unknown kind %q", k))
	}
	t := reflect.TypeOf(spec.New()).Elem()
	var out []Column
	for field, f := range wireFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("ch"), ",")
		c := Column{Name: name, Field: field}
		c.Nullable = f.Type.Kind() == reflect.Pointer && options != "set"
		c.Type = columnType(f.Type, options, c.Nullable)
		c.offset, c.pointer, c.form = offsetOf(t, f.Index), f.Type.Kind() == reflect.Pointer, formRaw
		if f.Type != reflect.TypeFor[jsontext.Value]() {
			c.form = formOf(f.Type)
		}
		read := reader(f.Type, c.Nullable)
		index := f.Index
		c.Value = func(d Data) any { return read(reflect.ValueOf(d).Elem().FieldByIndex(index)) }
		out = append(out, c)
	}
	return out
}

func columnType(t reflect.Type, options string, nullable bool) string {
	if nullable {
		return "Nullable(" + columnType(t.Elem(), options, false) + ")"
	}
	t = element(t)
	switch t {
	case reflect.TypeFor[Number]():
		return "Decimal(18, 6)"
	case reflect.TypeFor[Decimal]():
		return "Decimal(38, 18)"
	case reflect.TypeFor[Time]():
		return "DateTime64(3, 'UTC')"
	case reflect.TypeFor[Day]():
		return "Date32"
	case reflect.TypeFor[Touches](), reflect.TypeFor[jsontext.Value]():
		return "String"
	}
	switch t.Kind() {
	case reflect.String:
		if options == "low" {
			return "LowCardinality(String)"
		}
		return "String"
	case reflect.Bool:
		return "Bool"
	case reflect.Uint8:
		return "UInt8"
	case reflect.Uint16:
		return "UInt16"
	case reflect.Uint64:
		return "UInt64"
	}
	panic(fmt.Sprintf("event: no column type for %s", t))
}

// reader returns how to read a field of type t.
func reader(t reflect.Type, nullable bool) func(reflect.Value) any {
	base := element(t)
	if t.Kind() == reflect.Pointer {
		switch base {
		case reflect.TypeFor[Number]():
			return through(nullable, func(n Number) decimal.Decimal { return n.Decimal() })
		case reflect.TypeFor[Decimal]():
			return through(nullable, func(d Decimal) decimal.Decimal { return d.Decimal })
		case reflect.TypeFor[Time]():
			return through(nullable, func(t Time) time.Time { return t.Time })
		case reflect.TypeFor[Day]():
			return through(nullable, func(d Day) time.Time { return d.Time })
		}
		switch base.Kind() {
		case reflect.Bool:
			return through(nullable, itself[bool])
		case reflect.Uint8:
			return through(nullable, itself[uint8])
		case reflect.Uint16:
			return through(nullable, itself[uint16])
		case reflect.Uint64:
			return through(nullable, itself[uint64])
		}
		panic(fmt.Sprintf("event: no reader for %s", t))
	}
	switch base {
	case reflect.TypeFor[Decimal]():
		return func(v reflect.Value) any { return v.Addr().Interface().(*Decimal).Decimal }
	case reflect.TypeFor[Time]():
		return func(v reflect.Value) any { return v.Addr().Interface().(*Time).Time }
	case reflect.TypeFor[Touches]():
		return func(v reflect.Value) any { return v.Interface().(Touches).Canonical() }
	case reflect.TypeFor[jsontext.Value]():
		return func(v reflect.Value) any { return string(v.Bytes()) }
	}
	if base.Kind() == reflect.String {
		return func(v reflect.Value) any { return v.String() }
	}
	panic(fmt.Sprintf("event: no reader for %s", t))
}

// through reads a pointer field: as a pointer where the column is nullable, else as the value, which Normalise has
// written where it was absent.
func through[F, C any](nullable bool, convert func(F) C) func(reflect.Value) any {
	return func(v reflect.Value) any {
		p := v.Interface().(*F)
		if nullable {
			if p == nil {
				return (*C)(nil)
			}
			return new(convert(*p))
		}
		if p == nil {
			var zero C
			return zero
		}
		return convert(*p)
	}
}

func itself[T any](v T) T { return v }
