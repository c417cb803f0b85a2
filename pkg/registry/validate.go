package registry

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"plumbline/pkg/event"
)

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// tags builds the validator once; it is read-only afterwards.
var tags = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	rules := map[string]validator.Func{
		"text":     func(f validator.FieldLevel) bool { return printable(f.Field().String(), false) },
		"note":     func(f validator.FieldLevel) bool { return printable(f.Field().String(), true) },
		"key":      func(f validator.FieldLevel) bool { return validKey(f.Field().String()) },
		"erased":   func(f validator.FieldLevel) bool { return event.IsPseudonym(f.Field().String()) },
		"currency": func(f validator.FieldLevel) bool { return currencyForm.MatchString(f.Field().String()) },
	}
	for name, rule := range rules {
		if err := v.RegisterValidation(name, rule); err != nil {
			panic(fmt.Sprintf("registry: rule %s: %v", name, err)) // a wrong rule name is a mistake in this file
		}
	}
	return v
})

func validKey(key string) bool {
	return key != "" && len(key) <= 256 && printable(key, false) && strings.TrimSpace(key) == key
}

// printable allows no control characters, but line breaks and tabs in a note.
func printable(s string, lines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && (!lines || (r != '\n' && r != '\r' && r != '\t')) {
			return false
		}
	}
	return true
}

func validateTags(e Entry) []event.Problem {
	err := tags().Struct(e)
	if err == nil {
		return nil
	}
	fields, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return []event.Problem{{Code: event.CodeBadValue, Message: err.Error()}}
	}
	var out []event.Problem
	for _, f := range fields {
		out = append(out, tagProblem(f))
	}
	return out
}

func tagProblem(f validator.FieldError) event.Problem {
	p := event.Problem{Code: event.CodeBadValue, Pointer: pointerOf(f.Namespace())}
	switch f.Tag() {
	case "required":
		p.Code, p.Message = event.CodeMissingField, "give this field"
	case "oneof":
		p.Message = "use one of: " + strings.ReplaceAll(f.Param(), " ", ", ")
	case "currency":
		p.Message = `write a currency as its three letters, such as "USD"`
	case "key":
		p.Message = "write a key: 1 to 256 printable characters"
	case "text", "note":
		p.Code, p.Message = event.CodeBadText, "leave out control characters"
	case "max":
		p.Code, p.Message = event.CodeTooLong, "it is too long: at most "+f.Param()
	case "gt", "gte", "lt", "lte":
		words := map[string]string{"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}
		p.Code, p.Message = event.CodeOutOfRange, fmt.Sprintf("it must be %s %s", words[f.Tag()], f.Param())
	case "timezone":
		p.Message = `write a time zone of the IANA list, such as "Europe/Berlin"`
	case "email|erased":
		p.Message = "write an address of mail, such as dana@example.com"
	case "unique":
		p.Message = "name each once"
	case "http_url":
		p.Message = "write an http or https address"
	default:
		p.Message = "it does not fit the rule " + f.Tag()
	}
	return p
}

// pointerOf turns the validator's "Workflow.baseline.low" or "Experiment.expected_allocation[a]" into a JSON pointer.
func pointerOf(namespace string) string {
	_, rest, _ := strings.Cut(namespace, ".")
	rest = strings.ReplaceAll(rest, "Range.", "") // the fields of an embedded Range stand beside the others
	rest = strings.NewReplacer("~", "~0", "/", "~1", "[", ".", "]", "").Replace(rest)
	return "/" + strings.ReplaceAll(rest, ".", "/")
}
