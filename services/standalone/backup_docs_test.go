package standalone_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded"
	"plumbline/pkg/warehouse"
)

// documented are the SQL statements of BACKUP.md that begin with one of the words, in their order.
func documented(t *testing.T, words ...string) []string {
	t.Helper()
	text, err := os.ReadFile("BACKUP.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for statement := range strings.SplitSeq(block[1], ";") {
			statement = strings.Join(strings.Fields(statement), " ")
			if word, _, _ := strings.Cut(statement, " "); slices.Contains(words, word) {
				out = append(out, statement)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("BACKUP.md has no statement with %v", words)
	}
	return out
}

// engine is a ClickHouse of a test's own, of which the embedded one lets backups be on no other disk than a folder.
type engine struct {
	t   *testing.T
	dir string
	db  *embedded.Database
}

func startEngine(t *testing.T, dir string) *engine {
	t.Helper()
	db, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop(t.Context()) })
	return &engine{t, dir, db}
}

// ask runs a statement and returns its answer.
func (e *engine) ask(statement string) string {
	e.t.Helper()
	dsn, err := url.Parse(e.db.DSN())
	if err != nil {
		e.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, "http://"+e.db.HTTPAddr()+"/", strings.NewReader(statement))
	if err != nil {
		e.t.Fatal(err)
	}
	password, _ := dsn.User.Password()
	req.SetBasicAuth(dsn.User.Username(), password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %s %s %v", statement, res.Status, raw, err)
	}
	return strings.TrimSpace(string(raw))
}

// run runs a documented statement: what it calls the disk is a folder here.
func (e *engine) run(statement string) string {
	e.t.Helper()
	place := regexp.MustCompile(`Disk\('backups', '([^']*)'\)`)
	return e.ask(place.ReplaceAllString(statement, "File('"+embedded.BackupFolder(e.dir, "$1")+"')"))
}

// counts are the tables and how many rows each has.
func (e *engine) counts(where string) string {
	e.t.Helper()
	return e.ask("SELECT name, total_rows FROM system.tables WHERE database = 'plumbline' AND " + where + " ORDER BY name FORMAT TSV")
}

// What BACKUP.md says for ClickHouse brings every table back, and where offsets did not stay no rollup is forgotten.
func TestTheStatementsOfTheDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts engines of its own")
	}
	root := t.TempDir()
	first := startEngine(t, filepath.Join(root, "first"))
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: first.db.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The documented place of a note of duplicates is that of a migration that there is.
	if n := first.ask("SELECT count() FROM plumbline.migrations WHERE name = '0010_duplicates.sql'"); n != "1" {
		t.Errorf("%s migrations of duplicates", n)
	}
	noted := make([]warehouse.Duplicate, 5)
	for i := range noted {
		noted[i] = warehouse.Duplicate{Workspace: "w", Source: "s", ReceivedAt: time.Now().UTC(), KafkaOffset: uint64(i)}
	}
	if err := db.InsertDuplicates(t.Context(), noted); err != nil {
		t.Fatal(err)
	}
	for table := range strings.SplitSeq(first.ask("SELECT name FROM system.tables WHERE database = 'plumbline' AND name LIKE 'rollup_%'"), "\n") {
		first.ask(fmt.Sprintf("INSERT INTO plumbline.%s SELECT * FROM generateRandom((SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') "+
			"FROM (SELECT name, type FROM system.columns WHERE database = 'plumbline' AND table = '%s' AND default_kind != 'ALIAS' ORDER BY position)), 1, 3, 2) LIMIT 3", table, table))
	}
	for _, statement := range documented(t, "BACKUP") {
		if answer := first.run(statement); !strings.HasSuffix(answer, "BACKUP_CREATED") {
			t.Errorf("%s: %s", statement, answer)
		}
	}
	const all = "name NOT IN ('probes')"
	want := first.counts(all)

	second := startEngine(t, filepath.Join(root, "second"))
	if err := os.CopyFS(embedded.BackupFolder(second.dir, ""), os.DirFS(embedded.BackupFolder(first.dir, ""))); err != nil {
		t.Fatal(err)
	}
	for _, statement := range documented(t, "CREATE", "RESTORE") {
		second.run(statement)
	}
	if got := second.counts(all); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
	for _, statement := range documented(t, "TRUNCATE", "ALTER") {
		second.run(statement)
	}
	if left := second.counts("name LIKE 'rollup_%' AND name != 'rollup_shapes' AND total_rows > 0"); left != "" {
		t.Errorf("the documentation leaves rollups of other offsets:\n%s", left)
	}
}
