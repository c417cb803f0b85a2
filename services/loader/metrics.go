package loader

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what the loader does.
type metrics struct {
	loaded      prometheus.Counter
	repeated    prometheus.Counter
	duplicates  *prometheus.CounterVec
	rejected    *prometheus.CounterVec
	badMarks    prometheus.Counter
	rolledDays  prometheus.Counter
	rollSeconds prometheus.Histogram
	// erasurePasses are finished, sealedMarks and droppedMonths are what sealing did.
	erasurePasses prometheus.Counter
	sealedMarks   prometheus.Counter
	droppedMonths prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "plumbline", Subsystem: "loader", Name: name, Help: help}
	}
	m := &metrics{
		loaded:        prometheus.NewCounter(counter("loaded_total", "Events stored.")),
		repeated:      prometheus.NewCounter(counter("repeated_total", "Events that an earlier attempt at the same chunk had stored.")),
		duplicates:    prometheus.NewCounterVec(counter("duplicates_total", "Events that were stored before, with the same content."), []string{"source"}),
		rejected:      prometheus.NewCounterVec(counter("rejected_total", "Messages refused."), []string{"code"}),
		badMarks:      prometheus.NewCounter(counter("bad_marks_total", "Messages on the topic of marks that are no marks.")),
		rolledDays:    prometheus.NewCounter(counter("rolled_days_total", "Days of workspaces rolled.")),
		erasurePasses: prometheus.NewCounter(counter("erasure_passes_total", "Passes of erasing persons that are finished.")),
		sealedMarks:   prometheus.NewCounter(counter("sealed_days_total", "Days that marks have named and that are sealed, so not rolled.")),
		droppedMonths: prometheus.NewCounter(counter("dropped_partitions_total", "Months of raw tables dropped after the retention.")),
		rollSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "plumbline", Subsystem: "loader", Name: "roll_seconds", Help: "Time to roll the marks of one chunk in one workspace.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 10),
		}),
	}
	reg.MustRegister(m.loaded, m.repeated, m.duplicates, m.rejected, m.badMarks, m.rolledDays, m.rollSeconds, m.erasurePasses, m.sealedMarks, m.droppedMonths)
	return m
}
