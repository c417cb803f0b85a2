package mapping

import (
	"fmt"
	"strings"
)

// Placeholders that are no columns.
const (
	// placeRow is the number of the record in the file, from 1.
	placeRow = "row"
	// placeHash is 128 bits of SHA-256 over the whole record, in hex.
	placeHash = "hash"
	// placeOccurrence counts equal records from 1: with placeHash it names each of them, whatever their order. In a mapping
	// with a key it counts equal keys.
	placeOccurrence = "occurrence"
	// placeKey is 128 bits of SHA-256 over the columns of the key, in hex.
	placeKey = "key"
)

// template is text with {placeholders}: columns, or one of the names above. {{ and }} stand for braces.
type template struct {
	parts []templatePart
}

type templatePart struct {
	text   string
	column string // a placeholder when not empty
}

func parseTemplate(s string) (template, error) {
	var t template
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			t.parts = append(t.parts, templatePart{text: text.String()})
			text.Reset()
		}
	}
	for len(s) > 0 {
		switch {
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			text.WriteByte(s[0])
			s = s[2:]
		case s[0] == '{':
			name, rest, ok := strings.Cut(s[1:], "}")
			if !ok || name == "" || strings.Contains(name, "{") {
				return template{}, fmt.Errorf("a placeholder is written {column}; write {{ for a brace")
			}
			flush()
			t.parts = append(t.parts, templatePart{column: name})
			s = rest
		case s[0] == '}':
			return template{}, fmt.Errorf("a } without its {; write }} for a brace")
		default:
			text.WriteByte(s[0])
			s = s[1:]
		}
	}
	flush()
	return t, nil
}

// columns are the columns that the template reads.
func (t template) columns() []string {
	var out []string
	for _, p := range t.parts {
		switch p.column {
		case "", placeRow, placeHash, placeOccurrence, placeKey:
		default:
			out = append(out, p.column)
		}
	}
	return out
}

func (t template) uses(place string) bool {
	for _, p := range t.parts {
		if p.column == place {
			return true
		}
	}
	return false
}

func (t template) empty() bool { return len(t.parts) == 0 }

// render fills the template; missing names the first column that has no value in this record, or none that is a text.
func (t template) render(r *record) (out, missing string) {
	var b strings.Builder
	for _, p := range t.parts {
		switch p.column {
		case "":
			b.WriteString(p.text)
		case placeRow:
			fmt.Fprintf(&b, "%d", r.number)
		case placeHash:
			r.name(p.column)
			fmt.Fprintf(&b, "%x", r.hash[:])
		case placeKey:
			r.name(p.column)
			fmt.Fprintf(&b, "%x", r.key[:])
		case placeOccurrence:
			r.name(p.column)
			fmt.Fprintf(&b, "%d", r.occurrence)
		default:
			v, ok := r.get(p.column)
			if k := r.types[p.column]; !ok || k == '{' || k == '[' {
				return "", p.column
			}
			b.WriteString(v)
		}
	}
	return b.String(), ""
}

// naming is the id of an event: the first of several templates whose columns all have a value.
type naming []template

func parseNaming(texts []string) (naming, error) {
	var out naming
	for _, s := range texts {
		t, err := parseTemplate(s)
		if err != nil {
			return nil, err
		}
		if !t.empty() {
			out = append(out, t)
		}
	}
	return out, nil
}

func (n naming) columns() []string {
	var out []string
	for _, t := range n {
		out = append(out, t.columns()...)
	}
	return out
}

// render fills the first template that can be filled; missing is what the last one lacks.
func (n naming) render(r *record) (out, missing string) {
	for _, t := range n {
		if out, missing = t.render(r); missing == "" {
			return out, ""
		}
	}
	return "", missing
}
