package event_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// What every valid example seals to, byte by byte. A change here makes other events of everything that is sent again:
// the file is written once and only ever grows by new examples.
func TestSealedExamplesNeverChange(t *testing.T) {
	var b strings.Builder
	for _, e := range examples(t) {
		if !e.valid {
			continue
		}
		s := seal(t, string(e.raw))
		fmt.Fprintf(&b, "%s\nidentity %x\npayload %x\n%s\n\n", e.name, s.Identity, s.Payload, s.Data)
	}
	const file = "testdata/sealed.golden"
	want, err := os.ReadFile(file)
	if err == nil && bytes.Equal(want, []byte(b.String())) {
		return
	}
	if err := os.WriteFile(file+".got", []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s differs, see %s.got", file, file)
}
