package audit_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plumbline/pkg/audit"
)

// documented are the quoted words in the first cells of a table of AUDIT.md, which is found by the first cell of its header.
func documented(t *testing.T, head string) []string {
	t.Helper()
	raw, err := os.ReadFile("AUDIT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(raw), "\n| "+head+" |")
	if !ok {
		t.Fatalf("AUDIT.md has no table of %s", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var out []string
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.HasPrefix(line, "| ") {
			continue
		}
		for _, word := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			out = append(out, word[1])
		}
	}
	slices.Sort(out)
	return out
}

// The document names every action and outcome, and no other.
func TestActionsAndOutcomesAreDocumented(t *testing.T) {
	t.Parallel()
	for head, want := range map[string][]string{"action": audit.Actions(), "outcome": audit.Outcomes()} {
		slices.Sort(want)
		if got := documented(t, head); !slices.Equal(got, want) {
			t.Errorf("AUDIT.md has the %ss\n%v, the code\n%v", head, got, want)
		}
	}
	raw, err := os.ReadFile("AUDIT.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, actor := range audit.Fixed() {
		if !strings.Contains(string(raw), "`"+actor+"`") {
			t.Errorf("AUDIT.md does not say who %q is", actor)
		}
	}
}
