package embedded

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// goodStop is how long a database may take to end in good order, before
	// it is told to exit at once. It takes 0.1 s; with connections still open
	// it waits 5 s for them, which is not worth waiting for.
	goodStop = 2 * time.Second
	// quickStop is how long it may then take, before it is killed.
	quickStop = 2 * time.Second
)

// Stop ends the database and returns when it has ended: in good order if it
// can in 2 s and before ctx ends, else at once. Nothing acknowledged is lost
// either way. A second call only waits for the first.
func (db *Database) Stop(ctx context.Context) error {
	if !db.beginStop() {
		<-db.done
		return nil
	}
	good, cancel := context.WithTimeout(ctx, goodStop)
	defer cancel()
	// An error here means that the server no longer answers: the wait that
	// follows then ends it the hard way.
	if err := db.exec(good, "KILL QUERY WHERE query = '"+blockingQuery+"' ASYNC"); err == nil {
		select {
		case <-db.done:
		case <-good.Done():
		}
	}
	_ = db.stdin.Close()
	select {
	case <-db.done:
	case <-time.After(quickStop):
		_ = db.cmd.Process.Kill()
		<-db.done
	}
	if err := db.lock.Close(); err != nil {
		return fmt.Errorf("stop database: release folder lock: %w", err)
	}
	return nil
}

// beginStop reports whether this is the first call of Stop.
func (db *Database) beginStop() bool {
	first := false
	db.stopOnce.Do(func() {
		first = true
		close(db.stopping)
	})
	return first
}

// tailSize is how much of the engine's output is kept for error messages, bytes.
const tailSize = 4096

// tail keeps the end of what is written to it, and passes all of it on.
type tail struct {
	next io.Writer // may be nil
	mu   sync.Mutex
	kept []byte
}

// Write keeps p and passes it on; it fails only where next fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailSize; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	if t.next == nil {
		return len(p), nil
	}
	return t.next.Write(p)
}

// String is what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.kept))
}
