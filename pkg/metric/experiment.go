package metric

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// The bounds of an experiment's counts (metrics, "Conversion").
const (
	leastExposures             = 100
	leastConversions           = 10
	leastSequentialConversions = 50
	sampleRatioLimit           = 0.001
)

// Plan is what the registry declares about an experiment; the zero value is an experiment that it does not know.
type Plan struct {
	Registered bool
	Name       string
	Design     string
	Grade      int
	Control    string
	// Allocation is the weight of each variant; empty means that nobody declared one.
	Allocation    map[string]float64
	PrimaryMetric string
	PlannedN      *uint64
	Sequential    bool
	// Margin is the margin per conversion in the currency asked for; nil where none is declared or MarginReason says why
	// it could not be converted.
	Margin       *decimal.Decimal
	MarginReason string
	// Version names the version of the registry.
	Version string
}

// Interval is a statistic with its bounds; each is nil where it does not exist.
type Interval struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// SampleRatio is the check of the exposures against the planned split.
type SampleRatio struct {
	ChiSquare *float64           `json:"chi2"`
	P         *float64           `json:"p"`
	Status    string             `json:"status"`
	Expected  map[string]float64 `json:"expected"`
}

// Variant is one arm of an experiment for one metric.
type Variant struct {
	Variant     string   `json:"variant"`
	IsControl   bool     `json:"is_control"`
	Exposures   uint64   `json:"exposures"`
	Conversions uint64   `json:"conversions"`
	Rate        *float64 `json:"rate"`
	RateLow     *float64 `json:"rate_low"`
	RateHigh    *float64 `json:"rate_high"`
	// LiftAbs is in share points, LiftRel a share of the control's rate.
	LiftAbs Interval `json:"lift_abs"`
	LiftRel Interval `json:"lift_rel"`
	PAbs    *float64 `json:"p_abs"`
	PRel    *float64 `json:"p_rel"`
	// PHolm is PAbs corrected for the number of variants.
	PHolm       *float64 `json:"p_holm"`
	ChanceToWin *float64 `json:"chance_to_win"`
	Grade       *int     `json:"grade"`
	// Status is control, ok, no_data or withheld.
	Status string  `json:"status"`
	Reason *string `json:"reason"`
	// ValuePerExposure is the mean value of an exposure where values are recorded in one currency that converts.
	ValuePerExposure *Exact `json:"value_per_exposure"`
}

// Experiment is the answer about one experiment and one metric, to as-of.
type Experiment struct {
	Experiment string      `json:"experiment"`
	Name       string      `json:"name"`
	Metric     string      `json:"metric"`
	Metrics    []string    `json:"metrics"`
	Control    *string     `json:"control"`
	Design     *string     `json:"design"`
	Registered bool        `json:"registered"`
	Analysis   string      `json:"analysis"`
	PlannedN   *uint64     `json:"planned_n"`
	Level      float64     `json:"level"`
	FirstDay   *string     `json:"first_day"`
	LastDay    *string     `json:"last_day"`
	Exposures  uint64      `json:"exposures"`
	SRM        SampleRatio `json:"srm"`
	Variants   []Variant   `json:"variants"`
	Value      Measure     `json:"value"`
	Status     Status      `json:"status"`
	Reason     *string     `json:"reason"`
	Warnings   []Warning   `json:"warnings"`

	// exposedBy is the metric whose exposures count, lifts what an exposure to a variant gained, errors its standard
	// error, and controlError that of the control's rate, which all variants share.
	exposedBy    string
	lifts        map[string]decimal.Decimal
	errors       map[string]float64
	controlError float64
	plan         Plan
}

// Grade is the best evidence grade of the variants that have a result; ok is false where none has.
func (x Experiment) Grade() (grade int, ok bool) {
	for _, v := range x.Variants {
		if v.Status == string(OK) && v.Grade != nil {
			grade, ok = max(grade, *v.Grade), true
		}
	}
	return grade, ok
}

// arms are the counts of the variants of one experiment and metric.
type arms map[string]*ConversionRow

// metricsOf lists the metrics of an experiment that have conversions, or all where none has.
func metricsOf(rows []ConversionRow) []string {
	all, converted := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		all[r.Metric] = true
		if r.Conversions > 0 || len(r.Values) > 0 && slices.ContainsFunc(r.Values, func(v decimal.Decimal) bool { return !v.IsZero() }) {
			converted[r.Metric] = true
		}
	}
	if len(converted) > 0 {
		all = converted
	}
	return slices.Sorted(maps.Keys(all))
}

// armsOf collects the counts of a metric. Exposures are those that came with the metric; where none did, those of the
// one metric that has them, since an exposure is often sent once and not for each metric.
func armsOf(rows []ConversionRow, metric string) (out arms, exposuresFrom string) {
	out = arms{}
	exposed := map[string]uint64{}
	for _, r := range rows {
		exposed[r.Metric] += r.Exposures
		if out[r.Variant] == nil {
			out[r.Variant] = &ConversionRow{Variant: r.Variant, Metric: metric, First: r.First, Last: r.Last}
		}
		a := out[r.Variant]
		a.First, a.Last = minTime(a.First, r.First), maxTime(a.Last, r.Last)
	}
	exposuresFrom = metric
	if exposed[metric] == 0 {
		var best string
		for _, name := range slices.Sorted(maps.Keys(exposed)) {
			if exposed[name] > exposed[best] {
				best = name
			}
		}
		exposuresFrom = cmp.Or(best, metric)
	}
	for _, r := range rows {
		a := out[r.Variant]
		if r.Metric == exposuresFrom {
			a.Exposures += r.Exposures
		}
		if r.Metric == metric {
			a.Conversions, a.N, a.DealN = a.Conversions+r.Conversions, a.N+r.N, a.DealN+r.DealN
			a.Currencies, a.Values, a.Squares = r.Currencies, r.Values, r.Squares
		}
	}
	return out, exposuresFrom
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// order puts the control first and the others by name.
func (a arms) order(control string) []string {
	names := slices.Sorted(maps.Keys(a))
	slices.SortStableFunc(names, func(x, y string) int {
		return cmp.Compare(btoi(x != control), btoi(y != control))
	})
	return names
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
