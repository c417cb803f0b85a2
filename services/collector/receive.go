package collector

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
)

// receiver handles POST /v1/events.
type receiver struct {
	parser  *event.Parser
	seals   *seals
	events  *bus.Producer
	rejects *rejects
	flight  *flight
	timeout time.Duration
	metrics *metrics
	log     *slog.Logger
}

// How long a client should wait before it sends again, seconds.
const (
	retryOverloaded = 1
	retryBroker     = 2
)

// receive is the way of a request: mode, room, body, events, log, answers.
func (r *receiver) receive(c *gin.Context) {
	m := modeOf(c.Request.Header)
	if m == modeNone {
		r.refuse(c, http.StatusUnsupportedMediaType, "unsupported_type",
			"Send "+typeStructured+", "+typeBatch+", or "+typeBinary+" with the attributes in ce- headers; all in UTF-8.", nil)
		return
	}
	packed, ok := r.encoding(c)
	if !ok {
		return
	}
	if c.Request.ContentLength > MaxBody {
		r.tooLarge(c)
		return
	}
	key := keyOf(c)
	reserved := c.Request.ContentLength
	if packed || reserved < 0 {
		reserved = MaxBody // how much it becomes is not known before
	}
	if !r.room(c, r.flight.take(key.Workspace, reserved)) {
		return
	}
	defer r.flight.give(key.Workspace, reserved)
	body, ok := r.body(c, packed)
	if !ok {
		return
	}
	in, ok := r.read(c, m, key, body)
	if !ok {
		return
	}
	// Whoever has gone away after sending has sent all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), r.timeout)
	defer cancel()
	r.write(ctx, in)
	r.metrics.count(in.entries)
	r.answer(c, in)
}

// encoding tells whether the body is packed; it answers where it is packed in a way that we do not take.
func (r *receiver) encoding(c *gin.Context) (packed, ok bool) {
	switch strings.ToLower(strings.TrimSpace(c.GetHeader("Content-Encoding"))) {
	case "", "identity":
		return false, true
	case "gzip":
		return true, true
	}
	c.Header("Accept-Encoding", "gzip")
	r.refuse(c, http.StatusUnsupportedMediaType, "unsupported_encoding", "Send the body as it is, or packed with gzip.", nil)
	return false, false
}

// room answers where there is none.
func (r *receiver) room(c *gin.Context, got room) bool {
	switch got {
	case roomTaken:
		return true
	case roomShare:
		c.Header("Retry-After", strconv.Itoa(retryOverloaded))
		r.refuse(c, http.StatusTooManyRequests, "overloaded", "This workspace has too many bytes in flight; send the same again a little later.", nil)
	default:
		c.Header("Retry-After", strconv.Itoa(retryOverloaded))
		r.refuse(c, http.StatusServiceUnavailable, "overloaded", "Too many bytes are in flight; send the same again a little later.", nil)
	}
	return false
}

// body reads the whole body, unpacked, and answers where it can not. It never reads beyond the limit.
func (r *receiver) body(c *gin.Context, packed bool) ([]byte, bool) {
	body, err := readAll(c.Request, packed, MaxBody)
	over := (*http.MaxBytesError)(nil)
	switch {
	case err == nil:
		r.metrics.bytes.Add(float64(len(body)))
		return body, true
	case errors.Is(err, errTooLarge), errors.As(err, &over):
		r.tooLarge(c)
	default:
		r.refuse(c, http.StatusBadRequest, "unreadable", unreadable(err), nil)
	}
	return nil, false
}

var (
	errTooLarge = errors.New("the body is too large")
	errNotGzip  = errors.New("the body is not packed with gzip")
)

// unreadable says why a body can not be read.
func unreadable(err error) string {
	if errors.Is(err, errNotGzip) {
		return "The body is not packed with gzip, as its Content-Encoding says."
	}
	return "The body ended too early or could not be unpacked."
}

// readAll reads a body, unpacked, and never more than the limit: the error then is errTooLarge.
func readAll(req *http.Request, packed bool, limit int64) ([]byte, error) {
	var in io.Reader = req.Body
	if packed {
		z, err := gzip.NewReader(in)
		if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
			return nil, err
		}
		if err != nil {
			return nil, errNotGzip
		}
		in = z
	}
	in = io.LimitReader(in, limit+1)
	body := make([]byte, 0, min(max(req.ContentLength+512, 4096), limit+1))
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		}
	}
}

func (r *receiver) tooLarge(c *gin.Context) {
	r.refuse(c, http.StatusRequestEntityTooLarge, "too_large",
		fmt.Sprintf("A request may have at most %d bytes (4 MiB), unpacked: send fewer events at once.", MaxBody),
		map[string]any{"limit_bytes": MaxBody})
}

// refuse answers a request that is not taken as a whole.
func (r *receiver) refuse(c *gin.Context, status int, code, detail string, ext map[string]any) {
	r.metrics.refuse(code)
	process.Problem(c, status, code, detail, ext)
}

// read turns the body into entries; it answers where the body as a whole is unreadable.
func (r *receiver) read(c *gin.Context, m mode, key access.Key, body []byte) (*intake, bool) {
	in := &intake{key: key, receive: receiveID()}
	switch m {
	case modeStructured:
		in.grow(1)
		e, problems := r.parser.Structured(body)
		if len(problems) > 0 && problems[0].Code == event.CodeNotJSON {
			r.notJSON(c, key, typeStructured, body, problems[0])
			return nil, false
		}
		r.add(c, in, e, problems, submission{body: body, contentType: typeStructured})
	case modeBinary:
		in.grow(1)
		attrs, bad := attributes(c.Request.Header)
		e, problems := r.parser.Binary(attrs, body)
		r.add(c, in, e, append(bad, problems...), submission{body: body, contentType: typeBinary, attributes: attrs})
	default:
		parts, err := split(body, MaxEvents)
		if errors.Is(err, errTooMany) {
			r.refuse(c, http.StatusRequestEntityTooLarge, "too_many_events",
				fmt.Sprintf("A request may have at most %d events: send fewer at once.", MaxEvents), map[string]any{"limit_events": MaxEvents})
			return nil, false
		}
		if err != nil {
			r.notJSON(c, key, typeBatch, body, event.Problem{Code: event.CodeNotJSON, Message: err.Error()})
			return nil, false
		}
		in.grow(len(parts))
		for _, raw := range parts {
			e, problems := r.parser.Structured(raw)
			r.add(c, in, e, problems, submission{body: raw, contentType: typeStructured})
		}
	}
	return in, true
}

// notJSON refuses a body that can not be read at all, and keeps it.
func (r *receiver) notJSON(c *gin.Context, key access.Key, contentType string, body []byte, p event.Problem) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), r.timeout)
	defer cancel()
	r.rejects.keep(ctx, key.Workspace, []entry{{
		from:   submission{body: body, contentType: contentType},
		answer: event.Answer{State: event.Rejected, Code: p.Code, Pointer: p.Pointer, Message: p.Message},
	}})
	r.refuse(c, http.StatusBadRequest, string(p.Code), "The body could not be read: "+p.Message+".", map[string]any{"pointer": p.Pointer})
}

// receiveID names one act of receiving.
func receiveID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return "" // only where the system has no randomness; the id is for tracing
	}
	return id.String()
}
