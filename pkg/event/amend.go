package event

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Void takes an event out of every number. The event it names may arrive later; neither a void nor a correction
// can be its target.
type Void struct {
	Common
	// Source and ID name the target, in the same workspace.
	Source string `json:"source" ch:"target_source" erase:"keep" validate:"required,text,max=512"`
	ID     string `json:"id" ch:"target_id" erase:"keep" validate:"required,text,max=256"`
	Reason string `json:"reason,omitzero" ch:"reason" erase:"blank" validate:"omitempty,note,max=2000"`
}

// Kind is [KindVoid].
func (*Void) Kind() Kind { return KindVoid }

// Touched is empty: the days are those of the target, which only the warehouse knows.
func (*Void) Touched(time.Time) []Day { return nil }

// Correct replaces the data of an event; the event's time stays.
type Correct struct {
	Common
	Source string `json:"source" ch:"target_source" erase:"keep" validate:"required,text,max=512"`
	ID     string `json:"id" ch:"target_id" erase:"keep" validate:"required,text,max=256"`
	// Target is the kind of the event to correct; Data is its new payload, validated as that kind.
	Target Kind           `json:"kind" ch:"target_kind,low" erase:"keep" validate:"required"`
	Data   jsontext.Value `json:"data" ch:"data" erase:"data" validate:"-"`
}

// Kind is [KindCorrect].
func (*Correct) Kind() Kind { return KindCorrect }

// Touched is empty: the days are those of the target, before and after.
func (*Correct) Touched(time.Time) []Day { return nil }

// Check wants a target kind that states a fact, and the data to replace its data with.
func (c *Correct) Check() []Problem {
	var out []Problem
	if _, ok := Lookup(c.Target); c.Target != "" && (!ok || c.Target.Amends()) {
		out = append(out, Problem{CodeBadTarget, "/data/kind", "name the kind of the event to correct: any kind but void and correct"})
	}
	if len(c.Data) == 0 {
		out = append(out, Problem{CodeMissingField, "/data/data", "give the new data of the event, whole"})
	}
	return out
}

// Normalise writes the common defaults, here and in the data for the target, and brings that data into its canonical
// form, so that two spellings of one correction are one. Data that is not of the target's kind stays as it is: to
// refuse it is up to the parser and to sealing.
func (c *Correct) Normalise() {
	c.Common.Normalise()
	_ = c.rewrite(Data.Normalise)
}

// seal replaces the person who corrects and every person in the new data. Who corrects an answer to the survey is known
// within its wave only, as who has given it: the two are mostly the same, and the answer would have their name otherwise.
func (c *Correct) seal(p pseudonym) error {
	var inner error
	err := c.rewrite(func(d Data) {
		d.Normalise()
		if answer, ok := d.(*Pulse); ok {
			if c.Person, inner = p.inWave(answer.Wave, c.Person); inner != nil {
				return
			}
		} else if inner = c.Common.seal(p); inner != nil {
			return
		}
		inner = d.seal(p)
	})
	if err == nil {
		err = waveProblem(inner, "/data/data/wave")
	}
	return err
}

// Payload decodes the data as the target's kind. Data that is not of that kind is an error.
func (c *Correct) Payload() (Data, error) {
	spec, ok := Lookup(c.Target)
	if !ok || c.Target.Amends() {
		return nil, Problem{CodeBadTarget, "/data/kind", "name the kind of the event to correct: any kind but void and correct"}
	}
	d := spec.New()
	if err := json.Unmarshal(c.Data, d, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("decode data of the correction: %w", err)
	}
	return d, nil
}

// rewrite decodes the data as the target's kind, lets change work on it and stores the result canonically. Data that
// is not of that kind stays as it is and is an error.
func (c *Correct) rewrite(change func(Data)) error {
	d, err := c.Payload()
	if err != nil {
		return err
	}
	change(d)
	raw, err := canonical(d)
	if err != nil {
		return fmt.Errorf("encode data of the correction: %w", err)
	}
	c.Data = raw
	return nil
}
