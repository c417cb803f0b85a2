package event

import "unicode/utf8"

// quick reads an event in CloudEvents JSON format in one pass, where it is as nearly all are: no escapes, no nulls, no
// exponents, and nothing wrong. It uses the same rules as the way by the tags and takes no event that they would not
// take; tests hold it to that. ok is false where it is not sure: then the tags decide, and say what is wrong.
func (p *Parser) quick(raw []byte) (_ Event, ok bool) {
	c := cursor{s: string(raw)} // the texts of the event share this memory
	var e envelope
	data, ok := c.envelope(p, &e)
	if !ok {
		return Event{}, false
	}
	if e.check(p.now()); len(e.problems) > 0 {
		return Event{}, false
	}
	out := e.event()
	if data.payload == nil {
		if data.payload, ok = p.quickAll(out.Kind, data.raw); !ok {
			return Event{}, false
		}
	}
	out.Data = data.payload
	return out, true
}

// quickMember is the member data: read already where the type stood before it, else its bytes.
type quickMember struct {
	payload Data
	raw     string
}

// envelope reads the object, up to the end of the input.
func (c *cursor) envelope(p *Parser, e *envelope) (data quickMember, ok bool) {
	var seen uint16
	more := c.open('{')
	for more {
		name, ok := c.name()
		if !ok || isSecond(name, &seen, e) {
			return data, false
		}
		if name == "data" {
			if data, ok = c.data(p, e); !ok {
				return data, false
			}
		} else {
			v, ok := c.text()
			if !ok {
				return data, false
			}
			e.set(name, v)
		}
		if more, ok = c.next('}'); !ok {
			return data, false
		}
	}
	c.space()
	return data, c.at == len(c.s) && (data.payload != nil || data.raw != "")
}

// isSecond tells whether a member of this name was there before.
func isSecond(name string, seen *uint16, e *envelope) bool {
	n := attributeNumber(name)
	if n < 0 {
		_, twice := e.extensions[name]
		return twice
	}
	twice := *seen&(1<<n) != 0
	*seen |= 1 << n
	return twice
}

// data reads the member data, or finds its end where the type is not known yet.
func (c *cursor) data(p *Parser, e *envelope) (out quickMember, ok bool) {
	if kind, known := KindOfType(e.typ); known {
		out.payload, ok = p.quickData(kind, c)
		return out, ok
	}
	from := c.at
	ok = c.skipObject()
	out.raw = c.s[from:c.at]
	return out, ok
}

// attributeNumber numbers the members that CloudEvents knows, -1 is an extension.
func attributeNumber(name string) int {
	switch name {
	case "specversion":
		return 0
	case "id":
		return 1
	case "source":
		return 2
	case "type":
		return 3
	case "time":
		return 4
	case "subject":
		return 5
	case "dataschema":
		return 6
	case "datacontenttype":
		return 7
	case "data":
		return 8
	}
	return -1
}

// cursor walks through JSON that it does not need to decode. Every step returns false where the text is not of the
// plain form that it knows; that says nothing about whether it is valid.
type cursor struct {
	s  string
	at int
	// plain tells that the last text has printable ASCII only.
	plain bool
}

// space skips white space.
func (c *cursor) space() {
	for c.at < len(c.s) {
		switch c.s[c.at] {
		case ' ', '\n', '\r', '\t':
			c.at++
		default:
			return
		}
	}
}

// byte takes one byte, after white space.
func (c *cursor) byte(b byte) bool {
	if c.at < len(c.s) && c.s[c.at] == b {
		c.at++
		return true
	}
	c.space()
	if c.at < len(c.s) && c.s[c.at] == b {
		c.at++
		return true
	}
	return false
}

// open takes the bracket that opens an object or a list of at least one member.
func (c *cursor) open(bracket byte) bool { return c.byte(bracket) }

// next takes what follows a member: a comma, after which there is one more, or the closing bracket.
func (c *cursor) next(closing byte) (more, ok bool) {
	if c.byte(',') {
		return true, true
	}
	return false, c.byte(closing)
}

// name takes the name of a member and its colon.
func (c *cursor) name() (string, bool) {
	name, ok := c.text()
	return name, ok && c.plain && c.byte(':')
}

// text takes a string without escapes that is valid UTF-8.
func (c *cursor) text() (string, bool) {
	if !c.byte('"') {
		return "", false
	}
	s := c.s[c.at:]
	c.plain = true
	for i := range len(s) {
		switch b := s[i]; {
		case b == '"':
			c.at += i + 1
			return s[:i], c.plain || utf8.ValidString(s[:i])
		case b == '\\' || b < ' ':
			return "", false
		case b > '~':
			c.plain = false
		}
	}
	return "", false
}

// skipObject finds the end of an object by its brackets and leaves it to others to judge what is in it.
func (c *cursor) skipObject() bool {
	c.space()
	for depth := 0; c.at < len(c.s); {
		switch c.s[c.at] {
		case '"':
			if _, ok := c.text(); !ok {
				return false
			}
			continue
		case '{':
			depth++
		case '}':
			depth--
		}
		c.at++
		if depth <= 0 {
			return depth == 0 && c.at > 0 && c.s[c.at-1] == '}'
		}
	}
	return false
}
