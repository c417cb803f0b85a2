package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"plumbline/pkg/event"
)

// Effective is a SQL subquery, in parentheses, of the rows of a kind as they count: one row for each event
// (FINAL), without the voided ones, and with the columns of the last correction by (time, source, id). It has the
// columns of the raw table and `corrected`, a Bool, and wants the parameter {workspace:String}.
//
// Every number and every piece of evidence is read through it. Voids and corrections themselves have no effective
// form, since neither can be a target: for these two kinds the subquery is the rows as they are.
func Effective(kind event.Kind) string { return EffectiveWhere(kind, "") }

// EffectiveWhere is [Effective] with a condition on the raw columns, as it stands before corrections. It may name
// workspace, day, time and the other columns of the envelope, which no correction changes.
func EffectiveWhere(kind event.Kind, condition string) string { return effective(kind, condition) }

// effective is [EffectiveWhere] with these columns only, or with all where none is named: each column costs the
// engine time before it has read a row.
func effective(kind event.Kind, condition string, only ...string) string {
	spec, ok := event.Lookup(kind)
	if !ok {
		panic(fmt.Sprintf("effective rows of %q: no such kind", kind))
	}
	where := "workspace = {workspace:String}"
	if condition != "" {
		where += " AND (" + condition + ")"
	}
	if kind == event.KindVoid || kind == event.KindCorrect {
		return "(SELECT *, false AS corrected FROM " + spec.Table + " FINAL WHERE " + where + ")"
	}
	var list strings.Builder
	wanted := func(name string) bool { return len(only) == 0 || slices.Contains(only, name) }
	for _, name := range envelopeColumns() {
		if !wanted(name) {
			continue
		}
		fmt.Fprintf(&list, "r.%[1]s AS %[1]s, ", name)
	}
	for _, c := range event.Columns(kind) {
		if !wanted(c.Name) {
			continue
		}
		fmt.Fprintf(&list, "\n\tif(c.data = '', r.%[1]s, %[2]s) AS %[1]s, ", c.Name, extraction(c))
	}
	// The payload of a correction is never empty, so that an empty one is what the join fills in where there is none.
	return `(SELECT ` + list.String() + `
	c.data != '' AS corrected
FROM (SELECT * FROM ` + spec.Table + ` FINAL WHERE ` + where + `) AS r
LEFT JOIN (
	SELECT target, argMax(data, (time, source, id)) AS data
	FROM correct FINAL
	WHERE workspace = {workspace:String} AND target_kind = '` + string(kind) + `'
	GROUP BY target
) AS c ON r.identity = c.target
WHERE r.identity NOT IN (SELECT target FROM void WHERE workspace = {workspace:String}))`
}

// extraction reads one field of a correction's data, the canonical JSON of the kind, as the column's type. Everything
// is extracted as Nullable, for else a field that is absent would read as 0; columns that are not nullable are those
// that the contract always fills, and fall back to the raw value.
//
// A JSON number must not pass through JSONExtract, not even through JSONExtractRaw, which parse it as a Float64:
// its digits are cut out of the text. In canonical JSON a key and its colon cannot be part of a text (its quotes
// would be escaped), and no kind has the name of a number inside a nested object.
func extraction(c event.Column) string {
	base := c.Type
	for _, wrapper := range []string{"LowCardinality(", "Nullable("} {
		if inner, ok := strings.CutPrefix(base, wrapper); ok {
			base = strings.TrimSuffix(inner, ")")
		}
	}
	text := "JSONExtractString(c.data, '" + c.Field + "')"
	var sql string
	switch {
	case base == "String" && c.Field == "touches":
		// A list, kept as its JSON; "[]" where there is none.
		return "if(JSONHas(c.data, 'touches'), JSONExtractRaw(c.data, 'touches'), '[]')"
	case base == "String":
		return text
	case base == "Decimal(18, 6)":
		sql = `toDecimal64OrNull(extract(c.data, '"` + c.Field + `":(-?[0-9.]+)'), 6)`
	case base == "Decimal(38, 18)":
		sql = "toDecimal128OrNull(" + text + ", 18)"
	case base == "DateTime64(3, 'UTC')":
		sql = "parseDateTime64BestEffortOrNull(" + text + ", 3, 'UTC')"
	case base == "Date32":
		sql = "toDate32OrNull(" + text + ")"
	case base == "Bool" || strings.HasPrefix(base, "UInt"):
		sql = "JSONExtract(c.data, '" + c.Field + "', 'Nullable(" + base + ")')"
	default:
		panic(fmt.Sprintf("extract %s: no way to read a %s from JSON", c.Field, c.Type))
	}
	if c.Nullable {
		return sql
	}
	return "ifNull(" + sql + ", r." + c.Name + ")"
}
