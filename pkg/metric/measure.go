package metric

import (
	"math"

	"github.com/shopspring/decimal"
)

// Status says whether a measure has a value.
type Status string

// The states of a measure.
const (
	OK       Status = "ok"
	NoData   Status = "no_data"
	Withheld Status = "withheld"
)

// Exact is a decimal that is written as a JSON number with all its digits, never through a float.
type Exact struct{ decimal.Decimal }

// ExactOf wraps a decimal.
func ExactOf(d decimal.Decimal) *Exact { return &Exact{d} }

// MarshalJSON writes the shortest exact number, without an exponent.
func (e Exact) MarshalJSON() ([]byte, error) { return []byte(e.Text()), nil }

// Text is the shortest exact form.
func (e Exact) Text() string {
	s := e.Decimal.String()
	if s == "-0" {
		return "0"
	}
	return s
}

// Measure is a number with everything that it claims. Value is nil unless Status is [OK].
type Measure struct {
	Key   string   `json:"key"`
	Value *Exact   `json:"value"`
	Unit  string   `json:"unit"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	Level *float64 `json:"level"`
	// N counts events, or deals; People distinct persons, nil for kinds without persons.
	N      *uint64 `json:"n"`
	People *uint64 `json:"people"`
	// Grade is the lowest evidence grade that contributes, 0 to 5.
	Grade     *int       `json:"grade"`
	Status    Status     `json:"status"`
	Reason    *string    `json:"reason"`
	Warnings  []Warning  `json:"warnings"`
	Previous  *Previous  `json:"previous"`
	Target    *Target    `json:"target"`
	Benchmark *Benchmark `json:"benchmark"`
	// Claim is the link to the claim.
	Claim *string `json:"claim"`
	Adds  string  `json:"adds"`
	// RiskAdjusted is the value after the haircut of its grades, for benefits in money.
	RiskAdjusted *Exact        `json:"risk_adjusted,omitempty"`
	Shares       []GradeShare  `json:"shares,omitempty"`
	Parts        []Part        `json:"parts,omitempty"`
	Series       []SeriesPoint `json:"series,omitempty"`
	// Covers are the days that the value is of, nil where they are those of the period.
	Covers *Covers `json:"covers,omitempty"`
	// OpenDisputes is how many disputes are open of the baselines that price it.
	OpenDisputes int `json:"open_disputes,omitempty"`
}

// Warning is something that a reader must know beside the value.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Previous is the measure of the period compared with.
type Previous struct {
	From   string   `json:"from"`
	To     string   `json:"to"`
	Value  *Exact   `json:"value"`
	Low    *float64 `json:"low"`
	High   *float64 `json:"high"`
	N      *uint64  `json:"n"`
	Status Status   `json:"status"`
	Reason *string  `json:"reason"`
}

// Target is what the measure should reach.
type Target struct {
	Value     Exact   `json:"value"`
	Unit      *string `json:"unit"`
	ValidFrom string  `json:"valid_from"`
	Note      *string `json:"note"`
}

// Benchmark is somebody else's figure.
type Benchmark struct {
	Value  Exact   `json:"value"`
	Label  string  `json:"label"`
	Source *string `json:"source"`
	URL    *string `json:"url"`
}

// GradeShare is the part of a measure that one evidence grade carries.
type GradeShare struct {
	Grade int `json:"grade"`
	// Share is of the absolute values, so that gains and losses do not cancel.
	Share float64 `json:"share"`
	Value Exact   `json:"value"`
	N     uint64  `json:"n"`
}

// Part is a figure that the value is made of, or that stands beside it.
type Part struct {
	Key   string   `json:"key"`
	Title string   `json:"title"`
	Value *Exact   `json:"value"`
	Unit  string   `json:"unit"`
	N     *uint64  `json:"n"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	Level *float64 `json:"level"`
}

// Covers are the days [From, To) that a measure is of.
type Covers struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// SeriesPoint is the measure of one ISO week, or of one month where it is of people's work, cut to the period.
type SeriesPoint struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Value *Exact `json:"value"`
}

