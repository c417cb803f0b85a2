package bus

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what consumers do. A nil *Metrics counts nothing.
type Metrics struct {
	gaps     *prometheus.CounterVec
	missing  *prometheus.CounterVec
	messages *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	failures *prometheus.CounterVec
	joins    *prometheus.CounterVec
	lost     *prometheus.CounterVec
	lag      *prometheus.GaugeVec
	oldest   *prometheus.GaugeVec
	used     *prometheus.GaugeVec
}

// NewMetrics registers the metrics of all consumers of a process.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "plumbline", Subsystem: "bus", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &Metrics{
		gaps:     counter("gaps_total", "Gaps found in a log: an alarm.", "group", "topic", "loss"),
		missing:  counter("gap_messages_total", "Messages inside those gaps.", "group", "topic", "loss"),
		messages: counter("messages_total", "Messages handled and committed.", "group", "topic"),
		failures: counter("failures_total", "Chunks or reads that failed and were tried again.", "group", "topic"),
		joins:    counter("joins_total", "Generations of the group that were joined.", "group", "topic"),
		lost:     counter("join_failures_total", "Attempts to join the group that failed.", "group", "topic"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "plumbline", Subsystem: "bus", Name: "chunk_seconds", Help: "Time to handle and commit a chunk.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12),
		}, []string{"group", "topic"}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "plumbline", Subsystem: "bus", Name: "lag_messages", Help: "Messages in the log that are not handled.",
		}, []string{"group", "topic", "partition"}),
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "plumbline", Subsystem: "bus", Name: name, Help: help}, []string{"group", "topic", "partition"})
		reg.MustRegister(v)
		return v
	}
	m.oldest = gauge("lag_seconds", "Age of the oldest message in the log that is not handled.")
	m.used = gauge("lag_of_retention_ratio", "That age as a part of the time for which the topic keeps messages: at 1 they are deleted.")
	reg.MustRegister(m.seconds, m.lag)
	return m
}

func (m *member) labels() []string { return []string{m.cfg.Group(m.cc.Group), m.topic} }

func (m *Metrics) joined(c *member) {
	if m != nil {
		m.joins.WithLabelValues(c.labels()...).Inc()
	}
}

func (m *Metrics) groupFailed(c *member) {
	if m != nil {
		m.lost.WithLabelValues(c.labels()...).Inc()
	}
}

func (m *Metrics) failed(p *partition) {
	if m != nil {
		m.failures.WithLabelValues(p.labels()...).Inc()
	}
}

func (m *Metrics) gap(p *partition, g Gap) {
	if m != nil {
		labels := append(p.labels(), string(g.Loss))
		m.gaps.WithLabelValues(labels...).Inc()
		m.missing.WithLabelValues(labels...).Add(float64(max(g.To-g.From, 0)))
	}
}

func (m *Metrics) handled(p *partition, c Records, took time.Duration) {
	if m != nil {
		m.messages.WithLabelValues(p.labels()...).Add(float64(len(c.Records)))
		m.seconds.WithLabelValues(p.labels()...).Observe(took.Seconds())
		m.lag.WithLabelValues(append(p.labels(), strconv.Itoa(p.id))...).Set(float64(max(c.HighWater-c.Last-1, 0)))
	}
}

func (m *Metrics) caughtUp(p *partition) {
	if m != nil {
		m.lag.WithLabelValues(append(p.labels(), strconv.Itoa(p.id))...).Set(0)
	}
}

func (m *Metrics) age(c *member, l lag) {
	if m != nil {
		labels := append(c.labels(), strconv.Itoa(l.partition))
		m.oldest.WithLabelValues(labels...).Set(l.age.Seconds())
		m.used.WithLabelValues(labels...).Set(l.share)
	}
}

// forgetAges drops what is another member's to say from now on.
func (m *Metrics) forgetAges(c *member, partitions []int) {
	if m != nil {
		for _, p := range partitions {
			labels := append(c.labels(), strconv.Itoa(p))
			m.oldest.DeleteLabelValues(labels...)
			m.used.DeleteLabelValues(labels...)
		}
	}
}
