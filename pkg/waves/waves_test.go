package waves_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // one test looks into the files of a broker, which a shared one does not show
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/waves"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// world is where the books of a test meet, and their clock.
type world struct {
	at  atomic.Int64
	bus bus.Config
}

func newWorld(t *testing.T, addrs []string, prefix string) *world {
	t.Helper()
	w := &world{bus: bus.Config{Brokers: addrs, Prefix: prefix, Partitions: 2}}
	w.at.Store(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC).UnixMilli())
	if err := bus.Ensure(t.Context(), w.bus); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) now() time.Time       { return time.UnixMilli(w.at.Load()).UTC() }
func (w *world) pass(d time.Duration) { w.at.Add(d.Milliseconds()) }

// book is one process with a book.
type book struct {
	*waves.Book
	stop func()
}

// start runs a book until the test ends or it is stopped, and waits until it has read.
func (w *world) start(t *testing.T) book {
	t.Helper()
	b := book{Book: waves.New(waves.Config{
		Bus: w.bus, Service: "test", Now: w.now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, b.Shut()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	t.Cleanup(b.stop)
	eventually(t, "the book has read", func() bool { return b.Ready(t.Context()) == nil })
	return b
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not in a minute: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// secret is the secret of a wave, and fails the test where it has none.
func (b book) secret(t *testing.T, wave string) string {
	t.Helper()
	s, err := b.Secret("w", wave)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

func closed(err error) bool {
	var p event.Problem
	return errors.As(err, &p) && p.Code == event.CodeWaveClosed
}

// A wave has one secret, whoever opens it and however many at once; it is the same after a start, and another one for each wave
// and workspace.
func TestOneSecretForEachWave(t *testing.T) {
	t.Parallel()
	addrs, prefix := embeddedtest.Broker(t)
	w := newWorld(t, addrs, prefix)
	one, other := w.start(t), w.start(t)
	if _, err := one.Secret("w", "q4"); !errors.Is(err, event.ErrWaveUnopened) {
		t.Fatalf("before it is open: %v", err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		b := one
		if i%2 == 1 {
			b = other
		}
		all.Go(func() {
			if err := b.Open(t.Context(), "w", "q4"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if one.secret(t, "q4") != other.secret(t, "q4") {
		t.Error("two books have two secrets of one wave")
	}
	if err := errors.Join(one.Open(t.Context(), "w", "q3"), one.Open(t.Context(), "v", "q4")); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := one.Secret("v", "q4")
	if err != nil || one.secret(t, "q3") == one.secret(t, "q4") || string(elsewhere) == one.secret(t, "q4") {
		t.Errorf("two waves share a secret, or %v", err)
	}
	if again := w.start(t); again.secret(t, "q4") != one.secret(t, "q4") {
		t.Error("after a start the secret is another one")
	}
	if got := one.List("w"); len(got) != 2 || got[0].Key != "q3" || !got[0].ClosedAt.IsZero() || !got[0].ClosesAt.Equal(w.now().Add(waves.MaxOpen)) {
		t.Errorf("the waves are %+v", got)
	}
}

// A wave that is closed has no secret anywhere, and never gets one again.
func TestClosedForGood(t *testing.T) {
	t.Parallel()
	addrs, prefix := embeddedtest.Broker(t)
	w := newWorld(t, addrs, prefix)
	one, other := w.start(t), w.start(t)
	if err := one.Open(t.Context(), "w", "q4"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other knows it", func() bool { _, err := other.Secret("w", "q4"); return err == nil })
	if err := errors.Join(one.Close(t.Context(), "w", "q4"), one.Close(t.Context(), "w", "q4")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is closed at the other", func() bool { _, err := other.Secret("w", "q4"); return closed(err) })
	fresh := w.start(t)
	for i, b := range []book{one, other, fresh} {
		if err := b.Open(t.Context(), "w", "q4"); !closed(err) {
			t.Errorf("book %d opens it again: %v", i, err)
		}
		if err := b.End(t.Context(), "w", "q4", w.now().Add(time.Hour)); !closed(err) {
			t.Errorf("book %d gives it another end: %v", i, err)
		}
	}
	if got := fresh.List("w"); len(got) != 1 || !got[0].ClosedAt.Equal(w.now()) {
		t.Errorf("the waves are %+v", got)
	}
	// One that is closed before anybody has answered stays closed, too.
	if err := one.Close(t.Context(), "w", "never"); err != nil {
		t.Fatal(err)
	}
	if err := one.Open(t.Context(), "w", "never"); !closed(err) {
		t.Errorf("a wave that was closed unopened opens: %v", err)
	}
}

// A wave closes by itself when its time is over, which is 62 days after it was opened, or when it was said.
func TestClosesInTime(t *testing.T) {
	t.Parallel()
	addrs, prefix := embeddedtest.Broker(t)
	w := newWorld(t, addrs, prefix)
	b := w.start(t)
	if err := b.Open(t.Context(), "w", "long"); err != nil {
		t.Fatal(err)
	}
	if err := b.End(t.Context(), "w", "short", w.now().Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []time.Duration{waves.MaxOpen + time.Hour, 1000 * 24 * time.Hour} {
		if err := b.End(t.Context(), "w", "long", w.now().Add(bad)); !errors.Is(err, waves.ErrEnd) {
			t.Errorf("an end after %s: %v", bad, err)
		}
	}
	is := func(wave string) bool { x, ok := b.Get("w", wave); return ok && !x.ClosedAt.IsZero() }
	w.pass(48 * time.Hour)
	if _, err := b.Secret("w", "short"); !closed(err) {
		t.Errorf("its time is over, and its secret is told: %v", err)
	}
	eventually(t, "the short one is closed", func() bool { return is("short") })
	if is("long") {
		t.Error("the long one is closed already")
	}
	w.pass(60 * 24 * time.Hour)
	eventually(t, "the long one is closed", func() bool { return is("long") })
}

// The number of open waves is bounded: a source that names them at random fills neither memory nor log.
func TestTooManyWaves(t *testing.T) {
	t.Parallel()
	addrs, prefix := embeddedtest.Broker(t)
	w := newWorld(t, addrs, prefix)
	b := w.start(t)
	for i := range waves.MaxWaves {
		if err := b.Open(t.Context(), "w", "wave-"+string(rune('0'+i/10))+string(rune('0'+i%10))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Open(t.Context(), "w", "one more"); !errors.Is(err, waves.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if err := b.Close(t.Context(), "w", "wave-00"); err != nil {
		t.Fatal(err)
	}
	if err := b.Open(t.Context(), "w", "one more"); err != nil {
		t.Errorf("after one has closed: %v", err)
	}
}

// The log forgets the secret of a closed wave once the end was written again, on whichever brokers.
func TestTheLogForgets(t *testing.T) {
	t.Parallel()
	if os.Getenv("PLUMBLINE_KAFKA") == "apache" {
		addrs, prefix := embeddedtest.Broker(t)
		w := newWorld(t, addrs, prefix)
		hurry(t, w)
		secret := forgets(t, w)
		eventually(t, "the log has compacted", func() bool { return !strings.Contains(read(t, w), secret) })
		return
	}
	dir := t.TempDir()
	start := func() *embedded.Broker {
		b, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	stop := func(b *embedded.Broker) {
		if err := b.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	broker := start()
	secret := forgets(t, newWorld(t, broker.Addrs(), "plumbline"))
	if !strings.Contains(files(t, dir), secret) {
		t.Fatal("the files do not have the secret before, so that the test shows nothing")
	}
	stop(broker)
	stop(start()) // it compacts when it starts
	if strings.Contains(files(t, dir), secret) {
		t.Error("the files of the broker still have the secret")
	}
}

// forgets opens, closes and sweeps a wave, and returns its secret as the log has it.
func forgets(t *testing.T, w *world) string {
	t.Helper()
	b := w.start(t)
	defer b.stop()
	if err := b.Open(t.Context(), "w", "q4"); err != nil {
		t.Fatal(err)
	}
	secret := base64.StdEncoding.EncodeToString([]byte(b.secret(t, "q4")))
	if !strings.Contains(read(t, w), secret) {
		t.Fatal("the log never had the secret, so that the test shows nothing")
	}
	if err := b.Close(t.Context(), "w", "q4"); err != nil {
		t.Fatal(err)
	}
	w.pass(26 * time.Hour)
	eventually(t, "the end was written once more", func() bool { return strings.Contains(read(t, w), `"swept":true`) })
	return secret
}

// hurry lets a topic compact in moments instead of a day.
func hurry(t *testing.T, w *world) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(w.bus.Brokers...)}
	res, err := client.IncrementalAlterConfigs(t.Context(), &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: w.bus.Topic(bus.Waves),
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: "segment.ms", Value: "100", ConfigOperation: kafka.ConfigOperationSet}},
	}}})
	if err == nil {
		err = res.Resources[0].Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read is everything that the topic has.
func read(t *testing.T, w *world) string {
	t.Helper()
	var mu sync.Mutex
	var all bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := bus.Follower{
		Topics: []bus.Name{bus.Waves}, FromStart: true, CaughtUp: cancel, Missed: func(int64) {}, Log: slog.New(slog.DiscardHandler),
		Handle: func(_ bus.Name, m kafka.Message) {
			mu.Lock()
			defer mu.Unlock()
			all.Write(m.Value)
		},
	}.Follow(ctx, w.bus)
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// files are the bytes of all files in a folder.
func files(t *testing.T, dir string) string {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
