package alerts

import (
	"context"
	"crypto/sha256"
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
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/webhook"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const workspace = "default"

var installation = event.Secret("a secret of the tests, 32 characters or more")

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

const alert = `{"name":"a","when":"below","measure":"hours_saved_net","threshold":10,"webhook":"ops","cooldown_hours":2}`

// An alert tells once that it fires and once that it no longer does, not again within its cool-down, and nothing where nothing can be
// said.
func TestAlertIsTold(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	d, _ := w.start()
	w.rests()
	w.set(func() { w.fires["a"] = true })
	w.eventually("a message", func() bool { return len(w.messages) == 1 })
	w.rests()
	w.set(func() { w.outcome = "withheld" })
	w.rests()
	w.set(func() { w.outcome, w.fires["a"] = Judged, false })
	w.eventually("the end of it", func() bool { return len(w.messages) == 2 })
	w.set(func() { w.fires["a"] = true })
	w.rests()
	w.set(func() {
		first, second := w.messages[0], w.messages[1]
		if first.message.Type != EventFiring || first.message.Data.Alert != "hours" || first.message.Data.State != Firing || second.message.Type != EventResolved || first.id == second.id {
			t.Errorf("%+v", w.messages)
		}
		if first.message.Data.URL != "https://plumbline.example.com/?scope=org" || first.message.Data.Text != "it stands so" {
			t.Errorf("%s", first.body)
		}
		if len(w.messages) != 2 {
			t.Errorf("told again within the cool-down: %+v", w.messages)
		}
	})
	w.pass(2 * time.Hour)
	w.eventually("that it fires again", func() bool { return len(w.messages) == 3 })
	reg, _ := w.snapshot(t.Context())
	listed, err := d.List(reg, registry.Alerts)
	if err != nil || len(listed) != 1 || listed[0].State.Status != Firing {
		t.Errorf("%+v %v", listed, err)
	}
}

// A receiver that is away gets the message when it is back: the same one, with the same id. One that refuses is not asked again.
func TestReceiverIsAway(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.answer = http.StatusServiceUnavailable
	w.fires["a"] = true
	d, _ := w.start()
	for n := range 3 {
		w.eventually("another attempt", func() bool { return len(w.messages) == n+1 })
		w.rests()
		w.set(func() {
			if len(w.messages) != n+1 {
				t.Errorf("%d attempts, before the time of the next", len(w.messages))
			}
		})
		w.pass(time.Minute)
	}
	w.set(func() { w.answer = http.StatusOK })
	w.pass(time.Hour)
	state := func() State { return d.board.get(name{registry.Alerts, "hours"}) }
	w.eventually("the delivery to be noted", func() bool { last := state().Last; return last != nil && last.Outcome == Delivered })
	w.set(func() {
		for _, m := range w.messages {
			if m.id != w.messages[0].id || m.body != w.messages[0].body {
				t.Errorf("another message: %+v", m)
			}
		}
		w.answer, w.fires["a"] = http.StatusGone, false
	})
	w.eventually("a refusal to be noted", func() bool {
		last := state().Last
		return last.Outcome == Refused && last.Status == 410 && last.Attempts == 1
	})
	var n int
	w.set(func() { n = len(w.messages) })
	w.pass(time.Hour)
	w.rests()
	w.set(func() {
		if len(w.messages) != n {
			t.Errorf("who has refused was asked again")
		}
		// It stays away for a day: given up, and said so.
		w.answer, w.fires["a"] = http.StatusBadGateway, true
	})
	w.eventually("an attempt", func() bool { return len(w.messages) == n+1 })
	w.pass(Patience)
	w.eventually("giving up to be noted", func() bool {
		last := state().Last
		return last.Outcome == GivenUp && last.Error != "" && len(state().Pending) == 0
	})
}

// Several scorecards share the alerts: each is told of once, and what one has left behind another one takes up.
func TestSeveralScorecards(t *testing.T) {
	w := newWorld(t)
	const n = 12
	for i := range n {
		w.declare(registry.Alerts, fmt.Sprint("alert-", i), alert)
	}
	w.fires["a"] = true
	_, stopFirst := w.start()
	_, stopSecond := w.start()
	w.start()
	ids := func() map[string]int {
		out := map[string]int{}
		for _, m := range w.messages {
			out[m.id]++
		}
		return out
	}
	w.eventually("every alert to be told of", func() bool { return len(ids()) == n })
	w.rests()
	stopFirst()
	w.set(func() { w.fires["a"] = false })
	w.eventually("the end of each", func() bool { return len(ids()) == 2*n })
	stopSecond()
	w.pass(3 * time.Hour)
	w.set(func() { w.fires["a"] = true })
	w.eventually("every alert once more", func() bool { return len(ids()) == 3*n })
	w.rests()
	w.set(func() {
		if len(w.messages) != 3*n {
			t.Errorf("%d messages for %d events: %v", len(w.messages), 3*n, ids())
		}
	})
}

// Who dies after a message was sent and before that was noted leaves it to the next, who sends it under the same id; nothing is
// forgotten.
func TestCrashBeforeItIsNoted(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.fires["a"] = true
	_, stopFirst := w.start()
	var once sync.Once
	w.set(func() {
		w.onMessage = func(req *http.Request) {
			once.Do(func() {
				go stopFirst()
				<-req.Context().Done() // it has the message, and who has sent it never learns of that
			})
		}
	})
	w.eventually("the message", func() bool { return len(w.messages) == 1 })
	stopFirst()
	d, _ := w.start()
	w.eventually("the message once more", func() bool { return len(w.messages) == 2 })
	w.eventually("the delivery to be noted", func() bool {
		last := d.board.get(name{registry.Alerts, "hours"}).Last
		return last != nil && last.Outcome == Delivered
	})
	w.rests()
	w.set(func() {
		if len(w.messages) != 2 || w.messages[0].id != w.messages[1].id || w.messages[0].body != w.messages[1].body {
			t.Errorf("%+v", w.messages)
		}
	})
}

// Of two states with one revision the first in the log counts, for everybody; the other is written over, so that no compaction brings
// it back. What can not be read costs nothing else.
func TestTheLogDecides(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	d, _ := w.start()
	id := name{registry.Alerts, "hours"}
	w.eventually("a state", func() bool { return d.board.get(id).Revision > 0 })
	stale := State{Workspace: workspace, Kind: registry.Alerts, Key: "hours", Revision: 1, Write: "another", Status: Firing}
	key, value, err := stale.message()
	if err != nil {
		t.Fatal(err)
	}
	p := bus.NewProducer(w.bus, bus.Alerts)
	defer func() { _ = p.Close() }()
	before := d.board.get(id).Revision
	if _, err := p.Produce(t.Context(), []bus.Message{{Key: key, Value: value}, {Key: key, Value: []byte("{")}, {Key: []byte("x"), Value: value}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the state to be written again", func() bool { return d.board.get(id).Revision > before && !d.board.hasLost(id) })
	if s := d.board.get(id); s.Status != Quiet || len(s.Pending) > 0 {
		t.Errorf("%+v", s)
	}
}

// A digest is sent to each recipient once for each due time; what is refused for one holds up no other; a server that is away is
// tried again.
func TestDigestIsSentOnce(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Digests, "weekly", `{"weekday":"monday","hour":6,"recipients":["ann@example.com","Bob@example.com"]}`)
	w.declare(registry.Alerts, "hours", alert) // to see rounds
	d, _ := w.start()
	w.rests()
	w.set(func() {
		if len(w.mails) > 0 {
			t.Errorf("a due time from before the entry was sent: %v", w.mails)
		}
		w.mailError = fmt.Errorf("the mail server is away")
	})
	w.pass(time.Hour) // Monday, 06:00
	w.eventually("an attempt", func() bool { return len(w.mails) == 2 })
	w.set(func() { w.mailError = nil })
	w.pass(time.Minute)
	w.eventually("the mails", func() bool { return len(w.mails) == 4 })
	w.pass(6 * 24 * time.Hour)
	w.rests()
	w.set(func() {
		if len(w.mails) != 4 || w.mails[0] != w.mails[2] || w.mails[1] != w.mails[3] || w.mails[2] == w.mails[3] {
			t.Errorf("%v", w.mails)
		}
		w.mailError = fmt.Errorf("no such mailbox: %w", ErrRefused)
	})
	w.pass(24 * time.Hour)
	w.eventually("the next week", func() bool { return len(w.mails) == 6 })
	w.pass(time.Hour)
	w.rests()
	w.set(func() {
		if len(w.mails) != 6 || w.mails[4] == w.mails[0] {
			t.Errorf("%v", w.mails)
		}
	})
	// Nobody was there for more than a day: said, and not sent.
	s, changed := d.schedule(State{Kind: registry.Digests, Key: "weekly", Due: time.Date(2026, 11, 9, 6, 0, 0, 0, time.UTC)},
		&registry.Digest{Weekday: "monday", Hour: new(uint8(6))}, time.Time{}, time.Date(2026, 11, 17, 7, 0, 0, 0, time.UTC))
	if !changed || len(s.Pending) > 0 || s.Last == nil || s.Last.Outcome != GivenUp || s.Due.Day() != 16 {
		t.Errorf("%+v", s)
	}
}

// A test message goes out once, whatever the alert is doing; an alert that there is not has none.
func TestTestMessage(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.declare(registry.Alerts, "nowhere", `{"when":"sample_ratio","experiment":"x","webhook":"none"}`)
	d, _ := w.start()
	id, status, err := d.Test(t.Context(), "hours")
	if err != nil || status != http.StatusNoContent {
		t.Errorf("%d %v", status, err)
	}
	w.set(func() {
		if len(w.messages) != 1 || w.messages[0].id != id || w.messages[0].message.Type != EventTest {
			t.Errorf("%+v", w.messages)
		}
	})
	for _, key := range []string{"none", "nowhere"} {
		if _, _, err := d.Test(t.Context(), key); err == nil {
			t.Errorf("%s has a test message", key)
		}
	}
}

// The secret of a webhook follows from workspace, key and version, and from the secret of the installation only.
func TestWebhookSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []struct {
		secret, workspace, key string
		version                uint32
	}{
		{"one", "w", "k", 0}, {"two", "w", "k", 0}, {"one", "wk", "", 0}, {"one", "", "wk", 0}, {"one", "w", "k", 1}, {"one", "w", "k0", 0},
	} {
		sum := sha256.Sum256([]byte(c.secret))
		s, err := WebhookSecret(sum[:], c.workspace, c.key, c.version)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := WebhookSecret(sum[:], c.workspace, c.key, c.version)
		if seen[s.Text()] || again.Text() != s.Text() {
			t.Errorf("%+v has the secret of another, or none of its own", c)
		}
		seen[s.Text()] = true
	}
}
