package warehouse

import (
	"strings"

	"plumbline/pkg/event"
)

// rollups lists the rollup tables. What each column means stands in the migrations.
func rollups() []rollup {
	return []rollup{
		hoursRollup(), trialsRollup(), spendRollup(), conversionsRollup(), dealsRollup(),
		reviewsRollup(), trainingRollup(), barriersRollup(), answersRollup(), changesRollup(),
		accrualRollup(), linksRollup(),
	}
}

const (
	// rawDays narrows the raw rows to the UTC days that the local days reach into: those are ranges of the sort key.
	rawDays = "day IN {raw_days:Array(Date32)}"
	// localDay is the local day of an event.
	localDay = "if(time < {since:DateTime64(3, 'UTC')}, toDate32('1900-01-01'), greatest(toDate32(toTimeZone(time, {zone:String})), {first:Date32}))"
	// createdDay is that of the creation of a deal.
	createdDay = "if(created < {since:DateTime64(3, 'UTC')}, toDate32('1900-01-01'), greatest(toDate32(toTimeZone(created, {zone:String})), {first:Date32}))"
)

func hoursRollup() rollup {
	// Sums of Decimal(18, 6) are Decimal(38, 6). A product of two needs 38 digits, for which the operands are widened: it would
	// overflow in 64 bits. Its sum needs 256 bits, or it might wrap around in 128.
	const query = `team, workflow, person, evidence, assisted, trial,
	count(),
	sum(units),
	ifNull(sum(doing_minutes), 0), ifNull(sum(prompting_minutes), 0), ifNull(sum(review_minutes), 0),
	ifNull(sum(rework_minutes), 0), ifNull(sum(correction_minutes), 0),
	sum(spent),
	countIf(given),
	sumIf(units, given),
	sumIf(toDecimal256(toDecimal128(units, 6) * toDecimal128(ifNull(baseline_minutes, 0), 6), 12), given),
	sumIf(spent, given),
	sum(toDecimal256(toDecimal128(units, 6) * toDecimal128(units, 6), 12)),
	sum(toDecimal256(spent * spent, 12)),
	sum(toDecimal256(spent * toDecimal128(units, 6), 12))
FROM (
	SELECT *, ` + localDay + ` AS local_day,
		baseline_minutes IS NOT NULL AS given,
		toDecimal128(ifNull(doing_minutes, 0), 6) + ifNull(prompting_minutes, 0) + ifNull(review_minutes, 0)
			+ ifNull(rework_minutes, 0) + ifNull(correction_minutes, 0) AS spent
	FROM `
	events := rows{kind: event.KindHoursSaved, where: rawDays, columns: []string{
		"time", "team", "workflow", "person", "evidence", "assisted", "trial", "units",
		"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes", "baseline_minutes",
	}}
	return rollup{
		table: "rollup_hours",
		columns: []string{
			"team", "workflow", "person", "evidence", "assisted", "trial", "n", "units",
			"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes", "minutes",
			"given_n", "given_units", "given_baseline", "given_minutes", "units_sq", "minutes_sq", "minutes_units",
		},
		concern: concern{event.KindHoursSaved, rawDays, true, true},
		query: func(a aspect) string {
			return a.head() + query + events.sql(a) + `
) ` + a.theDays() + `
GROUP BY local_day, segment, team, workflow, person, evidence, assisted, trial`
		},
	}
}

func trialsRollup() rollup {
	columns := []string{
		"trial", "identity", "team", "workflow", "person", "assisted", "units",
		"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes",
		"estimate_unassisted_minutes", "estimate_assisted_minutes",
	}
	const inTrial = "trial != ''"
	events := rows{
		kind: event.KindHoursSaved, where: rawDays, uncorrected: inTrial, columns: append([]string{"time"}, columns...),
	}
	return rollup{
		table:   "rollup_trials",
		columns: columns,
		concern: concern{event.KindHoursSaved, rawDays + " AND " + inTrial, true, false},
		query: func(a aspect) string {
			return a.head() + strings.Join(columns, ", ") + `
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + ` AND ` + inTrial
		},
	}
}

func spendRollup() rollup {
	// The day of cash may be far from the day of the event, and a correction may move it.
	const condition = rawDays + ` OR invoice_date IN {days:Array(Date32)}`
	events := rows{kind: event.KindVendorSpend, uncorrected: condition, columns: []string{
		"time", "team", "workflow", "vendor", "category", "currency", "charge_category",
		"billed_cost", "effective_cost", "invoice_date", "final",
	}}
	return rollup{
		table: "rollup_spend",
		columns: []string{
			"team", "workflow", "vendor", "category", "currency", "charge_category",
			"n", "billed", "effective", "effective_n", "final_n",
		},
		concern: concern{event.KindVendorSpend, condition, false, true},
		query: func(a aspect) string {
			return a.head() + `team, workflow, vendor, category, currency, charge_category,
	count(),
	sum(toDecimal256(billed_cost, 18)),
	sum(toDecimal256(ifNull(effective_cost, 0), 18)),
	count(effective_cost),
	countIf(final)
FROM (SELECT *, ifNull(invoice_date, ` + localDay + `) AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + `
GROUP BY local_day, segment, team, workflow, vendor, category, currency, charge_category`
		},
	}
}

func conversionsRollup() rollup {
	events := rows{kind: event.KindConversion, where: rawDays, columns: []string{
		"time", "team", "workflow", "experiment", "variant", "metric", "currency",
		"exposures", "conversions", "value", "value_squares", "deal",
	}}
	return rollup{
		table: "rollup_conversions",
		columns: []string{
			"team", "workflow", "experiment", "variant", "metric", "currency",
			"n", "exposures", "conversions", "value", "value_squares", "deal_n",
		},
		concern: concern{event.KindConversion, rawDays, true, true},
		query: func(a aspect) string {
			return a.head() + `team, workflow, experiment, variant, metric, currency,
	count(),
	sum(ifNull(exposures, 0)), sum(ifNull(conversions, 0)),
	sum(toDecimal256(ifNull(value, 0), 18)),
	sum(toDecimal256(ifNull(value_squares, 0), 18)),
	countIf(deal != '')
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + `
GROUP BY local_day, segment, team, workflow, experiment, variant, metric, currency`
		},
	}
}
