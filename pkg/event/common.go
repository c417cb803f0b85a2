package event

import "time"

// Common are the fields that every kind has. All are optional; an absent text is "", shown as unassigned.
type Common struct {
	// Workflow and Team are registry keys.
	Workflow string `json:"workflow,omitzero" ch:"workflow,low" erase:"keep" validate:"omitempty,key"`
	Team     string `json:"team,omitzero" ch:"team,low" erase:"keep" validate:"omitempty,key"`
	// Person is an opaque stable id; from [Sealer.Seal] on it is a keyed hash.
	Person string `json:"person,omitzero" ch:"person,low" erase:"person" validate:"omitempty,key"`
	Tool   string `json:"tool,omitzero" ch:"tool,low" erase:"keep" validate:"omitempty,key"`
	// Evidence is self_reported (default), system or measured.
	Evidence string `json:"evidence,omitzero" ch:"evidence,low" erase:"keep" validate:"omitempty,oneof=self_reported system measured"`
	// URL leads to the thing itself: https or http.
	URL string `json:"url,omitzero" ch:"url" erase:"blank" validate:"omitempty,max=2048,web"`
}

// Shared returns the fields themselves.
func (c *Common) Shared() *Common { return c }

// Normalise writes the default evidence.
func (c *Common) Normalise() {
	if c.Evidence == "" {
		c.Evidence = "self_reported"
	}
}

// Check has no rule between the common fields.
func (c *Common) Check() []Problem { return nil }

// Touched is the day of the event: right for every kind whose figures stand on the day when it happened.
func (c *Common) Touched(at time.Time) []Day { return []Day{DayOf(at)} }

// seal replaces the person.
func (c *Common) seal(p pseudonym) error {
	c.Person = p.of(personScope, c.Person)
	return nil
}
