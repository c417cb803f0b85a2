package collector

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
)

// The limits of Segment's HTTP API, in bytes, unpacked.
const (
	// MaxCall is the most of one call.
	MaxCall = 32 << 10
	// MaxCalls is the most of a batch.
	MaxCalls = 500 << 10
	// maxCallsCount is the most calls of a batch: more of them than an SDK can put into one that is not too large.
	maxCallsCount = 2500
)

// segmentTrack is the type of the calls that have a name.
const segmentTrack = "track"

// segmentTypes are the types of Segment's calls.
func segmentTypes() []string {
	return []string{segmentTrack, "identify", "group", "page", "screen", "alias"}
}

// segmentBatch is the body of a batch; of what else stands in it nothing is used.
type segmentBatch struct {
	Batch   jsontext.Value `json:"batch"`
	SentAt  jsontext.Value `json:"sentAt"`
	Context jsontext.Value `json:"context"`
}

// registerSegment adds the endpoints of Segment's SDKs.
func (r *caller) registerSegment(router gin.IRoutes) {
	for _, t := range segmentTypes() {
		router.POST("/v1/"+t, r.door.authenticateTool, func(c *gin.Context) { r.segment(c, t) })
	}
	router.POST("/v1/batch", r.door.authenticateTool, func(c *gin.Context) { r.segment(c, "") })
}

// segment takes one call of a type, or a batch of calls where the type is "".
func (r *caller) segment(c *gin.Context, callType string) {
	key := keyOf(c)
	name, why := connectionOf(key.Sources, key.MayWrite)
	if why != "" {
		r.refuse(c, http.StatusForbidden, string(event.CodeForbiddenSource), why, nil)
		return
	}
	held, ok := r.find(c, key.Workspace, registry.ViaSegment, name)
	if !ok {
		return
	}
	body, give, err := r.collect(c, key.Workspace, MaxCalls)
	defer give()
	if err != nil {
		r.segmentUnread(c, err)
		return
	}
	received := r.now().UTC().Truncate(time.Millisecond)
	t := &tally{intake: &intake{key: key, receive: receiveID()}, via: registry.ViaSegment, held: held}
	if callType != "" {
		if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), "Send one call as a JSON object.", nil)
			return
		}
		t.grow(1)
		r.segmentCall(c, t, body, callType, segmentBatch{}, received)
	} else if !r.segmentBatch(c, t, body, received) {
		return
	}
	r.finish(c, t)
	r.segmentAnswer(c, t, callType != "")
}

// segmentBatch takes the calls of a batch; it answers where the batch as a whole is none.
func (r *caller) segmentBatch(c *gin.Context, t *tally, body []byte, received time.Time) bool {
	var b segmentBatch
	// What is wrong with one call is for the judgement of that call.
	err := json.Unmarshal(body, &b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil || b.Batch.Kind() != '[' {
		r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), `Send a JSON object with the calls in "batch", an array.`, nil)
		return false
	}
	parts, err := split(b.Batch, maxCallsCount)
	if errors.Is(err, errTooMany) {
		r.refuse(c, http.StatusBadRequest, "too_many_events", fmt.Sprintf("A batch may have at most %d calls: send fewer at once.", maxCallsCount),
			map[string]any{"limit_events": maxCallsCount})
		return false
	}
	if err != nil {
		r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), "The batch could not be read: "+err.Error()+".", nil)
		return false
	}
	t.grow(len(parts))
	for _, raw := range parts {
		r.segmentCall(c, t, raw, "", b, received)
	}
	return true
}

// segmentCall takes one call. Its type is that of the endpoint, or else it says so itself.
func (r *caller) segmentCall(c *gin.Context, t *tally, raw jsontext.Value, callType string, b segmentBatch, received time.Time) {
	call, ok := r.readCall(c, t, raw, MaxCall)
	if !ok {
		return
	}
	if callType == "" {
		callType = call.Text("type")
	}
	a, problem := segmentArrival(t.held.Source, call, callType, b, received)
	if problem != nil {
		r.refuseCall(c, t, a, *problem)
		return
	}
	r.take(c, t, call, a)
}

