package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"plumbline/pkg/embedded"
)

// ErrNotEmpty says that the folder to restore into has something in it.
var ErrNotEmpty = errors.New("the folder is not empty")

// Step tells how far a restore is: what it does, and the bytes done of all, 0 of 0 where that is not known.
type Step func(doing string, done, all int64)

// engineStop is how long an engine may take to stop.
const engineStop = 15 * time.Second

// Restore makes the data folder dir, which must be empty or missing, of an archive. The archive is verified whole before
// anything is written, and dir has either everything in the end or is as it was. Everything that the log holds is read
// again at the next start.
func Restore(ctx context.Context, archive, dir string, step Step) (m Manifest, err error) {
	if step == nil {
		step = func(string, int64, int64) {}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	if err := checkEmpty(dir); err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	f, err := os.Open(archive)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = f.Close() }()
	if m, err = Verify(f, func(done, all int64) { step("verify", done, all) }); err != nil {
		return Manifest{}, fmt.Errorf("restore: %s: %w", archive, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	// Beside its place, so that it gets there with one rename.
	building, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".restoring-") // 0700 by its contract
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	if err := build(ctx, f, building, step); err != nil {
		return Manifest{}, errors.Join(fmt.Errorf("restore: %w", err), os.RemoveAll(building))
	}
	if err := errors.Join(checkEmpty(dir), os.Rename(building, dir)); err != nil {
		return Manifest{}, errors.Join(fmt.Errorf("restore: %w", err), os.RemoveAll(building))
	}
	return m, nil
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%w: %s: name a new one", ErrNotEmpty, dir)
	}
	return err
}

// build makes a data folder.
func build(ctx context.Context, archive io.Reader, dir string, step Step) error {
	_, err := read(archive, func(done, all int64) { step("unpack", done, all) }, func(f File, content io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return unpack(content, filepath.Join(dir, place(f.Path)))
	})
	if err != nil {
		return err
	}
	step("restore the database", 0, 0)
	if err := buildDatabase(ctx, filepath.Join(dir, databaseDir)); err != nil {
		return err
	}
	step("rewind the log", 0, 0)
	if err := buildBroker(ctx, filepath.Join(dir, brokerDir)); err != nil {
		return err
	}
	syscall.Sync() // many files, of several writers
	return nil
}

// place is where a file of an archive goes, below the data folder.
func place(name string) string {
	if rest, ok := strings.CutPrefix(name, databaseDir+"/"); ok {
		return filepath.Join(embedded.BackupFolder(databaseDir, databaseBackup), filepath.FromSlash(rest))
	}
	if rest, ok := strings.CutPrefix(name, brokerDir+"/"); ok {
		return filepath.Join(embedded.BrokerData(brokerDir), filepath.FromSlash(rest))
	}
	return filepath.FromSlash(name)
}

func unpack(content io.Reader, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

func buildDatabase(ctx context.Context, dir string) error {
	db, err := embedded.StartDatabase(ctx, embedded.DatabaseConfig{Dir: dir})
	if err != nil {
		return err
	}
	err = db.Restore(ctx, databaseBackup, tablesFirst())
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return errors.Join(err, db.Stop(stop), os.RemoveAll(embedded.BackupFolder(dir, databaseBackup)))
}

func buildBroker(ctx context.Context, dir string) error {
	broker, err := embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: dir})
	if err != nil {
		return err
	}
	err = rewind(ctx, broker.Addrs())
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return errors.Join(err, broker.Stop(stop))
}
