package process

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// running is a server under test.
type running struct {
	url  string
	stop context.CancelFunc
	done chan error
}

// serve starts a server and waits until it listens.
func serve(t *testing.T, register func(*Mount) error) *running {
	t.Helper()
	return serveWith(t, Server{}, register)
}

// serveWith is serve with settings.
func serveWith(t *testing.T, s Server, register func(*Mount) error) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	addr := make(chan string, 1)
	r := &running{stop: stop, done: make(chan error, 1)}
	go func() {
		s.Addr, s.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
		s.Ready = func(a string) { addr <- a }
		r.done <- s.Run(ctx, register)
	}()
	t.Cleanup(stop)
	scheme := "http://"
	if s.TLS.Enabled() {
		scheme = "https://"
	}
	select {
	case a := <-addr:
		r.url = scheme + a
	case err := <-r.done:
		select {
		case a := <-addr: // it did listen, and has ended since
			r.url = scheme + a
			r.done <- err
		default:
			t.Fatalf("the server ended at once: %v", err)
		}
	}
	return r
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// request sends one and reads all of its answer.
func request(t *testing.T, method, url, body string) answer {
	t.Helper()
	return requestWith(t, http.DefaultClient, method, url, body)
}

// requestWith is request with a client of its own.
func requestWith(t *testing.T, client *http.Client, method, url, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// wantProblem checks an error answer.
func wantProblem(t *testing.T, got answer, status int, code string) {
	t.Helper()
	var problem struct {
		Type, Title, Code, Detail string
		Status                    int
		RequestID                 string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	if got.status != status || problem.Status != status || problem.Code != code ||
		problem.Type != "urn:plumbline:problem:"+code || problem.Title != http.StatusText(status) {
		t.Errorf("answer %d %s; want %d %s", got.status, got.body, status, code)
	}
	if kind := got.header.Get("Content-Type"); kind != ProblemType {
		t.Errorf("content type %q; want %q", kind, ProblemType)
	}
	if id := got.header.Get("X-Request-Id"); id == "" || problem.RequestID != id {
		t.Errorf("request id %q in the header, %q in the body; want the same", id, problem.RequestID)
	}
}

func TestServerAnswers(t *testing.T) {
	var kafka atomic.Bool
	r := serve(t, func(m *Mount) error {
		m.Health.Add("kafka", func(context.Context) error {
			if kafka.Load() {
				return nil
			}
			return errors.New("no broker answers")
		})
		events := prometheus.NewCounter(prometheus.CounterOpts{Name: "plumbline_test_events_total"})
		m.Metrics.MustRegister(events)
		m.Router.POST("/v1/events", func(c *gin.Context) {
			if _, err := io.ReadAll(c.Request.Body); err != nil {
				Problem(c, http.StatusRequestEntityTooLarge, "too_large", "Too large.", map[string]any{"status": "not this", "limit": 8})
				return
			}
			events.Inc()
			c.Status(http.StatusAccepted)
		})
		m.Router.POST("/v1/import", MaxBody(maxBody+1), Streaming, func(c *gin.Context) {
			n, err := io.Copy(io.Discard, c.Request.Body)
			c.JSON(http.StatusOK, gin.H{"bytes": n, "complete": err == nil})
		})
		m.Router.GET("/v1/panic", func(*gin.Context) { panic("secret detail") })
		m.Fallback(func(c *gin.Context) { c.String(http.StatusOK, "the app") })
		return nil
	})

	got := request(t, "GET", r.url+"/healthz", "")
	if got.status != 200 || got.body != `{"status":"ok"}` {
		t.Errorf("healthz: %d %s", got.status, got.body)
	}
	got = request(t, "GET", r.url+"/readyz", "")
	if got.status != 503 || got.body != `{"checks":{"kafka":"no broker answers"},"status":"not ready"}` {
		t.Errorf("readyz before: %d %s", got.status, got.body)
	}
	kafka.Store(true)
	got = request(t, "GET", r.url+"/readyz", "")
	if got.status != 200 || got.body != `{"checks":{"kafka":"ok"},"status":"ready"}` {
		t.Errorf("readyz after: %d %s", got.status, got.body)
	}

	if got = request(t, "POST", r.url+"/v1/events", "{}"); got.status != 202 {
		t.Errorf("post: %d; want 202", got.status)
	}
	got = request(t, "POST", r.url+"/v1/events", strings.Repeat("x", maxBody+1))
	wantProblem(t, got, 413, "too_large")
	if got = request(t, "POST", r.url+"/v1/import", strings.Repeat("x", maxBody+1)); got.body != `{"bytes":8388609,"complete":true}` {
		t.Errorf("import of 8 MiB and a byte, with that limit: %s", got.body)
	}

	got = request(t, "GET", r.url+"/v1/panic", "")
	wantProblem(t, got, 500, "internal")
	if strings.Contains(got.body, "secret detail") {
		t.Errorf("the answer tells the client what went wrong inside: %s", got.body)
	}
	got = request(t, "GET", r.url+"/v1/nothing", "")
	wantProblem(t, got, 404, "not_found")
	got = request(t, "DELETE", r.url+"/v1/events", "")
	wantProblem(t, got, 405, "method_not_allowed")
	got = request(t, "GET", r.url+"/pipeline", "")
	if got.status != 200 || got.body != "the app" {
		t.Errorf("a page of the app: %d %s", got.status, got.body)
	}
	got = request(t, "POST", r.url+"/pipeline", "")
	wantProblem(t, got, 404, "not_found")

	got = request(t, "GET", r.url+"/metrics", "")
	for _, want := range []string{
		"plumbline_test_events_total 1\n",
		`plumbline_http_request_duration_seconds_count{method="POST",route="/v1/events",status="202"} 1`,
		`plumbline_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1`,
		"go_goroutines ",
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("metrics lack %q", want)
		}
	}

	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("after a stop: %v; want nil", err)
	}
}

