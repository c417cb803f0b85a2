// Package waves keeps the secrets of the waves of the survey. Each wave has one of its own, drawn at random when the wave opens;
// answers are stored under a hash that nobody can make again without it; and it is destroyed when the wave closes. WAVES.md
// says how waves live, and what is left of a secret where.
//
// A [Book] follows the topic "waves": a wave that was opened or closed anywhere is so here a moment later.
package waves

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

const (
	// MaxOpen is how long a wave is open at most, and is where nobody has said when it closes: answers of a later time are
	// of another wave.
	MaxOpen = 62 * 24 * time.Hour
	// MaxWaves is how many waves of a workspace may be open at a time.
	MaxWaves = 100
	// lookEvery is how often a book looks for waves whose time is over.
	lookEvery = time.Second
	// sweepAfter is how long after a wave has closed its end is written once more. A log compacts what lies behind its active
	// segment; the second message ends the segment that the secret is in.
	sweepAfter = bus.CompactionLag + time.Hour
	// closeTimeout bounds one closing by itself.
	closeTimeout = 15 * time.Second
)

// Config says whose book it is.
type Config struct {
	Bus bus.Config
	// Service is whose book it is, such as collector: metrics name it.
	Service string
	// Now is the clock that waves close by.
	Now     func() time.Time
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// The reasons why a book can not do what it was asked for. A wave that is closed is a [event.Problem] with the code wave_closed.
var (
	// ErrNotReady says that the waves which were there at the start are still being read.
	ErrNotReady = errors.New("the waves of the survey are still being read from the log")
	// ErrUnconfirmed says that a change may hold, or come to: nothing was heard of it in time.
	ErrUnconfirmed = errors.New("the log has not confirmed the change of the wave")
	// ErrTooMany says that too many waves are open: a source names them at random.
	ErrTooMany = fmt.Errorf("%d waves are open, which is the most: close some, or name one of them", MaxWaves)
	// ErrEnd is an end of a wave that lies before its opening, or more than [MaxOpen] after it.
	ErrEnd = fmt.Errorf("a wave closes after it has opened, and at most %d days later", MaxOpen/(24*time.Hour))
)

// Book knows the waves of all workspaces. It is safe for concurrent use.
type Book struct {
	*bus.Whole
	cfg      Config
	producer *bus.Producer

	mu    sync.Mutex
	waves map[name]*state
	// changed is closed, and replaced, when the log has told something.
	changed chan struct{}
}

// New makes a book, which knows nothing before [Book.Run] has read. Shut it.
func New(cfg Config) *Book {
	counter := func(n, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "plumbline", Subsystem: cfg.Service, Name: n, Help: help})
	}
	b := &Book{
		cfg: cfg, producer: bus.NewProducer(cfg.Bus, bus.Waves), waves: map[name]*state{}, changed: make(chan struct{}),
	}
	unreadable := counter("waves_unreadable_total", "Messages about waves of the survey that can not be read: an alarm.")
	missed := counter("waves_missed_total", "Messages about waves of the survey that the log has lost: an alarm.")
	cfg.Metrics.MustRegister(unreadable, missed)
	b.Whole = bus.NewWhole(bus.WholeConfig{
		Topic: bus.Waves, About: "waves of the survey", NotReady: ErrNotReady, Take: b.take, Unreadable: unreadable.Inc,
		Missed: func(n int64) { missed.Add(float64(n)) }, Log: cfg.Log,
	})
	return b
}

// Run follows the log until ctx ends, and closes the waves whose time is over.
func (b *Book) Run(ctx context.Context) error {
	var closing sync.WaitGroup
	defer closing.Wait()
	closing.Go(func() { b.closeDue(ctx) })
	if err := b.Follow(ctx, b.cfg.Bus); err != nil {
		return fmt.Errorf("follow waves: %w", err)
	}
	return nil
}

// take handles one message.
func (b *Book) take(m *kafka.Message) error {
	n, o, e, err := decode(m.Key, m.Value)
	switch {
	case err != nil:
		return err
	case o != nil:
		b.takeOpening(n, *o)
	case e != nil:
		b.takeEnding(n, *e)
	}
	return nil
}

// Open makes sure that a wave has a secret, and returns when it can be sealed with. A wave that is open already costs nothing;
// a book that is still reading is waited for.
// The error is [ErrNotReady], [ErrTooMany], [ErrUnconfirmed] or the [event.Problem] of a wave that is closed.
func (b *Book) Open(ctx context.Context, workspace, wave string) error {
	if _, err := b.Secret(workspace, wave); !errors.Is(err, event.ErrWaveUnopened) {
		return err
	}
	if err := b.Await(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	full := b.opened(workspace) >= MaxWaves
	b.mu.Unlock()
	if full {
		return ErrTooMany
	}
	n, now := name{workspace, wave}, b.cfg.Now()
	o := newOpening(now, now.Add(MaxOpen))
	m, err := o.message(n)
	if err != nil {
		return err
	}
	if err := b.write(ctx, m); err != nil {
		return err
	}
	err = b.await(ctx, func() bool {
		_, err := b.Secret(workspace, wave)
		return !errors.Is(err, event.ErrWaveUnopened)
	})
	if err != nil {
		return err
	}
	if b.writeOf(n) != o.write { // somebody was earlier, or has closed it
		if err := b.write(ctx, retraction(n, o.write)); err != nil {
			b.cfg.Log.WarnContext(ctx, "a secret of a wave that does not count could not be taken back", "error", err)
		}
	}
	_, err = b.Secret(workspace, wave)
	return err
}

func (b *Book) writeOf(n name) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of(n).write
}

