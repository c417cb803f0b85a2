package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// backupFolder is where the engine may write backups to and read them from,
// below the data folder.
const backupFolder = "backups"

// restOfTables is the part of a backup with the tables that are not named.
const restOfTables = "rest"

// BackupFolder is the folder of the backup with this name, below the data
// folder of a database.
func BackupFolder(dir, name string) string { return filepath.Join(dir, backupFolder, name) }

// Backup copies all tables, while the database runs, into a folder of that
// name, which must not exist, and returns the folder; who calls removes it. Each
// table is copied as it is at one moment: first those that are named, in this
// order, then the others.
func (db *Database) Backup(ctx context.Context, name string, first []string) (string, error) {
	dir := BackupFolder(db.dir, name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", fmt.Errorf("back up database: %w", err)
	}
	all := make([]string, 0, len(first))
	for _, table := range first {
		table := databaseName + "." + table
		if err := db.exec(ctx, "BACKUP TABLE "+table+" TO "+backupFile(dir, table)); err != nil {
			return "", errors.Join(fmt.Errorf("back up %s: %w", table, err), os.RemoveAll(dir))
		}
		all = append(all, table)
	}
	statement := "BACKUP DATABASE " + databaseName
	if len(all) > 0 {
		statement += " EXCEPT TABLES " + strings.Join(all, ", ")
	}
	if err := db.exec(ctx, statement+" TO "+backupFile(dir, restOfTables)); err != nil {
		return "", errors.Join(fmt.Errorf("back up database: %w", err), os.RemoveAll(dir))
	}
	return dir, nil
}

// Restore brings back all tables from the folder of a backup with this name,
// which [Database.Backup] made with the same tables. None of the tables may exist.
func (db *Database) Restore(ctx context.Context, name string, first []string) error {
	dir := BackupFolder(db.dir, name)
	for _, table := range first {
		table := databaseName + "." + table
		if err := db.exec(ctx, "RESTORE TABLE "+table+" FROM "+backupFile(dir, table)); err != nil {
			return fmt.Errorf("restore %s: %w", table, err)
		}
	}
	if err := db.exec(ctx, "RESTORE DATABASE "+databaseName+" FROM "+backupFile(dir, restOfTables)); err != nil {
		return fmt.Errorf("restore database: %w", err)
	}
	return nil
}

// backupFile is a place of a backup as SQL.
func backupFile(dir, part string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(filepath.Join(dir, part))
	return "File('" + quoted + "')"
}
