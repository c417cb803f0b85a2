package parts

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LimitFiles bounds the size of every file that a process writes, bytes: what is beyond fails to be written, as on a full
// disk. [Unlimited] takes the limit back. It needs no privilege for a process of one's own.
func LimitFiles(pid int, size uint64) error {
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the files of process %d: %w", pid, err)
	}
	return nil
}

// Unlimited is no limit.
const Unlimited = unix.RLIM_INFINITY
