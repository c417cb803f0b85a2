package tail

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// item is one event or reject for those who watch.
type item struct {
	workspace, source string
	kind              event.Kind
	outcome           event.State
	// line is what is shown, as JSON.
	line []byte
}

// shownEvent is an accepted event as it is shown: its envelope without the texts that a sender may fill as it likes, and
// where data is shown, the data without free text. Persons are hashes.
type shownEvent struct {
	Outcome    event.State                `json:"outcome"`
	Source     string                     `json:"source"`
	ID         string                     `json:"id"`
	Kind       event.Kind                 `json:"kind"`
	Time       time.Time                  `json:"time"`
	ReceivedAt time.Time                  `json:"received_at"`
	Receipt    string                     `json:"receipt"`
	Data       map[string]json.RawMessage `json:"data,omitzero"`
}

// shownReject is a reject as it is shown: without its bytes.
type shownReject struct {
	Outcome  event.State `json:"outcome"`
	Source   string      `json:"source"`
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	At       time.Time   `json:"at"`
	RejectID string      `json:"reject_id,omitempty"`
	Stage    string      `json:"stage"`
	Code     string      `json:"code"`
	Pointer  string      `json:"pointer"`
	Message  string      `json:"message"`
}

// itemOf reads a message of one of the two topics; false where it is nothing to show. With data it also shows what is in an
// accepted event.
func itemOf(name bus.Name, m *kafka.Message, data bool) (*item, bool) {
	if name == bus.Rejected {
		return rejectItem(m)
	}
	e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(m), m.Value)
	if err != nil {
		return nil, false // the loader refuses it, and then it is a reject
	}
	shown := shownEvent{
		Outcome: event.Accepted, Source: e.Source, ID: e.ID, Kind: e.Kind, Time: e.Time, ReceivedAt: e.ReceivedAt, Receipt: e.Receipt.String(),
	}
	if data {
		shown.Data = summary(e.Kind, m.Value)
	}
	line, err := json.Marshal(shown)
	if err != nil {
		return nil, false
	}
	return &item{e.Workspace, e.Source, e.Kind, event.Accepted, line}, true
}

// summary is the data without free text. Of an answer to a survey nothing is shown: who watches while it comes in would
// know whose it is.
func summary(kind event.Kind, data []byte) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if kind == event.KindPulse {
		return out
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return map[string]json.RawMessage{}
	}
	columns := event.ErasedColumns(kind)
	for _, trait := range []event.Trait{event.EraseBlank, event.EraseData} {
		for _, name := range columns[trait] {
			delete(out, name)
		}
	}
	// What is left are numbers, times, names of things, values of lists, and hashes. Lists of objects are left out.
	maps.DeleteFunc(out, func(_ string, v json.RawMessage) bool { return len(v) > 0 && (v[0] == '[' || v[0] == '{') })
	return out
}

// rejectItem reads a message of the topic of rejects, which has records of replays beside the rejects.
func rejectItem(m *kafka.Message) (*item, bool) {
	for _, h := range m.Headers {
		if h.Key == event.HeaderContent && string(h.Value) == warehouse.ReplayType {
			return nil, false
		}
	}
	var r warehouse.Reject
	if err := json.Unmarshal(m.Value, &r); err != nil {
		return nil, false
	}
	if r.RejectID == "" {
		// The name that the loader will give it.
		r.RejectID = warehouse.RejectID("rejected", m.Partition, m.Offset, m.Time)
	}
	kind, _ := event.KindOfType(r.Type)
	line, err := json.Marshal(shownReject{
		Outcome: event.Rejected, Source: r.Source, ID: r.ID, Type: r.Type, At: r.At.UTC(), RejectID: r.RejectID,
		Stage: r.Stage, Code: r.Code, Pointer: r.Pointer, Message: r.Message,
	})
	if err != nil {
		return nil, false
	}
	return &item{r.Workspace, r.Source, kind, event.Rejected, line}, true
}
