// Package embeddedtest gives tests real engines: a ClickHouse database and a
// broker that speaks the Kafka protocol, one of each per test binary, started
// when the first test asks. Every call hands out a place of its own in them, so
// tests may run in parallel. It is not for programs.
//
// A test binary that uses it has, once:
//
//	func TestMain(m *testing.M) { embeddedtest.Main(m) }
//
// With PLUMBLINE_KAFKA=apache, Broker hands out the real Apache Kafka whose
// addresses are in PLUMBLINE_KAFKA_ADDRS (comma separated); scripts/test starts
// one.
package embeddedtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/embedded"
)

// engines are those of this test binary. Tests have no other place to share a
// process from: they are functions that only receive a *testing.T.
var engines shared

// shared holds what was started, and why not where a start failed, so that
// every test that needs it says so.
type shared struct {
	mu          sync.Mutex
	dir         string // temporary, removed at the end
	database    *embedded.Database
	databaseErr error
	broker      *embedded.Broker
	brokerErr   error
	secure      *Secure
	secureErr   error
	closers     []func() error
}

// Main is the body of TestMain: it becomes the database if this process was
// started for that, else it runs the tests, stops what they started, and exits.
func Main(m *testing.M) {
	embedded.Child()
	code := m.Run()
	if err := engines.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop engines:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// stop stops the engines and removes their data.
func (s *shared) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	var errs []error
	if s.database != nil {
		errs = append(errs, s.database.Stop(ctx))
	}
	if s.broker != nil {
		errs = append(errs, s.broker.Stop(ctx))
	}
	for _, end := range s.closers {
		errs = append(errs, end())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// folder returns a folder for one engine below the temporary one. The lock is
// held.
func (s *shared) folder(name string) (string, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "plumbline-test-")
		if err != nil {
			return "", err
		}
		s.dir = dir
	}
	return filepath.Join(s.dir, name), nil
}

// Shared returns the path of the project's folder shared/ (specification,
// oracles, datasets): PLUMBLINE_SHARED, or the folder beside the repository. A
// test that needs it is skipped where it is missing, and fails where CI=true.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PLUMBLINE_SHARED")
	if dir == "" {
		root, err := repositoryRoot()
		if err != nil {
			t.Fatalf("find the shared folder: %v", err)
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	const missing = "the folder shared/ is missing: looked at %s; PLUMBLINE_SHARED names another place"
	if os.Getenv("CI") == "true" {
		t.Fatalf(missing, dir)
	}
	t.Skipf(missing, dir)
	return ""
}

// repositoryRoot is the nearest folder above the working one with a go.work;
// go test runs in the folder of the package.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work above the working folder")
		}
		dir = parent
	}
}

// unique is a name that no other test uses, made of a letter and 8 hex digits.
func unique() string {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return "t" + hex.EncodeToString(random)
}
