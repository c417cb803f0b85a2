package warehouse

import (
	"fmt"

	"plumbline/pkg/event"
)

// runsOverDays are charges of which the period may reach into one of the days, wherever they are invoiced. Rolled days lie
// close together, so that the first and the last of them narrow enough.
const runsOverDays = "(toDate32(charge_period_start) <= arrayMax({raw_days:Array(Date32)}) AND toDate32(charge_period_end) >= arrayMin({raw_days:Array(Date32)}))"

// Both ends of a period are rounded to the nearest local midnight: the local day of twelve hours later.
const (
	periodBegins = "toDate32(toTimeZone(addHours(assumeNotNull(charge_period_start), 12), {zone:String}))"
	periodEnds   = "toDate32(toTimeZone(addHours(assumeNotNull(charge_period_end), 12), {zone:String}))"
	periodWithin = "toDate32(toTimeZone(assumeNotNull(charge_period_start), {zone:String}))"
)

// A charge is spread over length days. The share of day i is the difference of two running totals, each rounded half to even, so
// that the parts of all days sum to the charge. Amounts are in units of 10⁻¹⁸ (Int256).
const (
	// products are those of the cost and of the quantity, up to and with the day, and up to it.
	products = "[billed * toInt256(i + 1), billed * toInt256(i), volume * toInt256(i + 1), volume * toInt256(i)]"
	// runningTotal is a product p ÷ length as a whole number, half to even. intDiv cuts towards zero, and so the remainder has the
	// sign of the product. It is one lambda for all of them: written out for each it took the engine 30 ms to plan.
	runningTotal = "p -> intDiv(p, length) + if(" + doubled + " > length OR (" + doubled + " = length AND intDiv(p, length) % 2 != 0), toInt256(sign(p)), toInt256(0))"
	doubled      = "2 * toInt256(abs(p % length))"
)

// whole and small turn decimals with 18 places into whole numbers and back, without a division.
const (
	whole = "toInt256(toDecimal256(%s, 18) * toDecimal256('1000000000000000000', 0))"
	small = "toDecimal256(%s, 0) * toDecimal256('0.000000000000000001', 18)"
)

func accrualRollup() rollup {
	const condition = rawDays + " OR invoice_date IN {days:Array(Date32)} OR " + runsOverDays
	events := rows{kind: event.KindVendorSpend, uncorrected: condition, columns: []string{
		"time", "team", "workflow", "vendor", "category", "currency", "charge_category", "unit", "quantity",
		"billed_cost", "invoice_date", "charge_period_start", "charge_period_end", "final",
	}}
	return rollup{
		table: "rollup_accrual",
		columns: []string{
			"team", "workflow", "vendor", "category", "currency", "charge_category", "unit", "measured",
			"n", "month_n", "final_n", "billed", "quantity",
		},
		concern: concern{event.KindVendorSpend, condition, false, false},
		query: func(a aspect) string {
			return a.head() + `team, workflow, vendor, category, currency, charge_category, unit, measured,
	count(),
	countIf(i = 0 OR toDayOfMonth(local_day) = 1),
	countIf(final),
	` + fmt.Sprintf(small, "sum(totals[1] - totals[2])") + `,
	` + fmt.Sprintf(small, "sum(totals[3] - totals[4])") + `
FROM (
	SELECT *, addDays(begins, i) AS local_day, arrayMap(` + runningTotal + ", " + products + `) AS totals FROM (
		SELECT *,
			-- The days of the period that are asked for: others would only be thrown away.
			arrayJoin(range(
				toUInt32(greatest(0, dateDiff('day', begins, arrayMin({days:Array(Date32)})))),
				toUInt32(greatest(0, least(toInt64(length), dateDiff('day', begins, arrayMax({days:Array(Date32)})) + 1)))
			)) AS i
		FROM (
			SELECT received_at, team, workflow, vendor, category, currency, charge_category, unit, final,
				quantity IS NOT NULL AS measured,
				charge_period_start IS NOT NULL AND charge_period_end IS NOT NULL AS spans,
				spans AND ` + periodEnds + " > " + periodBegins + ` AS long,
				multiIf(long, ` + periodBegins + ", spans, " + periodWithin + ", ifNull(invoice_date, " + localDay + `)) AS begins,
				toInt256(if(long, dateDiff('day', ` + periodBegins + ", " + periodEnds + `), 1)) AS length,
				` + fmt.Sprintf(whole, "billed_cost") + ` AS billed,
				` + fmt.Sprintf(whole, "ifNull(quantity, 0)") + ` AS volume
			FROM ` + events.sql(a) + `
		)
	)
) ` + a.theDays() + `
GROUP BY local_day, segment, team, workflow, vendor, category, currency, charge_category, unit, measured`
		},
	}
}

func linksRollup() rollup {
	const named = "deal != ''"
	events := rows{kind: event.KindConversion, where: rawDays, uncorrected: named, columns: []string{
		"time", "team", "workflow", "experiment", "variant", "metric", "deal", "conversions",
	}}
	return rollup{
		table:   "rollup_links",
		columns: []string{"team", "workflow", "experiment", "variant", "metric", "deal", "n", "conversions"},
		concern: concern{event.KindConversion, rawDays + " AND " + named, true, false},
		query: func(a aspect) string {
			return a.head() + `team, workflow, experiment, variant, metric, deal, count(), sum(ifNull(conversions, 0))
FROM (SELECT *, ` + localDay + ` AS local_day FROM ` + events.sql(a) + `)
` + a.theDays() + ` AND ` + named + `
GROUP BY local_day, segment, team, workflow, experiment, variant, metric, deal`
		},
	}
}
