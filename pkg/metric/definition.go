package metric

import "github.com/shopspring/decimal"

// Rules are one version of the definitions. Facts are kept as they came and rollups hold quantities only, so that any
// version can be applied to all of history: a number of an old version is computed again when it is asked for, never
// stored. A change of a definition adds a version with a rule here; what the folds do under the old ones stays as it was.
type Rules struct {
	Version string `json:"version"`
	Title   string `json:"title"`
	About   string `json:"about"`
	// FullRealisation counts all freed time at its rate, as if all of it were put to use.
	FullRealisation bool `json:"-"`
	// CountsTwice leaves overlap groups alone: what two kinds of events claim is counted for both.
	CountsTwice bool `json:"-"`
}

// DefinitionOfPractice names the definitions that reports were made by before.
const DefinitionOfPractice = "2026-01-01"

// Versions are the versions of the definitions, the newest first.
func Versions() []Rules {
	return []Rules{
		{
			Version: DefinitionVersion, Title: "Present definitions",
			About: "Freed time counts as far as it is put to use, losses in full; the same money is recognised once.",
		},
		{
			Version: DefinitionOfPractice, Title: "Common practice before",
			About: "As reports were made before: all freed time counts at its rate, and what two kinds of events claim counts for both. " +
				"Kept so that an earlier report can be computed again and compared with the present definitions over the same history.",
			FullRealisation: true, CountsTwice: true,
		},
	}
}

// RulesOf finds a version.
func RulesOf(version string) (Rules, bool) {
	for _, r := range Versions() {
		if r.Version == version {
			return r, true
		}
	}
	return Rules{}, false
}

// Catalogue is the catalogue of measures under the rules. A measure that the version defines otherwise has its formula and
// version; all others are as they are now.
func (r Rules) Catalogue() []Definition {
	out := Catalogue()
	if r.Version == DefinitionVersion {
		return out
	}
	for i := range out {
		d := &out[i]
		if rung, of := RungOf(d.Key); of && r.CountsTwice && (rung != RungCash || d.Key == NetValue(rung)) {
			d.Version = r.Version
			d.Formula += "; under this version overlap groups are not looked at"
		}
		if d.Key == CapacityValue && r.FullRealisation {
			d.Version, d.Formula = r.Version, "Σ net hours × loaded rate (rate class, day): all freed time counts"
		}
	}
	return out
}

// Lookup finds a measure in the catalogue of the version.
func (r Rules) Lookup(key string) (Definition, bool) {
	for _, d := range r.Catalogue() {
		if d.Key == key {
			return d, true
		}
	}
	return Definition{}, false
}

// Realised is the share of freed time that counts under the rules, where the present ones take the one given.
func (r Rules) Realised(present func() Assumed) Assumed {
	if !r.FullRealisation {
		return present()
	}
	one := decimal.NewFromInt(1)
	return Assumed{Low: one, Mode: one, High: one, Source: "definition " + r.Version, Version: r.Version}
}
