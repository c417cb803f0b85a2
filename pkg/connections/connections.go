// Package connections keeps what is said of the tools that speak a language of their own (Segment's SDKs, webhooks): what their
// calls become, and how they prove who they are. A connection is an entry of the registry; a [Book] follows the topic of the
// registry, so that one that was written anywhere holds here a moment later, and what the log said last holds while it is away.
//
// It turns calls into events of the contract, and into the form in which a call that was refused is kept, so that a later mapping
// can make an event of it. It neither seals nor sends: that is the collector's, which does it for all events alike.
package connections

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/mapping/crm"
	"plumbline/pkg/registry"
)

// The reasons why there is no connection.
var (
	// ErrNotReady says that the connections which were there at the start are still being read.
	ErrNotReady = errors.New("the connections are still being read from the log")
	// ErrUnknown says that the workspace has no such connection now.
	ErrUnknown = errors.New("there is no such connection")
	// ErrInactive says that it is there and takes no calls.
	ErrInactive = errors.New("the connection is not active")
)

// Held is a connection as it stands.
type Held struct {
	// Source is that of its events.
	Source string
	// Via is what kind of tool it is.
	Via   string
	Calls *mapping.Calls
	// Deals reads the calls of a CRM, which have no Calls.
	Deals *crm.Translator
	// Signature is nil where calls need a key. Versions are those of the secrets that they may be signed with.
	Signature *registry.Signature
	Versions  []uint32
}

// Of is the connection of a workspace's registry that holds at t. A Segment connection that nobody has written has the built-in mapping.
// By [registry.ViaWebhook] those of CRM systems are found, too: they come in by the same way.
func Of(s *registry.Snapshot, via, key string, t time.Time) (Held, error) {
	entry, _, ok := registry.Find[registry.Connection](s, registry.Connections, key, t)
	switch {
	case ok && entry.Via != via && (via != registry.ViaWebhook || !entry.IsCRM()):
		return Held{}, fmt.Errorf("%w: %s is one of %s", ErrUnknown, key, entry.Via)
	case ok && !entry.IsActive():
		return Held{}, ErrInactive
	case !ok && via != registry.ViaSegment:
		return Held{}, ErrUnknown
	case !ok:
		entry = &registry.Connection{Via: via}
	}
	held, err := Draft(key, entry)
	held.Versions = s.SignatureVersions(key, t)
	return held, err
}

// Draft is a connection as an entry says, whether or not it was written.
func Draft(key string, entry *registry.Connection) (Held, error) {
	held := Held{Source: registry.SourceOf(entry.Via, key), Via: entry.Via, Signature: entry.Signature}
	if entry.IsCRM() {
		var err error
		if held.Deals, err = entry.Translator(); err != nil {
			return Held{}, fmt.Errorf("connection %s: %w", key, err)
		}
		return held, nil
	}
	calls, problems := entry.Calls()
	if len(problems) > 0 {
		return Held{}, fmt.Errorf("connection %s: %w", key, problems[0])
	}
	held.Calls = calls
	return held, nil
}

// secretPrefix is how the text of a secret begins.
const secretPrefix = "plhs_"

// SecretText is what calls of a connection are signed with, as it is given to the tool: its characters are the key of the HMAC, so that
// it can be pasted into any tool. It stands nowhere: it follows from the secret of the installation.
func SecretText(secret event.Secret, workspace, key string, version uint32) string {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range []string{"connection secret 1", workspace, key, strconv.FormatUint(uint64(version), 10)} {
		_ = binary.Write(mac, binary.BigEndian, uint32(len(part))) // a hash takes everything
		mac.Write([]byte(part))
	}
	return secretPrefix + hex.EncodeToString(mac.Sum(nil))
}

// Config says whose book it is.
type Config struct {
	Bus bus.Config
	// Service is whose book it is, such as collector: metrics name it.
	Service string
	// Now is the clock that entries hold by.
	Now     func() time.Time
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// Book knows the connections of all workspaces. It is safe for concurrent use.
type Book struct {
	*bus.Whole
	cfg Config

	mu      sync.Mutex
	records map[string]map[string]registry.Record // by workspace and key of the message
	// made are the connections in use, by what they were found with; they are made anew when the log has told something, and
	// when the next second has come, since an entry may hold from a time on.
	made map[found]Held
	at   time.Time
}

// found is what a connection is looked for by.
type found struct{ workspace, via, key string }

// New makes a book, which knows nothing before [Book.Run] has read.
func New(cfg Config) *Book {
	counter := func(n, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "plumbline", Subsystem: cfg.Service, Name: n, Help: help})
	}
	b := &Book{
		cfg: cfg, records: map[string]map[string]registry.Record{}, made: map[found]Held{},
	}
	unreadable := counter("connections_unreadable_total", "Messages about connections that can not be read: an alarm.")
	missed := counter("connections_missed_total", "Messages of the registry that the log has lost: an alarm.")
	cfg.Metrics.MustRegister(unreadable, missed)
	b.Whole = bus.NewWhole(bus.WholeConfig{
		Topic: bus.Registry, About: "connections", NotReady: ErrNotReady, Take: b.take, Unreadable: unreadable.Inc,
		Missed: func(n int64) { missed.Add(float64(n)) }, Log: cfg.Log,
	})
	return b
}

// Run follows the log until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	if err := b.Follow(ctx, b.cfg.Bus); err != nil {
		return fmt.Errorf("follow connections: %w", err)
	}
	return nil
}

// take handles one message.
func (b *Book) take(m *kafka.Message) error {
	if kind, ok := registry.KindOf(m.Key); !ok || kind != registry.Connections {
		return nil // the other entries are not for us
	}
	r, err := registry.FromMessage(m.Key, m.Value)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.records[r.Workspace] == nil {
		b.records[r.Workspace] = map[string]registry.Record{}
	}
	// The history of the secrets is looked at, so no write is replaced.
	b.records[r.Workspace][r.EntryID] = r
	clear(b.made)
	return nil
}

// Find is the connection that holds now.
func (b *Book) Find(workspace, via, key string) (Held, error) {
	if err := b.Ready(context.Background()); err != nil {
		return Held{}, err
	}
	name, now := found{workspace, via, key}, b.cfg.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(b.at) {
		clear(b.made)
		b.at = second
	}
	if held, ok := b.made[name]; ok {
		return held, nil
	}
	records := make([]registry.Record, 0, len(b.records[workspace]))
	for _, r := range b.records[workspace] {
		if r.Key == key {
			records = append(records, r)
		}
	}
	held, err := Of(registry.NewSnapshot(records), via, key, now)
	if err == nil {
		b.made[name] = held
	}
	return held, err
}
