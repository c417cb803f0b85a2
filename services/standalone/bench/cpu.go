package bench

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of the processors so far, all of its threads, in user and in system mode. On a
// machine that others use too it says more than the clock on the wall.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuTime is what the service has used so far; it counts as nothing where the system does not say.
func (s *service) cpuTime() (total time.Duration) {
	for _, pid := range s.Pids() {
		total += cpuTimeOf(pid)
	}
	return total
}

// peakMemory is the most that the processes of the service have had resident, in MB; 0 where the system does not say.
func (s *service) peakMemory() (total float64) {
	for _, pid := range s.Pids() {
		total += peakMemory(pid)
	}
	return total
}

// residentMemory is what the processes of the service have resident now, in MB; 0 where the system does not say.
func (s *service) residentMemory() (total float64) {
	for _, pid := range s.Pids() {
		total += residentMemory(pid)
	}
	return total
}
