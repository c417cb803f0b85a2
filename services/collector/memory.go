package collector

import (
	"os"
	"runtime/debug"
)

const (
	// garbagePercent lets the heap grow to three times what is kept before it is swept: a collector keeps little (what is
	// in flight) and makes much garbage, so that sweeping at twice as much costs a good part of its time.
	garbagePercent = 200
	// heapGoal is from where on it is swept more often instead of growing, bytes.
	heapGoal = 160 << 20
)

// TuneMemory sets how much garbage a process may hold that is a collector and nothing else. GOGC and GOMEMLIMIT win.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapGoal)
	}
}
