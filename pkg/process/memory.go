package process

import (
	"os"
	"runtime/debug"
)

// Memory says how much garbage a process may hold.
type Memory struct {
	// GarbagePercent is by how much the heap may grow over what is kept before it is swept, as GOGC; 0: as it is.
	GarbagePercent int
	// Goal is from where on it is swept more often instead of growing, bytes, as GOMEMLIMIT. It holds for all memory of the
	// runtime, and is no limit: where more than that is kept, more is used.
	Goal int64
}

// Tune sets it for this process. GOGC and GOMEMLIMIT win.
func (m Memory) Tune() {
	if m.GarbagePercent > 0 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(m.GarbagePercent)
	}
	if m.Goal > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(m.Goal)
	}
}
