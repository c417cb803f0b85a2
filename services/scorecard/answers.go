package scorecard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/process"
)

// httpError is a failure with an answer of its own.
type httpError struct {
	status int
	code   string
	detail string
	header map[string]string
}

// forbidden is the answer to somebody whose role does not reach.
func forbidden(detail string) error {
	return &httpError{status: http.StatusForbidden, code: "forbidden", detail: detail}
}

func (e *httpError) Error() string { return e.detail }

func errNotFound(detail string) error {
	return &httpError{status: http.StatusNotFound, code: "not_found", detail: detail}
}

// fail turns an error into the answer that it deserves, in one place.
func (a *app) fail(c *gin.Context, err error) {
	bad := (*badRequest)(nil)
	known := (*httpError)(nil)
	switch {
	case errors.As(err, &bad):
		process.Problem(c, http.StatusBadRequest, "bad_request", bad.Error(), map[string]any{"problems": bad.problems})
	case errors.As(err, &known):
		for name, value := range known.header {
			c.Header(name, value)
		}
		process.Problem(c, known.status, known.code, known.detail, nil)
	case c.Request.Context().Err() != nil:
		c.Abort() // nobody waits for an answer
	default:
		a.log.ErrorContext(c, "request failed", "path", c.Request.URL.Path, "error", err, "request_id", process.RequestID(c))
		c.Header("Retry-After", "5")
		process.Problem(c, http.StatusServiceUnavailable, "unavailable", "The numbers cannot be read just now: try again in a few seconds.", nil)
	}
}

// writeJSON writes an answer. It is encoded before the status is sent, so that a half answer is never taken for a whole.
func writeJSON(c *gin.Context, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		process.Problem(c, http.StatusInternalServerError, "internal", "The answer could not be written.", nil)
		return
	}
	if c.Writer.Header().Get("Cache-Control") == "" {
		c.Header("Cache-Control", "private, no-cache")
	}
	c.Data(status, "application/json", raw)
}

// notModified sets the ETag of an answer that depends on the rollups, the registry, the parameters and the viewer only,
// and answers 304 where the reader has it already. It is weak: as_of and complete_through may have moved on.
func notModified(c *gin.Context, v *view, p params, currency string) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s %v %s %s", v.snapshot.Generation, v.fingerprint, c.Request.URL.Path,
		claimQuery(c.Request.URL.Query().Encode(), p, currency).Encode(), v.viewer, v.zone, v.today))
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	c.Header("ETag", tag)
	c.Header("Cache-Control", "private, no-cache")
	for candidate := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		if strings.TrimSpace(candidate) == tag {
			c.Status(http.StatusNotModified)
			return true
		}
	}
	return false
}
