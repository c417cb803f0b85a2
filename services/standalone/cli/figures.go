package cli

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"plumbline/services/scorecard/digest"
)

// shownDecimals are the decimals that a table shows of a unit; of what is not listed, two. The exact figures are what --json
// and explain print.
var shownDecimals = map[string]int32{"share": 1, "pp": 1, "days": 1, "h": 1, "min": 1, "index": 0, "level": 0, "deals": 0, "events": 0}

// figure shows a JSON number as people read it: rounded half away from zero to what its unit needs, in groups of three, and shares in
// percent. What is no number is shown as it stands, and null as "".
func figure(v jsontext.Value, unit string) string {
	text := strings.Trim(string(v), `"`)
	if text == "null" || text == "" {
		return ""
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return text
	}
	if unit == "share" {
		d = d.Shift(2)
	}
	decimals, ok := shownDecimals[unit]
	if !ok {
		decimals = 2
	}
	return groupedDecimal(d.StringFixed(decimals))
}

// unitShown is the unit of a [figure].
func unitShown(unit string) string {
	if unit == "share" {
		return "%"
	}
	return unit
}

// groupedDecimal puts commas into the whole part of a number. Its sign is the one that machines write: lines are copied into other tools.
func groupedDecimal(text string) string { return strings.Replace(digest.Grouped(text), "−", "-", 1) }
