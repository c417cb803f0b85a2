package trust_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/pkg/trust"
)

// However a password is printed, it is not.
func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	p := trust.Password{Text: "s3cret"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("test", "password", p, "text", p.Text)
	encoded, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %v", p, p, p, p.Text, p.Text, &p) + log.String() + string(encoded)
	if strings.Contains(shown, "s3cret") || !strings.Contains(shown, "(secret)") {
		t.Errorf("it is shown: %s", shown)
	}
}

func TestPasswordIsTheFirstLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a b": "a b", "a b\n": "a b", "a\r\n": "a", "a\nb\n": "a", " a ": " a ", "": "", "\na": "",
	} {
		p := trust.Password{File: filepath.Join(t.TempDir(), "password")}
		if err := os.WriteFile(p.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Read(); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}
