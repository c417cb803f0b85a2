// Package metric says what is measured: for each measure its name, unit, formula, the SQL that reads the rollups, and
// the pure fold of the rows into a [Measure] with interval, grade and status.
//
// A fold takes typed rows and the prices to apply (baselines, exchange rates) and does no I/O; the same rows always
// give the same measure. Money, minutes and hours are decimals to the last sum; only intervals are floats. The package
// knows neither HTTP nor the warehouse's client, and it does not apply the privacy floor: it returns the cells to
// which the reader applies it.
package metric

// DefinitionVersion names the present definitions of all measures. A number that was published under another version
// may differ.
const DefinitionVersion = "2026-11-01"

// The keys of the measures.
const (
	HoursSavedNet    = "hours_saved_net"
	CapacityValue    = "capacity_value"
	ReworkRate       = "rework_rate"
	VendorSpend      = "vendor_spend"
	AICost           = "ai_cost"
	ConversionValue  = "conversion_value"
	WinRate          = "win_rate"
	CycleDays        = "cycle_days"
	PipelineVelocity = "pipeline_velocity"
	PerceptionGap    = "perception_gap"
	Satisfaction     = "satisfaction"

	VendorSavings      = "vendor_savings"
	PipelineValue      = "pipeline_value"
	PipelineInfluenced = "pipeline_influenced"
)

// How the rows of a measure give its value.
const (
	AddsSum   = "sum"   // contributions sum to the value exactly
	AddsRatio = "ratio" // numerator and denominator each sum exactly
	AddsFold  = "fold"  // the published fold over exactly the listed rows
)

// Units of measures. Money has its currency as unit.
const (
	UnitHours   = "h"
	UnitMinutes = "min"
	UnitShare   = "share"
	UnitDays    = "days"
	UnitIndex   = "index"
	UnitMoney   = "money"
	UnitDeals   = "deals"
	UnitPoints  = "points"
	// UnitPercentagePoints is a difference of two shares, times 100.
	UnitPercentagePoints = "pp"
)

// The levels of intervals: money and what becomes money, and everything else.
const (
	LevelMoney      = 0.90
	LevelStatistics = 0.95
)

// Definition is one line of the catalogue of measures.
type Definition struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	// Unit is [UnitMoney] where the value is in the currency that was asked for.
	Unit string `json:"unit"`
	// Direction says which way is better: up, down or none.
	Direction string `json:"direction"`
	Formula   string `json:"formula"`
	// Adds is sum, ratio or fold.
	Adds    string `json:"adds"`
	Version string `json:"version"`
	// Pillar is the part of the scorecard that it stands in.
	Pillar string `json:"pillar"`
	About  string `json:"about"`
	// Personal says that persons stand behind it, so that the privacy floor applies.
	Personal bool `json:"-"`
}
