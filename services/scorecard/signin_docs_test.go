package scorecard

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"plumbline/services/scorecard/signin"
)

// Every reason stands in the docs with its status, and the docs know no others.
func TestReasonsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("SIGNIN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "| reason | status |")
	table, _, _ = strings.Cut(table, "\n\n")
	meanings := signin.Meanings()
	for _, m := range meanings {
		if !strings.Contains(table, fmt.Sprintf("\n| `%s` | %d |", m.Reason, m.Status)) {
			t.Errorf("SIGNIN.md does not say what %s (%d) is", m.Reason, m.Status)
		}
	}
	if rows := strings.Count(table, "\n| `"); rows != len(meanings) {
		t.Errorf("SIGNIN.md has %d reasons, the code %d", rows, len(meanings))
	}
}
