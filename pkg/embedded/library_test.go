package embedded_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"plumbline/pkg/embedded"
)

// scripts/engine installs the version that this package looks for.
func TestEngineVersionIsTheInstalledOne(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "scripts", "engine.npm", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pins struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &pins); err != nil {
		t.Fatal(err)
	}
	if len(pins.Dependencies) == 0 {
		t.Error("package.json pins nothing")
	}
	for name, version := range pins.Dependencies {
		if version != embedded.EngineVersion {
			t.Errorf("%s is pinned at %s; want EngineVersion, %s", name, version, embedded.EngineVersion)
		}
	}
}
