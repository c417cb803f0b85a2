package embedded_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/embedded"
)

// BenchmarkShield inserts 1,000,000 rows, and opens connections, with the shield before the engine and without it.
func BenchmarkShield(b *testing.B) {
	db, err := embedded.StartDatabase(b.Context(), embedded.DatabaseConfig{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Stop(b.Context()) }()
	numbers, texts := make([]uint64, 1_000_000), make([]string, 1_000_000)
	for i := range numbers {
		numbers[i] = uint64(i) * 2654435761
		texts[i] = "a text of some length"
	}
	for _, name := range []string{"direct", "shield", "direct", "shield"} {
		dsn := db.DSN()
		if name == "direct" {
			dsn = db.PrivateDSN()
		}
		opts, err := clickhouse.ParseDSN(dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("insert/"+name, func(b *testing.B) { insert(b, opts, numbers, texts) })
		b.Run("connect/"+name, func(b *testing.B) {
			for b.Loop() {
				conn, err := clickhouse.Open(opts)
				if err != nil {
					b.Fatal(err)
				}
				if err := conn.Ping(b.Context()); err != nil {
					b.Fatal(err)
				}
				if err := conn.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// insert inserts all values at once, into a table of their own.
func insert(b *testing.B, opts *clickhouse.Options, numbers []uint64, texts []string) {
	conn, err := clickhouse.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(b.Context(), "CREATE OR REPLACE TABLE bench (n UInt64, s String) ENGINE = MergeTree ORDER BY tuple()"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO bench")
		if err != nil {
			b.Fatal(err)
		}
		if err := batch.Column(0).Append(numbers); err != nil {
			b.Fatal(err)
		}
		if err := batch.Column(1).Append(texts); err != nil {
			b.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
	}
}
