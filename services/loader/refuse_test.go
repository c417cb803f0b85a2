package loader

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// Headers may be anything: neither bytes that are no text nor a name of half a megabyte holds up what stands behind.
func TestRefusesUnreadableHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.maker.Stored(t, workspace, "s", "good", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), &event.Training{Course: "c"})
	broken := w.message(good)
	broken.Headers = []event.Header{{Key: event.HeaderSource, Value: []byte("a\xff")}, {Key: event.HeaderType, Value: []byte("other.kind.v9")}}
	huge := w.message(good)
	huge.Headers = []event.Header{{Key: event.HeaderID, Value: bytes.Repeat([]byte("x"), 380<<10)}}
	w.produce(broken, huge, w.message(good))
	w.run(nil)
	w.complete()
	var rows []warehouse.Reject
	read := func() int {
		rows = nil
		if err := w.db.Query(t.Context(), "SELECT * FROM rejects FINAL ORDER BY kafka_offset", nil, &rows); err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	w.eventually("both are refused", func() bool { return read() == 2 })
	if rows[0].Source != "a\uFFFD" || rows[0].Type != "other.kind.v9" || len(rows[1].ID) != mostText {
		t.Errorf("source %q, type %q, id of %d bytes", rows[0].Source, rows[0].Type, len(rows[1].ID))
	}
	m, err := event.DecodeRawMessage(rows[0].Raw)
	if err != nil || m.Header(event.HeaderSource) != "a\xff" || !bytes.Equal(m.Value, broken.Value) {
		t.Errorf("raw %s: %v", rows[0].Raw, err)
	}
}

// A replay travels beside the rejects and is copied into its own table, once; what is neither is kept as unreadable.
func TestCopiesReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rejected := bus.NewProducer(w.cfg.Bus, bus.Rejected)
	defer func() { _ = rejected.Close() }()
	at := time.Now().UTC().Truncate(time.Millisecond)
	replay := warehouse.Replay{
		Workspace: workspace, RejectID: "r", ReplayID: "a", At: at, By: "admin", State: warehouse.ReplayAccepted, Source: "s", ID: "i",
		KafkaPartition: 1, KafkaOffset: 7, Fix: `{"operations":[]}`,
	}
	typed := []event.Header{{Key: event.HeaderContent, Value: []byte(warehouse.ReplayType)}}
	value, err := json.Marshal(replay)
	if err != nil {
		t.Fatal(err)
	}
	old, err := json.Marshal(warehouse.Reject{Workspace: workspace, Code: "bad_value"}) // of no time at all
	if err != nil {
		t.Fatal(err)
	}
	_, err = rejected.Produce(t.Context(), []bus.Message{
		{Value: value, Headers: typed}, {Value: value, Headers: typed}, {Value: []byte(`{"reject_id":"r"}`), Headers: typed}, {Value: old},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(nil)
	w.eventually("all are copied", func() bool {
		return len(w.refused()) == 2 && w.count("SELECT count() AS n FROM replays FINAL") == 1
	})
	got, err := w.db.Replays(t.Context(), workspace, []string{"r", "other"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got["r"]) != 1 || got["r"][0] != replay {
		t.Errorf("got %+v, want %+v", got, replay)
	}
	if n := w.count("SELECT count() AS n FROM rejects FINAL WHERE at > now() - 60"); n != 2 {
		t.Errorf("%d rejects have the time of their message, want 2", n)
	}
}
