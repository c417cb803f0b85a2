package event

import (
	"slices"
	"unicode/utf8"
	"unsafe"
)

// quickData reads, judges and normalises a payload in one pass; see [Parser.quick].
func (p *Parser) quickData(kind Kind, c *cursor) (Data, bool) {
	plan, ok := compiled().kinds[kind]
	if !ok {
		return nil, false
	}
	spec, _ := Lookup(kind)
	d := spec.New()
	if !p.quickStruct(plan, baseOf(d), c) || len(d.Check()) > 0 {
		return nil, false
	}
	d.Normalise()
	return d, true
}

// quickAll is quickData of a payload that stands alone.
func (p *Parser) quickAll(kind Kind, data string) (Data, bool) {
	c := cursor{s: data}
	d, ok := p.quickData(kind, &c)
	c.space()
	return d, ok && c.at == len(c.s)
}

// quickStruct reads an object into the struct at base.
func (p *Parser) quickStruct(plan *plan, base unsafe.Pointer, c *cursor) bool {
	var seen uint64
	more := c.open('{')
	for more {
		name, ok := c.name()
		if !ok {
			return false
		}
		i, ok := plan.byName[name]
		if !ok || seen&(1<<i) != 0 {
			return false
		}
		seen |= 1 << i
		if !p.quickField(&plan.slots[i], base, c) {
			return false
		}
		if more, ok = c.next('}'); !ok {
			return false
		}
	}
	return seen != 0 && seen&plan.required == plan.required
}

// quickField reads one field and judges it.
func (p *Parser) quickField(s *slot, base unsafe.Pointer, c *cursor) bool {
	switch s.form {
	case formText:
		v, ok := c.text()
		if !ok || !p.quickText(&s.rule, v, c.plain) {
			return false
		}
		*at[string](base, s.offset) = v
		return true
	case formNumber:
		n, ok := c.number(6)
		return ok && s.rule.bounds(n) && put(s, base, Number(n))
	case formBool:
		v, ok := c.boolean()
		return ok && put(s, base, v)
	case formUint8:
		n, ok := c.number(0)
		return ok && n <= 255 && s.rule.bounds(n) && put(s, base, uint8(n))
	case formUint16:
		n, ok := c.number(0)
		return ok && n <= 65535 && s.rule.bounds(n) && put(s, base, uint16(n))
	case formUint64:
		n, ok := c.number(0)
		return ok && s.rule.bounds(n) && put(s, base, uint64(n))
	case formTouches:
		touches, ok := p.quickTouches(&s.rule, c)
		*at[Touches](base, s.offset) = touches
		return ok
	}
	v, ok := c.text()
	return ok && quickScalar(s, base, v)
}

// quickScalar reads a value that is a text on the wire.
func quickScalar(s *slot, base unsafe.Pointer, v string) bool {
	switch s.form {
	case formDecimal:
		d, err := ParseDecimal(v)
		return err == nil && put(s, base, d)
	case formTime:
		t, err := ParseTime(v)
		return err == nil && put(s, base, t)
	case formDay:
		d, err := ParseDay(v)
		return err == nil && put(s, base, d)
	}
	return false
}

// put writes a value into its field.
func put[T any](s *slot, base unsafe.Pointer, v T) bool {
	if s.pointer {
		*at[*T](base, s.offset) = &v
	} else {
		*at[T](base, s.offset) = v
	}
	return true
}

func (p *Parser) quickTouches(r *rule, c *cursor) (Touches, bool) {
	var out Touches
	more := c.open('[')
	for more {
		if len(out) == r.most {
			return nil, false
		}
		var t Touch
		if !p.quickStruct(compiled().touch, unsafe.Pointer(&t), c) {
			return nil, false
		}
		out = append(out, t)
		var ok bool
		if more, ok = c.next(']'); !ok {
			return nil, false
		}
	}
	return out, len(out) > 0
}

// quickText judges a text by the functions that the tags use; plain says that it is printable ASCII.
func (p *Parser) quickText(r *rule, v string, plain bool) bool {
	if v == "" || r.most > 0 && len(v) > r.most && utf8.RuneCountInString(v) > r.most {
		return false
	}
	switch r.text {
	case textKey, textLine:
		if plain {
			return v[0] != ' ' && v[len(v)-1] != ' '
		}
		code, _ := judgeText(v, 0)
		return code == ""
	case textNote:
		code, _ := judgeNote(v)
		return code == ""
	case textWeb:
		return isWeb(v)
	case textCurrency:
		return p.validate.Var(v, "currency") == nil
	case textChoice:
		return slices.Contains(r.choices, v)
	default:
		return false
	}
}

// number takes a number that is not negative and has no exponent, with at most so many decimals and 12 digits before
// them, as units of the last decimal.
func (c *cursor) number(decimals int) (n int64, ok bool) {
	c.space()
	from := c.at
	for ; c.at < len(c.s) && isDigit(c.s[c.at]); c.at++ {
		n = n*10 + int64(c.s[c.at]-'0')
		if c.at-from == 12 {
			return 0, false
		}
	}
	if c.at == from || c.s[from] == '0' && c.at > from+1 {
		return 0, false
	}
	left := decimals
	if left > 0 && c.at+1 < len(c.s) && c.s[c.at] == '.' && isDigit(c.s[c.at+1]) {
		for c.at++; left > 0 && c.at < len(c.s) && isDigit(c.s[c.at]); c.at++ {
			n = n*10 + int64(c.s[c.at]-'0')
			left--
		}
	}
	for range left {
		n *= 10
	}
	// Whatever else may follow in a number is none of the bytes that follow a member, so that c.next fails on it.
	return n, true
}

func isDigit(b byte) bool { return b-'0' <= 9 }

// boolean takes true or false.
func (c *cursor) boolean() (v, ok bool) {
	c.space()
	switch rest := c.s[c.at:]; {
	case len(rest) > 4 && rest[:4] == "true":
		c.at += 4
		return true, true
	case len(rest) > 5 && rest[:5] == "false":
		c.at += 5
		return false, true
	}
	return false, false
}
