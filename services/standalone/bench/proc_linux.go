package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which the kernel counts processor time for its readers: the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTimeOf reads what a process has used of the processors, to a hundredth of a second.
func cpuTimeOf(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name stands in parentheses and may hold anything: fields are counted behind it. utime and stime are the 14th
	// and the 15th of all, the 12th and the 13th of these.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// peakMemory is the most that a process has had resident so far, in MB (10^6 bytes); 0 where it can not be read.
func peakMemory(pid int) float64 { return statusMemory(pid, "VmHWM:") }

// residentMemory is what a process has resident now, in MB; 0 where it can not be read.
func residentMemory(pid int) float64 { return statusMemory(pid, "VmRSS:") }

// statusMemory reads a size of the status of a process.
func statusMemory(pid int, line string) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(l, line); ok {
			kib, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib * 1024 / 1e6
		}
	}
	return 0
}
