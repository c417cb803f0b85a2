package loader

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const workspace = "w"

// world is a log and a warehouse of a test's own, and what was sent into them.
type world struct {
	t        testing.TB
	cfg      Config
	db       *warehouse.DB
	maker    *warehousetest.Maker
	producer *bus.Producer
	sent     time.Time
	// change, if not nil, changes a loader before it starts.
	change func(*loader)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	brokers, prefix := embeddedtest.Broker(t)
	return worldOf(t, Config{
		Listen: "127.0.0.1:0", Bus: bus.Config{Brokers: brokers, Prefix: prefix, Partitions: 2},
		// Days of few events are rolled in segments already.
		Warehouse: warehouse.Config{DSN: embeddedtest.Database(t), SegmentRows: 3},
		Linger:    50 * time.Millisecond, RollLinger: 50 * time.Millisecond, Session: 6 * time.Second,
	})
}

func worldOf(t testing.TB, cfg Config) *world {
	t.Helper()
	if err := bus.Ensure(t.Context(), cfg.Bus); err != nil {
		t.Fatal(err)
	}
	db, err := warehouse.Open(t.Context(), cfg.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, cfg: cfg, db: db, maker: warehousetest.NewMaker(), producer: bus.NewProducer(cfg.Bus, bus.Events)}
	t.Cleanup(func() { _ = errors.Join(w.producer.Close(), db.Close()) })
	return w
}

// run runs a loader until the returned function is called or the test ends; after is its fail point.
func (w *world) run(after func(stop context.CancelFunc, step string) error) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	var ready atomic.Bool
	server := process.Server{Addr: w.cfg.Listen, Log: slog.New(slog.DiscardHandler), Ready: func(string) { ready.Store(true) }}
	go func() {
		ended <- server.Run(ctx, func(m *process.Mount) error {
			l, err := open(ctx, w.cfg, m)
			if err != nil {
				return err
			}
			if w.change != nil {
				w.change(l)
			}
			if after != nil {
				l.after = func(step string) error { return after(cancel, step) }
			}
			l.start(m)
			return nil
		})
	}()
	stop = sync.OnceFunc(func() {
		// One that is stopped while it still starts says so, which is no failure.
		wasUp := ready.Load() || len(ended) > 0
		cancel()
		if err := <-ended; err != nil && wasUp {
			w.t.Errorf("loader: %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// send writes events as a collector does, in order.
func (w *world) send(rows ...event.Stored) {
	w.t.Helper()
	messages := make([]bus.Message, len(rows))
	for i, r := range rows {
		messages[i] = w.message(r)
	}
	w.produce(messages...)
}

func (w *world) produce(messages ...bus.Message) {
	w.t.Helper()
	if _, err := w.producer.Produce(w.t.Context(), messages); err != nil {
		w.t.Fatal(err)
	}
	w.sent = time.Now()
}

func (w *world) message(r event.Stored) bus.Message {
	w.t.Helper()
	sealed := event.Sealed{Event: r.Event, Identity: r.Identity, Payload: r.Payload, Data: warehousetest.Data(w.t, r)}
	key, headers, value := sealed.Message()
	return bus.Message{Key: key, Headers: headers, Value: value}
}

// eventually polls until the condition holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			w.t.Fatalf("still not so after 60 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// complete waits until the warehouse claims to be complete through the last send.
func (w *world) complete() {
	w.t.Helper()
	w.eventually("complete through the last send", func() bool {
		s, err := w.db.Snapshot(w.t.Context(), workspace)
		if err != nil {
			w.t.Fatal(err)
		}
		return s.CompleteThrough.After(w.sent)
	})
}

// check compares, once the warehouse claims to be complete, all rollups with what brute force makes of the events.
func (w *world) check(rows []event.Stored, zone *time.Location) {
	w.t.Helper()
	w.complete()
	want := warehousetest.BruteForce(w.t, rows, zone)
	if got := warehousetest.ReadRollups(w.t.Context(), w.t, w.db, workspace); !slices.Equal(got, want) {
		w.t.Fatal(warehousetest.Difference(got, want))
	}
	distinct := map[event.Identity]bool{}
	for _, r := range rows {
		distinct[r.Identity] = true
	}
	if n := w.count("SELECT uniqExact(identity) AS n FROM identities"); n != len(distinct) {
		w.t.Errorf("%d identities are stored, want %d", n, len(distinct))
	}
}

// count is the only row of a query for n.
func (w *world) count(sql string) int {
	w.t.Helper()
	var rows []struct {
		N uint64 `ch:"n"`
	}
	if err := w.db.Query(w.t.Context(), sql, nil, &rows); err != nil {
		w.t.Fatal(err)
	}
	return int(rows[0].N)
}

// refused are the codes of the rejects in the table, sorted.
func (w *world) refused() []string {
	w.t.Helper()
	var rows []struct {
		Code string `ch:"code"`
	}
	if err := w.db.Query(w.t.Context(), "SELECT code FROM rejects FINAL ORDER BY code", nil, &rows); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.Code)
	}
	return out
}

// history is a history of events, always the same for a seed. Amendments of amendments and of another kind are left
// out: whether they are refused depends on what comes first.
func (w *world) history(seed int) []event.Stored {
	w.t.Helper()
	rows := rapid.Custom(func(t *rapid.T) []event.Stored {
		return slices.Concat(warehousetest.Facts(t, w.maker, workspace, "one"), warehousetest.Facts(t, w.maker, workspace, "two"))
	}).Example(seed)
	kinds := map[event.Identity]event.Kind{}
	for _, r := range rows {
		kinds[r.Identity] = r.Kind
	}
	return slices.DeleteFunc(rows, func(r event.Stored) bool {
		target, ok := warehouse.TargetOf(r.Event)
		kind, exists := kinds[target]
		c, isCorrection := r.Data.(*event.Correct)
		return ok && exists && (kind.Amends() || isCorrection && c.Target != kind)
	})
}

// astray writes an event into a partition that it does not belong to.
func (w *world) astray(r event.Stored) {
	w.t.Helper()
	m := w.message(r)
	wrong := (bus.PartitionOf(m.Key, w.cfg.Bus.PartitionCount()) + 1) % w.cfg.Bus.PartitionCount()
	headers := make([]kafka.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = kafka.Header(h)
	}
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.cfg.Bus.Brokers...), Topic: w.cfg.Bus.Topic(bus.Events), RequiredAcks: kafka.RequireAll,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return wrong }), BatchTimeout: time.Millisecond,
		// The transport that all share may remember which topics there were before.
		Transport: &kafka.Transport{},
	}
	err := writer.WriteMessages(w.t.Context(), kafka.Message{Key: m.Key, Headers: headers, Value: m.Value})
	if err = errors.Join(err, writer.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.sent = time.Now()
}

var errCrash = errors.New("crash of a test")
