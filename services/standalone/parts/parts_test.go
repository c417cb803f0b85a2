package parts_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded"
	"plumbline/services/standalone/parts"
)

func TestMain(m *testing.M) {
	embedded.Child()
	parts.Child()
	os.Exit(m.Run())
}

// start starts a part that ends with the test.
func start(t *testing.T, dir, part string, args ...string) *parts.Process {
	t.Helper()
	p, err := parts.Start(t.Context(), parts.Spec{Part: part, Args: args, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// port is a free one.
func port(t *testing.T) string {
	t.Helper()
	n, err := parts.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(n)
}

// answers tells whether the readiness of a service is well.
func answers(t *testing.T, addr string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// eventually polls a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 60 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Every part runs as a process of its own, and what is killed can be started again on the same data and port.
func TestPartsStartDieAndComeBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "a secret of the tests, 32 characters"
	database := start(t, dir, parts.Database, "--dir="+dir+"/clickhouse", "--tcp-port="+port(t), "--http-port="+port(t))
	broker := start(t, dir, parts.Broker, "--dir="+dir+"/kafka", "--port="+port(t))
	engines := []string{"--kafka-brokers=" + broker.Addr(), "--clickhouse-dsn=" + database.Addr()}
	loader := start(t, dir, parts.Loader, append(engines, "--listen=127.0.0.1:"+port(t))...)
	collector := start(t, dir, parts.Collector, append(
		engines, "--listen=127.0.0.1:"+port(t), "--secret="+secret, "--write-key=k-0123456789abcdef", "--workspace-keys=other=k-fedcba9876543210",
	)...)
	scorecard := start(t, dir, parts.Scorecard, append(engines, "--listen=127.0.0.1:"+port(t), "--secret="+secret)...)
	for _, p := range []*parts.Process{loader, collector, scorecard} {
		eventually(t, p.Name()+" is ready", func() bool { return answers(t, p.Addr()) })
	}
	for _, p := range []*parts.Process{database, broker} {
		before := p.Addr()
		p.Kill()
		if p.Running() {
			t.Errorf("%s runs after a kill", p.Name())
		}
		eventually(t, "the loader misses "+p.Name(), func() bool { return !answers(t, loader.Addr()) })
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.Addr() != before {
			t.Errorf("%s is at %s after a restart, want %s", p.Name(), p.Addr(), before)
		}
		eventually(t, "the loader is ready again", func() bool { return answers(t, loader.Addr()) })
	}
	loader.Pause()
	loader.Resume()
	stop, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := loader.Stop(stop); err != nil {
		t.Error(err)
	}
	if u, err := url.Parse(database.Addr()); err != nil || u.Scheme != "clickhouse" {
		t.Errorf("the database is at %q, want a DSN", database.Addr())
	}
}

func TestUnknownPartIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := parts.Start(t.Context(), parts.Spec{Part: "kettle", Dir: dir}); err == nil {
		t.Fatal("a part that there is none of was started")
	}
	log, err := os.ReadFile(dir + "/kettle.log")
	if err != nil || !strings.Contains(string(log), "name collector, loader, scorecard, broker or database") {
		t.Errorf("log %q, %v: it does not say which parts there are", log, err)
	}
}
