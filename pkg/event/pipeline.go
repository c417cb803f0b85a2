package event

import (
	"fmt"
	"slices"
	"time"
)

// Pipeline is a change of a deal: the state of the deal as it is from the event's time on. Most tools send such states; some send one
// property at a time, and what they leave out is as it was: those changes are partial. What a deal is, all of its changes say together.
type Pipeline struct {
	Common
	Deal   string `json:"deal" ch:"deal" erase:"keep" validate:"required,key"`
	Stage  string `json:"stage,omitzero" ch:"stage,low" erase:"keep" validate:"omitempty,text,max=128"`
	Status string `json:"status,omitzero" ch:"status,low" erase:"keep" validate:"omitempty,oneof=open won lost"`
	// Amount is the deal's worth at this change.
	Amount   *Decimal `json:"amount,omitempty" ch:"amount" validate:"-"`
	Currency string   `json:"currency,omitzero" ch:"currency,low" erase:"keep" validate:"omitempty,currency"`
	// CreatedAt is when the deal was opened, ClosedAt when it was decided (default: the event's time).
	CreatedAt *Time `json:"created_at,omitzero" ch:"created_at" validate:"-"`
	ClosedAt  *Time `json:"closed_at,omitzero" ch:"closed_at" validate:"-"`
	// Assisted says whether AI had a part in the deal; absent is unknown and counts on neither side.
	Assisted   *bool   `json:"assisted,omitzero" ch:"assisted"`
	Touches    Touches `json:"touches,omitzero" ch:"touches" erase:"keep" validate:"max=200,dive"`
	Experiment string  `json:"experiment,omitzero" ch:"experiment,low" erase:"keep" validate:"omitempty,key"`
	// Margin is the share of the amount that stays, 0 to 1.
	Margin *Number `json:"margin,omitzero" ch:"margin" validate:"omitempty,gte=0,lte=1"`
	// Sequence orders changes that share a time.
	Sequence *uint64 `json:"sequence,omitzero" ch:"sequence,set" validate:"omitempty,lte=9007199254740991"`
	// Partial says that the change names only what is new.
	Partial *bool `json:"partial,omitzero" ch:"partial"`
	// Cleared names a field that is not known from here on.
	Cleared string `json:"cleared,omitzero" ch:"cleared,low" erase:"keep" validate:"omitempty,oneof=amount currency closed_at assisted"`
	// Withdrawn says that the deal was deleted where it came from, or restored.
	Withdrawn *bool `json:"withdrawn,omitzero" ch:"withdrawn"`
}

// Touch is one contact of a workflow with a deal.
type Touch struct {
	Workflow string `json:"workflow" validate:"required,key"`
	At       Time   `json:"at" validate:"required"`
	Role     string `json:"role,omitzero" validate:"omitempty,oneof=first lead opportunity other"`
}

// Touches are the contacts of a deal, kept in the warehouse as canonical JSON.
type Touches []Touch

// Canonical is the list as canonical JSON, "[]" where there is none.
func (t Touches) Canonical() string {
	if len(t) == 0 {
		return "[]"
	}
	raw, err := canonical(t)
	if err != nil {
		panic(fmt.Sprintf("event: encode touches: %v", err)) // texts that came from JSON and times always encode
	}
	return string(raw)
}

// Kind is [KindPipeline].
func (*Pipeline) Kind() Kind { return KindPipeline }

// Normalise writes sequence 0, the role "other" and the common defaults.
func (p *Pipeline) Normalise() {
	p.Common.Normalise()
	if p.Sequence == nil {
		p.Sequence = new(uint64(0))
	}
	if len(p.Touches) == 0 {
		p.Touches = nil
	}
	for i := range p.Touches {
		if p.Touches[i].Role == "" {
			p.Touches[i].Role = "other"
		}
	}
}

// IsPartial tells whether the change names only what is new.
func (p *Pipeline) IsPartial() bool { return p.Partial != nil && *p.Partial }

// Check wants a status and a currency beside an amount, where the change is whole, and a close that does not come before the creation
// or on an open deal.
func (p *Pipeline) Check() []Problem {
	var out []Problem
	if p.Status == "" && !p.IsPartial() {
		out = append(out, Problem{CodeMissingField, "/data/status", "give status"})
	}
	if p.Amount != nil && p.Currency == "" && !p.IsPartial() {
		out = append(out, Problem{CodeMissingField, "/data/currency", "amount is money: give its currency"})
	}
	if p.clearsWhatItGives() {
		out = append(out, Problem{CodeInconsistent, "/data/cleared", "the change gives " + p.Cleared + ", which it says was emptied: leave one of the two out"})
	}
	if p.ClosedAt != nil && p.Status == "open" {
		out = append(out, Problem{CodeInconsistent, "/data/closed_at", "an open deal has no closed_at: leave it out, or give status won or lost"})
	}
	if p.ClosedAt != nil && p.CreatedAt != nil && p.ClosedAt.Before(p.CreatedAt.Time) {
		out = append(out, Problem{CodeInconsistent, "/data/closed_at", "closed_at must not come before created_at"})
	}
	return out
}

func (p *Pipeline) clearsWhatItGives() bool {
	switch p.Cleared {
	case "amount":
		return p.Amount != nil
	case "currency":
		return p.Currency != ""
	case "closed_at":
		return p.ClosedAt != nil
	case "assisted":
		return p.Assisted != nil
	}
	return false
}

// Touched is the day of the event and the deal's cohort, the day when it was created. The roller widens it to every
// cohort that the deal has ever been in.
func (p *Pipeline) Touched(at time.Time) []Day {
	days := []Day{DayOf(at)}
	if p.CreatedAt != nil {
		if d := DayOf(p.CreatedAt.Time); !d.Equal(days[0].Time) {
			days = append(days, d)
		}
	}
	return days
}

// copiedPipeline copies the touches too, because Normalise writes into them.
func copiedPipeline(d Data) Data {
	c := *d.(*Pipeline)
	c.Touches = slices.Clone(c.Touches)
	return &c
}
