package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

// headMost bounds the head of a request, bytes: twice what the engine takes as the address alone.
const headMost = 2 << 20

// admitHTTP reads the head of a request. It returns what is to be passed on, or nil where it has refused the client. The
// engine handles most of what can be wrong with a request, but it ends at a Content-Length that is no number. So that
// the next head on a connection is read here, too, there is none: each connection serves one request.
func admitHTTP(client *net.TCPConn) io.WriterTo {
	_ = client.SetReadDeadline(time.Now().Add(introduction))
	limited := &io.LimitedReader{R: client, N: headMost}
	r := bufio.NewReader(limited)
	req, err := http.ReadRequest(r)
	var slow net.Error
	switch {
	case err == nil && req.ProtoMajor == 1:
	case err == nil:
		refuse(client, badRequest("only HTTP 1.0 and 1.1 are understood"))
		return nil
	case limited.N == 0:
		refuse(client, badRequest(fmt.Sprintf("the head of the request has more than %d bytes", headMost)))
		return nil
	case errors.Is(err, io.EOF) || errors.As(err, &slow):
		return nil // it ended, or is too slow
	default:
		refuse(client, badRequest(err.Error()))
		return nil
	}
	_ = client.SetReadDeadline(time.Time{})
	limited.N = math.MaxInt64
	return &request{head: head(req), rest: r}
}

// head is the head of a request as the engine gets it: written anew, so that both read the same.
func head(req *http.Request) []byte {
	header := req.Header.Clone()
	header.Del("Keep-Alive")
	header.Set("Connection", "close")
	if req.Host != "" {
		header.Set("Host", req.Host)
	}
	for _, coding := range req.TransferEncoding {
		header.Add("Transfer-Encoding", coding)
	}
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "%s %s HTTP/1.%d\r\n", req.Method, req.RequestURI, req.ProtoMinor)
	_ = header.Write(&b) // a buffer takes all
	b.WriteString("\r\n")
	return b.Bytes()
}

// request is what a client of HTTP says: a head that was found good, and the rest.
type request struct {
	head []byte
	rest *bufio.Reader
}

// WriteTo passes both on.
func (r *request) WriteTo(server io.Writer) (int64, error) {
	n, err := server.Write(r.head)
	if err != nil {
		return int64(n), err
	}
	rest, err := r.rest.WriteTo(server)
	return int64(n) + rest, err
}

// badRequest is the answer of HTTP to a request that is none.
func badRequest(why string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\n\r\n%s\n", len(why)+1, why)
}
