package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// spec is the shape of a mapping file.
type spec struct {
	Name       string               `yaml:"name"`
	About      string               `yaml:"about"`
	Parameters map[string]Parameter `yaml:"parameters"`
	Input      inputSpec            `yaml:"input"`
	Source     string               `yaml:"source"`
	Events     []eventSpec          `yaml:"events"`
	// Key are the columns that name a record where no column does by itself; those that a file lacks are left out, and of
	// several in a list the first with a value counts. They make {key}, and {occurrence} then counts equal keys.
	Key []oneOrMany `yaml:"key"`
	// Rules say which events count, and as what.
	Rules []ruleSpec `yaml:"rules"`
	// Extends is a mapping of the library that this one changes: Change is laid over each of its events.
	Extends string    `yaml:"extends"`
	Change  eventSpec `yaml:"change"`
	// Pick are mappings of the library, of which the first counts of whose own columns (input.has) the file has one, or else the last.
	Pick []string `yaml:"pick"`

	// values are those of the parameters, and overlays what is laid over each mapping of Pick.
	values   map[string]string
	overlays []*spec
}

// ruleSpec is a filter: the first rule whose conditions all hold adds its fields to the event, or replaces them. Where
// there are rules and none holds, the event is not made and counted as skipped.
type ruleSpec struct {
	When   []whenSpec           `yaml:"when"`
	Fields map[string]fieldSpec `yaml:"fields"`
}

// inputSpec says how the file is written.
type inputSpec struct {
	// Format is csv (default), ndjson, or cloudevents: NDJSON whose lines are CloudEvents already.
	Format string `yaml:"format"`
	// Delimiter of CSV, one character; default a comma.
	Delimiter string `yaml:"delimiter"`
	// Null lists the literals that mean "no value"; an empty cell always does.
	Null []string `yaml:"null"`
	// Rename gives columns of the file another name in this mapping: name in the file → name here.
	Rename map[string]string `yaml:"rename"`
	// Optional are columns that a file may lack. Has are columns of which one tells a file of this mapping from those of others.
	Optional oneOrMany `yaml:"optional"`
	Has      oneOrMany `yaml:"has"`
}

// eventSpec is one event made from a row.
type eventSpec struct {
	Kind string `yaml:"kind"`
	// ID is a template, or several of which the first counts whose columns all have a value.
	ID      oneOrMany            `yaml:"id"`
	Subject string               `yaml:"subject"`
	Time    timeSpec             `yaml:"time"`
	When    []whenSpec           `yaml:"when"`
	Fields  map[string]fieldSpec `yaml:"fields"`
}

// timeSpec says when the event happened: a column, or a start and a spacing for files without dates.
type timeSpec struct {
	// Column is a column, or several of which the first with a value counts.
	Column oneOrMany `yaml:"column"`
	Layout oneOrMany `yaml:"layout"`
	Zone   string    `yaml:"zone"`
	// Start is RFC 3339; row n (from 1) happened at start + (n − 1) × spacing.
	Start   string `yaml:"start"`
	Spacing string `yaml:"spacing"`
}

// whenSpec is a condition on a row: all conditions of an event must hold, or the event is skipped and counted.
type whenSpec struct {
	// Column is a column, or several of which the first with a value counts.
	Column oneOrMany `yaml:"column"`
	Is     oneOrMany `yaml:"is"`
	IsNot  oneOrMany `yaml:"is_not"`
	// Like are patterns: * stands for any text.
	Like    oneOrMany `yaml:"like"`
	Present *bool     `yaml:"present"`
	// Reason is the name under which the skipped rows are counted.
	Reason string `yaml:"reason"`
}

