package warehouse

import (
	"strings"

	"plumbline/pkg/event"
)

// rollups lists the rollup tables. What each column means stands in the migrations.
func rollups() []rollup {
	return []rollup{hoursRollup(), trialsRollup(), spendRollup(), conversionsRollup(), dealsRollup()}
}

const (
	// rawDays narrows the raw rows to the UTC days that the local days reach into: those are ranges of the sort key.
	rawDays = "day IN {raw_days:Array(Date32)}"
	// localDay is the local day of an event.
	localDay = "toDate32(toTimeZone(time, {zone:String}))"
	// head are the first three columns of every rollup.
	head = "SELECT {workspace:String}, local_day, {generation:UInt64}, "
	// theDays keeps the days asked for.
	theDays = "WHERE local_day IN {days:Array(Date32)}"
)

func hoursRollup() rollup {
	// Sums of Decimal(18, 6) are Decimal(38, 6). A product needs the wider operand before it is taken, or it would
	// overflow in 64 bits, and its sum 256 bits, or it might wrap around in 128.
	const query = head + `team, workflow, person, evidence, assisted, trial,
	count(),
	sum(units),
	ifNull(sum(doing_minutes), 0), ifNull(sum(prompting_minutes), 0), ifNull(sum(review_minutes), 0),
	ifNull(sum(rework_minutes), 0), ifNull(sum(correction_minutes), 0),
	sum(spent),
	countIf(given),
	sumIf(units, given),
	sumIf(toDecimal256(units, 6) * toDecimal256(ifNull(baseline_minutes, 0), 6), given),
	sumIf(spent, given),
	sum(toDecimal256(units, 6) * toDecimal256(units, 6)),
	sum(toDecimal256(spent, 6) * toDecimal256(spent, 6)),
	sum(toDecimal256(spent, 6) * toDecimal256(units, 6))
FROM (
	SELECT *, ` + localDay + ` AS local_day,
		baseline_minutes IS NOT NULL AS given,
		toDecimal128(ifNull(doing_minutes, 0), 6) + ifNull(prompting_minutes, 0) + ifNull(review_minutes, 0)
			+ ifNull(rework_minutes, 0) + ifNull(correction_minutes, 0) AS spent
	FROM `
	return rollup{
		table: "rollup_hours",
		columns: []string{
			"team", "workflow", "person", "evidence", "assisted", "trial", "n", "units",
			"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes", "minutes",
			"given_n", "given_units", "given_baseline", "given_minutes", "units_sq", "minutes_sq", "minutes_units",
		},
		query: query + effective(
			event.KindHoursSaved, rawDays, "time", "team", "workflow", "person", "evidence", "assisted", "trial", "units",
			"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes", "baseline_minutes",
		) + `
) ` + theDays + `
GROUP BY local_day, team, workflow, person, evidence, assisted, trial`,
	}
}

func trialsRollup() rollup {
	columns := []string{
		"trial", "identity", "team", "workflow", "person", "assisted", "units",
		"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes",
		"estimate_unassisted_minutes", "estimate_assisted_minutes",
	}
	rows := effective(event.KindHoursSaved, rawDays, append([]string{"time"}, columns...)...)
	return rollup{
		table:   "rollup_trials",
		columns: columns,
		query: head + strings.Join(columns, ", ") + `
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + rows + `)
` + theDays + ` AND trial != ''`,
	}
}

func spendRollup() rollup {
	// The day of cash may be far from the day of the event, and a correction may move it: only the rest is narrowed.
	const condition = rawDays + ` OR invoice_date IN {days:Array(Date32)}
	OR identity IN (SELECT target FROM correct WHERE workspace = {workspace:String} AND target_kind = 'vendor_spend')`
	rows := effective(
		event.KindVendorSpend, condition, "time", "team", "workflow", "vendor", "category", "currency", "charge_category",
		"billed_cost", "effective_cost", "invoice_date", "final",
	)
	return rollup{
		table: "rollup_spend",
		columns: []string{
			"team", "workflow", "vendor", "category", "currency", "charge_category",
			"n", "billed", "effective", "effective_n", "final_n",
		},
		query: head + `team, workflow, vendor, category, currency, charge_category,
	count(),
	sum(toDecimal256(billed_cost, 18)),
	sum(toDecimal256(ifNull(effective_cost, 0), 18)),
	count(effective_cost),
	countIf(final)
FROM (SELECT *, ifNull(invoice_date, ` + localDay + `) AS local_day FROM ` + rows + `)
` + theDays + `
GROUP BY local_day, team, workflow, vendor, category, currency, charge_category`,
	}
}

func conversionsRollup() rollup {
	rows := effective(
		event.KindConversion, rawDays, "time", "team", "workflow", "experiment", "variant", "metric", "currency",
		"exposures", "conversions", "value", "value_squares", "deal",
	)
	return rollup{
		table: "rollup_conversions",
		columns: []string{
			"team", "workflow", "experiment", "variant", "metric", "currency",
			"n", "exposures", "conversions", "value", "value_squares", "deal_n",
		},
		query: head + `team, workflow, experiment, variant, metric, currency,
	count(),
	sum(ifNull(exposures, 0)), sum(ifNull(conversions, 0)),
	sum(toDecimal256(ifNull(value, 0), 18)),
	sum(toDecimal256(ifNull(value_squares, 0), 18)),
	countIf(deal != '')
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + rows + `)
` + theDays + `
GROUP BY local_day, team, workflow, experiment, variant, metric, currency`,
	}
}

