package mapping

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// The bounds of a fix.
const (
	// MaxFix is the most bytes of a fix.
	MaxFix        = 64 << 10
	maxOperations = 64
	maxTable      = 1000
	maxPointer    = 1024
)

// The operations of a fix.
const (
	// FixSet puts a value where there may be another one.
	FixSet = "set"
	// FixDefault puts a value where there is none.
	FixDefault = "default"
	// FixRename moves a value to another place.
	FixRename = "rename"
	// FixRemove takes a value away.
	FixRemove = "remove"
	// FixTranslate replaces a value by that of a table.
	FixTranslate = "translate"
)

// Fix repairs events that were refused: a list of operations on the event in CloudEvents JSON format, done one after
// another. It is meant for many events at once: what an operation finds nothing to do for, it leaves as it is.
type Fix struct {
	Operations []Operation `json:"operations"`
}

// Operation is one step of a fix.
type Operation struct {
	// Op is one of the operations above.
	Op string `json:"op"`
	// Path is the JSON pointer (RFC 6901) of the value: "/data/currency".
	Path string `json:"path"`
	// Value is what set and default write, any JSON.
	Value jsontext.Value `json:"value,omitzero"`
	// To is the pointer where rename moves the value to; nothing may stand there.
	To string `json:"to,omitzero"`
	// Table is what translate looks the value up in: a text by itself, a number, true or false by how it is written.
	// Default replaces what is not in the table; without it that stays.
	Table   map[string]jsontext.Value `json:"table,omitzero"`
	Default jsontext.Value            `json:"default,omitzero"`
}

// ParseFix reads a fix from JSON, strictly. Whatever is wrong is reported at once, with pointers into the fix.
func ParseFix(raw []byte) (Fix, []event.Problem) {
	if len(raw) > MaxFix {
		return Fix{}, []event.Problem{{Code: event.CodeTooLarge, Message: fmt.Sprintf("a fix has at most %d bytes", MaxFix)}}
	}
	var f Fix
	if err := json.Unmarshal(raw, &f, json.RejectUnknownMembers(true)); err != nil {
		return Fix{}, []event.Problem{fixDecodeProblem(err)}
	}
	problems := f.check()
	if len(problems) > 0 {
		return Fix{}, problems
	}
	return f, nil
}

func fixDecodeProblem(err error) event.Problem {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return event.Problem{
			Code: event.CodeUnknownField, Pointer: string(semantic.JSONPointer),
			Message: "there is no such member: a fix has operations, an operation has op, path, value, to, table and default",
		}
	case errors.As(err, &semantic):
		return event.Problem{Code: event.CodeWrongType, Pointer: string(semantic.JSONPointer), Message: `write {"operations":[{"op":"set","path":"/data/currency","value":"EUR"}]}`}
	case errors.As(err, &syntax):
		return event.Problem{Code: event.CodeNotJSON, Pointer: string(syntax.JSONPointer), Message: fmt.Sprintf("the fix is no valid JSON: %v, at byte %d", syntax.Err, syntax.ByteOffset)}
	}
	return event.Problem{Code: event.CodeNotJSON, Message: "the fix is no valid JSON"}
}

// check judges every operation.
func (f Fix) check() []event.Problem {
	c := &fixChecker{}
	if len(f.Operations) == 0 {
		c.fail("/operations", event.CodeMissingField, "give at least one operation, or no fix at all")
	}
	if len(f.Operations) > maxOperations {
		c.fail("/operations", event.CodeTooLong, "a fix has at most %d operations", maxOperations)
		return c.problems
	}
	for i, o := range f.Operations {
		c.operation(fmt.Sprintf("/operations/%d", i), o)
	}
	return c.problems
}

type fixChecker struct{ problems []event.Problem }

func (c *fixChecker) fail(at string, code event.Code, format string, args ...any) {
	c.problems = append(c.problems, event.Problem{Code: code, Pointer: at, Message: fmt.Sprintf(format, args...)})
}

