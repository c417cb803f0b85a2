package collector_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/services/collector"
)

// BenchmarkReceive sends batches of 1,000 events from four clients; events/s is end to end, acknowledged by the broker.
func BenchmarkReceive(b *testing.B) {
	addrs, prefix := embeddedtest.Broker(b)
	cfg := collector.Config{
		Bus:    bus.Config{Brokers: addrs, Prefix: prefix},
		Secret: event.Secret("0123456789abcdef0123456789abcdef"), WriteKeys: []string{"the-key"}, Now: now,
	}
	ready := make(chan string, 1)
	go func() {
		_ = process.Serve(b.Context(), "127.0.0.1:0", func(m *process.Mount) error { return collector.Run(b.Context(), cfg, m) }, func(a string) { ready <- a })
	}()
	url := "http://" + <-ready + "/v1/events"
	var round atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	started := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := round.Add(1)
			events := make([]string, collector.MaxEvents)
			for i := range events {
				events[i] = fmt.Sprintf(`{"specversion":"1.0","id":"%d-%d","source":"/bench","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:30:00Z","data":{"workflow":"blog-post","team":"content","person":"u-17","doing_minutes":35,"prompting_minutes":5,"review_minutes":10,"baseline_minutes":120}}`, n, i)
			}
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(batch(events...)))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer the-key")
			req.Header.Set("Content-Type", batched)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusAccepted {
				b.Errorf("status %d", res.StatusCode)
			}
		}
	})
	b.ReportMetric(float64(b.N)*collector.MaxEvents/time.Since(started).Seconds(), "events/s")
}
