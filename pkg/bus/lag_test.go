package bus

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/embedded/embeddedtest"
)

// A group that is behind by more than half of the retention is an alarm, with the partition; one that has caught up is
// not, and neither is a topic that keeps messages for ever.
func TestLagAgainstRetention(t *testing.T) {
	addrs, prefix := embeddedtest.Broker(t)
	cfg := Config{Brokers: addrs, Prefix: prefix, Partitions: 2}.withDefaults()
	if err := Ensure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	registry := prometheus.NewRegistry()
	memberOf := func(name Name) *member {
		return &member{
			cfg: cfg, cc: ConsumeConfig{Group: "behind", Topic: name, Metrics: NewMetrics(prometheus.WrapRegistererWith(prometheus.Labels{"of": string(name)}, registry))},
			topic: cfg.Topic(name), log: slog.New(slog.NewTextHandler(&text, nil)), stop: t.Context(),
			client: &kafka.Client{Addr: kafka.TCP(addrs...), Transport: Config{}.Transport(), Timeout: 10 * time.Second},
		}
	}
	for _, name := range []Name{Events, Registry} {
		p := NewProducer(cfg, name)
		defer func() { _ = p.Close() }()
		// All under one key, so that one partition stays empty.
		if _, err := p.Produce(t.Context(), []Message{{Key: []byte("k"), Value: []byte("1")}, {Key: []byte("k"), Value: []byte("2")}}); err != nil {
			t.Fatal(err)
		}
	}
	written, full := time.Now(), PartitionOf([]byte("k"), 2)
	events := memberOf(Events)
	look := func(m *member, now time.Time) []lag {
		t.Helper()
		lags, err := m.lags(t.Context(), []int{1, 0}, now)
		for deadline := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(deadline); {
			lags, err = m.lags(t.Context(), []int{1, 0}, now) // the group's coordinator may not be there yet
		}
		if err != nil || len(lags) != 2 || lags[0].partition != 0 {
			t.Fatalf("%+v, %v", lags, err)
		}
		if empty := lags[1-full]; empty.age != 0 || empty.share != 0 {
			t.Errorf("the empty partition: %+v", empty)
		}
		m.tellLags(lags)
		return lags
	}
	// 2 of the 7 days that events are kept.
	if l := look(events, written.Add(48*time.Hour))[full]; l.share < 0.28 || l.share > 0.29 || text.Len() > 0 {
		t.Errorf("after 2 days: %+v, log %q", l, text.String())
	}
	// 4 of them: 4/7 is 0.571.
	if l := look(events, written.Add(96*time.Hour))[full]; l.share < 0.57 || l.share > 0.58 ||
		!strings.Contains(text.String(), "level=ERROR") || strings.Count(text.String(), "close to their deletion") != 1 {
		t.Errorf("after 4 days: %+v, log %q", l, text.String())
	}
	if got := gauge(t, registry, "plumbline_bus_lag_of_retention_ratio"); got < 0.57 || got > 0.58 {
		t.Errorf("the metric says %v", got)
	}
	text.Reset()
	if l := look(memberOf(Registry), written.Add(1000*time.Hour))[full]; l.share != 0 || l.age < 999*time.Hour || text.Len() > 0 {
		t.Errorf("a topic that keeps messages for ever: %+v, log %q", l, text.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Consume(ctx, cfg, ConsumeConfig{
		Group: "behind", Topic: Events, Linger: time.Millisecond, Session: 6 * time.Second,
		Idle: func(partition int, next int64, _ time.Time) {
			if partition == full && next == 2 {
				cancel()
			}
		},
	}, func(context.Context, Chunk) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if l := look(events, written.Add(96*time.Hour))[full]; l.age != 0 || l.share != 0 {
		t.Errorf("caught up: %+v", l)
	}
}

// gauge is the greatest value of a metric.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	most := -1.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				most = max(most, m.GetGauge().GetValue())
			}
		}
	}
	return most
}
