//go:build !linux

package parts

import (
	"errors"
	"math"
)

// LimitFiles needs Linux.
func LimitFiles(int, uint64) error {
	return errors.New("limit files: only Linux limits the files of another process")
}

// Unlimited is no limit.
const Unlimited = uint64(math.MaxUint64)
