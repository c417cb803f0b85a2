package keyring

import (
	"context"
	"sync"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
)

const (
	// useEvery is how often a process writes down that a key was used.
	useEvery = time.Minute
	// publishEvery is how soon the first use of a key is written down.
	publishEvery = time.Second
	// publishWithin is how long the writing may take before it is left to the next time.
	publishWithin = 5 * time.Second
	// spentAfter is how old what another process has noted must be before a later use takes its place.
	spentAfter = 24 * time.Hour
)

// uses remembers when keys were used, until it is written down.
type uses struct {
	instance string

	mu   sync.Mutex
	keys map[access.KeyName]*noted
}

// noted is the latest use of a key, the latest that was written down, and when that was done.
type noted struct{ at, written, done time.Time }

func newUses(instance string) *uses {
	return &uses{instance: instance, keys: map[access.KeyName]*noted{}}
}

func (u *uses) note(name access.KeyName, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.keys[name]
	if n == nil {
		n = &noted{}
		u.keys[name] = n
	}
	if now.After(n.at) {
		n.at = now
	}
}

// due are the uses to write down now: those of keys of which none was within the last minute.
func (u *uses) due(now time.Time) []access.Use {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []access.Use
	for name, n := range u.keys {
		if n.at.After(n.written) && (n.done.IsZero() || now.Sub(n.done) >= useEvery) {
			out = append(out, access.Use{Workspace: name.Workspace, ID: name.ID, Instance: u.instance, At: n.at})
		}
	}
	return out
}

// done remembers what was written down.
func (u *uses) done(written []access.Use, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, w := range written {
		n := u.keys[access.KeyName{Workspace: w.Workspace, ID: w.ID}]
		n.written, n.done = w.At, now
	}
}

// Used notes that a key was used. It waits for nothing: the use is written down later, at most once a minute for a key, and
// is lost where the process ends before.
func (k *Keyring) Used(name access.KeyName) { k.uses.note(name, k.cfg.Now()) }

// publish writes uses down until ctx ends.
func (k *Keyring) publish(ctx context.Context) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.writeUses(ctx)
		}
	}
}

// writeUses writes what is due. What fails is tried again the next time.
func (k *Keyring) writeUses(ctx context.Context) {
	now := k.cfg.Now()
	due := k.uses.due(now)
	if len(due) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	messages, err := k.useMessages(due, now)
	if err == nil {
		_, err = k.producer.Produce(ctx, messages)
	}
	if err != nil {
		k.cfg.Log.WarnContext(ctx, "when keys were used could not be written down", "keys", len(due), "error", err)
		return
	}
	k.uses.done(due, now)
}

// useMessages are the uses and, behind each, what takes back old ones of other processes: else every process that ever ran
// would be on the topic for ever.
func (k *Keyring) useMessages(due []access.Use, now time.Time) ([]bus.Message, error) {
	var out []bus.Message
	for _, u := range due {
		name := access.KeyName{Workspace: u.Workspace, ID: u.ID}
		for _, u := range append([]access.Use{u}, k.ring.Spent(name, u.Instance, now.Add(-spentAfter))...) {
			key, value, err := u.Message()
			if err != nil {
				return nil, err
			}
			out = append(out, bus.Message{Key: key, Home: name.Home(), Value: value})
		}
	}
	return out, nil
}
