package collector_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/waves"
)

// bookOf is a book of waves beside the collectors, as the scorecard has one.
func bookOf(t *testing.T, cfg bus.Config) *waves.Book {
	t.Helper()
	b := waves.New(waves.Config{Bus: cfg, Service: "test", Now: now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, b.Shut()); err != nil {
			t.Error(err)
		}
	})
	within(t, "the book has read", func() bool { return b.Ready(t.Context()) == nil })
	return b
}

func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not in a minute: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// pulse is an answer to the survey by a person.
func pulse(id, person string, changes map[string]any) string {
	data := map[string]any{"wave": "q4", "role": "ic", "confidence": 3, "person": person}
	maps.Copy(data, changes)
	return one(id, map[string]any{"type": "plumbline.pulse.v1", "data": data})
}

// ann answers the survey.
const ann = "ann@example.com"

// correction is ann's correction of an answer.
func correction(id string) string {
	return one(id, map[string]any{"type": "plumbline.correct.v1", "data": map[string]any{
		"source": "/tests", "id": "a1", "kind": "pulse", "person": ann,
		"data": map[string]any{"wave": "q4", "role": "ic", "confidence": 4, "person": ann},
	}})
}

// Answers to one wave have one pseudonym for each person at every collector, which nobody can make with the installation's
// secret alone; when the wave is closed no more are taken.
func TestAnswersOfAWave(t *testing.T) {
	cfg := config(t)
	one, other := serve(t, cfg), serve(t, cfg)
	one.ready(t, http.StatusOK)
	other.ready(t, http.StatusOK)
	for i, a := range []answer{
		one.post(t, batched, batch(pulse("a1", ann, nil), pulse("b", "bob", nil), pulse("later", ann, map[string]any{"wave": "q5"}))),
		other.post(t, batched, batch(pulse("a2", "Ann@Example.com", nil), correction("c"))),
	} {
		if a.Status != http.StatusAccepted {
			t.Fatalf("request %d: %d %s", i, a.Status, a.Body)
		}
	}
	book := bookOf(t, cfg.Bus)
	sealer := event.NewSealer(cfg.Secret)
	want, err := sealer.With(book).Pulse("default", "q4", ann)
	if err != nil {
		t.Fatal(err)
	}
	got := stored(t, cfg.Bus, 5)
	person := func(id string) string { return got[id].Data.Shared().Person }
	if person("a1") != want || person("a2") != want || person("c") != want || person("b") == want || person("later") == want ||
		person("a1") == sealer.Person("default", ann) {
		t.Errorf("a1 %s, a2 %s, c %s, b %s, later %s, want %s for the first three alone", person("a1"), person("a2"), person("c"), person("b"), person("later"), want)
	}

	if err := book.Close(t.Context(), "default", "q4"); err != nil {
		t.Fatal(err)
	}
	var late answer
	within(t, "the wave is closed at the collector", func() bool {
		late = one.post(t, batched, batch(pulse("late", ann, nil), correction("late c"), pulse("in time", ann, map[string]any{"wave": "q5"})))
		return late.Rejected == 2
	})
	for i, pointer := range []string{"/data/wave", "/data/data/wave"} {
		if a := late.Answers[i]; a.Code != event.CodeWaveClosed || a.Pointer != pointer {
			t.Errorf("late: %+v", a)
		}
	}
	if late.Answers[2].State != event.Accepted {
		t.Errorf("an answer of an open wave beside them: %+v", late.Answers[2])
	}
}

// What is kept of an answer that was refused does not tell whose it is.
func TestRefusedAnswersNameNobody(t *testing.T) {
	cfg := config(t)
	cfg.InboxWorkspaces = []string{"other"}
	s := serve(t, cfg)
	s.ready(t, http.StatusOK)
	if a := s.post(t, structured, pulse("good", ann, nil)); a.Status != http.StatusAccepted {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	bad := func(id string, changes map[string]any) string {
		return pulse(id, ann, maps.Collect(func(yield func(string, any) bool) {
			_ = yield("confidence", 9)
			maps.All(changes)(yield)
		}))
	}
	s.post(t, batched, batch(
		bad("sealed", nil),
		bad("misspelt", map[string]any{"Person": ann}),
		bad("unopened", map[string]any{"wave": "nobody has answered it"}),
		bad("no text", map[string]any{"person": []string{ann}}),
		strings.Replace(correction("correction"), `"confidence":4`, `"confidence":9`, 1),
		strings.Replace(correction("odd correction"), `"kind"`, `"Kind"`, 1),
		one("hours", map[string]any{"data": map[string]any{"person": ann}}),
	))
	s.do(t, http.MethodPost, "/v1/events", `{"wave":"q4","role":"ic","confidence":9,"person":"`+ann+`"}`, map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "binary", "ce-source": "/tests", "ce-type": "plumbline.pulse.v1",
		"ce-time": "2026-11-01T09:30:00Z",
	})
	send(t, foreign(t, cfg.Bus),
		record(0, []byte(strings.Replace(bad("inbox", nil), `"source"`, `"workspace":"default","source"`, 1)), "content-type", structured),
		record(0, []byte(bad("no workspace", nil)), "content-type", structured))
	s.passed(t, 2)

	sealer := event.NewSealer(cfg.Secret).With(bookOf(t, cfg.Bus))
	person, err := sealer.Pulse("default", "q4", ann)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{"sealed": true, "correction": true, "binary": true, "inbox": true, "no workspace": true}
	for _, m := range topic(t, cfg.Bus, bus.Rejected, 10) {
		var r warehouse.Reject
		if err := json.Unmarshal(m.Value, &r); err != nil {
			t.Fatal(err)
		}
		switch raw := string(r.Raw); {
		case r.ID == "hours":
			if !strings.Contains(raw, ann) {
				t.Errorf("the bytes of hours are not as they came: %s", raw)
			}
		case kept[r.ID]:
			if strings.Contains(raw, ann) || !strings.Contains(raw, person) || r.ContentType != structured {
				t.Errorf("%s: %s %s", r.ID, r.ContentType, raw)
			}
		default:
			if raw != "" || r.ContentType != warehouse.AnswerType || r.Code == "" {
				t.Errorf("%s: %s %s %s", r.ID, r.Code, r.ContentType, raw)
			}
		}
	}
}
