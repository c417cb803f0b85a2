package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// SnapshotFile is a file of a snapshot.
type SnapshotFile struct {
	// Path is relative to the folder of the snapshot, with slashes.
	Path string
	// Size is how many bytes of it belong to the snapshot: files of a log grow
	// at their end while the broker goes on.
	Size int64
}

// BrokerData is the folder of a broker's files below its data folder: where
// those of a snapshot belong.
func BrokerData(dir string) string { return filepath.Join(dir, brokerData) }

const (
	brokerData = "data"
	// snapshotTries is how often a snapshot is tried where files vanish
	// meanwhile: retention and compaction go on.
	snapshotTries = 5
)

// Snapshot links the files of the broker into dir, which it creates, as they
// are at one moment. The broker handles no request meanwhile: it returns for
// how long. What the snapshot has is what a broker finds that starts after a
// crash at that moment: everything acknowledged. dir must be on the same disk.
func (b *Broker) Snapshot(ctx context.Context, dir string) (files []SnapshotFile, pause time.Duration, err error) {
	for try := 1; ; try++ {
		pause, err = b.paused(ctx, func() error {
			files, err = linkFolder(b.data, dir)
			return err
		})
		if err == nil || try == snapshotTries || !errors.Is(err, errFilesChanged) {
			break
		}
		if err := os.RemoveAll(dir); err != nil {
			return nil, 0, fmt.Errorf("snapshot of the broker: %w", err)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("snapshot of the broker: %w", err), os.RemoveAll(dir))
	}
	return files, pause, nil
}

// errFilesChanged says that files came or went while they were linked.
var errFilesChanged = errors.New("files of the broker changed")

// linkFolder links every file below from into to, and checks that they are
// still the same ones then.
func linkFolder(from, to string) ([]SnapshotFile, error) {
	before, err := listFolder(from)
	if err != nil {
		return nil, err
	}
	for _, f := range before {
		target := filepath.Join(to, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return nil, err
		}
		err := os.Link(filepath.Join(from, filepath.FromSlash(f.Path)), target)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errFilesChanged
		}
		if err != nil {
			return nil, err
		}
	}
	after, err := listFolder(from)
	if err == nil && !slices.Equal(before, after) {
		err = errFilesChanged
	}
	return before, err
}

func listFolder(dir string) ([]SnapshotFile, error) {
	var out []SnapshotFile
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		// What is being written goes to its place with a rename.
		if !info.Mode().IsRegular() || strings.HasSuffix(path, ".tmp") {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out = append(out, SnapshotFile{filepath.ToSlash(name), info.Size()})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errFilesChanged
	}
	return out, err
}

// paused calls do while the broker handles no request: its one loop waits for
// the end of a control function, which is called for the next request of its kind.
func (b *Broker) paused(ctx context.Context, do func() error) (time.Duration, error) {
	type outcome struct {
		pause time.Duration
		err   error
	}
	done := make(chan outcome, 1)
	var once sync.Once
	b.cluster.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.DropControl()
		once.Do(func() {
			if ctx.Err() != nil {
				return // nobody waits any more
			}
			start := time.Now()
			err := do()
			done <- outcome{time.Since(start), err}
		})
		return nil, nil, false // not handled: the broker goes on with it
	})
	if err := b.knock(ctx); err != nil {
		return 0, err
	}
	select {
	case o := <-done:
		return o.pause, o.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// knock sends a request for the versions of the protocol and waits for the answer.
func (b *Broker) knock(ctx context.Context) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.addrs[0])
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	request := kmsg.NewPtrApiVersionsRequest()
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, request, 0)); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 4))
	return err
}
