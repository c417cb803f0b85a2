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

// effective is [Effective] with a condition on the raw columns.
func effective(kind event.Kind, condition string) string {
	spec, ok := event.Lookup(kind)
	if !ok {
		panic(fmt.Sprintf("effective rows of %q: no such kind", kind))
	}
	where := ofWorkspace
	if condition != "" {
		where += " AND (" + condition + ")"
	}
	if kind == event.KindVoid || kind == event.KindCorrect {
		return "(SELECT *, false AS corrected FROM " + spec.Table + " FINAL WHERE " + where + ")"
	}
	return "(" + joined(spec, nil, "WHERE "+where) + ")"
}

const ofWorkspace = "workspace = {workspace:String}"

// joined selects rows with the columns of the last correction, where there is one: these columns only, or all
// where none is named, since each column costs the engine time before it has read a row.
func joined(spec event.Spec, only []string, where string) string {
	// The payload of a correction is never empty, so that an empty one is what the join fills in where there is none.
	return `SELECT ` + corrected(spec, only) + `
	c.data != '' AS corrected
FROM (SELECT * FROM ` + spec.Table + ` FINAL ` + where + `) AS r
LEFT JOIN (
	SELECT target, argMax(data, (time, source, id)) AS data
	FROM correct FINAL
	WHERE ` + ofWorkspace + ` AND target_kind = '` + string(spec.Kind) + `'
	GROUP BY target
) AS c ON r.identity = c.target
WHERE r.identity NOT IN (` + voids + `)`
}

// corrected lists the columns of the row r as the correction c has them, each with a comma after it.
func corrected(spec event.Spec, only []string) string {
	var list strings.Builder
	wanted := func(name string) bool { return len(only) == 0 || slices.Contains(only, name) }
	for _, name := range envelopeColumns() {
		if wanted(name) {
			fmt.Fprintf(&list, "r.%[1]s AS %[1]s, ", name)
		}
	}
	for _, c := range event.Columns(spec.Kind) {
		if wanted(c.Name) {
			fmt.Fprintf(&list, "\n\tif(c.data = '', r.%[1]s, %[2]s) AS %[1]s, ", c.Name, extraction(c))
		}
	}
	return list.String()
}

// Standing is [EffectiveWhere] with the rows that were voided, too: what became of each event, for those whose it is. Beside the
// columns of the kind it has `corrected` and `withdrawn`, both a Bool, and of the last correction `amended_by`, its id, and
// `amended_at`, its time; "" and 1970 where there is none.
func Standing(kind event.Kind, condition string) string {
	spec, ok := event.Lookup(kind)
	if !ok || kind.Amends() {
		panic(fmt.Sprintf("standing of %q: no such kind, or one that amends others", kind))
	}
	return `(SELECT ` + corrected(spec, nil) + `
	c.data != '' AS corrected, c.amended_by AS amended_by, c.amended_at AS amended_at, r.identity IN (` + voids + `) AS withdrawn
FROM (SELECT * FROM ` + spec.Table + ` FINAL WHERE ` + ofWorkspace + ` AND (` + condition + `)) AS r
LEFT JOIN (
	SELECT target, argMax(data, (time, source, id)) AS data, argMax(id, (time, source, id)) AS amended_by, max(time) AS amended_at
	FROM correct FINAL
	WHERE ` + ofWorkspace + ` AND target_kind = '` + string(spec.Kind) + `'
	GROUP BY target
) AS c ON r.identity = c.target)`
}

const voids = "SELECT target FROM void WHERE " + ofWorkspace

// corrections are the targets of all corrections of a kind.
func corrections(kind event.Kind) string {
	return "SELECT target FROM correct WHERE " + ofWorkspace + " AND target_kind = '" + string(kind) + "'"
}

// amendments says which rows of a kind may have been voided or corrected: without any, they count as they are.
type amendments struct{ voids, corrections bool }

// aspect says what of its days a rollup is made of.
type aspect struct {
	amendments
	// since leaves out what was received before {from}. cut puts what was received before {cut} under the generation {sealed}. Both
	// are about {part_day}.
	since, cut bool
	// beside says that other days, {whole_days}, are made whole in the same statement.
	beside bool
}

