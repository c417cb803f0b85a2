package event

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// A plan is what the struct tags of a payload say, compiled once: where each field stands in the struct, how it is
// written, and which values it may have. With it most payloads are read, judged and written in one pass, without
// reflection. It says nothing that the tags do not say, and whatever it is not sure of it leaves to them: see
// [Parser.quick] and [appendCanonical].
type plan struct {
	// slots are the fields in the order of their names, which is the order of RFC 8785.
	slots  []slot
	byName map[string]int
	// required has a bit for each slot that must be there.
	required uint64
}

// slot is one field.
type slot struct {
	name string
	// key is the name as it is written in JSON, with quotes and colon.
	key    string
	offset uintptr
	form   form
	rule   rule
	// pointer tells that the struct has a pointer, nil where the field is absent.
	pointer bool
	// omitted tells that an empty text or list is not written, required that the field must be there.
	omitted, required bool
}

// form is the type of a field.
type form uint8

const (
	formText form = iota
	formNumber
	formBool
	formUint8
	formUint16
	formUint64
	formDecimal
	formTime
	formDay
	formTouches
)

// rule is what the validation tag of a field asks for.
type rule struct {
	text textRule
	// most is the most characters of a text, or entries of a list; 0 is no bound.
	most    int
	choices []string
	// The bounds of a number: of millionths where the form is formNumber. low is exclusive where above is set.
	low, high       int64
	hasLow, hasHigh bool
	above           bool
}

type textRule uint8

const (
	textAny textRule = iota
	textKey
	textLine
	textNote
	textWeb
	textCurrency
	textChoice
)

// plans are those of all kinds, and that of a touch. A correction has none: its data is of any kind.
type plans struct {
	kinds map[Kind]*plan
	touch *plan
}

// compiled are the plans: computed once, never changed.
var compiled = sync.OnceValue(func() plans {
	out := plans{kinds: map[Kind]*plan{}, touch: newPlan(reflect.TypeFor[Touch]())}
	for _, s := range Catalogue() {
		if s.Kind != KindCorrect {
			out.kinds[s.Kind] = newPlan(reflect.TypeOf(s.New()).Elem())
		}
	}
	return out
})

// newPlan compiles the tags of a struct. It panics on a tag or a type that it does not know: who adds one teaches it
// here, and every test of this package fails until then.
func newPlan(t reflect.Type) *plan {
	p := &plan{byName: map[string]int{}}
	for name, f := range wireFields(t) {
		written, judged := f.Tag.Get("json"), f.Tag.Get("validate")
		s := slot{
			name: name, key: strconv.Quote(name) + ":", offset: offsetOf(t, f.Index), form: formOf(f.Type),
			pointer: f.Type.Kind() == reflect.Pointer, omitted: strings.Contains(written, ",omit"),
			required: strings.HasPrefix(judged, "required"),
		}
		s.rule = newRule(judged, s.form)
		p.slots = append(p.slots, s)
	}
	slices.SortFunc(p.slots, func(a, b slot) int { return strings.Compare(a.name, b.name) })
	if len(p.slots) > 64 {
		panic(fmt.Sprintf("event: %s has more than 64 fields", t))
	}
	for i, s := range p.slots {
		p.byName[s.name] = i
		if s.required {
			p.required |= 1 << i
		}
	}
	return p
}

// offsetOf is where a field stands in the struct, embedded structs included.
func offsetOf(t reflect.Type, index []int) (offset uintptr) {
	for _, i := range index {
		f := t.Field(i)
		offset += f.Offset
		t = f.Type
	}
	return offset
}

func formOf(t reflect.Type) form {
	base := element(t)
	switch base {
	case reflect.TypeFor[Number]():
		return formNumber
	case reflect.TypeFor[Decimal]():
		return formDecimal
	case reflect.TypeFor[Time]():
		return formTime
	case reflect.TypeFor[Day]():
		return formDay
	case reflect.TypeFor[Touches]():
		return formTouches
	case reflect.TypeFor[jsontext.Value]():
		panic("event: no plan for a raw value")
	}
	switch base.Kind() {
	case reflect.String:
		return formText
	case reflect.Bool:
		return formBool
	case reflect.Uint8:
		return formUint8
	case reflect.Uint16:
		return formUint16
	case reflect.Uint64:
		return formUint64
	}
	panic(fmt.Sprintf("event: no plan for a field of type %s", t))
}

// newRule compiles a validation tag.
func newRule(tag string, f form) (r rule) {
	scale := int64(1)
	if f == formNumber {
		scale = numberScale
	}
	for part := range strings.SplitSeq(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		limit, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "", "-", "required", "omitempty", "dive":
		case "key":
			r.text, r.most = textKey, maxKey
		case "text":
			r.text = textLine
		case "note":
			r.text = textNote
		case "web":
			r.text = textWeb
		case "currency":
			r.text = textCurrency
		case "oneof":
			r.text, r.choices = textChoice, strings.Fields(value)
		case "max":
			r.most = int(limit)
		case "gt":
			r.low, r.hasLow, r.above = limit*scale, true, true
		case "gte":
			r.low, r.hasLow = limit*scale, true
		case "lte":
			r.high, r.hasHigh = limit*scale, true
		default:
			panic(fmt.Sprintf("event: no plan for the rule %q", part))
		}
	}
	return r
}

// bounds tells whether a number is one that the rule allows.
func (r *rule) bounds(n int64) bool {
	switch {
	case r.hasLow && (n < r.low || r.above && n == r.low):
		return false
	case r.hasHigh && n > r.high:
		return false
	}
	return true
}

// at is the field at an offset of the struct that base points to; the offset is one of a plan of that struct.
func at[T any](base unsafe.Pointer, offset uintptr) *T { return (*T)(unsafe.Add(base, offset)) }

// baseOf points to the struct of a payload.
func baseOf(d Data) unsafe.Pointer { return reflect.ValueOf(d).UnsafePointer() }
