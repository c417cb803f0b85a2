package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// EngineVersion is the version of the engine's package that scripts/engine
// installs and that this package was tested with.
const EngineVersion = "26.7.3-stable.1"

// EngineVariable is the environment variable that names another libchdb.so.
const EngineVariable = "PLUMBLINE_ENGINE"

// ErrNoEngine says that this machine has no database engine; the text that
// wraps it says how to get one.
var ErrNoEngine = errors.New("no database engine found")

// The first ClickHouse whose `clickhouse local` is used when it is found on
// PATH; an older one is passed over.
const (
	oldestBinaryYear  = 26
	oldestBinaryMonth = 3
)

// enginePlatforms are those for which the engine is published.
func enginePlatforms() []string {
	return []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}
}

// engine is a way to run clickhouse-local: a library or a binary.
type engine struct {
	kind string // kindLibrary or kindBinary
	path string
}

// findEngine chooses, first match wins: cfg.Binary, cfg.Library, the library
// that PLUMBLINE_ENGINE names, `clickhouse` on PATH, engine/libchdb.so beside
// the executable, and the library that scripts/engine installed.
func findEngine(ctx context.Context, cfg DatabaseConfig) (engine, error) {
	if cfg.Binary != "" {
		return engine{kindBinary, cfg.Binary}, nil
	}
	if cfg.Library != "" {
		return libraryEngine(cfg.Library)
	}
	if path := os.Getenv(EngineVariable); path != "" {
		e, err := libraryEngine(path)
		if err != nil {
			return engine{}, fmt.Errorf("%s: %w", EngineVariable, err)
		}
		return e, nil
	}
	if binary, err := exec.LookPath("clickhouse"); err == nil && recentBinary(ctx, binary) {
		return engine{kindBinary, binary}, nil
	}
	for _, path := range libraryPlaces() {
		if _, err := os.Stat(path); err == nil {
			return libraryEngine(path)
		}
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if !slices.Contains(enginePlatforms(), platform) {
		return engine{}, fmt.Errorf("%w: there is no engine package for %s; "+
			"put a clickhouse binary on PATH, or give the address of a ClickHouse server", ErrNoEngine, platform)
	}
	return engine{}, fmt.Errorf("%w: run scripts/up or scripts/engine, which installs it", ErrNoEngine)
}

// libraryEngine checks that the library is there.
func libraryEngine(library string) (engine, error) {
	if _, err := os.Stat(library); err != nil {
		return engine{}, fmt.Errorf("%w: %w; run scripts/up or scripts/engine, which installs it", ErrNoEngine, err)
	}
	return engine{kindLibrary, library}, nil
}

// libraryPlaces lists where an installed library may be.
func libraryPlaces() []string {
	var places []string
	if self, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(self), "engine", "libchdb.so"))
	}
	if cache := cacheFolder(); cache != "" {
		places = append(places, filepath.Join(cache, "plumbline", "engine", EngineVersion, "libchdb.so"))
	}
	return places
}

// cacheFolder is where scripts/engine puts things: it follows the XDG rule on
// every system, unlike os.UserCacheDir on macOS.
func cacheFolder() string {
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".cache")
}

// binaryVersion finds year and month in the output of `clickhouse local --version`.
var binaryVersion = regexp.MustCompile(`\b(\d{2})\.(\d{1,2})\.\d+`)

// recentBinary reports whether the binary answers and is not too old.
func recentBinary(ctx context.Context, binary string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "local", "--version").Output()
	if err != nil {
		return false
	}
	m := binaryVersion.FindSubmatch(out)
	if m == nil {
		return false
	}
	year, yearErr := strconv.Atoi(string(m[1]))
	month, monthErr := strconv.Atoi(string(m[2]))
	if yearErr != nil || monthErr != nil {
		return false
	}
	return slices.Compare([]int{year, month}, []int{oldestBinaryYear, oldestBinaryMonth}) >= 0
}
