package bench_test

import (
	"os"
	"testing"

	"plumbline/pkg/embedded"
	"plumbline/services/standalone/parts"
)

func TestMain(m *testing.M) {
	embedded.Child()
	parts.Child()
	os.Exit(m.Run())
}
