package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// held is a folder whose lock somebody else has, as the process with the id.
func held(t *testing.T, pid int) (dir string, release func()) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "lock")
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", pid), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	fd := int(f.Fd())
	if err := syscall.Flock(fd, syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return dir, func() { _ = syscall.Flock(fd, syscall.LOCK_UN) }
}

// A folder whose owner was killed is waited for until the owner's database has
// ended, however busy the machine is; one whose owner lives is not.
func TestFolderOfADeadOwnerIsWaitedFor(t *testing.T) {
	t.Parallel()
	dead := exec.CommandContext(t.Context(), "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	dir, release := held(t, dead.Process.Pid)
	began := time.Now()
	time.AfterFunc(folderLockWait+time.Second, release)
	f, err := lockFolder(t.Context(), dir)
	if err != nil {
		t.Fatalf("after %s: %v", time.Since(began), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	dir, _ = held(t, os.Getpid())
	if _, err := lockFolder(t.Context(), dir); !errors.Is(err, ErrFolderInUse) {
		t.Errorf("the owner lives: %v", err)
	}
}
