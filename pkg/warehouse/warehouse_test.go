package warehouse_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
	"plumbline/schemas/clickhouse"
)

func TestMain(m *testing.M) {
	// A history takes about half a second to load and roll; -rapid.checks asks for more of them.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	embeddedtest.Main(m)
}

// open returns a migrated warehouse of the test's own.
func open(t *testing.T) *warehouse.DB {
	t.Helper()
	return openWith(t, warehouse.Config{})
}

func openWith(t *testing.T, cfg warehouse.Config) *warehouse.DB {
	t.Helper()
	cfg.DSN = embeddedtest.Database(t)
	db, err := warehouse.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Query(t.Context(), "SELECT count() AS n FROM migrations", nil, &rows); err != nil {
		t.Fatal(err)
	}
	if files, _ := migrations(t); rows[0].N != uint64(files) {
		t.Errorf("%d migrations are remembered, want %d", rows[0].N, files)
	}
}

// migrations counts the files and the tables that they make.
func migrations(t *testing.T) (files, tables int) {
	t.Helper()
	names, err := fs.Glob(clickhouse.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := clickhouse.Migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tables += strings.Count(string(text), "\nCREATE TABLE ")
	}
	return len(names), tables
}

// The contract between the Go struct and the raw table of a kind: same columns, same types, same order.
func TestRawTablesMatchTheKinds(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, spec := range event.Catalogue() {
		want := []string{
			"workspace LowCardinality(String)", "day Date32", "identity FixedString(16)", "version UInt64",
			"time DateTime64(3, 'UTC')", "received_at DateTime64(3, 'UTC')", "source LowCardinality(String)", "id String",
			"subject String", "dataschema String", "extensions Map(String, String)", "kafka_partition UInt16",
			"kafka_offset UInt64", "payload FixedString(16)",
		}
		if spec.Kind == event.KindVoid || spec.Kind == event.KindCorrect {
			want = append(want, "target FixedString(16)")
		}
		for _, c := range event.Columns(spec.Kind) {
			want = append(want, c.Name+" "+c.Type)
		}
		var rows []struct {
			Name string `ch:"name"`
			Type string `ch:"type"`
		}
		const sql = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position"
		if err := db.Query(t.Context(), sql, map[string]any{"table": spec.Table}, &rows); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Name+" "+r.Type)
		}
		if !slices.Equal(got, want) {
			t.Errorf("table %s\n got %s\nwant %s", spec.Table, strings.Join(got, ", "), strings.Join(want, ", "))
		}
	}
}

// The engine syncs nothing by default: what it says about each of our tables is what counts.
func TestEveryTableIsDurable(t *testing.T) {
	t.Parallel()
	db := open(t)
	var tables []struct {
		Name string `ch:"name"`
		SQL  string `ch:"create_table_query"`
	}
	const sql = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
	if err := db.Query(t.Context(), sql, nil, &tables); err != nil {
		t.Fatal(err)
	}
	// Beside those of the files there is the one that remembers them.
	if _, made := migrations(t); len(tables) != made+1 {
		t.Errorf("%d tables, want %d", len(tables), made+1)
	}
	settings := map[string]string{
		"fsync_after_insert": "1", "fsync_part_directory": "1", "min_rows_to_fsync_after_merge": "1",
		"min_compressed_bytes_to_fsync_after_merge": "1", "old_parts_lifetime": "480",
	}
	for _, table := range tables {
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			if want := fmt.Sprintf("%s = %s", name, settings[name]); !strings.Contains(table.SQL, want) {
				t.Errorf("table %s is not created with %s", table.Name, want)
			}
		}
	}
}

func TestIdentitiesKeepTheLowestOffset(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	first := maker.Stored(t, "w", "s", "a", day(2026, 3, 1), &event.HoursSaved{DoingMinutes: warehousetest.Number("5")})
	first.Receipt = event.Receipt{Partition: 2, Offset: 7}
	second := first
	second.Receipt.Offset = 9
	for _, r := range []event.Stored{second, first, second} {
		if err := db.InsertIdentities(t.Context(), []event.Stored{r}); err != nil {
			t.Fatal(err)
		}
	}
	want := warehouse.Known{Partition: 2, Offset: 7, Payload: first.Payload, Kind: event.KindHoursSaved, Time: first.Time}
	for partition, found := range map[int]bool{2: true, warehouse.AnyPartition: true, 1: false} {
		known, err := db.LookupIdentities(t.Context(), partition, []event.Identity{first.Identity, {1}})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := known[first.Identity]
		if ok != found || (ok && got != want) || (!ok && len(known) > 0) {
			t.Errorf("partition %d: got %+v, want %+v: %t", partition, known, want, found)
		}
	}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 12, 0, 0, 0, time.UTC)
}

// Times travel as what they are, also where their seconds since 1970 have fewer digits than today's.
func TestQueryTakesTimesOfAllYears(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, want := range []time.Time{
		time.Date(1969, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 1, 2, 3, 4e6, time.FixedZone("", 3600)),
	} {
		var rows []struct {
			T time.Time `ch:"t"`
		}
		if err := db.Query(t.Context(), "SELECT {t:DateTime64(3, 'UTC')} AS t", map[string]any{"t": want}, &rows); err != nil {
			t.Fatal(err)
		}
		if !rows[0].T.Equal(want) {
			t.Errorf("got %s, want %s", rows[0].T, want)
		}
	}
}
