package standalone_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/services/standalone"
)

// A file of keys is read, or said to be damaged with its place and without anything of what is in it.
func FuzzKeysFile(f *testing.F) {
	f.Add([]byte(`{"write_key":"w","admin_token":"a","secret":"c2VjcmV0"}`))
	f.Add([]byte(`{"write_key":"w","other":1}`))
	f.Add([]byte(`{"secret":"!"}`))
	f.Add([]byte(nil))
	dir := f.TempDir()
	path := filepath.Join(dir, "keys.json")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := standalone.ReadKeys(dir)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error names no file: %v", err)
			}
			return
		}
		again, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, again, 0o600); err != nil {
			t.Fatal(err)
		}
		back, err := standalone.ReadKeys(dir)
		if err != nil || back.WriteKey != k.WriteKey || back.AdminToken != k.AdminToken || !bytes.Equal(back.Secret, k.Secret) {
			t.Errorf("%s reads as %+v, %v; want %+v", again, back, err, k)
		}
	})
}
