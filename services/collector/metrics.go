package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/event"
)

// metrics counts what comes in and what becomes of it. Labels come from fixed lists, never from what clients send.
type metrics struct {
	events   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	bytes    prometheus.Counter
	produce  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	lost     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	name := func(n, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "plumbline", Subsystem: "collector", Name: n, Help: help}
	}
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts(name("events_total", "Events answered, by what became of them.")),
			[]string{"kind", "state", "code"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts(name("refused_requests_total", "Requests refused as a whole.")), []string{"reason"}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts(name("bytes_total", "Bytes of bodies read, unpacked."))),
		produce: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "plumbline", Subsystem: "collector", Name: "produce_seconds", Help: "Time until the broker had the events of a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"result"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts(name("in_flight_bytes", "Memory reserved for requests being worked on."))),
		lost:     prometheus.NewCounter(prometheus.CounterOpts(name("rejects_not_kept_total", "Rejected events whose bytes could not be kept."))),
	}
	reg.MustRegister(m.events, m.refused, m.bytes, m.produce, m.inFlight, m.lost)
	return m
}

// refuse counts a request that was refused as a whole.
func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

// count counts the answers of a request.
func (m *metrics) count(entries []entry) {
	for i := range entries {
		kind := string(entries[i].event.Kind)
		if _, ok := event.Lookup(entries[i].event.Kind); !ok {
			kind = "unknown"
		}
		m.events.WithLabelValues(kind, string(entries[i].answer.State), string(entries[i].answer.Code)).Inc()
	}
}
