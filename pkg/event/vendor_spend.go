package event

import "time"

// VendorSpend is one charge of a vendor, as invoiced. The money fields follow FOCUS 1.0.
type VendorSpend struct {
	Common
	Vendor   string `json:"vendor" ch:"vendor,low" erase:"keep" validate:"required,text,max=256"`
	Category string `json:"category" ch:"category,low" erase:"keep" validate:"required,oneof=agency freelance production translation stock media software ai_tool training implementation"`
	// BilledCost is what the invoice says, negative for credits; the basis of cash.
	BilledCost Decimal `json:"billed_cost" ch:"billed_cost" validate:"required"`
	// EffectiveCost is the amortised cost after discounts, where the vendor gives one.
	EffectiveCost *Decimal `json:"effective_cost,omitempty" ch:"effective_cost" validate:"-"`
	Currency      string   `json:"currency" ch:"currency,low" erase:"keep" validate:"required,currency"`
	// Quantity is the volume consumed, in Unit.
	Quantity *Decimal `json:"quantity,omitempty" ch:"quantity" validate:"-"`
	Unit     string   `json:"unit,omitzero" ch:"unit,low" erase:"keep" validate:"omitempty,text,max=64"`
	// InvoiceDate is the day of cash; without it the event's own day is.
	InvoiceDate *Day `json:"invoice_date,omitzero" ch:"invoice_date" validate:"-"`
	// The charge period is half-open: [start, end).
	ChargePeriodStart *Time  `json:"charge_period_start,omitzero" ch:"charge_period_start" validate:"-"`
	ChargePeriodEnd   *Time  `json:"charge_period_end,omitzero" ch:"charge_period_end" validate:"-"`
	ChargeCategory    string `json:"charge_category,omitzero" ch:"charge_category,low" erase:"keep" validate:"omitempty,oneof=Usage Purchase Tax Credit Adjustment"`
	ChargeClass       string `json:"charge_class,omitzero" ch:"charge_class,low" erase:"keep" validate:"omitempty,oneof=Correction"`
	InvoiceID         string `json:"invoice_id,omitzero" ch:"invoice_id" erase:"keep" validate:"omitempty,text,max=256"`
	// Final says that nothing more will come for the period.
	Final *bool `json:"final,omitzero" ch:"final,set"`
}

// Kind is [KindVendorSpend].
func (*VendorSpend) Kind() Kind { return KindVendorSpend }

// Normalise writes the common defaults.
func (v *VendorSpend) Normalise() {
	v.Common.Normalise()
	if v.Final == nil {
		v.Final = new(false)
	}
}

// Check wants both ends of a charge period or none, in order, and at most ten years apart.
func (v *VendorSpend) Check() []Problem {
	switch {
	case v.ChargePeriodStart == nil && v.ChargePeriodEnd == nil:
		return nil
	case v.ChargePeriodStart == nil:
		return []Problem{{CodeMissingField, "/data/charge_period_start", "give charge_period_start too, or neither end of the period"}}
	case v.ChargePeriodEnd == nil:
		return []Problem{{CodeMissingField, "/data/charge_period_end", "give charge_period_end too, or neither end of the period"}}
	case !v.ChargePeriodEnd.After(v.ChargePeriodStart.Time):
		return []Problem{{CodeInconsistent, "/data/charge_period_end", "the period is half-open: its end must come after its start"}}
	case v.ChargePeriodEnd.Sub(v.ChargePeriodStart.Time) > 3660*24*time.Hour:
		return []Problem{{CodeOutOfRange, "/data/charge_period_end", "a charge period may span at most ten years"}}
	}
	return nil
}

// Touched is the day of cash and every UTC day that the charge period overlaps.
func (v *VendorSpend) Touched(at time.Time) []Day {
	days := []Day{DayOf(at)}
	if v.InvoiceDate != nil {
		days[0] = *v.InvoiceDate
	}
	if v.ChargePeriodStart == nil || v.ChargePeriodEnd == nil {
		return days
	}
	last := DayOf(v.ChargePeriodEnd.Add(-time.Millisecond))
	for d := DayOf(v.ChargePeriodStart.Time); !d.After(last.Time); d = (Day{d.AddDate(0, 0, 1)}) {
		if !d.Equal(days[0].Time) {
			days = append(days, d)
		}
	}
	return days
}