const (
	// isNew is what the part of a day is made of, and theCut is where a segment ends and the next one begins.
	isNew  = "received_at >= {from:DateTime64(3, 'UTC')}"
	theCut = "{cut:DateTime64(3, 'UTC')}"
	// partDay is the day of which a part is made.
	partDay = "{part_day:Date32}"
)

// received is the condition on when rows were received that another condition finds for the days; none where all count.
func (a aspect) received(condition string) []string {
	switch {
	case !a.since:
		return nil
	case !a.beside:
		return []string{isNew}
	case condition == "":
		return nil // what is not new is left out with its day
	}
	whole := strings.NewReplacer("{days:", "{whole_days:", "{raw_days:", "{whole_raw_days:").Replace(condition)
	return []string{"(" + isNew + " OR " + whole + ")"}
}

// head are the first three columns of every rollup.
func (a aspect) head() string {
	segment, sealed := "{generation:UInt64}", "received_at < "+theCut
	if a.beside {
		sealed += " AND local_day = " + partDay
	}
	if a.cut {
		segment = "if(" + sealed + ", {sealed:UInt64}, " + segment + ")"
	}
	return "SELECT {workspace:String}, local_day, " + segment + " AS segment, "
}

// theDays keeps the days asked for, and of the one of which a part is made what is new.
func (a aspect) theDays() string {
	days := "WHERE local_day IN {days:Array(Date32)}"
	if a.since && a.beside {
		days += " AND (local_day != " + partDay + " OR " + isNew + ")"
	}
	return days
}

// rows asks for effective rows of a kind. They are those of [Effective] to which the conditions apply, found with less
// work: rows without a correction are read without the join, and only corrected ones with it.
type rows struct {
	kind    event.Kind
	columns []string
	// where is a condition on the sort key, "" for none.
	where string
	// uncorrected is a condition, "" for none, that rows without a correction must meet, on any raw columns. It is tested before
	// copies collapse, which is much less work, and the same: copies of an event are equal. Corrected rows are not
	// tested, for the correction may change whatever it is about.
	uncorrected string
}

// sql is a subquery in parentheses. Where a correction comes while it runs, its row may be missing or be there twice: the
// mark that follows the correction has the day rolled again.
func (r rows) sql(a aspect) string {
	spec, ok := event.Lookup(r.kind)
	if !ok {
		panic(fmt.Sprintf("effective rows of %q: no such kind", r.kind))
	}
	where := "WHERE " + ofWorkspace
	if r.where != "" {
		where += " AND (" + r.where + ")"
	}
	var gone []string
	if a.voids {
		gone = append(gone, voids)
	}
	if a.corrections {
		gone = append(gone, corrections(r.kind))
	}
	plain := where
	if len(gone) > 0 {
		plain += " AND identity NOT IN (" + strings.Join(gone, " UNION ALL ") + ")"
	}
	// Both are the same for all copies of an event.
	first := a.received(strings.Join(slices.DeleteFunc([]string{r.where, r.uncorrected}, func(c string) bool { return c == "" }), " AND "))
	if r.uncorrected != "" {
		first = append(first, "("+r.uncorrected+")")
	}
	if len(first) > 0 {
		plain = "PREWHERE " + strings.Join(first, " AND ") + " " + plain
	}
	r.columns = append(slices.Clone(r.columns), "received_at")
	columns := strings.Join(r.columns, ", ")
	plain = "SELECT " + columns + " FROM " + spec.Table + " FINAL " + plain
	if !a.corrections {
		return "(" + plain + ")"
	}
	// Columns of few values stay what they are: else both halves would become plain texts.
	low := make([]string, len(r.columns))
	for i, name := range r.columns {
		low[i] = name
		for _, c := range event.Columns(r.kind) {
			if c.Name == name && strings.HasPrefix(c.Type, "LowCardinality(") {
				low[i] = "toLowCardinality(" + name + ") AS " + name
			}
		}
	}
	ofFixed := append([]string{"identity IN (" + corrections(r.kind) + ")"}, a.received("")...)
	fixed := joined(spec, r.columns, "PREWHERE "+strings.Join(ofFixed, " AND ")+" "+where)
	return "(" + plain + "\nUNION ALL\nSELECT " + strings.Join(low, ", ") + " FROM (" + fixed + "))"
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
