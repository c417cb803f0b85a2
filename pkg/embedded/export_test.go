package embedded

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// ChildCommand is what makes a binary of ours the database.
const ChildCommand = childCommand

// InstalledLibrary is the path of the library that tests run on.
func InstalledLibrary(ctx context.Context) (string, error) {
	e, err := findEngine(ctx, DatabaseConfig{})
	if err != nil {
		return "", err
	}
	if e.kind != kindLibrary {
		return "", fmt.Errorf("the engine of this machine is the binary %s", e.path)
	}
	return e.path, nil
}

// PrivateDSN is the address of the engine itself, behind the shield.
func (db *Database) PrivateDSN() string {
	return strings.Replace(db.DSN(), ":"+strconv.Itoa(db.tcpPort)+"/", ":"+strconv.Itoa(db.tcpPrivate)+"/", 1)
}
