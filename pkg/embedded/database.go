package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DatabaseConfig says where a database lives and how it is reached.
type DatabaseConfig struct {
	// Dir is the data folder; it is created (mode 0700) where missing, and
	// one process at a time may use it.
	Dir string
	// Library is the path of libchdb.so, and Binary that of a clickhouse
	// binary to use instead. Where both are empty, the first of these is
	// used: the library that PLUMBLINE_ENGINE names, a recent `clickhouse` on
	// PATH, engine/libchdb.so beside the executable, and the library that
	// scripts/engine installed for this user.
	Library, Binary string
	// TCPPort and HTTPPort are where the native and the HTTP protocol listen,
	// on 127.0.0.1. 0: a free port.
	TCPPort, HTTPPort int
	// Stderr gets what the engine writes to its error output, beside its log
	// file. Nil: nothing.
	Stderr io.Writer
}

// Database is a running ClickHouse server.
type Database struct {
	dir            string
	user, password string
	tcpPort        int
	httpPort       int
	// tcpPrivate and httpPrivate are where the engine itself listens, behind the shield.
	tcpPrivate, httpPrivate int
	cmd                     *exec.Cmd
	stdin                   io.Closer // closing it ends the child
	lock                    *os.File
	output                  *tail
	stopOnce                sync.Once
	stopping                chan struct{} // closed when Stop was called
	done                    chan struct{} // closed when the child has ended
	err                     error         // why it ended; valid once done is closed
}

const (
	databaseUser = "plumbline"
	databaseName = "plumbline"

	// readyTimeout bounds a start. A start takes 0.3 s; a folder with many
	// thousand parts takes longer, as all of them are loaded first.
	readyTimeout = 2 * time.Minute
	// portAttempts is how often a start is tried with other free ports.
	portAttempts = 3
)

// blockingQuery keeps clickhouse-local, and so its listeners, alive. It needs
// no privilege; ending it stops the server in good order, which it notices
// every 0.1 s. It ends by itself after 300 years.
const blockingQuery = "SELECT sleepEachRow(0.1) FROM numbers(100000000000) FORMAT Null " +
	"SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0"

// errPortTaken says that a listener could not be bound.
var errPortTaken = errors.New("port is taken")

// StartDatabase starts ClickHouse on the folder and returns once it answers on
// both protocols. ctx bounds the start only; the database then runs until Stop,
// or until this process ends, however it ends. Data that was acknowledged is
// there at the next start.
//
// Errors wrap [ErrNoEngine] where the machine has no engine, and
// [ErrFolderInUse] where another process holds the folder.
func StartDatabase(ctx context.Context, cfg DatabaseConfig) (*Database, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start database: %w", err)
	}
	cfg.Dir = dir
	eng, err := findEngine(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start database: %w", err)
	}
	lock, err := lockFolder(ctx, cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start database: %w", err)
	}
	db, err := startLocked(ctx, cfg, eng, lock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start database: %w", err), lock.Close())
	}
	return db, nil
}

// startLocked starts the engine on a folder whose lock is held, with other
// ports where a free one was taken in between.
func startLocked(ctx context.Context, cfg DatabaseConfig, eng engine, lock *os.File) (*Database, error) {
	password, err := writeConfig(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		ports, err := freePorts(ctx, 4)
		if err != nil {
			return nil, err
		}
		db := &Database{
			dir: cfg.Dir, user: databaseUser, password: password,
			tcpPort: cfg.TCPPort, httpPort: cfg.HTTPPort, tcpPrivate: ports[2], httpPrivate: ports[3],
			lock: lock, output: &tail{next: cfg.Stderr},
			stopping: make(chan struct{}), done: make(chan struct{}),
		}
		if db.tcpPort == 0 {
			db.tcpPort = ports[0]
		}
		if db.httpPort == 0 {
			db.httpPort = ports[1]
		}
		err = db.start(ctx, cfg.Dir, eng)
		if err == nil {
			return db, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == portAttempts {
			return nil, err
		}
	}
}

// start starts the child and waits until it answers; it leaves no child behind
// where it fails.
func (db *Database) start(ctx context.Context, dir string, eng engine) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	args := []string{childCommand, eng.kind, eng.path, shieldArg(db.tcpPort, db.tcpPrivate, db.httpPort, db.httpPrivate)}
	args = append(args, engineArgs(dir, db.tcpPrivate, db.httpPrivate)...)
	// The child outlives ctx: its own stdin says when to end.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, args...)
	cmd.Dir = dir
	cmd.Env = childEnvironment()
	cmd.Stdout, cmd.Stderr = db.output, db.output
	cmd.ExtraFiles = []*os.File{db.lock} // descriptor 3, see lockFolder
	// A group of its own: Ctrl-C on a terminal must not end the database
	// before those who write to it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	db.cmd, db.stdin = cmd, stdin
	go db.watch()
	if err := db.awaitReady(ctx); err != nil {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		<-db.done
		return err
	}
	return nil
}

// watch waits for the child's end and says why it ended.
func (db *Database) watch() {
	err := db.cmd.Wait()
	select {
	case <-db.stopping:
	default:
		reason := "it exited"
		if err != nil {
			reason = err.Error()
		}
		db.err = fmt.Errorf("database ended unexpectedly: %s: %s", reason, db.output.String())
	}
	close(db.done)
}

// awaitReady polls until the server answers as the user whose password only it
// knows, so that no other server on the same port is taken for it.
func (db *Database) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var last error
	for {
		// The native listener is started before the HTTP one.
		if last = db.exec(ctx, "CREATE DATABASE IF NOT EXISTS "+databaseName); last == nil {
			return nil
		}
		select {
		case <-db.done:
			if strings.Contains(strings.ToLower(db.output.String()), "address already in use") {
				return fmt.Errorf("%w: %d (native) or %d (HTTP): %w", errPortTaken, db.tcpPort, db.httpPort, db.err)
			}
			return db.err
		default:
		}
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("database did not answer in time: %w (last answer: %w): %s", err, last, db.output.String())
		}
	}
}

// exec runs one statement without a result over HTTP.
func (db *Database) exec(ctx context.Context, statement string) error {
	return account{httpPort: db.httpPort, user: db.user, password: db.password}.exec(ctx, "", statement)
}

// DSN is the address of the native protocol in the form that clickhouse-go
// reads: clickhouse://user:password@127.0.0.1:port/plumbline.
func (db *Database) DSN() string {
	dsn := url.URL{
		Scheme: "clickhouse",
		User:   url.UserPassword(db.user, db.password),
		Host:   net.JoinHostPort(loopback, strconv.Itoa(db.tcpPort)),
		Path:   "/" + databaseName,
	}
	return dsn.String()
}

// HTTPAddr is the address, host:port, of the HTTP protocol.
func (db *Database) HTTPAddr() string {
	return net.JoinHostPort(loopback, strconv.Itoa(db.httpPort))
}

// Pid is the process id of the child.
func (db *Database) Pid() int { return db.cmd.Process.Pid }

// Done is closed when the database has ended, for whatever reason. Stop is
// still to be called then: it releases the folder.
func (db *Database) Done() <-chan struct{} { return db.done }

// Err says why the database ended, once Done is closed: nil after Stop.
func (db *Database) Err() error {
	select {
	case <-db.done:
		return db.err
	default:
		return nil
	}
}
