package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"plumbline/pkg/embedded"
)

// A snapshot of a broker that goes on is a broker of its own: with every message and every commit that was
// acknowledged before, and none of those that came after.
func TestSnapshotOfABrokerIsWhole(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, filepath.Join(dir, "kafka"))
	createTopic(t, b.Addrs()[0], nil)
	produce(t, b.Addrs()[0], 0, 20)
	consume(t, b.Addrs()[0], 15)
	links := filepath.Join(dir, "links")
	files, pause, err := b.Snapshot(t.Context(), links)
	if err != nil || pause <= 0 {
		t.Fatalf("pause %s: %v", pause, err)
	}
	produce(t, b.Addrs()[0], 20, 25) // the files grow on
	copied := filepath.Join(dir, "copied")
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(links, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(embedded.BrokerData(copied), f.Path)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, raw[:f.Size], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := startBroker(t, copied)
	produce(t, c.Addrs()[0], 100, 101)
	got := consume(t, c.Addrs()[0], 6)
	if want := append(numbers(15, 20), "100"); !slices.Equal(got, want) {
		t.Errorf("the copy has %v after what was committed; want %v", got, want)
	}
}

// A backup of a database that goes on is another one, with the tables as they were.
func TestBackupOfADatabaseIsWhole(t *testing.T) {
	dir := t.TempDir()
	db := startDatabase(t, filepath.Join(dir, "a"))
	conn := connect(t, db.DSN())
	run(t, conn, createRows)
	run(t, conn, "CREATE TABLE first (n UInt64) ENGINE = MergeTree ORDER BY n")
	run(t, conn, "INSERT INTO rows SELECT number FROM numbers(1000)")
	first := []string{"first"}
	folder, err := db.Backup(t.Context(), "b", first)
	if err != nil {
		t.Fatal(err)
	}
	run(t, conn, "INSERT INTO rows SELECT number FROM numbers(7)")
	restored := filepath.Join(dir, "b")
	if err := os.MkdirAll(filepath.Dir(embedded.BackupFolder(restored, "b")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder, embedded.BackupFolder(restored, "b")); err != nil {
		t.Fatal(err)
	}
	other := startDatabase(t, restored)
	if err := other.Restore(context.Background(), "b", first); err != nil {
		t.Fatal(err)
	}
	if n := count(t, connect(t, other.DSN())); n != 1000 {
		t.Errorf("%d rows, want 1000", n)
	}
}
