package wire

import (
	"bufio"
	"bytes"
	"strings"
	"sync/atomic"
)

func contains(what, part string) bool { return strings.Contains(what, part) }

// chunk reads what is there.
func chunk(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	piece := make([]byte, r.Buffered())
	_, err := r.Read(piece)
	return piece, err
}

// clickhouse follows the native protocol of ClickHouse as far as telling a query from data, and the end of its answer.
type clickhouse struct {
	// asked is the statement that waits for its answer; sent says that data was sent since, which an insert asks for
	// with a first answer of its own.
	asked  atomic.Pointer[string]
	insert atomic.Bool
	sent   atomic.Bool
}

// ClickHouse is the native protocol; what describes a request is the text of the query packet, statement and settings.
// The answer of an insert is the one after its data.
func ClickHouse() session { return &clickhouse{} }

// Packets of the native protocol.
const (
	packetQuery       = 1 // of the client
	packetException   = 2 // of the server
	packetEndOfStream = 5 // of the server
	statementMost     = 16 << 10
)

func (c *clickhouse) request(r *bufio.Reader) ([]byte, string, error) {
	piece, err := chunk(r)
	if err != nil {
		return nil, "", err
	}
	// The client writes a query with one flush, so that it begins a piece. Its statement is plain text.
	if piece[0] == packetQuery && (bytes.Contains(piece, []byte("SELECT")) || bytes.Contains(piece, []byte("INSERT INTO")) ||
		bytes.Contains(piece, []byte("ALTER TABLE")) || bytes.Contains(piece, []byte("CREATE "))) {
		what := string(piece[:min(len(piece), statementMost)])
		c.sent.Store(false)
		// An insert from a select needs no data of the client.
		c.insert.Store(strings.Contains(what, "INSERT INTO") && !strings.Contains(what, "SELECT"))
		c.asked.Store(&what)
		return piece, what, nil
	}
	c.sent.Store(true)
	return piece, "", nil
}

func (c *clickhouse) answer(r *bufio.Reader) ([]byte, string, error) {
	piece, err := chunk(r)
	if err != nil {
		return nil, "", err
	}
	asked := c.asked.Load()
	if asked == nil || c.insert.Load() && !c.sent.Load() {
		return piece, "", nil
	}
	if piece[len(piece)-1] != packetEndOfStream && piece[0] != packetException {
		return piece, "", nil
	}
	c.asked.Store(nil)
	return piece, *asked, nil
}

// httpSession follows HTTP/1.1 without pipelining.
type httpSession struct{ asked atomic.Pointer[string] }

// HTTP is HTTP/1.1; what describes a request is its first line.
func HTTP() session { return &httpSession{} }

func (h *httpSession) request(r *bufio.Reader) ([]byte, string, error) {
	piece, err := chunk(r)
	if err != nil {
		return nil, "", err
	}
	line, _, _ := bytes.Cut(piece, []byte("\r\n"))
	if !bytes.HasSuffix(line, []byte(" HTTP/1.1")) {
		return piece, "", nil
	}
	what := string(line)
	h.asked.Store(&what)
	return piece, what, nil
}

func (h *httpSession) answer(r *bufio.Reader) ([]byte, string, error) {
	piece, err := chunk(r)
	if err != nil {
		return nil, "", err
	}
	asked := h.asked.Load()
	if asked == nil || !bytes.HasPrefix(piece, []byte("HTTP/1.1 ")) {
		return piece, "", nil
	}
	h.asked.Store(nil)
	return piece, *asked, nil
}
