package standalone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumbline/pkg/embedded"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/services/standalone"
	"plumbline/services/standalone/cli"
)

// asCommand makes the test binary be the plumbline command, for tests that need a process of its own.
const asCommand = "TEST_AS_PLUMBLINE"

func TestMain(m *testing.M) {
	embedded.Child()
	if os.Getenv(asCommand) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(cli.Main(ctx, os.Args[1:], cli.Standard()))
	}
	embeddedtest.Main(m)
}

// serve runs a whole Plumbline on the engines of the test until the test ends.
func serve(t *testing.T, change func(*standalone.Config)) standalone.Server {
	t.Helper()
	addrs, prefix := embeddedtest.Broker(t)
	cfg := standalone.Config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", Kafka: addrs, Prefix: prefix, ClickHouse: embeddedtest.Database(t),
		Err: t.Output(), LogFormat: "text", LogLevel: 4,
	}
	if change != nil {
		change(&cfg)
	}
	server, stop := start(t, cfg)
	t.Cleanup(stop)
	return server
}

// start runs an installation and returns it when it is ready, with what stops it.
func start(t *testing.T, cfg standalone.Config) (standalone.Server, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan standalone.Server, 1), make(chan error, 1)
	cfg.Ready = func(s standalone.Server) { ready <- s }
	go func() { ended <- standalone.Run(ctx, cfg) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("stop: %v", err)
			}
		case <-time.After(15 * time.Second):
			t.Error("did not stop in 15 s")
		}
	})
	select {
	case s := <-ready:
		return s, stop
	case err := <-ended:
		cancel()
		t.Fatalf("ended before it was ready: %v", err)
	case <-time.After(2 * time.Minute):
		cancel()
		t.Fatal("not ready after two minutes")
	}
	panic("unreachable")
}

// plumbline runs the command line against a server.
func plumbline(t *testing.T, s standalone.Server, args ...string) (code int, out, errs string) {
	t.Helper()
	env := map[string]string{"PLUMBLINE_URL": s.URL, "PLUMBLINE_WRITE_KEY": s.WriteKey, "PLUMBLINE_ADMIN_TOKEN": s.AdminToken}
	var stdout, stderr bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Streams{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return code, stdout.String(), stderr.String()
}

// request sends one request with a bearer token and returns status and body.
func request(t *testing.T, method, url, token, contentType, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
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

// get reads a document of the scorecard's API.
func get(t *testing.T, s standalone.Server, path string) document {
	t.Helper()
	status, body := request(t, http.MethodGet, s.URL+"/api/v1"+path, s.AdminToken, "", "")
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, body)
	}
	var d document
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber() // exact decimals
	if err := dec.Decode(&d.value); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return d
}

// put writes a registry entry.
func put(t *testing.T, s standalone.Server, path, body string) {
	t.Helper()
	if status, answer := request(t, http.MethodPut, s.URL+"/api/v1/registry/"+path, s.AdminToken, "application/json", body); status >= 300 {
		t.Fatalf("PUT %s: %d %s", path, status, answer)
	}
}

// putMatching writes an entry over the version with an ETag, and returns that of what is written.
func putMatching(t *testing.T, s standalone.Server, path, body, etag string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/api/v1/registry/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.AdminToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", etag)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("PUT %s over %s: %s", path, etag, res.Status)
	}
	return res.Header.Get("ETag")
}

// document is a JSON document to look into.
type document struct{ value any }

// at follows a path such as "measures.win_rate.value" or "variants.1.rate".
func (d document) at(t *testing.T, path string) any {
	t.Helper()
	v := d.value
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[part]
			if !ok {
				t.Fatalf("%s: there is no %q in %v", path, part, x)
			}
			v = next
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				t.Fatalf("%s: there is no entry %q of %d", path, part, len(x))
			}
			v = x[i]
		default:
			t.Fatalf("%s: %v has no %q", path, v, part)
		}
	}
	return v
}

func (d document) text(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprint(d.at(t, path))
}

func (d document) number(t *testing.T, path string) float64 {
	t.Helper()
	n, ok := d.at(t, path).(json.Number)
	if !ok {
		t.Fatalf("%s is %v, no number", path, d.at(t, path))
	}
	f, err := n.Float64()
	if err != nil {
		t.Fatalf("%s is %s", path, n)
	}
	return f
}

// settle waits until everything that was received before now is in the rollups.
func settle(t *testing.T, s standalone.Server) {
	t.Helper()
	since, deadline := time.Now(), time.Now().Add(time.Minute)
	for {
		through := get(t, s, "/scorecard").text(t, "complete_through")
		if at, err := time.Parse(time.RFC3339Nano, through); err == nil && at.After(since) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("complete through %s, a minute after %s", through, since.UTC().Format(time.RFC3339Nano))
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
