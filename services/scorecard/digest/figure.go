package digest

import (
	"strings"

	"github.com/shopspring/decimal"
)

// decimals are how many a unit is shown with; of what is not listed, two.
func decimals(unit string) int32 {
	switch unit {
	case "share", "pp", "days", "h", "min", "hours", "points":
		return 1
	case "index", "level", "deals", "events", "people", "reviews":
		return 0
	}
	return 2
}

// Figure is a value as people read it: rounded half away from zero to what its unit needs, in groups of three, with the unit; shares in
// percent.
func Figure(value decimal.Decimal, unit string) string {
	shown := " " + unit
	switch unit {
	case "share":
		value, shown = value.Shift(2), "%"
	case "index", "":
		shown = ""
	case "level":
		return "level " + Grouped(value.StringFixed(0))
	case "points":
		shown = ""
	}
	return Grouped(value.StringFixed(decimals(unit))) + shown
}

// Difference is by how much a value differs from another, with its sign; shares differ by percentage points. What rounds to nothing is
// "unchanged".
func Difference(now, before decimal.Decimal, unit string) string {
	d := now.Sub(before)
	switch unit {
	case "share":
		d, unit = d.Shift(2), "pp"
	case "level":
		unit = "events" // counted whole, and named by what it stands beside
	}
	text := strings.TrimSuffix(Figure(d, unit), " events")
	switch {
	case !strings.ContainsAny(text, "123456789"):
		return "unchanged"
	case d.IsPositive():
		return "+" + text
	}
	return text
}

// Grouped puts commas into the whole part of a number, and writes a true minus.
func Grouped(text string) string {
	sign, digits := "", text
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, digits = "−", rest
	}
	if strings.Trim(digits, "0.") == "" {
		sign = "" // what rounds to nothing has no sign
	}
	whole, rest, some := strings.Cut(digits, ".")
	if some {
		rest = "." + rest
	}
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return sign + b.String() + rest
}
