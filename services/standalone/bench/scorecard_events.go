package bench

import (
	"fmt"
	"strings"
	"time"

	"plumbline/services/standalone/demo"
)

// field is a column of a raw table and how it is computed from the row's number and its draws.
type field struct{ name, sql string }

// series are rows of one raw table that are made inside the engine, by number. The same numbers give the same rows.
type series struct {
	table string
	// name keeps the identities of several series of a table apart.
	name string
	// at is the time of row number; draws are computed beside it, for the fields.
	at     string
	draws  []field
	fields []field
}

// insert makes rows from, from+1, … up to n of them: those before the end of the history that meet the condition. Times
// ascend with numbers, so that a block has few months and parts need no merging.
func (s series) insert(h *history, from, n int, condition string) string {
	inner := []string{"number", s.at + " AS time"}
	for _, d := range s.draws {
		inner = append(inner, d.sql+" AS "+d.name)
	}
	names, values := []string{}, []string{}
	for _, f := range append(envelopeOf(s), s.fields...) {
		names, values = append(names, f.name), append(values, f.sql)
	}
	return fmt.Sprintf("INSERT INTO %s (%s)\n%s\nSELECT %s\nFROM (SELECT %s FROM numbers(%d, %d))\nWHERE time < %s AND (%s)",
		s.table, strings.Join(names, ", "), h.constants, strings.Join(values, ", "), strings.Join(inner, ", "), from, n, moment(h.end), condition)
}

// envelopeOf are the columns that every event has.
func envelopeOf(s series) []field {
	return []field{
		{"workspace", quoted(benchWorkspace)},
		{"day", "toDate32(time)"},
		{"identity", identityOf(s.table, s.name, "number")},
		{"version", "18446744073709551615 - number"},
		{"time", "time"},
		{"received_at", "addSeconds(time, 2)"},
		{"source", quoted("bench/" + s.name)},
		{"id", idOf(s.table, s.name, "number")},
		{"kafka_partition", "toUInt16(number % 6)"},
		{"kafka_offset", "number"},
	}
}

func identityOf(table, name, number string) string {
	return fmt.Sprintf("sipHash128(%s, toUInt64(%s))", quoted(table+"/"+name), number)
}

func idOf(table, name, number string) string {
	return fmt.Sprintf("concat(%s, toString(toUInt64(%s)))", quoted(table+"-"+name+"-"), number)
}

// moment is a time as a constant.
func moment(t time.Time) string {
	return "toDateTime64('" + t.UTC().Format("2006-01-02 15:04:05.000") + "', 3, 'UTC')"
}

// draw is a number from 0 to below n for each row. Salt makes several draws of a row different ones.
func (h *history) draw(salt, n int) string {
	return fmt.Sprintf("(cityHash64(number, %d) %% %d)", h.seed*1000+uint64(salt), n)
}

// pick is a draw from an array.
func (h *history) pick(salt int, array string) string {
	return fmt.Sprintf("(1 + cityHash64(number, %d) %% length(%s))", h.seed*1000+uint64(salt), array)
}

// spread is the time of row number of those from first on, n of them spread over all days.
func (h *history) spread(first, n int) string {
	return fmt.Sprintf("addMilliseconds(%s, toInt64(intDiv((number - %d) * %d, %d) * 86400000 + %s))",
		moment(h.start), first, h.days, max(n, 1), h.draw(1, 86_400_000))
}

// money is an amount of so many cents.
func money(cents string) string {
	return fmt.Sprintf("toDecimal128(concat(toString(intDiv(%[1]s, 100)), '.', leftPad(toString((%[1]s) %% 100), 2, '0')), 18)", cents)
}

func minutesOf(sql string) string { return "toDecimal64(" + sql + ", 6)" }

// hoursSeries is work with AI, and some without.
func (h *history) hoursSeries(first, n int) series {
	return series{
		table: "hours_saved", name: "work", at: h.spread(first, n),
		draws: []field{{"place", h.pick(2, "place_person")}, {"with_ai", "place_assisted[place]"}},
		fields: []field{
			{"workflow", "place_workflow[place]"},
			{"team", "place_team[place]"},
			{"person", "place_person[place]"},
			{"tool", "if(with_ai, 'writer', '')"},
			{"evidence", "if(with_ai, 'self_reported', 'measured')"},
			{"units", minutesOf("1 + number % 3")},
			{"assisted", "with_ai"},
			{"doing_minutes", minutesOf("if(with_ai, 10, 45) + " + h.draw(3, 50))},
			{"review_minutes", minutesOf(h.draw(4, 10))},
			{"rework_minutes", "if(number % 5 = 0, " + minutesOf(h.draw(5, 12)) + ", NULL)"},
		},
	}
}

// conversionSeries are increments of experiments, one row of each arm in turn.
func (h *history) conversionSeries(first, n int) series {
	return series{
		table: "conversion", name: "counts", at: h.spread(first, n),
		draws: experimentOf("number"),
		fields: append(inExperiment(),
			field{"exposures", "toUInt64(100)"},
			field{"conversions", "toUInt64(3 + " + h.draw(6, 3) + " + treated)"},
		),
	}
}

