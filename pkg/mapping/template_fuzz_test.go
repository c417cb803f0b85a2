package mapping

import (
	"strings"
	"testing"
)

// A template that is taken says the same when its parts are written down again, and names no column with a brace.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"plain", "{a}-{b}", "{{x}}", "{", "}", "{}", "{a{b}}", "{{{a}}}", "\xff{\xff}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTemplate(s)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, p := range got.parts {
			switch {
			case p.column != "":
				if strings.ContainsAny(p.column, "{}") {
					t.Errorf("%q names the column %q", s, p.column)
				}
				again.WriteString("{" + p.column + "}")
			default:
				again.WriteString(strings.NewReplacer("{", "{{", "}", "}}").Replace(p.text))
			}
		}
		if again.String() != s {
			t.Errorf("%q is written as %q", s, again.String())
		}
	})
}
