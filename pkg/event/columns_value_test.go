package event

import (
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Value reads the column from a normalised payload of the kind, by reflection and as a value that clickhouse-go takes for
// Type: string, bool, uint8, uint16, uint64, decimal.Decimal, time.Time, or of a nullable column a pointer to one of them,
// nil when absent. It is what [Vectors] are held equal to.
func (c Column) Value(d Data) any {
	v := reflect.ValueOf(d).Elem()
	for field, f := range wireFields(v.Type()) {
		if field == c.Field {
			return reader(f.Type, c.Nullable)(v.FieldByIndex(f.Index))
		}
	}
	panic(fmt.Sprintf("event: no field %s in %T", c.Field, d))
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
