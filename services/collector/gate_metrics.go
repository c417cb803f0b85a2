package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/event"
)

// gateMetrics counts what becomes of the messages of the inbox. A chunk that is read again is counted when it has got
// through.
type gateMetrics struct {
	messages *prometheus.CounterVec
}

func newGateMetrics(reg prometheus.Registerer) *gateMetrics {
	m := &gateMetrics{messages: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "plumbline", Subsystem: "collector", Name: "inbox_messages_total", Help: "Messages of the inbox, by what became of them.",
	}, []string{"kind", "state", "code"})}
	reg.MustRegister(m.messages)
	return m
}

func (m *gateMetrics) count(d *delivery) {
	for _, kind := range d.kinds {
		if kind != "" { // the log has refused it, and it is among the rejects
			m.messages.WithLabelValues(string(kind), string(event.Accepted), "").Inc()
		}
	}
	for _, r := range d.rejects {
		kind, ok := event.KindOfType(r.Type)
		if !ok {
			kind = "unknown"
		}
		m.messages.WithLabelValues(string(kind), string(event.Rejected), r.Code).Inc()
	}
}
