package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// extended reads the mapping of the library that a mapping extends, with the parameters of both.
func extended(child *spec, set map[string]string) (*spec, map[string]Parameter, error) {
	raw, err := libraryFile(child.Extends)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := parametersOf(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping %s: %w", child.Extends, err)
	}
	declared := maps.Clone(theirs)
	if declared == nil {
		declared = map[string]Parameter{}
	}
	maps.Copy(declared, child.Parameters)
	values, err := parameterValues(declared, set)
	if err != nil {
		return nil, nil, err
	}
	parent, err := decodeSpec(raw, only(values, theirs))
	if err != nil {
		return nil, nil, fmt.Errorf("mapping %s: %w", child.Extends, err)
	}
	return parent, declared, nil
}

// parametersOf are the parameters that a mapping of the library declares, with those of what it extends.
func parametersOf(raw []byte) (map[string]Parameter, error) {
	s, err := decodeSpec(raw, nil)
	if err != nil {
		return nil, err
	}
	return s.Parameters, nil
}

func only(values map[string]string, declared map[string]Parameter) map[string]string {
	out := map[string]string{}
	for name, v := range values {
		if _, ok := declared[name]; ok {
			out[name] = v
		}
	}
	return out
}

// overlay lays a mapping over the one that it extends.
func overlay(parent, child *spec) (*spec, error) {
	if len(child.Events) > 0 || len(child.Pick) > 0 {
		return nil, errors.New("a mapping that extends another has its events: leave out events and pick, and write what is different as change and rules")
	}
	out := *parent
	out.Extends = ""
	out.Parameters, out.values = child.Parameters, child.values
	out.Name, out.About, out.Source = cmp.Or(child.Name, out.Name), cmp.Or(child.About, out.About), cmp.Or(child.Source, out.Source)
	if len(out.Pick) > 0 {
		out.overlays = append(slices.Clone(out.overlays), child)
		return &out, nil
	}
	out.Input = overInput(out.Input, child.Input)
	if len(child.Key) > 0 {
		out.Key = child.Key
	}
	if len(child.Rules) > 0 {
		out.Rules = child.Rules
	}
	out.Events = slices.Clone(out.Events)
	for i, e := range out.Events {
		out.Events[i] = overEvent(e, child.Change)
	}
	return &out, nil
}

func overInput(in, by inputSpec) inputSpec {
	in.Format, in.Delimiter = cmp.Or(by.Format, in.Format), cmp.Or(by.Delimiter, in.Delimiter)
	if by.Null != nil {
		in.Null = by.Null
	}
	if by.Rename != nil {
		in.Rename = by.Rename
	}
	in.Optional = slices.Concat(in.Optional, by.Optional)
	if len(by.Has) > 0 {
		in.Has = by.Has
	}
	return in
}

// overEvent changes an event; conditions are added to those that are there.
func overEvent(e, by eventSpec) eventSpec {
	e.Kind, e.Subject = cmp.Or(by.Kind, e.Kind), cmp.Or(by.Subject, e.Subject)
	if len(by.ID) > 0 {
		e.ID = by.ID
	}
	if !by.Time.empty() {
		e.Time = by.Time
	}
	e.When = slices.Concat(e.When, by.When)
	e.Fields = overFields(e.Fields, by.Fields)
	return e
}

func overFields(fields, by map[string]fieldSpec) map[string]fieldSpec {
	out := maps.Clone(fields)
	if out == nil {
		out = map[string]fieldSpec{}
	}
	maps.Copy(out, by)
	return out
}

// compilePicks prepares the mappings that one is picked of.
func compilePicks(s *spec) (*Mapping, error) {
	if len(s.Events) > 0 || s.Extends != "" {
		return nil, errors.New("pick names mappings of the library: leave out events and extends")
	}
	m := &Mapping{Name: s.Name, About: s.About}
	var errs []error
	for _, name := range s.Pick {
		one, err := compilePick(s, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		m.picks = append(m.picks, one)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	m.input, m.events, m.source = m.picks[0].input, m.picks[0].events, m.picks[0].source
	for _, one := range m.picks {
		m.columns = append(m.columns, one.columns...)
	}
	slices.Sort(m.columns)
	m.columns = slices.Compact(m.columns)
	return m, nil
}

func compilePick(s *spec, name string) (*Mapping, error) {
	raw, err := libraryFile(name)
	if err != nil {
		return nil, err
	}
	declared, err := parametersOf(raw)
	if err != nil {
		return nil, err
	}
	one, err := decodeSpec(raw, only(s.values, declared))
	if err != nil {
		return nil, err
	}
	for _, child := range s.overlays {
		if one, err = overlay(one, child); err != nil {
			return nil, err
		}
	}
	one.Name, one.Parameters = name, declared
	if len(one.Pick) > 0 || one.Input.Format != "" && one.Input.Format != formatCSV {
		return nil, errors.New("only mappings of files with a header can be picked")
	}
	return compile(one)
}

// choose is the mapping for a file with these columns: of several the first of whose own columns one is there.
func (m *Mapping) choose(there []string) *Mapping {
	for _, one := range m.picks {
		if slices.ContainsFunc(one.input.Has, func(c string) bool { return slices.Contains(there, c) }) {
			return one
		}
	}
	if len(m.picks) > 0 {
		return m.picks[len(m.picks)-1]
	}
	return m
}

// isThere tells whether a file has a column, or one that the column is a member of: "Tags.team" of "Tags".
func isThere(column string, there []string) bool {
	if slices.Contains(there, column) {
		return true
	}
	for i := range len(column) {
		if column[i] == '.' && slices.Contains(there, column[:i]) {
			return true
		}
	}
	return false
}

// like tells whether a text has the form of a pattern, in which * stands for any text.
func like(pattern, s string) bool {
	head, rest, stars := strings.Cut(pattern, "*")
	if !stars {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	for _, p := range parts[:len(parts)-1] {
		_, after, found := strings.Cut(s, p)
		if !found {
			return false
		}
		s = after
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}
