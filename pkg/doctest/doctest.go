// Package doctest helps tests that hold a document's tables against the repository: each row names what shows it, and that must be
// there. It is for tests only.
package doctest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Table is one of a Markdown file.
type Table struct {
	// File has it; Columns is how many it has, and Head the first cell of its header.
	File    string
	Columns int
	Head    string
	// Files says that a file of the repository may show something, too.
	Files bool
}

// Rows checks that the last cell of each row quotes at least one name, and that each quoted one is that of a test (of Test/part, the
// test) or of a fault of the fault suite, under the root of the repository. It returns how many rows there were.
func (table Table) Rows(t testing.TB, root string) int {
	t.Helper()
	text, err := os.ReadFile(table.File)
	if err != nil {
		t.Fatal(err)
	}
	tests, files := names(t, root)
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		first := strings.TrimSpace(row[0])
		if len(row) != table.Columns || strings.HasPrefix(first, "---") || first == table.Head {
			continue
		}
		rows++
		shown := quoted.FindAllStringSubmatch(row[table.Columns-1], -1)
		if len(shown) == 0 {
			t.Errorf("nothing shows %q", first)
		}
		for _, m := range shown {
			test, _, _ := strings.Cut(m[1], "/")
			if !tests[test] && !(table.Files && files[m[1]]) {
				t.Errorf("%q: there is no %s", first, m[1])
			}
		}
	}
	return rows
}

// names are those of all test functions and of the faults of the fault suite, and those of files with and without their folders.
func names(t testing.TB, root string) (tests, files map[string]bool) {
	t.Helper()
	tests, files = map[string]bool{}, map[string]bool{}
	function, fault := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`), regexp.MustCompile(`\{name: "([a-z-]+)"`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[d.Name()], files[filepath.ToSlash(rel)] = true, true
		read := func(what *regexp.Regexp) error {
			text, err := os.ReadFile(path)
			for _, m := range what.FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			return read(function)
		}
		if filepath.Base(filepath.Dir(path)) == "faults" && strings.HasSuffix(path, ".go") {
			return read(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests, files
}