// Excluded is something that the measure leaves out, with its amount.
type Excluded struct {
	Measure  string  `json:"measure"`
	Reason   string  `json:"reason"`
	Message  string  `json:"message"`
	Workflow string  `json:"workflow,omitempty"`
	Team     string  `json:"team,omitempty"`
	N        *uint64 `json:"n"`
	Amount   *Exact  `json:"amount"`
	Unit     string  `json:"unit"`
}

// Input is a value that a number was computed with and that did not come from the events that it counts.
type Input struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
	Unit  string  `json:"unit"`
	Low   *string `json:"low"`
	High  *string `json:"high"`
	// Source says where it comes from, Version which version of it.
	Source  string  `json:"source"`
	Grade   *int    `json:"grade"`
	Version *string `json:"version"`
	N       *uint64 `json:"n"`
}

// Count is a number of things behind a measure.
type Count struct {
	Name  string  `json:"name"`
	Value *uint64 `json:"value"`
}

// Cell is the part of a measure that adds up from one day, team and workflow (vendor and category for spend). The
// cells of a measure sum to its value exactly, in every grouping.
type Cell struct {
	Day                              string
	Team, Workflow, Vendor, Category string
	// Experiment and Variant name what the cell was exposed to, Metric the metric that was measured.
	Experiment, Variant, Metric string
	// Value is in the unit of the measure.
	Value decimal.Decimal
	N     uint64
	Grade int
	// Source is where the price of the cell came from: the baseline, or the exchange rate.
	Source string
	// Group is what the cell may be told apart with at the most, empty for itself: gains and losses are told of the whole of it ([Fold.Grouped]).
	Group string
}

// Fold is the result of a fold: the measure and what its claim and its drill-down need.
type Fold struct {
	Measure  Measure
	Cells    []Cell
	Inputs   []Input
	Counts   []Count
	Excluded []Excluded
	// Recognitions are the entries of a benefit for the ladder; nil means that its cells are the entries.
	Recognitions []Recognition
	// terms say what the error of each cell is, in the order of the cells; empty where the interval is all that is known.
	terms []term
	// assumed are the shares that the terms name.
	assumed map[string]Assumed
}

// start fills in what the catalogue knows.
func start(key, unit string) Measure {
	d, _ := Lookup(key)
	return Measure{Key: key, Unit: unit, Status: NoData, Warnings: []Warning{}, Adds: d.Adds}
}

// withhold takes the value away and says why.
func (m *Measure) withhold(reason, message string) {
	m.Status, m.Reason = Withheld, &reason
	m.Value, m.Low, m.High, m.Level = nil, nil, nil, nil
	m.warn(reason, message)
}

func (m *Measure) warn(code, message string) {
	m.Warnings = append(m.Warnings, Warning{code, message})
}

func (m *Measure) interval(low, high, level float64) {
	m.Low, m.High, m.Level = finite(low), finite(high), finite(level)
	if m.Low == nil || m.High == nil {
		m.Low, m.High, m.Level = nil, nil, nil
	}
}

// Withhold returns the measure without anything that could tell about the people behind it.
func (m Measure) Withhold(reason, message string) Measure {
	out := start(m.Key, m.Unit)
	out.Target, out.Benchmark, out.Claim = m.Target, m.Benchmark, m.Claim
	out.withhold(reason, message)
	return out
}

// NotPersonal is the measure of a single person for a kind of event that names none.
func NotPersonal(key, unit string) Fold {
	m := start(key, unit)
	m.withhold("not_personal", "events of this kind are not tied to a person: look at a team or at the organisation")
	return Fold{Measure: m}
}

// finite is nil where a statistic does not exist.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// quotientDigits is how many decimals a quotient keeps, half to even.
const quotientDigits = 12

// quotient is a ÷ b rounded to [quotientDigits].
func quotient(a, b decimal.Decimal) decimal.Decimal {
	return a.DivRound(b, quotientDigits+12).RoundBank(quotientDigits)
}
