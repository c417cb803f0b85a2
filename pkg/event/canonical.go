package event

import (
	"strconv"
	"time"
	"unsafe"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// canonical writes a payload as canonical JSON: RFC 8785, except that numbers keep the shortest exact decimal form
// of [Number], which RFC 8785 would round to a float64 from the 16th digit on. Up to 15 digits the two agree.
func canonical(v any) ([]byte, error) {
	switch v := v.(type) {
	case Touches:
		return appendTouches(make([]byte, 0, 128*len(v)), v)
	case Data:
		if p, ok := compiled().kinds[v.Kind()]; ok {
			return p.append(make([]byte, 0, 256), baseOf(v))
		}
	}
	return canonicalByTags(v)
}

// canonicalByTags is canonical as the tags alone say it, of any value: the reference that [plan.append] is held equal
// to.
func canonicalByTags(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := jsontext.Value(raw)
	if err := out.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, err
	}
	return out, nil
}

// append writes the struct at base as a canonical JSON object.
func (p *plan) append(b []byte, base unsafe.Pointer) ([]byte, error) {
	b = append(b, '{')
	empty := len(b)
	for i := range p.slots {
		s := &p.slots[i]
		if s.absent(base) {
			continue
		}
		if len(b) > empty {
			b = append(b, ',')
		}
		b = append(b, s.key...)
		var err error
		if b, err = s.append(b, base); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// absent tells whether the field is not written.
func (s *slot) absent(base unsafe.Pointer) bool {
	switch {
	case s.pointer:
		return *at[unsafe.Pointer](base, s.offset) == nil
	case !s.omitted:
		return false
	case s.form == formText:
		return *at[string](base, s.offset) == ""
	case s.form == formTouches:
		return *at[Touches](base, s.offset) == nil
	}
	return false
}

// append writes the value of a field that is there.
func (s *slot) append(b []byte, base unsafe.Pointer) ([]byte, error) {
	switch s.form {
	case formText:
		return appendText(b, *at[string](base, s.offset))
	case formNumber:
		return value[Number](s, base).append(b), nil
	case formBool:
		return strconv.AppendBool(b, *value[bool](s, base)), nil
	case formUint8:
		return strconv.AppendUint(b, uint64(*value[uint8](s, base)), 10), nil
	case formUint16:
		return strconv.AppendUint(b, uint64(*value[uint16](s, base)), 10), nil
	case formUint64:
		return strconv.AppendUint(b, *value[uint64](s, base), 10), nil
	case formDecimal:
		return append(append(append(b, '"'), value[Decimal](s, base).Canonical()...), '"'), nil
	case formTime:
		return appendQuotedTime(b, value[Time](s, base).Time), nil
	case formDay:
		return append(append(append(b, '"'), value[Day](s, base).String()...), '"'), nil
	default:
		return appendTouches(b, *at[Touches](base, s.offset))
	}
}

// value is where the value of a field stands: in the struct, or behind the struct's pointer.
func value[T any](s *slot, base unsafe.Pointer) *T {
	if s.pointer {
		return *at[*T](base, s.offset)
	}
	return at[T](base, s.offset)
}

func appendTouches(b []byte, touches Touches) ([]byte, error) {
	b = append(b, '[')
	for i := range touches {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = compiled().touch.append(b, unsafe.Pointer(&touches[i])); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendText quotes a text as RFC 8785 does. Most need nothing but the quotes.
func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return jsontext.AppendQuote(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"'), nil
}

func appendQuotedTime(b []byte, t time.Time) []byte {
	return append(appendTime(append(b, '"'), t), '"')
}

// appendTime writes [TimeForm], of any instant that ParseTime takes; others take the way of the time package.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return t.AppendFormat(b, TimeForm)
	}
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	b = appendDigits(append(b, ':'), second, 2)
	b = appendDigits(append(b, '.'), t.Nanosecond()/int(time.Millisecond), 3)
	return append(b, 'Z')
}

// appendDigits writes the last digits of a number that is not negative.
func appendDigits(b []byte, n, digits int) []byte {
	from := len(b)
	for range digits {
		b = append(b, '0')
	}
	for i := len(b) - 1; i >= from; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return b
}
