package client_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
)

// collected counts how often each id was accepted, while the collector is there.
type collected struct {
	mu     sync.Mutex
	status int
	refuse string
	ids    map[string]int
}

// answers changes what the collector says; from then on it refuses no event by itself.
func (c *collected) answers(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.refuse = status, ""
}

func (c *collected) handle(w http.ResponseWriter, _ *http.Request, ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != 0 {
		w.WriteHeader(c.status)
		return
	}
	reply(w, http.StatusMultiStatus, ids, func(id string) event.State {
		if id == c.refuse {
			return event.Rejected
		}
		c.ids[id]++
		return event.Accepted
	})
}

func open(t *testing.T, dir string, c *collected, change func(*client.BufferConfig)) *client.Buffer {
	t.Helper()
	cfg := client.BufferConfig{Client: newClient(t, c.handle), Dir: dir}
	if change != nil {
		change(&cfg)
	}
	b, err := client.OpenBuffer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func kept(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.events.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// The collector is away until the program ends: everything is on disk, and the next start sends it, each event once.
func TestBufferOutlivesTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "buffer")
		c := &collected{status: http.StatusServiceUnavailable, ids: map[string]int{}}
		b := open(t, dir, c, nil)
		all := events(30)
		for i := range 3 {
			if err := b.Add(all[10*i : 10*i+10]...); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		if err := b.Add(all...); !errors.Is(err, client.ErrBufferClosed) {
			t.Errorf("after the end: %v", err)
		}
		if n := kept(t, dir); n != 3 || len(c.ids) != 0 {
			t.Fatalf("%d files are kept, %d ids sent", n, len(c.ids))
		}
		// What was being written in a crash was never promised.
		if err := os.WriteFile(filepath.Join(dir, "writing-1"), []byte("["), 0o600); err != nil {
			t.Fatal(err)
		}
		c.answers(0)
		b = open(t, dir, c, nil)
		if err := b.Add(client.Event{ID: "new", Source: "s", Data: &event.Training{Course: "c"}}); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("closed with %v", err)
		}
		if n := kept(t, dir); n != 0 || len(c.ids) != 31 {
			t.Errorf("%d files are kept, %d ids sent", n, len(c.ids))
		}
		for id, n := range c.ids {
			if n != 1 {
				t.Errorf("%s was accepted %d times", id, n)
			}
		}
	})
}

// The collector comes back while the program runs.
func TestBufferWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &collected{status: http.StatusServiceUnavailable, ids: map[string]int{}}
		b := open(t, t.TempDir(), c, nil)
		if err := b.Add(events(5)...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // of the bubble: longer than the client's patience
		synctest.Wait()
		c.answers(0)
		if err := b.Close(t.Context()); err != nil || len(c.ids) != 5 {
			t.Errorf("%v, %d ids", err, len(c.ids))
		}
	})
}

// The folder is bounded, and what does not fit is not half there.
func TestBufferFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &collected{status: http.StatusServiceUnavailable, ids: map[string]int{}}
		b := open(t, dir, c, func(cfg *client.BufferConfig) { cfg.MaxBytes = 1000 })
		if err := b.Add(events(2)...); err != nil {
			t.Fatal(err)
		}
		if err := b.Add(events(20)...); !errors.Is(err, client.ErrBufferFull) {
			t.Errorf("%v", err)
		}
		if n := kept(t, dir); n != 1 {
			t.Errorf("%d files", n)
		}
		c.answers(0)
		if err := b.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if err := b.Add(events(2)...); err != nil {
			t.Errorf("when it is empty again: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What the collector refuses is told and not sent again; a key that it refuses keeps everything where it is.
func TestBufferRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &collected{refuse: "1", ids: map[string]int{}}
		var told []event.Answer
		b := open(t, dir, c, func(cfg *client.BufferConfig) { cfg.Refused = func(a event.Answer) { told = append(told, a) } })
		if err := b.Add(events(3)...); err != nil {
			t.Fatal(err)
		}
		var refused *client.Refusals
		if err := b.Close(t.Context()); !errors.As(err, &refused) || refused.Count != 1 || refused.First.ID != "1" || len(told) != 1 || kept(t, dir) != 0 {
			t.Errorf("%v, told %v", err, told)
		}
		c.answers(http.StatusForbidden)
		b = open(t, dir, c, nil)
		if err := b.Add(events(3)...); err != nil {
			t.Fatal(err)
		}
		var wrong *client.Error
		if err := b.Close(t.Context()); !errors.As(err, &wrong) || wrong.Status != http.StatusForbidden || kept(t, dir) != 1 {
			t.Errorf("with a wrong key: %v, %d files", err, kept(t, dir))
		}
	})
}
