package access

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of the threat model names what shows it, and that is there: a test, a fault of the suite, or a file.
func TestEveryThreatHasATest(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	there := names(t, root)
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[0]) == "Who" {
			continue
		}
		rows++
		shown := quoted.FindAllStringSubmatch(cells[3], -1)
		if len(shown) == 0 {
			t.Errorf("nothing shows what stops %q", strings.TrimSpace(cells[0]))
		}
		for _, m := range shown {
			if !there[m[1]] {
				t.Errorf("%q: there is no %s", strings.TrimSpace(cells[0]), m[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("%d rows were read: is the table there?", rows)
	}
}

// names are those of all test functions, of the faults of the fault suite, and of files.
func names(t *testing.T, root string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	named := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(|\{name: "([a-z-]+)"`)
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
		out[d.Name()], out[filepath.ToSlash(rel)] = true, true
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			out[string(m[1])], out[string(m[2])] = true, true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