func dealsRollup() rollup {
	// A deal is one row, made of all of its changes, on the day of its creation. Deals that cannot stand on one of the
	// days are left out before they are folded: such a deal has neither a change nor a created_at on one of them.
	changes := effective(
		event.KindPipeline, "", "time", "source", "id", "identity", "deal", "team", "workflow", "stage", "status", "amount", "currency",
		"created_at", "closed_at", "assisted", "touches", "experiment", "margin", "sequence",
	)
	candidates := effective(event.KindPipeline, "", "time", "deal", "created_at")
	createdDay := "toDate32(toTimeZone(created_at, {zone:String}))"
	// The currency belongs to the amount: it is taken from the same change.
	query := head + `deal, team, workflow, stage, status, amount, currency, created, decided,
	toDate32(toTimeZone(decided, {zone:String})), assisted, margin, experiment, touches, changes, last_change, identity
FROM (
	SELECT *,
		toDate32(toTimeZone(created, {zone:String})) AS local_day,
		if(status IN ('won', 'lost'), ifNull(closed, last_change), NULL) AS decided
	FROM (
		SELECT
			deal,
			argMax(p.team, (p.team != '', place)) AS team,
			argMax(p.workflow, (p.workflow != '', place)) AS workflow,
			argMax(p.stage, place) AS stage,
			argMax(p.status, place) AS status,
			argMax(tuple(p.amount), (p.amount IS NOT NULL, place)).1 AS amount,
			argMax(p.currency, (p.amount IS NOT NULL, p.currency != '', place)) AS currency,
			ifNull(argMax(tuple(p.created_at), (p.created_at IS NOT NULL, place)).1, min(p.time)) AS created,
			argMax(tuple(p.closed_at), place).1 AS closed,
			argMax(tuple(p.assisted), (p.assisted IS NOT NULL, place)).1 AS assisted,
			argMax(tuple(p.margin), (p.margin IS NOT NULL, place)).1 AS margin,
			argMax(p.experiment, (p.experiment != '', place)) AS experiment,
			argMax(p.touches, (p.touches != '[]', place)) AS touches,
			count() AS changes,
			max(p.time) AS last_change,
			argMax(p.identity, place) AS identity
		FROM (SELECT *, (time, sequence, source, id) AS place FROM ` + changes + `) AS p
		WHERE deal IN (
			SELECT deal FROM ` + candidates + `
			WHERE ` + localDay + ` IN {days:Array(Date32)} OR ` + createdDay + ` IN {days:Array(Date32)}
		)
		GROUP BY deal
	)
) ` + theDays
	return rollup{
		table: "rollup_deals",
		columns: []string{
			"deal", "team", "workflow", "stage", "status", "amount", "currency", "created_at", "decided_at",
			"decided_day", "assisted", "margin", "experiment", "touches", "changes", "last_change", "identity",
		},
		query: query,
	}
}
