package standalone

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/process"
	"plumbline/services/standalone/backup"
)

// BackupPath is where a running installation gives a copy of itself to its administrator. BackupBytes is the header that
// says how many bytes the files in it have; the archive is somewhat longer.
const (
	BackupPath  = "/admin/backup"
	BackupBytes = "X-Plumbline-Backup-Bytes"
)

// recordPatience is how long a backup waits for its entry in the audit log.
const recordPatience = 10 * time.Second

// ErrOutsideEngines says that a folder does not hold the data of its installation.
var ErrOutsideEngines = errors.New("the engines of this installation are outside of it: back them up with their own tools, as BACKUP.md says")

// mountBackup registers the way to a backup.
func (in *installation) mountBackup(e *engines, m *process.Mount) {
	var one sync.Mutex
	m.Router.GET(BackupPath, process.Streaming, func(c *gin.Context) {
		token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(in.keys.AdminToken)) != 1 {
			process.Problem(c, http.StatusUnauthorized, "unauthorized", "A backup holds the keys of this installation: send the admin token as Bearer.", nil)
			return
		}
		if e.database == nil || e.broker == nil {
			process.Problem(c, http.StatusConflict, "outside_engines", ErrOutsideEngines.Error(), nil)
			return
		}
		if !one.TryLock() {
			process.Problem(c, http.StatusConflict, "backup_running", "Another backup is being made: wait for its end.", nil)
			return
		}
		defer one.Unlock()
		if err := in.recordBackup(c, e); err != nil {
			in.log.ErrorContext(c, "backup refused", "error", err)
			c.Header("Retry-After", "5")
			process.Problem(c, http.StatusServiceUnavailable, "audit_away", "A backup is recorded before it is made, and the audit log has not taken the entry: try again in a few seconds.", nil)
			return
		}
		if err := in.streamBackup(c, e); err != nil {
			in.log.ErrorContext(c, "backup failed", "error", err)
			if c.Writer.Written() {
				panic(http.ErrAbortHandler) // half a backup must not look like a whole one
			}
			process.Problem(c, http.StatusInternalServerError, "backup_failed", err.Error(), nil)
		}
	})
}

// recordBackup puts into the audit log that a copy of everything is made, before it is.
func (in *installation) recordBackup(c *gin.Context, e *engines) error {
	entry, err := audit.New(Workspace, audit.InstallationBackup, time.Now())
	if err != nil {
		return err
	}
	entry.Actor, entry.ActorKind, entry.Role, entry.Outcome, entry.RequestID = audit.Token, audit.ByToken, string(access.RoleAdmin), audit.OK, process.RequestID(c)
	key, value, err := entry.Message()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), recordPatience)
	defer cancel()
	producer := bus.NewProducer(e.bus, bus.Audit)
	_, err = producer.Produce(ctx, []bus.Message{{Key: key, Value: value}})
	return errors.Join(err, producer.Close())
}

func (in *installation) streamBackup(c *gin.Context, e *engines) (err error) {
	ctx := c.Request.Context()
	archive, err := backup.Take(ctx, backup.Source{Data: in.cfg.Data, Database: e.database, Broker: e.broker, Version: Version()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	in.log.InfoContext(ctx, "backup taken", "bytes", archive.Manifest.Bytes, "broker_pause_ms", archive.Manifest.BrokerPauseMillis)
	c.Header("Content-Type", "application/x-tar")
	c.Header("Cache-Control", "no-store")
	c.Header(BackupBytes, strconv.FormatInt(archive.Manifest.Bytes, 10))
	c.Status(http.StatusOK)
	_, err = archive.WriteTo(c.Writer)
	return err
}

// Backup copies the installation of a data folder that nothing runs on, and hands the copy to use. It starts the engines
// for it, which lock the folder.
func Backup(ctx context.Context, data string, use func(*backup.Copy) error) (err error) {
	if _, err := ReadKeys(data); err != nil {
		return fmt.Errorf("there is no installation in %s: %w", data, err)
	}
	for _, engine := range []string{"clickhouse", "kafka"} {
		if _, err := os.Stat(filepath.Join(data, engine)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has no folder %s: %w", data, engine, ErrOutsideEngines)
		}
	}
	e, err := startEngines(ctx, Config{Data: data}, func(string, ...any) {})
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
		defer cancel()
		err = errors.Join(err, e.stop(stop))
	}()
	archive, err := backup.Take(ctx, backup.Source{Data: data, Database: e.database, Broker: e.broker, Version: Version()})
	if err != nil {
		return err
	}
	return errors.Join(use(archive), archive.Close())
}
