package access

import (
	"path/filepath"
	"testing"

	"plumbline/pkg/doctest"
)

// Every row of the threat model names what shows it, and that is there: a test, a fault of the suite, or a file.
func TestEveryThreatHasATest(t *testing.T) {
	t.Parallel()
	table := doctest.Table{File: "THREATS.md", Columns: 4, Head: "Who", Files: true}
	if rows := table.Rows(t, filepath.Join("..", "..")); rows < 15 {
		t.Errorf("%d rows were read: is the table there?", rows)
	}
}
