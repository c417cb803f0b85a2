package warehouse

import (
	"strings"

	"plumbline/pkg/event"
)

const dealsTable = "rollup_deals"

func dealsRollup() rollup {
	return rollup{
		table: dealsTable,
		columns: []string{
			"deal", "team", "workflow", "stage", "status", "amount", "currency", "created_at", "decided_at",
			"decided_day", "assisted", "margin", "experiment", "touches", "changes", "last_change", "identity",
		},
		concern: concern{event.KindPipeline, onDealDays, false, false},
		query:   func(a aspect) string { return dealsQuery(a, "") },
	}
}

// changedDeals are those of which a change was received at a time or later.
const changedDeals = "SELECT deal FROM pipeline WHERE " + ofWorkspace + " AND received_at >= {changed:DateTime64(3, 'UTC')}"

// changedDealsRollup makes the deals anew that have changed, and takes the others over from the generations before. The first
// change that was received tells them: what was stored earlier is in the generation before, or has a mark that is to come.
// Voids and corrections have all deals of their days made anew.
func changedDealsRollup() rollup {
	out := dealsRollup()
	out.query = func(a aspect) string {
		return "SELECT {workspace:String}, day, {generation:UInt64}, " + strings.Join(out.columns, ", ") + `
FROM rollup_deals
WHERE workspace = {workspace:String} AND day IN {days:Array(Date32)}
	AND (day, generation) IN (SELECT at.1, at.2 FROM (SELECT arrayJoin(arrayZip({days:Array(Date32)}, {before:Array(UInt64)})) AS at))
	AND deal NOT IN (` + changedDeals + `)
UNION ALL
` + dealsQuery(a, changedDeals)
	}
	return out
}

// onDealDays are changes because of which a deal may stand on one of the days: it stands on the day of its creation, or of
// its first change.
const onDealDays = rawDays + " OR toDate32(created_at) IN {raw_days:Array(Date32)}"

// dealCandidates are the deals that may stand on one of the days, and some more. Of a corrected change it takes the raw
// one and each correction, of which the last counts.
func dealCandidates(a aspect) string {
	sql := "SELECT deal FROM pipeline WHERE " + ofWorkspace + " AND (" + onDealDays + ")"
	if !a.corrections {
		return sql
	}
	return sql + `
		UNION ALL
		SELECT JSONExtractString(data, 'deal') FROM correct
		WHERE ` + ofWorkspace + ` AND target_kind = 'pipeline' AND (
			toDate32(parseDateTime64BestEffortOrNull(JSONExtractString(data, 'created_at'), 3, 'UTC')) IN {raw_days:Array(Date32)}
			OR target IN (SELECT identity FROM pipeline WHERE ` + ofWorkspace + ` AND ` + rawDays + `)
		)`
}

// dealsQuery makes one row of a deal, of all of its changes, on the day of its creation. Only changes of deals that may
// stand on one of the days are read, and only those of some deals, where these are given.
func dealsQuery(a aspect, only string) string {
	among := "deal IN (" + dealCandidates(a) + ")"
	if only != "" {
		among += " AND deal IN (" + only + ")"
	}
	changes := rows{
		kind: event.KindPipeline, uncorrected: among, columns: []string{
			"time", "source", "id", "identity", "deal", "team", "workflow", "stage", "status", "amount", "currency",
			"created_at", "closed_at", "assisted", "touches", "experiment", "margin", "sequence", "partial", "cleared", "withdrawn",
		},
	}
	// A correction may have brought a change to a deal that is none of them, of which the other changes are not here.
	wanted := ""
	if a.corrections {
		wanted = "WHERE " + among
	}
	// The changes are numbered once, by (time, sequence, source, id), and then compared by number: comparing the four for each
	// column takes several times as long. A whole change says its status anew, and with it when the deal was decided; a partial one
	// decides only where the status was another before. A close that is said to come before the creation, in different changes, is none.
	return a.head() + `deal, team, workflow, stage, if(gone, 'withdrawn', status), if(currency = '', NULL, amount), currency, created, decided,
	toDate32(toTimeZone(decided, {zone:String})), assisted, margin, experiment, touches, changes, last_change, identity
FROM (
	SELECT *,
		` + createdDay + ` AS local_day,
		if(status IN ('won', 'lost') AND NOT gone, if(closed >= created, closed, entered_at), NULL) AS decided
	FROM (
		SELECT
			deal,
			argMaxIf(p.team, place, p.team != '') AS team,
			argMaxIf(p.workflow, place, p.workflow != '') AS workflow,
			argMaxIf(p.stage, place, p.stage != '' OR NOT part) AS stage,
			argMaxIf(p.status, place, p.status != '') AS status,
			argMaxIf(tuple(p.amount), place, p.amount IS NOT NULL OR p.cleared = 'amount').1 AS amount,
			argMax(p.currency, place + ` + farther + ` * ` + currencyRank + `) AS currency,
			ifNull(argMaxIf(p.created_at, place, p.created_at IS NOT NULL), min(p.time)) AS created,
			argMaxIf(tuple(p.closed_at), place, entered OR p.closed_at IS NOT NULL OR p.cleared = 'closed_at').1 AS closed,
			maxIf(p.time, entered) AS entered_at,
			argMaxIf(tuple(p.assisted), place, p.assisted IS NOT NULL OR p.cleared = 'assisted').1 AS assisted,
			argMaxIf(ifNull(p.withdrawn, false), place, p.withdrawn IS NOT NULL OR NOT part) AS gone,
			argMaxIf(p.margin, place, p.margin IS NOT NULL) AS margin,
			argMaxIf(p.experiment, place, p.experiment != '') AS experiment,
			ifNull(argMaxIf(toNullable(p.touches), place, p.touches != '[]'), '[]') AS touches,
			count() AS changes,
			max(p.time) AS last_change,
			argMax(p.identity, place) AS identity
		FROM (
			SELECT *,
				ifNull(partial, false) AS part,
				row_number() OVER ordered AS place,
				status != '' AND (NOT part OR ifNull(anyLast(nullIf(toString(status), '')) OVER earlier, '') != status) AS entered
			FROM ` + changes.sql(a) + `
			` + wanted + `
			WINDOW
				ordered AS (PARTITION BY deal ORDER BY time, sequence, source, id),
				earlier AS (PARTITION BY deal ORDER BY time, sequence, source, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
		) AS p
		GROUP BY deal
	)
) ` + a.theDays()
}

// currencyRank is how much the currency of a change is that of the amount: it is where it came with an amount, or with a partial change
// that gives or empties it; any other is wanted only where there is none of these.
const currencyRank = "multiIf(p.cleared = 'currency' OR p.currency != '' AND (part OR p.amount IS NOT NULL), 2, p.currency != '', 1, 0)"

// farther is more than a deal has changes: what is wanted first is moved by it.
const farther = "toUInt64(1099511627776)"
