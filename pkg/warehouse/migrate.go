package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"plumbline/schemas/clickhouse"
)

const createMigrations = `CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480`

var errChanged = errors.New("was changed after it had been applied")

// Migrate brings the schema up to date. It asks what is there already, so that it may run at every start and in
// several processes at once: each statement is written so that it changes nothing the second time. A released
// migration whose text has changed is an error.
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.exec(ctx, createMigrations, nil); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	var applied []struct {
		Name     string `ch:"name"`
		Checksum string `ch:"checksum"`
	}
	if err := db.Query(ctx, "SELECT name, any(checksum) AS checksum FROM migrations GROUP BY name", nil, &applied); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	known := make(map[string]string, len(applied))
	for _, a := range applied {
		known[a.Name] = a.Checksum
	}
	names, err := fs.Glob(clickhouse.Migrations, "*.sql")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := clickhouse.Migrations.ReadFile(name)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		sum := sha256.Sum256(text)
		checksum := hex.EncodeToString(sum[:])
		switch before, done := known[name]; {
		case done && before == checksum:
			continue
		case done:
			return fmt.Errorf("migrate: %s %w: write a new migration instead", name, errChanged)
		}
		if err := db.apply(ctx, name, string(text), checksum); err != nil {
			return err
		}
	}
	return nil
}

// apply runs one file and remembers it.
func (db *DB) apply(ctx context.Context, name, text, checksum string) error {
	for i, statement := range strings.Split(strings.TrimSpace(text)+"\n", ";\n\n") {
		statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
		if err := db.exec(ctx, statement, nil); err != nil {
			return fmt.Errorf("migrate: %s: statement %d: %w", name, i+1, err)
		}
	}
	const remember = "INSERT INTO migrations SELECT {name:String}, {checksum:String}, {at:DateTime64(3, 'UTC')}"
	if err := db.exec(ctx, remember, map[string]any{"name": name, "checksum": checksum, "at": time.Now().UTC().Truncate(time.Millisecond)}); err != nil {
		return fmt.Errorf("migrate: remember %s: %w", name, err)
	}
	return nil
}
