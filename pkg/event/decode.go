package event

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeProblem says what is wrong with bytes that did not decode; root is where they stand in the event, into what
// they were decoded (nil for the envelope).
func (p *Parser) decodeProblem(into Data, root string, err error) Problem {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		at := root + string(syntax.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return Problem{CodeDuplicateField, at, "the field stands twice in one object: keep one"}
		}
		return Problem{CodeNotJSON, at, fmt.Sprintf("this is no valid JSON: %v, at byte %d", syntax.Err, syntax.ByteOffset)}
	case errors.As(err, &semantic):
		at := root + string(semantic.JSONPointer)
		var scalar *scalarError
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return unknownField(into, at, semantic.JSONPointer)
		case errors.As(err, &scalar):
			return Problem{scalar.code, at, scalar.message}
		}
		return Problem{CodeWrongType, at, "write " + wanted(semantic.GoType)}
	}
	return Problem{CodeNotJSON, root, "this is no valid JSON"}
}

// unknownField names the field that was meant, where one is near.
func unknownField(into Data, at string, pointer jsontext.Pointer) Problem {
	name := pointer.LastToken()
	near := ""
	if into != nil {
		near = nearest(name, fieldsAt(reflect.TypeOf(into), pointer))
	}
	if near != "" {
		return Problem{CodeUnknownField, at, fmt.Sprintf("there is no field %s: did you mean %s?", quoteShort(name), near)}
	}
	return Problem{CodeUnknownField, at, fmt.Sprintf("there is no field %s: leave it out", quoteShort(name))}
}

// fieldsAt lists the fields of the object that a pointer's last token was looked up in.
func fieldsAt(t reflect.Type, pointer jsontext.Pointer) []string {
	for token := range pointer.Parent().Tokens() {
		t = element(t)
		if t.Kind() == reflect.Slice {
			t = t.Elem()
			continue
		}
		found := false
		for name, f := range wireFields(t) {
			if name == token {
				t, found = f.Type, true
				break
			}
		}
		if !found {
			return nil
		}
	}
	var names []string
	for name := range wireFields(element(t)) {
		names = append(names, name)
	}
	return names
}

func element(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// wireFields yields the fields of a struct by their names on the wire, those of embedded structs included; the index
// of each is relative to t.
func wireFields(t reflect.Type) func(yield func(string, reflect.StructField) bool) {
	return func(yield func(string, reflect.StructField) bool) {
		if t.Kind() != reflect.Struct {
			return
		}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !yield(name, f) {
				return
			}
		}
	}
}

// wanted describes the JSON value of a Go type.
func wanted(t reflect.Type) string {
	if t == nil {
		return "another type of value"
	}
	switch element(t).Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false, without quotes"
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		return "a whole number, without quotes"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	}
	return "another type of value"
}

// isCount tells that decoding failed on a JSON number for an unsigned integer: perhaps only for its spelling.
func isCount(err error) bool {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) || semantic.JSONKind != '0' || semantic.GoType == nil {
		return false
	}
	switch element(semantic.GoType).Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		return true
	}
	return false
}

// wholeNumbers reads unsigned integers from any spelling of a JSON number (2, 2.0, 2e0), as JSON Schema's "integer"
// means it. It is slower than the decoder's own way and only used when that has failed.
func wholeNumbers() *json.Unmarshalers {
	return json.JoinUnmarshalers(
		json.UnmarshalFromFunc(whole[uint8](math.MaxUint8)),
		json.UnmarshalFromFunc(whole[uint16](math.MaxUint16)),
		json.UnmarshalFromFunc(whole[uint64](math.MaxInt64)),
	)
}

func whole[U uint8 | uint16 | uint64](most int64) func(*jsontext.Decoder, *U) error {
	return func(dec *jsontext.Decoder, dst *U) error {
		if dec.PeekKind() != '0' {
			return errors.ErrUnsupported // the decoder's own way reports the wrong type
		}
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		digits, exp, err := scanNumber(string(raw))
		switch {
		case err != nil:
			return err
		case digits == "":
			*dst = 0
			return nil
		case exp < 0:
			return &scalarError{CodeBadValue, "write a whole number"}
		case strings.HasPrefix(digits, "-"):
			return &scalarError{CodeOutOfRange, "write a whole number that is not negative"}
		}
		n := int64(math.MaxInt64)
		if len(digits)+exp <= 19 {
			if v, err := strconv.ParseInt(digits+strings.Repeat("0", exp), 10, 64); err == nil {
				n = v
			}
		}
		if n > most || n == math.MaxInt64 {
			return &scalarError{CodeOutOfRange, "the number is too large"}
		}
		*dst = U(n)
		return nil
	}
}

// nearest is the name within two edits of what was written, "" when none or when the word is too short to tell.
func nearest(written string, names []string) string {
	best, found := 3, ""
	for _, name := range names {
		if d := edits(written, name); d < best && d < len(name) {
			best, found = d, name
		}
	}
	return found
}

// edits is the Levenshtein distance in bytes; lengths that differ by more than two give 3 at once.
func edits(a, b string) int {
	if diff := len(a) - len(b); diff > 2 || diff < -2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func codeOf(err error) Code {
	var scalar *scalarError
	if errors.As(err, &scalar) {
		return scalar.code
	}
	return ""
}
