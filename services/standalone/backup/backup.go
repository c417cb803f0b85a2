// Package backup copies an installation with embedded engines into one file, while it runs or not, and makes a new
// installation of such a file.
//
// What makes a copy of a running system whole is the order. The database comes first and the log second: whatever the
// log has got meanwhile is loaded after the restore, and what is in both is known by its identity. In the database,
// tables that say that something is done come before those that hold it: progress before the pointers of rollups, those before
// rollups, and identities before raw rows. A restore begins to read the log at its earliest message once more, with all
// offsets as they were: rows that are missing are loaded, and days that have any are rolled anew, in generations above
// those of before, which grow with the offsets.
//
// It does nothing for engines of others: see BACKUP.md.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"plumbline/pkg/embedded"
)

// tablesFirst are the tables that say that something is done, in the order in which they are copied.
func tablesFirst() []string { return []string{"progress", "rollup_pointer", "identities"} }

// The folders of a data folder, and of an archive.
const (
	databaseDir = "clickhouse"
	brokerDir   = "kafka"
)

// ownFiles are the files of a data folder that are not those of an engine.
func ownFiles() []string { return []string{"keys.json", "demo.json"} }

const (
	// databaseBackup names the database's own backup while an archive is made or read.
	databaseBackup = "archive"
	// stagingDir is where links to the broker's files stand meanwhile, below the data folder.
	stagingDir = "backup.staging"
)

// Source is a running installation.
type Source struct {
	// Data is its data folder, whose engines are these.
	Data     string
	Database *embedded.Database
	Broker   *embedded.Broker
	// Version is that of the program.
	Version string
}

// Copy is a copy of an installation that is ready to be written. Close removes what it has on disk.
type Copy struct {
	Manifest Manifest
	places   []string // of the files of the manifest
	clean    []string
}

// Take copies the installation, into its own data folder: for as long as the copy is open, that needs the space of
// another database. Only one may be taken at a time.
func Take(ctx context.Context, src Source) (_ *Copy, err error) {
	staging := filepath.Join(src.Data, stagingDir)
	c := &Copy{clean: []string{staging, embedded.BackupFolder(filepath.Join(src.Data, databaseDir), databaseBackup)}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("back up: %w", err), c.Close())
		}
	}()
	// What an earlier one left that was killed.
	if err := c.Close(); err != nil {
		return nil, err
	}
	c.Manifest = Manifest{Format: Format, Plumbline: src.Version, Engine: embedded.EngineVersion, CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
	tables, err := src.Database.Backup(ctx, databaseBackup, tablesFirst())
	if err != nil {
		return nil, err
	}
	files, pause, err := src.Broker.Snapshot(ctx, staging)
	if err != nil {
		return nil, err
	}
	c.Manifest.BrokerPauseMillis = float64(pause.Microseconds()) / 1000
	for _, name := range ownFiles() {
		if err := c.add(ctx, name, filepath.Join(src.Data, name), -1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := c.addFolder(ctx, databaseDir, tables); err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := c.add(ctx, path.Join(brokerDir, f.Path), filepath.Join(staging, filepath.FromSlash(f.Path)), f.Size); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Close removes what the copy has on disk.
func (c *Copy) Close() error {
	var errs []error
	for _, dir := range c.clean {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// addFolder adds all files below a folder.
func (c *Copy) addFolder(ctx context.Context, name, dir string) error {
	return filepath.WalkDir(dir, func(place string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, place)
		if err != nil {
			return err
		}
		return c.add(ctx, path.Join(name, filepath.ToSlash(rel)), place, -1)
	})
}

// add adds the first size bytes of a file, all of it where size is negative.
func (c *Copy) add(ctx context.Context, name, place string, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(place)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if size < 0 {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		size = info.Size()
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, f, size); err != nil {
		return fmt.Errorf("read %s: %w", place, err)
	}
	c.Manifest.Files = append(c.Manifest.Files, File{Path: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	c.Manifest.Bytes += size
	c.places = append(c.places, place)
	return nil
}
