package metric_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// parsed calls back for every Go file under a folder.
func parsed(t *testing.T, root string, see func(path string, text []byte, file *ast.File, positions *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && len(strings.Trim(d.Name(), ".")) > 0):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, path, text, parser.SkipObjectResolution)
		if err == nil {
			see(path, text, file, positions)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testsOf are the test functions of the repository: the text of each, with that of the functions of its package that it
// calls by name, so that a case in a helper of a table counts as its own.
func testsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	type function struct{ folder, text string }
	functions, byFolder := map[string][]function{}, map[string]map[string]string{}
	parsed(t, root, func(path string, text []byte, file *ast.File, positions *token.FileSet) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		folder := filepath.Dir(path)
		if byFolder[folder] == nil {
			byFolder[folder] = map[string]string{}
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				body := string(text[positions.Position(f.Pos()).Offset:positions.Position(f.End()).Offset])
				functions[f.Name.Name] = append(functions[f.Name.Name], function{folder, body})
				byFolder[folder][f.Name.Name] = body
			}
		}
	})
	called := regexp.MustCompile(`\b(withheld\w+)\(`)
	out := map[string]string{}
	for name, list := range functions {
		if !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
			continue
		}
		for _, f := range list {
			out[name] += f.text
			for _, m := range called.FindAllStringSubmatch(f.text, -1) {
				out[name] += byFolder[f.folder][m[1]]
			}
		}
	}
	return out
}

// reasonsOf are the reasons that the code of a folder gives: the first arguments of withhold, constants and variables named
// for a reason, and the reasons of what is left out.
func reasonsOf(t *testing.T, folder string, out map[string]bool) {
	t.Helper()
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	take := func(e ast.Expr) {
		if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 { // new("…")
			e = call.Args[0]
		}
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil && word.MatchString(s) {
				out[s] = true
			}
		}
	}
	isReason := func(name string) bool { return strings.Contains(strings.ToLower(name), "reason") }
	parsed(t, folder, func(path string, _ []byte, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.EqualFold(f.Sel.Name, "withhold") && len(n.Args) > 0 {
					take(n.Args[0])
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Reason" {
					take(n.Value)
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if isReason(name.Name) && i < len(n.Values) {
						take(n.Values[i])
					}
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					name := ""
					switch left := left.(type) {
					case *ast.Ident:
						name = left.Name
					case *ast.SelectorExpr:
						name = left.Sel.Name
					}
					if isReason(name) && i < len(n.Rhs) {
						take(n.Rhs[i])
					}
				}
			}
			return true
		})
	})
}

// rowsOf are the rows of the tables of a document, by the first cell of their header.
func rowsOf(t *testing.T, document string) map[string][][]string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	out, header := map[string][][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			header = ""
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case header == "":
			header = cells[0]
		case !strings.HasPrefix(cells[0], "---"):
			out[header] = append(out[header], cells)
		}
	}
	return out
}

// Every property names at least one test, and each of them exists; every reason of the code has a row, every row is a reason
// of the code, and its tests say it.
func TestEveryPropertyHasATest(t *testing.T) {
	tests, tables, code := testsOf(t, filepath.Join("..", "..")), rowsOf(t, "PROPERTIES.md"), map[string]bool{}
	quoted := regexp.MustCompile("`([^`]+)`")
	named := func(what, cell string) (names []string) {
		for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
			if names = append(names, m[1]); tests[m[1]] == "" {
				t.Errorf("%s: there is no test %s", what, m[1])
			}
		}
		if len(names) == 0 {
			t.Errorf("%s: no test shows it", what)
		}
		return names
	}
	for _, row := range tables["Property"] {
		named(row[0], row[1])
	}
	reasonsOf(t, ".", code)
	reasonsOf(t, filepath.Join("..", "..", "services", "scorecard"), code)
	for _, row := range tables["Reason"] {
		reason := strings.Trim(row[0], "`")
		for _, name := range named(reason, row[3]) {
			if body := tests[name]; body != "" && !strings.Contains(body, strconv.Quote(reason)) {
				t.Errorf("%s does not name the reason %s", name, reason)
			}
		}
		if reason != "no_rate" && reason != "no_investment" && reason != "ambiguous" && !code[reason] { // these are returned, not assigned
			t.Errorf("no code gives the reason %s", reason)
		}
		delete(code, reason)
	}
	for reason := range code {
		t.Errorf("the reason %s has no row", reason)
	}
	if len(tables["Property"]) < 15 || len(tables["Reason"]) < 30 {
		t.Errorf("%d properties and %d reasons were read: are the tables there?", len(tables["Property"]), len(tables["Reason"]))
	}
}
