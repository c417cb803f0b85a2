package loader

import (
	"path/filepath"
	"testing"

	"plumbline/pkg/doctest"
)

// Every row of the table of guarantees names at least one test or fault, and each of them exists.
func TestEveryGuaranteeHasATest(t *testing.T) {
	t.Parallel()
	table := doctest.Table{File: "DELIVERY.md", Columns: 3, Head: "What goes wrong"}
	if rows := table.Rows(t, filepath.Join("..", "..")); rows < 20 {
		t.Errorf("%d rows were read: is the table there?", rows)
	}
}
