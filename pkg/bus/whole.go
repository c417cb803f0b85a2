package bus

import (
	"context"
	"log/slog"

	"github.com/segmentio/kafka-go"
)

// Whole follows a topic of which somebody keeps in memory all that it says: from its start on, and on from there. Make it with
// [NewWhole].
type Whole struct {
	cfg  WholeConfig
	read chan struct{}
}

// WholeConfig says what is followed, and what becomes of it.
type WholeConfig struct {
	Topic Name
	// About is what the messages are about, as the program's log says it: "connections".
	About string
	// NotReady is the error for whoever asks while what was there at the start is still being read.
	NotReady error
	// Take gets each message. An error says that it can not be read, which costs no other.
	Take func(*kafka.Message) error
	// Read is called once, when everything was read that was there at the start; it may be nil.
	Read func()
	// Unreadable is called for each message that can not be read, Missed with the number of those that the log has lost.
	Unreadable func()
	Missed     func(n int64)
	Log        *slog.Logger
}

// NewWhole makes a follower that has read nothing yet.
func NewWhole(cfg WholeConfig) *Whole { return &Whole{cfg, make(chan struct{})} }

// Follow reads until ctx ends.
func (w *Whole) Follow(ctx context.Context, brokers Config) error {
	return Follower{
		Topics: []Name{w.cfg.Topic}, FromStart: true,
		CaughtUp: func() {
			if w.cfg.Read != nil {
				w.cfg.Read()
			}
			close(w.read)
		},
		Handle: func(_ Name, m kafka.Message) {
			if err := w.cfg.Take(&m); err != nil {
				w.cfg.Unreadable()
				w.cfg.Log.ErrorContext(ctx, "a message can not be read", "about", w.cfg.About, "partition", m.Partition, "offset", m.Offset, "error", err)
			}
		},
		Missed: func(n int64) {
			w.cfg.Missed(n)
			w.cfg.Log.ErrorContext(ctx, "the log has lost messages: look at all that it was about", "about", w.cfg.About, "messages", n)
		},
		Log: w.cfg.Log,
	}.Follow(ctx, brokers)
}

// Ready is nil when everything was read that was there at the start.
func (w *Whole) Ready(context.Context) error {
	select {
	case <-w.read:
		return nil
	default:
		return w.cfg.NotReady
	}
}

// Await waits until it is ready, or ctx ends: then the error is that of who is not ready.
func (w *Whole) Await(ctx context.Context) error {
	select {
	case <-w.read:
		return nil
	case <-ctx.Done():
		return w.cfg.NotReady
	}
}
