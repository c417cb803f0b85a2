package collector

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// patience is how long a client may take for leastBytes: an import may last for hours, and holds a place while it does.
	patience   = time.Minute
	leastBytes = 4 << 10
)

var (
	errSilentClient = errors.New("the client sends nearly nothing")
	errStopping     = errors.New("the collector stops")
)

// patientBody reads a body that may take long, as long as it moves. Only the time that is spent waiting for the client counts:
// where the log is slow the client waits for us.
type patientBody struct {
	control  *http.ResponseController
	body     io.Reader
	stopping <-chan struct{}

	waited time.Duration
	got    int
}

func (b *patientBody) Read(p []byte) (int, error) {
	select {
	case <-b.stopping:
		return 0, errStopping
	default:
	}
	began := time.Now()
	_ = b.control.SetReadDeadline(began.Add(patience - b.waited)) // where there are no deadlines, as in tests, there is no waiting
	n, err := b.body.Read(p)
	b.waited += time.Since(began)
	if b.got += n; b.got >= leastBytes {
		b.got, b.waited = 0, 0
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	select {
	case <-b.stopping:
		return n, errStopping
	default:
	}
	if b.waited >= patience {
		return n, errSilentClient
	}
	return n, err
}

// watch ends a reading under way when the collector stops; end ends the watch.
func (b *patientBody) watch() (end func()) {
	over := make(chan struct{})
	go func() {
		select {
		case <-b.stopping:
			_ = b.control.SetReadDeadline(time.Now())
		case <-over:
		}
	}()
	return func() { close(over) }
}

// counted counts the bytes of a body, unpacked.
type counted struct {
	io.Reader
	count func(float64)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count(float64(n))
	return n, err
}