// segmentArrival is a call with its name and time. The problem says that it is none of Segment's.
func segmentArrival(source string, call *mapping.Call, callType string, b segmentBatch, received time.Time) (connections.Arrival, *event.Problem) {
	id := call.Text(mapping.ColumnMessageID)
	if id == "" {
		id = call.Hash() // the same call, sent again, is the same
	}
	at := happened(call, b.SentAt, received)
	call.Lend("context", b.Context)
	if slices.Contains(segmentTypes(), callType) {
		return connections.SegmentArrival(source, callType, id, at, received, call.Raw()), nil
	}
	return connections.SegmentArrival(source, segmentTrack, id, at, received, call.Raw()), &event.Problem{
		Code: event.CodeBadValue, Pointer: "/data/type", Message: "the type of a call is " + strings.Join(segmentTypes(), ", "),
	}
}

// happened is when a call happened by our clock, as Segment documents it: received − (sent − original). How far the clocks are apart
// can only be told with the time of the way in it, which is another one when the same call is sent again; so it is taken in whole
// minutes, and the same call has the same time. Less than half a minute is no difference.
//
// A time that can not be read is nobody's to guess: the answer is zero, and the mapping refuses it where it stands.
func happened(call *mapping.Call, batchSent jsontext.Value, received time.Time) time.Time {
	original, there, ok := timeOfMember(call, "originalTimestamp")
	if !there {
		original, there, ok = timeOfMember(call, mapping.ColumnTimestamp)
	}
	switch {
	case !there:
		return received
	case !ok:
		return time.Time{}
	}
	sent, there, ok := timeOfMember(call, "sentAt")
	if !there {
		text, err := jsontext.AppendUnquote(nil, batchSent)
		t, bad := event.ParseTime(string(text))
		sent, ok = t.Time, err == nil && bad == nil
	}
	if !ok {
		return original
	}
	return original.Add(received.Sub(sent).Round(time.Minute))
}

func timeOfMember(call *mapping.Call, name string) (at time.Time, there, ok bool) {
	v, has := call.Member(name)
	t, err := event.ParseTime(call.Text(name))
	return t.Time, has && v.Kind() != 'n', err == nil
}

// segmentUnread answers where the body could not be read. SDKs never send again what was answered with 400.
func (r *caller) segmentUnread(c *gin.Context, err error) {
	switch {
	case errors.Is(err, errAnswered):
	case errors.Is(err, errTooLarge):
		r.refuse(c, http.StatusBadRequest, string(event.CodeTooLarge),
			fmt.Sprintf("A batch may have at most %d bytes (500 KiB), unpacked, and a call %d: send fewer calls at once.", MaxCalls, MaxCall),
			map[string]any{"limit_bytes": MaxCalls})
	default:
		r.refuse(c, http.StatusBadRequest, "unreadable", unreadable(err), nil)
	}
}

// segmentReply is what SDKs are told, and people who look.
type segmentReply struct {
	Success bool `json:"success"`
	reply
	// NotCounted are calls that were taken and count nothing.
	NotCounted int `json:"not_counted"`
}

// segmentAnswer answers as SDKs expect: 200 where all was received, even if some of it was refused and kept; 503 where the same is to
// be sent again; and 400 for a single call that was refused.
func (r *caller) segmentAnswer(c *gin.Context, t *tally, single bool) {
	out := segmentReply{Success: true, reply: t.reply(), NotCounted: len(t.notCounted)}
	switch {
	case out.Retry > 0:
		r.metrics.refuse("broker_away")
		c.Header("Retry-After", strconv.Itoa(retryBroker))
		segmentProblem(c, http.StatusServiceUnavailable, string(event.CodeBrokerAway), "The log has not confirmed all of it; send the same again.", out)
	case single && out.Rejected > 0:
		first := out.Answers[0]
		for _, a := range out.Answers {
			if a.State == event.Rejected {
				first = a
				break
			}
		}
		segmentProblem(c, http.StatusBadRequest, string(first.Code), "The call is not counted, and kept: "+first.Message+".", out)
	default:
		c.JSON(http.StatusOK, out)
	}
}

func segmentProblem(c *gin.Context, status int, code, detail string, out segmentReply) {
	process.Problem(c, status, code, detail, map[string]any{
		"success": false, "answers": out.Answers, "accepted": out.Accepted, "duplicates": out.Duplicates, "rejected": out.Rejected,
		"retry": out.Retry, "not_counted": out.NotCounted,
	})
}
