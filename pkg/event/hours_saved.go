package event

// HoursSaved is one piece of work done with AI, or without it (Assisted false), which is how baselines are measured.
// Minutes are for the whole event, not per unit, unless said otherwise.
type HoursSaved struct {
	Common
	// Units is the number of pieces of work, > 0; default 1.
	Units *Number `json:"units,omitzero" ch:"units,set" validate:"omitempty,gt=0"`
	// Assisted defaults to true.
	Assisted *bool  `json:"assisted,omitzero" ch:"assisted,set"`
	Task     string `json:"task,omitzero" ch:"task" erase:"blank" validate:"omitempty,key"`
	Asset    string `json:"asset,omitzero" ch:"asset" erase:"keep" validate:"omitempty,key"`

	DoingMinutes      *Number `json:"doing_minutes,omitzero" ch:"doing_minutes" validate:"omitempty,gte=0"`
	PromptingMinutes  *Number `json:"prompting_minutes,omitzero" ch:"prompting_minutes" validate:"omitempty,gte=0"`
	ReviewMinutes     *Number `json:"review_minutes,omitzero" ch:"review_minutes" validate:"omitempty,gte=0"`
	ReworkMinutes     *Number `json:"rework_minutes,omitzero" ch:"rework_minutes" validate:"omitempty,gte=0"`
	CorrectionMinutes *Number `json:"correction_minutes,omitzero" ch:"correction_minutes" validate:"omitempty,gte=0"`

	// BaselineMinutes is what one unit takes without AI, as the event claims it.
	BaselineMinutes *Number `json:"baseline_minutes,omitzero" ch:"baseline_minutes" validate:"omitempty,gte=0"`
	// The estimates are forecasts for the whole event, made before the work.
	EstimateUnassistedMinutes *Number `json:"estimate_unassisted_minutes,omitzero" ch:"estimate_unassisted_minutes" validate:"omitempty,gt=0"`
	EstimateAssistedMinutes   *Number `json:"estimate_assisted_minutes,omitzero" ch:"estimate_assisted_minutes" validate:"omitempty,gt=0"`
	// Trial is the key of the randomised time trial that the task belongs to.
	Trial string `json:"trial,omitzero" ch:"trial,low" erase:"keep" validate:"omitempty,key"`
	// Quality is 1 (poor) to 5 (excellent).
	Quality *uint8 `json:"quality,omitzero" ch:"quality" validate:"omitempty,gte=1,lte=5"`
}

// Kind is [KindHoursSaved].
func (*HoursSaved) Kind() Kind { return KindHoursSaved }

// Normalise writes units 1, assisted true and the common defaults.
func (h *HoursSaved) Normalise() {
	h.Common.Normalise()
	if h.Units == nil {
		h.Units = new(NumberOf(1))
	}
	if h.Assisted == nil {
		h.Assisted = new(true)
	}
}

// Check wants at least one recorded part of the time.
func (h *HoursSaved) Check() []Problem {
	for _, m := range []*Number{h.DoingMinutes, h.PromptingMinutes, h.ReviewMinutes, h.ReworkMinutes, h.CorrectionMinutes} {
		if m != nil {
			return nil
		}
	}
	return []Problem{{CodeMissingField, "/data/doing_minutes", "give at least one of doing_minutes, prompting_minutes, review_minutes, rework_minutes, correction_minutes"}}
}
