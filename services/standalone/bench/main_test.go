package bench_test

import (
	"testing"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/services/standalone/parts"
)

func TestMain(m *testing.M) {
	parts.Child()
	embeddedtest.Main(m)
}
