package process

import (
	"maps"
	"net/http"

	"github.com/gin-gonic/gin"
)

// ProblemType is the media type of error answers, RFC 9457.
const ProblemType = "application/problem+json"

// Problem answers with an error as RFC 9457 describes and ends the handling of
// the request. code is a stable word for programs, such as "id_conflict";
// detail is a sentence for people, and must not hold what they may not know.
// ext holds further members; those of the RFC win over it.
func Problem(c *gin.Context, status int, code, detail string, ext map[string]any) {
	body := maps.Clone(ext)
	if body == nil {
		body = map[string]any{}
	}
	body["type"] = "urn:plumbline:problem:" + code
	body["title"] = http.StatusText(status)
	body["status"] = status
	body["code"] = code
	if detail != "" {
		body["detail"] = detail
	}
	if id := RequestID(c); id != "" {
		body["request_id"] = id
	}
	// gin keeps a content type that is already set.
	c.Header("Content-Type", ProblemType)
	c.Header("Cache-Control", "no-store")
	c.AbortWithStatusJSON(status, body)
}
