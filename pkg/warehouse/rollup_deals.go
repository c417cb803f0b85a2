package warehouse

import "plumbline/pkg/event"

func dealsRollup() rollup {
	return rollup{
		table: "rollup_deals",
		columns: []string{
			"deal", "team", "workflow", "stage", "status", "amount", "currency", "created_at", "decided_at",
			"decided_day", "assisted", "margin", "experiment", "touches", "changes", "last_change", "identity",
		},
		concern: concern{event.KindPipeline, onDealDays, false},
		query:   dealsQuery,
	}
}

// onDealDays are changes because of which a deal may stand on one of the days: it stands on the day of its creation, or of
// its first change.
const onDealDays = rawDays + " OR toDate32(created_at) IN {raw_days:Array(Date32)}"

// dealCandidates are the deals that may stand on one of the days, and some more. Of a corrected change it takes the raw
// one and each correction, of which the last counts.
func dealCandidates(a amendments) string {
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
// stand on one of the days are read.
func dealsQuery(a amendments) string {
	candidates := dealCandidates(a)
	changes := rows{
		kind: event.KindPipeline, uncorrected: "deal IN (" + candidates + ")", columns: []string{
			"time", "source", "id", "identity", "deal", "team", "workflow", "stage", "status", "amount", "currency",
			"created_at", "closed_at", "assisted", "touches", "experiment", "margin", "sequence",
		},
	}
	// A correction may have brought a change to a deal that is none of them, of which the other changes are not here.
	wanted := ""
	if a.corrections {
		wanted = "WHERE deal IN (" + candidates + ")"
	}
	// The currency belongs to the amount: it is taken from the same change.
	return head + `deal, team, workflow, stage, status, amount, currency, created, decided,
	toDate32(toTimeZone(decided, {zone:String})), assisted, margin, experiment, touches, changes, last_change, identity
FROM (
	SELECT *,
		` + createdDay + ` AS local_day,
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
		FROM (SELECT *, (time, sequence, source, id) AS place FROM ` + changes.sql(a) + `) AS p
		` + wanted + `
		GROUP BY deal
	)
) ` + theDays
}
