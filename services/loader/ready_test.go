package loader

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // the tests start engines late, which the shared ones of embeddedtest can not
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// freePort is a port on which nobody listens now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ready asks a service whether it is ready.
func ready(t *testing.T, address string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// becomes waits until a service says so.
func becomes(t *testing.T, address string, want int, says string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		status, body := ready(t, address)
		if status == want && strings.Contains(body, says) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %d %s; want %d and %q", status, body, want, says)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A loader that starts before its engines waits for both, is alive and not ready meanwhile, and then loads. It tells when
// the warehouse has gone, and when it has come back.
func TestStartsBeforeItsEngines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(port int) *embedded.Database {
		t.Helper()
		engine, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: filepath.Join(dir, "clickhouse"), TCPPort: port})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Stop(context.WithoutCancel(t.Context())) })
		return engine
	}
	port := freePort(t)
	engine := start(port) // once, so that its password is known
	dsn := engine.DSN()
	if err := engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	brokerPort := freePort(t)
	cfg := Config{
		Bus:       bus.Config{Brokers: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(brokerPort))}, Partitions: 2},
		Warehouse: warehouse.Config{DSN: dsn}, Linger: 50 * time.Millisecond, RollLinger: 50 * time.Millisecond,
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- process.Server{Addr: address, Log: slog.New(slog.DiscardHandler)}.Run(ctx, func(m *process.Mount) error { return Run(ctx, cfg, m) })
	}()
	becomes(t, address, http.StatusServiceUnavailable, `"status":"starting"`)
	engine = start(port)
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: filepath.Join(dir, "kafka"), Port: brokerPort})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.WithoutCancel(t.Context())) })
	becomes(t, address, http.StatusOK, `"warehouse":"ok"`)

	w := worldOf(t, cfg)
	rows := w.history(31)
	w.send(rows...)
	w.check(rows, time.UTC)

	// A warehouse that answers and takes no rows, as one with a full disk or with other rights would.
	execute(t, engine, "ALTER TABLE probes ADD CONSTRAINT full CHECK at < '2000-01-01'")
	becomes(t, address, http.StatusServiceUnavailable, "probe warehouse: insert into probes")
	execute(t, engine, "ALTER TABLE probes DROP CONSTRAINT full")
	becomes(t, address, http.StatusOK, `"warehouse":"ok"`)

	if err := engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	becomes(t, address, http.StatusServiceUnavailable, `"broker":"ok"`)
	start(port)
	becomes(t, address, http.StatusOK, `"warehouse":"ok"`)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the loader ended with %v", err)
	}
}

// execute runs a statement on an engine.
func execute(t *testing.T, engine *embedded.Database, statement string) {
	t.Helper()
	dsn, err := url.Parse(engine.DSN())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+engine.HTTPAddr()+"/?database="+strings.TrimPrefix(dsn.Path, "/"), strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := dsn.User.Password()
	req.SetBasicAuth(dsn.User.Username(), password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", statement, res.Status, answer, err)
	}
}
