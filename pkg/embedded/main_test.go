package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/embedded"
)

// parentCommand makes the test binary a program that starts engines on the
// folder in the next argument, prints their addresses, and waits to be killed.
const parentCommand = "test-parent"

func TestMain(m *testing.M) {
	embedded.Child()
	if filepath.Base(os.Args[0]) == "clickhouse" {
		if err := runStandIn(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == parentCommand {
		if err := runParent(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runParent is the program of parentCommand; it never ends by itself.
func runParent(dir string) error {
	ctx := context.Background()
	db, err := embedded.StartDatabase(ctx, embedded.DatabaseConfig{Dir: dir + "/clickhouse"})
	if err != nil {
		return err
	}
	broker, err := embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: dir + "/kafka"})
	if err != nil {
		return err
	}
	fmt.Println(db.Pid(), db.DSN(), broker.Addrs()[0])
	select {}
}

// parent is a running program of parentCommand.
type parent struct {
	cmd    *exec.Cmd
	child  int    // process id of its database
	dsn    string // of its database
	broker string // address of its broker
}

// startParent starts a process that owns engines on dir.
func startParent(t *testing.T, dir string) *parent {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &parent{cmd: exec.CommandContext(t.Context(), self, parentCommand, dir)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	p.cmd.Stderr = &errs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
		t.Fatalf("the parent process started nothing: %v: %s", err, errs.String())
	}
	if _, err := fmt.Sscan(line, &p.child, &p.dsn, &p.broker); err != nil {
		t.Fatalf("read %q: %v", line, err)
	}
	return p
}

// kill ends the process as a crash would.
func (p *parent) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// startDatabase starts a database on dir that is stopped with the test.
func startDatabase(t *testing.T, dir string) *embedded.Database {
	t.Helper()
	db, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop(context.Background()) })
	return db
}

// connect opens a connection that is closed with the test.
func connect(t *testing.T, dsn string) driver.Conn {
	t.Helper()
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// run runs a statement that must succeed.
func run(t *testing.T, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// count returns the number of rows in the table rows.
func count(t *testing.T, conn driver.Conn) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM rows").Scan(&n); err != nil {
		t.Fatalf("count: %v", err)
	}
	return n
}

// eventually polls cond until it holds, and fails the test after 20 s.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
