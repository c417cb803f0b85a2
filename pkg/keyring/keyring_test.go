package keyring_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // one test stops a broker and starts it again, which a shared one can not
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/keyring"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// clock is a time that the test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time       { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(d.Milliseconds()) }

// world is where the keyrings of a test meet.
type world struct {
	*clock
	bus bus.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	addrs, prefix := embeddedtest.Broker(t)
	w := &world{newClock(), bus.Config{Brokers: addrs, Prefix: prefix, Partitions: 3}}
	if err := bus.Ensure(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	return w
}

// process is one process with a keyring.
type process struct {
	*keyring.Keyring
	metrics *prometheus.Registry
	stop    func()
}

// start runs a keyring until the test ends or it is stopped.
func (w *world) start(t *testing.T) *process { return w.startWith(t, nil) }

// startWith starts one that also tells which sessions were ended.
func (w *world) startWith(t *testing.T, sessions *access.Revocations) *process {
	t.Helper()
	p := &process{metrics: prometheus.NewRegistry()}
	p.Keyring = keyring.New(keyring.Config{Bus: w.bus, Service: "test", Sessions: sessions, Now: w.now, Metrics: p.metrics, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, p.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

// ready is a keyring that has read what there is.
func (w *world) ready(t *testing.T) *process {
	t.Helper()
	p := w.start(t)
	until(t, "the keys are read", func() bool { return p.Ready(t.Context()) == nil })
	return p
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not after 30 s: %s", what)
		}
	}
}

// draft is what an administrator asks for.
func draft(id string) access.Record {
	return access.Record{Workspace: "default", ID: id, Name: id, Scopes: []access.Scope{access.ScopeWrite}, CreatedBy: "admin"}
}

// make writes a new key.
func (p *process) make(t *testing.T, w *world, id string) (access.Record, string) {
	t.Helper()
	r, text := draft(id).Issue(w.now())
	if err := p.Write(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r, text
}

// A key that one process has made is found in that process at once, in another a moment later, and in one that starts
// later as soon as it is ready; so is what is changed about it.
func TestKeysTravel(t *testing.T) {
	w := newWorld(t)
	one, two := w.ready(t), w.ready(t)
	r, text := one.make(t, w, "crm")
	if _, err := one.Find(text); err != nil {
		t.Errorf("where it was written: %v", err)
	}
	until(t, "the other process has the key", func() bool { _, err := two.Find(text); return err == nil })
	rotated, second, err := r.Rotate(w.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Write(t.Context(), rotated); err != nil {
		t.Fatal(err)
	}
	until(t, "the first process has the rotation", func() bool { _, err := one.Find(second); return err == nil })
	if _, err := one.Find(text); err != nil {
		t.Errorf("in the overlap: %v", err)
	}
	w.pass(time.Hour)
	for name, p := range map[string]*process{"one": one, "two": two, "later": w.ready(t)} {
		_, old := p.Find(text)
		if _, err := p.Find(second); err != nil || !errors.Is(old, access.ErrKeyExpired) {
			t.Errorf("%s: %v, the old secret %v", name, err, old)
		}
	}
	started := time.Now()
	if err := one.Write(t.Context(), rotated.Revoke(w.now())); err != nil {
		t.Fatal(err)
	}
	until(t, "the revocation is known", func() bool { _, err := two.Find(second); return errors.Is(err, access.ErrKeyRevoked) })
	t.Logf("revoked in another process after %s", time.Since(started))
	if _, err := w.ready(t).Find(second); !errors.Is(err, access.ErrKeyRevoked) {
		t.Errorf("after a restart: %v", err)
	}
}

// Of changes at the same time one holds, everywhere the same, and the others are told.
func TestChangesAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	one, two := w.ready(t), w.ready(t)
	r, _ := one.make(t, w, "busy")
	until(t, "the other process has the key", func() bool { _, ok := two.Get(r.NameOf()); return ok })
	const writers = 12
	texts, errs := make([]string, writers), make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			var next access.Record
			if next, texts[i], errs[i] = r.Rotate(w.now(), 0); errs[i] == nil {
				errs[i] = []*process{one, two}[i%2].Write(t.Context(), next)
			}
		})
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case !errors.Is(err, keyring.ErrConflict):
			t.Errorf("writer %d: %v; writer %d was told that its change holds", i, err, winner)
		}
	}
	if winner < 0 {
		t.Fatal("no change holds")
	}
	for name, p := range map[string]*process{"one": one, "two": two, "later": w.ready(t)} {
		if n := p.unreadable(t); n != 0 {
			t.Errorf("%s: %v messages could not be read", name, n)
		}
		until(t, name+" has the change", func() bool { _, err := p.Find(texts[winner]); return err == nil })
		for i, text := range texts {
			if _, err := p.Find(text); i != winner && !errors.Is(err, access.ErrKeyUnknown) {
				t.Errorf("%s: the text of writer %d: %v", name, i, err)
			}
		}
	}
}

