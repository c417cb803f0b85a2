package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"plumbline/services/standalone"
	"plumbline/services/standalone/backup"
)

// backupCommand copies an installation into a file.
type backupCommand struct {
	admin
	File string `arg:"" placeholder:"FILE" help:"File to write; it must not exist."`
	JSON bool   `name:"json" help:"Print what was done as JSON."`
}

// Help says what is in the file and shows examples.
func (backupCommand) Help() string {
	return `Copies everything that an installation with embedded engines has into one file: events, identities, rollups, registry,
rejects, the log, and the keys. Whoever has the file has the keys: only its owner can read it (mode 0600); keep it so.

Where the server of the data folder runs, it makes the copy while it goes on; else the engines are started for it, which
locks the folder. The file is read again and checked before it gets its name. Engines of your own have tools of their own:
see BACKUP.md.

Examples:
  plumbline backup plumbline-2026-11-24.tar
  plumbline backup --data /var/lib/plumbline /mnt/backups/plumbline.tar
  plumbline backup --url https://plumbline.example.org --token "$TOKEN" --json copy.tar`
}

// backupResult is what a backup prints as JSON.
type backupResult struct {
	File      string    `json:"file"`
	CreatedAt time.Time `json:"created_at"`
	Files     int       `json:"files"`
	// Bytes are those of the files, FileBytes those of the archive.
	Bytes             int64   `json:"bytes"`
	FileBytes         int64   `json:"file_bytes"`
	Online            bool    `json:"online"`
	BrokerPauseMillis float64 `json:"broker_pause_ms"`
	Seconds           float64 `json:"seconds"`
}

// Run makes a backup.
func (c *backupCommand) Run(ctx context.Context, s Streams) (err error) {
	start := time.Now()
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("%s exists: name another file", c.File)
	}
	partial := c.File + ".partial"
	out, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: another backup is being made, or was interrupted; remove it", partial)
	}
	if err != nil {
		return fmt.Errorf("make backup file: %w", err)
	}
	keep := false
	defer func() {
		_ = out.Close()
		if !keep {
			err = errors.Join(err, os.Remove(partial))
		}
	}()
	online, err := c.fetch(ctx, s, out)
	if err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return fmt.Errorf("write backup file: %w", err)
	}
	size, err := out.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read backup file: %w", err)
	}
	bar := newBytes(s, "verify")
	m, err := backup.Verify(out, bar.set)
	bar.finish()
	if err != nil {
		return fmt.Errorf("the backup is not sound, try again: %w", err)
	}
	if err := os.Rename(partial, c.File); err != nil {
		return fmt.Errorf("name backup file: %w", err)
	}
	keep = true
	return c.print(s, backupResult{
		File: c.File, CreatedAt: m.CreatedAt, Files: len(m.Files), Bytes: m.Bytes, FileBytes: size, Online: online,
		BrokerPauseMillis: m.BrokerPauseMillis, Seconds: time.Since(start).Seconds(),
	})
}

func (c *backupCommand) print(s Streams, r backupResult) error {
	if c.JSON {
		return s.json(r)
	}
	s.printf("%s: %s of %d files, verified\n", r.File, megabytes(r.FileBytes), r.Files)
	if r.Online {
		s.printf("the log stood still for %.0f ms\n", r.BrokerPauseMillis)
	}
	s.printf("it holds the keys of the installation: only you can read it (mode 0600), keep it so\n")
	return nil
}

// fetch writes the archive, from the running server where there is one.
func (c *backupCommand) fetch(ctx context.Context, s Streams, out io.Writer) (online bool, err error) {
	fromEnv, _ := s.Env("PLUMBLINE_URL")
	named := c.URL != "" || fromEnv != ""
	url, err := c.address(s)
	if err == nil {
		err = c.download(ctx, s, url, out)
		if named || !errors.Is(err, syscall.ECONNREFUSED) {
			return true, err
		}
	} else if named {
		return false, err
	}
	return false, standalone.Backup(ctx, c.Data, func(archive *backup.Copy) error {
		bar := newBytes(s, "write")
		defer bar.finish()
		_, err := archive.WriteTo(bar.writer(out, archive.Manifest.Bytes))
		return err
	})
}

