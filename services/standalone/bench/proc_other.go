//go:build !linux

package bench

import "time"

// cpuTimeOf is not known here.
func cpuTimeOf(int) time.Duration { return 0 }

// peakMemory is not known here.
func peakMemory(int) float64 { return 0 }

// residentMemory is not known here.
func residentMemory(int) float64 { return 0 }
