package event

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Column is one column of a kind's raw table that comes from the payload.
type Column struct {
	// Name is the column, Type its ClickHouse type.
	Name, Type string
	// Field is the name of the field on the wire; it differs from Name where a kind has a field like an envelope's.
	Field string
	// Nullable tells that an absent field is NULL. Elsewhere an absent text is "".
	Nullable bool

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
