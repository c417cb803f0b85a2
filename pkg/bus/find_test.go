package bus_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"plumbline/pkg/bus"
)

// Messages are found by their key from an offset on, the first of each; what is not there is not found.
func TestFind(t *testing.T) {
	cfg := topics(t, 3)
	produce(t, cfg, numbered(0, 300))
	produce(t, cfg, numbered(100, 101))
	f := bus.NewFinder(cfg)
	defer f.Close()
	keys := [][]byte{[]byte("key-7"), []byte("key-100"), []byte("key-299"), []byte("never")}
	found, err := f.Find(t.Context(), bus.Events, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.At) != 3 || len(found.Unread) != 0 {
		t.Fatalf("%+v", found)
	}
	for key, at := range found.At {
		if want := bus.PartitionOf([]byte(key), 3); at.Partition != want {
			t.Errorf("%s is said to be in partition %d, want %d", key, at.Partition, want)
		}
	}
	// From behind the first one on, the second one is the first.
	first := found.At["key-100"]
	again, err := f.Find(t.Context(), bus.Events, keys[1:2], map[int]int64{first.Partition: first.Offset + 1})
	if err != nil || again.At["key-100"].Offset <= first.Offset {
		t.Errorf("%+v, %v; want an offset after %d", again, err, first.Offset)
	}
	last := again.At["key-100"]
	none, err := f.Find(t.Context(), bus.Events, keys[1:2], map[int]int64{last.Partition: last.Offset + 1})
	if err != nil || len(none.At) != 0 || len(none.Unread) != 0 {
		t.Errorf("%+v, %v; want nothing", none, err)
	}
}

// A search ends where there is too much to read, and says so.
func TestFindIsBounded(t *testing.T) {
	cfg := topics(t, 1)
	const many = 100_000
	messages := make([]bus.Message, many+80_000)
	for i := range messages {
		messages[i] = bus.Message{Key: fmt.Append(nil, i)}
	}
	produce(t, cfg, messages)
	f := bus.NewFinder(cfg)
	defer f.Close()
	found, err := f.Find(t.Context(), bus.Events, [][]byte{fmt.Append(nil, many+79_999)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A fetch is finished, so that some more than the bound are read; on a busy machine time ends the search earlier.
	if len(found.At) != 0 || found.Unread[0] < 1 {
		t.Errorf("%+v; want nothing found, and some unread", found)
	}
}

// How many messages a group has not handled: all at first, none when it has caught up.
func TestBehind(t *testing.T) {
	cfg := topics(t, 2)
	f := bus.NewFinder(cfg)
	defer f.Close()
	behind := func() int64 {
		t.Helper()
		n, err := f.Behind(t.Context(), bus.Events, "test")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := behind(); n != 0 {
		t.Errorf("%d on an empty topic", n)
	}
	produce(t, cfg, numbered(0, 40))
	if n := behind(); n != 40 {
		t.Errorf("%d, want 40", n)
	}
	start(t, cfg, bus.ConsumeConfig{Linger: time.Millisecond}, func(context.Context, bus.Chunk) error { return nil })
	until(t, "nothing is left", func() bool { return behind() == 0 })
}
