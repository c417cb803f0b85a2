package event

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of the envelope; lengths in characters.
const (
	maxID         = 256
	maxSource     = 512
	maxSubject    = 512
	maxSchema     = 2048
	maxExtensions = 32
	maxExtension  = 1024
	maxAhead      = 24 * time.Hour

	specVersion = "1.0"
)

// envelope is a CloudEvent between bytes and [Event]: attributes as text, problems collected on the way.
type envelope struct {
	version, id, source, typ, time string
	subject, schema, content       string
	extensions                     map[string]string
	data                           jsontext.Value // shares the memory of the input

	kind     Kind
	at       time.Time
	problems []Problem
}

// fail notes a problem, the first of each place only: an id of a wrong type is not missing as well.
func (e *envelope) fail(code Code, pointer, format string, args ...any) {
	if slices.ContainsFunc(e.problems, func(p Problem) bool { return p.Pointer == pointer }) {
		return
	}
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	e.problems = append(e.problems, Problem{code, pointer, msg})
}

// UnmarshalJSONFrom reads the members in one pass and leaves data undecoded.
func (e *envelope) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		if _, err := dec.ReadValue(); err != nil {
			return err
		}
		return &scalarError{CodeWrongType, "an event is a JSON object"}
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		e.member(name, raw)
	}
	_, err := dec.ReadToken()
	return err
}

// member takes one member of the JSON object. By the CloudEvents JSON format a null attribute is an absent one.
func (e *envelope) member(name string, raw jsontext.Value) {
	if name == "data" {
		e.data = raw
		return
	}
	switch raw.Kind() {
	case 'n':
		if !known(name) && !isExtensionName(name) {
			e.extend(name, "") // refuses the name
		}
	case '"':
		s, err := unquote(raw)
		if err != nil {
			e.fail(CodeNotJSON, pointerTo(name), "the text is not valid")
			return
		}
		e.set(name, s)
	case '0', 't', 'f':
		if known(name) {
			e.fail(CodeWrongType, pointerTo(name), "write %s as a string", name)
			return
		}
		e.set(name, string(raw))
	default:
		e.fail(CodeWrongType, pointerTo(name), "an attribute is a text, a number or a boolean")
	}
}

func known(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype":
		return true
	}
	return false
}

// set takes one attribute as text.
func (e *envelope) set(name, v string) {
	switch name {
	case "specversion":
		e.version = v
	case "id":
		e.id = v
	case "source":
		e.source = v
	case "type":
		e.typ = v
	case "time":
		e.time = v
	case "subject":
		e.subject = v
		e.optional(name, v, maxSubject)
	case "dataschema":
		e.schema = v
		e.optional(name, v, maxSchema)
	case "datacontenttype":
		e.content = v
		if !isJSON(v) {
			e.fail(CodeBadValue, "/datacontenttype", "data is JSON: give application/json, or leave it out")
		}
	default:
		e.extend(name, v)
	}
}

func (e *envelope) optional(name, v string, most int) {
	if v == "" {
		e.fail(CodeBadValue, pointerTo(name), "an empty text is no value: leave the attribute out")
		return
	}
	e.text(name, v, most)
}

func (e *envelope) text(name, v string, most int) {
	if code, msg := judgeText(v, most); code != "" {
		e.fail(code, pointerTo(name), "%s %s", name, msg)
	}
}

func (e *envelope) extend(name, v string) {
	switch {
	case name == "data_base64":
		e.fail(CodeUnknownField, "/data_base64", "binary data is not taken: give data, a JSON object")
		return
	case !isExtensionName(name):
		msg := "an attribute name has 1 to 20 of the characters a-z and 0-9"
		if near := nearest(name, attributeNames()); near != "" {
			msg = "did you mean " + near + "?"
		}
		e.fail(CodeUnknownField, pointerTo(name), "%s", msg)
		return
	case len(e.extensions) == maxExtensions:
		e.fail(CodeTooLong, pointerTo(name), "give at most %d extension attributes", maxExtensions)
		return
	}
	switch {
	case utf8.RuneCountInString(v) > maxExtension:
		e.fail(CodeTooLong, pointerTo(name), "%s may have at most %d characters", name, maxExtension)
	case !utf8.ValidString(v) || hasControl(v, ""):
		e.fail(CodeBadText, pointerTo(name), "%s must be UTF-8 without control characters", name)
	}
	if e.extensions == nil {
		e.extensions = make(map[string]string)
	}
	e.extensions[name] = v
}

// check judges the required attributes once all members are read.
func (e *envelope) check(now time.Time) {
	switch e.version {
	case specVersion:
	case "":
		e.fail(CodeMissingField, "/specversion", `give specversion "1.0"`)
	default:
		e.fail(CodeBadSpecVersion, "/specversion", `specversion must be "1.0"`)
	}
	e.required("id", e.id, maxID)
	e.required("source", e.source, maxSource)
	if e.typ == "" {
		e.fail(CodeMissingField, "/type", "give the type, plumbline.<kind>.v1")
	} else if kind, ok := KindOfType(e.typ); ok {
		e.kind = kind
	} else {
		e.problems = append(e.problems, unknownType(e.typ))
	}
	e.checkTime(now)
}

func (e *envelope) required(name, v string, most int) {
	if v == "" {
		e.fail(CodeMissingField, pointerTo(name), "give %s, a text of 1 to %d characters", name, most)
		return
	}
	e.text(name, v, most)
}

func (e *envelope) checkTime(now time.Time) {
	if e.time == "" {
		e.fail(CodeMissingTime, "/time", "give the time when it happened, as RFC 3339")
		return
	}
	t, err := ParseTime(e.time)
	switch {
	case codeOf(err) == CodeOutOfRange && e.time < "2000", err == nil && t.Year() < 2000:
		e.fail(CodeTooOld, "/time", "events before the year 2000 are not taken")
	case codeOf(err) == CodeOutOfRange, err == nil && t.After(now.Add(maxAhead)):
		e.fail(CodeFuture, "/time", "the time lies more than 24 hours ahead of our clock, %s", now.UTC().Format(TimeForm))
	case err != nil:
		e.fail(CodeBadValue, "/time", "%s", err)
	}
	e.at = t.Time
}

func (e *envelope) event() Event {
	return Event{
		Source: e.source, ID: e.id, Kind: e.kind, Time: e.at,
		Subject: e.subject, DataSchema: e.schema, Extensions: e.extensions,
	}
}

// ContentPattern is the form of a media type that CloudEvents calls JSON: subtype json, or one that ends with +json.
const ContentPattern = `^[A-Za-z0-9.-]+/([A-Za-z0-9.-]+\+)?[Jj][Ss][Oo][Nn]( *; *[A-Za-z0-9-]+=("[^"]*"|[A-Za-z0-9._-]+))*$`

var contentForm = regexp.MustCompile(ContentPattern)

func isJSON(contentType string) bool {
	return contentType == "application/json" || contentForm.MatchString(contentType)
}

// isExtensionName tells whether a name is 1 to 20 of the characters a-z and 0-9, and not that of the payload.
func isExtensionName(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && !isDigit(b) {
			return false
		}
	}
	return s != "" && len(s) <= 20 && s != "data"
}

func attributeNames() []string {
	return []string{"specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype", "data"}
}

// pointerTo is the JSON pointer of a member of the event.
func pointerTo(name string) string {
	return string(jsontext.Pointer("").AppendToken(name))
}
