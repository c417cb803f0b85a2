package event

// Review is one round of a review inside a workflow (governance).
type Review struct {
	Common
	Asset       string `json:"asset" ch:"asset" erase:"keep" validate:"required,key"`
	Reviewer    string `json:"reviewer" ch:"reviewer,low" erase:"keep" validate:"required,oneof=brand legal compliance other"`
	SubmittedAt Time   `json:"submitted_at" ch:"submitted_at" validate:"required"`
	// DecidedAt and Decision come together; without them the review is open.
	DecidedAt *Time  `json:"decided_at,omitzero" ch:"decided_at" validate:"-"`
	Decision  string `json:"decision,omitzero" ch:"decision,low" erase:"keep" validate:"omitempty,oneof=approved changes_requested rejected"`
	// Round counts from 1.
	Round        *uint16 `json:"round,omitzero" ch:"round,set" validate:"omitempty,gte=1,lte=1000"`
	TouchMinutes *Number `json:"touch_minutes,omitzero" ch:"touch_minutes" validate:"omitempty,gte=0"`
}

// Kind is [KindReview].
func (*Review) Kind() Kind { return KindReview }

// Normalise writes round 1 and the common defaults.
func (r *Review) Normalise() {
	r.Common.Normalise()
	if r.Round == nil {
		r.Round = new(uint16(1))
	}
}

// Check wants decision and time of decision together, after the submission.
func (r *Review) Check() []Problem {
	switch {
	case r.DecidedAt == nil && r.Decision != "":
		return []Problem{{CodeMissingField, "/data/decided_at", "a decision has a time: give decided_at"}}
	case r.DecidedAt != nil && r.Decision == "":
		return []Problem{{CodeMissingField, "/data/decision", "decided_at goes with a decision: approved, changes_requested or rejected"}}
	case r.DecidedAt != nil && r.DecidedAt.Before(r.SubmittedAt.Time):
		return []Problem{{CodeInconsistent, "/data/decided_at", "decided_at must not come before submitted_at"}}
	}
	return nil
}
