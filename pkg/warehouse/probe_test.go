package warehouse_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/warehouse"
)

// A probe really writes: it fails for a user that may only read, and where nothing may be written.
func TestProbe(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := db.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Query(t.Context(), "SELECT count() AS n FROM probes", nil, &rows); err != nil || rows[0].N != 1 {
		t.Errorf("%+v, %v; want one row", rows, err)
	}
	dsn := embeddedtest.Database(t)
	// The setting stands for everything that takes the right to write: a read-only replica, a user, a full disk.
	readOnly, err := warehouse.Await(t.Context(), warehouse.Config{DSN: dsn}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_ = readOnly.Close()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("readonly", "2")
	u.RawQuery = query.Encode()
	if readOnly, err = warehouse.Open(t.Context(), warehouse.Config{DSN: u.String()}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = readOnly.Close() }()
	if err := readOnly.Ping(t.Context()); err != nil {
		t.Errorf("it does not answer: %v", err)
	}
	if err := readOnly.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "probe warehouse") {
		t.Errorf("it takes rows: %v", err)
	}
}

// Await waits for a warehouse that does not answer, until ctx ends; what is no address is told at once.
func TestAwaitWarehouse(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := warehouse.Await(ctx, warehouse.Config{DSN: "clickhouse://u@127.0.0.1:1/d"}, quiet); err == nil || ctx.Err() == nil {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := warehouse.Await(t.Context(), warehouse.Config{DSN: "clickhouse://%zz"}, quiet); err == nil {
		t.Error("what is no address was opened")
	}
}
