package warehouse

import (
	"fmt"

	"plumbline/pkg/event"
)

// Same tells whether an event is the one that is stored: equal content, kind and time.
func (k Known) Same(e event.Event, payload event.PayloadHash) bool {
	return k.Payload == payload && k.Kind == e.Kind && k.Time.Equal(e.Time)
}

// Conflict is why an event is refused whose source and id are those of another one that is stored.
func Conflict(first Known) event.Problem {
	return event.Problem{
		Code: event.CodeIDConflict, Pointer: "/id",
		Message: fmt.Sprintf("another event with this source and id, a %s of %s, was taken before and stays: "+
			"use a new id for a new event, or send a correction of the old one", first.Kind, first.Time.Format(event.TimeForm)),
	}
}

// BadTarget says whether the target of a void or a correction is among those that are known and can not be one. A target
// that is not known yet may still come; should it then turn out to be none, the amendment has no effect.
func BadTarget(e event.Event, known map[event.Identity]Known) (event.Problem, bool) {
	id, ok := TargetOf(e)
	if !ok {
		return event.Problem{}, false
	}
	target, ok := known[id]
	if !ok {
		return event.Problem{}, false
	}
	if target.Kind.Amends() {
		return event.Problem{
			Code: event.CodeBadTarget, Pointer: "/data/id",
			Message: "the target is itself a void or a correction: name the event that it changes",
		}, true
	}
	if c, isCorrection := e.Data.(*event.Correct); isCorrection && c.Target != target.Kind {
		return event.Problem{
			Code: event.CodeBadTarget, Pointer: "/data/kind",
			Message: fmt.Sprintf("the target is a %s, not a %s", target.Kind, c.Target),
		}, true
	}
	return event.Problem{}, false
}
