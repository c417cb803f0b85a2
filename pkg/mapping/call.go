package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Call is one JSON object from an SDK or a webhook, of which only what a mapping asks for is looked at. It is not safe for concurrent use.
type Call struct {
	raw     jsontext.Value
	members map[string]jsontext.Value
	lent    bool
	// inner are the objects that were looked into, by their bytes' place: nil where it is none.
	inner map[string]map[string]jsontext.Value
}

// ReadCall reads a call. What is no JSON object, names a member twice or is no UTF-8 is refused.
func ReadCall(raw []byte) (*Call, *event.Problem) {
	v := jsontext.Value(raw)
	if k := v.Kind(); k != '{' {
		if !v.IsValid() {
			return nil, callProblem(json.Unmarshal(raw, new(jsontext.Value)))
		}
		return nil, &event.Problem{Code: event.CodeWrongType, Message: "a call is a JSON object"}
	}
	c := &Call{raw: v, inner: map[string]map[string]jsontext.Value{}}
	if err := json.Unmarshal(raw, &c.members); err != nil {
		return nil, callProblem(err)
	}
	return c, nil
}

func callProblem(err error) *event.Problem {
	p := &event.Problem{Code: event.CodeNotJSON, Message: "this is no JSON"}
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		p.Pointer, p.Message = string(s.JSONPointer), "this is no JSON: "+s.Err.Error()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			p.Code, p.Message = event.CodeDuplicateField, "the member is there twice: give it once"
		}
	}
	return p
}

// Member is a member by name.
func (c *Call) Member(name string) (jsontext.Value, bool) {
	v, ok := c.members[name]
	return v, ok
}

// Text is a member that is a text, or the text of a number; "" where it is neither.
func (c *Call) Text(name string) string {
	s, k := plain(c.members[name])
	if k != '"' && k != '0' {
		return ""
	}
	return s
}

// Lend gives the call a member that it does not have: what a batch says for all of its calls.
func (c *Call) Lend(name string, v jsontext.Value) {
	if _, has := c.members[name]; !has && len(v) > 0 {
		c.members[name], c.lent = v, true
	}
}

// Raw is the call with what it was lent.
func (c *Call) Raw() jsontext.Value {
	if !c.lent {
		return c.raw
	}
	raw, err := json.Marshal(c.members, json.Deterministic(true))
	if err != nil {
		return c.raw // what was lent is no JSON: then it is not lent
	}
	return raw
}

// Hash names the content of the call, 128 bits in hexadecimal digits: the same for the same members in whatever order and spacing.
func (c *Call) Hash() string {
	sum := c.sum()
	return hex.EncodeToString(sum[:])
}

func (c *Call) sum() [16]byte {
	v := slices.Clone(c.raw)
	if err := v.Canonicalize(); err != nil {
		v = c.raw // it can be read, so it can be written; else its bytes do as well
	}
	sum := sha256.Sum256(v)
	return [16]byte(sum[:16])
}

// at finds a column: a member, or a member of a member with a dot between. A member whose own name has dots is found, too.
func (c *Call) at(column string) (jsontext.Value, bool) { return c.within("", c.members, column) }

func (c *Call) within(path string, members map[string]jsontext.Value, column string) (jsontext.Value, bool) {
	if v, ok := members[column]; ok {
		return v, true
	}
	for i := range len(column) {
		if column[i] != '.' {
			continue
		}
		v, ok := members[column[:i]]
		if !ok || v.Kind() != '{' && v.Kind() != '[' {
			continue
		}
		below := path + column[:i] + "\x00"
		inner, looked := c.inner[below]
		if !looked {
			inner = membersOf(v)
			c.inner[below] = inner
		}
		if v, ok := c.within(below, inner, column[i+1:]); ok {
			return v, true
		}
	}
	return nil, false
}

// membersOf are the members of an object, or those of an array of keys with their values: [{"key": "page", "value": "/"}] is read
// as {"page": "/"}. The value may be an object of which one member has the value and the others are null, as in the rows of
// analytics ({"string_value": "/", "int_value": null}). It is nil where the value is neither.
func membersOf(v jsontext.Value) map[string]jsontext.Value {
	var out map[string]jsontext.Value
	if v.Kind() == '{' {
		_ = json.Unmarshal(v, &out) // it is part of an object that was read
		return out
	}
	var pairs []struct {
		Key   jsontext.Value `json:"key"`
		Value jsontext.Value `json:"value"`
	}
	if err := json.Unmarshal(v, &pairs); err != nil {
		return nil
	}
	for _, p := range pairs {
		key, kind := plain(p.Key)
		if kind != '"' && kind != '0' {
			continue
		}
		if out == nil {
			out = make(map[string]jsontext.Value, len(pairs))
		}
		if _, twice := out[key]; !twice {
			out[key] = typed(p.Value)
		}
	}
	return out
}

// typed takes the value out of an object such as {"int_value": 5, "string_value": null}.
func typed(v jsontext.Value) jsontext.Value {
	if v.Kind() != '{' {
		return v
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(v, &members); err != nil {
		return v
	}
	out := jsontext.Value("null")
	for name, m := range members {
		switch {
		case !strings.HasSuffix(name, "_value"):
			return v
		case m.Kind() == 'n':
		case out.Kind() != 'n':
			return v
		default:
			out = m
		}
	}
	return out
}

// plain is the text of a value: of a string what it says, of anything else how it is written, so that numbers keep their digits.
func plain(v jsontext.Value) (string, jsontext.Kind) {
	k := v.Kind()
	if k != '"' {
		return strings.TrimSpace(string(v)), k
	}
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", 0
	}
	return string(s), k
}

// record is what a mapping reads of a call.
func (c *Calls) record(call *Call, given map[string]string) *record {
	r := &record{line: 1, number: 1, occurrence: 1, columns: make(map[string]int, len(c.columns)), types: map[string]jsontext.Kind{}}
	for _, column := range c.columns {
		text, known := given[column]
		if !known {
			v, ok := call.at(column)
			if !ok || v.Kind() == 'n' {
				continue
			}
			text, r.types[column] = plain(v)
		}
		r.columns[column] = len(r.cells)
		r.cells = append(r.cells, text)
	}
	if !c.hashes {
		return r
	}
	r.hash = call.sum()
	if name, err := hex.DecodeString(given[ColumnHash]); err == nil && len(name) == len(r.hash) {
		r.hash = [16]byte(name)
	}
	return r
}
