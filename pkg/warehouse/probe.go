package warehouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/trust"
)

// Probe finds out whether the warehouse takes rows now, by writing one to a table of its own: a full disk, a missing
// right and a read-only replica are told before an event meets them. Keep its answer for some seconds: each row is a part.
func (db *DB) Probe(ctx context.Context) error {
	err := db.send(ctx, "probes", []string{"at"}, func(b driver.Batch) error {
		return b.Append(time.Now().UTC())
	})
	if err != nil {
		return fmt.Errorf("probe warehouse: %w", err)
	}
	return nil
}

// The codes of ClickHouse that waiting does not change.
const (
	codeUnknownDatabase      = 81
	codeUnknownUser          = 192
	codeWrongPassword        = 193
	codeRequiredPassword     = 194
	codeAuthenticationFailed = 516
)

// hopeless tells whether trying again can not help, since the configuration is wrong.
func hopeless(err error) bool {
	var refused *clickhouse.Exception
	if !errors.As(err, &refused) {
		return errors.Is(err, errChanged) || errors.Is(err, trust.ErrRefused)
	}
	switch refused.Code {
	case codeUnknownDatabase, codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeAuthenticationFailed:
		return true
	}
	return false
}

const (
	awaitLeast = 100 * time.Millisecond
	awaitMost  = 5 * time.Second
	// awaitSilence is how often the log says that the warehouse is still awaited.
	awaitSilence = 30 * time.Second
)

// Await opens the warehouse and brings its schema up to date, and waits for it where it does not answer or can not do so
// now. It gives up when ctx ends, or where waiting can not help: a wrong address, user or database, a server that we do not
// believe or that does not believe us, or a schema that is not ours.
func Await(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open warehouse: %w", err)
	}
	var told time.Time
	for wait := awaitLeast; ; wait = min(2*wait, awaitMost) {
		db, err := openMigrated(ctx, cfg)
		if err == nil {
			if !told.IsZero() {
				log.InfoContext(ctx, "the warehouse is there")
			}
			return db, nil
		}
		if ctx.Err() != nil || hopeless(err) {
			return nil, errors.Join(ctx.Err(), err)
		}
		if time.Since(told) > awaitSilence {
			told = time.Now()
			log.WarnContext(ctx, "waiting for the warehouse", "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(ctx.Err(), err)
		case <-timer.C:
		}
	}
}

func openMigrated(ctx context.Context, cfg Config) (*DB, error) {
	db, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
