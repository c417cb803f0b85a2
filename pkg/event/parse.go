package event

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
)

// MaxSize is the most bytes that one event may have, in whichever mode it comes.
const MaxSize = 256 << 10

// Parser turns bytes from outside into events, or into everything that is wrong with them. It is safe for
// concurrent use.
type Parser struct {
	now      func() time.Time
	validate *validator.Validate
	strict   json.Options // unknown fields are refused
	lenient  json.Options // and whole numbers may be written as 2.0 or 2e0
}

// NewParser makes a parser that judges "in the future" by the clock now.
func NewParser(now func() time.Time) *Parser {
	p := &Parser{now: now, validate: newRules(), strict: json.RejectUnknownMembers(true)}
	p.lenient = json.JoinOptions(p.strict, json.WithUnmarshalers(wholeNumbers()))
	for _, s := range Catalogue() {
		_ = p.validate.Struct(s.New()) // fills the validator's cache of struct types
	}
	return p
}

// Structured reads one event in CloudEvents JSON format. Pointers of problems are relative to that object. What
// could be read of source and id is returned beside the problems, so that the answer can name the event.
func (p *Parser) Structured(raw []byte) (Event, []Problem) {
	if len(raw) > MaxSize {
		return Event{}, tooLarge(len(raw))
	}
	if e, ok := p.quick(raw); ok {
		return e, nil
	}
	return p.structuredByTags(raw)
}

// structuredByTags is Structured as the tags alone say it: the reference that [Parser.quick] is held equal to.
func (p *Parser) structuredByTags(raw []byte) (Event, []Problem) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return e.event(), append(e.problems, p.decodeProblem(nil, "", err))
	}
	return p.finish(&e)
}

// Binary reads one event in CloudEvents binary mode: attrs holds the attributes and extensions without the prefix
// "ce-" or "ce_", in lower case, with datacontenttype from the content type; data is the payload. Pointers of problems
// are those of the structured form.
func (p *Parser) Binary(attrs map[string]string, data []byte) (Event, []Problem) {
	size := len(data)
	for k, v := range attrs {
		size += len(k) + len(v)
	}
	if size > MaxSize {
		return Event{}, tooLarge(size)
	}
	var e envelope
	for name, v := range attrs {
		e.set(name, v)
	}
	e.data = data
	return p.finish(&e)
}

// Data reads and normalises the payload of a kind. Pointers start with /data.
func (p *Parser) Data(kind Kind, data []byte) (Data, []Problem) {
	spec, ok := Lookup(kind)
	if !ok {
		return nil, []Problem{unknownType(string(kind))}
	}
	return p.payload(spec, data)
}

func (p *Parser) finish(e *envelope) (Event, []Problem) {
	e.check(p.now())
	out := e.event()
	if out.Kind == "" {
		return out, e.problems
	}
	if len(bytes.TrimSpace(e.data)) == 0 {
		return out, append(e.problems, Problem{CodeMissingField, "/data", "give data, a JSON object of the kind " + string(out.Kind)})
	}
	spec, _ := Lookup(out.Kind)
	data, problems := p.payload(spec, e.data)
	out.Data = data
	return out, append(e.problems, problems...)
}

// payload reads and judges data: in one pass where it can, else by the tags.
func (p *Parser) payload(spec Spec, data []byte) (Data, []Problem) {
	if d, ok := p.quickAll(spec.Kind, string(data)); ok {
		return d, nil
	}
	return p.payloadByTags(spec, data)
}

// payloadByTags decodes data once, then asks every rule. A problem of decoding hides those of the rules, because a field
// that was not reached would look absent.
func (p *Parser) payloadByTags(spec Spec, data []byte) (Data, []Problem) {
	nulls, empties, err := scanHoles(data)
	if err != nil {
		return nil, []Problem{p.decodeProblem(nil, "/data", err)}
	}
	if len(nulls) > 0 {
		return nil, nulls
	}
	d := spec.New()
	if err := json.Unmarshal(data, d, p.strict); err != nil {
		if !isCount(err) {
			return nil, []Problem{p.decodeProblem(d, "/data", err)}
		}
		d = spec.New()
		if err := json.Unmarshal(data, d, p.lenient); err != nil {
			return nil, []Problem{p.decodeProblem(d, "/data", err)}
		}
	}
	problems := append(p.judge(d), d.Check()...)
	if c, ok := d.(*Correct); ok && len(problems) == 0 {
		problems = p.correction(c)
	}
	problems = merge(problems, empties)
	if len(problems) > 0 {
		return nil, problems
	}
	d.Normalise()
	return d, nil
}

// correction judges the new data as the kind of its target and keeps it in its canonical form.
func (p *Parser) correction(c *Correct) []Problem {
	spec, _ := Lookup(c.Target)
	d, problems := p.payload(spec, c.Data)
	for i := range problems {
		problems[i].Pointer = "/data" + problems[i].Pointer
	}
	if len(problems) > 0 {
		return problems
	}
	raw, err := canonical(d)
	if err != nil {
		return []Problem{{CodeBadValue, "/data/data", "the new data cannot be written as canonical JSON"}}
	}
	c.Data = raw
	return nil
}

// merge adds those of more whose place has no problem yet.
func merge(problems, more []Problem) []Problem {
	seen := make(map[string]bool, len(problems)+len(more))
	for _, p := range problems {
		seen[p.Pointer] = true
	}
	for _, p := range more {
		if !seen[p.Pointer] {
			seen[p.Pointer] = true
			problems = append(problems, p)
		}
	}
	return problems
}

// scanHoles finds the JSON nulls and the empty texts of a payload: a decoder takes both for absent, but whoever wrote
// them meant something that we would not store. Most payloads have neither and are not scanned.
func scanHoles(data []byte) (nulls, empties []Problem, err error) {
	if !bytes.Contains(data, []byte("null")) && !bytes.Contains(data, []byte(`""`)) {
		return nil, nil, nil
	}
	const most = 32 // of each are reported
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			if dec.StackDepth() == 0 && dec.InputOffset() > 0 && dec.PeekKind() == jsontext.KindInvalid {
				return nulls, empties, nil // the end; what follows it is the decoder's to judge
			}
			return nil, nil, err
		}
		at := "/data" + string(dec.StackPointer())
		switch tok.Kind() {
		case 'n':
			if len(nulls) < most {
				nulls = append(nulls, Problem{CodeWrongType, at, "null is no value: leave the field out"})
			}
		case '"':
			kind, n := dec.StackIndex(dec.StackDepth())
			name := kind == '{' && n%2 == 1
			if !name && len(empties) < most && tok.String() == "" {
				empties = append(empties, Problem{CodeBadValue, at, "an empty text is no value: leave the field out"})
			}
		}
	}
}

func tooLarge(size int) []Problem {
	return []Problem{{CodeTooLarge, "", fmt.Sprintf("the event has %d bytes: send at most %d", size, MaxSize)}}
}

func unknownType(t string) Problem {
	names := make([]string, 0, 10)
	for _, s := range Catalogue() {
		names = append(names, s.Kind.Type())
	}
	msg := "give one of the types " + strings.Join(names, ", ")
	if near := nearest(t, names); near != "" {
		msg = "did you mean " + near + "?"
	}
	return Problem{CodeUnknownType, "/type", msg}
}
