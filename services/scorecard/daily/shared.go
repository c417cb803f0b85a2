package daily

import (
	"reflect"

	"github.com/shopspring/decimal"
)

// share makes equal texts and numbers of rows one: a column of teams has few different texts, and most amounts of a day are 0 or small.
// What is kept is marked by each collection of garbage, and a number is three allocations. list is a pointer to a list of structs;
// the numbers of rows are never changed, and so may be shared.
func share(list any) {
	rows := reflect.ValueOf(list).Elem()
	of := sharing{texts: map[string]string{}, numbers: map[number]decimal.Decimal{}}
	fields := sharedFields(rows.Type().Elem(), nil)
	for i := range rows.Len() {
		row := rows.Index(i)
		for _, index := range fields {
			of.field(row.FieldByIndex(index).Addr().Interface())
		}
	}
}

// sharedFields are the places of the fields of a struct that can be shared, those of structs within it too.
func sharedFields(t reflect.Type, within []int) [][]int {
	var out [][]int
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, within...), i)
		switch reflect.New(f.Type).Interface().(type) {
		case *string, *decimal.Decimal, **decimal.Decimal, *[]string, *[]decimal.Decimal:
			if f.IsExported() {
				out = append(out, index)
			}
		default:
			if f.Anonymous && f.Type.Kind() == reflect.Struct {
				out = append(out, sharedFields(f.Type, index)...)
			}
		}
	}
	return out
}

// sharing is what was seen so far.
type sharing struct {
	texts   map[string]string
	numbers map[number]decimal.Decimal
}

// number is what decimals are looked for by: value × 10^exponent.
type number struct {
	value    int64
	exponent int32
}

func (s sharing) field(f any) {
	switch f := f.(type) {
	case *string:
		*f = s.text(*f)
	case *decimal.Decimal:
		*f = s.number(*f)
	case **decimal.Decimal:
		if *f != nil {
			**f = s.number(**f)
		}
	case *[]string:
		for i, text := range *f {
			(*f)[i] = s.text(text)
		}
	case *[]decimal.Decimal:
		for i, d := range *f {
			(*f)[i] = s.number(d)
		}
	}
}

func (s sharing) text(t string) string {
	if known, ok := s.texts[t]; ok {
		return known
	}
	s.texts[t] = t
	return t
}

func (s sharing) number(d decimal.Decimal) decimal.Decimal {
	// Of a coefficient of more than 64 bits these are the lower ones, which others may have, too.
	n := number{d.CoefficientInt64(), d.Exponent()}
	known, ok := s.numbers[n]
	switch {
	case !ok:
		s.numbers[n] = d
		return d
	case known.Equal(d):
		return known
	}
	return d
}
