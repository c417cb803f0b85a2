// Package embedded starts a database (ClickHouse) and a broker (Kafka
// protocol) on this machine, for one person's laptop and for tests, and
// returns their addresses and nothing else: what speaks to them cannot tell
// them from real ones.
//
// The database is the ClickHouse engine of libchdb.so, run in a child process
// of the same binary; see [Child], which every main and TestMain that starts a
// database calls first. The broker is kfake, in process: one machine, one
// process, durable by fsync, and no replacement for a Kafka cluster.
//
// The package holds no schema, no topics, and no clients.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrFolderInUse says that another process (or another engine of this one)
// holds the data folder. Two engines on one folder would destroy its data.
var ErrFolderInUse = errors.New("data folder is in use")

// folderLockWait is how long a start waits for the previous owner of the
// folder to go: the engine of a killed process needs a moment to notice.
const folderLockWait = 2 * time.Second

// orphanWait is how long a start waits for a folder whose owner has died: its
// database is ending, which takes longer on a machine that is busy.
const orphanWait = 30 * time.Second

// lockFolder creates dir (mode 0700) and takes the lock on it. The lock is an
// flock on DIR/lock, so that it ends with the last process that holds the open
// file: the returned file may be handed to a child, which then keeps the folder
// locked as long as it lives, even where its parent was killed.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open folder lock: %w", err)
	}
	deadline := time.Now().Add(folderLockWait)
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		late := time.Since(deadline)
		if !errors.Is(err, syscall.EWOULDBLOCK) || late > 0 && (late > orphanWait || !orphaned(path)) {
			return nil, errors.Join(folderLockError(dir, path, err), f.Close())
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	// Who holds it is only for the message of the next one who wants it.
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("write folder lock: %w", err), f.Close())
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("write folder lock: %w", err), f.Close())
	}
	return f, nil
}

// orphaned tells whether the process that has taken a lock is gone, so that only
// a child of it can still hold it.
func orphaned(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// folderLockError names the holder where the lock is taken, and passes other
// errors of flock on.
func folderLockError(dir, path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	holder := "another process"
	if pid, err := os.ReadFile(path); err == nil && len(pid) > 0 {
		holder = "process " + strings.TrimSpace(string(pid))
	}
	return fmt.Errorf("%w: %s is held by %s; stop it, or choose another folder", ErrFolderInUse, dir, holder)
}

// freePorts asks the kernel for n different free TCP ports on the loopback
// address. Another process may take one before it is used: callers retry.
func freePorts(ctx context.Context, n int) ([]int, error) {
	ports := make([]int, 0, n)
	var listen net.ListenConfig
	for range n {
		l, err := listen.Listen(ctx, "tcp4", loopback+":0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		// All stay open until all are found, so that they differ.
		defer func() { _ = l.Close() }()
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("find a free port: unexpected address %s", l.Addr())
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}

// loopback is the only address that embedded engines listen on.
const loopback = "127.0.0.1"

// wait blocks for d, or until ctx ends, whose error it then returns.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
