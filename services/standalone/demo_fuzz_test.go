package standalone

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a folder says about its demo organisation is read, or refused with the name of the file; it is never decided anew.
func FuzzDemoMark(f *testing.F) {
	f.Add([]byte(`{"none":false,"seed":1,"until":"2026-11-24T10:00:00Z","loaded":true}`))
	f.Add([]byte(`{"none":true,"seed":0,"until":"0001-01-01T00:00:00Z","loaded":false}`))
	f.Add([]byte(`{"seed":-1}`))
	f.Add([]byte(`{"until":"now"}`))
	f.Add([]byte(nil))
	dir := f.TempDir()
	path := filepath.Join(dir, demoFile)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := Config{Data: dir, Demo: DemoYes, Now: time.Now}
		m, err := decideDemo(cfg)
		after, readErr := os.ReadFile(path)
		if readErr != nil || string(after) != string(raw) {
			t.Fatalf("the file was changed: %q, %v", after, readErr)
		}
		if err != nil {
			if !strings.Contains(err.Error(), demoFile) {
				t.Errorf("the error names no file: %v", err)
			}
			return
		}
		if err := writePrivate(path, m); err != nil {
			t.Fatal(err)
		}
		if again, err := decideDemo(cfg); err != nil || again.Seed != m.Seed || again.None != m.None || again.Loaded != m.Loaded || !again.Until.Equal(m.Until) {
			t.Errorf("%+v reads as %+v, %v", m, again, err)
		}
	})
}
