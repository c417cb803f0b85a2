package collector

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Small requests are bounded by number, large ones by bytes, and one workspace never takes all.
func TestFlight(t *testing.T) {
	const total = 64 << 20
	for _, tt := range []struct {
		name string
		n    int64
		// share and all are how many requests one workspace, and all together, have at a time.
		share, all int
	}{
		// 16 KiB each: 48 MiB and 64 MiB.
		{"empty", 0, 3072, 4096},
		// 100 events of 160 bytes: 16,000 bytes and (16000/128+1 = 126) × 2 KiB, together 274,048.
		{"a batch", 16_000, 183, 244},
		// 4 MiB and 1000 × 2 KiB, together 6,242,304.
		{"as large as can be", MaxBody, 8, 10},
	} {
		f := newFlight(total, newMetrics(prometheus.NewRegistry()))
		share := 0
		for f.take("one", tt.n) == roomTaken {
			share++
		}
		all := share
		for f.take("two", tt.n) == roomTaken {
			all++
		}
		if share != tt.share || all != tt.all {
			t.Errorf("%s: %d of one workspace, %d in all; want %d and %d", tt.name, share, all, tt.share, tt.all)
		}
		if got := f.take("one", tt.n); got != roomShare {
			t.Errorf("%s: one workspace too many: %d", tt.name, got)
		}
		if got := f.take("two", tt.n); got != roomNobody {
			t.Errorf("%s: too many in all: %d", tt.name, got)
		}
		f.give("one", tt.n)
		if got := f.take("two", tt.n); got != roomTaken {
			t.Errorf("%s: what was given back is not there: %d", tt.name, got)
		}
	}
}