func TestRequestIDFromOutside(t *testing.T) {
	for id, keep := range map[string]bool{
		"a-Z_0.9": true, "": false, "a b": false, "a\"b": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false,
	} {
		if got := soundRequestID(id); got != keep {
			t.Errorf("soundRequestID(%q) is %v; want %v", id, got, keep)
		}
	}
}

// A stop finishes the request that runs, then ends the loops, then closes, the
// last first; a stream learns of it.
func TestGracefulStop(t *testing.T) {
	var order []string // written in turn: the stop has one step at a time
	started, finish := make(chan struct{}), make(chan struct{})
	r := serve(t, func(m *Mount) error {
		m.OnStop("first", func(context.Context) error { order = append(order, "close first"); return nil })
		m.OnStop("second", func(context.Context) error { order = append(order, "close second"); return nil })
		m.Go("loop", func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, "loop")
			return ctx.Err()
		})
		m.Router.GET("/slow", func(c *gin.Context) {
			close(started)
			<-m.Stopping()
			<-finish
			order = append(order, "request")
			c.String(http.StatusOK, "finished")
		})
		return nil
	})
	answers := make(chan string, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/slow", nil)
		if err != nil {
			answers <- err.Error()
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- string(body)
	}()
	<-started
	r.stop()
	close(finish)
	if err := <-r.done; err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
	if got := <-answers; got != "finished" {
		t.Errorf("the request that ran got %q; want finished", got)
	}
	if want := []string{"request", "loop", "close second", "close first"}; !slices.Equal(order, want) {
		t.Errorf("order %v; want %v", order, want)
	}
}

func TestFailedLoopStopsTheProcess(t *testing.T) {
	fault := errors.New("offset gap")
	closed := false
	r := serve(t, func(m *Mount) error {
		m.OnStop("warehouse", func(context.Context) error { closed = true; return nil })
		m.Go("finished early", func(context.Context) error { return nil })
		m.Go("loader", func(context.Context) error { return fault })
		return nil
	})
	err := <-r.done
	if !errors.Is(err, fault) || !strings.Contains(err.Error(), "loader: offset gap") {
		t.Errorf("Run returned %v; want the loop's error with its name", err)
	}
	if !closed {
		t.Error("what was open was not closed")
	}
}

// What register had opened before it failed is closed; where the address is
// taken, nothing is opened.
func TestFailedStartCloses(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	fault := errors.New("no such topic")
	for _, tc := range []struct {
		name, addr string
		err        error
		says       string
	}{
		{"register fails", "127.0.0.1:0", fault, "start: no such topic"},
		{"address is taken", taken.Addr().String(), nil, "listen on " + taken.Addr().String()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opened, closed := false, false
			err := Serve(t.Context(), tc.addr, func(m *Mount) error {
				opened = true
				m.OnStop("kafka", func(context.Context) error { closed = true; return nil })
				return tc.err
			}, func(string) { t.Error("it says that it listens") })
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Serve returned %v; want %q", err, tc.says)
			}
			if closed != opened || opened != (tc.err != nil) {
				t.Errorf("opened %t, closed %t", opened, closed)
			}
		})
	}
}

// While a service waits for its engines it is alive and not ready, and everything
// else is to come again; then it serves under the same address. A stop while it
// waits is no failure.
func TestStarting(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := taken.Addr().String()
	_ = taken.Close()
	get := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Retry-After") + string(body)
	}
	for _, stopped := range []bool{false, true} {
		ctx, stop := context.WithCancel(t.Context())
		waiting, there, done, ready := make(chan struct{}), make(chan struct{}), make(chan error, 1), make(chan struct{})
		go func() {
			done <- Serve(ctx, addr, func(m *Mount) error {
				close(waiting)
				select {
				case <-there:
				case <-ctx.Done():
					return ctx.Err()
				}
				m.Router.GET("/v1/thing", func(c *gin.Context) { c.String(http.StatusOK, "thing") })
				return nil
			}, func(string) { close(ready) })
		}()
		<-waiting
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/v1/thing": 503, "/": 503} {
			if status, body := get(path); status != want || path == "/v1/thing" && !strings.HasPrefix(body, "1{") {
				t.Errorf("%s while it starts: %d %s", path, status, body)
			}
		}
		if stopped {
			stop()
		} else {
			close(there)
			<-ready
			for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/v1/thing": 200, "/": 404} {
				if status, body := get(path); status != want {
					t.Errorf("%s afterwards: %d %s", path, status, body)
				}
			}
			stop()
		}
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestSlowCheckIsNotReady(t *testing.T) {
	h := &Health{}
	h.Add("quick", func(context.Context) error { return nil })
	h.Add("slow", func(ctx context.Context) error { <-ctx.Done(); <-t.Context().Done(); return nil })
	start := time.Now()
	got := h.Check(t.Context())
	if got["quick"] != nil || got["slow"] == nil {
		t.Errorf("checks said %v; want quick ready and slow not", got)
	}
	if took := time.Since(start); took > 2*checkTimeout {
		t.Errorf("it took %s; want about %s", took, checkTimeout)
	}
}
