package collector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/services/collector"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const (
	structured = "application/cloudevents+json"
	batched    = "application/cloudevents-batch+json"
)

// now is the clock of the collectors under test.
func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// config is for a collector on the broker of the tests.
func config(t *testing.T) collector.Config {
	t.Helper()
	addrs, prefix := embeddedtest.Broker(t)
	return collector.Config{
		Bus:       bus.Config{Brokers: addrs, Prefix: prefix, Partitions: 3},
		Secret:    event.Secret("0123456789abcdef0123456789abcdef"),
		WriteKeys: []string{"the-key"},
		Now:       now,
	}
}

// served is a collector behind a real listener.
type served struct {
	cfg collector.Config
	url string
	// stop begins a graceful stop, ended waits for its end.
	stop  context.CancelFunc
	ended func() error
	// routes are what the collector has registered.
	routes func() gin.RoutesInfo
}

// serve starts a collector; it is stopped with the test.
func serve(t *testing.T, cfg collector.Config) *served {
	t.Helper()
	return serveLogging(t, cfg, io.Discard)
}

// serveLogging also writes the log elsewhere.
func serveLogging(t *testing.T, cfg collector.Config, log io.Writer) *served {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan error, 1)
	var routes func() gin.RoutesInfo
	go func() {
		done <- process.Server{
			Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), log), nil)), Ready: func(a string) { addr <- a },
		}.Run(ctx, func(m *process.Mount) error {
			routes = m.Router.(*gin.Engine).Routes
			return collector.Run(ctx, cfg, m)
		})
	}()
	ended := sync.OnceValue(func() error { return <-done })
	t.Cleanup(func() {
		stop()
		if err := ended(); err != nil {
			t.Errorf("the collector ended with %v", err)
		}
	})
	select {
	case a := <-addr:
		return &served{cfg, "http://" + a, stop, ended, routes}
	case err := <-done:
		done <- nil
		t.Fatalf("the collector did not start: %v", err)
		return nil
	}
}

// answer is what a collector said.
type answer struct {
	Status  int            `json:"-"`
	Header  http.Header    `json:"-"`
	Body    string         `json:"-"`
	Answers []event.Answer `json:"answers"`

	Accepted, Duplicates, Rejected, Retry int
	Code                                  string  `json:"code"`
	Limit                                 float64 `json:"limit_bytes"`
	LimitEvents                           int     `json:"limit_events"`
}

// do sends a request with the key of the tests, unless header has another.
func (s *served) do(t *testing.T, method, path, body string, header map[string]string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-key")
	for k, v := range header {
		req.Header.Del(k)
		if v != "" {
			req.Header[http.CanonicalHeaderKey(k)] = []string{v}
		}
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
	out := answer{Status: res.StatusCode, Header: res.Header, Body: string(raw)}
	if kind := res.Header.Get("Content-Type"); strings.Contains(kind, "json") && !strings.Contains(kind, "ndjson") && len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
	}
	return out
}

// post sends events.
func (s *served) post(t *testing.T, contentType, body string) answer {
	t.Helper()
	return s.do(t, http.MethodPost, "/v1/events", body, map[string]string{"Content-Type": contentType})
}

// one is a good event with the id; changes are members of the event to replace, nil removes one.
func one(id string, changes map[string]any) string {
	e := map[string]any{
		"specversion": "1.0", "id": id, "source": "/tests", "type": "plumbline.hours_saved.v1",
		"time": "2026-11-01T09:30:00Z", "data": map[string]any{"workflow": "blog-post", "doing_minutes": 30},
	}
	maps.Copy(e, changes)
	maps.DeleteFunc(e, func(_ string, v any) bool { return v == nil })
	raw, _ := json.Marshal(e)
	return string(raw)
}

// many are n good events, "e0" to "e<n-1>".
func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = one(fmt.Sprint("e", i), nil)
	}
	return out
}

func batch(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

// topic reads all messages of a topic, which must be n.
func topic(t *testing.T, cfg bus.Config, name bus.Name, n int) []kafka.Message {
	t.Helper()
	got := everything(t, cfg, name)
	if len(got) != n {
		t.Fatalf("%d messages on %s; want %d", len(got), name, n)
	}
	return got
}

// everything reads all messages of a topic.
func everything(t *testing.T, cfg bus.Config, name bus.Name) []kafka.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	var got []kafka.Message
	idle := map[int]bool{}
	err := bus.Consume(ctx, cfg, bus.ConsumeConfig{
		Group: "reader", Topic: name, Session: 6 * time.Second,
		Idle: func(partition int, _ int64, _ time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if idle[partition] = true; len(idle) == cfg.Partitions {
				cancel() // everything was read
			}
		},
	}, func(_ context.Context, c bus.Chunk) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, c.Messages...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// stored reads n events of the topic of events, by id.
func stored(t *testing.T, cfg bus.Config, n int) map[string]event.Stored {
	t.Helper()
	out := map[string]event.Stored{}
	for _, m := range topic(t, cfg, bus.Events, n) {
		s, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		if want := bus.PartitionOf(m.Key, cfg.Partitions); m.Partition != want {
			t.Errorf("%s is in partition %d; want %d", s.ID, m.Partition, want)
		}
		out[s.ID] = s
	}
	return out
}

// kept reads n rejects, by id.
func kept(t *testing.T, cfg bus.Config, n int) map[string]warehouse.Reject {
	t.Helper()
	out := map[string]warehouse.Reject{}
	for _, m := range topic(t, cfg, bus.Rejected, n) {
		var r warehouse.Reject
		if err := json.Unmarshal(m.Value, &r); err != nil {
			t.Fatal(err)
		}
		out[r.ID] = r
	}
	return out
}
