package collector_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
)

// watched is an open live tail.
type watched struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// shown is one event of a tail.
type shown struct {
	name string
	Code string
	ID   string

	Data   map[string]any
	Missed int
	raw    string
}

// watch opens a tail and waits until it sees what comes.
func (s *served) watch(t *testing.T, key, query string) *watched {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/tail?"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %v", res.Status, res.Header)
	}
	w := &watched{t, bufio.NewScanner(res.Body), cancel}
	if got := w.next(); got.name != "open" {
		t.Fatalf("the first is %+v", got)
	}
	return w
}

// next reads the next event of the stream; its name is "" at the end.
func (w *watched) next() shown {
	w.t.Helper()
	var out shown
	for w.lines.Scan() {
		field, value, _ := strings.Cut(w.lines.Text(), ": ")
		switch field {
		case "event":
			out.name = value
		case "data":
			out.raw = value
			if err := json.Unmarshal([]byte(value), &out); err != nil {
				w.t.Fatal(err)
			}
			return out
		}
	}
	return shown{}
}

// Accepted events and rejects come as they happen, to those who may see them and want to.
func TestTail(t *testing.T) {
	cfg := config(t)
	restricted, text, err := access.NewKey("narrow", "default", "/other*")
	if err != nil {
		t.Fatal(err)
	}
	foreign, foreignText, err := access.NewKey("foreign", "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys = []access.Key{restricted, foreign}
	s := serve(t, cfg)
	s.post(t, structured, one("before", nil))
	all := s.watch(t, "the-key", "")
	narrow := s.watch(t, text, "")
	other := s.watch(t, foreignText, "")
	rejects := s.watch(t, "the-key", "outcome=rejected")
	barriers := s.watch(t, "the-key", "kind=barrier&source=/oth*")

	barrier := map[string]any{
		"source": "/other", "type": "plumbline.barrier.v1", "subject": "about Ann",
		"data": map[string]any{"barrier": "b", "category": "policy", "note": "Ann is in the way", "person": "ann@example.com", "minutes_lost": 5},
	}
	pulse := map[string]any{
		"source": "/survey", "type": "plumbline.pulse.v1",
		"data": map[string]any{"wave": "w1", "role": "ic", "satisfaction": 4, "person": "ann@example.com", "comment": "so so"},
	}
	if a := s.post(t, batched, batch(one("a", nil), one("bad", map[string]any{"time": nil}), one("barrier", barrier), one("pulse", pulse))); a.Accepted != 3 {
		t.Fatal(a.Body)
	}
	if a := s.do(t, http.MethodPost, "/v1/events", one("theirs", nil), map[string]string{"Content-Type": structured, "Authorization": "Bearer " + foreignText}); a.Accepted != 1 {
		t.Fatal(a.Body)
	}
	got := map[string]shown{}
	for range 4 {
		it := all.next()
		got[it.ID] = it
	}
	if got["a"].name != "accepted" || got["bad"].name != "rejected" || got["bad"].Code != "missing_time" || len(got) != 4 {
		t.Errorf("all: %+v", got)
	}
	person := event.NewSealer(cfg.Secret).Person("default", "ann@example.com")
	if d := got["barrier"].Data; d["person"] != person || d["minutes_lost"] != 5.0 || d["note"] != nil {
		t.Errorf("barrier: %s", got["barrier"].raw)
	}
	if len(got["pulse"].Data) != 0 {
		t.Errorf("pulse: %s", got["pulse"].raw)
	}
	for _, it := range got {
		if strings.Contains(it.raw, "Ann") || strings.Contains(it.raw, "ann@") || strings.Contains(it.raw, "so so") {
			t.Errorf("free text or a person is shown: %s", it.raw)
		}
	}
	for name, w := range map[string]*watched{"barrier": narrow, "theirs": other, "bad": rejects} {
		if it := w.next(); it.ID != name {
			t.Errorf("want %s, got %+v", name, it)
		}
	}
	if it := barriers.next(); it.ID != "barrier" {
		t.Errorf("want the barrier, got %+v", it)
	}
	for query, code := range map[string]string{"kind=nonsense": "bad_value", "outcome=queued": "bad_value"} {
		if a := s.do(t, http.MethodGet, "/v1/tail?"+query, "", nil); a.Status != http.StatusBadRequest || a.Code != code {
			t.Errorf("%s: %d %s", query, a.Status, a.Body)
		}
	}
	if a := s.do(t, http.MethodGet, "/v1/tail", "", map[string]string{"Authorization": ""}); a.Status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.Status)
	}
}

// The reader ends with the last subscriber and starts again with the next; one workspace can not take all places; a stop
// ends every tail.
func TestTailComesAndGoes(t *testing.T) {
	s := serve(t, config(t))
	gauge := func(want int) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for !strings.Contains(s.do(t, http.MethodGet, "/metrics", "", nil).Body, fmt.Sprintf("plumbline_collector_tail_subscribers %d\n", want)) {
			if time.Now().After(deadline) {
				t.Fatalf("there never were %d subscribers", want)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for round := range 2 {
		w := s.watch(t, "the-key", "")
		id := fmt.Sprint("round ", round)
		s.post(t, structured, one(id, nil))
		if it := w.next(); it.ID != id {
			t.Errorf("want %s, got %+v", id, it)
		}
		w.cancel()
		gauge(0)
	}
	var open []*watched
	for range 16 {
		open = append(open, s.watch(t, "the-key", ""))
	}
	if a := s.do(t, http.MethodGet, "/v1/tail", "", nil); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("the 17th: %d %s", a.Status, a.Body)
	}
	s.stop()
	for _, w := range open {
		if it := w.next(); it.name != "end" {
			t.Errorf("at the stop: %+v", it)
		}
		if it := w.next(); it.name != "" {
			t.Errorf("after the end: %+v", it)
		}
	}
}