// download asks the server for the archive. The server answers when it has made its copy, and then sends it.
func (c *backupCommand) download(ctx context.Context, s Streams, url string, out io.Writer) error {
	token, err := c.adminToken(s)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+standalone.BackupPath, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	s.note("the server at %s makes a copy of its data\n", url)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	all, err := strconv.ParseInt(res.Header.Get(standalone.BackupBytes), 10, 64)
	if res.StatusCode != http.StatusOK || err != nil {
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
		return refusedBy(res, raw)
	}
	bar := newBytes(s, "receive")
	defer bar.finish()
	if _, err := io.Copy(bar.writer(out, all), res.Body); err != nil {
		return fmt.Errorf("receive the backup: %w", err)
	}
	return nil
}

// restoreCommand makes an installation of a backup.
type restoreCommand struct {
	Data string `required:"" placeholder:"NEWDIR" help:"Data folder to make; it must be empty or missing."`
	File string `arg:"" placeholder:"FILE" help:"File that plumbline backup has written."`
	JSON bool   `name:"json" help:"Print what was done as JSON."`
}

// Help says what happens then and shows examples.
func (restoreCommand) Help() string {
	return `Checks every byte of the backup, and only then makes the new data folder; an error leaves nothing behind. At the first
start everything that the log holds is read once more: what is stored already is recognised, what was missing is loaded,
and the days concerned are rolled anew. Retries of old events are duplicates as before.

People who were erased after the backup was made are in it: erase them again (plumbline erase).

Examples:
  plumbline restore --data /var/lib/plumbline-new plumbline-2026-11-24.tar
  plumbline up --data /var/lib/plumbline-new`
}

// Run restores.
func (c *restoreCommand) Run(ctx context.Context, s Streams) error {
	start := time.Now()
	bar, doing := &bytesBar{}, ""
	m, err := backup.Restore(ctx, c.File, c.Data, func(what string, done, all int64) {
		if what != doing {
			bar.finish()
			bar, doing = newBytes(s, what), what
		}
		bar.set(done, all)
	})
	bar.finish()
	if err != nil {
		return err
	}
	if c.JSON {
		return s.json(map[string]any{
			"data": c.Data, "created_at": m.CreatedAt, "plumbline": m.Plumbline, "files": len(m.Files), "bytes": m.Bytes,
			"seconds": time.Since(start).Seconds(),
		})
	}
	s.printf("%s is as it was at %s: %s of %d files\n", c.Data, m.CreatedAt.Format(time.RFC3339), megabytes(m.Bytes), len(m.Files))
	s.printf("start it with: plumbline up --data %s\n", c.Data)
	s.printf("people who were erased since then are to be erased again\n")
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// bytesBar is a progress bar of bytes; it shows nothing where there is no terminal.
type bytesBar struct {
	bar  *progressbar.ProgressBar
	show func(all int64) *progressbar.ProgressBar
}

func newBytes(s Streams, what string) *bytesBar {
	if !s.Terminal {
		return &bytesBar{}
	}
	return &bytesBar{show: func(all int64) *progressbar.ProgressBar {
		if all == 0 {
			all = -1 // not known: it only turns
		}
		return progressbar.NewOptions64(all,
			progressbar.OptionSetWriter(s.Err), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(all > 0),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30),
		)
	}}
}

func (b *bytesBar) set(done, all int64) {
	if b.show == nil {
		return
	}
	if b.bar == nil {
		b.bar = b.show(all)
	}
	_ = b.bar.Set64(done)
}

// writer counts what goes through it. The archive is somewhat longer than its files.
func (b *bytesBar) writer(out io.Writer, all int64) io.Writer {
	written := int64(0)
	return writerFunc(func(p []byte) (int, error) {
		n, err := out.Write(p)
		written += int64(n)
		b.set(min(written, all), all)
		return n, err
	})
}

func (b *bytesBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
