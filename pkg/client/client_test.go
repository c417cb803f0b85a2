package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
)

// handler answers without a network, so that waits run on the clock of a synctest bubble.
type handler func(w http.ResponseWriter, r *http.Request, ids []string)

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	var raw []byte
	if r.Body != nil {
		var err error
		if raw, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if len(raw) == 0 {
		w := httptest.NewRecorder()
		h(w, r, nil)
		return w.Result(), nil
	}
	var batch []struct {
		ID   string         `json:"id"`
		Rest jsontext.Value `json:",unknown"`
	}
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, err
	}
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.ID
	}
	w := httptest.NewRecorder()
	h(w, r, ids)
	return w.Result(), nil
}

func newClient(t *testing.T, h handler) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: "http://collector.example", Key: "k", HTTP: &http.Client{Transport: h}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func events(n int) []client.Event {
	out := make([]client.Event, n)
	for i := range out {
		out[i] = client.Event{ID: fmt.Sprint(i), Source: "s", Time: time.Unix(1_700_000_000, 0), Data: &event.Training{Course: "c"}}
	}
	return out
}

func reply(w http.ResponseWriter, status int, ids []string, state func(id string) event.State) {
	answers := make([]event.Answer, len(ids))
	for i, id := range ids {
		answers[i] = event.Answer{ID: id, State: state(id)}
	}
	w.WriteHeader(status)
	if err := json.MarshalWrite(w, map[string]any{"answers": answers}); err != nil {
		panic(err)
	}
}

func accept(string) event.State { return event.Accepted }

// TestOrderAndSplit: 2,500 events are three requests of at most 1,000, answered in order.
func TestOrderAndSplit(t *testing.T) {
	var sizes []int
	c := newClient(t, func(w http.ResponseWriter, r *http.Request, ids []string) {
		if r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("Content-Type") != "application/cloudevents-batch+json" {
			t.Errorf("headers %v", r.Header)
		}
		sizes = append(sizes, len(ids))
		reply(w, http.StatusMultiStatus, ids, func(id string) event.State {
			if id == "1700" {
				return event.Rejected
			}
			return event.Accepted
		})
	})
	answers, err := c.Send(t.Context(), events(2_500))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sizes) != "[1000 1000 500]" {
		t.Errorf("requests of %v", sizes)
	}
	for i, a := range answers {
		want := event.Accepted
		if i == 1_700 {
			want = event.Rejected
		}
		if a.ID != fmt.Sprint(i) || a.State != want {
			t.Fatalf("answer %d is %+v", i, a)
		}
	}
}

// TestSplitBySize: 20 events of 300 KB are 6,000 KB: 13 fit under 4 MiB, so 13 + 7.
func TestSplitBySize(t *testing.T) {
	var sizes []int
	c := newClient(t, func(w http.ResponseWriter, r *http.Request, ids []string) {
		if r.ContentLength >= 4<<20 {
			t.Errorf("a request of %d bytes", r.ContentLength)
		}
		sizes = append(sizes, len(ids))
		reply(w, http.StatusAccepted, ids, accept)
	})
	big := events(20)
	for i := range big {
		big[i].Data = map[string]string{"note": strings.Repeat("x", 300_000)}
	}
	if _, err := c.Send(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sizes) != "[13 7]" {
		t.Errorf("requests of %v", sizes)
	}
}

// TestRetrySame: what was answered "retry" is sent again under the same id, what was taken is not.
func TestRetrySame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests []string
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request, ids []string) {
			requests = append(requests, strings.Join(ids, " "))
			first := len(requests) == 1
			reply(w, http.StatusMultiStatus, ids, func(id string) event.State {
				if first && id != "1" {
					return event.Retry
				}
				return event.Accepted
			})
		})
		answers, err := c.Send(t.Context(), events(3))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(requests, " | "); got != "0 1 2 | 0 2" {
			t.Errorf("requests %s", got)
		}
		for _, a := range answers {
			if a.State != event.Accepted {
				t.Errorf("answer %+v", a)
			}
		}
	})
}

