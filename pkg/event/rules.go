package event

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
)

// newRules makes the validator of the tags in this package. Its own are:
//
//	key       1 to 128 characters, none of them a control character, no space at either end
//	text      the same without the bound; max=N sets one, in characters
//	note      like text, with line breaks and tabs
//	web       an absolute http or https URL
//	currency  a code of ISO 4217
//	gt gte lte  compare by value, exactly, also where a Number keeps its value as millionths
func newRules() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	for tag, fn := range map[string]validator.Func{
		"key":  func(f validator.FieldLevel) bool { code, _ := judgeText(f.Field().String(), maxKey); return code == "" },
		"text": func(f validator.FieldLevel) bool { code, _ := judgeText(f.Field().String(), 0); return code == "" },
		"note": func(f validator.FieldLevel) bool { code, _ := judgeNote(f.Field().String()); return code == "" },
		"web":  func(f validator.FieldLevel) bool { return isWeb(f.Field().String()) },
		"gt":   bound(func(c int) bool { return c > 0 }),
		"gte":  bound(func(c int) bool { return c >= 0 }),
		"lte":  bound(func(c int) bool { return c <= 0 }),
	} {
		if err := v.RegisterValidation(tag, fn); err != nil {
			panic(fmt.Sprintf("event: register validation %s: %v", tag, err)) // only a name that the library forbids
		}
	}
	v.RegisterAlias("currency", "iso4217")
	return v
}

// bound compares a Number or an unsigned integer with the tag's parameter, a whole number.
func bound(ok func(int) bool) validator.Func {
	return func(f validator.FieldLevel) bool {
		limit, err := strconv.ParseInt(f.Param(), 10, 64)
		if err != nil {
			panic("event: bound " + f.Param() + " is no whole number")
		}
		switch field := f.Field(); field.Kind() {
		case reflect.Int64:
			return ok(cmp.Compare(field.Int(), limit*numberScale))
		case reflect.Uint8, reflect.Uint16, reflect.Uint64:
			return ok(cmp.Compare(field.Uint(), uint64(limit)))
		default:
			panic("event: bound on a " + field.Kind().String())
		}
	}
}

// judge asks the tags.
func (p *Parser) judge(d Data) []Problem {
	err := p.validate.Struct(d)
	if err == nil {
		return nil
	}
	var failures validator.ValidationErrors
	if !errors.As(err, &failures) {
		return []Problem{{CodeWrongType, "/data", "the data could not be judged"}}
	}
	out := make([]Problem, 0, len(failures))
	for _, f := range failures {
		code, msg := explain(f)
		out = append(out, Problem{code, "/data" + pointerOf(f.Namespace()), msg})
	}
	return out
}

// KeyProblem says what is wrong with a text that is to be a key; false where it is one.
func KeyProblem(text, pointer string) (Problem, bool) {
	code, msg := judgeText(text, maxKey)
	if text == "" {
		code, msg = CodeMissingField, "is missing"
	}
	return Problem{Code: code, Pointer: pointer, Message: "the key " + msg}, code != ""
}

// explain turns the failure of a tag into a code and a sentence.
func explain(f validator.FieldError) (Code, string) {
	name := f.Field()
	text, _ := f.Value().(string)
	switch f.Tag() {
	case "required":
		return CodeMissingField, "give " + name
	case "key":
		code, msg := judgeText(text, maxKey)
		return code, name + " " + msg
	case "text":
		code, msg := judgeText(text, 0)
		return code, name + " " + msg
	case "note":
		code, msg := judgeNote(text)
		return code, name + " " + msg
	case "max":
		what := "characters"
		if f.Kind() == reflect.Slice {
			what = "entries"
		}
		return CodeTooLong, fmt.Sprintf("%s may have at most %s %s", name, f.Param(), what)
	case "oneof":
		return CodeBadValue, fmt.Sprintf("%s must be one of %s", name, strings.ReplaceAll(f.Param(), " ", ", "))
	case "web":
		return CodeBadValue, name + " must be a whole address that starts with https:// or http://"
	case "currency":
		return CodeBadValue, name + " must be a code of ISO 4217, such as EUR"
	case "gt":
		return CodeOutOfRange, fmt.Sprintf("%s must be greater than %s", name, f.Param())
	case "gte":
		return CodeOutOfRange, fmt.Sprintf("%s must be at least %s", name, f.Param())
	case "lte":
		return CodeOutOfRange, fmt.Sprintf("%s must be at most %s", name, f.Param())
	}
	return CodeBadValue, name + " breaks the rule " + f.Tag()
}

// pointerOf turns the validator's path (Pipeline.touches[0].workflow, HoursSaved.Common.team) into a JSON pointer.
func pointerOf(namespace string) string {
	var p jsontext.Pointer
	_, path, _ := strings.Cut(namespace, ".")
	for part := range strings.SplitSeq(path, ".") {
		if part == "Common" {
			continue
		}
		name, index, list := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		p = p.AppendToken(name)
		if list {
			p = p.AppendToken(index)
		}
	}
	return string(p)
}
