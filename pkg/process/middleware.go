package process

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// Keys of what the middleware keeps in a gin.Context.
const (
	requestIDKey = "process.request_id"
	bodyKey      = "process.body"
)

// requestIDHeader carries a request's id, in both directions.
const requestIDHeader = "X-Request-Id"

// RequestID is the id of a request, which its answer and its log lines carry;
// the client's own one where it sent a sound one.
func RequestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// withRequestID gives the request its id.
func withRequestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !soundRequestID(id) {
		random := make([]byte, 8)
		_, _ = rand.Read(random) // never fails
		id = hex.EncodeToString(random)
	}
	c.Set(requestIDKey, id)
	c.Header(requestIDHeader, id)
}

// soundRequestID tells whether an id from outside may go into logs.
func soundRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// withRecovery answers 500 where a handler panicked, and logs where.
func withRecovery(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
				panic(cause)
			}
			log.ErrorContext(c, "request handler panicked", "panic", cause,
				"request_id", RequestID(c), "path", c.Request.URL.Path, "stack", string(debug.Stack()))
			if c.Writer.Written() {
				// The client must not take half an answer for a whole one.
				panic(http.ErrAbortHandler)
			}
			Problem(c, http.StatusInternalServerError, "internal", "This is a fault of the server; its log has the details.", nil)
		}()
		c.Next()
	}
}

// withLog logs each request at debug, without query and headers, which may hold
// secrets.
func withLog(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		log.DebugContext(c, "request", "method", c.Request.Method, "path", c.Request.URL.Path,
			"status", c.Writer.Status(), "bytes", c.Writer.Size(), "duration_ms", time.Since(start).Milliseconds(),
			"request_id", RequestID(c))
	}
}

// withMetrics counts and times requests by method, route and status.
func withMetrics(metrics prometheus.Registerer) gin.HandlerFunc {
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "plumbline_http_request_duration_seconds",
		Help:    "Time from a request's header to the end of its answer, seconds.",
		Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"method", "route", "status"})
	metrics.MustRegister(duration)
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		// The route, not the path: the number of series must not depend on
		// what clients send.
		route := c.FullPath()
		if route == "" {
			route = "none"
		}
		duration.WithLabelValues(knownMethod(c.Request.Method), route, strconv.Itoa(c.Writer.Status())).
			Observe(time.Since(start).Seconds())
	}
}

// knownMethod is the method, or "other": clients may send any word.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// withBodyLimit lets a handler read at most limit bytes of the body; reading on
// fails with *http.MaxBytesError.
func withBodyLimit(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Body != nil {
			c.Set(bodyKey, c.Request.Body)
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
		}
	}
}

// MaxBody is a handler that sets another limit, in bytes, for the body of a
// route than the server's.
func MaxBody(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if body, ok := c.Value(bodyKey).(io.ReadCloser); ok {
			c.Request.Body = http.MaxBytesReader(c.Writer, body, limit)
		}
	}
}

// Streaming is a handler that lifts the server's time limits for a route whose
// requests or answers may take as long as they like.
func Streaming(c *gin.Context) {
	control := http.NewResponseController(c.Writer)
	// Writers without deadlines, as in tests, have no limit to lift.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

// serveHealth answers whether the process lives.
func serveHealth(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

// serveReady answers whether every check is content, 503 where one is not, or
// where the process is about to stop.
func serveReady(health *Health, stopping <-chan struct{}) gin.HandlerFunc {
	return func(c *gin.Context) {
		status, word := http.StatusOK, "ready"
		checks := gin.H{}
		for name, err := range health.Check(context.WithoutCancel(c)) {
			if err == nil {
				checks[name] = "ok"
				continue
			}
			checks[name] = err.Error()
			status, word = http.StatusServiceUnavailable, "not ready"
		}
		select {
		case <-stopping:
			status, word = http.StatusServiceUnavailable, "stopping"
		default:
		}
		c.Header("Cache-Control", "no-store")
		c.JSON(status, gin.H{"status": word, "checks": checks})
	}
}
