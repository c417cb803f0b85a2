package bench

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// quantile is the q-quantile (0 to 1) by the nearest rank: a value that was seen. It is 0 of nothing.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// mix brings messages into the order of their keys, which are hashes: any order that has nothing to do with partitions.
func mix(messages []kafka.Message) {
	slices.SortFunc(messages, func(a, b kafka.Message) int { return bytes.Compare(a.Key, b.Key) })
}

// lap is one round of a benchmark.
type lap struct{ perS, cpuMicros float64 }

// measure does something with n events, in this process and in a service.
func measure(n int, s *service, do func() error) (lap, error) {
	started, used := time.Now(), cpuTime()+s.cpuTime()
	if err := do(); err != nil {
		return lap{}, err
	}
	took, used := time.Since(started), cpuTime()+s.cpuTime()-used
	return lap{float64(n) / took.Seconds(), float64(used.Microseconds()) / float64(n)}, nil
}

// medianLap is the median of each figure.
func medianLap(laps []lap) (perS, cpuMicros float64) {
	rates, costs := make([]float64, len(laps)), make([]float64, len(laps))
	for i, l := range laps {
		rates[i], costs[i] = l.perS, l.cpuMicros
	}
	return median(rates), median(costs)
}
