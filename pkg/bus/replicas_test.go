package bus

import (
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
)

// Three brokers want two replicas in sync, as a setting and in fact; one broker wants itself.
func TestJudgeReplicas(t *testing.T) {
	partitions := func(inSync ...int) []kafka.Partition {
		var out []kafka.Partition
		for id, n := range inSync {
			out = append(out, kafka.Partition{ID: id, Replicas: make([]kafka.Broker, 3), Isr: make([]kafka.Broker, n)})
		}
		return out
	}
	for _, tt := range []struct {
		name               string
		replication, least int
		partitions         []kafka.Partition
		says               []string
	}{
		{"one broker", 1, 1, partitions(1, 1), nil},
		{"one broker, gone", 1, 1, partitions(1, 0), []string{"partition 1 of t has 0 replicas in sync, it needs 1"}},
		{"three", 3, 2, partitions(3, 2), nil},
		{"three, a setting that loses", 3, 1, partitions(3, 3), []string{"min.insync.replicas=1"}},
		{"three, two gone", 3, 2, partitions(1, 1), []string{"partition 0 of t has 1", "partition 1 of t has 1"}},
		{"without a leader", 3, 2, []kafka.Partition{{ID: 4, Error: kafka.LeaderNotAvailable}}, []string{"partition 4 of t: [5] Leader Not Available"}},
	} {
		err := judgeReplicas("t", tt.replication, tt.least, tt.partitions)
		if (err == nil) != (tt.says == nil) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, want := range tt.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", tt.name, err, want)
			}
		}
	}
}