// operation checks that an operation has what it needs and nothing else.
func (c *fixChecker) operation(at string, o Operation) {
	c.pointer(at+"/path", o.Path)
	has := map[string]bool{"value": o.Value != nil, "to": o.To != "", "table": o.Table != nil, "default": o.Default != nil}
	var needs, may []string
	switch o.Op {
	case FixSet, FixDefault:
		needs = []string{"value"}
	case FixRename:
		needs = []string{"to"}
	case FixRemove:
	case FixTranslate:
		needs, may = []string{"table"}, []string{"default"}
	default:
		c.fail(at+"/op", event.CodeBadValue, "op is set, default, rename, remove or translate")
		return
	}
	for _, name := range needs {
		if !has[name] {
			c.fail(at+"/"+name, event.CodeMissingField, "%s needs %s", o.Op, name)
		}
		delete(has, name)
	}
	for _, name := range may {
		delete(has, name)
	}
	for _, name := range []string{"value", "to", "table", "default"} {
		if has[name] {
			c.fail(at+"/"+name, event.CodeInconsistent, "%s takes no %s", o.Op, name)
		}
	}
	if o.Op == FixRename && o.To != "" {
		c.pointer(at+"/to", o.To)
		if within(o.To, o.Path) {
			c.fail(at+"/to", event.CodeInconsistent, "a value can not be moved to where it is, or into itself")
		}
	}
	if len(o.Table) > maxTable {
		c.fail(at+"/table", event.CodeTooLong, "a table has at most %d entries", maxTable)
	}
}

func (c *fixChecker) pointer(at, p string) {
	switch {
	case p == "":
		c.fail(at, event.CodeMissingField, "give a JSON pointer into the event, such as /data/currency")
	case len(p) > maxPointer || !utf8.ValidString(p):
		c.fail(at, event.CodeTooLong, "a pointer has at most %d bytes of UTF-8", maxPointer)
	case !jsontext.Pointer(p).IsValid():
		c.fail(at, event.CodeBadValue, "write a JSON pointer (RFC 6901): it begins with a slash, ~ is written ~0 and / is written ~1")
	}
}

// within tells whether a pointer is another one or leads into it.
func within(p, outer string) bool { return p == outer || strings.HasPrefix(p, outer+"/") }

// Encode writes the fix as JSON, always the same for the same fix.
func (f Fix) Encode() (string, error) {
	raw, err := json.Marshal(f, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("encode fix: %w", err)
	}
	return string(raw), nil
}

// Apply does the operations on an event in CloudEvents JSON format. What they do not touch keeps its bytes: numbers their
// digits, members their order. changed tells whether anything did something. A problem says at which place of the event
// the fix can not work: the bytes are no JSON, a value has no place to stand in, or a place is taken.
func (f Fix) Apply(raw []byte) (fixed []byte, changed bool, problem *event.Problem) {
	root, err := readTree(raw)
	if err != nil {
		return nil, false, &event.Problem{Code: event.CodeNotJSON, Message: "the bytes are no JSON, so a fix has nothing to work on: the source must send the event again"}
	}
	for _, o := range f.Operations {
		did, problem := o.apply(root)
		if problem != nil {
			return nil, false, problem
		}
		changed = changed || did
	}
	if !changed {
		return raw, false, nil
	}
	return root.write(nil), true, nil
}

// apply does one operation.
func (o Operation) apply(root *tree) (bool, *event.Problem) {
	path := jsontext.Pointer(o.Path)
	switch at := root.find(path); o.Op {
	case FixSet:
		return root.put(path, o.Value)
	case FixDefault:
		if at != nil {
			return false, nil
		}
		return root.put(path, o.Value)
	case FixRemove:
		return root.remove(path), nil
	case FixRename:
		if at == nil {
			return false, nil
		}
		if root.find(jsontext.Pointer(o.To)) != nil {
			return false, &event.Problem{Code: event.CodeInconsistent, Pointer: o.To, Message: "the value can not be moved here: another one stands here already"}
		}
		value := at.write(nil)
		root.remove(path)
		return root.put(jsontext.Pointer(o.To), value)
	case FixTranslate:
		if at == nil || !at.isScalar() {
			return false, nil
		}
		to, ok := o.Table[at.text()]
		if !ok {
			to = o.Default
		}
		if to == nil || string(to) == string(at.raw) {
			return false, nil
		}
		return root.put(path, to)
	}
	return false, nil
}
