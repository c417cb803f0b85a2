package keyring

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
)

const (
	// spentEnding is how long after its time an end of a session is taken back: no clock is behind by that much.
	spentEnding = time.Hour
	// spentAtOnce is how many are taken back with one that is written.
	spentAtOnce = 100
)

// endings are the messages about ended sessions that the topic has, by their Kafka keys, with the times after which they say
// nothing any more.
type endings struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (e *endings) note(key []byte, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until[string(key)] = until
}

func (e *endings) forget(key []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.until, string(key))
}

func (e *endings) has(key []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[string(key)]
	return ok
}

// spent are some that say nothing any more since before a time.
func (e *endings) spent(before time.Time) (keys []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, until := range maps.All(e.until) {
		if len(keys) == spentAtOnce {
			break
		}
		if until.Before(before) {
			keys = append(keys, key)
		}
	}
	return keys
}

// End ends sessions for every process that follows the log, and returns when the log has it; here it holds at once, whatever the
// error is, which is [ErrUnconfirmed] where the log may not have it. It is only for a keyring with sessions.
//
// With it the log is told to forget ends that are over: so it grows with the sessions that are, and not with those that were.
func (k *Keyring) End(ctx context.Context, e access.SessionEnd) error {
	k.cfg.Sessions.Apply(e)
	key, value, err := e.Message()
	if err != nil {
		return err
	}
	if k.endings.has(key) {
		return nil // somebody has said so
	}
	messages := []bus.Message{{Key: key, Value: value}}
	for _, old := range k.endings.spent(k.cfg.Now().Add(-spentEnding)) {
		messages = append(messages, bus.Message{Key: []byte(old)})
	}
	_, err = k.producer.Produce(ctx, messages)
	if failed := bus.Failures(err, len(messages)); failed[0] != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, failed[0])
	}
	return nil
}

// takeEnding handles a message that may be about ended sessions.
func (k *Keyring) takeEnding(key []byte, e access.Entry) {
	switch {
	case k.cfg.Sessions == nil:
	case e.End != nil:
		k.endings.note(key, e.End.Until)
		k.cfg.Sessions.Apply(*e.End)
	case e == access.Entry{}:
		k.endings.forget(key)
	}
}
