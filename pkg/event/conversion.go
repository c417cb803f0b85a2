package event

// Conversion is an increment of an experiment's counts: how many were exposed, how many converted, what it was worth.
type Conversion struct {
	Common
	Experiment string `json:"experiment" ch:"experiment,low" erase:"keep" validate:"required,key"`
	Variant    string `json:"variant" ch:"variant,low" erase:"keep" validate:"required,key"`
	// Metric defaults to "conversion".
	Metric      string  `json:"metric,omitzero" ch:"metric,low" erase:"keep" validate:"omitempty,key"`
	Exposures   *uint64 `json:"exposures,omitzero" ch:"exposures" validate:"omitempty,lte=1000000000000"`
	Conversions *uint64 `json:"conversions,omitzero" ch:"conversions" validate:"omitempty,lte=1000000000000"`
	// Value is the sum of what the exposed units were worth, ValueSquares the sum of the squares, for its variance.
	Value        *Decimal `json:"value,omitempty" ch:"value" validate:"-"`
	ValueSquares *Decimal `json:"value_squares,omitempty" ch:"value_squares" validate:"-"`
	Currency     string   `json:"currency,omitzero" ch:"currency,low" erase:"keep" validate:"omitempty,currency"`
	// Deal links the money to a pipeline deal, where it is then recognised.
	Deal string `json:"deal,omitzero" ch:"deal" erase:"keep" validate:"omitempty,key"`
}

// Kind is [KindConversion].
func (*Conversion) Kind() Kind { return KindConversion }

// Normalise writes the metric "conversion" and the common defaults.
func (c *Conversion) Normalise() {
	c.Common.Normalise()
	if c.Metric == "" {
		c.Metric = "conversion"
	}
}

// Check wants at least one increment, a currency beside money and no negative squares.
func (c *Conversion) Check() []Problem {
	var out []Problem
	if c.Exposures == nil && c.Conversions == nil && c.Value == nil {
		out = append(out, Problem{CodeMissingField, "/data/exposures", "give at least one of exposures, conversions, value"})
	}
	if c.Value != nil && c.Currency == "" {
		out = append(out, Problem{CodeMissingField, "/data/currency", "value is money: give its currency"})
	}
	if c.ValueSquares != nil && c.Value == nil {
		out = append(out, Problem{CodeMissingField, "/data/value", "value_squares goes with value"})
	}
	if c.ValueSquares != nil && c.ValueSquares.IsNegative() {
		out = append(out, Problem{CodeOutOfRange, "/data/value_squares", "a sum of squares is never negative"})
	}
	return out
}