// fieldSpec says where the value of a field comes from (exactly one of the first six) and how it is read.
type fieldSpec struct {
	Column   oneOrMany   `yaml:"column"`
	Value    *string     `yaml:"value"`
	Template string      `yaml:"template"`
	Sum      oneOrMany   `yaml:"sum"`
	SquareOf oneOrMany   `yaml:"square_of"`
	Member   *memberSpec `yaml:"member"`

	// Map translates values; with MapDefault others become that, without it they are a problem.
	Map        map[string]string `yaml:"map"`
	MapDefault *string           `yaml:"map_default"`
	// True and False are the words of a yes-or-no column.
	True  oneOrMany `yaml:"true"`
	False oneOrMany `yaml:"false"`
	// Layout and Zone read times and days that are not RFC 3339.
	Layout oneOrMany `yaml:"layout"`
	Zone   string    `yaml:"zone"`
	// Strip lists texts to take out of a number first, such as "$" and ",".
	Strip oneOrMany `yaml:"strip"`
	// DecimalComma reads "12,50" as 12.50.
	DecimalComma bool `yaml:"decimal_comma"`
	// Round rounds half-even to so many decimals; without it surplus decimals are a problem.
	Round *int32 `yaml:"round"`
	// Slug makes a registry key of a text: lower case, everything but letters and digits becomes one "-".
	Slug bool `yaml:"slug"`
}

// memberSpec is true where the column is one of a comma-separated list, absent where the list is empty.
type memberSpec struct {
	Column string `yaml:"column"`
	Of     string `yaml:"of"`
}

// oneOrMany is a YAML scalar or a list of scalars.
type oneOrMany []string

// UnmarshalYAML accepts both forms.
func (o *oneOrMany) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		*o = oneOrMany{n.Value}
		return nil
	case yaml.SequenceNode:
		out := make(oneOrMany, 0, len(n.Content))
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: write a list of plain values", c.Line)
			}
			out = append(out, c.Value)
		}
		*o = out
		return nil
	default:
		return fmt.Errorf("line %d: write a value or a list of values", n.Line)
	}
}

var parameterForm = regexp.MustCompile(`\$\{([^{}]*)\}`)

// decodeSpec reads the YAML, fills ${parameters} into every text of it, lays it over the mapping that it extends, and refuses
// unknown keys, all at once.
func decodeSpec(raw []byte, set map[string]string) (*spec, error) {
	// First as it stands, so that line numbers are those of the file.
	var asWritten spec
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	switch err := dec.Decode(&asWritten); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the mapping is empty")
	case err != nil:
		return nil, yamlProblems(err)
	}
	declared := asWritten.Parameters
	var parent *spec
	if asWritten.Extends != "" {
		var err error
		if parent, declared, err = extended(&asWritten, set); err != nil {
			return nil, err
		}
	}
	values, err := parameterValues(declared, set)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, yamlProblems(err)
	}
	var unknown []error
	fill(&root, values, &unknown)
	if len(unknown) > 0 {
		return nil, errors.Join(unknown...)
	}
	var s spec
	if err := root.Decode(&s); err != nil {
		return nil, yamlProblems(err)
	}
	s.Parameters, s.values = declared, values
	if parent != nil {
		return overlay(parent, &s)
	}
	return &s, nil
}

func parameterValues(declared map[string]Parameter, set map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for name, p := range declared {
		values[name] = p.Default
	}
	var unknown []string
	for name, v := range set {
		if _, ok := declared[name]; !ok {
			unknown = append(unknown, name)
			continue
		}
		values[name] = v
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, fmt.Errorf("unknown parameters %s: the mapping has %s", strings.Join(unknown, ", "), orNone(slices.Sorted(maps.Keys(declared))))
	}
	return values, nil
}

func fill(n *yaml.Node, values map[string]string, unknown *[]error) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		n.Value = parameterForm.ReplaceAllStringFunc(n.Value, func(m string) string {
			name := m[2 : len(m)-1]
			v, ok := values[name]
			if !ok {
				*unknown = append(*unknown, fmt.Errorf("line %d: no parameter %q is declared", n.Line, name))
			}
			return v
		})
		// What came from a parameter is text, whatever it looks like.
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		fill(c, values, unknown)
	}
}

var goTypeName = regexp.MustCompile(` not found in type \S+`)

// yamlProblems says in the words of a mapping file what the YAML library found.
func yamlProblems(err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return fmt.Errorf("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	out := make([]error, len(te.Errors))
	for i, m := range te.Errors {
		out[i] = errors.New(goTypeName.ReplaceAllString(strings.Replace(m, "field ", "unknown key ", 1), ""))
	}
	return errors.Join(out...)
}

func (s *spec) parameters() []Parameter {
	out := make([]Parameter, 0, len(s.Parameters))
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		p := s.Parameters[name]
		p.Name = name
		out = append(out, p)
	}
	return out
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
