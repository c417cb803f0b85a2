package mapping

import (
	"fmt"
	"slices"
	"strings"

	"plumbline/pkg/event"
)

// ForKind is the mapping of a file whose columns have the names of the contract already: id, time, subject and the fields of
// the kind. Columns of other names are refused. A row without an id is named by what it holds.
func ForKind(kind event.Kind, source string) (*Mapping, error) {
	types, ok := targetsOf(kind)
	if !ok {
		return nil, fmt.Errorf("kind is %q: write one of %s", kind, kinds())
	}
	s := &spec{Name: string(kind), Source: source}
	e := eventSpec{
		Kind: string(kind), ID: oneOrMany{"{id}", "{hash}-{occurrence}"}, Subject: "{subject}", Time: timeSpec{Column: oneOrMany{"time"}},
		Fields: map[string]fieldSpec{},
	}
	s.Input.Optional = oneOrMany{"id", "subject"}
	for name := range types {
		e.Fields[name] = fieldSpec{Column: oneOrMany{name}}
		s.Input.Optional = append(s.Input.Optional, name)
	}
	s.Events = []eventSpec{e}
	m, err := compile(s)
	if err != nil {
		return nil, err
	}
	m.exact = true
	return m, nil
}

// Sources are those of the events that the mapping makes, none where the records name theirs.
func (m *Mapping) Sources() []string {
	if m.Passthrough {
		return nil
	}
	return []string{m.source}
}

// As is the same mapping for files in another format: csv or ndjson. Parquet is known by how it begins.
func (m *Mapping) As(format string) (*Mapping, error) {
	switch {
	case format == m.input.Format, m.Passthrough && format == formatNDJSON:
		return m, nil
	case m.Passthrough:
		return nil, fmt.Errorf("the mapping %s reads NDJSON, one CloudEvent a line, and not %s", m.Name, format)
	case len(m.picks) > 0 && format == formatNDJSON:
		return nil, fmt.Errorf("the mapping %s is picked by the header of a file, which NDJSON has not: name one of %s", m.Name, strings.Join(m.pickNames(), ", "))
	case format != formatCSV && format != formatNDJSON:
		return nil, fmt.Errorf("the format is %q: write csv or ndjson", format)
	}
	out := *m
	out.input.Format = format
	return &out, nil
}

func (m *Mapping) pickNames() []string {
	var out []string
	for _, one := range m.picks {
		out = append(out, one.Name)
	}
	return out
}

// strange are the columns that a file may not have where the mapping knows all that there may be.
func (m *Mapping) strange(there []string) []string {
	if !m.exact {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(there), func(c string) bool {
		if slices.Contains(m.columns, c) {
			return true
		}
		// A member of a field that is JSON, of which the field has all.
		head, _, nested := strings.Cut(c, ".")
		return nested && slices.Contains(m.columns, head)
	})
}
