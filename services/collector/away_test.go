package collector_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // this test stops a broker and starts it again, which a shared one can not
	"plumbline/pkg/event"
)

// withOwnBroker is a collector on a broker that can be stopped, with the folder from which it is started again.
func withOwnBroker(t *testing.T) (dir string, broker *embedded.Broker, s *served) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "kafka")
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t)
	cfg.Bus = bus.Config{Brokers: broker.Addrs(), Partitions: 3}
	cfg.ProduceTimeout = time.Second
	return dir, broker, serve(t, cfg)
}

// The broker goes away: every event is to be sent again, and the service is not ready. It comes back: the same request
// is taken, and nothing that was accepted is missing.
func TestBrokerAway(t *testing.T) {
	dir, broker, s := withOwnBroker(t)
	if a := s.post(t, structured, one("before", nil)); a.Status != http.StatusAccepted {
		t.Fatalf("before: %d %s", a.Status, a.Body)
	}
	s.ready(t, http.StatusOK) // it reads its keys first
	if a := s.do(t, http.MethodGet, "/readyz", "", nil); a.Status != http.StatusOK || !strings.Contains(a.Body, `"broker":"ok"`) {
		t.Errorf("ready before: %d %s", a.Status, a.Body)
	}
	inboxed := func(id string) {
		t.Helper()
		send(t, foreign(t, s.cfg.Bus), record(0, inbox(id, nil), "content-type", structured))
	}
	inboxed("inbox before")
	s.passed(t, 1)
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.post(t, batched, batch(one("during", nil), one("during", nil), one("bad", map[string]any{"time": nil})))
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Code != "broker_away" {
		t.Fatalf("during: %d %s", a.Status, a.Body)
	}
	if a.Answers[0].State != event.Retry || a.Answers[0].Code != event.CodeBrokerAway || a.Answers[1].State != event.Duplicate ||
		a.Answers[2].State != event.Rejected || a.Retry != 1 {
		t.Errorf("during: %s", a.Body)
	}
	// A wave of the survey that nobody has opened can not be opened now: no other answer of the request waits for it.
	began := time.Now()
	a = s.post(t, batched, batch(pulse("first", "ann", nil), pulse("second", "bob", map[string]any{"wave": "q5"}), pulse("third", "cat", map[string]any{"wave": "q6"})))
	if a.Status != http.StatusServiceUnavailable || a.Retry != 3 || a.Answers[2].Code != event.CodeBrokerAway {
		t.Errorf("answers during: %d %s", a.Status, a.Body)
	}
	if took := time.Since(began); took > 3*s.cfg.ProduceTimeout {
		t.Errorf("answers during took %s", took)
	}
	s.ready(t, http.StatusServiceUnavailable)
	if a := s.do(t, http.MethodGet, "/healthz", "", nil); a.Status != http.StatusOK {
		t.Errorf("alive without a broker: %d %s", a.Status, a.Body)
	}
	restart(t, dir, broker)
	deadline := time.Now().Add(20 * time.Second)
	for {
		a := s.post(t, structured, one("during", nil))
		if a.Status == http.StatusAccepted {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after: %d %s", a.Status, a.Body)
		}
	}
	s.ready(t, http.StatusOK)
	// The gate has come back by itself, too.
	inboxed("inbox after")
	s.passed(t, 2)
	checkMetrics(t, s)
	// A try that was not confirmed may be in the log all the same; the identity absorbs it.
	ids := map[string]bool{}
	for _, m := range everything(t, s.cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = true
	}
	if len(ids) != 4 || !ids["before"] || !ids["during"] || !ids["inbox before"] || !ids["inbox after"] {
		t.Errorf("the log has %v", ids)
	}
}

// ready waits until the service says that it is ready, or not; an answer is good for some seconds.
func (s *served) ready(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		a := s.do(t, http.MethodGet, "/readyz", "", nil)
		if a.Status == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("ready: still %d %s; want %d", a.Status, a.Body, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The broker goes away: an SDK is told to send the same again, and what it sends again is the same events.
func TestCallsBrokerAway(t *testing.T) {
	dir, broker, s := withOwnBroker(t)
	body := `{"batch":[` + track("m1", "Experiment Viewed", arm) + `,{"type":"page"}],"sentAt":"2026-11-24T12:00:00Z"}`
	if a := s.calling(t, "/v1/batch", body, nil); a.Status != http.StatusOK {
		t.Fatalf("before: %d %s", a.Status, a.Body)
	}
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.do(t, http.MethodPost, "/v1/batch", body, map[string]string{"Authorization": basic("the-key")})
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Retry != 1 || strings.Contains(a.Body, `"success":true`) {
		t.Errorf("during: %d %s", a.Status, a.Body)
	}
	restart(t, dir, broker)
	if a := s.calling(t, "/v1/batch", strings.Replace(body, "12:00:00Z", "12:00:07Z", 1), nil); a.Status != http.StatusOK {
		t.Errorf("after: %d %s", a.Status, a.Body)
	}
	payloads := map[event.PayloadHash]bool{}
	for _, m := range everything(t, s.cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID == "m1" {
			payloads[e.Payload] = true
		}
	}
	if len(payloads) != 1 {
		t.Errorf("%d events of one call: they would be taken for different ones", len(payloads))
	}
}

// checkMetrics looks for what the requests of TestBrokerAway must have counted.
func checkMetrics(t *testing.T, s *served) {
	t.Helper()
	metrics := s.do(t, http.MethodGet, "/metrics", "", nil).Body
	for _, want := range []string{
		`plumbline_collector_events_total{code="missing_time",kind="hours_saved",state="rejected"} 1`,
		`plumbline_collector_events_total{code="",kind="hours_saved",state="duplicate"} 1`,
		`plumbline_collector_rejects_not_kept_total 1`,
		`plumbline_collector_in_flight_bytes 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// restart starts the broker again, where it was.
func restart(t *testing.T, dir string, broker *embedded.Broker) {
	t.Helper()
	_, port, err := net.SplitHostPort(broker.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	again, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop(context.Background()) })
}

// A workspace that has used up its share is told so, and others are not disturbed.
func TestTooMuchInFlight(t *testing.T) {
	cfg := config(t)
	// Three quarters of 8 MiB are one body of unknown length (4 MiB), not two.
	cfg.MaxInFlightBytes = 8 << 20
	s := serve(t, cfg)
	reader, writer := net.Pipe()
	defer func() { _ = writer.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/events", reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-key")
	req.Header.Set("Content-Type", batched)
	first := make(chan int, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			first <- 0
			return
		}
		_ = res.Body.Close()
		first <- res.StatusCode
	}()
	if _, err := writer.Write([]byte("[")); err != nil {
		t.Fatal(err)
	}
	large := "[" + strings.Repeat(" ", 3<<20) + "]"
	deadline := time.Now().Add(20 * time.Second)
	for { // until the first request holds its reservation
		a := s.post(t, batched, large)
		if a.Status == http.StatusTooManyRequests {
			if a.Code != "overloaded" || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s, Retry-After %q", a.Body, a.Header.Get("Retry-After"))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("never too much: %d %s", a.Status, a.Body)
		}
	}
	if a := s.post(t, structured, one("small", nil)); a.Status != http.StatusAccepted {
		t.Errorf("a small one: %d %s", a.Status, a.Body)
	}
	if _, err := writer.Write([]byte("]")); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if status := <-first; status != http.StatusAccepted {
		t.Errorf("the first: %d", status)
	}
	if a := s.post(t, batched, large); a.Status != http.StatusAccepted {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
	}
}
