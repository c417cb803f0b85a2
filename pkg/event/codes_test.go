package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// Every constant of type Code in problem.go has its line in Codes, and no line is there twice.
func TestEveryCodeHasItsSentence(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared[Code(text)] = true
		}
		return true
	})
	if len(declared) < 20 {
		t.Fatalf("only %d codes were found in problem.go", len(declared))
	}
	listed := map[Code]bool{}
	for _, m := range Codes() {
		if listed[m.Code] {
			t.Errorf("%s is listed twice", m.Code)
		}
		if listed[m.Code] = true; !declared[m.Code] {
			t.Errorf("%s is listed and no constant of problem.go", m.Code)
		}
		if !strings.HasSuffix(m.Meaning, ".") || m.Code.Meaning() != m.Meaning {
			t.Errorf("%s: %q is no sentence", m.Code, m.Meaning)
		}
	}
	for code := range declared {
		if !listed[code] {
			t.Errorf("%s has no line in Codes: say in a sentence what it means", code)
		}
	}
}
