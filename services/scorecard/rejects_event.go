package scorecard

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/warehouse"
)

// submission is the event of a reject, as it came: in CloudEvents JSON format, or as a message of the log.
type submission struct {
	reject  warehouse.Reject
	raw     []byte
	message *event.RawMessage
	// sealed says that persons are pseudonyms already, because the event had passed the collector.
	sealed bool
}

// submissionOf finds the event in a reject; where there is none that could be sent again, why says so.
func submissionOf(r warehouse.Reject) (s submission, why string) {
	s = submission{reject: r, raw: r.Raw, sealed: r.Stage == warehouse.StageLoader}
	if s.sealed && !strings.HasPrefix(r.RejectID, "events-") {
		return s, "It is a message of another topic than that of the events: whoever wrote it must write it again."
	}
	switch {
	case r.ContentType == warehouse.ErasedType:
		return s, "Its bytes were emptied, because they named a person who was erased: there is nothing left to send."
	case r.ContentType == warehouse.AnswerType:
		return s, "It was an answer to the survey, of which nothing is kept that would tell whose it was: the source must send it again."
	case r.ContentType == event.RawMessageType:
		m, err := event.DecodeRawMessage(r.Raw)
		switch {
		case err != nil:
			return s, cutShort
		case !m.IsEvent():
			return s, "The message says nothing of an event: it has none of the headers of a CloudEvent."
		}
		s.message = &m
	case r.ContentType != event.StructuredType && strings.HasPrefix(r.ContentType, "application/cloudevents-batch"):
		return s, "The batch could not be read as a whole, so its events are not known one by one: the source must send it again."
	case r.ContentType != event.StructuredType:
		return s, "The bytes are no CloudEvent: the source must send the event again."
	case r.Code == string(event.CodeTooLarge) && len(r.Raw) >= event.MaxSize:
		return s, cutShort
	}
	return s, ""
}

const cutShort = "Only the first bytes of the event were kept, because it was too large: the source must send it again, shorter."

// structured is the event in CloudEvents JSON format, what a fix works on.
func (s submission) structured() ([]byte, error) {
	if s.message == nil {
		return s.raw, nil
	}
	return s.message.Structured()
}

// parse reads the event as its first receiver did, after the fix if there is one. structured reads CloudEvents JSON.
func (s submission) parse(p *event.Parser, structured func([]byte) (event.Event, []event.Problem), fix *mapping.Fix) (e event.Event, fixed bool, problems []event.Problem) {
	if fix != nil {
		raw, err := s.structured()
		if err != nil {
			return e, false, []event.Problem{{Code: event.CodeBadText, Message: "the attributes are no UTF-8, so a fix has nothing to work on"}}
		}
		raw, fixed, problem := fix.Apply(raw)
		if problem != nil {
			return e, false, []event.Problem{*problem}
		}
		if fixed {
			e, problems = structured(raw)
			return e, true, problems
		}
	}
	if s.message != nil {
		e, problems = p.Message(*s.message)
	} else {
		e, problems = structured(s.raw)
	}
	return e, false, problems
}

// enter gives the event its workspace. What came through the inbox names one itself, and is never taken into another.
func (s submission) enter(e *event.Event, workspace string) []event.Problem {
	e.Workspace = workspace
	if s.reject.Stage != warehouse.StageGate {
		return nil
	}
	name := e.Extensions[event.ExtensionWorkspace]
	delete(e.Extensions, event.ExtensionWorkspace)
	switch name {
	case workspace:
		return nil
	case "":
		return []event.Problem{{
			Code: event.CodeMissingField, Pointer: "/" + event.ExtensionWorkspace,
			Message: "the event names no workspace: a fix may set /" + event.ExtensionWorkspace,
		}}
	}
	return []event.Problem{{
		Code: event.CodeUnknownWorkspace, Pointer: "/" + event.ExtensionWorkspace,
		Message: fmt.Sprintf("the event names the workspace %q, and this is another one: a fix may set /%s", name, event.ExtensionWorkspace),
	}}
}

// closedFor keeps out what the loader would refuse because its day is closed: days never open again, so what was refused
// for one stays refused unless it was changed.
func (s submission) closedFor(e event.Event, fixed bool, seal warehouse.Seal) []event.Problem {
	if s.sealed && !fixed && s.reject.Code == string(event.CodeTooOld) {
		return []event.Problem{{Code: event.CodeTooOld, Pointer: s.reject.Pointer, Message: s.reject.Message}}
	}
	if day := event.DayOf(e.Time); day.Before(seal.SealedBefore.Time) && !e.Kind.Amends() {
		return []event.Problem{{
			Code: event.CodeTooOld, Pointer: "/time",
			Message: fmt.Sprintf("the event is of %s, and the days before %s are closed: their numbers stay as they are", day, seal.SealedBefore),
		}}
	}
	return nil
}

// seal replaces persons. Those of an event that was sealed before stay, so that nobody is hashed twice; of answers to the
// survey those of any reject may be sealed, since nothing else is kept of them.
func (s submission) seal(sealer *event.Sealer, e event.Event) (event.Sealed, []event.Problem) {
	if p := s.movedWave(e); p != nil {
		return event.Sealed{}, []event.Problem{*p}
	}
	seal := sealer.Seal
	if s.sealed || len(event.WavesOf(e)) > 0 {
		seal = sealer.Reseal
	}
	out, err := seal(e)
	switch closed := (event.Problem{}); {
	case errors.As(err, &closed) && closed.Code == event.CodeWaveClosed:
		return event.Sealed{}, []event.Problem{closed}
	case errors.Is(err, event.ErrWaveUnopened):
		return event.Sealed{}, []event.Problem{{
			Code: event.CodeInconsistent, Pointer: "/data/wave",
			Message: "nobody has answered this wave and nobody has opened it: open it first, or name another one",
		}}
	case err != nil:
		return event.Sealed{}, []event.Problem{{Code: event.CodeBadValue, Pointer: "/data", Message: "the data can not be stored as it is"}}
	}
	return out, nil
}

// wave is the wave of an answer as it is kept; "" where none can be read.
func (s submission) wave() string {
	data := struct {
		Wave string `json:"wave"`
	}{}
	raw, whole := s.raw, struct{ Data json.RawMessage }{}
	if s.message != nil {
		raw = s.message.Value
	} else if json.Unmarshal(raw, &whole) == nil {
		raw = whole.Data
	}
	_ = json.Unmarshal(raw, &data) // what can not be read has no wave
	return data.Wave
}

// movedWave refuses to move an answer of the survey into another wave: its person is known in the old one only, and could
// answer twice.
func (s submission) movedWave(e event.Event) *event.Problem {
	answer, ok := e.Data.(*event.Pulse)
	if !ok || !event.IsPseudonym(answer.Person) || s.wave() == answer.Wave {
		return nil
	}
	return &event.Problem{
		Code: event.CodeInconsistent, Pointer: "/data/wave",
		Message: "the person is known in the wave of the answer only: an answer can not be moved to another wave",
	}
}
