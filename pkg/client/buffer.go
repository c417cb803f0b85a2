package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// BufferConfig says where events wait until the collector has them.
type BufferConfig struct {
	// Client sends them.
	Client *Client
	// Dir is a folder for this buffer alone; it is made where it is not there. Two buffers on one folder would send the same twice,
	// which counts once.
	Dir string
	// MaxBytes bounds what waits; default 256 MiB. Beyond it nothing is taken: see [ErrBufferFull].
	MaxBytes int64
	// Refused is told of every event that the collector does not take, which is not sent again. It may be nil: [Buffer.Flush] tells, too.
	Refused func(event.Answer)
}

// ErrBufferFull says that so much waits that nothing more is taken: the collector has been away for long. Nothing of the call was kept.
var ErrBufferFull = errors.New("client: the buffer is full: the collector is away, or refuses the key; give the events again later")

// ErrBufferClosed says that the buffer takes nothing any more.
var ErrBufferClosed = errors.New("client: the buffer is closed")

// defaultBuffer is [BufferConfig.MaxBytes] where nothing is said.
const defaultBuffer = 256 << 20

// Buffer keeps events on disk until the collector has them, and sends them in the background, in order. What was added is there after a crash,
// and is sent when a buffer is opened on the folder again, under the same ids: what had been sent before counts once.
type Buffer struct {
	cfg  BufferConfig
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	files  []waiting // oldest first
	bytes  int64
	next   uint64
	closed bool
	// failed is why nothing is sent any more: the key, the form; refused counts events that were not taken.
	failed  error
	refused int
	first   event.Answer
	// changed is closed, and replaced, when a file has gone or sending has ended.
	changed chan struct{}
}

// waiting is one file of events: those of one call of Add.
type waiting struct {
	name string
	size int64
}

const bufferEnding = ".events.json"

// OpenBuffer takes up what is left in the folder and begins to send it. Close it.
func OpenBuffer(cfg BufferConfig) (*Buffer, error) {
	if cfg.Client == nil || cfg.Dir == "" {
		return nil, errors.New("client: a buffer needs a client and a folder")
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultBuffer
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("client: make the buffer's folder: %w", err)
	}
	b := &Buffer{cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{}), changed: make(chan struct{})}
	if err := b.takeUp(); err != nil {
		return nil, fmt.Errorf("client: read the buffer's folder: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go b.run(ctx)
	return b, nil
}

// takeUp lists the files that an earlier buffer has left. What it was writing when it crashed was never promised to anybody.
func (b *Buffer) takeUp() error {
	entries, err := os.ReadDir(b.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), bufferEnding)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		b.files = append(b.files, waiting{e.Name(), info.Size()})
		b.bytes += info.Size()
		b.next = max(b.next, n+1)
	}
	slices.SortFunc(b.files, func(x, y waiting) int { return strings.Compare(x.name, y.name) })
	return nil
}

// Add returns when the events are on disk: from then on they are sent, be it after a crash. One call is written at once, so many events a
// call are faster than many calls.
func (b *Buffer) Add(events ...Event) error {
	raws := make([]jsontext.Value, len(events))
	for i, e := range events {
		raw, err := e.encode()
		if err != nil {
			return fmt.Errorf("client: event %d (%s): %w", i, e.ID, err)
		}
		raws[i] = raw
	}
	if len(raws) == 0 {
		return nil
	}
	content, err := json.Marshal(raws)
	if err != nil {
		return fmt.Errorf("client: encode: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrBufferClosed
	case b.bytes+int64(len(content)) > b.cfg.MaxBytes:
		return ErrBufferFull
	}
	name := fmt.Sprintf("%020d%s", b.next, bufferEnding)
	if err := writeDurably(b.cfg.Dir, name, content); err != nil {
		return fmt.Errorf("client: keep events: %w", err)
	}
	b.next++
	b.files, b.bytes = append(b.files, waiting{name, int64(len(content))}), b.bytes+int64(len(content))
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// writeDurably writes a file that is whole or not there, and survives a power cut.
func writeDurably(dir, name string, content []byte) (err error) {
	f, err := os.CreateTemp(dir, "writing-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// run sends one file after another.
func (b *Buffer) run(ctx context.Context) {
	defer close(b.done)
	for {
		b.mu.Lock()
		oldest := ""
		if len(b.files) > 0 {
			oldest = b.files[0].name
		}
		b.mu.Unlock()
		if oldest == "" {
			select {
			case <-ctx.Done():
				return
			case <-b.wake:
				continue
			}
		}
		err := b.send(ctx, oldest)
		var away *Unavailable
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &away):
			select { // the client has tried for as long as it has patience
			case <-ctx.Done():
				return
			case <-time.After(mostWait):
			}
		case err != nil:
			b.mu.Lock()
			b.failed = err
			b.tell()
			b.mu.Unlock()
			return
		}
	}
}

// send sends one file and removes it when every event of it has its answer.
func (b *Buffer) send(ctx context.Context, name string) error {
	path := filepath.Join(b.cfg.Dir, name)
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("client: read kept events: %w", err)
	}
	var raws []jsontext.Value
	if err := json.Unmarshal(content, &raws); err != nil {
		return fmt.Errorf("client: %s is no list of events; it is left where it is: %w", path, err)
	}
	answers, err := b.cfg.Client.SendStructured(ctx, raws)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("client: remove sent events: %w", err)
	}
	var refused []event.Answer
	for _, a := range answers {
		if a.State == event.Rejected {
			refused = append(refused, a)
		}
	}
	if b.cfg.Refused != nil {
		for _, a := range refused {
			b.cfg.Refused(a)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused == 0 && len(refused) > 0 {
		b.first = refused[0]
	}
	b.refused += len(refused)
	b.bytes -= b.files[0].size
	b.files = b.files[1:]
	b.tell()
	return nil
}

// tell wakes those who wait for a change; the lock is held.
func (b *Buffer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Refusals says that the collector has not taken some events, which are not sent again.
type Refusals struct {
	Count int
	// First is the answer to the first of them.
	First event.Answer
}

// Error names the first.
func (r *Refusals) Error() string {
	return fmt.Sprintf("client: %d events were refused, the first of them %s of %s: %s (%s)", r.Count, r.First.ID, r.First.Source, r.First.Message, r.First.Code)
}

// Flush waits until nothing waits any more. The error is that of ctx, why nothing is sent any more, or a [*Refusals] of all that was refused since
// the last one.
func (b *Buffer) Flush(ctx context.Context) error {
	for {
		b.mu.Lock()
		left, failed, changed := len(b.files), b.failed, b.changed
		var refused error
		if left == 0 && b.refused > 0 {
			refused = &Refusals{b.refused, b.first}
			b.refused = 0
		}
		b.mu.Unlock()
		switch {
		case left == 0:
			return refused
		case failed != nil:
			return failed
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("client: %d parcels of events still wait: %w", left, ctx.Err())
		case <-changed:
		}
	}
}

// Close takes nothing more and flushes until ctx ends. What then still waits stays on disk, for the next buffer on the folder.
func (b *Buffer) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	err := b.Flush(ctx)
	b.stop()
	<-b.done
	return err
}
