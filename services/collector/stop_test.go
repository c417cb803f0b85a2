package collector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// A stop in the middle of load: it takes less than 10 s, no request is cut off, and every event that was answered with
// "accepted" is in the log.
func TestStopUnderLoad(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	const clients, each = 8, 20
	var mu sync.Mutex
	accepted := map[string]bool{}
	requests, cut := 0, 0
	enough := make(chan struct{})
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for round := 0; ; round++ {
				events := make([]string, each)
				for i := range events {
					events[i] = one(fmt.Sprintf("c%d-%d-%d", client, round, i), nil)
				}
				status, answers, err := s.postAny(t, batch(events...))
				mu.Lock()
				switch {
				case err == nil && (status == http.StatusAccepted || status == http.StatusMultiStatus):
					requests++
					for _, a := range answers {
						if a.State == event.Accepted {
							accepted[a.ID] = true
						}
					}
				case err == nil && status < 500:
					t.Errorf("status %d", status)
				}
				select {
				case <-enough:
				default:
					if err != nil {
						cut++ // before the stop nobody is cut off
					}
					if requests >= 200 {
						close(enough)
					}
				}
				mu.Unlock()
				if err != nil {
					return // the server is gone
				}
			}
		})
	}
	<-enough
	started := time.Now()
	s.stop()
	all.Wait()
	if err := s.ended(); err != nil {
		t.Errorf("the stop failed: %v", err)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if cut > 0 {
		t.Errorf("%d requests were cut off before the stop", cut)
	}
	inLog := map[string]bool{}
	for _, m := range everything(t, cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		inLog[e.ID] = true
	}
	lost := 0
	for id := range accepted {
		if !inLog[id] {
			lost++
		}
	}
	if lost > 0 || len(accepted) < 200*each {
		t.Errorf("%d of %d accepted events are not in the log", lost, len(accepted))
	}
}

// postAny sends a batch and takes whatever comes, also nothing.
func (s *served) postAny(t *testing.T, body string) (status int, answers []event.Answer, err error) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/events", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer the-key")
	req.Header.Set("Content-Type", batched)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var got struct{ Answers []event.Answer }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return 0, nil, err
	}
	return res.StatusCode, got.Answers, nil
}
