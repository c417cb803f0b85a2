package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"plumbline/pkg/embedded"
)

// runStandIn makes the test binary, called by the name clickhouse, answer as a
// clickhouse binary does: the engine is the one of the library whose path is in
// the file "library" beside it, and the version is in the file "version".
func runStandIn() error {
	dir := filepath.Dir(os.Args[0])
	if len(os.Args) > 2 && os.Args[2] == "--version" {
		version, err := os.ReadFile(filepath.Join(dir, "version"))
		fmt.Printf("ClickHouse local version %s (official build).\n", version)
		return err
	}
	library, err := os.ReadFile(filepath.Join(dir, "library"))
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{embedded.ChildCommand, "library", string(library)}, os.Args[2:]...)
	cmd := exec.CommandContext(context.Background(), self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	stdin, err := cmd.StdinPipe() // open until this process is killed
	if err != nil {
		return err
	}
	defer func() { _ = stdin.Close() }()
	return cmd.Run()
}

// putStandIn puts a stand-in for a clickhouse binary on PATH and returns its
// path.
func putStandIn(t *testing.T, version string) string {
	t.Helper()
	t.Setenv(embedded.EngineVariable, os.Getenv(embedded.EngineVariable)) // restored at the end
	library, err := embedded.InstalledLibrary(t.Context())
	if err != nil {
		t.Skipf("the stand-in for a clickhouse binary needs the library: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{"library": library, "version": version}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "clickhouse")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	// An empty variable is as good as none, and no library is in this cache.
	t.Setenv(embedded.EngineVariable, "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return binary
}

func TestRecentBinaryOnPathIsUsed(t *testing.T) {
	putStandIn(t, "26.7.2.1")
	dir := t.TempDir()
	db := startDatabase(t, dir)
	conn := connect(t, db.DSN())
	run(t, conn, createRows)
	run(t, conn, "INSERT INTO rows SELECT number FROM numbers(5)")
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, connect(t, startDatabase(t, dir).DSN())); n != 5 {
		t.Errorf("%d rows after a restart; want 5", n)
	}
}

func TestOldBinaryOnPathIsPassedOver(t *testing.T) {
	putStandIn(t, "25.12.9.61")
	_, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: t.TempDir()})
	if !errors.Is(err, embedded.ErrNoEngine) {
		t.Errorf("start with an old binary only: %v; want ErrNoEngine", err)
	}
}

// Where only the process between us and the binary is killed, the binary ends
// too, or at least keeps the folder locked.
func TestBinaryEndsWithTheProcessBetween(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process with its parent")
	}
	binary := putStandIn(t, "26.7.2.1")
	dir := t.TempDir()
	db, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir, Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(db.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-db.Done()
	if err := db.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err = embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir, Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
