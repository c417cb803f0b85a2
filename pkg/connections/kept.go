package connections

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/registry"
)

// The CloudEvents types of calls, which are no events of the contract: calls stand under them among the rejects.
const (
	typeSegment = "segment."
	typeHook    = "webhook.call"
)

// Arrival is one call as it has arrived, in CloudEvents JSON format: so it can be kept, repaired and read again.
type Arrival struct {
	SpecVersion string `json:"specversion"`
	// ID and Source name the event that the call should have become.
	ID     string `json:"id,omitzero"`
	Source string `json:"source"`
	Type   string `json:"type"`
	// Time is when it happened, as far as that is known before it is mapped.
	Time string `json:"time,omitzero"`
	// CallID names the call, Received is when it came: what a mapping makes of them is the same whenever it is read again.
	CallID   string `json:"callid,omitzero"`
	Received string `json:"received,omitzero"`
	// Data is the call.
	Data jsontext.Value `json:"data"`
}

// SegmentArrival is a call of Segment's of a type ("track"). Its time is zero where it says one that can not be read.
func SegmentArrival(source, callType, messageID string, at, received time.Time, call jsontext.Value) Arrival {
	a := Arrival{
		SpecVersion: "1.0", ID: messageID, Source: source, Type: typeSegment + callType, CallID: messageID,
		Received: received.UTC().Format(event.TimeForm), Data: call,
	}
	if !at.IsZero() {
		a.Time = at.UTC().Format(event.TimeForm)
	}
	return a
}

// HookArrival is an element of the body of a webhook, which its content names.
func HookArrival(source, hash string, received time.Time, call jsontext.Value) Arrival {
	return Arrival{
		SpecVersion: "1.0", ID: hash, Source: source, Type: typeHook, CallID: hash, Received: received.UTC().Format(event.TimeForm), Data: call,
	}
}

// Under is the arrival with the id of an event that was made of it; where none could be made it keeps its own.
func (a Arrival) Under(id string) Arrival {
	if id != "" {
		a.ID = id
	}
	return a
}

// Encode writes the arrival.
func (a Arrival) Encode() ([]byte, error) {
	raw, err := json.Marshal(a, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("encode call: %w", err)
	}
	return raw, nil
}

// Decode reads an arrival; ok is false where the bytes are something else.
func Decode(raw []byte) (a Arrival, ok bool) {
	if _, _, typ := event.Peek(raw); typ != typeHook && !strings.HasPrefix(typ, typeSegment) {
		return Arrival{}, false
	}
	return a, json.Unmarshal(raw, &a) == nil
}

// Connection is where the call came in, and by which connection.
func (a Arrival) Connection() (via, key string) {
	for _, via := range []string{registry.ViaSegment, registry.ViaWebhook} {
		if key, ok := strings.CutPrefix(a.Source, registry.SourceOf(via, "")); ok {
			return via, key
		}
	}
	return "", ""
}

// CallType is the type of a Segment call, such as "track"; "" for a webhook.
func (a Arrival) CallType() string {
	t, _ := strings.CutPrefix(a.Type, typeSegment)
	if a.Type == typeHook {
		return ""
	}
	return t
}

// track is the type of the calls that have a name.
const track = "track"

// TypeName is the name by which a mapping knows calls of a type that have none: "@page".
func TypeName(callType string) string { return "@" + callType }

// Of is the arrival of what an event was made of, under the id of that event: what is kept where it is refused.
func (a Arrival) Of(m mapping.Made) Arrival {
	if m.Call != nil {
		a.Data = m.Call
	}
	return a.Under(m.Event.ID)
}

// Apply makes events of the call as the connection says.
func (a Arrival) Apply(held Held, call *mapping.Call) mapping.Result {
	if held.Deals != nil {
		return held.Deals.Apply(a.Source, call)
	}
	calls := held.Calls
	given := map[string]string{mapping.ColumnReceived: a.Received, mapping.ColumnHash: a.CallID}
	if t := a.CallType(); t != "" {
		given = map[string]string{mapping.ColumnReceived: a.Received, mapping.ColumnMessageID: a.CallID}
		if a.Time != "" {
			given[mapping.ColumnTimestamp] = a.Time
		}
		if t != track {
			given[calls.NameColumn] = TypeName(t)
		}
	}
	return calls.Apply(a.Source, call, given)
}

// Judge reads an event that was made of a call as the contract does. Pointers of the problems lead into the [Arrival].
func Judge(p *event.Parser, m mapping.Made) (event.Event, []event.Problem) {
	if len(m.Problems) > 0 {
		e := event.Event{Source: m.Event.Source, ID: m.Event.ID, Kind: m.Kind}
		problems := make([]event.Problem, len(m.Problems))
		for i, problem := range m.Problems {
			problem.Pointer = "/data" + problem.Pointer
			problems[i] = problem
		}
		return e, problems
	}
	raw, err := m.Event.Structured()
	if err != nil {
		return event.Event{Source: m.Event.Source, ID: m.Event.ID, Kind: m.Kind},
			[]event.Problem{{Code: event.CodeBadText, Pointer: "/data", Message: "the event can not be written: " + err.Error()}}
	}
	e, problems := p.Structured(raw)
	for i := range problems {
		if origin, ok := m.Origin(problems[i].Pointer); ok {
			problems[i].Pointer = "/data" + origin
			continue
		}
		// It was made of nothing in the call.
		problems[i].Message = fmt.Sprintf("%s of the %s that the mapping makes: %s", problems[i].Pointer, m.Kind, problems[i].Message)
		problems[i].Pointer = ""
	}
	return e, problems
}

// UnknownName is why a call is refused of which the mapping says nothing.
func UnknownName(calls *mapping.Calls, name string) event.Problem {
	p := event.Problem{Code: event.CodeUnknownEvent, Pointer: "/data/" + strings.ReplaceAll(calls.NameColumn, ".", "/")}
	if name == "" {
		p.Message = "the mapping of the connection says nothing about such calls: map them, or ignore them"
		return p
	}
	const most = 256
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	p.Message = fmt.Sprintf("the mapping of the connection says nothing about %q: map the name, or ignore it; then the call can be replayed", name)
	return p
}

// Again makes the event of a call that was kept, as the mapping says now. It must be one: what becomes several events is for its source
// to send again.
func Again(p *event.Parser, s *registry.Snapshot, a Arrival, t time.Time) (event.Event, []event.Problem) {
	none := event.Event{Source: a.Source, ID: a.ID}
	via, key := a.Connection()
	held, err := Of(s, via, key, t)
	if err != nil {
		return none, []event.Problem{{Code: event.CodeUnknownEvent, Pointer: "/source", Message: "the call can not be mapped: " + err.Error()}}
	}
	call, problem := mapping.ReadCall(a.Data)
	if problem != nil {
		problem.Pointer = "/data" + problem.Pointer
		return none, []event.Problem{*problem}
	}
	out := a.Apply(held, call)
	switch {
	case out.Unknown():
		return none, []event.Problem{UnknownName(held.Calls, out.Name)}
	case len(out.Made) == 0:
		return none, []event.Problem{{Code: event.CodeUnknownEvent, Message: "the mapping knows such calls and counts none of them: nothing is left to send"}}
	case len(out.Made) == 1:
		return Judge(p, out.Made[0])
	}
	for _, m := range out.Made {
		if m.Event.ID == a.ID {
			return Judge(p, m)
		}
	}
	return none, []event.Problem{{
		Code:    event.CodeInconsistent,
		Message: fmt.Sprintf("the mapping makes %d events of the call, and a replay makes one: let the source send it again", len(out.Made)),
	}}
}
