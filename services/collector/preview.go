package collector

import (
	"net/http"
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

// previewRequest is a sample of what a tool sends, and what the connection may become.
type previewRequest struct {
	// Connection is a draft, as it would be written to the registry, without valid_from; absent: the connection that holds.
	Connection jsontext.Value `json:"connection"`
	Sample     jsontext.Value `json:"sample"`
}

// previewReply is what would become of the sample. Nothing is sent and nothing is kept.
type previewReply struct {
	// Name is what has happened, as the sample says.
	Name   string         `json:"name"`
	Events []previewEvent `json:"events"`
	// NotCounted says why nothing would be counted: "type", "ignored" or "condition".
	NotCounted string `json:"not_counted,omitempty"`
	// Problems are why the sample as a whole would be refused; their pointers start at the sample.
	Problems []event.Problem `json:"problems"`
}

// previewEvent is an event that would be sent, or why it would be refused.
type previewEvent struct {
	Event    jsontext.Value  `json:"event,omitempty"`
	Problems []event.Problem `json:"problems"`
}

// preview shows what a mapping makes of a sample.
func (r *caller) preview(c *gin.Context) {
	key, name := keyOf(c), c.Param("connection")
	body, give, err := r.collect(c, key.Workspace, MaxBody)
	defer give()
	if err != nil {
		r.hookUnread(c, err)
		return
	}
	var req previewRequest
	if err := json.Unmarshal(body, &req, json.RejectUnknownMembers(true)); err != nil || len(req.Sample) == 0 {
		r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), `Send {"connection": the draft, "sample": what the tool sends}.`, nil)
		return
	}
	via, held, ok := r.draft(c, name, req.Connection)
	if !ok {
		return
	}
	if source := registry.SourceOf(via, name); !key.MayWrite(source) {
		r.refuse(c, http.StatusForbidden, string(event.CodeForbiddenSource), "This key may not write events of the source "+short(source)+": use a key with that source.", nil)
		return
	}
	if held.Source == "" {
		if held, ok = r.find(c, key.Workspace, via, name); !ok {
			return
		}
	}
	c.JSON(http.StatusOK, r.tryOut(held, via, req.Sample))
}

// draft reads the draft; held is empty where there is none. It answers where the draft is wrong.
func (r *caller) draft(c *gin.Context, name string, draft jsontext.Value) (via string, held connections.Held, ok bool) {
	if len(draft) == 0 || draft.Kind() == 'n' {
		via = registry.ViaWebhook
		if c.Query("via") == registry.ViaSegment {
			via = registry.ViaSegment
		}
		return via, held, true
	}
	entry, problems := registry.Decode(registry.Connections, name, draft)
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Pointer = "/connection" + problems[i].Pointer
		}
		process.Problem(c, http.StatusBadRequest, string(problems[0].Code), "The draft is no connection: "+problems[0].Message+".",
			map[string]any{"pointer": problems[0].Pointer, "problems": problems})
		return "", held, false
	}
	connection, isOne := entry.(*registry.Connection)
	if !isOne {
		return "", held, false
	}
	held, _ = connections.Draft(name, connection) // it was checked
	return connection.Via, held, true
}

// tryOut goes the way of a call, up to where it would be sealed.
func (r *caller) tryOut(held connections.Held, via string, sample jsontext.Value) previewReply {
	out := previewReply{Events: []previewEvent{}, Problems: []event.Problem{}}
	limit := maxHookCall
	if via == registry.ViaSegment {
		limit = MaxCall
	}
	if len(sample) > limit {
		out.Problems = append(out.Problems, event.Problem{Code: event.CodeTooLarge, Message: "at most " + strconv.Itoa(limit) + " bytes are taken"})
		return out
	}
	call, problem := mapping.ReadCall(sample)
	if problem != nil {
		out.Problems = append(out.Problems, *problem)
		return out
	}
	received := r.now().UTC().Truncate(time.Millisecond)
	a := connections.HookArrival(held.Source, call.Hash(), received, sample)
	if via == registry.ViaSegment {
		a, problem = segmentArrival(held.Source, call, call.Text("type"), segmentBatch{}, received)
		if problem != nil {
			out.Problems = append(out.Problems, fromCall(*problem))
			return out
		}
	}
	result := a.Apply(held, call)
	out.Name = result.Name
	if reason := notCounted(a, result); reason != "" {
		out.NotCounted = reason
		return out
	}
	if result.Unknown() {
		out.Problems = append(out.Problems, fromCall(connections.UnknownName(held.Calls, result.Name)))
	}
	for _, m := range result.Made {
		_, problems := connections.Judge(r.parser, m)
		shown := previewEvent{Problems: []event.Problem{}}
		for _, p := range problems {
			shown.Problems = append(shown.Problems, fromCall(p))
		}
		if len(problems) == 0 {
			shown.Event, _ = m.Event.Structured() // it was judged, so it can be written
		}
		out.Events = append(out.Events, shown)
	}
	return out
}

// fromCall is a problem with its pointer from the call on: senders know that, and not the form in which it is kept.
func fromCall(p event.Problem) event.Problem {
	p.Pointer = strings.TrimPrefix(p.Pointer, "/data")
	return p
}