// End says when a wave closes: a time that has come closes it. It opens a wave that nobody has opened. The errors are those
// of [Book.Open], and [ErrEnd].
func (b *Book) End(ctx context.Context, workspace, wave string, at time.Time) error {
	if err := b.Open(ctx, workspace, wave); err != nil {
		return err
	}
	w, _ := b.Get(workspace, wave)
	switch at = stamp(at); {
	case !at.After(b.cfg.Now()):
		return b.Close(ctx, workspace, wave)
	case at.Before(w.OpenedAt) || at.After(w.OpenedAt.Add(MaxOpen)):
		return ErrEnd
	}
	return b.end(ctx, name{workspace, wave}, "", ending{OpenedAt: w.OpenedAt, ClosesAt: at}, func(s *state) bool {
		return s.closed() || s.end.ClosesAt.Equal(at)
	})
}

// Close closes a wave for good and destroys its secret: here at once, in the log as WAVES.md says. Closing it again changes
// nothing. It returns when the log has the end.
func (b *Book) Close(ctx context.Context, workspace, wave string) error {
	if err := b.Ready(ctx); err != nil {
		return err
	}
	n, now := name{workspace, wave}, stamp(b.cfg.Now())
	b.mu.Lock()
	s := b.of(n)
	done, write, opened := s.closed(), s.write, s.end.OpenedAt
	b.mu.Unlock()
	if done {
		return nil
	}
	return b.end(ctx, n, write, ending{OpenedAt: opened, ClosesAt: now, ClosedAt: now}, (*state).closed)
}

// sweep writes the end of a wave that has been closed for long once more, and takes its secret back once more, for whoever
// has closed it may have stopped in between.
func (b *Book) sweep(ctx context.Context, n name, s state) error {
	e := s.end
	e.Swept = true
	return b.end(ctx, n, s.write, e, func(s *state) bool { return s.end.Swept })
}

// end writes an end, takes a secret back where one is named, and returns when the end holds here.
func (b *Book) end(ctx context.Context, n name, write string, e ending, holds func(*state) bool) error {
	m, err := e.message(n)
	if err != nil {
		return err
	}
	messages := []bus.Message{m}
	if write != "" {
		messages = append(messages, retraction(n, write))
	}
	if err := b.write(ctx, messages...); err != nil {
		return err
	}
	return b.await(ctx, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return holds(b.of(n))
	})
}

func (b *Book) write(ctx context.Context, messages ...bus.Message) error {
	if _, err := b.producer.Produce(ctx, messages); err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	return nil
}

// await waits until the log has told so much that a condition holds.
func (b *Book) await(ctx context.Context, holds func() bool) error {
	for {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		if holds() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnconfirmed, ctx.Err())
		}
	}
}

// closeDue closes the waves whose time is over, and sweeps those that have been closed for long enough. Several books may do
// so at once: what is done twice changes nothing.
func (b *Book) closeDue(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if b.Ready(ctx) != nil {
			continue
		}
		due, spent := b.due()
		for _, n := range due {
			b.try(ctx, "close", n, func(ctx context.Context) error { return b.Close(ctx, n.workspace, n.wave) })
		}
		for n, s := range spent {
			b.try(ctx, "sweep", n, func(ctx context.Context) error { return b.sweep(ctx, n, s) })
		}
	}
}

func (b *Book) try(ctx context.Context, what string, n name, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if err := do(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		b.cfg.Log.WarnContext(ctx, "a wave of the survey could not be changed, it is tried again", "change", what, "workspace", n.workspace, "wave", n.wave, "error", err)
		return
	}
	b.cfg.Log.InfoContext(ctx, "changed a wave of the survey", "change", what, "workspace", n.workspace, "wave", n.wave)
}

// due are the waves whose time is over, and the ends that are to be written once more.
func (b *Book) due() (due []name, spent map[name]state) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Now()
	spent = map[name]state{}
	for n, s := range b.waves {
		switch {
		case s.secret != nil && !now.Before(s.end.ClosesAt):
			due = append(due, n)
		case s.closed() && !s.end.Swept && now.Sub(s.end.ClosedAt) >= sweepAfter:
			spent[n] = *s
		}
	}
	return due, spent
}

// Shut ends the writing, when nothing else of the book runs any more.
func (b *Book) Shut() error { return b.producer.Close() }