// TestRetryAfter: 429 and 503 are waited out for as long as they say.
func TestRetryAfter(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			tries := 0
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request, ids []string) {
				if tries++; tries <= 2 {
					w.Header().Set("Retry-After", "7")
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(status)
					_, _ = w.Write([]byte(`{"title":"busy","detail":"too much in flight"}`))
					return
				}
				reply(w, http.StatusAccepted, ids, accept)
			})
			if _, err := c.Send(t.Context(), events(1)); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); tries != 3 || waited != 14*time.Second {
				t.Errorf("%d tries in %s, want 3 in 14s", tries, waited)
			}
		})
	}
}

// TestPartly: a 503 may say what was taken; the rest is sent again.
func TestPartly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests []string
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request, ids []string) {
			requests = append(requests, strings.Join(ids, " "))
			if len(requests) == 1 {
				reply(w, http.StatusServiceUnavailable, ids, func(id string) event.State {
					if id == "0" {
						return event.Accepted
					}
					return event.Retry
				})
				return
			}
			reply(w, http.StatusAccepted, ids, accept)
		})
		if _, err := c.Send(t.Context(), events(2)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(requests, " | "); got != "0 1 | 1" {
			t.Errorf("requests %s", got)
		}
	})
}

// TestGivesUp: after the patience is over the error says so and the answers say "retry".
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request, _ []string) { w.WriteHeader(http.StatusServiceUnavailable) })
		answers, err := c.Send(t.Context(), events(2))
		var away *client.Unavailable
		if !errors.As(err, &away) || away.Tries < 10 {
			t.Fatalf("error %v", err)
		}
		var last *client.Error
		if !errors.As(err, &last) || last.Status != http.StatusServiceUnavailable {
			t.Errorf("reason %v", err)
		}
		if waited := time.Since(start); waited < 50*time.Second || waited > time.Minute {
			t.Errorf("gave up after %s, want about a minute", waited)
		}
		if answers[0].State != event.Retry || answers[1].State != event.Retry {
			t.Errorf("answers %+v", answers)
		}
	})
}

// TestFinal: errors that sending again does not change come back at once.
func TestFinal(t *testing.T) {
	for _, status := range []int{400, 401, 403, 413, 415} {
		tries := 0
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request, _ []string) {
			tries++
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"title":"no","detail":"the reason","code":"forbidden_source"}`))
		})
		_, err := c.Send(t.Context(), events(1))
		var e *client.Error
		if !errors.As(err, &e) || e.Status != status || e.Code != event.CodeForbiddenSource || !strings.HasSuffix(err.Error(), "the reason") || tries != 1 {
			t.Errorf("%d: %d tries, error %v", status, tries, err)
		}
	}
}

// TestCancelled: the context ends a wait.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request, _ []string) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		if _, err := c.Send(ctx, events(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

// TestLostAnswer: the connection breaks after the collector took the batch: the same ids are sent again.
func TestLostAnswer(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies = append(bodies, string(raw))
		first := len(bodies) == 1
		mu.Unlock()
		if first {
			panic(http.ErrAbortHandler)
		}
		reply(w, http.StatusAccepted, []string{"0"}, accept)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{URL: server.URL + "/", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), events(1)); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Errorf("bodies %q", bodies)
	}
}

// TestPing: a server that is there, one that is not, and something else that answers.
func TestPing(t *testing.T) {
	if err := newClient(t, func(w http.ResponseWriter, _ *http.Request, _ []string) { w.WriteHeader(http.StatusOK) }).Ping(t.Context()); err != nil {
		t.Errorf("a server that is well: %v", err)
	}
	if err := newClient(t, func(w http.ResponseWriter, _ *http.Request, _ []string) { w.WriteHeader(http.StatusNotFound) }).Ping(t.Context()); err == nil {
		t.Error("something without /healthz passed")
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	c, err := client.New(client.Config{URL: gone.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err == nil {
		t.Error("nobody answered, and it passed")
	}
}

// TestConfig: what cannot work is refused before anything is sent.
func TestConfig(t *testing.T) {
	for _, cfg := range []client.Config{{}, {URL: "127.0.0.1:8080", Key: "k"}, {URL: "ftp://x", Key: "k"}, {URL: "http://x"}} {
		if _, err := client.New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	c := newClient(t, func(http.ResponseWriter, *http.Request, []string) { t.Error("sent") })
	if _, err := c.Send(t.Context(), []client.Event{{ID: "1", Extensions: map[string]string{"id": "x"}}}); err == nil {
		t.Error("an extension named id was taken")
	}
}