// experimentOf says what the row of that number is about.
func experimentOf(number string) []field {
	return []field{{"x", "1 + intDiv(" + number + ", 2) % length(experiments)"}, {"treated", "(" + number + ") % 2"}}
}

func inExperiment() []field {
	return []field{
		{"workflow", "experiment_workflow[x]"},
		{"team", "experiment_team[x]"},
		{"evidence", "'system'"},
		{"experiment", "experiments[x]"},
		{"variant", "if(treated = 1, 'ai', experiment_control[x])"},
		{"metric", "'conversion'"},
	}
}

// chargeSeries are charges for the use of AI tools, each for the day of its use; of each tenth no period is known.
func (h *history) chargeSeries(first, n int) series {
	return series{
		table: "vendor_spend", name: "usage", at: h.spread(first, n),
		draws: []field{{"w", h.pick(7, "workflows")}, {"v", h.draw(8, 3)}, {"cents", h.draw(9, 20_000)}},
		fields: []field{
			{"workflow", "workflows[w]"},
			{"team", "workflow_team[w]"},
			{"evidence", "'system'"},
			{"vendor", "concat('AI tool ', toString(v))"},
			{"category", "'ai_tool'"},
			{"billed_cost", money("cents")},
			{"currency", "if(v = 2, '" + foreignMoney + "', '" + demo.Currency + "')"},
			{"quantity", "toDecimal128(1 + cents % 90, 18)"},
			{"unit", "'thousand tokens'"},
			{"charge_period_start", "if(number % 10 = 0, NULL, toStartOfDay(time))"},
			{"charge_period_end", "if(number % 10 = 0, NULL, addDays(toStartOfDay(time), 1))"},
			{"charge_category", "'Usage'"},
		},
	}
}

// amending are voids and corrections of rows of another series: every stride-th from an offset on.
type amending struct {
	of            series
	first, stride int
	// pairs takes two rows together: both arms of an experiment, which stay equally large.
	pairs bool
	from  int
}

// hit is the number of the row that is meant.
func (a amending) hit() string {
	n := fmt.Sprintf("(number - %d)", a.from)
	if a.pairs {
		return fmt.Sprintf("toUInt64(%d + 2 * intDiv(%s, 2) * %d + %s %% 2)", a.first, n, a.stride, n)
	}
	return fmt.Sprintf("toUInt64(%d + %s * %d)", a.first, n, a.stride)
}

// target are the columns that name it.
func (a amending) target() []field {
	return []field{
		{"target", identityOf(a.of.table, a.of.name, "hit")},
		{"target_source", quoted("bench/" + a.of.name)},
		{"target_id", idOf(a.of.table, a.of.name, "hit")},
	}
}

func (h *history) voids(a amending, n int) series {
	return series{
		table: "void", name: a.of.table, at: h.spread(a.from, n), draws: []field{{"hit", a.hit()}},
		fields: append(a.target(), field{"reason", "'recorded twice'"}),
	}
}

// corrections put other data in the place of the row's own: canonical JSON, as the collector writes it.
func (h *history) corrections(a amending, n int, draws []field, data string) series {
	return series{
		table: "correct", name: a.of.table, at: h.spread(a.from, n), draws: append([]field{{"hit", a.hit()}}, draws...),
		fields: append(a.target(), field{"target_kind", quoted(a.of.table)}, field{"data", data}),
	}
}

// Data of corrections. Those of work may move it to another person, workflow and team.
const (
	correctedWork = `concat('{"assisted":', if(place_assisted[place], 'true', 'false'), ',"doing_minutes":12.5,"evidence":"measured","person":"', place_person[place],
	'","review_minutes":1.25,"team":"', place_team[place], '","units":2,"workflow":"', place_workflow[place], '"}')`
	correctedCounts = `concat('{"conversions":', toString(4 + treated), ',"evidence":"system","experiment":"', experiments[x], '","exposures":110,"metric":"conversion","team":"',
	experiment_team[x], '","variant":"', if(treated = 1, 'ai', experiment_control[x]), '","workflow":"', experiment_workflow[x], '"}')`
	correctedCharge = `concat('{"billed_cost":"', toString(hit % 100), '.75","category":"ai_tool","charge_category":"Adjustment","currency":"` + demo.Currency +
		`","evidence":"system","team":"', workflow_team[w], '","vendor":"AI tool 0","workflow":"', workflows[w], '"}')`
	correctedDeal = `concat('{"amount":"777.25","assisted":true,"closed_at":"', formatDateTime(time, '%Y-%m-%dT%H:%i:%S.000Z'), '","currency":"` + foreignMoney +
		`","deal":"deal-', toString(intDiv(hit, 4)), '","sequence":3,"stage":"Won","status":"won","team":"', workflow_team[1], '","workflow":"', workflows[1], '"}')`
)
