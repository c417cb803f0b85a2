package collector

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
)

// reply is the body of the answer to a request that was read.
type reply struct {
	Answers    []event.Answer `json:"answers"`
	Accepted   int            `json:"accepted"`
	Duplicates int            `json:"duplicates"`
	Rejected   int            `json:"rejected"`
	Retry      int            `json:"retry"`
}

func (in *intake) reply() reply {
	out := reply{Answers: make([]event.Answer, len(in.entries))}
	for i := range in.entries {
		a := in.entries[i].answer
		out.Answers[i] = a
		switch a.State {
		case event.Accepted:
			out.Accepted++
		case event.Duplicate:
			out.Duplicates++
		case event.Rejected:
			out.Rejected++
		case event.Retry:
			out.Retry++
		}
	}
	return out
}

// answer writes the answers in the order of the request: 202 when all were taken or were duplicates, 207 when some were
// not, 503 when the broker has taken none of those that were for it.
func (r *receiver) answer(c *gin.Context, in *intake) {
	out := in.reply()
	switch {
	case out.Retry > 0 && out.Accepted == 0:
		r.metrics.refuse("broker_away")
		c.Header("Retry-After", strconv.Itoa(retryBroker))
		process.Problem(c, http.StatusServiceUnavailable, string(event.CodeBrokerAway),
			"The log has not confirmed any event of the request; send the same again.", map[string]any{
				"answers": out.Answers, "accepted": out.Accepted, "duplicates": out.Duplicates, "rejected": out.Rejected, "retry": out.Retry,
			})
	case out.Rejected+out.Retry > 0:
		r.send(c, http.StatusMultiStatus, out)
	default:
		r.send(c, http.StatusAccepted, out)
	}
}

// send writes the reply.
func (r *receiver) send(c *gin.Context, status int, out reply) {
	body, err := out.encode()
	if err != nil {
		// The texts of answers are UTF-8 or repaired: there is none that can not be written.
		r.log.ErrorContext(c.Request.Context(), "encode reply failed", "error", err)
		process.Problem(c, http.StatusInternalServerError, "internal", "The answers could not be written.", nil)
		return
	}
	c.Data(status, "application/json; charset=utf-8", body)
}
