package tail

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/event"
)

// A subscriber that does not keep up is told how many it has missed, before what comes next: seen and missed are all.
func TestTailTellsWhatIsMissed(t *testing.T) {
	w := New(Config{Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	sub := &subscriber{viewer: Viewer{Workspace: "w", May: func(workspace, _ string, _ event.Kind) bool { return workspace == "w" }}, items: make(chan *item, buffer)}
	run := &reading{cancel: func() {}}
	w.subs[sub], w.reading = struct{}{}, run
	const sent = buffer + 44
	for i := range sent {
		w.spread(run, &item{workspace: "w", outcome: event.Accepted, line: fmt.Appendf(nil, `{"id":"%d"}`, i)})
	}
	w.spread(run, &item{workspace: "other", outcome: event.Accepted})
	w.spread(&reading{}, &item{workspace: "w", outcome: event.Accepted}) // of an earlier reader
	recorder := httptest.NewRecorder()
	s := &stream{w: recorder, control: http.NewResponseController(recorder)}
	for range buffer {
		if err := w.hand(s, sub, <-sub.items); err != nil {
			t.Fatal(err)
		}
	}
	body := recorder.Body.Bytes()
	// 300 sent, of which 256 fit.
	if seen := bytes.Count(body, []byte("event: accepted")); seen != buffer {
		t.Errorf("%d seen", seen)
	}
	if !bytes.Contains(body, []byte("event: missed\ndata: {\"missed\":44}\n\n")) || bytes.Count(body, []byte("event: missed")) != 1 {
		t.Errorf("it is not told once that 44 are missing: %.200s", body)
	}
	w.miss(run, 7)
	w.spread(run, &item{workspace: "w", outcome: event.Rejected, line: []byte(`{}`)})
	if err := w.hand(s, sub, <-sub.items); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(recorder.Body.Bytes(), []byte("{\"missed\":7}\n\nevent: rejected")) {
		t.Error("it is not told that the reader has missed 7")
	}
}
