package loader

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testsAndFaults reads the names of all test functions of the repository, and those of the faults of the suite.
func testsAndFaults(t *testing.T, root string) (tests, faults map[string]bool) {
	t.Helper()
	tests, faults = map[string]bool{}, map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	fault := regexp.MustCompile(`\{name: "([a-z-]+)"`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range function.FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
		}
		if filepath.Base(filepath.Dir(path)) == "faults" {
			for _, m := range fault.FindAllSubmatch(text, -1) {
				faults[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests, faults
}

// Every row of the table of guarantees names at least one test or fault, and each of them exists.
func TestEveryGuaranteeHasATest(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile("DELIVERY.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, faults := testsAndFaults(t, root)
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.HasPrefix(strings.TrimSpace(cells[0]), "---") || strings.TrimSpace(cells[2]) == "Test or fault" {
			continue
		}
		rows++
		names := quoted.FindAllStringSubmatch(cells[2], -1)
		if len(names) == 0 {
			t.Errorf("no test shows %q", strings.TrimSpace(cells[0]))
		}
		for _, m := range names {
			name, _, _ := strings.Cut(m[1], "/")
			if !tests[name] && !faults[name] {
				t.Errorf("%q: there is no test and no fault %s", strings.TrimSpace(cells[0]), name)
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows were read: is the table there?", rows)
	}
}
