package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// loader holds the outside world of Load.
type loader struct {
	environ  []string
	readFile func(name string) ([]byte, error)
	out      io.Writer // help goes here
}

// sources are the raw values found, by key.
type sources struct {
	flags, env, file  map[string]string
	check, help       bool
	unknown, problems []string
}

// load is Load.
func (l *loader) load(cfg any, args []string) error {
	v := reflect.ValueOf(cfg)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("load configuration: %T is no pointer to a struct", cfg)
	}
	fields := collectFields(v.Elem(), "")
	s := &sources{flags: map[string]string{}, env: map[string]string{}, file: map[string]string{}}
	s.readFlags(fields, args)
	if s.help {
		printHelp(l.out, fields)
		return ErrDone
	}
	s.readEnvironment(fields, l.environ)
	if err := s.readFile(fields, l.readFile); err != nil {
		return &UsageError{fmt.Errorf("load configuration: %w", err)}
	}
	errs := s.fillAll(fields)
	if len(errs) == 0 {
		if c, ok := cfg.(interface{ Validate() error }); ok {
			if err := c.Validate(); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if len(errs) > 0 {
		return &UsageError{fmt.Errorf("load configuration: %w", errors.Join(errs...))}
	}
	if s.check {
		return ErrDone
	}
	return nil
}

// find returns the field of a key, or nil.
func find(fields []*field, key string) *field {
	i := slices.IndexFunc(fields, func(f *field) bool { return f.key == key })
	if i < 0 {
		return nil
	}
	return fields[i]
}

// readFlags understands --key=value, --key value, and --key alone for a bool.
func (s *sources) readFlags(fields []*field, args []string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, isFlag := strings.CutPrefix(arg, "--")
		if !isFlag || name == "" {
			s.unknown = append(s.unknown, fmt.Sprintf("argument %q", arg))
			continue
		}
		key, value, hasValue := strings.Cut(name, "=")
		switch key {
		case "check":
			s.check = true
			continue
		case "help":
			s.help = true
			continue
		}
		f := find(fields, key)
		switch {
		case f == nil && key != "config":
			s.unknown = append(s.unknown, "flag --"+key)
			// Its value, if it has one of its own, is no second problem.
			if !hasValue && len(args) > 0 && !strings.HasPrefix(args[0], "--") {
				args = args[1:]
			}
			continue
		case !hasValue && f != nil && f.value.Kind() == reflect.Bool:
			value = "true"
		case !hasValue && len(args) == 0:
			s.problems = append(s.problems, "flag --"+key+": needs a value")
			continue
		case !hasValue:
			value, args = args[0], args[1:]
		}
		if f != nil && f.secret {
			s.problems = append(s.problems, "flag --"+key+": a command line is no place for a secret: set "+f.variable())
			continue
		}
		s.flags[key] = value
	}
}

// readEnvironment takes the variables with our prefix.
func (s *sources) readEnvironment(fields []*field, environ []string) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(foreignVariables(), name) {
			continue
		}
		if name == EnvPrefix+"CONFIG" {
			s.env["config"] = value
			continue
		}
		i := slices.IndexFunc(fields, func(f *field) bool { return f.variable() == name })
		if i < 0 {
			s.unknown = append(s.unknown, "variable "+name)
			continue
		}
		s.env[fields[i].key] = value
	}
}

// readFile reads the file that a flag or a variable names, if any.
func (s *sources) readFile(fields []*field, read func(string) ([]byte, error)) error {
	name := s.env["config"]
	if flag, ok := s.flags["config"]; ok {
		name = flag
	}
	if name == "" {
		return nil
	}
	text, err := read(name)
	if err != nil {
		return fmt.Errorf("read configuration file: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("read configuration file %s: %w", name, err)
	}
	for key, raw := range members {
		if find(fields, key) == nil {
			s.unknown = append(s.unknown, fmt.Sprintf("key %q in %s", key, name))
			continue
		}
		text, err := memberText(raw)
		if err != nil {
			s.problems = append(s.problems, fmt.Sprintf("key %q in %s: %v", key, name, err))
			continue
		}
		s.file[key] = text
	}
	return nil
}

// memberText turns a JSON string, number, bool or list of strings into the
// text that a flag would have.
func memberText(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && list != nil {
		return strings.Join(list, ","), nil
	}
	if plain := strings.TrimSpace(string(raw)); plain != "null" && !strings.ContainsAny(plain, "{[") {
		return plain, nil
	}
	return "", errors.New("must be a string, a number, true, false, or a list of strings")
}

// fillAll fills every field from its best source and lists what is wrong.
func (s *sources) fillAll(fields []*field) []error {
	var errs []error
	if len(s.unknown) > 0 {
		slices.Sort(s.unknown)
		errs = append(errs, fmt.Errorf("unknown: %s", strings.Join(s.unknown, ", ")))
	}
	slices.Sort(s.problems)
	for _, problem := range s.problems {
		errs = append(errs, errors.New(problem))
	}
	for _, f := range fields {
		var err error
		switch {
		case has(s.flags, f.key):
			err = f.fill(s.flags[f.key], "flag --"+f.key)
		case has(s.env, f.key):
			err = f.fill(s.env[f.key], "variable "+f.variable())
		case has(s.file, f.key):
			err = f.fill(s.file[f.key], fmt.Sprintf("key %q in the file", f.key))
		case f.def != "":
			err = f.fill(f.def, "default of --"+f.key)
		}
		if err == nil && f.required && (!f.set || f.value.IsZero()) {
			err = fmt.Errorf("--%s (or %s) is required", f.key, f.variable())
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// has tells whether a source holds a key, be its value empty.
func has(source map[string]string, key string) bool {
	_, ok := source[key]
	return ok
}

// printHelp lists the settings.
func printHelp(w io.Writer, fields []*field) {
	// A failed write of help has nobody to be told to.
	_, _ = fmt.Fprint(w, "Settings, as flags; each is also an environment variable and a key of the file.\n\n")
	for _, f := range fields {
		name := "--" + f.key
		if f.secret {
			name = f.variable() + ", and no flag"
		}
		_, _ = fmt.Fprintf(w, "  %s\n      %s (%s", name, f.help, f.variable())
		if f.def != "" {
			_, _ = fmt.Fprintf(w, ", default %s", f.def)
		}
		if f.required {
			_, _ = fmt.Fprint(w, ", required")
		}
		_, _ = fmt.Fprint(w, ")\n")
	}
	_, _ = fmt.Fprint(w, "  --config\n      JSON file with settings (PLUMBLINE_CONFIG)\n"+
		"  --check\n      check the settings and exit\n  --help\n      print this and exit\n")
}
