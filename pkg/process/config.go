package process

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins the names of all environment variables of ours.
const EnvPrefix = "PLUMBLINE_"

// foreignVariables have our prefix and belong to no service's configuration:
// they choose the engines of tests and of the embedded mode.
func foreignVariables() []string {
	return []string{"PLUMBLINE_ENGINE", "PLUMBLINE_SHARED", "PLUMBLINE_KAFKA_ADDRS"}
}

// Load fills cfg, a pointer to a struct, from the flags in args, the
// environment and a file, in this order of precedence, then from the defaults.
//
// A field takes part if it has the tag `name:"some-key"`: its flag is
// --some-key, its variable PLUMBLINE_SOME_KEY, its place in the file the member
// "some-key". Further tags are default, help, enum (allowed values, by comma)
// required:"true", and secret:"true" for what is taken from the environment and
// the file only, as everybody on a machine sees the command lines. A field may be a string, bool, int, int64, float64,
// time.Duration, []string (by comma, or a list in the file), anything that
// implements encoding.TextUnmarshaler, or a struct, whose keys then begin with
// its own name and a hyphen (no tag and embedded: they do not).
//
// The file is JSON; --config FILE or PLUMBLINE_CONFIG names it. --check ends
// with ErrDone if all is well, and --help after printing the keys. If cfg has a
// method Validate() error it is asked last.
//
// Everything wrong is reported in one *UsageError: each unknown key of the
// flags, the environment and the file, each missing and each unusable value.
func Load(cfg any, args []string) error {
	l := &loader{environ: os.Environ(), readFile: os.ReadFile, out: os.Stdout}
	return l.load(cfg, args)
}

// field is one setting.
type field struct {
	key      string // "log-level"
	value    reflect.Value
	def      string
	help     string
	enum     []string
	required bool
	secret   bool // no flag
	set      bool // a source has filled it
}

// variable is the name of the field's environment variable.
func (f *field) variable() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.key, "-", "_"))
}

// collectFields lists the settings of a struct, depth first.
func collectFields(v reflect.Value, prefix string) []*field {
	var fields []*field
	for i := range v.NumField() {
		tag, value := v.Type().Field(i), v.Field(i)
		name, named := tag.Tag.Lookup("name")
		if isGroup(value) && (named || tag.Anonymous) {
			inner := prefix
			if named {
				inner += name + "-"
			}
			fields = append(fields, collectFields(value, inner)...)
			continue
		}
		if !named {
			continue
		}
		f := &field{
			key:      prefix + name,
			value:    value,
			def:      tag.Tag.Get("default"),
			help:     tag.Tag.Get("help"),
			required: tag.Tag.Get("required") == "true",
			secret:   tag.Tag.Get("secret") == "true",
		}
		if enum := tag.Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, ",")
		}
		fields = append(fields, f)
	}
	return fields
}

// isGroup tells whether a value is a struct of settings rather than a setting.
func isGroup(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return false
	}
	_, text := v.Addr().Interface().(encoding.TextUnmarshaler)
	return !text
}

// fill sets the field from text. The text itself stays out of the error, as it
// may be a secret.
func (f *field) fill(text, source string) error {
	f.set = true
	if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
		return fmt.Errorf("%s: must be one of %s", source, strings.Join(f.enum, ", "))
	}
	if t, ok := f.value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		// Its own error would quote the text.
		if err := t.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s: is not usable (%s)", source, f.help)
		}
		return nil
	}
	if err := setValue(f.value, text); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return nil
}

// setValue parses text as the type of v.
func setValue(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New(`must be a duration such as "1m30s"`)
		}
		*p = d
		return nil
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
		return nil
	}
	return setScalar(v, text)
}

// setScalar parses text as one of Go's plain types.
func setScalar(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("must be true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return errors.New("must be a whole number")
		}
		v.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errors.New("must be a number")
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("settings of type %s are not supported", v.Type())
	}
	return nil
}
