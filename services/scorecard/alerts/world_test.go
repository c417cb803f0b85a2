package alerts

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/registry"
	"plumbline/pkg/webhook"
)

// got is a message that a receiver has taken, or was asked to take.
type got struct {
	id, body string
	message  struct {
		Type string `json:"type"`
		Data struct {
			Alert, Text, State, URL string
			Facts                   json.RawMessage
		} `json:"data"`
	}
	answer int
}

// world is a log, a receiver with TLS on loopback, a registry and a clock, over which desks run.
type world struct {
	t      *testing.T
	bus    bus.Config
	server *httptest.Server
	ca     string
	clock  atomic.Int64

	mu       sync.Mutex
	records  []registry.Record
	fires    map[string]bool
	outcome  string
	judged   int
	messages []got
	// answer is what the receiver says; onMessage is called before it does.
	answer    int
	onMessage func(*http.Request)
	mails     []string
	mailError error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	brokers, prefix := embeddedtest.Broker(t)
	w := &world{
		t: t, bus: bus.Config{Brokers: brokers, Prefix: prefix, Partitions: 3}, ca: filepath.Join(t.TempDir(), "ca.pem"),
		fires: map[string]bool{}, outcome: Judged, answer: http.StatusNoContent,
	}
	w.clock.Store(time.Date(2026, 11, 2, 5, 0, 0, 0, time.UTC).UnixMilli())
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(w.receive))
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw})
	if err := os.WriteFile(w.ca, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bus.Await(t.Context(), w.bus, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	w.declare(registry.Webhooks, "ops", `{"url":"`+w.server.URL+`/token"}`)
	return w
}

func (w *world) now() time.Time { return time.UnixMilli(w.clock.Load()).UTC() }

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

// receive is the receiver: it believes nothing that is not signed.
func (w *world) receive(rw http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	secret, err := WebhookSecret(installation, workspace, "ops", 0)
	if err == nil {
		err = webhook.Verify(req.Header, body, w.now(), secret)
	}
	if err != nil {
		w.t.Errorf("a message that is not believed: %v", err)
	}
	g := got{id: req.Header.Get(webhook.HeaderID), body: string(body)}
	if err := json.Unmarshal(body, &g.message); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	g.answer = w.answer
	w.messages = append(w.messages, g)
	do := w.onMessage
	w.mu.Unlock()
	if do != nil {
		do(req)
	}
	rw.WriteHeader(g.answer)
}

func (w *world) declare(kind registry.Kind, key, value string) {
	w.t.Helper()
	if _, problems := registry.Decode(kind, key, []byte(value)); len(problems) > 0 {
		w.t.Fatal(problems)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = append(w.records, registry.Record{
		Workspace: workspace, Kind: kind, Key: key, ValidFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), RecordedAt: w.now().Add(time.Duration(len(w.records)) * time.Millisecond),
		EntryID: fmt.Sprint(len(w.records)), Value: []byte(value),
	})
}

func (w *world) snapshot(context.Context) (*registry.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return registry.NewSnapshot(w.records), nil
}

// judge says what the test has set.
func (w *world) judge(_ context.Context, a *registry.Alert) (Judgement, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judged++
	j := Judgement{Outcome: w.outcome, Fires: w.fires[a.Name], Text: "it stands so", Facts: map[string]any{"value": 1}, Path: "/?scope=org"}
	if j.Outcome != Judged {
		j.Fires, j.Text, j.Facts = false, "", nil
	}
	return j, nil
}

func (w *world) set(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// start runs a desk until the test or the returned function ends it.
func (w *world) start() (*Desk, func()) {
	w.t.Helper()
	sender, err := webhook.NewSender(webhook.Config{Allow: []string{"127.0.0.1/32"}, CA: w.ca}, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	d := New(Config{
		Bus: w.bus, Workspace: workspace, Secret: installation, Every: 50 * time.Millisecond, Registry: w.snapshot, Judge: w.judge, Sender: sender,
		URL: "https://plumbline.example.com/", Now: w.now, Metrics: prometheus.NewRegistry(),
		Mail: func(_ context.Context, _ *registry.Digest, id, to string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mails = append(w.mails, id+" "+to)
			return w.mailError
		},
		Log: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
		if err := d.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return d, stop
}

// eventually waits until something holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		ok := holds()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("waited in vain for: %s; messages %+v, mails %v", what, w.messages, w.mails)
		}
	}
}

// rests waits until every alert was judged some more times, so that what would have happened has.
func (w *world) rests() {
	w.t.Helper()
	var from int
	w.set(func() { from = w.judged })
	w.eventually("more judgements", func() bool { return w.judged >= from+6 })
}