// A revocation holds, though somebody else has changed the key meanwhile, and whoever changes it then is told.
func TestRevocationHoldsInAnyCase(t *testing.T) {
	w := newWorld(t)
	p := w.ready(t)
	r, first := p.make(t, w, "crm")
	rotated, second, err := r.Rotate(w.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []access.Record{rotated, r.Revoke(w.now())} {
		if err := p.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	again, _, err := rotated.Rotate(w.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), again); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("a rotation after the revocation: %v", err)
	}
	for name, p := range map[string]*process{"here": p, "later": w.ready(t)} {
		for _, text := range []string{first, second} {
			if _, err := p.Find(text); !errors.Is(err, access.ErrKeyRevoked) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A message that can not be read is counted and costs no other; a record that comes late does not bring a revoked key back.
func TestMessagesThatDoNotCount(t *testing.T) {
	w := newWorld(t)
	p := w.ready(t)
	r, text := p.make(t, w, "crm")
	if err := p.Write(t.Context(), r.Revoke(w.now())); err != nil {
		t.Fatal(err)
	}
	late, _, err := r.Rotate(w.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	producer := bus.NewProducer(w.bus, bus.Access)
	defer func() { _ = producer.Close() }()
	home := r.NameOf().Home()
	messages := []bus.Message{{Key: []byte("nonsense"), Home: home, Value: []byte("{}")}}
	for _, r := range []access.Record{r, late} {
		key, value, err := r.Message()
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, bus.Message{Key: key, Home: home, Value: value})
	}
	messages[1].Value = []byte(strings.Replace(string(messages[1].Value), `"write"`, `"fly"`, 1))
	if _, err := producer.Produce(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	p.make(t, w, "after")
	until(t, "two messages are counted", func() bool { return p.unreadable(t) == 2 })
	for name, p := range map[string]*process{"here": p, "later": w.ready(t)} {
		if _, err := p.Find(text); !errors.Is(err, access.ErrKeyRevoked) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := p.Get(access.KeyName{Workspace: "default", ID: "after"}); !ok {
			t.Errorf("%s: the key after the bad messages is missing", name)
		}
	}
}

// unreadable is how many messages the process says that it could not read.
func (p *process) unreadable(t *testing.T) float64 {
	t.Helper()
	const name = "plumbline_test_keys_unreadable_total"
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// When a key was used is known everywhere, and is written down at most once a minute; what a process of yesterday has
// noted is taken back when there is a later use.
func TestLastUse(t *testing.T) {
	w := newWorld(t)
	one, two := w.ready(t), w.ready(t)
	r, _ := one.make(t, w, "crm")
	last := func(p *process) time.Time {
		for _, k := range p.List("default") {
			return k.LastUse
		}
		return time.Time{}
	}
	first := w.now()
	one.Used(r.NameOf())
	until(t, "the first use is known", func() bool { return last(two).Equal(first) })
	for range 10 {
		w.pass(5 * time.Second)
		one.Used(r.NameOf())
	}
	two.Used(r.NameOf()) // its own first one is written at once
	until(t, "the use of the other process is known", func() bool { return last(one).Equal(first.Add(50 * time.Second)) })
	w.pass(10 * time.Second)
	one.Used(r.NameOf())
	until(t, "the use after a minute is known", func() bool { return last(two).Equal(first.Add(time.Minute)) })
	one.stop()
	w.pass(25 * time.Hour)
	two.Used(r.NameOf())
	until(t, "the use of the next day is known", func() bool { return last(two).Equal(w.now()) })
	// Of the first process its first use and that after a minute, of the other one both, and what takes the first process back.
	if uses := usesOn(t, w); len(uses) != 5 || !uses[4].At.IsZero() || uses[4].Instance != uses[0].Instance {
		t.Errorf("the log has %+v", uses)
	}
}

// usesOn are the uses that are on the topic, in the order of one key.
func usesOn(t *testing.T, w *world) []access.Use {
	t.Helper()
	var mu sync.Mutex
	var out []access.Use
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err := bus.Follower{
		Topics: []bus.Name{bus.Access}, FromStart: true, CaughtUp: stop, Missed: func(int64) {}, Log: slog.New(slog.DiscardHandler),
		Handle: func(_ bus.Name, m kafka.Message) {
			if e, err := access.Decode(m.Key, m.Value); err == nil && e.Use != nil {
				mu.Lock()
				defer mu.Unlock()
				out = append(out, *e.Use)
			}
		},
	}.Follow(ctx, w.bus)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Before the log is read no key is unknown: whoever asks is told to wait, and nothing is written.
func TestNotReady(t *testing.T) {
	w := &world{newClock(), bus.Config{Brokers: []string{"127.0.0.1:1"}, Partitions: 1}}
	p := w.start(t)
	r, text := draft("crm").Issue(w.now())
	if _, err := p.Find(text); !errors.Is(err, keyring.ErrNotReady) {
		t.Errorf("found with %v", err)
	}
	if _, err := p.Find("some other text"); !errors.Is(err, access.ErrKeyUnknown) {
		t.Errorf("a text that is no key of ours: %v", err)
	}
	if err := p.Write(t.Context(), r); !errors.Is(err, keyring.ErrNotReady) {
		t.Errorf("written with %v", err)
	}
}

// While the broker is away the keys are as they were, a change says that it is not confirmed, and uses wait. When it is
// back, changes are seen again.
func TestBrokerAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{newClock(), bus.Config{Brokers: broker.Addrs(), Partitions: 2}}
	if err := bus.Ensure(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	one, two := w.ready(t), w.ready(t)
	r, text := one.make(t, w, "crm")
	until(t, "the other process has the key", func() bool { _, err := two.Find(text); return err == nil })
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.Used(r.NameOf())
	for _, p := range []*process{one, two} {
		if _, err := p.Find(text); err != nil {
			t.Errorf("while the broker is away: %v", err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := one.Write(short, r.Revoke(w.now())); !errors.Is(err, keyring.ErrUnconfirmed) {
		t.Errorf("revoked while the broker is away: %v", err)
	}
	_, port, err := net.SplitHostPort(broker.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	again, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop(context.Background()) })
	until(t, "the key is revoked in both", func() bool {
		for _, p := range []*process{one, two} {
			if _, err := p.Find(text); !errors.Is(err, access.ErrKeyRevoked) {
				// What was not confirmed may hold by now, or not: then it is done again.
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				_ = one.Write(short, r.Revoke(w.now()))
				cancel()
				return false
			}
		}
		return true
	})
	until(t, "the use is known", func() bool { return !two.List("default")[0].LastUse.IsZero() })
}
