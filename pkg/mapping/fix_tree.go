package mapping

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// tree is a JSON value whose scalars keep their bytes and whose objects keep their order and even names that stand twice:
// that is what a fix is there to repair.
type tree struct {
	kind jsontext.Kind
	// raw is a scalar as it was written.
	raw     jsontext.Value
	members []treeMember
	items   []*tree
}

type treeMember struct {
	name  string
	value *tree
}

// lenient reads what the contract refuses, and keeps it.
func lenient() jsontext.Options { return jsontext.AllowDuplicateNames(true) }

// readTree reads one JSON value and nothing behind it.
func readTree(raw []byte) (*tree, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw), lenient())
	t, err := decodeTree(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return t, nil
}

func decodeTree(dec *jsontext.Decoder) (*tree, error) {
	t := &tree{kind: dec.PeekKind()}
	switch t.kind {
	case '{', '[':
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
		for dec.PeekKind() != '}' && dec.PeekKind() != ']' {
			if err := t.decodeChild(dec); err != nil {
				return nil, err
			}
		}
		_, err := dec.ReadToken()
		return t, err
	}
	raw, err := dec.ReadValue()
	t.raw = bytes.Clone(raw)
	return t, err
}

func (t *tree) decodeChild(dec *jsontext.Decoder) error {
	name := ""
	if t.kind == '{' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name = token.String()
	}
	child, err := decodeTree(dec)
	if err != nil {
		return err
	}
	if t.kind == '{' {
		t.members = append(t.members, treeMember{name, child})
	} else {
		t.items = append(t.items, child)
	}
	return nil
}

func (t *tree) isScalar() bool { return t.kind != '{' && t.kind != '[' }

// text is a scalar as a table knows it: a text by itself, anything else as it is written.
func (t *tree) text() string {
	if t.kind == '"' {
		if s, err := jsontext.AppendUnquote(nil, t.raw); err == nil {
			return string(s)
		}
	}
	return string(t.raw)
}

// find is the value at a pointer, nil where there is none. Where a name stands twice it is the first.
func (t *tree) find(p jsontext.Pointer) *tree {
	for token := range p.Tokens() {
		if t = t.child(token); t == nil {
			return nil
		}
	}
	return t
}

func (t *tree) child(token string) *tree {
	switch t.kind {
	case '{':
		for _, m := range t.members {
			if m.name == token {
				return m.value
			}
		}
	case '[':
		if i, ok := index(token, len(t.items)); ok {
			return t.items[i]
		}
	}
	return nil
}

// index reads an array index as RFC 6901 writes it.
func index(token string, n int) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && i < n && strconv.Itoa(i) == token
}

// put writes a value at a pointer: over the one that is there (all of them, where the name stands twice), as the last
// member of an object, or at the end of an array for the token "-".
func (t *tree) put(p jsontext.Pointer, raw jsontext.Value) (bool, *event.Problem) {
	value, err := readTree(raw)
	if err != nil {
		return false, &event.Problem{Code: event.CodeNotJSON, Pointer: string(p), Message: "the value of the fix is no JSON"}
	}
	parent, token := t.find(p.Parent()), p.LastToken()
	switch {
	case parent != nil && parent.kind == '{':
		return parent.putMember(token, value), nil
	case parent != nil && parent.kind == '[' && token == "-":
		parent.items = append(parent.items, value)
		return true, nil
	case parent != nil && parent.kind == '[':
		if i, ok := index(token, len(parent.items)); ok {
			same := bytes.Equal(parent.items[i].write(nil), value.write(nil))
			parent.items[i] = value
			return !same, nil
		}
	}
	return false, &event.Problem{
		Code: event.CodeMissingField, Pointer: string(p),
		Message: "the fix can not write here: the event has no object or list at " + placeOf(string(p.Parent())),
	}
}

func placeOf(pointer string) string {
	if pointer == "" {
		return "its root"
	}
	return pointer
}

func (t *tree) putMember(name string, value *tree) bool {
	kept := t.members[:0:0]
	found, same := 0, false
	for _, m := range t.members {
		if m.name != name {
			kept = append(kept, m)
			continue
		}
		if found++; found == 1 {
			same = bytes.Equal(m.value.write(nil), value.write(nil))
			kept = append(kept, treeMember{name, value})
		}
	}
	if found == 0 {
		kept = append(kept, treeMember{name, value})
	}
	t.members = kept
	return found != 1 || !same
}

// remove takes away what stands at a pointer, every one where the name stands twice.
func (t *tree) remove(p jsontext.Pointer) bool {
	parent, token := t.find(p.Parent()), p.LastToken()
	if parent == nil {
		return false
	}
	switch parent.kind {
	case '{':
		kept := parent.members[:0:0]
		for _, m := range parent.members {
			if m.name != token {
				kept = append(kept, m)
			}
		}
		did := len(kept) < len(parent.members)
		parent.members = kept
		return did
	case '[':
		if i, ok := index(token, len(parent.items)); ok {
			parent.items = append(parent.items[:i:i], parent.items[i+1:]...)
			return true
		}
	}
	return false
}

// write appends the value as JSON without white space.
func (t *tree) write(b []byte) []byte {
	switch t.kind {
	case '{':
		b = append(b, '{')
		for i, m := range t.members {
			if i > 0 {
				b = append(b, ',')
			}
			// A name that was read is UTF-8, which is all that could fail.
			if quotedName, err := jsontext.AppendQuote(b, m.name); err == nil {
				b = quotedName
			}
			b = m.value.write(append(b, ':'))
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, item := range t.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.write(b)
		}
		return append(b, ']')
	}
	return append(b, t.raw...)
}
