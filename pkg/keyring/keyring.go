// Package keyring keeps the API keys of an installation in memory, as the topic "access" tells of them, and writes changes
// of keys to it. KEYS.md says how keys live. The topic also tells which sessions were ended before their time.
//
// It follows the log: a key that was made, rotated or revoked anywhere is so here a moment later, and what the brokers said
// last holds while they are away. It decides nothing about a request: who may do what is package access's to know, and
// which answer that is, the service's.
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
)

// Config says whose keyring it is.
type Config struct {
	Bus bus.Config
	// Service is whose keyring it is, such as collector: metrics name it.
	Service string
	// Sessions are told which sessions were ended anywhere; nil where there are none.
	Sessions *access.Revocations
	// Now is the clock that keys expire by.
	Now     func() time.Time
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// The reasons why a keyring can not do what it was asked for.
var (
	// ErrNotReady says that the keys which were there at the start are still being read.
	ErrNotReady = errors.New("the keys are still being read from the log")
	// ErrConflict says that somebody else has changed the key meanwhile: nothing of this change will ever hold.
	ErrConflict = errors.New("the key was changed by somebody else at the same time")
	// ErrUnconfirmed says that a change may hold, or come to: nothing was heard of it in time.
	ErrUnconfirmed = errors.New("the log has not confirmed the change")
)

// Keyring is a ring of keys that follows the log. It is safe for concurrent use.
type Keyring struct {
	*bus.Whole
	cfg      Config
	ring     *access.Ring
	producer *bus.Producer
	metrics  *metrics
	uses     *uses
	endings  endings

	mu sync.Mutex
	// waiting are the writers by the name of their write: they are told whether it counts.
	waiting map[string]chan bool
}

// New makes a keyring, which knows nothing before [Keyring.Run] has read. Close it.
func New(cfg Config) *Keyring {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	k := &Keyring{
		cfg: cfg, ring: access.NewRing(), producer: bus.NewProducer(cfg.Bus, bus.Access), metrics: newMetrics(cfg.Metrics, cfg.Service),
		uses: newUses(hex.EncodeToString(id)), endings: endings{until: map[string]time.Time{}}, waiting: map[string]chan bool{},
	}
	k.Whole = bus.NewWhole(bus.WholeConfig{
		Topic: bus.Access, About: "keys", NotReady: ErrNotReady, Take: k.take, Read: func() { k.metrics.ready.Set(1) },
		Unreadable: k.metrics.unreadable.Inc, Missed: func(n int64) { k.metrics.missed.Add(float64(n)) }, Log: cfg.Log,
	})
	return k
}

// Run follows the log until ctx ends, and writes down when keys were used.
func (k *Keyring) Run(ctx context.Context) error {
	var publishing sync.WaitGroup
	defer publishing.Wait()
	publishing.Go(func() { k.publish(ctx) })
	if err := k.Follow(ctx, k.cfg.Bus); err != nil {
		return fmt.Errorf("follow keys: %w", err)
	}
	return nil
}

// take handles one message.
func (k *Keyring) take(m *kafka.Message) error {
	entry, err := access.Decode(m.Key, m.Value)
	if err != nil {
		return err
	}
	k.takeEnding(m.Key, entry)
	counts := k.ring.Apply(entry)
	if entry.Record == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if told, ok := k.waiting[entry.Record.Write]; ok {
		delete(k.waiting, entry.Record.Write) // a second copy in the log says nothing
		told <- counts
	}
	return nil
}

// Find returns the key with that text as [access.Ring.Find] does, or [ErrNotReady]: while not all is read, none is unknown.
func (k *Keyring) Find(text string) (access.Record, error) {
	if !access.IsOurs(text) {
		return access.Record{}, access.ErrKeyUnknown
	}
	if err := k.Ready(context.Background()); err != nil {
		return access.Record{}, err
	}
	return k.ring.Find(text, k.cfg.Now())
}

// Get returns the newest record of a key; false where there is none.
func (k *Keyring) Get(name access.KeyName) (access.Record, bool) { return k.ring.Get(name) }

// Writers is how many keys, of all workspaces, may send events now.
func (k *Keyring) Writers() int { return k.ring.Writers(k.cfg.Now()) }

// List are the keys of a workspace by id, with their last uses.
func (k *Keyring) List(workspace string) []access.Listed { return k.ring.List(workspace) }

// Write writes the next version of a key and returns when it holds here. The error is [ErrNotReady], [ErrConflict] or
// [ErrUnconfirmed], or that of a record that can not be written.
func (k *Keyring) Write(ctx context.Context, r access.Record) error {
	if err := k.Ready(ctx); err != nil {
		return err
	}
	key, value, err := r.Message()
	if err != nil {
		return err
	}
	told := k.await(r.Write)
	defer k.forget(r.Write)
	_, err = k.producer.Produce(ctx, []bus.Message{{Key: key, Home: r.NameOf().Home(), Value: value}})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	select {
	case counts := <-told:
		if !counts {
			k.retract(ctx, r)
			return ErrConflict
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnconfirmed, ctx.Err())
	}
}

// retract takes back a record that does not count. Where it fails nothing is lost: see [access.Record.Retraction].
func (k *Keyring) retract(ctx context.Context, r access.Record) {
	if _, err := k.producer.Produce(ctx, []bus.Message{{Key: r.Retraction(), Home: r.NameOf().Home()}}); err != nil {
		k.cfg.Log.WarnContext(ctx, "a record of a key that does not count could not be taken back", "key", r.ID, "error", err)
	}
}

func (k *Keyring) await(write string) <-chan bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	told := make(chan bool, 1)
	k.waiting[write] = told
	return told
}

func (k *Keyring) forget(write string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.waiting, write)
}

// Close ends the writing, when nothing else of the keyring runs any more.
func (k *Keyring) Close() error { return k.producer.Close() }

type metrics struct {
	ready              prometheus.Gauge
	unreadable, missed prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, service string) *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "plumbline", Subsystem: service, Name: name, Help: help}
	}
	m := &metrics{
		ready:      prometheus.NewGauge(prometheus.GaugeOpts(opts("keys_ready", "1 when the API keys that were there at the start are read."))),
		unreadable: prometheus.NewCounter(prometheus.CounterOpts(opts("keys_unreadable_total", "Messages about API keys that can not be read: an alarm."))),
		missed:     prometheus.NewCounter(prometheus.CounterOpts(opts("keys_missed_total", "Messages about API keys that the log has lost: an alarm."))),
	}
	reg.MustRegister(m.ready, m.unreadable, m.missed)
	return m
}
