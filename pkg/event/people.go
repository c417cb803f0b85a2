package event

import "errors"

// Pulse is one person's answer to one wave of the survey (perception).
type Pulse struct {
	Common
	Wave        string `json:"wave" ch:"wave,low" erase:"keep" validate:"required,key"`
	Role        string `json:"role" ch:"role,low" erase:"keep" validate:"required,oneof=leader ic"`
	ROIProvable string `json:"roi_provable,omitzero" ch:"roi_provable,low" erase:"keep" validate:"omitempty,oneof=yes partly no"`
	// Satisfaction and Confidence are 1 (low) to 5 (high).
	Satisfaction *uint8 `json:"satisfaction,omitzero" ch:"satisfaction" validate:"omitempty,gte=1,lte=5"`
	Confidence   *uint8 `json:"confidence,omitzero" ch:"confidence" validate:"omitempty,gte=1,lte=5"`
	TimeWentTo   string `json:"time_went_to,omitzero" ch:"time_went_to,low" erase:"keep" validate:"omitempty,oneof=more_output quality growth_work admin nothing"`
	Comment      string `json:"comment,omitzero" ch:"comment" erase:"blank" validate:"omitempty,note,max=2000"`
}

// Kind is [KindPulse].
func (*Pulse) Kind() Kind { return KindPulse }

// Check wants at least one answer.
func (p *Pulse) Check() []Problem {
	if p.ROIProvable == "" && p.Satisfaction == nil && p.Confidence == nil && p.TimeWentTo == "" {
		return []Problem{{CodeMissingField, "/data/roi_provable", "answer at least one of roi_provable, satisfaction, confidence, time_went_to"}}
	}
	return nil
}

// seal hashes the person within the wave, so that answers cannot be joined to each other across waves or to any other row,
// and to nobody once the wave is closed.
func (p *Pulse) seal(ps pseudonym) (err error) {
	if p.Person, err = ps.inWave(p.Wave, p.Person); err != nil {
		return waveProblem(err, "/data/wave")
	}
	return nil
}

// waveProblem says where the wave stands that has closed.
func waveProblem(err error, pointer string) error {
	if closed := (Problem{}); errors.As(err, &closed) {
		closed.Pointer = pointer
		return closed
	}
	return err
}

// Training is time spent learning (enablement).
type Training struct {
	Common
	Course    string  `json:"course" ch:"course,low" erase:"keep" validate:"required,key"`
	Hours     *Number `json:"hours,omitzero" ch:"hours" validate:"omitempty,gte=0,lte=10000"`
	Completed *bool   `json:"completed,omitzero" ch:"completed,set"`
	// Purpose is training (default) or implementation.
	Purpose string `json:"purpose,omitzero" ch:"purpose,low" erase:"keep" validate:"omitempty,oneof=training implementation"`
}

// Kind is [KindTraining].
func (*Training) Kind() Kind { return KindTraining }

// Normalise writes completed false, purpose training and the common defaults.
func (t *Training) Normalise() {
	t.Common.Normalise()
	if t.Completed == nil {
		t.Completed = new(false)
	}
	if t.Purpose == "" {
		t.Purpose = "training"
	}
}

// Barrier is something in the way of a person's work with AI.
type Barrier struct {
	Common
	Barrier     string  `json:"barrier" ch:"barrier,low" erase:"keep" validate:"required,key"`
	Category    string  `json:"category" ch:"category,low" erase:"keep" validate:"required,oneof=prompting review_delay policy quality access training other"`
	MinutesLost *Number `json:"minutes_lost,omitzero" ch:"minutes_lost" validate:"omitempty,gte=0"`
	Note        string  `json:"note,omitzero" ch:"note" erase:"blank" validate:"omitempty,note,max=2000"`
	// Action is report (default), support or resolve.
	Action string `json:"action,omitzero" ch:"action,low" erase:"keep" validate:"omitempty,oneof=report support resolve"`
	// Owner is the person who clears it: pseudonymised like Person.
	Owner string `json:"owner,omitzero" ch:"owner,low" erase:"person" validate:"omitempty,key"`
}

// Kind is [KindBarrier].
func (*Barrier) Kind() Kind { return KindBarrier }

// Normalise writes action report and the common defaults.
func (b *Barrier) Normalise() {
	b.Common.Normalise()
	if b.Action == "" {
		b.Action = "report"
	}
}

// seal replaces both the reporter and the owner.
func (b *Barrier) seal(p pseudonym) error {
	b.Owner = p.of(personScope, b.Owner)
	return b.Common.seal(p)
}
