package processtest

import (
	"strings"
	"sync"
)

// Journal is a log that a test reads. It is safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the log.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is the log so far.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
