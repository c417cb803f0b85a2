package embedded_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"plumbline/pkg/embedded"
)

const createRows = "CREATE TABLE IF NOT EXISTS rows (n UInt64) ENGINE = MergeTree ORDER BY n"

func TestDatabaseKeepsDataAndPasswordOverARestart(t *testing.T) {
	dir := t.TempDir()
	db := startDatabase(t, dir)
	first := db.DSN()
	conn := connect(t, first)
	run(t, conn, createRows)
	run(t, conn, "INSERT INTO rows SELECT number FROM numbers(1000)")
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-db.Done()
	if err := db.Err(); err != nil {
		t.Errorf("after Stop, Err is %v; want nil", err)
	}

	db = startDatabase(t, dir)
	if got, want := password(t, db.DSN()), password(t, first); got != want {
		t.Errorf("the password changed over a restart")
	}
	if n := count(t, connect(t, db.DSN())); n != 1000 {
		t.Errorf("%d rows after a restart; want 1000", n)
	}
}

// password is the one in the DSN, which must not be a weak one.
func password(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := u.User.Password()
	if len(p) < 32 {
		t.Fatalf("the password has %d characters; want at least 32", len(p))
	}
	return p
}

// Everything acknowledged is there after the database process was killed, and
// the owner learns of its end.
func TestDatabaseKeepsAcknowledgedRowsOverKill(t *testing.T) {
	dir := t.TempDir()
	db := startDatabase(t, dir)
	conn := connect(t, db.DSN())
	run(t, conn, createRows)
	for range 20 {
		run(t, conn, "INSERT INTO rows SELECT number FROM numbers(5000)")
	}
	if err := syscall.Kill(db.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-db.Done()
	if err := db.Err(); err == nil || !strings.Contains(err.Error(), "ended unexpectedly") {
		t.Errorf("Err after a kill is %v; want one that says that it ended unexpectedly", err)
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Errorf("Stop after a kill: %v", err)
	}
	// 20 inserts of 5,000.
	if n := count(t, connect(t, startDatabase(t, dir).DSN())); n != 100_000 {
		t.Errorf("%d rows after a kill; want 100000", n)
	}
}

// A database must not outlive its owner, or the next one could not start on the
// same folder.
func TestDatabaseDiesWithItsParent(t *testing.T) {
	dir := t.TempDir()
	p := startParent(t, dir)
	conn := connect(t, p.dsn)
	run(t, conn, createRows)
	run(t, conn, "INSERT INTO rows SELECT number FROM numbers(7)")
	p.kill(t)
	eventually(t, "the database of a killed parent has ended", func() bool {
		return errors.Is(syscall.Kill(p.child, 0), syscall.ESRCH) || zombie(p.child)
	})
	if n := count(t, connect(t, startDatabase(t, filepath.Join(dir, "clickhouse")).DSN())); n != 7 {
		t.Errorf("%d rows after the parent was killed; want 7", n)
	}
}

// zombie reports whether a process has ended without anyone having waited for
// it, as in a container whose first process does not.
func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

func TestDatabaseDeniesAnonymousAccess(t *testing.T) {
	dir := t.TempDir()
	db := startDatabase(t, dir)
	run(t, connect(t, db.DSN()), createRows)
	for _, statement := range []string{
		"SELECT * FROM plumbline.rows",
		"INSERT INTO plumbline.rows VALUES (1)",
		"CREATE TABLE default.mine (n UInt8) ENGINE = Memory",
		"CREATE USER me",
		"SELECT * FROM file('/etc/hostname', LineAsString)",
		"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
		"DROP DATABASE plumbline",
		"SYSTEM SHUTDOWN",
	} {
		status, body := ask(t, db, "", statement)
		if status == http.StatusOK || !strings.Contains(body, "ACCESS_DENIED") {
			t.Errorf("anonymous %q: %d %s; want ACCESS_DENIED", statement, status, body)
		}
	}
	wrong := strings.Replace(db.DSN(), password(t, db.DSN()), "guess", 1)
	if err := connect(t, wrong).Ping(t.Context()); err == nil {
		t.Error("a wrong password was let in")
	}
	for _, name := range []string{"password", "users.xml"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v; want 0600", name, info.Mode())
		}
	}
}

// ask runs a statement over HTTP, as nobody where the password is empty.
func ask(t *testing.T, db *embedded.Database, password, statement string) (status int, body string) {
	t.Helper()
	// A body of unknown length travels in chunks.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+db.HTTPAddr()+"/", io.MultiReader(strings.NewReader(statement)))
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		req.SetBasicAuth("plumbline", password)
	}
	req.Header.Set("Expect", "100-continue")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestTwoDatabasesSideBySide(t *testing.T) {
	one, two := startDatabase(t, t.TempDir()), startDatabase(t, t.TempDir())
	if password(t, one.DSN()) == password(t, two.DSN()) {
		t.Error("two databases have the same password")
	}
	a, b := connect(t, one.DSN()), connect(t, two.DSN())
	run(t, a, createRows)
	run(t, b, createRows)
	run(t, a, "INSERT INTO rows SELECT number FROM numbers(3)")
	if n, m := count(t, a), count(t, b); n != 3 || m != 0 {
		t.Errorf("%d and %d rows; want 3 and 0", n, m)
	}
}

func TestDatabaseFolderHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	db := startDatabase(t, dir)
	_, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir})
	if !errors.Is(err, embedded.ErrFolderInUse) {
		t.Fatalf("second start: %v; want ErrFolderInUse", err)
	}
	for _, want := range []string{dir, "process " + strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
	if err := db.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	startDatabase(t, dir)
}

func TestDatabaseOnAGivenPortThatIsTaken(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	u, err := url.Parse(db.DSN())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	_, err = embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: t.TempDir(), TCPPort: port})
	if err == nil || !strings.Contains(err.Error(), "port is taken: "+u.Port()) {
		t.Errorf("start on a taken port: %v; want an error that names it", err)
	}
}

func TestMissingEngineSaysWhatToDo(t *testing.T) {
	t.Setenv(embedded.EngineVariable, filepath.Join(t.TempDir(), "libchdb.so"))
	_, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: t.TempDir()})
	if !errors.Is(err, embedded.ErrNoEngine) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error is %v; want ErrNoEngine", err)
	}
	if !strings.Contains(err.Error(), "scripts/engine") {
		t.Errorf("%q does not say what to run", err)
	}
}

func TestUnusableEngineFailsAtOnce(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(library, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: t.TempDir(), Library: library})
	if err == nil || !strings.Contains(err.Error(), "load the database engine") {
		t.Errorf("error is %v; want one about loading the engine", err)
	}
}

func TestStopIsRepeatable(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // even without time left
	for range 2 {
		if err := db.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
